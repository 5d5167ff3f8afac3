"""Fingers whose pulses are known: the two-Gaussian pulse that Tang et al. 2020 fitted to real ones, and its light.

Nothing here is used by the analysis, and no law here is one that it assumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from tests.cabin_signal_models import Array

Shape = Literal["excellent", "acceptable"]
# Table 1: a1, theta1, b1, a2, theta2, b2, over one beat as -pi to pi.
SHAPES: dict[Shape, tuple[float, ...]] = {
    "excellent": (1.0, -1.5161, 0.6303, 0.1999, 0.8186, 1.0225),
    "acceptable": (0.7303, -1.5510, 0.7283, 0.5291, -0.2553, 1.2271),
}


def beats(rate: float, seconds: float, seed: int = 1, spread: float = 0.03) -> Array:
    """Times at which pulses begin, for a rate a minute: breathing moves the interval by `spread`."""
    rng = np.random.default_rng(seed)
    usual = 60 / rate
    times = [0.1]
    while times[-1] < seconds:
        wobble = spread * np.sin(2 * np.pi * 0.25 * times[-1]) + rng.normal(0, 0.01)
        times.append(times[-1] + usual * (1 + wobble))
    return np.array(times)


def pleth(starts: Sequence[float] | Array, fs: float, seconds: float, shape: Shape = "excellent") -> Array:
    """One pulse of height about 1 from each start to the next."""
    a1, t1, b1, a2, t2, b2 = SHAPES[shape]
    t = np.arange(round(seconds * fs)) / fs
    x = np.zeros(len(t))
    for start, end in pairwise(starts):
        first, last = np.searchsorted(t, (start, end))
        z = 2 * np.pi * (t[first:last] - start) / (end - start) - np.pi
        x[first:last] = a1 * np.exp(-((z - t1) ** 2) / (2 * b1**2)) + a2 * np.exp(-((z - t2) ** 2) / (2 * b2**2))
    return x


def peaks(starts: Sequence[float] | Array, fs: float, seconds: float, shape: Shape = "excellent") -> list[int]:
    """Samples of the systolic peaks, read off the law on a fine grid."""
    z = np.linspace(-np.pi, np.pi, 20001)
    a1, t1, b1, a2, t2, b2 = SHAPES[shape]
    curve = a1 * np.exp(-((z - t1) ** 2) / (2 * b1**2)) + a2 * np.exp(-((z - t2) ** 2) / (2 * b2**2))
    at = float(np.argmax(curve)) / (len(z) - 1)
    return [round((s + at * (e - s)) * fs) for s, e in pairwise(starts) if s + at * (e - s) < seconds]


def light(wave: Array, percent: float, steady: float = 50_000.0) -> Array:
    """Raw light through a finger: less of it at each pulse, by `percent` of the steady part."""
    return steady * (1 - percent / 100 * wave)
