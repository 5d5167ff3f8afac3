"""The card that stands in place of a picture: it says that there is none, why, and what to do."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cabin_agent.media import mark
from cabin_agent.media.lettering import BOLD, lines, text_width, write
from cabin_agent.media.picture import Pixels, to_i420
from cabin_agent.media.why import Why, sentence

GROUND, HEADING_INK, INK = (48, 36, 24), (255, 255, 255), (210, 210, 210)
HEADINGS = {"fr": "Pas d’image", "en": "No picture"}


@lru_cache(maxsize=8)
def card(width: int, height: int, why: Why, language: str, simulated: bool) -> Pixels:
    """The card as I420 planes, (height * 3 / 2, width) bytes; both sizes even. Callers only read it."""
    picture = np.full((height, width, 3), GROUND, np.uint8)
    size = max(10, min(width // 16, height // 9))
    _centred(picture, HEADINGS.get(language, HEADINGS["en"]), height * 2 // 5, size * 5 // 4, HEADING_INK, BOLD)
    small = max(8, size * 3 // 4)
    for number, line in enumerate(lines(sentence(why, language), width * 9 // 10, small)):
        _centred(picture, line, height * 2 // 5 + size * 2 + number * small * 3 // 2, small, INK)
    if simulated:
        mark.burn(picture)
    return to_i420(picture)


def _centred(
    picture: Pixels, text: str, base: int, size: int, colour: tuple[int, int, int], weight: int = 400
) -> None:
    left = (picture.shape[1] - text_width(text, size, weight)) // 2
    write(picture, text, (max(0, left), base), size, colour, weight)
