"""Do two unlike detectors find the same beats? The bSQI of the literature, live.

bSQI (Li, Mark and Clifford 2008): the beats that both found within 150 ms, over all that either found. Near one where
there is little else than beats to be found; where the two differ, neither is to be trusted.
"""

from __future__ import annotations

from collections import deque

from cabin_signal.curve_length import CurveLength
from cabin_signal.filters import Samples
from cabin_signal.stretch import Pending

SAME_S = 0.15
WINDOW_S = 5.0
"""How far back agreement is counted."""
KNOWN_S = 0.5
"""What lies so near may not have been announced by both yet."""


class SecondOpinion:
    """Feed it the samples and the beats that the first detector found among them."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz, above 40."""
        self._other = CurveLength(fs)
        self._same, self._window, self._known = (int(s * fs) for s in (SAME_S, WINDOW_S, KNOWN_S))
        self._pending = Pending(int(fs))
        self._ours: deque[int] = deque(maxlen=64)
        self._theirs: deque[int] = deque(maxlen=64)

    def update(self, x: Samples) -> None:
        """The newest samples without holes, in mV, at most a second."""
        if self._pending.add(x):
            self._read()

    def beat(self, at: int) -> None:
        """The first detector found a beat at this sample."""
        self._ours.append(at)

    def agreement(self, now: int) -> float | None:
        """Part of the beats of the last seconds before sample `now` that both found; None where neither found one."""
        self._read()
        if not self._ours:
            return None
        start, end = max(now - self._known - self._window, self._ours[0] - self._same), now - self._known
        ours = [at for at in self._ours if start <= at < end]
        theirs = [at for at in self._theirs if start <= at < end]
        both = _matched(ours, theirs, self._same)
        either = len(ours) + len(theirs) - both
        return both / either if either else None

    def _read(self) -> None:
        self._theirs.extend(self._other.update(self._pending.take()))


def _matched(ours: list[int], theirs: list[int], same: int) -> int:
    """Pairs within `same` samples, each beat in one pair; both lists rise."""
    both = i = j = 0
    while i < len(ours) and j < len(theirs):
        apart = ours[i] - theirs[j]
        if abs(apart) <= same:
            both, i, j = both + 1, i + 1, j + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return both
