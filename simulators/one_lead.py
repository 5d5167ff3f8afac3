"""The chest of the synthetic person as a recorder of one lead sees it: whole counts, or no electrode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.body import Body
from simulators.physiology import LEADS

NOISE_MV = 0.006
"""Muscle and amplifier, RMS."""
BREATH_MV, BREATH_HZ = 0.05, 0.25
BREATHS = 15
"""Per minute."""

Counts = NDArray[np.int64]


class OneLead:
    """One lead of the body in counts of `per_mv`, around `zero`."""

    def __init__(self, body: Body, lead: str, per_mv: float, zero: float = 0.0) -> None:
        self._body, self._lead = body, lead
        self._per_mv, self._zero = per_mv, zero
        self._rng = np.random.default_rng((body.seed, 1))

    @property
    def worn(self) -> bool:
        """Whether its electrodes are on."""
        return self._lead in self._body.presence.electrodes_on

    def counts(self, first: int, count: int, rate: float) -> Counts:
        """`count` samples from number `first` on, at `rate` a second; without electrodes a flat line with noise."""
        t = np.arange(first, first + count) / rate
        volts = NOISE_MV * self._rng.standard_normal(count)
        if self.worn:
            volts += self._body.ecg(t)[:, LEADS.index(self._lead)]
            volts += BREATH_MV * np.sin(2 * np.pi * BREATH_HZ * t)
        return np.rint(self._zero + self._per_mv * volts).astype(np.int64)


class Pace:
    """How many samples fell due: `rate` a second since `begin`."""

    def __init__(self) -> None:
        self.begin(0.0, 1.0)

    def begin(self, now: float, rate: float) -> None:
        """Count from `now` on."""
        self.rate, self._began, self._taken = rate, now, 0
        self.first = int(now * rate)
        """Number of the next sample of the body."""

    def due(self, now: float) -> int:
        """Samples up to `now` that were not taken yet."""
        return max(0, int((now - self._began) * self.rate) - self._taken)

    def take(self, count: int) -> int:
        """Take so many; the number of the first of them."""
        first = self.first
        self.first += count
        self._taken += count
        return first
