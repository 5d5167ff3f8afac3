"""Hearts in several leads whose intervals are known exactly: sums of Gaussians, each wave placed by hand.

The truth is read from the places and widths of the waves and never from a delineator: a wave of width s around m
begins at m - 2.5 s and ends at m + 2.5 s; T ends at m + 2 s, where its steepest tangent meets the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Waves = dict[str, tuple[float, float, float]]
"""Wave -> middle after R (s), width (s), height (mV)."""

EDGE, TANGENT = 2.5, 2.0
LEVELS = (0.9, 1.1, 0.6, -0.8, 0.5, 0.7, -0.6, 0.9, 1.3, 1.2, 1.0, 0.8)
"""Size and sign of twelve leads."""


@dataclass(frozen=True)
class Truth:
    """Milliseconds from the earliest beginning to the latest end in any lead."""

    pr: float | None
    qrs: float
    qt: float


@dataclass(frozen=True)
class Strip:
    """Leads in mV, the R peaks (samples), and what is true of them."""

    leads: Array
    fs: float
    beats: list[int]
    truth: Truth
    rr_ms: float


@dataclass(frozen=True)
class Heart:
    """A heart to be recorded."""

    leads: int = 12
    rate: float = 66.0
    fs: float = 500.0
    seconds: float = 30.0
    seed: int = 1
    noise: float = 0.0
    """White, mV RMS."""
    wander: float = 0.0
    hum: float = 0.0
    p_mv: float = 0.12
    t_mv: float = 0.35
    stretch: float = 1.0
    """Width of the QRS."""
    pr_shift: float = 0.0
    """P so much earlier (s)."""
    uneven: float = 0.02
    """Standard deviation of RR over its mean."""
    fibrillating: bool = False

    def waves(self, lead: int) -> Waves:
        """The waves of one lead."""
        rng = np.random.default_rng((self.seed, lead))
        size, q = LEVELS[lead % len(LEVELS)], self.stretch
        late = rng.normal(0, 0.003, 5)
        t = 0.27 * np.sqrt(60 / self.rate / 0.91)
        waves = {
            "P": (-0.155 - self.pr_shift + late[0], 0.022, self.p_mv * rng.uniform(0.7, 1.2)),
            "Q": (-0.026 * q + late[1] / 2, 0.009 * q, -0.15),
            "R": (late[2] / 4, 0.011 * q, 1.0),
            "S": (0.028 * q + late[3] / 2, 0.010 * q, -0.25),
            "T": (t + 2 * late[4], 0.045, self.t_mv * rng.uniform(0.8, 1.2)),
        }
        return {
            name: (m, s, size * h) for name, (m, s, h) in waves.items() if not (self.fibrillating and name == "P")
        }

    def r_times(self) -> list[float]:
        """Seconds."""
        rng = np.random.default_rng(self.seed)
        spread = 0.2 if self.fibrillating else self.uneven
        gaps = 60 / self.rate * np.clip(rng.normal(1, spread, 400), 0.55, 1.6)
        return list(takewhile(lambda r: r < self.seconds - 0.3, (0.7 + np.cumsum(gaps)).tolist()))

    def truth(self) -> Truth:
        """From the waves alone."""
        all_waves = [self.waves(lead) for lead in range(self.leads)]
        qrs_on = min(w["Q"][0] - EDGE * w["Q"][1] for w in all_waves)
        qrs_off = max(w["S"][0] + EDGE * w["S"][1] for w in all_waves)
        t_end = max(w["T"][0] + TANGENT * w["T"][1] for w in all_waves)
        p_on = None if self.fibrillating else min(w["P"][0] - EDGE * w["P"][1] for w in all_waves)
        pr = None if p_on is None else 1000 * (qrs_on - p_on)
        return Truth(pr, 1000 * (qrs_off - qrs_on), 1000 * (t_end - qrs_on))

    def record(self) -> Strip:
        """The strip; do not write into it."""
        return _recorded(self)

    def _record(self) -> Strip:
        r = self.r_times()
        t = np.arange(round(self.seconds * self.fs)) / self.fs
        x = np.array([self._lead(lead, t, r) for lead in range(self.leads)])
        beats = [round(each * self.fs) for each in r]
        return Strip(x, self.fs, beats, self.truth(), 1000 * float(np.mean(np.diff(r))))

    def _lead(self, lead: int, t: Array, r: list[float]) -> Array:
        rng = np.random.default_rng((self.seed, lead, 7))
        x = self.noise * rng.standard_normal(len(t))
        x += self.wander * np.sin(2 * np.pi * 0.27 * t + rng.uniform(0, 6))
        x += self.hum * np.sin(2 * np.pi * 50.1 * t + 1)
        if self.fibrillating:
            x += 0.05 * np.sin(2 * np.pi * (6 * t + 0.3 * np.sin(2 * np.pi * 0.3 * t)) + rng.uniform(0, 6))
        for middle, width, height in self.waves(lead).values():
            for each in r:
                first, last = np.searchsorted(t, (each + middle - 6 * width, each + middle + 6 * width))
                x[first:last] += height * np.exp(-0.5 * ((t[first:last] - each - middle) / width) ** 2)
        return x


@cache
def _recorded(heart: Heart) -> Strip:
    return heart._record()
