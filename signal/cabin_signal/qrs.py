"""Where the heart beats in one lead: R peaks, live, whichever way the lead is turned.

Band-pass 8-20 Hz, energy of the wave and of its slope, smoothed: a hump at every QRS that knows neither sign nor
shape. The choice among humps is `beats.Picker`. The R peak is then the largest deflection, up or down as this lead
mostly has it, of the waveform itself.
"""

from __future__ import annotations

import math

import numpy as np

from cabin_signal.beats import Pick, Rules
from cabin_signal.continuous import Continuous
from cabin_signal.filters import Samples, Sections, high_pass, low_pass, notch
from cabin_signal.finder import Finder, measured_delay
from cabin_signal.findings import Beat
from cabin_signal.mains import HIGHEST, MAINS_HZ
from cabin_signal.second_opinion import SecondOpinion
from cabin_signal.shapes import Shapes
from cabin_signal.stretch import Holes, Mask, Pending, Stretch

RULES = Rules(
    dominance=0.25,
    refractory=0.2,
    after_wave=0.4,
    after_wave_slope=0.5,
    threshold=0.38,
    back_threshold=0.55,
    floor=0.02,
    doubt=0.7,
)
"""Heights in mV. 0.25 s of dominance outlive a tall P wave; refractory and T-wave times after Hamilton 2002."""

MIDDLE_HZ = 12.0
"""Where wave and slope weigh the same in the energy."""
REACH_S = 0.1
"""The R peak lies so near the middle of its hump."""
FINE_S = 0.012
"""... and so near the peak of the wave without baseline."""
EDGE = 0.7
"""A deflection at the end of that reach counts so much less than one in the middle."""
BEGIN_S = 0.03
"""What seems to beat so soon after the start is the filters' waking up."""
HOLE_S = 0.2
"""So long a hole may have swallowed a beat."""
MAINS_QUALITY = 5.0
"""Of the notches that take mains out before beats are looked for: so wide, and so far from the band of the QRS, they
delay it by 1 ms."""
SOFT, LOUD = 0.45, 0.8
"""Murmur beside beats that takes nothing from their clearness, and that takes all."""


class QrsCurve:
    """The front end: mV in, the square root of the smoothed QRS energy out, in mV."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz, above 40."""
        self._band = Sections(high_pass(2, 8, fs) + low_pass(4, 20, fs))
        self._smooth = Sections(low_pass(2, 8, fs))
        self._before = 0.0
        self._per_radian = fs / (2 * math.pi * MIDDLE_HZ)

    def update(self, x: Samples) -> tuple[Samples, Samples]:
        """(energy, slope), each as long as `x`."""
        band = self._band.update(x)
        slope = (band - np.concatenate(([self._before], band[:-1]))) * self._per_radian
        if len(band):
            self._before = float(band[-1])
        energy = self._smooth.update(band * band + slope * slope)
        return np.sqrt(np.maximum(energy, 0)), slope


def _curve_delay(fs: float) -> int:
    """Measured on a model QRS of 30 ms, so that it is right at every rate."""
    middle = int(fs)
    t = (np.arange(2 * middle) - middle) / fs
    return measured_delay(QrsCurve(fs), np.exp(-0.5 * (t / 0.012) ** 2), middle)


class RPeak:
    """Finds the sample of the R peak near the middle of a QRS, and remembers which way the lead is turned."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._fs = fs
        self._reach, self._fine = int(REACH_S * fs), max(1, int(FINE_S * fs))
        self._level = Sections(high_pass(1, 2, fs))
        self._x, self._flat = Stretch(int(4 * fs)), Stretch(int(4 * fs))
        self._pending = Pending(int(fs))
        self._lean = 0.0

    def update(self, x: Samples) -> None:
        """The newest bridged samples, at most a second."""
        if self._pending.add(x):
            self._read()

    def _read(self) -> None:
        x = self._pending.take()
        self._x.append(x)
        self._flat.append(self._level.update(x))

    def near(self, middle: int) -> int:
        """The sample of the peak of the QRS around `middle`."""
        self._read()
        first = self._flat.first(middle - self._reach)
        wave = self._flat.window(first, middle + self._reach + 1)
        if not len(wave):
            return middle
        wave *= 1 - EDGE * np.abs(np.arange(first, first + len(wave)) - middle) / self._reach
        sign = self._turned(float(wave.max()), float(-wave.min()))
        coarse = first + int(np.argmax(sign * wave))
        first = self._x.first(coarse - self._fine)
        return first + int(np.argmax(sign * self._x.window(first, coarse + self._fine + 1)))

    def _turned(self, up: float, down: float) -> int:
        lean = (up - down) / max(up + down, 1e-9)
        self._lean += 0.1 * (lean - self._lean)
        return 1 if lean + self._lean >= 0 else -1


class QrsDetector:
    """Heart beats of one lead in mV, at any rate above 40 Hz; NaN are holes, in which no beat is found."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._whole = Continuous(fs)
        self._peak = RPeak(fs)
        mains = (notch(hertz, MAINS_QUALITY, fs) for hertz in MAINS_HZ if hertz < HIGHEST * fs)
        self._hum = Sections([section for sections in mains for section in sections])
        self._finder = Finder(RULES, fs, QrsCurve(fs), _curve_delay(fs), Shapes(fs))
        self._holes = Holes(int(HOLE_S * fs))
        self._last: int | None = None
        self._hid = False
        """Whether beats were hidden since the last one."""
        self._first = int(BEGIN_S * fs) + self._whole.delay
        self._second = SecondOpinion(fs)

    def update(self, block: Samples) -> list[Beat]:
        """The beats that became known within these samples, at most a second of them."""
        return self._found(*self._whole.update(block))

    def _found(self, x: Samples, real: Mask) -> list[Beat]:
        if not len(x):
            return []
        self._peak.update(x)
        self._holes.update(real)
        quiet = self._hum.update(x)
        self._second.update(quiet)
        return self._beats(self._finder.update(quiet, real))

    def finish(self, now: int) -> list[Beat]:
        """The beats still awaited at the end, sample `now`."""
        return self._beats(self._finder.picker.finish(now))

    def clearness(self, now: int) -> float | None:
        """0 to 1 for the seconds before sample `now`; None before the first beat.

        Agreement of both detectors, less what was rejected and what murmurs beside the beats.
        """
        noisiness, agreement = self._finder.picker.noisiness(), self._second.agreement(now)
        if noisiness is None or agreement is None:
            return None
        quiet = (LOUD - self._finder.picker.murmur()) / (LOUD - SOFT)
        return agreement * max(0.0, 1 - noisiness) * max(0.0, min(1.0, quiet))

    def _beats(self, picks: list[Pick]) -> list[Beat]:
        return [beat for pick in picks if (beat := self._beat(pick)) is not None]

    def _beat(self, pick: Pick) -> Beat | None:
        at, before = self._peak.near(pick.candidate.at), self._last
        if pick.candidate.at < self._first or (before is not None and at <= before):
            return None
        if pick.hidden:
            self._hid = True
            return None
        self._last = at
        self._second.beat(at)
        fresh = before is None or self._hid or self._holes.between(before, at)
        self._hid = False
        sample = at - self._whole.delay
        return Beat(sample, max(sample, self._whole.released(pick.known)), fresh)
