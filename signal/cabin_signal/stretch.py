"""Small memories of a stream: the last stretch of it, what of it still waits, and the way over its holes."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from cabin_signal.filters import Samples

Mask = NDArray[np.bool_]
"""One truth value for each sample."""


class Stretch:
    """The last samples of a stream, addressed by their absolute index since it began."""

    def __init__(self, length: int) -> None:
        """Keeps at least `length` samples."""
        self._length = length
        self._kept: Samples = np.zeros(2 * length)
        self._from = 0
        self.end = 0
        """Index after the newest sample."""

    def append(self, block: Samples) -> None:
        """Adds the newest samples, at most `length` at a time."""
        used = self.end - self._from
        if used + len(block) > len(self._kept):
            keep = min(used, self._length)
            self._kept[:keep] = self._kept[used - keep : used]
            self._from, used = self.end - keep, keep
        self._kept[used : used + len(block)] = block
        self.end += len(block)

    def window(self, start: int, end: int) -> Samples:
        """A copy of samples [start, end), cut to what is still kept."""
        first, last = max(start, self._from), min(end, self.end)
        return self._kept[first - self._from : max(first, last) - self._from].copy()

    def first(self, start: int) -> int:
        """The index at which `window(start, ...)` really begins."""
        return max(start, self._from)


class Pending:
    """Samples that wait for whoever needs them only now and then: larger pieces cost less than many small ones."""

    def __init__(self, most: int) -> None:
        """Holds about `most` samples, then they must be taken."""
        self._most = most
        self._pieces: list[Samples] = []
        self._held = 0

    def add(self, x: Samples) -> bool:
        """Whether it is time to take them."""
        self._pieces.append(x)
        self._held += len(x)
        return self._held >= self._most

    def take(self) -> Samples:
        """All that wait, in order; none afterwards."""
        pieces, self._pieces, self._held = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else np.concatenate((np.zeros(0), *pieces))


class Bridge:
    """Takes the holes (NaN) out of a stream so that filters run on without a jolt.

    In a hole the last value is held; after it the stream goes on from there, whatever its new level: a lost electrode
    comes back at another offset, and that step is no heart beat. The first value of the stream counts as zero.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._held = 0.0
        self._hole = True

    def update(self, block: Samples) -> tuple[Samples, Mask]:
        """The bridged samples, and which of them are real."""
        real = np.isfinite(block)
        whole = not self._hole and bool(real.all())
        bridged = block - self._offset if whole else self._over_holes(block, real)
        if len(bridged):
            self._held = float(bridged[-1])
        return bridged, real

    def _over_holes(self, block: Samples, real: Mask) -> Samples:
        bridged = np.empty(len(block))
        edges = np.flatnonzero(np.diff(real)) + 1
        for start, end in zip([0, *edges], [*edges, len(block)], strict=True):
            if end == start:
                continue
            if not real[start]:
                bridged[start:end] = self._held
            else:
                if self._hole:
                    self._offset = float(block[start]) - self._held
                bridged[start:end] = block[start:end] - self._offset
                self._held = float(bridged[end - 1])
            self._hole = not real[start]
        return bridged


class Holes:
    """Where a stream lost so much that the time between two beats across it means nothing."""

    def __init__(self, length: int) -> None:
        """`length`: samples in a row that make a hole worth remembering."""
        self._length = length
        self._run = 0
        self._index = 0
        self._at: deque[int] = deque(maxlen=64)

    def update(self, real: Mask) -> None:
        """Which of the newest samples are real."""
        if self._run or not real.all():
            for here in real.tolist():
                self._run = 0 if here else self._run + 1
                if self._run == self._length:
                    self._at.append(self._index)
                self._index += 1
        else:
            self._index += len(real)

    def between(self, start: int, end: int) -> bool:
        """Whether such a hole lies in samples (start, end)."""
        return any(start < at < end for at in self._at)
