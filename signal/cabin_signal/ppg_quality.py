"""How far each quarter of a second of a pleth can be trusted, and why not further.

A pleth has no unit that holds from one sensor to the next, so everything is measured against the height of its own
recent pulses. Steps of a quarter second, with what the last 0.75 s look like, show a finger that left within one.
Sources: clinical reference 2.3 (finger off, low perfusion below 0.3 %, loss of likeness for movement; Orphanidou 2015
for likeness); the limits in pulse heights are our own, set on development recordings.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from cabin_signal.filters import Samples
from cabin_signal.findings import QualitySpan, grade_of
from cabin_signal.stray_light import StrayLight
from cabin_signal.stretch import Stretch

STEP_S, LOOK_S = 0.25, 0.75
"""Length of a graded span, and of what is looked at to grade it."""
FOOT_S = 0.4
"""The foot of a pulse lies within so long before its peak."""
STILL = 0.015
"""Range, in pulse heights, below which nothing pulsates."""
PAUSE_S = 3.0
"""Longest time without a pulse."""
MOVED, MOVED_MUCH = 2.5, 6.0
"""Range, in pulse heights, that hurts, and that spoils."""
NOISE = 0.3
"""Ripple, in pulse heights, that hurts."""
TRUSTED, DOUBTED = 0.75, 0.45
"""Trust in the last pulses (0 to 1) below which a span is hurt, and spoilt: 0.75 is a likeness of 0.85."""
FLICKER, FLICKER_MUCH = 0.15, 2.0
"""Flicker of stray light, in pulse heights, that hurts, and that spoils."""
CLIPPED_PART, SHADES = 0.15, 30
"""Part of the samples at one extreme that is clipping, where a wave has at least so many different values."""
STEEP, SEEN_S = 2.0, 4.0
"""Steps of its own shades by which a wave mostly runs into a rail, over the last seconds: a foot of few shades is as
flat, and one comes down to it softly."""
CLIPPED_SCORE = 0.6
"""The most that a clipped wave is worth: its height is lost, the time of its pulses is not."""
LOW_PERFUSION = 0.3
"""Perfusion index in percent below which a reading is to be retried with a warm hand."""
ELSEWHERE_S, ELSEWHERE = 0.9, 0.3
"""After so long without a pulse, raw light that is by this part of it elsewhere is that of an open sensor."""
LEVEL_NEW = 0.2
"""How fast the light through a finger is followed, at each pulse."""
LEAST_OF_IT = 0.1
"""What of a pulse's height is left, at the least, when the flicker over it is taken off."""
STEPPED_STEPS = 3
"""Steps for which the light that came or went is remembered."""


