"""Text in a picture, with accents: the font that OpenCV 5 carries, one place for its interface."""

from __future__ import annotations

import threading

import cv2

from cabin_agent.media.picture import Pixels

REGULAR, BOLD = 400, 700
"""Weights of the font."""
Colour = tuple[int, int, int]
"""Blue, green, red."""
_one_thread = threading.local()


def write(picture: Pixels, text: str, at: tuple[int, int], size: int, colour: Colour, weight: int = REGULAR) -> None:
    """Write one line into a BGR picture; `at` is the left end of its base line, `size` the font's size in pixels."""
    cv2.putText(picture, text, at, colour, _font(), size, weight)


def text_width(text: str, size: int, weight: int = REGULAR) -> int:
    """Pixels from the first to the last letter of a line."""
    return int(cv2.getTextSize((1, 1), text, (0, 0), _font(), size, weight)[2])


def lines(text: str, width: int, size: int) -> list[str]:
    """The text in lines no wider than `width` pixels, broken between words."""
    result: list[str] = []
    for word in text.split():
        longer = f"{result[-1]} {word}" if result else word
        if result and text_width(longer, size) <= width:
            result[-1] = longer
        else:
            result.append(word)
    return result


def _font() -> cv2.FontFace:
    """The font of this thread: one object must not draw in two threads at once."""
    if not hasattr(_one_thread, "font"):
        _one_thread.font = cv2.FontFace("sans")
    font: cv2.FontFace = _one_thread.font
    return font
