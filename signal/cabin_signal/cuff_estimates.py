"""Four unlike ways from the beats on an oscillogram to a systolic and a diastolic pressure.

`ratios`: maximum amplitude and two fixed parts of it (Geddes 1982). `slopes`: where the envelope is steepest.
`artery`: a two-exponential artery fitted to the heights (Babbs 2012). `pulses`: the same artery, the tissue's lag and
the arm's own wave fitted to heights and areas. They err for unlike reasons, so that how far they lie apart says
something about how far any of them can be trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cabin_signal.cuff_artery import BEAT_NOISE, fit_heights
from cabin_signal.cuff_beats import CuffBeats
from cabin_signal.cuff_pulses import Pulses, fit_pulses
from cabin_signal.cuff_slopes import steepest
from cabin_signal.filters import Samples
from cabin_signal.least_squares import Fit
from cabin_signal.oscillogram import pressures, summit

Method = Literal["ratios", "slopes", "artery", "pulses"]
"""How a pressure was found."""

LEAST_PULSE_MMHG = 5.0
FARTHEST_MMHG = 40.0
"""A pressure this far outside of what the cuff passed through was not measured but made up."""
ABOVE_TOP_MMHG, BELOW_TOP_MMHG = 22.0, 14.0
"""Where to look first, from the largest beat, when the ratios are not crossed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One method's pressures in mmHg."""

    systolic: float
    diastolic: float
    systolic_sd: float = 0.0
    """What the beats' own noise leaves open, as far as the method can tell."""
    diastolic_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Estimates:
    """What the methods found, and what they found it from."""

    by: Mapping[Method, Estimate]
    mean: float
    """Cuff pressure at the largest beats, mmHg."""
    largest: float
    """Their amplitude, mmHg."""
    misfit: float
    """RMS of the beats about the fitted artery's envelope, as part of the largest; 1 where none fits."""


def estimates(beats: CuffBeats) -> Estimates:
    """Every method on the accepted beats, of which there are five or more."""
    ok = beats.accepted
    cuff, heights = beats.cuff[ok], beats.heights[ok]
    crossed = pressures(cuff, heights)
    mean, largest = (crossed.mean, crossed.largest) if crossed else summit(cuff, heights)
    start = (crossed.systolic, crossed.diastolic) if crossed else (mean + ABOVE_TOP_MMHG, mean - BELOW_TOP_MMHG)
    artery = fit_heights(beats.foot[ok], beats.peak[ok], heights, start)
    stiffness = beats.stiffness[ok]
    waves = Pulses(beats.foot[ok], beats.lasts[ok], beats.waves[ok] / stiffness[:, None], stiffness)
    found: dict[Method, Estimate | None] = {
        "ratios": Estimate(*start) if crossed else None,
        "slopes": Estimate(*steep) if (steep := steepest(cuff, heights)) else None,
        "artery": _of_fit(artery),
        "pulses": _of_fit(fit_pulses(waves, start)),
    }
    within = (float(cuff.min()) - FARTHEST_MMHG, float(cuff.max()) + FARTHEST_MMHG)
    sound = {method: each for method, each in found.items() if each and _possible(each, within)}
    at_mean = float(np.interp(mean, cuff[::-1], stiffness[::-1]))
    return Estimates(sound, mean, largest * at_mean, _misfit(artery, len(heights)))


def _of_fit(fit: Fit | None) -> Estimate | None:
    if fit is None:
        return None
    sd: Samples = np.sqrt(np.maximum(np.diag(fit.covariance)[:2], 0.0))
    return Estimate(float(fit.at[0]), float(fit.at[1]), float(sd[0]), float(sd[1]))


def _possible(found: Estimate, within: tuple[float, float]) -> bool:
    inside = within[0] <= found.diastolic and found.systolic <= within[1]
    return inside and found.systolic - found.diastolic >= LEAST_PULSE_MMHG


def _misfit(fit: Fit | None, beats: int) -> float:
    return 1.0 if fit is None else min(1.0, BEAT_NOISE * float(np.sqrt(fit.cost / beats)))
