"""An unusual value is measured once more before anybody is told, and the first one is not forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cabin_agent.results import Measure, Outcome
from cabin_signal.plausibility import Quantity, judge

JUDGED: dict[str, Quantity] = {
    "spo2": "spo2",
    "pulse_rate": "pulse_rate",
    "heart_rate": "heart_rate",
    "temperature": "temperature",
    "weight": "weight",
    "height": "height",
}
"""Measures of one value; a pressure has its own repeats."""


def unusual(outcomes: Iterable[Outcome]) -> bool:
    """Whether any value is outside what is usual, so that it is measured once more."""
    return any(
        judge(JUDGED[outcome.name], outcome.values["value"].value) == "repeat"
        for outcome in outcomes
        if isinstance(outcome, Measure) and outcome.name in JUDGED
    )


def confirmed(first: Iterable[Outcome], second: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """The repeated outcomes, each saying that it was repeated and how far the first value lay from it.

    A first value whose repeat gave none stands as it is.
    """
    before = {each.name: each for each in first if isinstance(each, Measure) and each.name in JUDGED}
    return tuple(_beside(before[each.name], each) if each.name in before else each for each in second)


def _beside(first: Measure, second: Outcome) -> Measure:
    if not isinstance(second, Measure):
        return first
    apart = round(abs(first.values["value"].value - second.values["value"].value), 2)
    evidence = second.evidence
    spread = max(apart, evidence.spread or 0.0)
    return replace(second, evidence=replace(evidence, spread=spread, notes=(*evidence.notes, "repeated")))
