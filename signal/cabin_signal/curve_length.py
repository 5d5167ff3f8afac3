"""A second look at the beats of a lead, unlike the first: how long the curve is, not how much energy it has.

After the length transform of Zong, Moody and Jiang (2003): the way that the pen goes up and down in a short time is
long at a QRS. No shape, no search-back, no rule against T waves: where this and the first detector find the same
beats, there is little else than beats to be found, and where they differ, neither is to be trusted.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from cabin_signal.filters import Samples, Sections, high_pass, low_pass
from cabin_signal.maxima import Maxima

SHORT_HZ = 4.0
"""The corner of the low-pass that sums up the way; some 130 ms of it count."""
BAND_HZ = (1.0, 16.0)
DOMINANCE_S = 0.25
PART = 0.5
"""Part of the usual length at which a maximum is a beat."""
PATIENCE_S = 2.0
"""Without a beat for so long, half of that is enough, and half again."""
BEYOND = 4.0
"""So many times longer than usual, a beat shows that none was seen before."""
LATE_S = 0.085
"""A maximum comes so long after the R peak, 20 ms less for a narrow QRS and 30 ms more for a wide one."""
FLOOR_MV_S = 0.3


class CurveLength:
    """The beats of one lead; feed it the samples that the first detector gets."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz, above 40."""
        self._fs = fs
        self._band = Sections(high_pass(1, BAND_HZ[0], fs) + low_pass(2, BAND_HZ[1], fs))
        self._maxima = Maxima(int(DOMINANCE_S * fs), FLOOR_MV_S)
        self._short = Sections(low_pass(2, SHORT_HZ, fs))
        self._before = 0.0
        self._late = round(LATE_S * fs)
        self._lengths: deque[float] = deque(maxlen=8)
        self._last = 0

    def update(self, x: Samples) -> list[int]:
        """R peaks, to some 30 ms, among these samples without holes, in mV; known 0.36 s after they were."""
        return [at - self._late for at, way in self._maxima.update(self._way(x)) if self._is_beat(at, way)]

    def _way(self, x: Samples) -> Samples:
        if not len(x):
            return x
        band = self._band.update(x)
        steps = band - np.concatenate(([self._before], band[:-1]))
        self._before = float(band[-1])
        return self._short.update(np.abs(steps)) * self._fs

    def _is_beat(self, at: int, length: float) -> bool:
        waited = (at - self._last) / self._fs
        usual = median(self._lengths) if self._lengths else 0.0
        if length < PART * usual * 0.5 ** int(waited / PATIENCE_S):
            return False
        if waited > PATIENCE_S or length > BEYOND * usual:
            self._lengths.clear()  # another heart: smaller, or one of which only f or P waves were seen before
        self._lengths.append(length)
        self._last = at
        return True
