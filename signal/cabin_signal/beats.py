"""Which of many local maxima are heart beats.

A front end turns its waveform into one non-negative curve with a hump at every beat. Here its maxima become
candidates, and candidates become beats by the rules that QRS detectors have in common: a threshold between the
running height of beats and of rejected maxima, a refractory time, a rule against the wave that follows a beat, and a
search-back when a beat is overdue (Pan and Tompkins 1985; Hamilton and Tompkins 1986). Amid noise, what comes early
must also look like a beat (`shapes`).

Everything is decided at a sample number that the samples alone determine, never at the end of a block.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

from cabin_signal.shapes import Shapes

UNSURE = 4
"""Heights that are too few to be sure that they are those of beats."""
COMPARED, ALIKE, ALIKE_RATE = 7, 0.7, 0.1
"""Beats after which shapes may speak; their mean likeness from which they do; how fast it is learnt."""
MURMUR, UNLIKE_WEIGHT = 0.3, 0.8
"""Least murmur that is noise; what unlikeness counts beside it."""
TWICE_S, SAME_HEIGHT, TWIN = 2.5, 1.5, 0.95
"""Time, ratio of heights and likeness of two candidates that were too high for beats and are beats."""
KNOWN = 14
"""Beats after which those that look like none before are strangers: the first shape takes eight."""
SURELY_MURMUR, MOSTLY_MURMUR, STRANGERS = 0.72, 0.55, 0.15
"""Median murmur above which there is no heart to be seen, before and after shapes are known; and the mean likeness
below which that is so (white noise has 0.73 and 0)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Times in seconds, heights in the curve's own unit, the rest ratios."""

    dominance: float
    """A maximum counts when nothing within this time before and after is higher."""
    refractory: float
    after_wave: float
    """Until so long after a beat a candidate may be that beat's T wave."""
    after_wave_slope: float
    """... and is, when its slope is below this part of the beat's."""
    threshold: float
    """Where the threshold lies between the height of noise (0) and of beats (1)."""
    overdue: float = 1.66
    """Search-back when no beat came for so many usual intervals."""
    back_threshold: float = 0.5
    """Part of the threshold that a beat found by search-back must reach."""
    floor: float = 0.0
    """Nothing lower is ever a beat."""
    learning: float = 1.2
    """Candidates of so much time are awaited before the first is judged."""
    longest: float = 2.0
    """The longest usual interval that search-back assumes."""
    absurd: float = 5.0
    """So many times the usual height is no beat."""
    doubt: float = math.inf
    """Murmur and unlikeness that together make an early candidate noise."""
    least_weight: float = 0.35
    """How far the memory of past heights fades while search-back finds nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dominant maximum of the curve."""

    at: int
    """Sample of the waveform at which its hump began to exist: the delay of the curve is taken off."""
    height: float
    slope: float
    murmur: float = 0.0
    """What the curve does beside beats: its upper quartile in the two seconds before, over this height."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A candidate that is a beat, and the sample at which that was known."""

    candidate: Candidate
    known: int
    hidden: bool = False
    """Whether it is no clear beat: there is as much beside it as in it, and it looks like none before."""


