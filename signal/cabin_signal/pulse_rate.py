"""The pulse rate over the last ten seconds, from pulses that can be trusted.

A finger loses single pulses far more often than an electrode loses beats: an early beat fills the heart too little to
be felt. Twice the usual interval is then one interval with a pulse lost in it, and does not count; all others do, so
that the rate of an irregular pulse is the mean one that an ECG gives, which the median interval is not. Ten seconds
and six pulses: clinical reference 2.4; leaving out doubled intervals is our own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from cabin_signal.findings import Beat, RatePoint

WINDOW_S = 10.0
FEWEST = 5
"""Intervals before a rate is stated: those of six pulses."""
LONGEST_S = 3.0
"""A longer pause is no interval."""
LOST, EXTRA = 1.6, 0.5
"""Intervals outside these parts of the median one had a pulse lost in them, or one invented."""
TRUSTED, TRUSTED_UNEVEN, UNEVEN = 0.6, 0.8, 0.1
"""Mean score of the pulses of the window below which no rate is stated, and the same where their intervals are uneven
by more than the third: a movement makes pulses neither alike nor in time, an irregular heart makes them alike."""


def unevenness(intervals: Sequence[int]) -> float:
    """Median distance of the intervals from their median, in parts of it."""
    usual = median(intervals)
    return median(abs(each - usual) for each in intervals) / usual


def robust_rate(intervals: Sequence[int], fs: float) -> float | None:
    """Beats per minute from intervals in samples at `fs` Hz: 60 / mean of those near the median; None for none."""
    if not intervals:
        return None
    usual = median(intervals)
    near = [each for each in intervals if EXTRA * usual < each < LOST * usual]
    return 60 * fs * len(near) / sum(near) if near else None


class PulseRate:
    """The rate as of each pulse."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz: the rate of the beats' samples."""
        self._fs = fs
        self._run: deque[tuple[Beat, float | None]] = deque()

    def add(self, beat: Beat, score: float | None) -> RatePoint | None:
        """The rate as of this pulse; `score` is that of the signal as it came, 0 to 1, where known.

        None while there are fewer than six pulses without a hole or a long pause between them, or poor ones.
        """
        if beat.fresh or (self._run and beat.sample - self._run[-1][0].sample > LONGEST_S * self._fs):
            self._run.clear()
        self._run.append((beat, score))
        while beat.sample - self._run[0][0].sample > WINDOW_S * self._fs:
            self._run.popleft()
        intervals = [b.sample - a.sample for (a, _), (b, _) in pairwise(self._run)]
        if len(intervals) < FEWEST or not self._trusted(intervals):
            return None
        bpm = robust_rate(intervals, self._fs)
        return None if bpm is None else RatePoint(beat.sample / self._fs, bpm)

    def _trusted(self, intervals: Sequence[int]) -> bool:
        known = [score for _, score in self._run if score is not None]
        limit = TRUSTED_UNEVEN if unevenness(intervals) > UNEVEN else TRUSTED
        return bool(known) and sum(known) >= limit * len(known)
