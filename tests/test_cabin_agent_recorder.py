"""The raw recording: what went in comes out within half a count, gaps stay gaps, equal input gives equal bytes."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any, Literal

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.wire import Picture
from cabin_agent.recorder import SCALES, LeftOut, Track, fitting, is_simulated, recording, samples
from cabin_agent.still import taken
from drivers.events import Wave

Stream = Literal["pleth", "ecg", "cuff"]
UNIT: dict[Stream, str] = {"pleth": "1", "ecg": "mV", "cuff": "mm[Hg]"}
LIMIT: dict[Stream, float] = {"pleth": 65535.0, "ecg": 190.0, "cuff": 300.0}


def wave(stream: Stream, index: int, rows: tuple[tuple[float, ...], ...], rate: float = 250.0) -> Wave:
    channels = tuple(f"c{number}" for number in range(len(rows[0])))
    return Wave(stream, index, rate, UNIT[stream], channels, rows)


def packed(*waves: Wave, started_ms: int = 7) -> dict[str, Any]:
    track = Track(started_ms)
    for each in waves:
        track.add(each)
    content: dict[str, Any] = cbor2.loads(track.packed())
    return content


@st.composite
def tracks(draw: st.DrawFn) -> list[Wave]:
    stream: Stream = draw(st.sampled_from(("pleth", "ecg", "cuff")))
    width = draw(st.integers(1, 8))
    value = st.floats(-LIMIT[stream], LIMIT[stream])
    index, waves = draw(st.integers(0, 10**6)), []
    for _ in range(draw(st.integers(1, 6))):
        rows = draw(st.lists(st.tuples(*[value] * width), min_size=1, max_size=5))
        waves.append(wave(stream, index, tuple(rows)))
        index += len(rows) + draw(st.sampled_from((0, 0, 1, 250)))
    return waves


@given(tracks())
def test_what_went_in_comes_out_within_half_a_count(waves: list[Wave]) -> None:
    content = packed(*waves)
    told = np.array([row for each in waves for row in each.samples]).T
    back = samples(content)
    assert back.shape == told.shape
    assert np.abs(back - told).max() <= SCALES[waves[0].unit] / 2 * (1 + 1e-6)


@given(tracks())
def test_every_sample_can_be_put_back_where_it_was(waves: list[Wave]) -> None:
    content = packed(*waves)
    placed: list[int] = []
    jumps = [*content["index"], [samples(content).shape[1], 0]]
    for (position, index), (following, _) in pairwise(jumps):
        placed += range(index, index + following - position)
    assert placed == [each.index + n for each in waves for n in range(len(each.samples))]


@given(tracks())
def test_blocks_of_any_size_give_the_same_bytes(waves: list[Wave]) -> None:
    single = [
        Wave(each.stream, each.index + n, each.rate, each.unit, each.channels, (row,))
        for each in waves
        for n, row in enumerate(each.samples)
    ]
    assert packed(*single) == packed(*waves)


def test_the_bytes_are_these() -> None:
    content = packed(
        wave("ecg", 500, ((0.5, -1.0), (0.00001, 0.0))), wave("ecg", 503, ((-0.00002, 187.5),)), started_ms=42
    )
    assert content == {
        "stream": "ecg",
        "rate": 250.0,
        "unit": "mV",
        "scale": 1e-5,
        "channels": ["c0", "c1"],
        "started_ms": 42,
        "index": [[0, 500], [2, 503]],
        "samples": bytes.fromhex("50c3000001000000feffffff6079feff00000000301a1e01"),
    }


def test_a_stream_without_a_gap_has_one_index() -> None:
    content = packed(wave("cuff", 0, ((120.0,), (119.9,))), wave("cuff", 2, ((119.8,),)))
    assert content["index"] == [[0, 0]]
    assert np.allclose(samples(content), [[120.0, 119.9, 119.8]])


def test_numbering_that_begins_again_is_a_jump_too() -> None:
    assert packed(wave("pleth", 9, ((1.0,),)), wave("pleth", 0, ((2.0,),)))["index"] == [[0, 9], [1, 0]]


def test_nothing_that_arrived_is_no_track() -> None:
    assert Track(0).packed() == b""


@pytest.mark.parametrize("stream", UNIT)
def test_every_unit_of_a_stream_has_a_scale_that_holds_its_range(stream: Stream) -> None:
    assert LIMIT[stream] / SCALES[UNIT[stream]] < 2**31
    content = packed(wave(stream, 0, ((LIMIT[stream],), (-LIMIT[stream],))))
    assert np.allclose(samples(content), [[LIMIT[stream], -LIMIT[stream]]])


def test_a_recording_holds_its_tracks_says_simulated_and_has_its_digest() -> None:
    first, second = Track(1), Track(2)
    first.add(wave("pleth", 0, ((3.0,),), rate=75.0))
    second.add(wave("cuff", 0, ((80.0,),)))
    content, digest = recording([first.packed(), second.packed()], simulated=True)
    assert digest == hashlib.sha256(content).hexdigest()
    told = cbor2.loads(content)
    assert (told["version"], told["simulated"]) == (1, True)
    assert [(track["stream"], track["rate"], track["started_ms"]) for track in told["tracks"]] == [
        ("pleth", 75.0, 1),
        ("cuff", 250.0, 2),
    ]
    assert cbor2.loads(recording([], simulated=False)[0]) == {"version": 1, "simulated": False, "tracks": []}


def test_the_content_is_deterministic_cbor() -> None:
    track = Track(1)
    track.add(wave("pleth", 0, ((3.0,),)))
    content, digest = recording([track.packed()], simulated=False)
    assert (content, digest) == recording([track.packed()], simulated=False)
    assert cbor2.dumps(cbor2.loads(content), canonical=True) == content
    assert recording([track.packed()], simulated=True)[1] != digest


JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) + b"\xff\xd9"


def still(*, simulated: bool = False) -> bytes:
    """A picture of the doctor as a track, as the consultation keeps it."""
    about = {"site": "ear", "side": "left", "camera": "Otoscope", "width": 640, "height": 480, "taken_ms": 9}
    return taken(Picture({**about, "simulated": simulated}, JPEG))[1]


def test_a_picture_travels_among_the_waves_and_changes_none_of_them() -> None:
    track = Track(1)
    track.add(wave("pleth", 0, ((3.0,), (4.0,))))
    told = cbor2.loads(recording([track.packed(), still()], simulated=False)[0])
    pleth, picture = told["tracks"]
    assert samples(pleth).tolist() == [[3.0, 4.0]]
    assert (picture["stream"], picture["site"], picture["side"], picture["camera"]) == (
        "still",
        "ear",
        "left",
        "Otoscope",
    )
    assert (picture["width"], picture["height"], picture["started_ms"]) == (640, 480, 9)
    assert picture["jpeg"] == JPEG
    assert picture["sha256"] == hashlib.sha256(JPEG).hexdigest()


def test_what_fits_is_kept_and_pictures_are_left_out_before_samples() -> None:
    track = Track(1)
    track.add(wave("pleth", 0, ((3.0,),)))
    tracks = [track.packed(), still(), track.packed(), still()]
    digest = hashlib.sha256(JPEG).hexdigest()
    whole = sum(map(len, tracks)) + 1024
    assert fitting(tracks, whole) == (tracks, LeftOut())
    assert not LeftOut()
    assert fitting(tracks, whole - 1) == (tracks[:3], LeftOut((digest,)))
    assert fitting(tracks, whole - 2 * len(still())) == ([tracks[0], tracks[2]], LeftOut((digest, digest)))
    assert fitting(tracks, whole - 2 * len(still()) - 1) == (tracks[:1], LeftOut((digest, digest), 1))
    assert fitting(tracks, 0) == ([], LeftOut((digest, digest), 2))
    content, _ = recording([], simulated=False, left_out=LeftOut((digest,), 2))
    assert cbor2.loads(content)["left_out"] == {"pictures": 1, "stretches": 2}


def test_a_recording_that_hides_a_simulated_picture_is_not_believed() -> None:
    told = cbor2.loads(recording([still(simulated=True)], simulated=False)[0])
    for tracks in (told["tracks"], [1], None):
        assert is_simulated(cbor2.dumps({**told, "simulated": False, "tracks": tracks}))


@pytest.mark.parametrize(("cabin", "picture"), [(False, False), (False, True), (True, False)])
def test_one_simulated_picture_makes_the_recording_simulated(cabin: bool, picture: bool) -> None:
    content, digest = recording([still(simulated=picture)], simulated=cabin)
    assert is_simulated(content) is (cabin or picture)
    assert (content, digest) == recording([still(simulated=picture)], simulated=cabin)
