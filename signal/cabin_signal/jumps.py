"""Takes the jumps out of a pleth: what changes between two samples by more than any pulse does.

A monitor that shifts its scale, a lamp, a knock: the level is another one from one sample to the next. A filter would
answer with a swing of a second or more, in which pulses are lost.
"""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples


class Jumps:
    """Takes jumps out of a stream without holes; what follows one goes on from the level before it."""

    def __init__(self) -> None:
        self._off = 0.0
        self._before = 0.0

    def update(self, x: Samples, limit: float) -> Samples:
        """The same samples without jumps above `limit`, which is in their unit."""
        if not len(x):
            return x
        change = np.empty(len(x))
        change[0] = x[0] - self._before
        np.subtract(x[1:], x[:-1], out=change[1:])
        self._before = float(x[-1])
        wide = np.abs(change) > limit
        if not wide.any():
            return x - self._off
        off = self._off + np.cumsum(np.where(wide, change, 0.0))
        self._off = float(off[-1])
        return x - off
