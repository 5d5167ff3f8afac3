"""One systolic and one diastolic pressure out of several methods, each with the interval that holds the truth.

Every method is first moved by what it is known to be off by, then they are averaged with fixed weights. Three things
make the interval:

- what no oscillogram can show: an artery that is softest `P0` mmHg above zero transmural pressure shifts every method
  by -P0, and its two flanks need not be exponential (`BLIND_SD`);
- how far the methods lie apart in this very measurement;
- what the beats' own noise leaves open, as the fits state it.

The interval is meant to hold the truth nine times in ten. Its width is a continuous confidence: refusing the widest
first trades coverage for error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cabin_signal.cuff_estimates import Estimates, Method

Side = Literal["systolic", "diastolic"]

OFF_BY: Mapping[Side, Mapping[Method, float]] = {
    "systolic": {"ratios": -3.9, "slopes": -7.4, "artery": -8.4, "pulses": -3.4},
    "diastolic": {"ratios": -0.5, "slopes": -7.0, "artery": -3.5, "pulses": -1.0},
}
"""mmHg by which a method reads too high (minus: too low): half-way between generated arms of every law, with a lag of
the tissue and softest at P0 = -5 to 15 mmHg, and arms without a lag and with the laws of the clinical reference, 1.6
(P0 = 0 to 10). Most of it is the average P0, the rest is the method's own."""
MEAN_OFF_BY = -2.2
"""The same of the cuff pressure at the largest beats: half-way between the two sides of the ratios."""
WEIGHT: Mapping[Side, Mapping[Method, float]] = {
    "systolic": {"ratios": 0.1, "slopes": 0.1, "artery": 0.1, "pulses": 0.7},
    "diastolic": {"ratios": 0.2, "slopes": 0.05, "artery": 0.3, "pulses": 0.45},
}
"""Near those of least variance on the same arms; only the fit of pulses knows of the lag, which hides the tips."""
BLIND_SD: Mapping[Side, float] = {"systolic": 8.0, "diastolic": 6.5}
"""mmHg. P0 alone, even over 20 mmHg, has a standard deviation of 5.8; the flanks of the artery and what a lag leaves
of a narrow pulse make the rest."""
NINE_IN_TEN = 1.645
FEWEST_METHODS = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """A pressure in mmHg and the 90 % interval about it."""

    value: float
    low: float
    high: float
    apart: float
    """Standard deviation of the methods about the value, mmHg: the part of the width that this measurement shows."""

    @property
    def half(self) -> float:
        """Half of the interval's width, mmHg."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Combined:
    """Both pressures; the mean pressure is where the beats are largest, moved with them."""

    systolic: Interval
    diastolic: Interval
    mean: float


def combined(found: Estimates, extra_sd: float = 0.0) -> Combined | None:
    """The methods together; None with fewer than three of them, or where they cross.

    `extra_sd` in mmHg is added for what disturbs every method alike: beats that differ, an arm that trembles.
    """
    if len(found.by) < FEWEST_METHODS:
        return None
    systolic, diastolic = (_side(found, side, extra_sd) for side in ("systolic", "diastolic"))
    mean = found.mean - MEAN_OFF_BY
    if not diastolic.value < systolic.value:
        return None
    return Combined(systolic, diastolic, float(np.clip(mean, diastolic.value, systolic.value)))


def _side(found: Estimates, side: Side, extra_sd: float) -> Interval:
    weights = np.array([WEIGHT[side][method] for method in found.by])
    weights = weights / weights.sum()
    values = np.array([getattr(each, side) - OFF_BY[side][method] for method, each in found.by.items()])
    noise = np.array([getattr(each, f"{side}_sd") for each in found.by.values()])
    value = float(weights @ values)
    apart = float(np.sqrt(weights @ (values - value) ** 2))
    half = NINE_IN_TEN * float(np.sqrt(BLIND_SD[side] ** 2 + apart**2 + float(weights @ noise) ** 2 + extra_sd**2))
    return Interval(value, value - half, value + half, apart)
