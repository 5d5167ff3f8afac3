"""The dominant maxima of a curve, live."""

from __future__ import annotations

import math

import numpy as np

from cabin_signal.filters import Samples


class Maxima:
    """Dominant maxima of a curve, each handed out once nothing higher can come near it."""

    def __init__(self, dominance: int, floor: float) -> None:
        """`dominance` in samples; maxima below `floor` do not count."""
        self._dominance = dominance
        self._floor = floor
        self._tail: Samples = np.zeros(2)
        self._end = 0
        self._open: tuple[int, float] | None = None
        self._shadow = -math.inf
        """Until here a higher maximum, superseded or handed out, dominates."""
        self._shadow_height = 0.0

    def update(self, curve: Samples) -> list[tuple[int, float]]:
        """(index, height) of every maximum that these samples confirm; confirmed `dominance` + 2 samples later."""
        joined = np.concatenate((self._tail, curve))
        base = self._end - 2
        rising = joined[1:-1] > joined[:-2]
        tops = np.flatnonzero(rising & (joined[1:-1] >= joined[2:]) & (joined[1:-1] > self._floor)) + 1
        self._tail, self._end = joined[-2:], self._end + len(curve)
        done = [top for i in tops.tolist() if (top := self._offer(base + i, float(joined[i])))]
        if self._open and self._open[0] + self._dominance + 1 < self._end:
            done.append(self._close(self._open))
        return done

    def _offer(self, at: int, height: float) -> tuple[int, float] | None:
        closed = None
        if self._open and at > self._open[0] + self._dominance:
            closed = self._close(self._open)
        dominated = at <= self._shadow and height <= self._shadow_height
        if self._open is None:
            if not dominated:
                self._open = (at, height)
        elif height > self._open[1]:
            self._open = (at, height)
        return closed

    def _close(self, top: tuple[int, float]) -> tuple[int, float]:
        self._open = None
        self._shadow, self._shadow_height = top[0] + self._dominance, top[1]
        return top
