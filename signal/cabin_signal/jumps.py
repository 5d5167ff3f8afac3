"""Takes the jumps out of a pleth: what changes between two samples by more than any pulse does.

A monitor that shifts its scale, a lamp, a knock: the level is another one from one sample to the next. A filter would
answer with a swing of a second or more, in which pulses are lost.
"""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples

UNUSUAL = 4.0
"""A jump is so many times the usual change of its hop: in a hum, however high, no change is."""


class Jumps:
    """Takes jumps out of a stream without holes; what follows one goes on from the level before it.

    It is fed hops, as `pulse.PulseDetector` is: the usual change of the hop tells a jump from a hum.
    """

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
        size = np.abs(change)
        wide = size > limit
        if wide.any():
            wide &= size > UNUSUAL * float(np.median(size))
        if not wide.any():
            return x - self._off
        off = self._off + np.cumsum(np.where(wide, change, 0.0))
        self._off = float(off[-1])
        return x - off
