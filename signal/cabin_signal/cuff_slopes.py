"""The derivative method: where the oscillogram climbs and falls most steeply.

For any artery that is softest at zero transmural pressure the envelope falls most steeply at the systolic pressure
and climbs most steeply at the diastolic one (exact for two exponentials: clinical reference 1.3, 1.5). What noise
leaves of that: the slope is that of a straight line through the beats around each pressure, and the wider they are
taken, the more both crossings move inward.
"""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples

GRID_MMHG = 0.5
NARROWEST_MMHG, BEATS_WIDE = 6.0, 2.0
"""Width (standard deviation) of the neighbourhood: so much, and at least so many distances between beats."""
FEWEST = 6


def steepest(cuff: Samples, heights: Samples) -> tuple[float, float] | None:
    """(systolic, diastolic) in mmHg from cuff pressures and heights of beats; None where it only climbs or falls."""
    order = np.argsort(cuff, kind="stable")
    x, y = cuff[order], heights[order]
    if len(x) < FEWEST or x[-1] - x[0] < 4 * NARROWEST_MMHG:
        return None
    grid = np.arange(x[0], x[-1], GRID_MMHG)
    level, slope = _lines(grid, x, y, max(NARROWEST_MMHG, BEATS_WIDE * float(np.median(np.diff(x)))))
    top = int(np.argmax(level))
    if top < 2 or top > len(grid) - 3:
        return None
    return float(grid[top + int(np.argmin(slope[top:]))]), float(grid[int(np.argmax(slope[: top + 1]))])


def _lines(at: Samples, x: Samples, y: Samples, width: float) -> tuple[Samples, Samples]:
    """Height and slope at each `at` of the line through the points around it, weighed by a bell of this width."""
    weight = np.exp(-0.5 * ((at[:, None] - x) / width) ** 2)
    total = weight.sum(axis=1)
    x0, y0 = weight @ x / total, weight @ y / total
    dx = x - x0[:, None]
    slope = (weight * dx * (y - y0[:, None])).sum(axis=1) / np.maximum((weight * dx * dx).sum(axis=1), 1e-9)
    return y0 + slope * (at - x0), slope
