"""The beats of several leads as one list: a vote of the leads that can be trusted at that moment.

A lead votes with the grade of its second; a lead whose electrode is off has no vote, so that it neither hides beats
nor is missed. R lies elsewhere in every lead (the QRS reaches V1 before V6): each lead's usual distance from the
others is taken off before the middle of the votes is the beat, and a lead that falls out therefore moves no interval.
Where some leads mostly agree, one that agrees with none of them loses its vote, whatever its grade says.

Own construction; the usual way to join detectors of several leads is such a vote (Ledezma and Altuve 2019 review
and optimise one).

Works on a finished strip: all leads are there before the first beat is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from cabin_signal.findings import Beat, Grade, QualitySpan

VOTES: dict[Grade, float] = {"good": 1.0, "usable": 0.5, "bad": 0.0}
MAJORITY = 0.5
"""Part of the votes that a beat needs."""
TOGETHER_S = 0.12
"""Detections of one beat lie within so much of each other."""
REFRACTORY_S = 0.2
COMPANY = 0.6
"""Two leads that share this part of their beats agree."""


@dataclass(frozen=True, slots=True)
class LeadBeats:
    """What one lead says: its beats in order, and its grades, spans in order."""

    beats: Sequence[Beat]
    quality: Sequence[QualitySpan]


@dataclass(frozen=True, slots=True)
class FusedBeat:
    """One beat and the leads that saw it."""

    beat: Beat
    leads: tuple[int, ...]
    """Numbers of the leads that have it, rising."""
    share: float
    """Their part of the votes, above one half."""


def fuse(leads: Sequence[LeadBeats], fs: float) -> tuple[FusedBeat, ...]:
    """One list of beats from any number of leads at `fs` Hz; empty where no lead has a vote."""
    weights = [_Weights(lead.quality) for lead in leads]
    sides = [_Side([b.sample for b in lead.beats], weight) for lead, weight in zip(leads, weights, strict=True)]
    agreeing = [any(a is not b and a.agrees(b, TOGETHER_S * fs) for b in sides) for a in sides]
    silent = {number for number, agrees in enumerate(agreeing) if not agrees} if any(agreeing) else set()
    return _vote(leads, [_NO_VOTE if n in silent else weight for n, weight in enumerate(weights)], fs)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One detection in one lead."""

    beat: Beat
    before: int | None
    """The beat before in this lead, whether it has a vote or not; None where the interval to it means nothing."""
    lead: int
    weight: float


def _vote(leads: Sequence[LeadBeats], weights: Sequence[_Weights], fs: float) -> tuple[FusedBeat, ...]:
    seen = [
        _Seen(beat, None if beat.fresh else before, number, weights[number].at(beat.sample))
        for number, lead in enumerate(leads)
        for before, beat in zip([None, *(b.sample for b in lead.beats)], lead.beats, strict=False)
    ]
    groups = _groups(sorted((s for s in seen if s.weight > 0), key=lambda s: s.beat.sample), fs)
    ahead = _distances(groups)
    fused: list[FusedBeat] = []
    last: set[int] = set()
    for group in groups:
        total = sum(weight.at(group[0].beat.sample) for weight in weights)
        share = min(1.0, sum(s.weight for s in group) / total)
        if share < MAJORITY:
            continue
        found = FusedBeat(_beat(group, ahead, last), tuple(sorted(s.lead for s in group)), share)
        last = {s.beat.sample for s in group}
        if fused and found.beat.sample - fused[-1].beat.sample < REFRACTORY_S * fs:
            found = max(fused.pop(), found, key=lambda f: f.share)
        fused.append(found)
    return tuple(fused)


class _Weights:
    """The vote of one lead at any sample."""

    def __init__(self, quality: Sequence[QualitySpan]) -> None:
        self._starts = np.array([span.start for span in quality])
        self._votes = [VOTES[span.grade] for span in quality]

    def at(self, sample: int) -> float:
        """Of the span in which `sample` lies; none before the first, and that of the last after it."""
        number = int(np.searchsorted(self._starts, sample, side="right")) - 1
        return self._votes[number] if number >= 0 else 0.0


_NO_VOTE = _Weights(())


@dataclass(frozen=True, slots=True)
class _Side:
    """One lead as another sees it: its beats (samples) and when it has a vote."""

    beats: list[int]
    weights: _Weights

    def agrees(self, other: _Side, within: float) -> bool:
        """Whether both have most of the beats that fell while both had a vote."""
        mine, theirs = self._while(other), other._while(self)
        if not mine or not theirs:
            return False
        shared = min(_met(mine, theirs, within), _met(theirs, mine, within))
        return shared >= COMPANY * max(len(mine), len(theirs))

    def _while(self, other: _Side) -> list[int]:
        return [b for b in self.beats if self.weights.at(b) > 0 and other.weights.at(b) > 0]


def _met(these: list[int], those: list[int], within: float) -> int:
    """How many of `these` have one of `those` near; both rising and not empty."""
    after = np.clip(np.searchsorted(those, these), 0, len(those) - 1)
    before = np.maximum(after - 1, 0)
    apart = np.minimum(np.abs(np.take(those, after) - these), np.abs(np.take(those, before) - these))
    return int(np.sum(apart <= within))


def _groups(seen: list[_Seen], fs: float) -> list[list[_Seen]]:
    """Detections of one beat, at most one of each lead."""
    groups: list[list[_Seen]] = []
    for one in seen:
        near = groups and one.beat.sample - groups[-1][0].beat.sample <= TOGETHER_S * fs
        if near and one.lead not in {other.lead for other in groups[-1]}:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _distances(groups: list[list[_Seen]]) -> dict[int, float]:
    """How far after the middle of all leads each lead usually has its R peak, in samples."""
    late: dict[int, list[float]] = {}
    for group in groups:
        middle = median(s.beat.sample for s in group)
        for s in group:
            late.setdefault(s.lead, []).append(s.beat.sample - middle)
    return {lead: median(each) for lead, each in late.items()}


def _beat(group: list[_Seen], ahead: dict[int, float], last: set[int]) -> Beat:
    """The beat of this group; fresh unless half of its leads had none between it and the `last` one that counted."""
    sample = round(median(s.beat.sample - ahead[s.lead] for s in group))
    known = max(s.beat.announced for s in group)
    following = sum(s.before in last for s in group)
    return Beat(max(0, sample), max(known, sample), fresh=2 * following < len(group))
