"""The air in a cuff: inflation, linear deflation, dump, and the small pulses that the artery adds.

The artery's volume follows a logistic law of its transmural pressure, shifted by 3 mmHg (clinical reference 1.6,
generator B with a law that no estimator of this house owns), so that no analysis can agree with its own assumption.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.body import Array, Body

INFLATE_S = 5.0
"""From empty to the first target, whatever it is."""
BUMP_MMHG = 40.0
BUMP_S = 1.5
"""A pulse is still seen at the top: the pump adds this much."""
HIGHEST_MMHG = 280.0
ABOVE_SYSTOLIC = 20.0
BELOW_DIASTOLIC = 20.0
DEFLATE_MMHG_S = 4.0
DUMP_TAU_S = 1.2
"""With the valve open: under 5 mmHg some four seconds later."""

ARTERY_SHIFT_MMHG = 3.0
ARTERY_WIDTH_MMHG = 9.0
PULSE_MMHG = 3.6
"""Height of a pulse whose pressure swings over the artery's whole range."""


@dataclass(frozen=True, slots=True)
class Inflation:
    """One inflation, planned when it begins: straight lines between corner points (s, mmHg), then the dump."""

    times: tuple[float, ...]
    pressures: tuple[float, ...]

    @property
    def top_at(self) -> float:
        """When the deflation begins."""
        return self.times[-2]

    @property
    def dump_at(self) -> float:
        """When the valve opens."""
        return self.times[-1]

    def base(self, t: Array) -> Array:
        """Cuff pressure without pulses, mmHg."""
        line = np.interp(t, self.times, self.pressures)
        gone = np.maximum(0.0, t - self.dump_at)
        return np.asarray(line * np.exp(-gone / DUMP_TAU_S))


def plan(start: float, first: float, systolic: float, diastolic: float) -> Inflation:
    """Inflate to `first` mmHg, further while the artery still pulses, then 4 mmHg/s to well under the diastolic."""
    times, pressures = [start, start + INFLATE_S], [0.0, min(first, HIGHEST_MMHG)]
    while pressures[-1] < min(systolic + ABOVE_SYSTOLIC, HIGHEST_MMHG):
        times.append(times[-1] + BUMP_S)
        pressures.append(min(pressures[-1] + BUMP_MMHG, HIGHEST_MMHG))
    times.append(times[-1] + 0.5)
    pressures.append(pressures[-1])
    end = max(20.0, diastolic - BELOW_DIASTOLIC)
    times.append(times[-1] + (pressures[-1] - end) / DEFLATE_MMHG_S)
    pressures.append(end)
    return Inflation(tuple(times), tuple(pressures))


def leak(start: float, patience: float) -> Inflation:
    """A cuff that does not close: a few mmHg, until the module gives up after `patience` seconds."""
    return Inflation((start, start + 2.0, start + patience), (0.0, 14.0, 12.0))


def dumped(at: float, pressure: float) -> Inflation:
    """The valve opened at `at`."""
    return Inflation((at - 1.0, at), (pressure, pressure))


def pulses(body: Body, t: Array, base: Array) -> Array:
    """What the artery adds to the cuff pressure, mmHg, at the ascending times `t`."""
    reach = PULSE_MMHG * min(1.0, body.physiology.perfusion)
    rest = _volume(body.physiology.diastolic - base)
    grip = np.clip(base / 20.0, 0.0, 1.0)
    return np.asarray(reach * grip * (_volume(body.arterial(t) - base) - rest))


def _volume(transmural: Array) -> Array:
    """Share of the artery's volume, 0 to 1."""
    return np.asarray(1.0 / (1.0 + np.exp(-(transmural - ARTERY_SHIFT_MMHG) / ARTERY_WIDTH_MMHG)))
