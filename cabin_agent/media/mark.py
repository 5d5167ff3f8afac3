"""The words that say in the picture itself that what is seen may not be the cabin now.

They stand at the top, black on amber, over three quarters of the width, so that they stay legible in the smallest
picture the link can carry; the bottom, where the readable clock is (`cabin_agent.media.barcode`), stays free.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from cabin_agent.media.lettering import BOLD, text_width, write
from cabin_agent.media.picture import Pixels, planes, to_i420

WORDS = "SIMULÉ · SIMULATED"
AMBER, BLACK = (0, 191, 255), (0, 0, 0)


def burn(picture: Pixels) -> None:
    """Write the words into a BGR picture."""
    patch = _patch(picture.shape[1], picture.shape[0])
    left, top = _corner(picture.shape[1], picture.shape[0], patch)
    picture[top : top + patch.shape[0], left : left + patch.shape[1]] = patch


def burn_i420(i420: Pixels) -> None:
    """Write the words into an I420 picture."""
    width, height = i420.shape[1], i420.shape[0] * 2 // 3
    patch = _patch_i420(width, height)
    left, top = _corner(width, height, _patch(width, height))
    for plane, part, scale in zip(planes(i420), planes(patch), (1, 2, 2), strict=True):
        rows, columns = part.shape
        plane[top // scale : top // scale + rows, left // scale : left // scale + columns] = part


def _corner(width: int, height: int, patch: Pixels) -> tuple[int, int]:
    """Left and top of the patch, both even because a chroma sample covers two pixels."""
    return (width - patch.shape[1]) // 4 * 2, height // 100 * 2


@lru_cache(maxsize=16)
def _patch(width: int, height: int) -> Pixels:
    """The words on their ground for a picture of this size; width and height are even."""
    size = max(6, min(int(width * 0.72 / text_width(WORDS, 100, BOLD) * 100), int(height * 0.12)))
    inner = text_width(WORDS, size, BOLD)
    patch = np.full((size * 7 // 10 * 2, min(width, inner + size) // 2 * 2, 3), AMBER, np.uint8)
    write(patch, WORDS, ((patch.shape[1] - inner) // 2, size * 11 // 10), size, BLACK, BOLD)
    cv2.rectangle(patch, (0, 0), (patch.shape[1] - 1, patch.shape[0] - 1), BLACK, max(1, size // 20))
    return patch


@lru_cache(maxsize=16)
def _patch_i420(width: int, height: int) -> Pixels:
    return to_i420(_patch(width, height))
