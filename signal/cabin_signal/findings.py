"""The words that every analysis speaks: beats, rates and graded stretches of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Grade = Literal["good", "usable", "bad"]
"""How far a stretch of a recording can be trusted."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One heart beat (its R peak) or pulse (its systolic peak)."""

    sample: int
    """Where it is, in samples of the input since the stream began."""
    announced: int
    """The sample at which the analysis knew of it; never before `sample`."""
    fresh: bool = False
    """True where the interval to the beat before means nothing: the first, or the first after a hole."""


@dataclass(frozen=True, slots=True)
class RatePoint:
    """Beats per minute, as known of the ten seconds before `t` (seconds since the stream began)."""

    t: float
    bpm: float


@dataclass(frozen=True, slots=True)
class QualitySpan:
    """Samples [start, end) of one grade, and why the grade is not better."""

    start: int
    end: int
    grade: Grade
    reasons: tuple[str, ...] = ()
    score: float | None = None
    """The same without steps, 0 to 1, for who wants to set a limit of his own; None where it is not known."""


def grade_of(spoiling: set[str], hurting: set[str]) -> Grade:
    """The grade that reasons add up to: one that spoils makes it bad, one that hurts leaves it usable."""
    return "bad" if spoiling else "usable" if hurting else "good"


def merged(spans: Iterable[QualitySpan]) -> list[QualitySpan]:
    """The same stretches with equal neighbours joined."""
    out: list[QualitySpan] = []
    for span in spans:
        if out and (out[-1].end, out[-1].grade, out[-1].reasons) == (span.start, span.grade, span.reasons):
            out[-1] = replace(out[-1], end=span.end)
        else:
            out.append(span)
    return out
