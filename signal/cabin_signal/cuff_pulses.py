"""The whole pulse under the cuff fitted, not only its height: the artery, the tissue's lag and the arm's own wave.

Above the systolic pressure only the tip of the pulse opens the artery; the flesh between artery and cuff follows it
with a lag, and so a narrow pulse loses more of its height than a broad one. A fit of heights takes that loss for a
lower systolic pressure (5 mmHg at a lag of 60 ms, 11 at 150). The area of a pulse does not change with a lag, so that
height and area together tell the lag. The shape of the wave inside the artery is read from the beats well below the
diastolic pressure, where the artery never closes, back through the lag and the artery's own law.

Own construction on the artery of Babbs 2012 (`cuff_artery`); that viscoelasticity disturbs fits of the height more
than fits of the area is shown in Front Physiol 2025, 16:1611096.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cabin_signal.cuff_artery import (
    BEAT_NOISE,
    LONGEST,
    NUDGE,
    first,
    pressure,
    scale_doubts,
    volume,
)
from cabin_signal.filters import Samples
from cabin_signal.least_squares import Fit, fitted, softened

LAG_S, LAG_SPREAD = 0.09, 0.4
"""A lag to begin with, and how far its logarithm may well be from there."""
AREA_NOISE = 0.1
"""Of an area, as part of the largest: it hangs on where the feet are found, more than the height does."""
FEWEST_OPEN = 4
OPEN_MMHG = 3.0
"""Beats whose foot is this far below the diastolic pressure show the wave of the arm."""


@dataclass(frozen=True, slots=True)
class Pulses:
    """Beats of one deflation, in proportion to volume: `waves` has shape (beats, phases), each from foot to foot."""

    foot: Samples
    """Cuff pressure at the foot, mmHg."""
    lasts: Samples
    """Seconds from foot to foot."""
    waves: Samples
    stiffness: Samples
    """Cuff pressure in mmHg for one unit of `waves`."""


@dataclass(frozen=True, slots=True)
class _Wave:
    """The arm's own wave as the cuff shows it when the artery stays open: one beat from 0 to 1, and its slope."""

    shape: Samples
    slope: Samples
    """Per second."""
    foot: float
    """Cuff pressure at which it was seen, mmHg."""


def fit_pulses(pulses: Pulses, start: tuple[float, float]) -> Fit | None:
    """Systolic, diastolic, scales, size and lag; None where nothing fits.

    The fit's parameters are (systolic, diastolic, ln closed, ln open, ln size, ln lag).
    """
    own = _own_wave(pulses, start[1])
    heights, areas = pulses.waves.max(axis=1), pulses.waves.mean(axis=1)
    added = pulses.foot[:, None] + np.maximum(pulses.waves, 0.0) * pulses.stiffness[:, None]

    def model(q: Samples) -> tuple[Samples, Samples]:
        closed, open_, size, lag = np.exp(q[2:6])
        inside = _inside(own, q[0], q[1], closed, open_, lag)
        seen = _lagged(size * volume(inside - added, closed, open_), pulses.lasts / lag)
        seen = seen - seen.min(axis=1, keepdims=True)
        return seen.max(axis=1), seen.mean(axis=1)

    height_noise, area_noise = BEAT_NOISE * float(heights.max()), AREA_NOISE * float(areas.max())

    def residuals(q: Samples) -> Samples:
        height, area = model(q)
        unlikely = np.append(scale_doubts(q), (q[5] - np.log(LAG_S)) / LAG_SPREAD)
        apart = (softened((height - heights) / height_noise), softened((area - areas) / area_noise))
        return np.concatenate((*apart, unlikely))

    begin = first(start, lambda q: model(np.append(q, np.log(LAG_S)))[0], heights)
    return fitted(residuals, np.append(begin, np.log(LAG_S)), np.array(NUDGE), np.array(LONGEST))


def _own_wave(pulses: Pulses, diastolic: float) -> _Wave:
    """The median wave of the beats below the diastolic pressure, or of the lowest few."""
    below = np.flatnonzero(pulses.foot < diastolic - OPEN_MMHG)
    if len(below) < FEWEST_OPEN:
        below = np.argsort(pulses.foot, kind="stable")[:FEWEST_OPEN]
    waves = pulses.waves[below]
    shape = np.median(waves / waves.max(axis=1, keepdims=True), axis=0)
    step = float(np.median(pulses.lasts[below])) / len(shape)
    slope = (np.roll(shape, -1) - np.roll(shape, 1)) / (2 * step)
    return _Wave(shape, slope, float(np.median(pulses.foot[below])))


def _inside(own: _Wave, systolic: float, diastolic: float, closed: float, open_: float, lag: float) -> Samples:
    """The pressure wave inside the artery, mmHg at each phase: the cuff's wave without its lag, through the law."""
    swift = own.shape + lag * own.slope
    swift = swift - swift[0]
    swift = np.clip(swift / max(float(swift.max()), 1e-9), 0.0, 1.0)
    low, high = volume(np.array([diastolic - own.foot, systolic - own.foot]), closed, open_)
    return own.foot + pressure(low + (high - low) * swift, closed, open_)


def _lagged(waves: Samples, lags: Samples) -> Samples:
    """Each wave (row), repeated, behind a first-order lag; `lags` is how many time constants each wave lasts."""
    share = -np.expm1(-lags / waves.shape[1])
    out, now = np.empty_like(waves), waves[:, 0]
    for _ in range(2):
        for phase in range(waves.shape[1]):
            now = now + share * (waves[:, phase] - now)
            out[:, phase] = now
    return out
