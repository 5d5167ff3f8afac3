"""When on the cabin's clock a sample of a waveform was taken, learnt from when its blocks arrived; pure.

The time of a waveform is its sample index, and its blocks arrive late by a line, a buffer, a busy machine: never
early. So the smallest of `arrival - sample time` over the last seconds is the nearest to the truth, and a short
window lets it follow an instrument whose crystal is not ours: 100 ppm are 0.4 ms in four seconds.
"""

from __future__ import annotations

from collections import deque

from drivers.events import Wave

WINDOW_S = 4.0
"""How long one early block is believed; past it a hole that the index did not count, or a drift, is followed."""


class WaveClock:
    """One stream's offset between its own time, `sample index / rate`, and the cabin's monotonic clock.

    Memory: at most one entry for each block of the last four seconds, and far fewer as a rule.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._envelope: deque[tuple[float, float]] = deque()
        """(arrival, offset) in seconds: offsets that may still become the smallest one, rising."""
        self._expected = 0
        self._rate = 0.0

    def heard(self, wave: Wave, at: float) -> None:
        """One block that arrived at `at` monotonic seconds; an index that goes back is a stream that began anew."""
        if wave.index < self._expected or wave.rate != self._rate:
            self._envelope.clear()
        self._expected, self._rate = wave.index + len(wave.samples), wave.rate
        # The last sample of a block is the one that cannot have been taken after the block came.
        offset = at - (self._expected - 1) / wave.rate
        while self._envelope and self._envelope[-1][1] >= offset:
            self._envelope.pop()
        self._envelope.append((at, offset))
        while self._envelope[0][0] < at - self._window_s:
            self._envelope.popleft()

    @property
    def offset_us(self) -> int | None:
        """Microseconds to add to the time of a sample to have CLOCK_MONOTONIC; None before the first block."""
        return round(self._envelope[0][1] * 1e6) if self._envelope else None
