"""A still picture of a consultation: what is known of it for the visit, and its JPEG as a track of the recording."""

from __future__ import annotations

import hashlib
from typing import get_type_hints

import cbor2
import dacite

from cabin_agent.media.wire import Picture
from cabin_agent.results import Still

JPEG = b"\xff\xd8\xff"


class BadPicture(Exception):
    """The picture cannot be kept; one sentence."""


def taken(picture: Picture) -> tuple[Still, bytes]:
    """The still and its track: CBOR of `{"stream": "still", "started_ms", "site", "side", "camera", "width",
    "height", "simulated", "sha256", "jpeg": bytes}`. Raises `BadPicture`.
    """
    if not picture.jpeg.startswith(JPEG):
        raise BadPicture("The camera gave no JPEG picture: take it again.")
    digest = hashlib.sha256(picture.jpeg).hexdigest()
    about = {**picture.about, "at_ms": picture.about.get("taken_ms"), "sha256": digest}
    try:
        still = dacite.from_dict(Still, {name: about.get(name) for name in get_type_hints(Still)})
    except dacite.DaciteError:
        raise BadPicture("The picture came without its side, its site or its camera: take it again.") from None
    return still, cbor2.dumps(_track(still, about.get("simulated") is not False, picture.jpeg), canonical=True)


def _track(still: Still, simulated: bool, jpeg: bytes) -> dict[str, object]:
    return {
        "stream": "still",
        "started_ms": still.at_ms,
        "site": still.site,
        "side": still.side,
        "camera": still.camera,
        "width": still.width,
        "height": still.height,
        "simulated": simulated,
        "sha256": still.sha256,
        "jpeg": jpeg,
    }
