"""The heart rate from beats: live over the last ten seconds, and over a whole strip.

It is the mean ventricular rate, intervals / time, which stays right in an irregular rhythm, where the median interval
does not (IEC 60601-2-27 asks monitors to state the rate of such rhythms). The pulse has its own (`pulse_rate`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from cabin_signal.findings import Beat, RatePoint

WINDOW_S = 10.0
LONGEST_S = 3.0
"""A longer pause is no interval: a beat was missed, the electrode was off, or the heart paused."""
FEWEST = 4
"""Beats before a rate is stated."""


def strip_heart_rate(beats: Sequence[int], fs: float) -> float | None:
    """Mean ventricular rate of a strip: 60·(n-1)/(t_last - t_first), beats per minute.

    `beats` are R peaks in samples at `fs` Hz, in order. None where fewer than two beats leave no interval.
    """
    if len(beats) < 2 or beats[-1] <= beats[0]:
        return None
    return 60 * (len(beats) - 1) * fs / (beats[-1] - beats[0])


class RateWatch:
    """The rate over the last ten seconds, renewed by every beat."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz: the rate of the beats' samples."""
        self._fs = fs
        self._run: deque[int] = deque()

    def add(self, beat: Beat) -> RatePoint | None:
        """The rate as of this beat; None until enough beats follow each other without a hole or a pause over 3 s."""
        if beat.fresh or (self._run and beat.sample - self._run[-1] > LONGEST_S * self._fs):
            self._run.clear()
        self._run.append(beat.sample)
        while beat.sample - self._run[0] > WINDOW_S * self._fs:
            self._run.popleft()
        if len(self._run) < FEWEST:
            return None
        bpm = strip_heart_rate(self._run, self._fs)
        return None if bpm is None else RatePoint(beat.sample / self._fs, bpm)
