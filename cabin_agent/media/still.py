"""A still picture for inspection: the camera's full size, far better than any rate of video."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from cabin_agent.media import mark
from cabin_agent.media.picture import Pixels
from cabin_agent.media.why import Why, sentence

QUALITY = 90
"""Of 100: below that the texture of skin begins to suffer."""


@dataclass(frozen=True, slots=True)
class Still:
    """A JPEG without any metadata of its own, and what is known of it."""

    jpeg: bytes
    width: int
    height: int
    taken_ms: int
    """System clock, milliseconds since 1970 UTC."""
    camera: str
    simulated: bool


class NoPicture(Exception):
    """No picture can be taken now."""

    def __init__(self, why: Why) -> None:
        super().__init__(sentence(why, "en"))
        self.why = why

    def sentence(self, language: str) -> str:
        """Why, in "fr" or "en"."""
        return sentence(self.why, language)


def develop(picture: Pixels, camera: str, taken_ms: int, simulated: bool) -> Still:
    """The JPEG of a BGR picture, with the words of simulation burnt in when it is simulated; it takes tens of ms."""
    height, width = picture.shape[:2]
    if simulated:
        picture = picture.copy()
        mark.burn(picture)
    good, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not good:
        raise NoPicture(Why.NO_PICTURE)
    return Still(jpeg.tobytes(), width, height, taken_ms, camera, simulated)
