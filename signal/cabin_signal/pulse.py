"""Where the pulse arrives in a pleth: systolic peaks, live.

The upstroke is what all pulses share. Band-pass 0.5-8 Hz, rising slope only, smoothed: a hump at every upstroke
(after the slope-sum function of Zong 2003), chosen by `beats.Picker`. The systolic peak is the maximum of the
waveform that follows. The unit of the waveform does not matter; more light absorbed must point upwards.
"""

from __future__ import annotations

import math

import numpy as np

from cabin_signal.beats import Pick, Rules
from cabin_signal.filters import Samples, Sections, high_pass, low_pass
from cabin_signal.finder import Finder, measured_delay
from cabin_signal.findings import Beat
from cabin_signal.stretch import Bridge, Holes, Stretch

RULES = Rules(
    dominance=0.33,
    refractory=0.27,
    after_wave=0.45,
    after_wave_slope=0.5,
    threshold=0.35,
    back_threshold=0.5,
    learning=2.0,
)
"""Heights in the pleth's unit per second; the after-wave is the dicrotic one."""

TO_PEAK_S = 0.35
"""The systolic peak comes so soon after the middle of the upstroke."""
FROM_FOOT_S = 0.15
"""The upstroke has begun so long before its middle."""
HOLE_S = 0.25
"""So long a hole may have swallowed a pulse."""


class UpstrokeCurve:
    """The front end: a pleth in, its smoothed rising slope out, per second."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz, above 20."""
        self._fs = fs
        self._band = Sections(high_pass(1, 0.5, fs) + low_pass(2, 8, fs))
        self._smooth = Sections(low_pass(2, 4, fs))
        self._before = 0.0

    def update(self, x: Samples) -> tuple[Samples, Samples]:
        """(smoothed rising slope, slope), each as long as `x`."""
        band = self._band.update(x)
        slope = np.diff(band, prepend=self._before) * self._fs
        if len(band):
            self._before = float(band[-1])
        rising = np.maximum(slope, 0)
        return np.maximum(self._smooth.update(rising), 0), rising


def _curve_delay(fs: float) -> int:
    """Measured on a model upstroke of 0.2 s, with its middle at 1 s."""
    middle = int(fs)
    t = (np.arange(2 * middle) - middle) / fs
    return measured_delay(UpstrokeCurve(fs), np.array([math.erf(v / 0.08) for v in t]), middle)


class PulseDetector:
    """Pulses of one pleth, at any rate above 20 Hz; NaN are holes, in which no pulse is found."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._reach = int(TO_PEAK_S * fs)
        self._bridge = Bridge()
        self._holes = Holes(int(HOLE_S * fs))
        self._foot = int(FROM_FOOT_S * fs)
        self._x = Stretch(int(4 * fs))
        self._finder = Finder(RULES, fs, UpstrokeCurve(fs), _curve_delay(fs), self._does_not_rise)
        self._last: int | None = None

    def update(self, block: Samples) -> list[Beat]:
        """The pulses that became known within these samples, at most a second of them."""
        x, real = self._bridge.update(block)
        self._x.append(x)
        self._holes.update(real)
        return self._beats(self._finder.update(x, real))

    def finish(self, now: int) -> list[Beat]:
        """The pulses still awaited at the end, sample `now`."""
        return self._beats(self._finder.picker.finish(now))

    def noisiness(self) -> float | None:
        """Height of what was rejected over that of pulses; None before the first pulse."""
        return self._finder.picker.noisiness()

    def _beats(self, picks: list[Pick]) -> list[Beat]:
        return [beat for pick in picks if (beat := self._beat(pick)) is not None]

    def _beat(self, pick: Pick) -> Beat | None:
        at = self._systolic(pick.candidate.at, pick.known)
        before = self._last
        if before is not None and at <= before:
            return None
        self._last = at
        return Beat(at, pick.known, fresh=before is None or self._holes.between(before, at))

    def _does_not_rise(self, middle: int) -> bool:
        """Whether the hump is but the filters' echo of a fall: the waveform itself has no upstroke there."""
        before = self._x.window(middle - self._foot, middle + 1)
        after = self._x.window(middle, middle + self._foot + 1)
        return not (len(before) and len(after)) or float(after.max()) <= float(before.min())

    def _systolic(self, middle: int, known: int) -> int:
        """The highest sample after the middle of the upstroke, within what is known."""
        first = self._x.first(middle)
        wave = self._x.window(first, min(middle + self._reach, known))
        return first + int(np.argmax(wave)) if len(wave) else middle
