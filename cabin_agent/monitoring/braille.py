"""A trace in braille characters: two dots across and four down in each: a wave in a few lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

Sample = float | None
"""None: no sample, which is left blank."""

BLANK = 0x2800
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bit of each dot of a character, by column and row."""
ACROSS, DOWN = 2, 4


def braille(samples: Sequence[Sample], width: int, height: int) -> list[str]:
    """The whole of `samples` as `height` lines of `width` characters, scaled from its least to its greatest value.

    Where several samples share a column of dots, all between the lowest and the highest of them is drawn.
    """
    there = [value for value in samples if value is not None]
    if not there or width < 1 or height < 1:
        return [chr(BLANK) * max(width, 0)] * max(height, 0)
    low, high = min(there), max(there)
    rows = height * DOWN
    cells = [[BLANK] * width for _ in range(height)]
    before: int | None = None
    for column, run in enumerate(_columns(samples, width * ACROSS)):
        heights = [_row(value, low, high, rows) for value in run if value is not None]
        if heights:
            # A steep edge is a line and not two dots far apart.
            joined = heights if before is None else [*heights, before + (heights[0] > before) - (heights[0] < before)]
            _draw(cells, column, min(joined), max(joined))
        elif not run and before is not None:
            _draw(cells, column, before, before)  # between two samples of a slow wave
        if run:
            before = heights[-1] if run[-1] is not None and heights else None
    return ["".join(map(chr, line)) for line in cells]


def _columns(samples: Sequence[Sample], count: int) -> Iterator[Sequence[Sample]]:
    """The samples of each column, from left to right."""
    edges = [round(n * len(samples) / count) for n in range(count + 1)]
    return (samples[first:last] for first, last in pairwise(edges))


def _row(value: float, low: float, high: float, rows: int) -> int:
    """The row of dots of a value, 0 at the top; the middle where all values are one."""
    place = 0.5 if math.isclose(low, high) else (value - low) / (high - low)
    return round((1.0 - place) * (rows - 1))


def _draw(cells: list[list[int]], column: int, top: int, bottom: int) -> None:
    for row in range(top, bottom + 1):
        cells[row // DOWN][column // ACROSS] |= DOTS[column % ACROSS][row % DOWN]
