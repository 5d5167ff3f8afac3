"""Light that is not the sensor's own: lamps that flicker with the mains, and a lamp or the sun that comes and goes.

A lamp on 50 Hz mains flickers at 100 Hz, and wires bring 50 Hz; 60 Hz mains likewise. A slow recording shows these
folded down (100 Hz sampled at 75 Hz is 25 Hz), which is as good as long as it falls where no pulse is. A step of
light moves the steady part at once and for good and leaves the pulses as they are; it shows in raw light alone.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cabin_signal.filters import Samples

MAINS_HZ = (50.0, 60.0, 100.0, 120.0)
FREE_HZ = 14.0
"""Where nothing of a pulse is left: what folds down below is not looked for."""
STEP_PART, STEP_PULSES, SUDDEN = 0.05, 3.0, 0.7
"""A step is at least this part of the steady light, so many pulse heights, and mostly within one hundredth second."""
SUDDEN_S = 0.01


def folded(hertz: float, fs: float) -> float:
    """Where a frequency shows when it is sampled at `fs` Hz."""
    return abs(hertz - round(hertz / fs) * fs)


class StrayLight:
    """Looks at windows of one length."""

    def __init__(self, length: int, fs: float) -> None:
        """`length` of the windows in samples, at `fs` Hz."""
        self._half = length // 2
        seen = sorted({round(folded(hertz, fs), 6) for hertz in MAINS_HZ})
        self.seen_hz = tuple(hertz for hertz in seen if FREE_HZ <= hertz < 0.48 * fs)
        """Where flicker is looked for."""
        taper = np.hanning(self._half + 2)[1:-1]
        phase = -2j * math.pi / fs * np.arange(self._half)
        waves = [np.exp(hertz * phase) * taper * 2 / taper.sum() for hertz in self.seen_hz]
        self._waves: NDArray[np.complex128] = np.array(waves).reshape(len(waves), self._half)
        self._sudden = max(1, round(SUDDEN_S * fs))

    def flicker(self, window: Samples) -> float:
        """Height (peak to peak) of the strongest flicker in the unit of the window; 0 where none can be seen.

        It is there in both halves of the window: a jump of the level, which has something of every frequency, is not.
        """
        if not len(self._waves) or len(window) < 2 * self._half:
            return 0.0
        halves = window[-2 * self._half :].reshape(2, self._half).T
        return 2 * float(np.abs(self._waves @ (halves - halves.mean(axis=0))).min(axis=1).max())

    def stepped(self, light: Samples, pulse: float) -> bool:
        """Whether the light came or went at once within this window; `pulse` is the height of a pulse."""
        third = len(light) // 3
        if third < 2:
            return False
        before, after = float(light[:third].mean()), float(light[-third:].mean())
        change = abs(after - before)
        if change < max(STEP_PART * abs(before), STEP_PULSES * pulse):
            return False
        jump = float(np.abs(light[self._sudden :] - light[: -self._sudden]).max())
        return SUDDEN * change <= jump <= change / SUDDEN
