"""A lead without holes and jumps, so that filters run over both without a jolt.

- A short hole is a packet that was lost: the electrode was on all along, and a straight line leads across.
- A long hole is an electrode that was off: it comes back at another offset, and that step is no heart beat. The last
  value is held, and the stream goes on from there.
- A jump is a slope that no QRS of this lead has had: a cable that was touched, an amplifier that reset, the edges of
  a pacemaker's spike. It is taken out, and the stream goes on from where it was (a slew-rate limit, as the front ends
  of monitors have it; the limit is learnt from the lead's own steepest slopes).

The first value of the stream counts as zero.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cabin_signal.filters import Samples
from cabin_signal.stretch import Mask

SHORT_HOLE_S = 0.1
STEEPER, FEWEST_S, SECONDS = 3.0, 3, 6
"""A jump is so much steeper than the steepest slopes of so many seconds; judged once there were a few."""
LEAST_MV_S = 250.0
"""No slope below this is a jump: a lead that was flat must be able to begin."""
BESIDE_S = 0.012
"""So near a jump, every slope belongs to it."""
SPARED_S = 0.015
"""Steepest samples of a second that tell nothing: they may be jumps themselves."""


class Continuous:
    """mV with NaN in, as many samples out, those of a short hole later than they came: when it has ended."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._short = int(SHORT_HOLE_S * fs)
        self._jumps = Jumps(fs)
        self.delay = self._jumps.delay
        """Samples by which what comes out is later than what went in."""
        self._none, self._real = np.zeros(0), np.zeros(self.delay, dtype=bool)
        self._level: float | None = None
        """What is taken off; None in a long hole, and before the first value."""
        self._held = 0.0
        self._awaited = 0
        """Samples of the open hole that are not handed on yet."""
        self._in = 0
        self._kept_back: deque[tuple[int, int]] = deque(maxlen=round(fs))
        """Of each hole, its first sample and the one with which what was kept back for it came out: more than fit
        into a second."""

    def update(self, block: Samples) -> tuple[Samples, Mask]:
        """(samples without holes and jumps, which of them are no part of a long hole), `delay` samples late."""
        finite = np.isfinite(block)
        if self._level is not None and not self._awaited and finite.all():
            parts = [self._goes_on(block, self._level)]
        else:
            parts = self._over_holes(block, finite)
        self._in += len(block)
        x = parts[0][0] if len(parts) == 1 else np.concatenate([self._none, *(part for part, _ in parts)])
        real = np.concatenate([self._real, *(mask for _, mask in parts)])
        self._real = real[len(x) :]
        return self._jumps.update(x), real[: len(x)]

    def released(self, known: int) -> int:
        """When the first `known` samples had come out, at the earliest: a hole keeps back its own for a while."""
        return max((end for start, end in self._kept_back if start < known <= end), default=known)

    def _goes_on(self, values: Samples, level: float) -> tuple[Samples, Mask]:
        x = values - level
        if len(x):
            self._held = float(x[-1])
        return x, np.ones(len(x), dtype=bool)

    def _over_holes(self, block: Samples, finite: Mask) -> list[tuple[Samples, Mask]]:
        parts: list[tuple[Samples, Mask]] = []
        edges = np.flatnonzero(np.diff(finite)) + 1
        for start, end in zip([0, *edges.tolist()], [*edges.tolist(), len(block)], strict=True):
            if end == start:
                continue
            if finite[start]:
                parts += self._after_hole(block[start:end], self._in + start)
            else:
                parts += self._hole(end - start, self._in + start)
        return parts

    def _hole(self, length: int, index: int) -> list[tuple[Samples, Mask]]:
        if self._level is None:
            return [self._hold(length)]
        first = index - self._awaited
        self._awaited += length
        if self._awaited <= self._short:
            return []
        self._kept_back.append((first, first + self._short))
        length, self._awaited, self._level = self._awaited, 0, None
        return [self._hold(length)]

    def _hold(self, length: int) -> tuple[Samples, Mask]:
        return np.full(length, self._held), np.zeros(length, dtype=bool)

    def _after_hole(self, values: Samples, index: int) -> list[tuple[Samples, Mask]]:
        parts: list[tuple[Samples, Mask]] = []
        if self._level is None:
            self._level = float(values[0]) - self._held
        if self._awaited:
            across = np.linspace(self._held, float(values[0]) - self._level, self._awaited + 2)[1:-1]
            parts.append((across, np.ones(self._awaited, dtype=bool)))
            self._kept_back.append((index - self._awaited, index))
            self._awaited = 0
        return [*parts, self._goes_on(values, self._level)]


class Jumps:
    """Takes out slopes that no QRS has; learns the lead's own, second by second of the samples it gets.

    What an anti-aliasing filter makes of a jump, slopes and ringing on both sides, goes with it. For that the samples
    come out `delay` samples later than they went in.
    """

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self.delay = max(1, round(BESIDE_S * fs))
        self._second = max(2, round(fs))
        self._spared = int(SPARED_S * fs)
        self._least = LEAST_MV_S / fs
        self._slopes = np.zeros(self._second)
        self._filled = 0
        self._steepest: deque[float] = deque(maxlen=SECONDS)
        self._limit = np.inf
        self._before = 0.0
        self._taken = 0.0
        self._x, self._steps = np.zeros(self.delay), np.zeros(2 * self.delay)
        """The samples still awaited, and the slopes around them."""

    def update(self, x: Samples) -> Samples:
        """As many samples as in `x` (finite, mV), without jumps, of `delay` samples before."""
        parts: list[Samples] = [] if len(x) else [x]
        while len(x):
            piece = x[: self._second - self._filled]
            parts.append(self._piece(piece))
            x = x[len(piece) :]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _piece(self, x: Samples) -> Samples:
        steps = x - np.concatenate(([self._before], x[:-1]))
        self._before = float(x[-1])
        self._slopes[self._filled : self._filled + len(x)] = np.abs(steps)
        self._filled += len(x)
        around = np.concatenate((self._steps, steps))
        late = np.concatenate((self._x, x))
        self._steps, self._x = around[-2 * self.delay :], late[len(x) :]
        taken = self._jumps(around)
        if self._filled == self._second:
            self._learn()
        late = late[: len(x)]
        if taken is None:
            return late - self._taken
        sums = np.cumsum(np.concatenate(([self._taken], taken)))[1:]
        self._taken = float(sums[-1])
        result: Samples = late - sums
        return result

    def _jumps(self, steps: Samples) -> Samples | None:
        """The slopes to take out of those that have `delay` neighbours on both sides; None where there are none."""
        if max(float(steps.max()), -float(steps.min())) <= self._limit:
            return None
        near = sliding_window_view(np.abs(steps), 2 * self.delay + 1).max(axis=1) > self._limit
        return np.where(near, steps[self.delay : len(steps) - self.delay], 0.0)

    def _learn(self) -> None:
        self._filled = 0
        rank = self._second - 1 - self._spared
        self._steepest.append(float(np.partition(self._slopes, rank)[rank]))
        if len(self._steepest) >= FEWEST_S:
            self._limit = max(self._least, STEEPER * sorted(self._steepest)[-2])
