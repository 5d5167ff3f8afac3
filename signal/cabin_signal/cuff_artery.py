"""An artery under a cuff: two exponentials, and the oscillogram that they make.

Volume against transmural pressure `P` (inside less outside, mmHg), Babbs, "Oscillometric measurement of systolic and
diastolic blood pressures validated in a physiologic mathematical model", BioMed Eng OnLine 2012, 11:56:

    V(P) = closed e^(P / closed)                      P < 0
    V(P) = closed + open (1 - e^(-P / open))          P >= 0

with a scale in mmHg for the collapsed side and one for the open side; the unit of volume is free. It puts the softest
point of the artery at P = 0. An artery that is softest at P0 shifts every pressure found by -P0, and no envelope can
show it: that is a stated part of the uncertainty (`cuff_combined`), not of the fit. Tried on this law at P0 = 0 a fit
is right to a tenth of a mmHg, which says nothing of arms: on an arctan artery at P0 = 10 it is 10 mmHg too low
(clinical reference 1.6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cabin_signal.filters import Samples
from cabin_signal.least_squares import Fit, fitted, softened

CLOSED_MMHG, OPEN_MMHG = 13.0, 25.0
"""Scales to begin with, in the middle of what arteries have (8 to 20, 15 to 40)."""
SCALE_SPREAD = 0.4
"""How far the logarithm of a scale may well be from there."""
BEAT_NOISE = 0.04
"""Of an amplitude, as part of the largest."""
NUDGE = (0.05, 0.05, 1e-3, 1e-3, 1e-3, 1e-3)
LONGEST = (15.0, 15.0, 0.7, 0.7, 1.0, 0.7)
"""For systolic, diastolic (mmHg), and the logarithms of the two scales, the size, and (pulses only) the lag."""


def volume(transmural: Samples, closed: float, open_: float) -> Samples:
    """Volume at these pressures, in mmHg of the scales."""
    below = closed * np.exp(np.minimum(transmural, 0.0) / closed)
    return np.asarray(below - open_ * np.expm1(-np.maximum(transmural, 0.0) / open_))


def pressure(volumes: Samples, closed: float, open_: float) -> Samples:
    """The transmural pressure at which the artery has these volumes, the inverse of `volume`; far ends are cut."""
    below = closed * np.log(np.maximum(volumes, 1e-9) / closed)
    above = -open_ * np.log1p(-np.minimum((volumes - closed) / open_, 1 - 1e-6))
    return np.asarray(np.where(volumes < closed, below, above))


def amplitude(
    foot: Samples, peak: Samples, systolic: float, diastolic: float, closed: float, open_: float
) -> Samples:
    """What a beat adds to the artery's volume, cuff pressures at its foot and at its peak in mmHg."""
    return volume(systolic - peak, closed, open_) - volume(diastolic - foot, closed, open_)


def fit_heights(foot: Samples, peak: Samples, heights: Samples, start: tuple[float, float]) -> Fit | None:
    """Systolic, diastolic and the artery's scales from the heights of the beats; None where nothing fits.

    `foot` and `peak` are the cuff pressures of each beat in mmHg, `heights` their amplitudes in proportion to volume,
    `start` a first systolic and diastolic. Parameters of the fit: systolic, diastolic, ln closed, ln open, ln size.
    """

    def model(q: Samples) -> Samples:
        closed, open_, size = np.exp(q[2:5])
        return np.asarray(size * amplitude(foot, peak, q[0], q[1], closed, open_))

    largest = float(heights.max())

    def residuals(q: Samples) -> Samples:
        apart = (model(q) - heights) / (BEAT_NOISE * largest)
        return np.concatenate((softened(apart), scale_doubts(q)))

    return fitted(residuals, first(start, model, heights), np.array(NUDGE[:5]), np.array(LONGEST[:5]))


def scale_doubts(q: Samples) -> Samples:
    """How unlikely the two scales are, as residuals."""
    return np.array([(q[2] - np.log(CLOSED_MMHG)) / SCALE_SPREAD, (q[3] - np.log(OPEN_MMHG)) / SCALE_SPREAD])


def first(start: tuple[float, float], model: Callable[[Samples], Samples], heights: Samples) -> Samples:
    """Parameters to begin with: the likely scales, and the size that fits these heights best."""
    q = np.array([*start, np.log(CLOSED_MMHG), np.log(OPEN_MMHG), 0.0])
    made = model(q)
    q[4] = np.log(max(float(made @ heights) / max(float(made @ made), 1e-12), 1e-9))
    return q
