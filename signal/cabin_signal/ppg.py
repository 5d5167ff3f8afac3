"""A pleth, live: pulses, pulse rate, perfusion index and quality, from blocks of any size.

Samples are gathered into hops of a quarter of a second and everything is decided hop by hop, so that blocks of any
size give the same findings to the last bit, cost about the same, and memory is bounded. A pulse is announced about
0.25 s after its systolic peak; a finger that left shows as "finger-out" within one second where the sensor then gives
a flat or railed line.

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
from cabin_signal.pulse_rate import PulseRate
from cabin_signal.stretch import Stretch

SLOWEST_HZ = 25.0
"""Below this rate upstrokes are not seen well enough."""
FASTEST_HZ = 10_000.0
"""Above this the number is no sampling rate of a pleth, but a mistake of unit."""
FLUSH_S = 0.75
"""The end of a stream is awaited so long, so that a last pulse is found."""
NO_READING = 1e12
"""No sensor counts so far: what is beyond, as what is infinite, is a hole."""
FOOT_S = 0.4
"""The foot of a pulse lies within so long before its peak."""


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
        """`fs` in Hz; ValueError below 25 and above 10 000.

        `light`: the samples are raw light, which falls when the pulse comes, with its steady part. Else they are the
        sensor's display wave, of no known zero, and there is no perfusion index. A wave that stands upside down all
        the same is found to be so (`polarity`).
        """
        if not SLOWEST_HZ <= fs <= FASTEST_HZ:
            raise ValueError(f"a pleth has {SLOWEST_HZ:g} to {FASTEST_HZ:.0f} samples a second, not {fs:g}")
        self._fs = fs
        self._light = Stretch(int(2 * fs)) if light else None
        self._detector = PulseDetector(fs)
        self._rate = PulseRate(fs)
        self._quality = PpgQuality(fs, light)
        self._hop: Samples = np.empty(int(STEP_S * fs) + 2)
        self._held = self._now = self._steps = 0
        self._edge = self._edge_of(1)

    def update(self, block: ArrayLike) -> PlethFindings:
        """What these samples (one dimension, any number, NaN where there are none) let become known."""
        samples: Samples = np.asarray(block, dtype=np.float64).ravel()
        new = _New()
        while len(samples):
            piece = samples[: self._edge - self._now - self._held]
            self._hop[self._held : self._held + len(piece)] = piece
            self._held += len(piece)
            samples = samples[len(piece) :]
            if self._now + self._held == self._edge:
                self._step(new)
                self._steps += 1
                self._edge = self._edge_of(self._steps + 1)
        return new.findings()

    def finish(self) -> PlethFindings:
        """The rest, at the end of the stream; call it once, and `update` no more."""
        new = _New()
        if self._held:
            self._step(new)
        end = self._now
        flush = np.full(int(FLUSH_S * self._fs), np.nan)
        beats = self._detector.update(flush) + self._detector.finish()
        self._take([Beat(b.sample, end, b.fresh) for b in beats if b.sample < end - 1], new)
        return new.findings()

    def _edge_of(self, step: int) -> int:
        return round(step * STEP_S * self._fs)

    def _step(self, new: _New) -> None:
        """Analyse the samples held, which are a hop, or what is left of one at the end."""
        hop, start = self._hop[: self._held].copy(), self._now
        hop[~(np.abs(hop) < NO_READING)] = np.nan
        self._now, self._held = start + len(hop), 0
        if self._light:
            self._light.append(hop)
            hop = -hop
        self._quality.update(hop)
        self._take(self._detector.update(hop), new)
        new.quality.append(self._quality.grade(start, self._now, self._detector.trust(), self._detector.ripple()))

    def _take(self, beats: list[Beat], new: _New) -> None:
        for beat in beats:
            new.beats.append(beat)
            height = self._quality.pulse(beat.sample)
            if (rate := self._rate.add(beat, self._quality.score)) is not None:
                new.pulse_rate.append(rate)
            if self._light and height is not None:
                self._perfusion(beat, height, self._light, new)

    def _perfusion(self, beat: Beat, height: float, light: Stretch, new: _New) -> None:
        steady = float(np.mean(light.window(beat.sample - int(FOOT_S * self._fs), beat.sample + 1)))
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
