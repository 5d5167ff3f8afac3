"""What abstention costs: how much is kept when doubtful stretches are withheld, and how wrong is what was kept.

A gate ranks stretches by doubt. Kept from the least doubtful on, each rank is a point of the curve: the part that is
kept (coverage), and the errors in it (risk).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from bench.figures import markdown
from bench.signal_cases import Truth
from bench.signal_detectors import GRADES, Found
from bench.signal_score import WIDE_S, inside, pairs

WINDOW_S = 10.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a recording that a gate keeps or withholds."""

    doubt: float
    """The higher, the sooner it is withheld."""
    weight: float
    """Its part of all there is: seconds, or windows."""
    errors: float
    units: float
    """What errors are counted by: beats, or windows."""


@dataclass(frozen=True, slots=True)
class Point:
    """A gate set so that stretches up to `doubt` are kept."""

    doubt: float
    coverage: float
    """Part of the weight that is kept, 0 to 1."""
    risk: float
    """Errors for each unit kept; NaN where there is none."""


def curve(stretches: Iterable[Stretch]) -> list[Point]:
    """One point for each degree of doubt, from the strictest gate to none; infinite doubt is never kept."""
    ordered = sorted(stretches, key=lambda s: s.doubt)
    total = sum(s.weight for s in ordered)
    weight = errors = units = 0.0
    points = []
    for doubt, group in groupby(ordered, key=lambda s: s.doubt):
        for s in group:
            weight, errors, units = weight + s.weight, errors + s.errors, units + s.units
        if math.isfinite(doubt):
            points.append(Point(doubt, weight / total if total else 0.0, errors / units if units else float("nan")))
    return points


def at_coverage(points: Sequence[Point], coverage: float) -> Point | None:
    """The strictest gate that keeps at least so much; None where none does."""
    return next((point for point in points if point.coverage >= coverage - 1e-9), None)


def graded_beats(truth: Truth, found: Found, by_grade: bool = False) -> list[Stretch]:
    """One stretch for each graded span; errors are missed and invented beats, units the reference's.

    `by_grade`: doubt is the grade, 0 to 2, instead of what is behind it.
    """
    left_out = tuple((start, end + 1) for start, end in truth.left_out)
    ref = truth.beats[~inside(truth.beats, left_out)]
    det = np.array(found.beats, dtype=np.int64)
    det = det[~inside(det, left_out)]
    mine, theirs = pairs(ref, det, round(WIDE_S * truth.fs))
    edges = [start for start, _, _ in found.quality] + [found.quality[-1][1]] if found.quality else []
    missed, invented, beats = (
        np.histogram(at, edges)[0] for at in (np.delete(ref, mine), np.delete(det, theirs), ref)
    )
    lengths = np.diff(edges) / truth.fs
    doubts = [float(GRADES.index(grade)) for _, _, grade in found.quality] if by_grade else found.doubts
    return [
        Stretch(doubt, float(lengths[n]), float(missed[n] + invented[n]), float(beats[n]))
        for n, doubt in enumerate(doubts)
    ]


def mean_doubt(found: Found, start: int, end: int) -> float:
    """Of samples [start, end): 0 faultless, 1 all bad, or nothing known."""
    shares = [max(0, min(end, e) - max(start, s)) for s, e, _ in found.quality]
    doubtful = sum(share * doubt for share, doubt in zip(shares, found.doubts, strict=True))
    return round(doubtful / sum(shares), 2) if sum(shares) else 1.0


def windows(stretches: Sequence[Stretch], seconds: float = WINDOW_S) -> list[Stretch]:
    """The same by windows of so many seconds; the doubt of a window is the mean of its stretches'."""
    out: list[Stretch] = []
    group: list[Stretch] = []
    for stretch in stretches:
        group.append(stretch)
        if sum(s.weight for s in group) >= seconds - 1e-6:
            out.append(_joined(group))
            group = []
    return [*out, _joined(group)] if group else out


def _joined(group: Sequence[Stretch]) -> Stretch:
    weight = sum(s.weight for s in group)
    doubt = sum(s.doubt * s.weight for s in group) / weight if weight else 0.0
    return Stretch(round(doubt, 2), weight, sum(s.errors for s in group), sum(s.units for s in group))


def ecg_seconds(recordings: Sequence[tuple[Truth, Found]]) -> str:
    """Markdown: what the grade of each second keeps, and the errors in what is kept."""
    stretches = [s for truth, found in recordings for s in graded_beats(truth, found, by_grade=True)]
    return grades_table("ECG seconds kept", "missed or invented per 1000 beats kept", curve(stretches), 1000)


def grades_table(what: str, risk: str, points: Sequence[Point], scale: float) -> str:
    """Markdown of a gate by grade."""
    names = {0: "good alone", 1: "good and usable", 2: "all"}
    rows = [(names[round(p.doubt)], f"{p.coverage:.1%}", f"{scale * p.risk:.2f}") for p in points]
    return markdown((what, "coverage", risk), rows)


def coverage_table(what: str, risk: str, points: Sequence[Point], scale: float = 1.0) -> str:
    """Markdown of a gate at a few coverages: the strictest gate that keeps at least so much."""
    chosen = [at_coverage(points, wanted) for wanted in (0.5, 0.7, 0.8, 0.9, 0.95)] + list(points[-1:])
    rows = [(f"{p.coverage:.1%}", f"{scale * p.risk:.2f}") for p in chosen if p is not None]
    return markdown((f"{what}: coverage", risk), list(dict.fromkeys(rows)))
