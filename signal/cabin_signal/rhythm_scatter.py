"""How irregular intervals are: how far each pair of neighbours lies from every other pair.

Two successive intervals are a point of the Poincaré plot. A heart that repeats itself, if only as a pattern of extra
beats does, comes back to the same few places; one that is irregularly irregular never does. The measure is the mean
logarithm of the distance from each point to its nearest neighbour, which but for constants is the entropy of the plot
after Kozachenko and Leonenko ("Sample estimate of the entropy of a random vector", 1987).

Distances count in parts of the time that is left after the shortest interval of an atrioventricular node (0.28 s): a
fast heart has less room to be irregular in. This, and not a fitted weight for the heart rate, is what makes one limit
do for slow and fast hearts.

Neither sample entropy corrected for the rate (COSEn) nor counts in a plot of differences (AFEvidence) are used: both
are covered by patents.
"""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples

SHORTEST_S = 0.28
"""Intervals of an irregular heart are hardly ever shorter."""
LEAST_ROOM_S = 0.2
"""What is left after it is taken to be so much at least: the intervals of a regular tachycardia tremble too."""
JITTER = 0.01
"""Distances, in parts of the median interval, are known no better: R peaks are found to some 8 ms."""
FEWEST_POINTS = 8
"""Fewer say nothing."""


def irregularity(rr_s: Samples) -> float | None:
    """The measure for successive intervals in seconds; NaN where one is unknown; None where there are too few.

    Without unit. Near -4 for a metronome, -3.5 for a breathing sinus rhythm, -2.2 for an irregularly irregular one.
    """
    points = np.stack((rr_s[:-1], rr_s[1:]))
    points = points[:, np.isfinite(points).all(axis=0)]
    if points.shape[1] < FEWEST_POINTS:
        return None
    usual = float(np.median(points))
    room = max(usual - SHORTEST_S, LEAST_ROOM_S)
    return float(np.mean(np.log((_nearest(points) + JITTER * usual) / room)))


def _nearest(points: Samples) -> Samples:
    """From each of `points` (2, n) to its nearest neighbour, the larger of the two differences."""
    distance = np.abs(points[:, :, None] - points[:, None, :]).max(axis=0)
    np.fill_diagonal(distance, np.inf)
    nearest: Samples = distance.min(axis=1)
    return nearest


def without(extra: list[bool], at_s: Samples, known: list[bool]) -> Samples:
    """The intervals in seconds as if beats marked `extra` had not come: successive, NaN where there is a break.

    `at_s`: times of the beats; `known[i]`: whether the interval that ends with beat i is one. A single extra beat and
    the pause after it last two intervals, of which each is taken to be half. Two extra beats in a row are a break.
    """
    out: list[float] = []
    last: int | None = None
    for i, (is_extra, is_known) in enumerate(zip(extra, known, strict=True)):
        if i and not is_known:
            last = None
            out.append(np.nan)
        if is_extra:
            continue
        if last is not None:
            out.append((at_s[i] - at_s[last]) / (i - last) if i - last <= 2 else np.nan)
        last = i
    return np.array(out)
