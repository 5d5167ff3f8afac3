"""From a waveform to its beats: front end, maxima and choice, one after the other.

A better front end is another class with the shape of `Curve`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from cabin_signal.beats import Candidate, Pick, Picker, Rules
from cabin_signal.filters import Samples
from cabin_signal.maxima import Maxima
from cabin_signal.shapes import Shapes
from cabin_signal.stretch import Mask, Stretch

NEAR_S = 0.03
"""No sample so near the middle of a beat may be missing."""
MURMUR_S = 2.0
"""How far back noise is listened for."""


class Curve(Protocol):
    """A front end: the waveform in, the curve of humps and the slope that tells a beat from its after-wave out."""

    def update(self, x: Samples) -> tuple[Samples, Samples]:
        """(curve, slope), each as long as `x`; causal, with state from block to block."""


class Finder:
    """Front end, maxima and choice together: a bridged waveform in, beats out."""

    def __init__(self, rules: Rules, fs: float, curve: Curve, delay: int, shapes: Shapes | None = None) -> None:
        """`delay`: samples by which a hump of `curve` comes after the middle of its beat.

        `shapes`, where they are given, are fed with the same waveform and tell beats from noise.
        """
        self._curve = curve
        self._delay = delay
        self._ready_after = int(rules.dominance * fs) + 2
        self._before, self._after = int(0.12 * fs), int(0.03 * fs)
        self._near = int(NEAR_S * fs)
        self._maxima = Maxima(int(rules.dominance * fs), rules.floor)
        self._humps, self._past, self._recent = Stretch(int(4 * fs)), int(MURMUR_S * fs), int(0.1 * fs)
        self._slope = Stretch(int(2 * fs))
        self._real = Stretch(int(2 * fs))
        self._shapes = shapes
        self.picker = Picker(rules, fs, shapes)

    def update(self, x: Samples, real: Mask) -> list[Pick]:
        """Beats among samples `x` without holes, of which `real` are measured; at most a second at a time."""
        curve, slope = self._curve.update(x)
        self._humps.append(curve)
        self._slope.append(np.abs(slope))
        self._real.append(real.astype(np.float64))
        if self._shapes is not None:
            self._shapes.update(x)
        tops = [(self._candidate(at, height), at + self._ready_after) for at, height in self._maxima.update(curve)]
        return self.picker.update([(c, ready) for c, ready in tops if self._is_real(c)], self._slope.end)

    def _candidate(self, top: int, height: float) -> Candidate:
        steepest = self._slope.window(top - self._before, top + self._after)
        return Candidate(top - self._delay, height, float(steepest.max(initial=0.0)), self._murmur(top) / height)

    def _murmur(self, top: int) -> float:
        """Upper quartile of the curve in the time before a hump."""
        past = self._humps.window(top - self._past, top - self._recent)
        rank = 3 * len(past) // 4
        return float(np.partition(past, rank)[rank]) if len(past) else 0.0

    def _is_real(self, c: Candidate) -> bool:
        return bool(self._real.window(c.at - self._near, c.at + self._near).all())


def measured_delay(curve: Curve, beat: Samples, middle: int) -> int:
    """How many samples after `middle` of a model beat the hump of a fresh `curve` comes."""
    humps, _ = curve.update(beat)
    return int(np.argmax(humps)) - middle
