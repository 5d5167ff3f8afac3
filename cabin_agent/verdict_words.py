"""The two sentences of a verdict: one cause and one cure for the agent, every fact with its figures for the doctor.

Facts, never a diagnosis (clinical reference 3.8 and 8.5). A fact is told by `fact.<word>`; where it has figures of
its own, by `fact.<word>.figures`; where it has the time that it held, by `fact.<word>` within `verdict.share`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import takewhile

from cabin_agent.judged import judged, levels
from cabin_agent.plan import task_of
from cabin_agent.results import Measure, Outcome, Quantity
from cabin_agent.wording import Language, amount, catalogue, number, phrase, text
from cabin_signal.audiogram_grades import Average, Biap, Level, Who, average, biap, biap_both, who
from cabin_signal.verdict import Fact, Fused

OWN_UNIT = ("spread", "tolerance", "limit")
"""Figures in the measure's own unit; the others have theirs in the sentence, and no decimals but for "empty"."""


def agent_sentence(language: Language, fused: Fused) -> str | None:
    """What the agent reads: the most curable cause and its cure; None where there is nothing to say."""
    if fused.verdict == "accepted" or not fused.facts:
        return None
    word = fused.facts[0].word
    said = text(language, f"verdict.agent.{fused.verdict}", cause=phrase(language, "reason", word))
    cure = next_time(language, word)
    return said if cure is None else f"{said} {cure}"


def next_time(language: Language, word: str) -> str | None:
    """The cure of a word once the measure is over."""
    cure = catalogue(language).get(f"cure.{word}")
    return None if cure is None else text(language, "verdict.agent.next", cure=cure[0].lower() + cure[1:])


def last_message(language: Language, visit: Sequence[Outcome]) -> dict[str, object] | None:
    """What was wrong with the measure that was made last, as a message of the API; None where nothing was."""
    if not visit:
        return None
    task = task_of(visit[-1].name)
    for outcome in takewhile(lambda each: task_of(each.name) == task, reversed(visit)):
        fused = judged(outcome, visit)
        if fused is not None and fused.verdict != "accepted":
            word = fused.facts[0].word
            measure = text(language, f"measure.{outcome.name}.name")
            told = text(language, "verdict.last", measure=measure, cause=phrase(language, "reason", word))
            return {"code": f"reason.{word}", "text": told, "cure": next_time(language, word)}
    return None


def doctor_sentence(language: Language, outcome: Outcome, fused: Fused) -> str:
    """What the doctor reads: the verdict, and every fact behind it with its figures."""
    clauses = [*_readings(language, outcome), *(fact_words(language, outcome, fact) for fact in fused.facts)]
    if isinstance(outcome, Measure) and outcome.name == "hearing":
        clauses += hearing_words(language, outcome)
    verdict = text(language, f"verdict.doctor.{fused.verdict}")
    if not clauses:
        return f"{verdict}."
    facts = reduce(lambda one, other: text(language, "verdict.and", one=one, other=other), clauses)
    return text(language, "verdict.because", verdict=verdict, facts=facts[0].upper() + facts[1:])


def fact_words(language: Language, outcome: Outcome, fact: Fact) -> str:
    """One fact as a clause."""
    unit = _unit(outcome)
    shown = {name: _figure(language, name, value, unit) for name, value in fact.figures.items()}
    if "percent" in shown:
        return text(language, "verdict.share", fact=phrase(language, "fact", fact.word), **shown)
    return phrase(language, "fact", fact.word) if not shown else text(language, f"fact.{fact.word}.figures", **shown)


def _unit(outcome: Outcome) -> str:
    units = [quantity.unit for quantity in outcome.values.values()] if isinstance(outcome, Measure) else []
    return units[0] if units else ""


def _figure(language: Language, name: str, value: float, unit: str) -> str:
    if name in OWN_UNIT:
        return amount(language, Quantity(value, unit))
    if name == "empty":
        return number(language, Quantity(value, "kg"))
    if name == "percent" and value < 1:
        return "<1"
    # Minutes of rest are those that were rested in full.
    return str(int(value) if name == "rest" else round(value))


def _readings(language: Language, outcome: Outcome) -> Iterable[str]:
    """How many readings a value rests on and how far they lie apart; a rate counts beats, which are no readings."""
    if not isinstance(outcome, Measure) or outcome.evidence.spread is None or outcome.evidence.readings < 2:
        return
    unit = _unit(outcome)
    spread = _figure(language, "spread", outcome.evidence.spread, unit)
    yield text(language, "verdict.readings", readings=outcome.evidence.readings, spread=spread)


def hearing_words(language: Language, outcome: Measure) -> list[str]:
    """Mean thresholds and what the two published scales make of them, each by its name."""
    if outcome.hearing is not None and not outcome.hearing.calibrated:
        return []  # no scale is made for levels that are relative
    left, right = levels(outcome.thresholds, "left"), levels(outcome.thresholds, "right")
    return [*_means(language, left, right), *_biap(language, left, right), *_who(language, left, right)]


def _means(language: Language, left: dict[int, Level], right: dict[int, Level]) -> Iterable[str]:
    for ear, found in (("right", average(right)), ("left", average(left))):
        if isinstance(found, Average):
            mean = number(language, Quantity(found.db, "1"))
            yield text(language, f"hearing.mean.{ear}", db=f"≥\u00a0{mean}" if found.at_least else mean)


def _biap(language: Language, left: dict[int, Level], right: dict[int, Level]) -> Iterable[str]:
    for side, found in (("right", biap(right)), ("left", biap(left)), ("both", biap_both(left, right))):
        if isinstance(found, Biap):
            grade = text(language, f"hearing.biap.{found.grade}")
            yield text(language, f"hearing.biap.of.{side}", db=found.db, grade=grade)


def _who(language: Language, left: dict[int, Level], right: dict[int, Level]) -> Iterable[str]:
    found = who(left, right)
    if isinstance(found, Who):
        yield text(language, "hearing.who", grade=text(language, f"hearing.who.{found.grade}"))


def verdict_view(
    language: Language, outcome: Outcome, visit: tuple[Outcome, ...], *, doctor: bool
) -> dict[str, object] | None:
    """The verdict on one outcome as the API shows it, with the sentence of whoever reads it."""
    fused = judged(outcome, visit)
    if fused is None:
        return None
    return {
        "verdict": fused.verdict,
        "action": fused.action,
        "facts": [fact.word for fact in fused.facts],
        "text": doctor_sentence(language, outcome, fused) if doctor else agent_sentence(language, fused),
    }