class PpgQuality:
    """Grades one step after the other."""

    def __init__(self, fs: float, light: bool = False) -> None:
        """`fs` in Hz; `light`: the samples are raw light turned over, so that a step of it can be told."""
        self._fs, self._is_light = fs, light
        self._look = int(LOOK_S * fs)
        self._raw = Stretch(int(SEEN_S * fs))
        self._heights: deque[float] = deque(maxlen=8)
        self._height: float | None = None
        self._last_pulse = 0
        self._top, self._bottom = -np.inf, np.inf
        self._low = self._high = 0.0
        self._perfusion: float | None = None
        self._stray = StrayLight(self._look, fs)
        self._stepped = 0
        self._flicker = self._level = 0.0
        self.score: float | None = None
        """How far the newest step can be trusted, 0 to 1; None while no pulse could be compared with another."""

    def update(self, block: Samples) -> None:
        """The newest samples, at most a step of them, NaN where there are none."""
        self._raw.append(block)
        real = block[np.isfinite(block)]
        if len(real):
            self._top = max(self._top, float(real.max()))
            self._bottom = min(self._bottom, float(real.min()))

    def pulse(self, sample: int) -> float | None:
        """There is a pulse at `sample`; its height from foot to peak, None where samples are lost."""
        self._last_pulse = sample
        rise = self._raw.window(sample - int(FOOT_S * self._fs), sample + 1)
        height = float(np.ptp(rise)) if len(rise) else np.nan
        if not np.isfinite(height):
            return None
        self._level += (float(rise.mean()) - self._level) * (LEVEL_NEW if self._heights else 1.0)
        height = max(height - self._flicker, height * LEAST_OF_IT)
        self._heights.append(height)
        self._height = median(self._heights)
        return height

    def perfusion(self, percent: float) -> None:
        """The perfusion index of the newest pulse."""
        self._perfusion = percent

    def grade(self, start: int, end: int, trust: float | None, ripple: float | None) -> QualitySpan:
        """The grade of samples [start, end), the newest ones.

        `trust` in the last pulses is 0 to 1, None before there are any; `ripple` is the noise between them,
        in pulse heights.
        """
        look = self._raw.window(end - self._look, end)
        real = look[np.isfinite(look)]
        self._low, self._high = (float(real.min()), float(real.max())) if len(real) else (0.0, 0.0)
        spoiling, hurting = self._no_finger(look, real, end), set[str]()
        if not spoiling:
            spoiling, hurting = self._disturbed(look, ripple)
            self._distrusted(trust, spoiling, hurting)
        self.score = self._scored(spoiling, trust, ripple)
        return QualitySpan(start, end, grade_of(spoiling, hurting), tuple(sorted(spoiling | hurting)), self.score)

    def _distrusted(self, trust: float | None, spoiling: set[str], hurting: set[str]) -> None:
        """Pulses unlike each other are a movement, unless a reason is already known."""
        if trust is None or trust >= TRUSTED:
            return
        if trust < DOUBTED and not spoiling:
            spoiling.add("ambient-light" if "ambient-light" in hurting else "movement")
        elif not spoiling | hurting:
            hurting.add("movement")

    def _scored(self, spoiling: set[str], trust: float | None, ripple: float | None) -> float | None:
        if spoiling - {"saturation"} or "finger-out" in spoiling:
            return 0.0
        if trust is None:
            return 0.0 if spoiling else None
        score = round(trust * max(0.0, min(1.0, 1.0 + NOISE - (ripple or 0.0))), 3)
        return min(score, CLIPPED_SCORE) if spoiling else score

    def _no_finger(self, look: Samples, real: Samples, end: int) -> set[str]:
        if len(real) < 0.8 * len(look) or not len(real):
            return {"finger-out"}
        waited = (end - self._last_pulse) / self._fs
        if self._high - self._low <= STILL * (self._height or 0.0):
            at_rail = self._top > self._bottom and real[-1] in (self._top, self._bottom)
            return {"finger-out", "saturation"} if at_rail else {"finger-out"}
        elsewhere = self._is_light and bool(self._heights) and waited > ELSEWHERE_S
        if elsewhere and abs(float(np.median(real)) - self._level) > ELSEWHERE * abs(self._level):
            return {"finger-out"}
        return {"finger-out"} if waited > PAUSE_S else set()

    def _disturbed(self, look: Samples, ripple: float | None) -> tuple[set[str], set[str]]:
        spoiling, hurting = self._stray_light(look)
        if self._clipped(look):
            spoiling.add("saturation")
        moved = (self._high - self._low) / self._height if self._height else 0.0
        if "ambient-light" not in spoiling | hurting:
            if moved > MOVED_MUCH:
                spoiling.add("movement")
            elif moved > MOVED or (ripple or 0.0) > NOISE:
                hurting.add("movement")
        if self._perfusion is not None and self._perfusion < LOW_PERFUSION:
            hurting.add("low-perfusion")
        return spoiling, hurting

    def _stray_light(self, look: Samples) -> tuple[set[str], set[str]]:
        if not self._height:
            return set(), set()
        self._flicker = self._stray.flicker(look) if np.isfinite(look).all() else 0.0
        flicker = self._flicker / self._height
        self._stepped = max(0, self._stepped - 1)
        if self._is_light and self._stray.stepped(look, self._height):
            self._stepped = STEPPED_STEPS
        if flicker > FLICKER_MUCH or self._stepped:
            return {"ambient-light"}, set()
        return set(), {"ambient-light"} if flicker > FLICKER else set()

    def _clipped(self, look: Samples) -> bool:
        if self._high < self._top and self._low > self._bottom:
            return False
        most = CLIPPED_PART * len(look)
        edges = [edge for edge in (self._top, self._bottom) if np.count_nonzero(look == edge) > most]
        shades = np.unique(look) if edges else look[:0]
        if len(shades) < SHADES:
            return False
        least = STEEP * float(np.min(np.diff(shades)))
        seen = self._raw.window(self._raw.end - int(SEEN_S * self._fs), self._raw.end)
        return any(_run_in(seen, edge) >= least for edge in edges)


def _run_in(seen: Samples, edge: float) -> float:
    """The step between samples at `edge` and their neighbours that are not, which three of four exceed."""
    held = seen == edge
    steps = np.abs(np.diff(seen))[held[1:] != held[:-1]]
    return float(np.quantile(steps[np.isfinite(steps)], 0.25)) if np.isfinite(steps).any() else 0.0
