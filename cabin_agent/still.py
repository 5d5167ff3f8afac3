"""A still picture of a consultation: what is known of it for the visit, and its JPEG as a track of the recording."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import get_type_hints

import cbor2
import dacite

from cabin_agent.media.wire import Picture
from cabin_agent.results import Still

JPEG = b"\xff\xd8\xff"
MOST_STILLS = 40
"""Pictures that one consultation keeps."""
MOST_BYTES = 24 << 20
"""Bytes of all their JPEGs: they travel in one recording with the samples, and that holds 32 MiB."""


class BadPicture(Exception):
    """The picture cannot be kept; one sentence."""


def taken(picture: Picture) -> tuple[Still, bytes]:
    """The still and its track: CBOR of `{"stream": "still", "started_ms", "site", "side", "camera", "width",
    "height", "simulated", "sha256", "jpeg": bytes}`. Raises `BadPicture`.
    """
    if not picture.jpeg.startswith(JPEG):
        raise BadPicture("The camera gave no JPEG picture: take it again.")
    digest = hashlib.sha256(picture.jpeg).hexdigest()
    simulated = picture.about.get("simulated") is not False
    about = {**picture.about, "at_ms": picture.about.get("taken_ms"), "sha256": digest, "simulated": simulated}
    about["size"] = len(picture.jpeg)
    try:
        still = dacite.from_dict(Still, {name: about.get(name) for name in get_type_hints(Still)})
    except dacite.DaciteError:
        raise BadPicture("The picture came without its side, its site or its camera: take it again.") from None
    return still, cbor2.dumps(_track(still, picture.jpeg), canonical=True)


def check_room(still: Still, kept: Iterable[Still]) -> None:
    """Raises `BadPicture` where a consultation that has the pictures `kept` has no room for another one."""
    sizes = [each.size for each in kept]
    if len(sizes) >= MOST_STILLS:
        raise BadPicture(f"A consultation keeps {MOST_STILLS} pictures: write down what you see in a note.")
    if sum(sizes) + still.size > MOST_BYTES:
        raise BadPicture(
            f"A consultation keeps {MOST_BYTES >> 20} MB of pictures: write down what you see in a note instead."
        )


def _track(still: Still, jpeg: bytes) -> dict[str, object]:
    return {
        "stream": "still",
        "started_ms": still.at_ms,
        "site": still.site,
        "side": still.side,
        "camera": still.camera,
        "width": still.width,
        "height": still.height,
        "simulated": still.simulated,
        "sha256": still.sha256,
        "jpeg": jpeg,
    }
