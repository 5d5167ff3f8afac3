"""The verdict on each outcome of a visit, from its own evidence and from what was measured beside it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cabin_agent.measuring.agreement import value_of
from cabin_agent.results import Measure, MeasureName, NotMeasured, Outcome, Threshold, WhyNot
from cabin_signal import evidence
from cabin_signal.audiogram import AudiogramFindings, EarTest, Trial, audiogram
from cabin_signal.audiogram_grades import Level, NoResponse
from cabin_signal.plausibility import Quantity
from cabin_signal.verdict import RULES, Fact, Fused, fuse, refused

LIMITED: Mapping[MeasureName, Mapping[str, Quantity]] = {
    "spo2": {"value": "spo2"},
    "pulse_rate": {"value": "pulse_rate"},
    "heart_rate": {"value": "heart_rate"},
    "temperature": {"value": "temperature"},
    "weight": {"value": "weight"},
    "height": {"value": "height"},
    "blood_pressure_mean": {"systolic": "systolic", "diastolic": "diastolic"},
}
"""Components that have limits; a single pressure is repeated by its protocol, and its mean is what is judged."""
UNJUDGED: frozenset[WhyNot] = frozenset({"refused", "skipped", "absent", "interrupted"})
"""Nothing was measured that could be judged."""
LOUDEST_DB = 100.0
"""Loudest tone of a TM 262 at 500 to 4000 Hz."""


def judged(outcome: Outcome, visit: Sequence[Outcome], *, again: bool = False) -> Fused | None:
    """The verdict on one outcome of a visit; None where nothing was measured. `again`: it can be repeated."""
    if isinstance(outcome, Measure):
        return fuse(outcome.name, (*_own(outcome), *_beside(outcome, visit)), again=again)
    if outcome.why in UNJUDGED:
        return None
    return refused(outcome.name, Fact(_cause(outcome)))


def _cause(outcome: NotMeasured) -> str:
    return outcome.detail or (outcome.why if outcome.why in RULES else "no-reason-given")


def _own(measure: Measure) -> Iterable[Fact]:
    """What the measure's own evidence says; of one word the later fact, which has the figures, stands."""
    proof = measure.evidence
    notes = [Fact(note) for note in proof.notes if note in RULES or note.startswith("cuff-")]
    for fact in (*evidence.graded(proof.quality, proof.reasons), *notes):
        yield Fact(fact.word, proof.figures.get(fact.word, {}), fact.hurts)
    yield from (Fact(why) for why in dict.fromkeys(measure.missing.values()) if why in RULES)
    yield from evidence.spread(measure.name, proof.spread, readings=proof.readings)
    if "rest-short" in proof.notes and proof.rest_s is not None:
        yield Fact("rest-short", {"rest": proof.rest_s / 60})
    repeated = "repeated" in proof.notes or measure.name == "blood_pressure_mean"
    for part, quantity in LIMITED.get(measure.name, {}).items():
        if part in measure.values:
            yield from evidence.limits(quantity, measure.values[part].value, repeated=repeated)
    yield from _references(measure)
    if measure.name == "hearing":
        yield from evidence.hearing(ears(measure))


def _references(measure: Measure) -> Iterable[Fact]:
    """On which side of what a doctor is told about the value lies."""
    values = {part: quantity.value for part, quantity in measure.values.items()}
    if "value" in values:
        yield from evidence.references(measure.name, values["value"])
    elif measure.name == "blood_pressure_mean":
        yield from evidence.pressure_reference(values["systolic"], values["diastolic"])


def _beside(measure: Measure, visit: Sequence[Outcome]) -> Iterable[Fact]:
    """What the other measures of the visit say of this one."""
    pulse, heart = _rates(measure, visit)
    yield from evidence.pulse_and_heart(pulse, heart)
    if measure.name.startswith("blood_pressure") and any(_irregular(each) for each in visit):
        yield Fact("rhythm-irregular-cuff")


def _rates(measure: Measure, visit: Sequence[Outcome]) -> tuple[float | None, float | None]:
    """Pulse and heart rate to compare, where the measure is one of them or has one."""
    part = {"heart_rate": "value", "pulse_rate": "value", "blood_pressure": "pulse_rate"}.get(measure.name)
    mine = measure.values.get(part) if part else None
    if mine is None:
        return None, None
    if measure.name == "heart_rate":
        return value_of("pulse_rate", visit), mine.value
    return mine.value, value_of("heart_rate", visit)


def _irregular(outcome: Outcome) -> bool:
    return isinstance(outcome, Measure) and "rhythm-irregular" in outcome.evidence.notes


def ears(measure: Measure) -> AudiogramFindings:
    """What is to be said of thresholds, and of the test where it is known: most instruments transfer no more."""
    left, right = (_ear(measure, ear) for ear in ("left", "right"))
    return audiogram(left, right, calibrated=measure.hearing is None or measure.hearing.calibrated)


def _ear(measure: Measure, ear: str) -> EarTest:
    test = measure.hearing
    if test is None:
        return EarTest(levels(measure.thresholds, ear))
    trials = tuple(Trial(each.hz, each.db, each.answered_s) for each in test.tones if each.ear == ear)
    return EarTest(levels(measure.thresholds, ear), levels(test.again, ear).get(1000), trials)


def levels(thresholds: Iterable[Threshold], ear: str) -> dict[int, Level]:
    """One ear's levels by frequency."""
    return {each.hz: _level(each) for each in thresholds if each.ear == ear}


def _level(threshold: Threshold) -> Level:
    if threshold.why == "no-response":
        return NoResponse(LOUDEST_DB if threshold.above_db is None else threshold.above_db)
    return threshold.db_hl if threshold.db_relative is None else threshold.db_relative
