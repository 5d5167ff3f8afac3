"""Regular or irregular: what thirty intervals and the waves around their beats say, and no more.

Three kinds of evidence, in the order in which a reader weighs them:

- the intervals: how far they are from repeating themselves (`rhythm_scatter`);
- extra beats: intervals are measured again as if beats of another shape had not come (`ectopy`), and the more regular
  of both counts, so that single extra beats and bigeminies do not make a rhythm irregular;
- P waves: where nothing goes before the beats that is the same from one to the next (`p_wave`), less irregularity is
  enough. P waves never make an irregular rhythm regular: intervals with them, like intervals without a waveform (a
  pleth, a table), must be irregular by themselves.

A rhythm tends to last: after an irregular window the limit is a little lower, after a regular one a little higher.

The limit for intervals alone was set on development records of the MIT-BIH AF database and on half of those of the
normal sinus RR database; those with a waveform on development records of the MIT-BIH arrhythmia database, lead one.

The verdict is a fact about intervals for a doctor to read, never the name of a disease. "Regular" may have extra
beats, which are counted beside it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cabin_signal import ectopy, p_wave
from cabin_signal.filters import Samples
from cabin_signal.findings import Beat
from cabin_signal.p_wave import PWave
from cabin_signal.rhythm_scatter import irregularity, without
from cabin_signal.rhythm_waves import BeatWaves, Wave

Verdict = Literal["regular", "irregular", "unanalysable"]
"""What may be said of a rhythm."""
Pattern = Literal["none", "extra-beats", "every-other-beat", "cannot-tell"]
"""How beats of another shape come."""

BEATS = 30
"""Intervals that one verdict rests on."""
FEWEST = 20
"""Intervals that are enough at the end of a strip."""
PATIENCE_S = 60.0
"""Time after which a window that did not fill is called unanalysable."""
LONGEST_S = 3.0
"""A longer interval is a pause or a hole, and tells nothing of the rhythm."""
BAD_PART = 0.1
"""Part of a window that may be of bad quality."""
STRANGE_PART = 0.25
"""Part of the beats that may resemble no other."""
SEEN_PART = 0.8
"""Part of the beats whose waves must be there, so that waves count as evidence."""

LIMIT = -2.52
"""Irregularity above which intervals alone are irregular, and intervals of beats with P waves too."""
UNSEEN_LIMIT = -2.8
"""The same where no P wave goes before the beats ..."""
P_WEIGHT = 1.5
"""... which rises by so much with the agreement of what is before them, until it is the other."""
LEAN = 0.1
"""What the verdict before shifts the limit by."""


@dataclass(frozen=True, slots=True)
class RhythmSpan:
    """Samples [start, end] between the first and the last beat of a window, and what is said of it."""

    start: int
    end: int
    verdict: Verdict
    score: float | None = None
    """Irregularity above the limit: irregular where positive; None where unanalysable."""
    extra_beats: int | None = None
    """Beats of another shape than the usual one; None where no waveform tells."""
    pattern: Pattern = "cannot-tell"
    p_wave: PWave = "cannot-tell"


@dataclass(slots=True)
class _Seen:
    """A beat of the open window."""

    sample: int
    known: bool
    """Whether the interval that ends with it is one."""
    wave: Wave | None = None


@dataclass(frozen=True, slots=True)
class _Waves:
    """What the waveform says of a window."""

    extra: list[bool]
    strange: float
    agreement: float | None

    @property
    def limit(self) -> float:
        return LIMIT if self.agreement is None else min(LIMIT, UNSEEN_LIMIT + P_WEIGHT * max(0.0, self.agreement))

    @property
    def pattern(self) -> Pattern:
        changes = sum(a != b for a, b in zip(self.extra[:-1], self.extra[1:], strict=True))
        if changes > 0.8 * (len(self.extra) - 1):
            return "every-other-beat"
        return "extra-beats" if any(self.extra) else "none"


class RhythmWatch:
    """Windows of thirty intervals, one after the other, each with its verdict."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz: the rate of the beats' samples and of the waveform."""
        self._fs = fs
        self._waves = BeatWaves(fs)
        self._beats: list[_Seen] = []
        self._intervals = 0
        self._bad: deque[tuple[int, int]] = deque(maxlen=256)
        self._start = 0
        self._lean = 0.0

    def update(self, x: Samples) -> None:
        """The newest samples of the waveform in mV, at most a second, before their beats; without them, ever, the
        verdict rests on intervals alone."""
        self._waves.update(x)

    def spoiled(self, start: int, end: int) -> None:
        """Samples [start, end) were graded bad."""
        self._bad.append((start, end))

    def add(self, beat: Beat) -> RhythmSpan | None:
        """The verdict that this beat completes, if it does; the beat also begins the next window."""
        known = bool(self._beats) and not beat.fresh
        known = known and beat.sample - self._beats[-1].sample < LONGEST_S * self._fs
        self._beats.append(_Seen(beat.sample, known))
        self._intervals += known
        for seen in self._beats[-2:]:
            if seen.wave is None:
                seen.wave = self._waves.cut(seen.sample, beat.announced)
        return self._close(beat.sample) if self._intervals == BEATS else None

    def pass_time(self, now: int) -> RhythmSpan | None:
        """A window that could not fill in a minute is unanalysable."""
        return self._close(now) if now - self._start > PATIENCE_S * self._fs else None

    def finish(self, now: int) -> RhythmSpan | None:
        """What the beats since the last verdict allow to say; None where there is nothing left."""
        if len(self._beats) < 2 and now - self._start < self._fs:
            return None
        return self._close(self._beats[-1].sample if self._intervals >= FEWEST else now)

    def _close(self, end: int) -> RhythmSpan:
        start = self._beats[0].sample if self._intervals >= FEWEST else self._start
        span = self._judged(start, end)
        self._lean = {"regular": LEAN, "irregular": -LEAN, "unanalysable": 0.0}[span.verdict]
        self._beats, self._intervals, self._start = self._beats[-1:], 0, end
        return span

    def _judged(self, start: int, end: int) -> RhythmSpan:
        bad = sum(max(0, min(end, e) - max(start, s)) for s, e in self._bad)
        waves = self._look()
        strange = waves is not None and waves.strange > STRANGE_PART
        found = None if self._intervals < FEWEST or strange else self._irregularity(waves)
        if found is None or bad > BAD_PART * (end - start):
            return RhythmSpan(start, end, "unanalysable")
        score = found - (LIMIT if waves is None else waves.limit) - self._lean
        verdict: Verdict = "irregular" if score > 0 else "regular"
        if waves is None:
            return RhythmSpan(start, end, verdict, score)
        word = p_wave.word(waves.agreement)
        return RhythmSpan(start, end, verdict, score, sum(waves.extra), waves.pattern, word)

    def _irregularity(self, waves: _Waves | None) -> float | None:
        """Of all beats or of those of the usual shape, whichever is less."""
        at_s = np.array([b.sample for b in self._beats]) / self._fs
        known = [b.known for b in self._beats]
        all_beats = irregularity(without([False] * len(known), at_s, known))
        if waves is None or all_beats is None:
            return all_beats
        usual = irregularity(without(waves.extra, at_s, known))
        return all_beats if usual is None else min(all_beats, usual)

    def _look(self) -> _Waves | None:
        """None where too few beats have a wave."""
        there = [b.wave for b in self._beats if b.wave is not None]
        if len(there) < max(2, SEEN_PART * len(self._beats)):
            return None
        waves = np.array(there)
        alike = ectopy.likeness(waves)
        usual = ectopy.usual(alike)
        kinds = iter(usual)
        extra = [not next(kinds) if b.wave is not None else False for b in self._beats]
        return _Waves(extra, ectopy.strangers(alike), p_wave.agreement(waves[usual]))


def judged(rr_s: Samples, fs: float = 1000.0) -> list[RhythmSpan]:
    """The verdicts on a series of intervals in seconds without a waveform; spans in samples of `fs` Hz.

    The last window may have as few as twenty intervals, and the rest of a series none.
    """
    watch = RhythmWatch(fs)
    at = np.round(np.concatenate(([0.0], np.cumsum(rr_s))) * fs).astype(int).tolist()
    spans = [watch.add(Beat(s, s, fresh=i == 0)) for i, s in enumerate(at)]
    spans.append(watch.finish(at[-1]))
    return [span for span in spans if span is not None]
