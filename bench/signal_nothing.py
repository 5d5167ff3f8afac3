"""Leads on which there is no heart: a detector that finds beats there invents them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.signal_changes import Samples
from bench.signal_detectors import BLOCK_S, cabin_ecg
from bench.signal_score import inside

FS, SECONDS = 360.0, 60.0
Lead = Callable[[np.random.Generator, Samples], Samples]
"""Chance, and the times of the samples in seconds; gives mV."""


def _constant(level: float) -> Lead:
    return lambda _rng, t: np.full(len(t), level)


def _noise(millivolt: float) -> Lead:
    return lambda rng, t: millivolt * rng.standard_normal(len(t))


def _hum(millivolt: float) -> Lead:
    return lambda rng, t: millivolt * np.sin(2 * np.pi * 50 * t) + 0.005 * rng.standard_normal(len(t))


def _railing(_rng: np.random.Generator, t: Samples) -> Samples:
    """From one rail of the amplifier to the other every seven seconds."""
    return np.where(t // 7 % 2 == 0, 5.0, -5.0)


LEADS: Mapping[str, Lead] = {
    "zeros": _constant(0.0),
    "1 mV": _constant(1.0),
    "no samples": _constant(np.nan),
    "at a rail": _constant(5.0),
    "from rail to rail": _railing,
    "noise of 5 µV": _noise(0.005),
    "hum of 1 mV": _hum(1.0),
}
"""Name -> samples in mV."""


def beats_on_nothing(lead: Lead) -> tuple[int, int]:
    """Beats that ours finds on a minute of it, and how many of them lie in seconds that it grades bad."""
    t = np.arange(round(SECONDS * FS)) / FS
    found = cabin_ecg(BLOCK_S, lead(np.random.default_rng(8), t), FS)
    withheld = inside(np.array(found.beats, dtype=np.int64), found.bad)
    return len(found.beats), int(withheld.sum())
