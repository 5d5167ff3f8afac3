"""Still pictures: what is known of them is demanded, and the JPEG survives the recording byte by byte."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.wire import Picture
from cabin_agent.recorder import recording
from cabin_agent.results import Still
from cabin_agent.still import JPEG, MOST_BYTES, MOST_STILLS, BadPicture, check_room, taken

ABOUT: dict[str, Any] = {
    "site": "skin", "side": "none", "camera": "hand", "width": 1920, "height": 1080, "taken_ms": 1_795_254_120_000,
    "simulated": False,
}  # fmt: skip


@given(st.binary(max_size=200))
def test_the_jpeg_travels_in_the_recording_as_it_was_taken(content: bytes) -> None:
    still, track = taken(Picture(ABOUT, JPEG + content))
    digest = hashlib.sha256(JPEG + content).hexdigest()
    assert still == Still("skin", "none", 1_795_254_120_000, "hand", 1920, 1080, digest, False, len(JPEG + content))
    packed, _ = recording([track], simulated=False)
    (kept,) = cbor2.loads(packed)["tracks"]
    assert (kept["jpeg"], kept["sha256"], kept["stream"]) == (JPEG + content, digest, "still")


@pytest.mark.parametrize(("said", "kept"), [(False, False), (True, True), (None, True), ("no", True)])
def test_a_picture_that_does_not_say_that_it_is_real_is_simulated(said: object, kept: bool) -> None:
    still, track = taken(Picture({**ABOUT, "simulated": said}, JPEG))
    assert still.simulated is cbor2.loads(track)["simulated"] is kept
    del (unsaid := dict(ABOUT))["simulated"]
    assert cbor2.loads(taken(Picture(unsaid, JPEG))[1])["simulated"] is True


def test_a_consultation_has_room_for_so_many_pictures_and_bytes() -> None:
    still, _ = taken(Picture(ABOUT, JPEG))
    large = replace(still, size=MOST_BYTES // 2)
    check_room(large, [large])
    check_room(still, [still] * (MOST_STILLS - 1))
    for one, kept in (
        (still, [still] * MOST_STILLS),
        (still, [large, large]),
        (replace(still, size=MOST_BYTES), [still]),
    ):
        with pytest.raises(BadPicture, match="write down what you see in a note"):
            check_room(one, kept)


@pytest.mark.parametrize("key", ["site", "side", "camera", "width", "height", "taken_ms"])
@pytest.mark.parametrize("value", [None, "elsewhere", -1.5, [], {}])
def test_a_picture_without_its_side_or_site_is_not_kept(key: str, value: object) -> None:
    if (key, value) == ("camera", "elsewhere"):
        return
    with pytest.raises(BadPicture, match=r"take it again\.$") as refused:
        taken(Picture({**ABOUT, key: value}, JPEG))
    assert "elsewhere" not in str(refused.value)


@pytest.mark.parametrize("jpeg", [b"", JPEG[:2], b"\x89PNG", b"GIF89a"])
def test_only_a_jpeg_is_a_picture(jpeg: bytes) -> None:
    with pytest.raises(BadPicture, match="no JPEG"):
        taken(Picture(ABOUT, jpeg))
