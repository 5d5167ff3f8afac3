"""How alike the pulses of one finger look: each against the running mean of those before.

Orphanidou et al. 2015 correlate the pulses of ten seconds with their mean and take a mean correlation of 0.86 for the
least that is reliable. Here the mean runs along with the stream, so that a pulse has its likeness as soon as it is
over, and a movement is seen while it lasts.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from cabin_signal.filters import Samples

BEFORE_S, AFTER_S = 0.3, 0.35
"""What of a pulse is compared: so long before and after its crest."""
RECENT = 4
"""Pulses whose likeness is averaged."""
ALIKE, LEARN, LEARN_LITTLE = 0.5, 0.12, 0.03
"""A pulse above this likeness moves the mean by the second number, another by the third."""


class Likeness:
    """The running mean pulse of one finger, and how the last pulses compare with it."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._before, self._after = int(BEFORE_S * fs), int(AFTER_S * fs)
        self._mean: Samples | None = None
        self._recent: deque[float] = deque(maxlen=RECENT)

    @property
    def reach(self) -> tuple[int, int]:
        """Samples that are compared, before the crest and after it."""
        return self._before, self._after

    def add(self, pulse: Samples) -> float:
        """Correlation with the mean pulse, -1 to 1, of a pulse cut out by `reach`; 1 for the first."""
        unit = pulse - pulse.mean()
        unit /= max(float(np.sqrt(unit @ unit)), 1e-300)
        if self._mean is None:
            self._mean = unit
        size = float(np.sqrt(self._mean @ self._mean))
        alike = float(unit @ self._mean) / max(size, 1e-300)
        self._mean += (LEARN if alike > ALIKE else LEARN_LITTLE) * (unit - self._mean)
        self._recent.append(alike)
        return alike

    def recent(self) -> float | None:
        """Mean likeness of the last pulses; None before the first."""
        return sum(self._recent) / len(self._recent) if self._recent else None
