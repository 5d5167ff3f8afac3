"""The upstrokes of a smoothed pleth, live: every rise of the wave from a foot to a crest, whatever made it.

The upstroke is what all pulses share, and its height does not depend on where the wave stands. Turning points are
taken with a swing: a foot counts once the wave has risen by so much after it, a crest once it has fallen by so much,
so that ripples make no rises (the peak picking with a dead zone that step counters and respiration counters use).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np

from cabin_signal.filters import Samples
from cabin_signal.stretch import Stretch

LONGEST_S = 0.4
"""An upstroke takes no longer: of a slower rise only the last part counts."""


@dataclass(frozen=True, slots=True)
class Upstroke:
    """One rise of the smoothed wave."""

    crest: int
    """Sample of the smoothed wave at which it ends."""
    height: float
    """From foot to crest, in the pleth's unit."""
    level: float
    """Where the crest stands above the middle of the wave."""


class Upstrokes:
    """Rises of a smoothed wave without offset, each handed out when its crest is sure."""

    def __init__(self, fs: float, first: int = 0) -> None:
        """`fs` in Hz; `first` is the index of the first sample that will come."""
        self._first = first
        self._longest = int(LONGEST_S * fs)
        self._wave = Stretch(int(4 * fs))
        self._tail: Samples = np.zeros(2)
        self._before = 0.0
        self._ripples: deque[float] = deque([0.0], maxlen=16)
        self._rising = False
        self._turn = (0, 0.0)
        """The lowest point since the last crest, or the highest since the last foot."""

    def update(self, wave: Samples, swing: float, ripple: float) -> list[Upstroke]:
        """The rises whose crest became sure within these samples, at most four seconds of them.

        `swing` is the dead zone, and turns smaller than `ripple` are noise: both in the unit of the wave.
        """
        base = self._wave.end - 2
        self._wave.append(wave)
        joined = np.concatenate((self._tail, wave))
        self._tail = joined[-2:]
        rising = joined[1:] > joined[:-1]
        turns = np.flatnonzero(rising[1:] != rising[:-1]) + 1
        values = joined[turns].tolist()
        self._note(values, ripple)
        points = [(base + i, value) for i, value in zip(turns.tolist(), values, strict=True)]
        points.append((self._wave.end - 1, float(joined[-1])))
        return [rise for at, value in points if (rise := self._pass(at, value, swing)) is not None]

    def ripple(self) -> float:
        """The usual height of the wave's small turns."""
        return median(self._ripples)

    def _note(self, values: list[float], ripple: float) -> None:
        for value in values:
            height = abs(value - self._before)
            self._before = value
            if height < ripple:
                self._ripples.append(height)

    def _pass(self, at: int, value: float, swing: float) -> Upstroke | None:
        turn, extreme = self._turn
        if (value >= extreme) if self._rising else (value <= extreme):
            self._turn = (at, value)
            return None
        if abs(value - extreme) <= swing:
            return None
        self._turn, self._rising = (at, value), not self._rising
        return None if self._rising else self._upstroke(turn, extreme)

    def _upstroke(self, crest: int, top: float) -> Upstroke:
        foot = float(self._wave.window(crest - self._longest, crest + 1).min(initial=top))
        return Upstroke(self._first + crest, top - foot, top)
