"""Evidence of every kind as facts for the verdict: quality, repeats, limits, rest, and what others say of it.

Limits: clinical reference 8.3 (repeats), 2.4 (pulse against heart), 5.6 and 5.7 (hearing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cabin_signal.agreement import BeatAgreement, pulse_against_heart
from cabin_signal.audiogram import AudiogramFindings, EarFindings
from cabin_signal.findings import Grade, QualitySpan
from cabin_signal.p_wave import PWave
from cabin_signal.plausibility import Quantity, judge
from cabin_signal.rhythm import Pattern, RhythmSpan
from cabin_signal.spot import NoSpot, Spot
from cabin_signal.verdict import Fact, MeasureName

TOLERANCES: Mapping[MeasureName, float] = {
    "blood_pressure_mean": 10.0,
    "heart_rate": 5.0,
    "pulse_rate": 5.0,
    "spo2": 2.0,
    "temperature": 0.3,
    "weight": 0.2,
    "height": 1.0,
}
"""How far the repeats of a measure may lie apart, in its own unit."""
TEMPERATURE_OF_FIVE = 0.5
"""Five readings of a temperature may spread over more than three."""
REST_SLACK_S = 1.0
DEFICIT_PERCENT = 10.0
"""Heart beats without a pulse from which it is said."""
_EDGE = 1e-9


def quality(spans: Sequence[QualitySpan], *, bad_part: float, poor_part: float) -> tuple[Grade, tuple[Fact, ...]]:
    """The grade of a whole recording from its graded stretches, and why it is not better.

    Bad where more than `bad_part` of the time is bad, usable where more than `poor_part` is not good; no facts where
    it is good. Each reason comes with the percent of the time that it held, and only hurts unless it spoiled.
    """
    total = sum(span.end - span.start for span in spans)
    bad = sum(span.end - span.start for span in spans if span.grade == "bad")
    poor = sum(span.end - span.start for span in spans if span.grade != "good")
    if not total or (bad <= bad_part * total and poor <= poor_part * total):
        return "good", ()
    grade: Grade = "bad" if bad > bad_part * total else "usable"
    spoiling = (
        {reason for span in spans if span.grade == "bad" for reason in span.reasons} if grade == "bad" else set()
    )
    held = _held(spans)
    words = sorted(held, key=lambda word: (-held[word], word))
    return grade, tuple(Fact(word, {"percent": 100 * held[word] / total}, word not in spoiling) for word in words)


def _held(spans: Sequence[QualitySpan]) -> dict[str, int]:
    """Samples for which each reason held."""
    held: dict[str, int] = {}
    for span in spans:
        for word in span.reasons if span.grade != "good" else ():
            held[word] = held.get(word, 0) + span.end - span.start
    return held


def graded(grade: Grade, reasons: Sequence[str]) -> tuple[Fact, ...]:
    """The same from a grade and its reasons alone: a bad grade is never without a cause."""
    words = reasons or (["no-reason-given"] if grade == "bad" else [])
    return tuple(Fact(word, hurts=grade != "bad") for word in words)


def limits(quantity: Quantity, value: float, *, repeated: bool) -> tuple[Fact, ...]:
    """Whether a value can be; one that is rare is to be measured again, or was (`repeated`) and is confirmed."""
    verdict = judge(quantity, value)
    if verdict == "implausible":
        return (Fact("implausible"),)
    return (Fact("confirmed" if repeated else "unusual"),) if verdict == "repeat" else ()


def repeats(spot: Spot | NoSpot) -> tuple[Fact, ...]:
    """What readings that gave no value lacked."""
    if isinstance(spot, Spot):
        return ()
    if spot.why == "unstable":
        return (Fact("unstable", {} if spot.spread is None else {"spread": spot.spread}),)
    return (Fact(spot.why),)


def spread(measure: MeasureName, apart: float | None, *, readings: int = 2) -> tuple[Fact, ...]:
    """Whether readings that gave a value lie further apart than they may."""
    tolerance = TOLERANCES.get(measure)
    if measure == "temperature" and readings > 3:
        tolerance = TEMPERATURE_OF_FIVE
    if apart is None or tolerance is None or apart <= tolerance + _EDGE:
        return ()
    return (Fact("readings-differ", {"spread": apart, "tolerance": tolerance}),)


@dataclass(frozen=True, slots=True)
class Reference:
    """Values that a doctor is told about: below `low`, and from `high` on, or above it where it is not `reached`."""

    low: float | None = None
    high: float | None = None
    reached: bool = True


REFERENCES: Mapping[MeasureName, Reference] = {
    "heart_rate": Reference(50, 100, reached=False),
    "pulse_rate": Reference(50, 100, reached=False),
    "spo2": Reference(low=96),
    "temperature": Reference(high=37.8),
    "bmi": Reference(18.5, 30),
}
"""Clinical reference 8.2, column "info"; in the measure's unit."""
SYSTOLIC, DIASTOLIC = 140.0, 90.0
"""The same of a mean pressure, mmHg."""


