"""PR, QRS, QT and corrected QT of a strip, each with its evidence, or the reason why it is not stated.

All on the median beat of the measurement path, never on a single beat and never on the rhythm path. Over several
leads an interval runs from the earliest beginning to the latest end in any lead (CSE Working Party 1985), and since
the extreme of many uncertain places is the most uncertain of them, leads far from the others are dropped and the
extreme is the median of the few outermost. One lead alone sees too short a QT: `Intervals.indicative` says so.

Each interval is measured once more on the odd and once on the even beats. Two halves that disagree are a refusal:
that is noise as the measurement itself feels it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, pstdev
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cabin_signal.delineation import LEAST_T_MV, Marks, delineate
from cabin_signal.ecg_paths import whole_strip
from cabin_signal.median_beat import MedianBeat, MedianBeats, median_beats
from cabin_signal.qtc import Qtc, corrected

Reason = Literal[
    "few-beats", "noise", "no-p", "no-qrs", "t-small", "t-unseen", "unsteady", "rate-unstable", "out-of-range"
]  # fmt: skip
"""Why something was not measured: too few beats of one shape; too much noise on their median; no P wave that stands
out; no QRS with a beginning and an end; T under 0.1 mV; an end of T that cannot be seen; halves of the strip that
disagree; intervals between beats too uneven to correct for; a value that no heart has."""

MOST_NOISE_UV = 30.0
MOST_RR_SPREAD = 0.12
"""Unevenness of RR above which no formula corrects QT: breathing in the young reaches 0.1."""
Name = Literal["pr", "qrs", "qt"]
NAMES: tuple[Name, ...] = ("pr", "qrs", "qt")
RANGES_MS: dict[Name, tuple[float, float]] = {"pr": (60, 450), "qrs": (40, 250), "qt": (180, 700)}
APART_MS: dict[Name, float] = {"pr": 25, "qrs": 20, "qt": 30}
"""Halves of the strip may differ by so much."""
FAR_MS = 45.0
"""A lead whose mark lies further from the median of the leads is dropped."""
ONE_IN = 4
"""A mark must be found in one lead of so many."""
Mark = Literal["p_on", "qrs_on", "qrs_off", "t_end"]
OUTWARDS: dict[Mark, int] = {"p_on": -1, "qrs_on": -1, "qrs_off": 1, "t_end": 1}
"""Which of a mark's places in the leads counts: the earliest (-1) or the latest (1)."""
ENDS: dict[Name, tuple[Mark, Mark]] = {
    "pr": ("p_on", "qrs_on"),
    "qrs": ("qrs_on", "qrs_off"),
    "qt": ("qrs_on", "t_end"),
}
"""The marks between which an interval lies."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval and what speaks for it."""

    ms: float
    leads: int
    """Leads in which both of its ends were found and believed."""
    spread_ms: float | None
    """Standard deviation of the interval over those leads; None for one lead."""
    halves_ms: float
    """Difference between the odd and the even beats."""


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """There is no value, and why."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Intervals:
    """The intervals of one strip."""

    pr: Interval | NotMeasured
    qrs: Interval | NotMeasured
    qt: Interval | NotMeasured
    qtc: Qtc | NotMeasured
    """Milliseconds."""
    beats: tuple[int, ...]
    """R peaks of the beats that were used, samples of the strip."""
    rr_ms: float
    """Their mean interval, to which QT is corrected."""
    noise_uv: float
    """Noise of the median beat, RMS, median over the leads."""
    leads: int
    """Leads quiet enough to be measured."""
    indicative: bool
    """One lead alone: QT is an indication and rather too short."""
    ends: Mapping[Mark, float]
    """Where the stated intervals begin and end, ms after R of the median beat."""
    median: MedianBeat


def measure(channels: ArrayLike, fs: float, beats: Sequence[int]) -> Intervals | NotMeasured:
    """The intervals of `channels` (leads, n) in raw mV (NaN where there are none) with R peaks `beats` at `fs` Hz.

    The strip should be 10 to 30 s long; the order of the leads means nothing. ValueError for an array that is not
    (leads, n), and for beats outside it.
    """
    raw = np.asarray(channels, dtype=np.float64)
    if raw.ndim != 2:
        raise ValueError(f"intervals need an array (leads, samples), not one of shape {raw.shape}")
    at = sorted(beats)
    if at and not 0 <= at[0] <= at[-1] < raw.shape[1]:
        raise ValueError("a beat lies outside the strip")
    found = median_beats(np.array([whole_strip(row, fs) for row in raw]).reshape(raw.shape), at, fs)
    if found is None:
        return NotMeasured("few-beats")
    quiet = [row for row, uv in enumerate(found.whole.noise_uv) if uv <= MOST_NOISE_UV]
    return _read(found, quiet) if quiet else NotMeasured("noise")


def _read(found: MedianBeats, quiet: list[int]) -> Intervals:
    usual = found.whole
    whole, *halves = (_Reading([delineate(beat, row) for row in quiet]) for beat in (usual, *found.halves))
    pr, qrs, qt = (_interval(name, whole, halves) for name in NAMES)
    stated = [name for name, found in zip(NAMES, (pr, qrs, qt), strict=True) if isinstance(found, Interval)]
    return Intervals(
        pr=pr,
        qrs=qrs,
        qt=qt,
        qtc=_corrected(qt, usual),
        beats=usual.beats,
        rr_ms=usual.rr_ms,
        noise_uv=median(usual.noise_uv[row] for row in quiet),
        leads=len(quiet),
        indicative=len(quiet) == 1,
        ends=whole.ends(stated),
        median=usual,
    )


class _Reading:
    """The marks of all leads of one median beat, as one."""

    def __init__(self, marks: list[Marks]) -> None:
        self.marks = marks
        self.tallest_t = max(mark.t_mv for mark in marks)

    def interval(self, name: Name) -> float | None:
        """Milliseconds between its ends; None where one of them was not found."""
        begin, end = ENDS[name]
        first, last = self._outermost(begin), self._outermost(end)
        return None if first is None or last is None else last - first

    def ends(self, names: Sequence[Name]) -> dict[Mark, float]:
        """Where these intervals begin and end."""
        places = {mark: self._outermost(mark) for name in names for mark in ENDS[name]}
        return {mark: at for mark, at in places.items() if at is not None}

    def each(self, name: Name) -> list[float]:
        """The interval in every lead that has both of its ends."""
        begin, end = ENDS[name]
        both = ((getattr(mark, begin), getattr(mark, end)) for mark in self.marks)
        return [last - first for first, last in both if first is not None and last is not None]

    def _outermost(self, name: Mark) -> float | None:
        """This mark over all leads: the median of its few outermost places."""
        seen = [at for mark in self.marks if (at := getattr(mark, name)) is not None]
        if len(seen) < max(1, math.ceil(len(self.marks) / ONE_IN)):
            return None
        near = sorted((at for at in seen if abs(at - median(seen)) <= FAR_MS), key=lambda at: -OUTWARDS[name] * at)
        return median(near[: min(3, math.ceil(len(near) / 4))]) if near else None


def _interval(name: Name, whole: _Reading, halves: list[_Reading]) -> Interval | NotMeasured:
    ms = whole.interval(name)
    if ms is None:
        return NotMeasured(_why_none(name, whole))
    low, high = RANGES_MS[name]
    if not low <= ms <= high:
        return NotMeasured("out-of-range")
    odd, even = (half.interval(name) for half in halves)
    if odd is None or even is None or abs(odd - even) > APART_MS[name]:
        return NotMeasured("unsteady")
    each = whole.each(name)
    return Interval(ms, len(each), pstdev(each) if len(each) > 1 else None, abs(odd - even))


def _why_none(name: Name, whole: _Reading) -> Reason:
    if whole.interval("qrs") is None:
        return "no-qrs"
    if name == "pr":
        return "no-p"
    return "t-small" if whole.tallest_t < LEAST_T_MV else "t-unseen"


def _corrected(qt: Interval | NotMeasured, usual: MedianBeat) -> Qtc | NotMeasured:
    if isinstance(qt, NotMeasured):
        return qt
    return NotMeasured("rate-unstable") if usual.rr_spread > MOST_RR_SPREAD else corrected(qt.ms, usual.rr_ms)
