"""Which way up a pleth stands: whether more blood in the finger moves it up or down.

A pulse rises faster than it falls and its crest is narrower than its trough, so that both the wave and its slope
lean to the side of the crest (skewness, the best of eight quality indices of Elgendi 2016). Some sensors and
recorders turn the wave over; a wave that leans clearly and lastingly to the other side is taken as turned.
"""

from __future__ import annotations

import numpy as np

from cabin_signal.filters import Samples

CLEAR = 0.6
"""Lean that is taken as turned over at first sight; pulses of real fingers lean by 0.7 to 1.5."""
MEMORY = 0.8
"""What remains of earlier looks at each new one."""
TURN_OVER, TURN_BACK = -2.0, 0.5
"""Sum of looks, each within 1, that shows a wave turned over, and upright again: upright is what sensors promise."""


def lean(smoothed: Samples, plain: Samples) -> float:
    """Skewness of the smoothed wave plus that of the slope of the plain one, sampled at about 25 Hz.

    Above 0 upright, below 0 turned over, 0 for nothing. The slope is not that of the smoothed wave, because the
    smoother turns the phase of a slow pulse.
    """
    return _skewness(smoothed) + _skewness(np.diff(plain))


def _skewness(x: Samples) -> float:
    if len(x) < 3:
        return 0.0
    off = x - x.mean()
    square = off * off
    size = float(square.mean()) ** 1.5
    return float((square * off).mean()) / size if size > 0 else 0.0


class Polarity:
    """1 for upright, -1 for turned over; upright until it is shown to be otherwise."""

    def __init__(self) -> None:
        self.sign = 1
        self._sum = 0.0

    def settle(self, smoothed: Samples, plain: Samples) -> None:
        """The first look at a stream, or the first after all was forgotten."""
        if lean(smoothed, plain) < -CLEAR:
            self.sign = -1

    def look(self, smoothed: Samples, plain: Samples) -> bool:
        """Another look, at new samples; whether it turned the sign over."""
        self._sum = MEMORY * self._sum + max(-1.0, min(1.0, lean(smoothed, plain)))
        before = self.sign
        if self._sum < TURN_OVER:
            self.sign = -1
        elif self._sum > TURN_BACK:
            self.sign = 1
        return self.sign != before
