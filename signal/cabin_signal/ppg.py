"""A pleth, live: pulses, pulse rate, perfusion index and quality, from blocks of any size.

Like `ecg`: everything is decided at sample numbers, so that blocks of any size give the same findings to the last
bit, and memory is bounded. A pulse is announced about 0.5 s after its systolic peak; a finger that left shows as
"finger-out" within one second where the sensor then gives a flat or railed line.

No oxygen saturation is computed: the curve from light to saturation belongs to the sensor and its maker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cabin_signal.filters import Samples
from cabin_signal.findings import Beat, QualitySpan, RatePoint
from cabin_signal.ppg_quality import STEP_S, PpgQuality
from cabin_signal.pulse import PulseDetector
from cabin_signal.rate import RateWatch, median_rate
from cabin_signal.stretch import Stretch

SLOWEST_HZ = 25.0
"""Below this rate upstrokes are not seen well enough."""
FEWEST_PULSES = 6
"""Pulses before a rate is stated."""
FLUSH_S = 0.6
"""The end of a stream is awaited so long, so that a last pulse is found."""


@dataclass(frozen=True, slots=True)
class PerfusionPoint:
    """Pulsating part of the light in percent of the steady part, at `t` seconds."""

    t: float
    percent: float


@dataclass(frozen=True, slots=True)
class PlethFindings:
    """What became known; times in samples of the input since the stream began."""

    beats: tuple[Beat, ...] = ()
    pulse_rate: tuple[RatePoint, ...] = ()
    perfusion_index: tuple[PerfusionPoint, ...] = ()
    """Empty where the steady part of the light is not known."""
    quality: tuple[QualitySpan, ...] = ()
    """One span for each quarter of a second."""


class PlethStream:
    """The analysis of one pleth."""

    def __init__(self, fs: float, light: bool = False) -> None:
        """`fs` in Hz; ValueError below 25.

        `light`: the samples are raw light, which falls when the pulse comes, with its steady part. Else they are the
        sensor's display wave, upright and of no known zero, and there is no perfusion index.
        """
        if not fs >= SLOWEST_HZ:
            raise ValueError(
                f"a pleth of {fs:g} samples a second cannot be analysed: it takes {SLOWEST_HZ:g} or more"
            )
        self._fs = fs
        self._light = Stretch(int(2 * fs)) if light else None
        self._detector = PulseDetector(fs)
        self._rate = RateWatch(fs, FEWEST_PULSES, median_rate)
        self._quality = PpgQuality(fs)
        self._now = 0
        self._steps = 0

    def update(self, block: ArrayLike) -> PlethFindings:
        """What these samples (one dimension, any number, NaN where there are none) let become known."""
        new = _New()
        samples: Samples = np.asarray(block, dtype=np.float64).ravel()
        while len(samples):
            piece = samples[: self._edge(self._steps + 1) - self._now]
            self._step(piece, new)
            samples = samples[len(piece) :]
        return new.findings()

    def finish(self) -> PlethFindings:
        """The rest, at the end of the stream; call it once, and `update` no more."""
        new = _New()
        end = self._now
        beats = self._detector.update(np.full(int(FLUSH_S * self._fs), np.nan)) + self._detector.finish(end)
        self._take([Beat(b.sample, min(b.announced, end), b.fresh) for b in beats if b.sample < end], new)
        start = self._edge(self._steps)
        if end > start:
            new.quality.append(self._quality.grade(start, end, self._detector.noisiness()))
        return new.findings()

    def _edge(self, step: int) -> int:
        return round(step * STEP_S * self._fs)

    def _step(self, piece: Samples, new: _New) -> None:
        self._now += len(piece)
        if self._light:
            self._light.append(piece)
            piece = -piece
        self._quality.update(piece)
        self._take(self._detector.update(piece), new)
        if self._now == self._edge(self._steps + 1):
            start = self._edge(self._steps)
            new.quality.append(self._quality.grade(start, self._now, self._detector.noisiness()))
            self._steps += 1

    def _take(self, beats: list[Beat], new: _New) -> None:
        for beat in beats:
            new.beats.append(beat)
            height = self._quality.pulse(beat.sample)
            if (rate := self._rate.add(beat)) is not None:
                new.pulse_rate.append(rate)
            if self._light and height is not None:
                self._perfusion(beat, height, self._light, new)

    def _perfusion(self, beat: Beat, height: float, light: Stretch, new: _New) -> None:
        steady = float(np.mean(light.window(beat.sample - int(0.4 * self._fs), beat.sample + 1)))
        if steady > 0:
            point = PerfusionPoint(beat.sample / self._fs, 100 * height / steady)
            self._quality.perfusion(point.percent)
            new.perfusion_index.append(point)


class _New:
    """Findings on the way out of one call."""

    def __init__(self) -> None:
        self.beats: list[Beat] = []
        self.pulse_rate: list[RatePoint] = []
        self.perfusion_index: list[PerfusionPoint] = []
        self.quality: list[QualitySpan] = []

    def findings(self) -> PlethFindings:
        return PlethFindings(
            tuple(self.beats), tuple(self.pulse_rate), tuple(self.perfusion_index), tuple(self.quality)
        )
