"""How far each quarter of a second of a pleth can be trusted, and why not further.

A pleth has no unit that holds from one sensor to the next, so everything is measured against the height of its own
recent pulses. Steps of a quarter second, with what the last 0.75 s look like, show a finger that left within one.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from cabin_signal.filters import Samples
from cabin_signal.findings import QualitySpan, grade_of
from cabin_signal.stretch import Stretch

STEP_S, LOOK_S = 0.25, 0.75
"""Length of a graded span, and of what is looked at to grade it."""
STILL = 0.04
"""Range, in pulse heights, below which nothing pulsates."""
PAUSE_S = 3.0
"""Longest time without a pulse."""
MOVED, MOVED_MUCH = 2.5, 6.0
"""Range, in pulse heights, that hurts, and that spoils."""
NOISE = 0.4
"""Steepness of rejected upstrokes over that of pulses that hurts."""
CLIPPED_PART, SHADES = 0.15, 30
"""Part of the samples at one extreme that is clipping, where a wave has at least so many different values."""
LOW_PERFUSION = 0.3
"""Perfusion index in percent below which a reading is to be retried with a warm hand."""


class PpgQuality:
    """Grades one step after the other; feed at most what is left of the step at a time."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._fs = fs
        self._raw = Stretch(int(2 * fs))
        self._heights: deque[float] = deque(maxlen=8)
        self._last_pulse = 0
        self._top, self._bottom = -np.inf, np.inf
        self._perfusion: float | None = None

    def update(self, block: Samples) -> None:
        """The newest samples, upright, NaN where there are none."""
        self._raw.append(block)
        real = block[np.isfinite(block)]
        self._top = max(self._top, float(real.max(initial=-np.inf)))
        self._bottom = min(self._bottom, float(real.min(initial=np.inf)))

    def pulse(self, sample: int) -> float | None:
        """There is a pulse at `sample`; its height from foot to peak, None where samples are lost."""
        self._last_pulse = sample
        rise = self._raw.window(sample - int(0.4 * self._fs), sample + 1)
        if not len(rise) or not np.isfinite(rise).all():
            return None
        self._heights.append(float(np.ptp(rise)))
        return self._heights[-1]

    def perfusion(self, percent: float) -> None:
        """The perfusion index of the newest pulse."""
        self._perfusion = percent

    def grade(self, start: int, end: int, noisiness: float | None) -> QualitySpan:
        """The grade of samples [start, end), the newest ones."""
        look = self._raw.window(end - int(LOOK_S * self._fs), end)
        spoiling = self._no_finger(look, end)
        hurting: set[str] = set()
        if not spoiling:
            spoiling, hurting = self._disturbed(look, noisiness)
        return QualitySpan(start, end, grade_of(spoiling, hurting), tuple(sorted(spoiling | hurting)))

    def _no_finger(self, look: Samples, end: int) -> set[str]:
        real = look[np.isfinite(look)]
        if len(real) < 0.8 * len(look):
            return {"finger-out"}
        still = STILL * median(self._heights) if self._heights else 0.0
        if float(np.ptp(real)) <= still:
            at_rail = self._top > self._bottom and real[-1] in (self._top, self._bottom)
            return {"finger-out", "saturation"} if at_rail else {"finger-out"}
        return {"finger-out"} if end - self._last_pulse > PAUSE_S * self._fs else set()

    def _disturbed(self, look: Samples, noisiness: float | None) -> tuple[set[str], set[str]]:
        spoiling = {"saturation"} if self._clipped(look) else set()
        hurting: set[str] = set()
        moved = float(np.nanmax(look) - np.nanmin(look)) / median(self._heights) if self._heights else 0.0
        if moved > MOVED_MUCH:
            spoiling.add("movement")
        elif moved > MOVED or (noisiness or 0.0) > NOISE:
            hurting.add("movement")
        if self._perfusion is not None and self._perfusion < LOW_PERFUSION:
            hurting.add("low-perfusion")
        return spoiling, hurting

    def _clipped(self, look: Samples) -> bool:
        if len(np.unique(look)) < SHADES:
            return False
        most = CLIPPED_PART * len(look)
        return int(np.sum(look == self._top)) > most or int(np.sum(look == self._bottom)) > most
