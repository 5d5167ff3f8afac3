"""What lies in a Nonin sensor: the finger of the synthetic person, or a recording of one."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.body import FINGER_DELAY_S, RISE_S, Body

RATE = 75
"""Pleth samples a second."""
PERFUSION_FRAMES = 12
"""How long the perfusion bits are shown for each pulse: 160 ms."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spot:
    """What the module has worked out at one moment; None for no value."""

    spo2: int | None = None
    rate: int | None = None
    slow_rate: int | None = None
    """Over 8 beats, as E-HR; `rate` is over 4."""


class Finger(Protocol):
    """What lies in the sensor: the body's finger, or a recording of one."""

    def start(self, now: float) -> int:
        """Index, at `RATE`, of the first sample for a host that comes at `now`."""
        ...

    def counts(self, first: int, count: int) -> Counts:
        """Pleth counts, 0 to 65535."""
        ...

    def spot(self, index: int, since: float) -> Spot:
        """The values at a sample, when the finger is in since the time `since` (of the same count of time)."""
        ...

    def perfused(self, first: int, count: int) -> NDArray[np.bool_]:
        """The samples at which the module shows a pulse."""
        ...

    def perfusion(self) -> float:
        """Pulse modulation, per cent: the colour of the perfusion light."""
        ...


class BodyFinger:
    """The finger of the synthetic person."""

    CENTRE = 24_000
    PER_PERCENT = 4_000

    def __init__(self, body: Body) -> None:
        self._body = body

    def start(self, now: float) -> int:
        """The body is where it is, most often in the middle of a packet."""
        return ceil(now * RATE)

    def counts(self, first: int, count: int) -> Counts:
        """The volume pulse, drifting with the breath."""
        t = np.arange(first, first + count) / RATE
        breath = 0.05 * np.sin(2 * np.pi * 0.25 * t) * self._body.physiology.perfusion
        pulse = self.CENTRE + self.PER_PERCENT * (self._body.pleth(t) + breath)
        return np.clip(np.rint(pulse), 0, 0xFFFF).astype(np.int64)

    def spot(self, index: int, since: float) -> Spot:
        """Averages over 4 and 8 beats; nothing before the first four pulses."""
        at = index / RATE
        rate = _code_rate(self._body.pulse_rate(at, 4, since))
        if rate is None:
            return Spot()
        slow = _code_rate(self._body.pulse_rate(at, 8, since))
        return Spot(round(self._body.physiology.spo2), rate, rate if slow is None else slow)

    def perfused(self, first: int, count: int) -> NDArray[np.bool_]:
        """From the top of each pulse, for `PERFUSION_FRAMES`."""
        shown = np.zeros(count, dtype=bool)
        lag = FINGER_DELAY_S + RISE_S
        for beat in self._body.beats(max(0.0, first / RATE - 1.0), (first + count) / RATE):
            top = round((beat.at + lag) * RATE) - first
            shown[max(0, top) : max(0, top + PERFUSION_FRAMES)] = True
        return shown

    def perfusion(self) -> float:
        """The body's own."""
        return self._body.physiology.perfusion


def _code_rate(rate: float | None) -> int | None:
    """The module states rates from 18 to 321 per minute."""
    return None if rate is None or not 18 <= rate <= 321 else round(rate)
