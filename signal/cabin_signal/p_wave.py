"""Whether a P wave goes before the beats: whether what lies before each QRS is the same from beat to beat.

The stretch from 240 to 96 ms before R, smoothed over 40 ms (two periods of the mains, less than half a P wave),
straightened and brought to one size, is a direction; the measure is the mean
cosine between the directions of two beats, (|sum u|² - n) / (n (n - 1)). A P wave, whatever its shape, makes it near
one; f waves, which know nothing of the QRS, leave it around zero, and so does noise: a low value alone says nothing.
The averaged P wave is the common way to see one under noise (so Petrenas et al. 2015); cosines instead of its height
make the measure free of gain and sign, and one artefact weighs no more than one beat.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from cabin_signal.filters import Samples
from cabin_signal.rhythm_waves import BEFORE

PWave = Literal["seen", "not-seen", "cannot-tell"]
"""What may be said of P waves in a window."""

FROM, TO = BEFORE - 30, BEFORE - 11
"""From 240 ms before R to 96 ms, with what is averaged to 80 ms: hardly a QRS has begun by then."""
SMOOTH = 5
"""Values that are averaged: 40 ms."""
SEEN, UNSEEN = 0.3, 0.1
"""Agreement from which a P wave is seen, and below which none is."""
FEWEST = 8
"""Beats below which nothing is said."""


def agreement(waves: Samples) -> float | None:
    """The mean cosine for `waves` (n, values) of usual beats, about 0 to 1; None where there are too few."""
    n = len(waves)
    if n < FEWEST:
        return None
    before = _straight(_smooth(waves[:, FROM - SMOOTH // 2 : TO + SMOOTH // 2]))
    size = np.linalg.norm(before, axis=1, keepdims=True)
    total = (before / np.maximum(size, 1e-9)).sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))


def _smooth(waves: Samples) -> Samples:
    n = waves.shape[1] - SMOOTH + 1
    smooth: Samples = np.mean([waves[:, i : i + n] for i in range(SMOOTH)], axis=0)
    return smooth


def _straight(waves: Samples) -> Samples:
    """Without the level and the slope of each."""
    t = np.arange(waves.shape[1]) - (waves.shape[1] - 1) / 2
    level = waves - waves.mean(axis=1, keepdims=True)
    straight: Samples = level - np.outer(level @ t / (t @ t), t)
    return straight


def word(found: float | None) -> PWave:
    """The word for an agreement."""
    if found is None or UNSEEN <= found < SEEN:
        return "cannot-tell"
    return "seen" if found >= SEEN else "not-seen"
