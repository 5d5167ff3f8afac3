"""A clock in a picture that programs can read back after encoding: it measures the time from glass to glass.

Two rows of 32 cells lie along the picture's bottom edge over its whole width; a row is 1/18 of the picture's height.
The cells, row by row and most significant bit first, white for 1, are 64 bits: 32 of the system clock in milliseconds
(modulo 2**32, so that a browser on the same machine can compare it with `Date.now()`), 16 of a counter of pictures,
and 16 of a checksum: CRC-16 with the polynomial 0x1021, the start value 0xFFFF and no reflection, over the six bytes
before it. Cells of at least five pixels survive 120 kbit/s: a reader takes the middle of each cell, and believes what
the checksum confirms.
"""

from __future__ import annotations

import binascii
import struct

import cv2
import numpy as np

from cabin_agent.media.picture import Pixels, Shape, place

COLUMNS, ROWS = 32, 2
ROWS_PER_PICTURE = 18
BLACK, WHITE = 16, 235
CONTENT = struct.Struct(">IH")
SUM = struct.Struct(">H")


def draw(picture: Pixels, ms: int, counter: int) -> None:
    """Write the clock (any integers; they are cut to 32 and 16 bits) into the bottom of a BGR picture."""
    height, width = picture.shape[:2]
    content = CONTENT.pack(ms & 0xFFFFFFFF, counter & 0xFFFF)
    bits = np.unpackbits(np.frombuffer(content + SUM.pack(_checksum(content)), np.uint8)).reshape(ROWS, COLUMNS)
    cells = np.where(bits, np.uint8(WHITE), np.uint8(BLACK))
    size = (width, height // ROWS_PER_PICTURE * ROWS)
    picture[height - size[1] :] = cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST)[..., None]


def read(grey: Pixels, aspect: float = 16 / 9) -> tuple[int, int] | None:
    """Milliseconds and counter of a grey (height, width) picture, None when they cannot be read.

    `aspect` is width to height of the picture that was drawn on; black bars around it are allowed for.
    """
    height, width = grey.shape[:2]
    drawn = round(aspect * 9000)
    left, top, inner_width, inner_height = place(drawn, 9000, Shape(width, height, 0))
    cells = _cells(grey[top : top + inner_height, left : left + inner_width])
    if cells is None:
        return None
    content, checksum = cells[: CONTENT.size], cells[CONTENT.size :]
    if SUM.unpack(checksum)[0] != _checksum(content):
        return None
    ms, counter = CONTENT.unpack(content)
    return ms, counter


def _cells(grey: Pixels) -> bytes | None:
    """The eight bytes of the cells, None when the picture is too small or has no contrast there."""
    height, width = grey.shape
    row, column = height / ROWS_PER_PICTURE, width / COLUMNS
    if row < 3 or column < 3:
        return None
    levels = np.empty((ROWS, COLUMNS))
    for y in range(ROWS):
        upper = height - (ROWS - y) * row
        lines = grey[int(upper + row * 0.3) : int(upper + row * 0.7) + 1].mean(axis=0)
        for x in range(COLUMNS):
            levels[y, x] = lines[int((x + 0.3) * column) : int((x + 0.7) * column) + 1].mean()
    low, high = levels.min(), levels.max()
    if high - low < 40:
        return None
    return np.packbits(levels > (low + high) / 2).tobytes()


def _checksum(content: bytes) -> int:
    return binascii.crc_hqx(content, 0xFFFF)
