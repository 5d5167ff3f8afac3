"""From the visit to its record: every planned measure has an outcome, and evidence points at its samples."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.plan import TASKS, TaskName
from cabin_agent.record import RECORDED, visit_record
from cabin_agent.results import (
    CabinIdentity,
    Consent,
    Measure,
    MeasureName,
    Note,
    NotMeasured,
    Outcome,
    Review,
    Still,
    Subject,
)
from cabin_agent.visit import Visit
from cabin_agent.visit_table import Event, State
from tests.visit_steps import TO_CONSENT, TO_GOODBYE, TO_MEASURES, WAY, walk
from tests.visits import OXIMETER, RAW, evidence, outcomes, single

CABIN = CabinIdentity("Cabine 07", "CAB-0007", "1.0", simulated=False)
MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)
ENDED = Visit(
    state=State.GOODBYE,
    visit_id="6e7a5c1d",
    mid="00ff",
    recording_mid="00fe",
    language="en",
    kind="consultation",
    subject=Subject("urn:oid:1.2", "x"),
    consents=(Consent("information", True, 1, "2026-09"),),
    exclusions={"bleeding": False},
    satisfaction={"easy": 4},
    ended_by="completed",
    started_ms=1000,
    ended_ms=2000,
)


def without_recording(taken: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    return tuple(
        replace(each, evidence=replace(each.evidence, recording=None)) if isinstance(each, Measure) else each
        for each in taken
    )


TAKEN = without_recording(outcomes())


def recordings(visit: Visit, digest: str | None) -> dict[str, str | None]:
    record = visit_record(visit, CABIN, digest)
    assert record is not None
    return {each.name: each.evidence.recording for each in record.outcomes if isinstance(each, Measure)}


def test_the_record_has_what_the_visit_had() -> None:
    record = visit_record(replace(ENDED, outcomes=TAKEN), CABIN, None)
    assert record is not None
    assert (record.visit_id, record.kind, record.subject, record.language) == (
        "6e7a5c1d", "consultation", Subject("urn:oid:1.2", "x"), "en",
    )  # fmt: skip
    assert (record.started_ms, record.ended_ms, record.ended_by, record.mid) == (1000, 2000, "completed", "00ff")
    assert (record.consents, record.exclusions, record.satisfaction) == (
        ENDED.consents, {"bleeding": False}, {"easy": 4},
    )  # fmt: skip
    assert (record.outcomes, record.recording, record.cabin) == (TAKEN, None, CABIN)


@pytest.mark.parametrize(
    "way", [TO_CONSENT[:2], (*TO_CONSENT[:2], Event.CODE_EXHAUSTED), (*TO_CONSENT[:1], Event.LEAVE)]
)
def test_where_nobody_was_named_there_is_no_record(way: tuple[Event, ...]) -> None:
    assert visit_record(walk(way), CABIN, RAW) is None


def test_a_visit_that_did_not_end_has_no_record() -> None:
    assert visit_record(walk(TO_MEASURES), CABIN, None) is None
    assert visit_record(walk(TO_GOODBYE), CABIN, None) is not None


@pytest.mark.parametrize(
    ("ended_by", "why"),
    [("completed", "interrupted"), ("refused", "refused"), ("left", "interrupted"), ("stopped", "interrupted")],
)
def test_what_was_not_reached_says_why(ended_by: str, why: str) -> None:
    record = visit_record(replace(ENDED, ended_by=ended_by), CABIN, None)  # type: ignore[arg-type]
    assert record is not None
    assert {(each.name, getattr(each, "why", None)) for each in record.outcomes} == {(name, why) for name in MEASURES}


def test_a_visit_stopped_by_a_red_flag_has_a_record_of_why() -> None:
    record = visit_record(walk((*WAY[State.STOPPED], Event.NURSE_CAME)), CABIN, None)
    assert record is not None
    assert (record.ended_by, record.exclusions["fainting"]) == ("stopped", True)
    assert record.outcomes == (NotMeasured("spo2", "interrupted"), NotMeasured("pulse_rate", "interrupted"))


@given(
    st.sets(st.sampled_from([*TASKS])),
    st.lists(st.sampled_from(TAKEN), unique_by=id),
)
def test_every_planned_measure_has_an_outcome_and_what_was_taken_keeps_its_place(
    asked: set[TaskName], taken: list[Outcome]
) -> None:
    measures = tuple(TASKS[task].yields[0] for task in sorted(asked))
    record = visit_record(replace(ENDED, measures=measures, outcomes=tuple(taken)), CABIN, None)
    assert record is not None
    assert list(record.outcomes[: len(taken)]) == taken
    added = [each.name for each in record.outcomes[len(taken) :]]
    planned = {name for task in (asked or TASKS) for name in TASKS[task].yields}
    assert {*added} == planned - {each.name for each in taken}
    assert len({*added}) == len(added)


def test_evidence_points_at_the_recording_only_where_samples_are_in_it() -> None:
    told = recordings(replace(ENDED, outcomes=TAKEN), RAW)
    assert {name for name, digest in told.items() if digest == RAW} == RECORDED
    assert {told[name] for name in ("weight", "temperature", "hearing", "bmi", "blood_pressure_mean")} == {None}
    record = visit_record(replace(ENDED, outcomes=TAKEN), CABIN, RAW)
    assert record is not None
    assert record.recording == RAW


def test_without_a_recording_no_evidence_points_anywhere() -> None:
    assert {*recordings(replace(ENDED, outcomes=TAKEN), None).values()} == {None}


def test_one_simulated_instrument_makes_the_visit_simulated() -> None:
    fake = single("spo2", 97.0, "%", evidence(replace(OXIMETER, simulated=True)))
    for taken, cabin, simulated in (
        (TAKEN, CABIN, False),
        ((*TAKEN, fake), CABIN, True),
        ((), replace(CABIN, simulated=True), True),
        ((NotMeasured("spo2", "refused"),), CABIN, False),
    ):
        record = visit_record(replace(ENDED, outcomes=taken), cabin, None)
        assert record is not None
        assert record.cabin == replace(CABIN, simulated=simulated)


def test_one_simulated_picture_makes_the_visit_simulated() -> None:
    for simulated in (False, True):
        still = Still("throat", "none", 1600, "Camera 1", 1280, 720, RAW, simulated, 1000)
        record = visit_record(replace(ENDED, stills=(still,)), CABIN, None)
        assert record is not None
        assert record.cabin.simulated is simulated


def test_a_visit_that_ended_before_a_language_was_chosen_is_in_french() -> None:
    record = visit_record(replace(ENDED, language=None), CABIN, None)
    assert record is not None
    assert record.language == "fr"


AGREED = (*ENDED.consents, Consent("remote-act", True, 2, "2026-09"))


def test_what_the_doctor_said_and_saw_goes_to_the_record() -> None:
    reviews = {3: Review("rejected", "cold hand", "dr-a")}
    notes = (Note(1500, "seen", "dr-a"),)
    stills = (Still("throat", "none", 1600, "Camera 1", 1280, 720, RAW, False, 1000),)
    said = replace(ENDED, outcomes=TAKEN, consents=AGREED, reviews=reviews, notes=notes, stills=stills)
    record = visit_record(said, CABIN, RAW)
    assert record is not None
    assert (record.reviews, record.notes, record.stills) == (reviews, notes, stills)
    assert record.outcomes[3].name == TAKEN[3].name


def test_in_a_consultation_nothing_is_missing_that_nobody_asked_for() -> None:
    record = visit_record(replace(ENDED, consents=AGREED, outcomes=TAKEN[:2]), CABIN, None)
    assert record is not None
    assert record.outcomes == TAKEN[:2]


@pytest.mark.parametrize(
    ("ended_by", "why"), [("completed", "skipped"), ("left", "interrupted"), ("stopped", "interrupted")]
)
def test_what_the_appointment_of_a_consultation_names_is_told_when_it_was_left_out(ended_by: str, why: str) -> None:
    asked = replace(ENDED, consents=AGREED, measures=("spo2",), ended_by=ended_by)  # type: ignore[arg-type]
    record = visit_record(asked, CABIN, None)
    assert record is not None
    assert [(each.name, getattr(each, "why", None)) for each in record.outcomes] == [
        ("spo2", why), ("pulse_rate", why),
    ]  # fmt: skip


def test_a_consultation_that_was_declined_is_an_ordinary_check_up() -> None:
    declined = replace(ENDED, consents=(*ENDED.consents, Consent("remote-act", False, 2, "2026-09")))
    record = visit_record(declined, CABIN, None)
    assert record is not None
    assert {each.name for each in record.outcomes} == {*MEASURES}
