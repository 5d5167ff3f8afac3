"""One lead of an ECG, live: beats, heart rate, quality and rhythm, from blocks of any size.

`EcgStream.update(block)` says what became known within the block. All of it is decided at sample numbers that the
samples determine: cut into blocks of 1, 7 or 250 samples, or not at all, a stream yields the same findings to the
last bit. Memory is bounded: a few seconds of samples and the beats of the open rhythm window.

A beat is announced within 0.4 s of its R peak; within 1 s or one usual interval when search-back finds it, and within
2 s at the beginning, while heights are learnt. A flat line has no beats. NaN samples are holes: an electrode that is
off, a packet that was lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cabin_signal.ecg_quality import EcgQuality
from cabin_signal.filters import Samples
from cabin_signal.findings import Beat, QualitySpan, RatePoint
from cabin_signal.qrs import QrsDetector
from cabin_signal.rate import RateWatch
from cabin_signal.rhythm import RhythmSpan, RhythmWatch
from cabin_signal.stretch import Pending

SLOWEST_HZ, FASTEST_HZ = 100.0, 10_000.0
"""Below, the QRS is not seen well enough; above, nobody samples an ECG, and a rate or a unit was mistaken."""
FLUSH_S = 0.5
"""The end of a stream is awaited so long, so that a last beat is found."""


@dataclass(frozen=True, slots=True)
class EcgFindings:
    """What became known; times in samples of the input since the stream began."""

    beats: tuple[Beat, ...] = ()
    heart_rate: tuple[RatePoint, ...] = ()
    """As of each beat; none after a bad second."""
    quality: tuple[QualitySpan, ...] = ()
    """One span for each second."""
    rhythm: tuple[RhythmSpan, ...] = ()


class EcgStream:
    """The analysis of one lead in mV."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz; ValueError below 100 or above 10 000."""
        if not SLOWEST_HZ <= fs <= FASTEST_HZ:
            raise ValueError(f"an ECG has {SLOWEST_HZ:g} to {FASTEST_HZ:.0f} samples a second, not {fs:g}")
        self._fs = fs
        self._detector = QrsDetector(fs)
        self._rate = RateWatch(fs)
        self._quality = EcgQuality(fs)
        self._rhythm = RhythmWatch(fs)
        self._waves = Pending(int(fs))
        self._now = 0
        self._seconds = 0
        self._bad = False
        """Whether the last second was: no rate is stated then."""

    def update(self, block: ArrayLike) -> EcgFindings:
        """What these samples (mV, one dimension, any number, NaN where there are none) let become known."""
        new = _New()
        samples: Samples = np.asarray(block, dtype=np.float64).ravel()
        while len(samples):
            piece = samples[: self._next_second() - self._now]
            self._step(piece, new)
            samples = samples[len(piece) :]
        return new.findings()

    def finish(self) -> EcgFindings:
        """The rest, at the end of the stream; call it once, and `update` no more."""
        new = _New()
        end = self._now
        self._rhythm.update(self._waves.take())
        beats = self._detector.update(np.full(int(FLUSH_S * self._fs), np.nan)) + self._detector.finish(end)
        self._take([Beat(b.sample, min(b.announced, end), b.fresh) for b in beats if b.sample < end], new)
        if end > self._second(self._seconds):
            self._grade(self._second(self._seconds), end, new)
        new.rhythm_span(self._rhythm.finish(end))
        return new.findings()

    def _second(self, number: int) -> int:
        return round(number * self._fs)

    def _next_second(self) -> int:
        return self._second(self._seconds + 1)

    def _step(self, piece: Samples, new: _New) -> None:
        self._now += len(piece)
        self._quality.update(piece)
        self._waves.add(piece)
        if beats := self._detector.update(piece):
            self._rhythm.update(self._waves.take())
            self._take(beats, new)
        if self._now == self._next_second():
            self._rhythm.update(self._waves.take())
            self._grade(self._second(self._seconds), self._now, new)
            self._seconds += 1
            new.rhythm_span(self._rhythm.pass_time(self._now))

    def _take(self, beats: list[Beat], new: _New) -> None:
        for beat in beats:
            new.beats.append(beat)
            self._quality.beat(beat.sample)
            if (point := self._rate.add(beat)) is not None and not self._bad:
                new.heart_rate.append(point)
            new.rhythm_span(self._rhythm.add(beat))

    def _grade(self, start: int, end: int, new: _New) -> None:
        span = self._quality.grade(start, end, self._detector.clearness(end))
        new.quality.append(span)
        self._bad = span.grade == "bad"
        if self._bad:
            self._rhythm.spoiled(start, end)


class _New:
    """Findings on the way out of one call."""

    def __init__(self) -> None:
        self.beats: list[Beat] = []
        self.heart_rate: list[RatePoint] = []
        self.quality: list[QualitySpan] = []
        self.rhythm: list[RhythmSpan] = []

    def rhythm_span(self, span: RhythmSpan | None) -> None:
        if span is not None:
            self.rhythm.append(span)

    def findings(self) -> EcgFindings:
        return EcgFindings(tuple(self.beats), tuple(self.heart_rate), tuple(self.quality), tuple(self.rhythm))
