"""What is unusual, or too poor to be kept, is measured once more before anybody is told, and not forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cabin_agent.judged import judged
from cabin_agent.results import Measure, MeasureName, Outcome

JUDGED: frozenset[MeasureName] = frozenset(
    {"spo2", "pulse_rate", "heart_rate", "ecg", "temperature", "weight", "height"}
)
"""Measures that take less than a minute; a pressure has its own repeats, and a hearing test is not made twice."""


def again(outcomes: Sequence[Outcome]) -> str | None:
    """Why these outcomes are to be measured once more, as the code of the most curable cause; None: they are kept."""
    for outcome in outcomes:
        if isinstance(outcome, Measure) and outcome.name in JUDGED:
            fused = judged(outcome, outcomes, again=True)
            if fused is not None and fused.verdict == "repeat":
                return fused.facts[0].word
    return None


def confirmed(first: Sequence[Outcome], second: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The repeated outcomes, each saying that it was repeated and how far the first value lay from it.

    A first value whose repeat gave none, or only a bad one, stands as it is; a bad first value confirms nothing.
    """
    before = {each.name: each for each in first if isinstance(each, Measure) and each.name in JUDGED}
    return tuple(_beside(before[each.name], each) if each.name in before else each for each in second)


def _beside(first: Measure, second: Outcome) -> Measure:
    if not isinstance(second, Measure):
        return first
    poor = first.evidence.quality == "bad"
    if second.evidence.quality == "bad" and not poor:
        return first
    evidence = second.evidence
    if poor or "value" not in second.values:
        return second
    apart = round(abs(first.values["value"].value - second.values["value"].value), 2)
    spread = max(apart, evidence.spread or 0.0)
    return replace(second, evidence=replace(evidence, spread=spread, notes=(*evidence.notes, "repeated")))