def references(measure: MeasureName, value: float) -> tuple[Fact, ...]:
    """On which side of its reference a value lies, where it is outside: a fact for the doctor, and no judgement."""
    limits = REFERENCES.get(measure, Reference())
    if limits.low is not None and value < limits.low:
        return (Fact("below", {"limit": limits.low}),)
    over = limits.high is not None and (value >= limits.high if limits.reached else value > limits.high)
    return (Fact("above", {"limit": limits.high or 0.0}),) if over else ()


def pressure_reference(systolic: float, diastolic: float) -> tuple[Fact, ...]:
    """The same of a mean pressure in mmHg: at or above 140/90 in one of the two."""
    return (Fact("pressure-above"),) if systolic >= SYSTOLIC or diastolic >= DIASTOLIC else ()


def rest(rested_s: float | None, wanted_s: float) -> tuple[Fact, ...]:
    """Whether the rest before a pressure was what the protocol asks for; None: standing, no rest is asked for."""
    if rested_s is None or rested_s >= wanted_s - REST_SLACK_S:
        return ()
    return (Fact("rest-short", {"rest": rested_s / 60}),)


PATTERNS: Mapping[Pattern, str] = {
    "extra-beats": "rhythm-extra-beats",
    "every-other-beat": "rhythm-every-other-beat",
}
P_WAVES: Mapping[PWave, str] = {"seen": "rhythm-p-wave", "not-seen": "rhythm-no-p-wave"}


def waves(rhythm: RhythmSpan) -> tuple[Fact, ...]:
    """Extra beats and P waves of a window whose rhythm could be read: what its reader looks for besides intervals."""
    if rhythm.verdict == "unanalysable":
        return ()
    extra, p_wave = PATTERNS.get(rhythm.pattern), P_WAVES.get(rhythm.p_wave)
    count = {} if rhythm.extra_beats is None else {"extra": float(rhythm.extra_beats)}
    return (*((Fact(extra, count),) if extra else ()), *((Fact(p_wave),) if p_wave else ()))


def pulse_and_heart(pulse: float | None, heart: float | None) -> tuple[Fact, ...]:
    """Whether two rates of the same minutes, beats per minute, differ too much to be the same."""
    if pulse is None or heart is None or pulse_against_heart(pulse, heart).verdict != "differ":
        return ()
    return (Fact("pulse-heart-differ", {"pulse": pulse, "heart": heart}),)


def beats_and_pulses(found: BeatAgreement) -> tuple[Fact, ...]:
    """What beat-by-beat pairing on one clock says: rates that differ, beats without a pulse, and the usual delay."""
    if found.delay_ms is None or found.deficit is None:
        return ()
    late = Fact("pulse-delay", {"delay": found.delay_ms})
    many = (Fact("pulse-deficit", {"percent_of_beats": found.deficit}),) if found.deficit >= DEFICIT_PERCENT else ()
    return (*pulse_and_heart(found.pulse_rate, found.heart_rate), *many, late)


def hearing(found: AudiogramFindings) -> tuple[Fact, ...]:
    """What is to be known of an audiogram; of two ears with the same fault the worse figures are told."""
    facts = [fact for ear in (found.left, found.right) for fact in _ear(ear)]
    kept = {fact.word: fact for fact in sorted(facts, key=_seriousness)}
    return (*kept.values(), *_between(found))


def _ear(ear: EarFindings) -> list[Fact]:
    return [Fact(reason, _figures(reason, ear)) for reason in ear.reasons]


def _figures(reason: str, ear: EarFindings) -> dict[str, float]:
    if reason.startswith("retest") and ear.retest_db is not None:
        return {"apart": abs(ear.retest_db)}
    if reason.startswith("false-answers") and ear.false_answers is not None:
        return {"answered": ear.false_answers.answered, "silences": ear.false_answers.silences}
    return {}


def _seriousness(fact: Fact) -> float:
    return fact.figures.get("apart", fact.figures.get("answered", 0.0) / max(1.0, fact.figures.get("silences", 1.0)))


def _between(found: AudiogramFindings) -> list[Fact]:
    """What the ears say of each other, and of the scale of their levels."""
    sides, out = found.asymmetry, list[Fact]()
    if sides.masking:
        out.append(Fact("masking-needed", {"hz": min(sides.masking)}))
    if sides.marked:
        out.append(Fact("asymmetry", {} if sides.mean_db is None else {"apart": sides.mean_db}))
    return out if found.unit == "dB HL" else [*out, Fact("levels-relative")]
