"""Regular or irregular: what the intervals of thirty beats say, and no more.

Four statistics of the RR intervals, the first three published, all of which must be high for "irregular":

- nRMSSD, root mean square of successive differences over the mean interval (Dash 2009): how much;
- the median of the absolute differences over the median interval: in most beats, not in one or two extra ones;
- the turning-point ratio (Dash 2009): a random series turns in two thirds of its points, every other beat of a
  bigeminy turns, so that a ratio near one is a pattern and not irregularity;
- the distance of a point of the Poincaré plot (RR, next RR) to its nearest neighbour, as median over the median
  interval: a pattern with extra beats repeats its points, an irregular rhythm scatters them (our own; its limits
  were set on development recordings).

The verdict is a fact about intervals for a doctor to read, never the name of a disease.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from cabin_signal.filters import Samples
from cabin_signal.findings import Beat

Verdict = Literal["regular", "irregular", "unanalysable"]
"""What may be said of a rhythm."""

BEATS = 30
"""Intervals that one verdict rests on."""
FEWEST = 20
"""Intervals that are enough at the end of a strip."""
PATIENCE_S = 60.0
"""Time after which a window that did not fill is called unanalysable."""
BAD_PART = 0.1
"""Part of a window that may be of bad quality."""

SPREAD, STEP, SCATTER, PATTERN = 0.10, 0.05, 0.022, 0.90
"""Limits of nRMSSD, median difference and neighbour distance (from below), and of the turning points (from above)."""


@dataclass(frozen=True, slots=True)
class RhythmSpan:
    """Samples [start, end] between the first and the last beat of a window, and its verdict."""

    start: int
    end: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Irregularity:
    """The statistics of one window of intervals; all without unit."""

    spread: float
    """nRMSSD."""
    step: float
    """Median absolute difference / median interval."""
    turning: float
    """Turning-point ratio."""
    scatter: float
    """Median distance to the nearest neighbour in the Poincaré plot / median interval."""

    @property
    def irregular(self) -> bool:
        """Whether all four agree."""
        return self.spread > SPREAD and self.step > STEP and self.scatter > SCATTER and 0.3 < self.turning < PATTERN


def irregularity(rr: Samples) -> Irregularity:
    """The statistics of at least four successive intervals, in any one unit of time."""
    steps = np.diff(rr)
    middle = float(np.median(rr))
    return Irregularity(
        spread=float(np.sqrt(np.mean(steps * steps)) / np.mean(rr)),
        step=float(np.median(np.abs(steps))) / middle,
        turning=float(np.mean(steps[:-1] * steps[1:] < 0)),
        scatter=_scatter(rr) / middle,
    )


def _scatter(rr: Samples) -> float:
    points = np.stack((rr[:-1], rr[1:]))
    distance = np.abs(points[:, :, None] - points[:, None, :]).max(axis=0)
    np.fill_diagonal(distance, np.inf)
    return float(np.median(distance.min(axis=1)))


class RhythmWatch:
    """Windows of thirty intervals, one after the other, each with its verdict."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz: the rate of the beats' samples."""
        self._fs = fs
        self._beats: list[Beat] = []
        self._bad: deque[tuple[int, int]] = deque(maxlen=256)
        self._start = 0

    def spoiled(self, start: int, end: int) -> None:
        """Samples [start, end) were graded bad."""
        self._bad.append((start, end))

    def add(self, beat: Beat) -> RhythmSpan | None:
        """The verdict that this beat completes, if it does; the beat also begins the next window."""
        self._beats.append(beat)
        intervals = len(self._intervals())
        return self._close(beat.sample) if intervals == BEATS else None

    def pass_time(self, now: int) -> RhythmSpan | None:
        """A window that could not fill in a minute is unanalysable."""
        return self._close(now) if now - self._start > PATIENCE_S * self._fs else None

    def finish(self, now: int) -> RhythmSpan | None:
        """What the beats since the last verdict allow to say; None where there is nothing left."""
        if len(self._beats) < 2 and now - self._start < self._fs:
            return None
        return self._close(self._beats[-1].sample if self._intervals_enough() else now)

    def _close(self, end: int) -> RhythmSpan:
        start = self._beats[0].sample if self._beats and self._intervals_enough() else self._start
        span = RhythmSpan(start, end, self._verdict(start, end))
        self._beats = self._beats[-1:]
        self._start = end
        return span

    def _verdict(self, start: int, end: int) -> Verdict:
        bad = sum(max(0, min(end, e) - max(start, s)) for s, e in self._bad)
        if not self._intervals_enough() or bad > BAD_PART * (end - start):
            return "unanalysable"
        return "irregular" if irregularity(np.array(self._intervals(), dtype=float)).irregular else "regular"

    def _intervals_enough(self) -> bool:
        return len(self._intervals()) >= FEWEST

    def _intervals(self) -> list[int]:
        return [
            b.sample - a.sample
            for a, b in pairwise(self._beats)
            if not b.fresh and b.sample - a.sample < 3 * self._fs
        ]
