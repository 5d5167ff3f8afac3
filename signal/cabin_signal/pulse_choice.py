"""Which upstrokes of a pleth are pulses: told by their height and by when they come.

Both are measured against the recent pulses: the threshold is high just after a pulse, where the dicrotic wave is, low
where the next pulse is expected, and falls further while none comes (an adaptive threshold; Shin et al. 2009 let one
fall with time in the same way). It stays above the ripple of the wave. What is very much higher than a pulse is a
movement, unless nothing else comes: then the gain has changed.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from cabin_signal.upstroke import Upstroke

REFRACTORY_S = 0.2
"""300 a minute."""
SINCE, HEIGHT = (0.3, 0.45, 0.6, 0.75, 1.0), (0.9, 0.5, 0.3, 0.22, 0.2)
"""Time after a pulse in usual intervals -> least height in usual heights."""
CYCLE_S = 1.3
"""Of a longer interval so much counts: a dicrotic wave keeps its distance from its pulse, however slow the heart."""
ABSURD = 4.0
"""So many usual heights are no pulse."""
OVERDUE = 1.5
"""After so many usual intervals the limits widen, to the double with each further interval."""
WIDE = 1.5
"""Limits so wide are those of an unknown gain: what is found within them tells the usual height anew."""
WIDEST, LOWEST = 4.0, 5.0
"""... after so many at the most, and the lower one no further than to this part of itself: what is left of a pulse at
a twenty-fifth is none."""
LOW, LOWER = 0.15, 2.0
"""A crest that stands lower over the middle of the wave, in usual heights, must be the higher for it."""
RIPPLE, RIPPLE_MOST = 1.7, 0.5
"""A pulse is so many times as high as the ripple, or so much of a usual height."""
FULL = 0.5
"""Only pulses above this part of the usual height tell the usual interval: not the dicrotic waves taken for some."""
USUAL_S, FIRST_S = (0.3, 1.6), 0.8
"""Limits of the usual interval, and what is assumed before it is known."""
FORGET_S, FORGET_RISES = 8.0, 8
"""After so long without a pulse, and so many upstrokes refused, nothing is known any more."""


class PulseChoice:
    """Judges the upstrokes in the order of time."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz: the rate of the upstrokes' samples."""
        self._fs = fs
        self._heights: deque[float] = deque(maxlen=8)
        self._intervals: deque[int] = deque(maxlen=8)
        self._last = self._refused = 0
        self._height = 0.0
        self._interval_s = FIRST_S

    @property
    def height(self) -> float:
        """The usual height; 0 while there is none."""
        return self._height

    def learn(self, rises: list[Upstroke]) -> bool:
        """Take the usual height from the first upstrokes, of which some are pulses; whether that was possible."""
        heights = sorted(rise.height for rise in rises)
        if len(heights) < 2:
            return False
        self._height = heights[-2]
        self._heights.append(self._height)
        self._last = rises[0].crest - int(self._fs)
        return True

    def late(self, at: int) -> float:
        """By how much the limits are widened at sample `at`."""
        return float(2 ** min(WIDEST, max(0.0, self.intervals_since(at) - OVERDUE)))

    def intervals_since(self, at: int) -> float:
        """Usual intervals between the last pulse and sample `at`."""
        return (at - self._last) / self._fs / self._interval_s

    def lost(self, at: int) -> bool:
        """Whether the last pulse before sample `at` is too long ago for what was learnt to hold."""
        return self._refused >= FORGET_RISES and at - self._last > FORGET_S * self._fs

    def is_pulse(self, rise: Upstroke, ripple: float) -> bool:
        """Whether this upstroke is a pulse; remembers it if it is."""
        since = (rise.crest - self._last) / self._fs
        if since < REFRACTORY_S:
            return False
        late = self.late(rise.crest)
        if not self._least(rise, since, ripple) / min(late, LOWEST) <= rise.height <= ABSURD * self._height * late:
            self._refused += 1
            return False
        if late > WIDE and not FULL * self._height < rise.height < self._height / FULL:
            self._heights.clear()  # the gain has changed
        self._remember(rise)
        return True

    def _least(self, rise: Upstroke, since: float, ripple: float) -> float:
        part = float(np.interp(since / min(self._interval_s, CYCLE_S), SINCE, HEIGHT))
        part = max(part, min(RIPPLE_MOST, RIPPLE * ripple / self._height))
        return self._height * part * (1 + LOWER * min(0.5, max(0.0, LOW - rise.level / self._height)))

    def _remember(self, rise: Upstroke) -> None:
        if rise.height > FULL * self._height and len(self._heights) > 1:
            self._intervals.append(rise.crest - self._last)
            usual = median(self._intervals) / self._fs
            self._interval_s = min(max(usual, USUAL_S[0]), USUAL_S[1])
        self._heights.append(rise.height)
        self._height = median(self._heights)
        self._last, self._refused = rise.crest, 0
