"""Where the pulse arrives in a pleth: systolic peaks, live, whichever way the wave is turned.

The wave is smoothed (0.5 to 4 Hz: the pulse and its first harmonics), its upstrokes are taken (`upstroke`), and those
that are pulses are chosen among them (`pulse_choice`). The systolic peak is the extreme of the waveform itself near
the crest. The unit of the pleth does not matter. Peaks by upstrokes and their amplitude: Zong 2003 (slope sum) and
Charlton 2022 compare the family; the choice of band and of crest is our own.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

import numpy as np

from cabin_signal.filters import Samples, Sections, high_pass, low_pass
from cabin_signal.findings import Beat
from cabin_signal.jumps import Jumps
from cabin_signal.likeness import Likeness
from cabin_signal.polarity import Polarity
from cabin_signal.pulse_choice import PulseChoice
from cabin_signal.stretch import Bridge, Holes, Mask, Stretch
from cabin_signal.upstroke import Upstroke, Upstrokes

BAND_HZ = (0.5, 4.0)
LEARNING_S = 3.0
"""So much of the wave is awaited before the first pulse is judged."""
REAL = 0.8
"""... of which so much may not be holes."""
LEAST = 0.001
"""After a pause, what is below this part of the pulses before it is what was left of them in the smoother."""
LOOK_S, LOOK_EVERY, SLOPE_HZ = 4.0, 8, 25.0
"""The polarity is looked at again over so long a stretch, once in so many hops, and its slope at
this rate."""
SWING, RIPPLE_SWING, SWING_MOST = 0.08, 1.1, 0.35
"""The dead zone between turns: in usual heights, in ripples, and its limit in usual heights."""
SMALL = 0.5
"""Turns below this part of a usual height are ripple."""
NEAR_S = 0.08
"""The systolic peak lies so near the crest of the smoothed wave."""
UNLIKE = 0.4
"""Likeness at which pulses are worth nothing."""
AGO, LONG_AGO, KNOWN_S = 1.8, 3.6, 0.6
"""Usual intervals since the last pulse that begin to count against it, and that leave nothing; seconds until it is
known."""
FOOT_S = 0.4
"""The foot of a pulse lies within so long before its crest."""
JUMP, JUMP_LATE = 2.0, 4.0
"""So many usual heights from one sample to the next are no pulse; four times as many, while none comes."""
MENDED_S, REAL_CREST = 0.15, 0.4
"""So long a hole is crossed by a straight line; so much of the samples around a crest must be real."""
HOLE_S = 0.25
"""So long a hole may have swallowed a pulse."""


def mended(hop: Samples, real: Mask, longest: int) -> Samples:
    """The same samples with a straight line over each hole that ends within them and is not longer than `longest`."""
    at = np.flatnonzero(real)
    if len(at) < 2:
        return hop
    line = np.interp(np.arange(len(hop)), at, hop[at])
    short = np.searchsorted(at, np.arange(len(hop)))
    inside = ~real & (short > 0) & (short < len(at))
    inside[inside] = np.diff(at)[short[inside] - 1] <= longest + 1
    return np.where(inside, line, hop)


class Smoother:
    """The front end, for a pleth at `fs` Hz, above 8."""

    def __init__(self, fs: float) -> None:
        low, high = BAND_HZ
        self._low, self._high = Sections(low_pass(2, high, fs)), Sections(high_pass(2, low, fs))

    def update(self, x: Samples) -> tuple[Samples, Samples]:
        """(without noise, without noise and without baseline), each as long as `x`."""
        quiet = self._low.update(x)
        return quiet, self._high.update(quiet)


def _crest_delay(fs: float) -> int:
    """Samples by which the crest comes late out of the smoother: measured on a model pulse, at 2 s of 4."""
    t = np.arange(int(4 * fs)) / fs - 2
    pulse = np.exp(-0.5 * (t / np.where(t < 0, 0.09, 0.18)) ** 2)
    return int(np.argmax(Smoother(fs).update(pulse)[1])) - int(np.argmax(pulse))


class PulseDetector:
    """Pulses of one pleth, at any rate of 25 Hz or more; NaN are holes, in which no pulse is found.

    It is fed hops: pieces of a fixed length (a quarter of a second), so that everything is decided at sample numbers.
    """

    def __init__(self, fs: float) -> None:
        """`fs` in Hz."""
        self._fs = fs
        self._bridge, self._smoother = Bridge(), Smoother(fs)
        self._jumps = Jumps()
        self._holes = Holes(int(HOLE_S * fs))
        kept = int(LOOK_S * fs)
        self._x, self._quiet, self._wave, self._real = Stretch(kept), Stretch(kept), Stretch(kept), Stretch(kept)
        self._delay, self._near, self._foot = _crest_delay(fs), max(1, int(NEAR_S * fs)), int(FOOT_S * fs)
        self._polarity = Polarity()
        self._rises, self._choice = Upstrokes(fs), PulseChoice(fs)
        self._likeness = Likeness(fs)
        self._open: deque[int] = deque()
        self._learnt = False
        self._hops = 0
        self._last: int | None = None

    @property
    def sign(self) -> int:
        """1 where more blood in the finger moves the wave up, -1 where down."""
        return self._polarity.sign

    def update(self, hop: Samples) -> list[Beat]:
        """The pulses that became known within these samples."""
        real = np.isfinite(hop)
        x, _ = self._bridge.update(hop if real.all() else mended(hop, real, int(MENDED_S * self._fs)))
        x = self._jumps.update(x, self._jump())
        quiet, wave = self._smoother.update(x)
        self._quiet.append(quiet)
        self._x.append(x)
        self._wave.append(wave)
        self._real.append(real.astype(np.float64))
        self._holes.update(real)
        self._hops += 1
        if self._turned() or not self._learnt or self._choice.lost(self._x.end):
            beats = self._learn() if self._can_learn() else []
        else:
            beats = self._beats(self._upstrokes(wave))
        self._compare()
        return beats

    def finish(self) -> list[Beat]:
        """The pulses of a stream that ended while it was still learning."""
        return [] if self._learnt else self._learn()

    def ripple(self) -> float | None:
        """Height of the wave's small turns over that of its pulses; None before the first pulse."""
        return self._rises.ripple() / self._choice.height if self._learnt else None

    def trust(self) -> float | None:
        """How much the last pulses are worth as of now, 0 to 1: alike, and not long ago; None before the first."""
        alike = self._likeness.recent()
        if alike is None:
            return None
        shape = (alike - UNLIKE) / (1 - UNLIKE)
        waited = self._choice.intervals_since(self._x.end - int(KNOWN_S * self._fs))
        return max(0.0, min(1.0, shape)) * max(0.0, min(1.0, (LONG_AGO - waited) / (LONG_AGO - AGO)))

    def _compare(self) -> None:
        before, after = self._likeness.reach
        while self._open and self._open[0] + after <= self._wave.end:
            crest = self._open.popleft()
            pulse = self._wave.window(crest - before, crest + after)
            if len(pulse) == before + after:
                self._likeness.add(self.sign * pulse)

    def _jump(self) -> float:
        """A change between two samples that no pulse makes."""
        late = min(self._choice.late(self._x.end), JUMP_LATE)
        return JUMP * self._choice.height * late if self._learnt else math.inf

    def _turned(self) -> bool:
        if self._hops % LOOK_EVERY or not self._learnt:
            return False
        return self._polarity.look(self._newest(LOOK_S), self._plain(LOOK_S))

    def _newest(self, seconds: float) -> Samples:
        return self._wave.window(self._wave.end - int(seconds * self._fs), self._wave.end)

    def _plain(self, seconds: float) -> Samples:
        return self._x.window(self._x.end - int(seconds * self._fs), self._x.end)[
            :: max(1, round(self._fs / SLOPE_HZ))
        ]

    def _can_learn(self) -> bool:
        real = self._real.window(self._real.end - int(LEARNING_S * self._fs), self._real.end)
        return len(real) >= int(LEARNING_S * self._fs) and float(real.mean()) >= REAL

    def _learn(self) -> list[Beat]:
        """Judge the last seconds as a whole, knowing no more of what was before than how small a pulse can be."""
        wave = self._newest(LEARNING_S)
        self._polarity.settle(wave, self._plain(LEARNING_S))
        rises, choice = Upstrokes(self._fs, self._wave.end - len(wave)), PulseChoice(self._fs)
        far = float(np.ptp(wave)) if len(wave) else 0.0
        found = rises.update(self.sign * wave, SWING * far, SMALL * far)
        self._learnt = choice.learn([rise for rise in found if rise.height > LEAST * self._choice.height])
        if not self._learnt:
            return []
        self._rises, self._choice = rises, choice
        return self._beats(found)

    def _upstrokes(self, wave: Samples) -> list[Upstroke]:
        height = self._choice.height
        swing = max(SWING * height, min(RIPPLE_SWING * self._rises.ripple(), SWING_MOST * height))
        late = self._choice.late(self._x.end - int(0.7 * self._fs))
        return self._rises.update(self.sign * wave, swing / late, SMALL * height)

    def _beats(self, rises: list[Upstroke]) -> list[Beat]:
        ripple = self._rises.ripple()
        real = [self._with_baseline(rise) for rise in rises if self._is_real(rise.crest - self._delay)]
        pulses = [rise for rise in real if rise.height > 0 and self._choice.is_pulse(rise, ripple)]
        return [beat for pulse in pulses if (beat := self._beat(pulse)) is not None]

    def _is_real(self, crest: int) -> bool:
        around = self._real.window(crest - self._near, crest + self._near)
        return len(around) > 0 and float(around.mean()) >= REAL_CREST

    def _with_baseline(self, rise: Upstroke) -> Upstroke:
        """The same upstroke, no higher than it is before the baseline is taken off.

        What takes the baseline off answers a pulse, or a fall, with a slow rise of its own.
        """
        wave = self.sign * self._quiet.window(rise.crest - self._foot, rise.crest + self._near // 2)
        if not len(wave):
            return rise
        own = float(wave[self._foot // 2 :].max(initial=wave[0])) - float(wave.min())
        return rise if own >= rise.height else replace(rise, height=own)

    def _beat(self, pulse: Upstroke) -> Beat | None:
        at, before = self._systolic(pulse.crest - self._delay), self._last
        if before is not None and at <= before:
            return None
        self._last = at
        self._open.append(pulse.crest)
        return Beat(at, self._x.end, fresh=before is None or self._holes.between(before, at))

    def _systolic(self, crest: int) -> int:
        first = self._x.first(crest - self._near)
        wave = self.sign * self._x.window(first, crest + self._near + 1)
        wave[self._real.window(first, crest + self._near + 1) == 0] = -np.inf
        return first + int(np.argmax(wave)) if len(wave) else crest
