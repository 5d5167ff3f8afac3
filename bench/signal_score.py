"""Detections against reference beats, in the manner of ANSI/AAMI EC57: one to one, nearest pairs first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDE_S, NARROW_S = 0.150, 0.050
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Score:
    """Beats found, missed and invented, of one recording or of many together."""

    found: int = 0
    missed: int = 0
    invented: int = 0
    offsets_ms: tuple[float, ...] = ()
    """Detection minus reference of each beat found."""

    def __add__(self, other: Score) -> Score:
        return Score(
            self.found + other.found,
            self.missed + other.missed,
            self.invented + other.invented,
            self.offsets_ms + other.offsets_ms,
        )

    @property
    def sensitivity(self) -> float:
        """Part of the reference beats that were found, in percent."""
        return 100 * self.found / max(1, self.found + self.missed)

    @property
    def predictivity(self) -> float:
        """Part of the detections that are beats, in percent."""
        return 100 * self.found / max(1, self.found + self.invented)

    @property
    def f1(self) -> float:
        """Harmonic mean of the two, in percent."""
        return 200 * self.found / max(1, 2 * self.found + self.missed + self.invented)

    @property
    def errors(self) -> int:
        """Missed and invented."""
        return self.missed + self.invented

    @property
    def delay_ms(self) -> float:
        """Median offset."""
        return float(np.median(self.offsets_ms)) if self.offsets_ms else 0.0

    @property
    def spread_ms(self) -> float:
        """Standard deviation of the offsets."""
        return float(np.std(self.offsets_ms)) if self.offsets_ms else 0.0


def together(scores: Iterable[Score]) -> Score:
    """The score of all recordings as if they were one."""
    every = list(scores)
    return Score(
        sum(s.found for s in every),
        sum(s.missed for s in every),
        sum(s.invented for s in every),
        tuple(offset for s in every for offset in s.offsets_ms),
    )


def pairs(reference: Indices, detected: Indices, window: int) -> tuple[Indices, Indices]:
    """Places (in `reference`, in `detected`) of the beats that belong together, at most `window` samples apart.

    Both are sorted. The nearest two are taken first, and each only once.
    """
    first = np.searchsorted(detected, reference - window, "left")
    last = np.searchsorted(detected, reference + window, "right")
    mine = np.repeat(np.arange(len(reference)), last - first)
    theirs = np.concatenate(
        [np.arange(a, b) for a, b in zip(first, last, strict=True)] or [np.zeros(0, dtype=np.int64)]
    )
    order = np.lexsort((theirs, mine, np.abs(detected[theirs] - reference[mine])))
    left, right = np.ones(len(reference), dtype=bool), np.ones(len(detected), dtype=bool)
    taken = []
    for i, j in zip(mine[order].tolist(), theirs[order].tolist(), strict=True):
        if left[i] and right[j]:
            left[i] = right[j] = False
            taken.append((i, j))
    both = np.array(sorted(taken), dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def score(
    reference: ArrayLike,
    detected: ArrayLike,
    fs: float,
    left_out: Spans = (),
    window_s: float = WIDE_S,
    shift_ms: float = 0.0,
    withheld: Spans = (),
) -> Score:
    """The score of `detected` samples at `fs` Hz, `shift_ms` taken off them first.

    In spans `left_out` (samples [start, end]) nothing is counted, in the detections nor within a window around. Beats
    in spans `withheld` (samples [start, end)) are matched, then left out of the count: a reference beat that is kept
    may be matched by a detection that is not.
    """
    window = round(window_s * fs)
    ref = np.unique(np.asarray(reference, dtype=np.int64))
    det = np.unique(
        np.asarray(np.round(np.asarray(detected, dtype=np.float64) - shift_ms * fs / 1000), dtype=np.int64)
    )
    for start, end in left_out:
        ref = ref[(ref < start) | (ref > end)]
        det = det[(det < start - window) | (det > end + window)]
    mine, theirs = pairs(ref, det, window)
    keep_ref, keep_det = ~inside(ref, withheld), ~inside(det, withheld)
    keep_det[theirs] = keep_ref[mine]
    counted = keep_ref[mine]
    offsets = (det[theirs] - ref[mine])[counted] * 1000 / fs
    found = int(counted.sum())
    return Score(found, int(keep_ref.sum()) - found, int(keep_det.sum()) - found, tuple(offsets.tolist()))


def inside(samples: Indices, spans: Spans) -> Mask:
    """Which samples lie in one of the spans [start, end), which are in order and do not overlap."""
    if not len(spans):
        return np.zeros(len(samples), dtype=bool)
    starts, ends = np.array(spans, dtype=np.int64).T
    before = np.searchsorted(starts, samples, "right") - 1
    found: Mask = (before >= 0) & (samples < ends[before])
    return found