class Picker:
    """Judges candidates in the order of time and keeps what it has learnt of their heights."""

    def __init__(self, rules: Rules, fs: float, shapes: Shapes | None = None) -> None:
        """`fs` in Hz: the rate of the candidates' indices. `shapes` of beats, where they can be compared."""
        self._rules = rules
        self._shapes = shapes
        self._likeness, self._compared = 0.5, 0
        """Running mean of how well beats fit the shapes known before them, and of how many beats."""
        self._too_high: Candidate | None = None
        self._murmurs: deque[float] = deque(maxlen=8)
        self._fs = fs
        self._waiting: list[Candidate] = []
        self._heights: deque[float] = deque(maxlen=8)
        self._noises: deque[float] = deque([0.0], maxlen=8)
        self._intervals: deque[int] = deque(maxlen=8)
        self._rejected: deque[Candidate] = deque(maxlen=32)
        self._last: Candidate | None = None
        self._search_from = 0
        self._clock = 0
        """When the newest candidate was confirmed: nothing is decided on it before."""
        self._weight = 1.0

    def update(self, candidates: list[tuple[Candidate, int]], now: int) -> list[Pick]:
        """The beats among new `candidates` (each with the sample at which it was confirmed), up to sample `now`."""
        picks: list[Pick] = []
        for candidate, ready in candidates:
            picks += self._until(ready)
            self._clock = ready
            picks += self._take(candidate, ready)
        return picks + self._until(now)

    def finish(self, now: int) -> list[Pick]:
        """The beats of a stream that ended while its first candidates were still awaited."""
        return self._learn(now) if self._waiting else []

    def noisiness(self) -> float | None:
        """Height of rejected maxima over that of beats: near 0 when clean; None before the first beat."""
        return median(self._noises) / median(self._heights) if self._last and self._heights else None

    def murmur(self) -> float:
        """Median of what there was beside the latest picks, in their heights; 0 before the first."""
        return median(self._murmurs) if self._murmurs else 0.0

    def _take(self, candidate: Candidate, ready: int) -> list[Pick]:
        if self._heights:
            return self._judge(candidate, ready)
        self._waiting.append(candidate)
        return []

    def _until(self, now: int) -> list[Pick]:
        """What falls due by the passing of time alone."""
        picks: list[Pick] = []
        if self._waiting:
            end = self._waiting[0].at + int(self._rules.learning * self._fs)
            if now < end:
                return picks
            picks += self._learn(end)
        while (due := self._due()) is not None and due <= now:
            picks += self._search_back(due)
        return picks

    def _learn(self, known: int) -> list[Pick]:
        waiting, self._waiting = self._waiting, []
        self._heights.append(max(c.height for c in waiting))
        self._search_from = waiting[0].at
        return [pick for c in waiting for pick in self._judge(c, known)]

    def _judge(self, c: Candidate, known: int) -> list[Pick]:
        since = self._since(c)
        if since < self._rules.refractory:
            return []
        if self._threshold() <= c.height <= self._absurd() and not self._is_after_wave(c):
            if not self._is_noise(c):
                return [self._accept(c, known)]
            self._as_noise(c)
            return []
        if c.height > self._absurd() and self._begins_anew(c):
            return [self._accept(c, known)]
        self._rejected.append(c)
        if since > self._rules.after_wave and c.height <= self._absurd():
            self._noises.append(c.height)
        return []

    def _begins_anew(self, c: Candidate) -> bool:
        """Whether what is too high for a beat is the beat, come twice alike: the heights were learnt from f waves.

        A knock does not come twice with one shape and height within seconds.
        """
        before, self._too_high = self._too_high, c
        if before is None or self._shapes is None or (c.at - before.at) / self._fs > TWICE_S:
            return False
        if not 1 / SAME_HEIGHT < c.height / before.height < SAME_HEIGHT:
            return False
        if self._shapes.alike(before.at, c.at) < TWIN:
            return False
        self._heights.clear()
        self._noises.clear()
        self._noises.append(0.0)
        self._heights.append(before.height)
        return True

    def _threshold(self) -> float:
        noise, beat = median(self._noises), median(self._heights) * self._weight
        return max(self._rules.floor, noise + self._rules.threshold * max(0.0, beat - noise))

    def _absurd(self) -> float:
        """Too high for a beat (a step, a knock), unless search-back finds nothing else: then the gain has changed."""
        return math.inf if len(self._heights) < UNSURE else self._rules.absurd * median(self._heights)

    def _since(self, c: Candidate) -> float:
        return math.inf if self._last is None else (c.at - self._last.at) / self._fs

    def _is_after_wave(self, c: Candidate) -> bool:
        if self._last is None or self._since(c) > self._rules.after_wave:
            return False
        return c.slope < self._rules.after_wave_slope * self._last.slope

    def _is_noise(self, c: Candidate) -> bool:
        """Early, amid noise, and unlike the beats of a lead whose beats are alike."""
        if self._shapes is None or self._last is None or self._compared < COMPARED:
            return False
        if self._likeness < ALIKE or c.murmur < MURMUR or c.at - self._last.at >= self._usual():
            return False
        unlike = self._likeness - self._shapes.likeness(c.at)
        return c.murmur + UNLIKE_WEIGHT * unlike > self._rules.doubt

    def _as_noise(self, c: Candidate) -> None:
        """Kept for search-back; its shape counts, since extra beats repeat theirs and noise does not."""
        self._noises.append(c.height)
        self._rejected.append(c)
        if self._shapes is not None:
            self._shapes.learn(c.at)

    def _accept(self, c: Candidate, known: int) -> Pick:
        self._murmurs.append(c.murmur)
        if self._shapes is not None:
            self._likeness += ALIKE_RATE * (max(0.0, self._shapes.likeness(c.at)) - self._likeness)
            self._compared += 1
            self._shapes.learn(c.at)
        if self._last is not None:
            self._intervals.append(c.at - self._last.at)
        self._heights.append(c.height)
        self._last = c
        self._search_from = c.at
        self._weight = 1.0
        later = [r for r in self._rejected if self._since(r) >= self._rules.refractory]
        self._rejected = deque(later, maxlen=32)
        return Pick(c, known, self._is_hidden())

    def _is_hidden(self) -> bool:
        """Whether what was picked lately is noise from top to bottom: an open lead, hum, a line that only wanders."""
        if self._shapes is None:
            return False
        murmur = self.murmur()
        if self._compared < KNOWN:
            return murmur > SURELY_MURMUR
        return murmur > MOSTLY_MURMUR and self._likeness < STRANGERS

    def _usual(self) -> float:
        usual = median(self._intervals) if self._intervals else self._fs
        return min(usual, self._rules.longest * self._fs)

    def _due(self) -> int | None:
        """When the next beat will be overdue; None where there is nothing to look among."""
        if not self._rejected:
            return None
        return max(self._search_from + int(self._rules.overdue * self._usual()), self._clock)

    def _search_back(self, known: int) -> list[Pick]:
        limit = max(self._rules.floor, self._rules.back_threshold * self._threshold())
        fit = [c for c in self._rejected if c.height >= limit and not self._is_after_wave(c)]
        if fit:
            return [self._accept(max(fit, key=lambda c: c.height), known)]
        self._search_from = known - int(self._usual())
        self._weight = max(self._rules.least_weight, 0.7 * self._weight)
        if self._weight == self._rules.least_weight and len(self._heights) < UNSURE:
            self._heights.clear()  # learnt from a knock at the beginning, not from beats
            self._rejected.clear()
        return []
