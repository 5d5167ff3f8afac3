"""Passages of recordings that are worth looking at: what was found, missed and invented in them, and the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.signal_cases import Case, Given, load
from bench.signal_changes import Samples
from bench.signal_detectors import BLOCK_S, Found, cabin_ecg
from bench.signal_score import WIDE_S, Indices, inside, pairs


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording and what ours made of it."""

    case: Case
    given: Given
    found: Found
    right: Indices
    """Samples of the detections that are beats."""
    invented: Indices
    missed: Indices
    """Samples of reference beats that were not found."""

    @property
    def errors(self) -> Indices:
        """Missed and invented, in order."""
        return np.sort(np.concatenate([self.missed, self.invented]))


def hear(case: Case) -> Heard:
    """Ours over a whole recording, and its errors."""
    given = load(case)
    return judge(case, given, cabin_ecg(BLOCK_S, given.samples, given.fs))


def judge(case: Case, given: Given, found: Found) -> Heard:
    """Which detections are right; nothing is said of what the reference leaves out."""
    ref, det = np.unique(given.beats), np.unique(np.array(found.beats, dtype=np.int64))
    around = round(WIDE_S * given.fs)
    ref = ref[~inside(ref, tuple((start, end + 1) for start, end in given.left_out))]
    mine, theirs = pairs(ref, det, around)
    left_out = tuple((start - around, end + around + 1) for start, end in given.left_out)
    extra = np.delete(det, theirs)
    return Heard(case, given, found, det[theirs], extra[~inside(extra, left_out)], np.delete(ref, mine))


def worst(errors: Sequence[int] | Indices, fs: float, seconds: float, length: int) -> float:
    """The second at which the passage of so many seconds begins that holds most errors, with those in its middle."""
    at = np.asarray(errors, dtype=np.float64)
    if not len(at):
        return 0.0
    ends = np.searchsorted(at, at + seconds * fs, "left")
    first = int(np.argmax(ends - np.arange(len(at))))
    middle = (at[first] + at[ends[first] - 1]) / 2
    start = middle / fs - seconds / 2
    return round(float(np.clip(start, 0.0, max(0.0, length / fs - seconds))), 1)


def median_beat(samples: Samples, beats: Indices, fs: float, before_s: float = 0.3, after_s: float = 0.5) -> Samples:
    """Each beat's stretch, one a row, the median of the second before it taken off; edges and holes are left out."""
    before, after = round(before_s * fs), round(after_s * fs)
    rows = [samples[at - before : at + after] for at in beats.tolist() if before <= at < len(samples) - after]
    whole = [row - np.median(row[: before // 2]) for row in rows if np.isfinite(row).all()]
    return np.array(whole).reshape(len(whole), before + after)
