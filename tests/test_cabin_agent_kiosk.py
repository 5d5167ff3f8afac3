"""The kiosk's words: every word in every state, bad values, and codes that are neither echoed nor tried for ever."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabin_agent.appointments import Appointments
from cabin_agent.clock import VisitClock
from cabin_agent.face import Json, Refusal
from cabin_agent.kiosk import MEANING, SPOKEN, STAFF, Desk, may, translate
from cabin_agent.results import Subject
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Visit, step
from cabin_agent.visit_table import TABLE, Event, State
from tests.visit_steps import TO_CONSENT, WAY, walk

CHECKUP, CONSULTATION, WRONG = "246810", "135791", "999999"
SECRET = "RDV-0048215973"
FILE = f"""
[[appointment]]
code = "{CHECKUP}"
kind = "checkup"
subject_system = "urn:oid:1.2.250.1.213.1.4.11"
subject = "{SECRET}"
measures = ["weight", "blood_pressure"]

[[appointment]]
code = "{CONSULTATION}"
kind = "consultation"
subject_system = "https://appointments.example/id"
subject = "other"
"""
NO = dict.fromkeys(EXCLUSIONS, False)
GOOD: dict[str, Json] = {
    "language": {"value": "en"},
    "code": {"value": CHECKUP},
    "answers": {"answers": NO},
    "ticket": {"ticket": "plain"},
    "satisfaction": {"answers": {"easy": 5}},
    "tick": {"instrument": "scale"},
}
WORDS = sorted({*SPOKEN.values()})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    file = tmp_path / "appointments.toml"
    file.write_text(FILE)
    return Desk(Appointments(file), VisitClock(), "2026-09", 3, ("scale", "oximeter"))


def said(word: str, **more: Any) -> Json:
    return {"event": word, **GOOD.get(word, {}), **more}


def at(state: State) -> Visit:
    return walk(WAY[state])


# --- which word where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_every_word_in_every_state_is_taken_or_refused_as_the_table_says(desk: Desk, state: State) -> None:
    for word in WORDS:
        if word in may(state):
            message = translate(at(state), said(word), desk)
            assert (state, message.event) in TABLE, word
            step(at(state), message)
        else:
            with pytest.raises(Refusal, match=f"'{word}' has no place in the state '{state}'") as refused:
                translate(at(state), said(word), desk)
            assert refused.value.code == "not-now", word


def test_every_word_has_one_meaning_and_every_meaning_a_word() -> None:
    assert {*MEANING} == {*SPOKEN.values()}
    assert len({*SPOKEN.values()}) == len(SPOKEN)


def test_what_a_person_cannot_cause_is_not_a_word() -> None:
    assert {*Event} - {*SPOKEN} == {
        Event.CODE_WRONG, Event.CODE_EXHAUSTED, Event.AGREE_REMOTE_NEXT, Event.RED_FLAG, Event.MEASURED,
        Event.MEASURES_DONE, Event.IDLE, Event.CLEANED, Event.BACK_TO_REMOTE, Event.CONSULT, Event.JOINED,
        Event.REVIEW, Event.NOTE, Event.STILL, Event.END,
    }  # fmt: skip


@pytest.mark.parametrize("event", ["measured", "cleaned", "idle", "code_accepted", "", "  begin", None, 3, [], {}])
def test_an_unknown_word_is_refused_with_those_that_are_possible(desk: Desk, event: object) -> None:
    with pytest.raises(Refusal, match=r"now possible: begin, out_of_order\.") as refused:
        translate(Visit(), {"event": event}, desk)
    assert refused.value.code == "unknown-event"


def test_no_word_at_all_is_an_unknown_one(desk: Desk) -> None:
    with pytest.raises(Refusal, match="No event is called so"):
        translate(Visit(), {}, desk)


def test_may_has_no_word_twice() -> None:
    for state in State:
        assert len({*may(state)}) == len(may(state))
    assert may(State.CONSENT_MEASURES) == ["agree", "decline", "back", "leave", "call_nurse"]
    assert may(State.OUT_OF_ORDER) == ["restored"]


# --- what each word carries -------------------------------------------------------------------------------------


def test_each_visit_begins_with_ids_of_its_own(desk: Desk) -> None:
    first, second = (translate(Visit(), said("begin"), desk).body for _ in range(2))
    assert uuid.UUID(first["visit_id"]).version == 4
    assert (len(bytes.fromhex(first["mid"])), len(bytes.fromhex(first["recording_mid"]))) == (16, 16)
    ids = [body[key] for body in (first, second) for key in ("visit_id", "mid", "recording_mid")]
    assert len({*ids}) == 6
    assert first["boot_id"] == desk.clock.boot_id
    assert first["started_s"] <= second["started_s"] <= desk.clock.now()


def test_a_message_has_the_time_of_the_wall(desk: Desk) -> None:
    before = desk.clock.wall_ms()
    assert before <= translate(Visit(), said("begin"), desk).at_ms <= desk.clock.wall_ms()


@pytest.mark.parametrize("value", ["fr", "en"])
def test_two_languages_are_spoken(desk: Desk, value: str) -> None:
    assert translate(at(State.WELCOME), said("language", value=value), desk).body == {"value": value}


def test_a_known_code_names_the_person_of_the_appointment(desk: Desk) -> None:
    message = translate(at(State.CODE), said("code"), desk)
    assert message.event is Event.CODE_ACCEPTED
    assert message.body == {
        "kind": "checkup",
        "subject": Subject("urn:oid:1.2.250.1.213.1.4.11", SECRET),
        "measures": ("weight", "blood_pressure"),
    }


@pytest.mark.parametrize("attempts", [1, 2, 3, 10])
def test_codes_are_exhausted_after_so_many_attempts(desk: Desk, attempts: int) -> None:
    desk = replace(desk, code_attempts=attempts)
    visit = at(State.CODE)
    for attempt in range(1, attempts + 1):
        message = translate(visit, said("code", value=WRONG), desk)
        assert message.event is (Event.CODE_EXHAUSTED if attempt == attempts else Event.CODE_WRONG)
        visit, _ = step(visit, message)
    assert (visit.state, visit.nurse_called, visit.subject) == (State.GOODBYE, True, None)


@pytest.mark.parametrize("value", [None, 246810, "", "24681", "2468100", " 246810", "٢٤٦٨١٠", ["246810"], "\ud800"])
def test_what_is_no_code_of_an_appointment_is_a_wrong_code(desk: Desk, value: object) -> None:
    message = translate(at(State.CODE), said("code", value=value), desk)
    assert (message.event, message.body) == (Event.CODE_WRONG, {})


def test_a_right_code_is_still_right_at_the_last_attempt(desk: Desk) -> None:
    visit = replace(at(State.CODE), wrong_codes=2)
    assert translate(visit, said("code"), desk).event is Event.CODE_ACCEPTED


@pytest.mark.parametrize("value", [CHECKUP, WRONG, 123456])
def test_a_code_is_in_no_message_and_no_refusal(desk: Desk, tmp_path: Path, value: object) -> None:
    assert str(value) not in repr(translate(at(State.CODE), said("code", value=value), desk))
    (tmp_path / "appointments.toml").write_text(f'[[appointment]]\ncode = "{WRONG}"\nkind = "neither"\n')
    for visit in (at(State.CODE), at(State.READY)):
        try:
            told = repr(translate(visit, said("code", value=value), desk))
        except Refusal as refused:
            told = str(refused) + repr(refused.__cause__)
        assert str(value) not in told


def test_appointments_that_cannot_be_read_cost_no_attempt(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "appointments.toml").write_text("half repl")
    with pytest.raises(Refusal, match=r"cannot be read now: try again, or call the nurse\.") as refused:
        translate(at(State.CODE), said("code"), desk)
    assert refused.value.code == "not-ready"
    (tmp_path / "appointments.toml").write_text(FILE)
    assert translate(at(State.CODE), said("code"), desk).event is Event.CODE_ACCEPTED


def test_only_a_consultation_asks_for_the_remote_act(desk: Desk) -> None:
    consultation = at(State.CONSENT_MEASURES)
    checkup = replace(consultation, kind="checkup")
    assert translate(consultation, said("agree"), desk).event is Event.AGREE_REMOTE_NEXT
    assert translate(checkup, said("agree"), desk).event is Event.AGREE
    assert translate(at(State.CONSENT_REMOTE), said("agree"), desk).event is Event.AGREE


@pytest.mark.parametrize(("state", "word"), [
    (State.INFORMATION, "informed"), (State.CONSENT_MEASURES, "agree"), (State.CONSENT_MEASURES, "decline"),
    (State.CONSENT_REMOTE, "agree"), (State.CONSENT_REMOTE, "decline"),
])  # fmt: skip
def test_what_was_told_or_agreed_names_the_notice(desk: Desk, state: State, word: str) -> None:
    assert translate(at(state), said(word), desk).body == {"notice_version": "2026-09"}


def test_one_yes_among_the_exclusions_is_a_red_flag(desk: Desk) -> None:
    visit = at(State.EXCLUSIONS)
    assert translate(visit, said("answers"), desk).event is Event.CONSULT
    checkup = replace(visit, kind="checkup", consents=visit.consents[:2])
    assert translate(checkup, said("answers"), desk).event is Event.NO_RED_FLAG
    for question in EXCLUSIONS:
        message = translate(visit, said("answers", answers=NO | {question: True}), desk)
        assert (message.event, message.body["answers"][question]) == (Event.RED_FLAG, True)


def test_a_declined_remote_act_leads_to_the_ordinary_check_up(desk: Desk) -> None:
    visit = at(State.CONSENT_REMOTE)
    for word in ("decline", "answers"):
        visit, _ = step(visit, translate(visit, said(word), desk))
    assert visit.state is State.MEASURES


@pytest.mark.parametrize("word", ["agree", "decline"])
def test_going_back_from_the_questions_asks_again_what_was_asked_last(desk: Desk, word: str) -> None:
    visit, _ = step(at(State.CONSENT_REMOTE), translate(at(State.CONSENT_REMOTE), said(word), desk))
    back, _ = step(visit, translate(visit, said("back"), desk))
    assert (back.state, [each.subject for each in back.consents]) == (
        State.CONSENT_REMOTE, ["information", "measures"],
    )  # fmt: skip
    checkup = replace(at(State.EXCLUSIONS), kind="checkup", consents=visit.consents[:2])
    back, _ = step(checkup, translate(checkup, said("back"), desk))
    assert (back.state, [each.subject for each in back.consents]) == (State.CONSENT_MEASURES, ["information"])


def test_the_words_of_the_staff_are_words_and_not_those_of_an_agent(desk: Desk) -> None:
    assert {*SPOKEN.values()} > STAFF
    inside = [state for state in State if (state, Event.LEAVE) in TABLE]
    assert all(not STAFF & {*may(state)} for state in inside)


BAD: list[tuple[State, str, Json, str]] = [
    (State.WELCOME, "language", {"value": "de"}, "'value' is one of: fr, en."),
    (State.WELCOME, "language", {"value": None}, "'value' is one of"),
    (State.WELCOME, "language", {"value": ["fr"]}, "'value' is one of"),
    (State.EXCLUSIONS, "answers", {"answers": {}}, "Every question needs its answer: chest-pain"),
    (State.EXCLUSIONS, "answers", {"answers": None}, "Every question needs its answer"),
    (State.EXCLUSIONS, "answers", {"answers": [*EXCLUSIONS]}, "Every question needs its answer"),
    (State.EXCLUSIONS, "answers", {"answers": NO | {"other": False}}, "Every question needs its answer"),
    (State.EXCLUSIONS, "answers", {"answers": NO | {"bleeding": 0}}, "Each answer is true or false."),
    (State.EXCLUSIONS, "answers", {"answers": NO | {"bleeding": "no"}}, "Each answer is true or false."),
    (State.EXCLUSIONS, "answers", {"answers": NO | {"bleeding": None}}, "Each answer is true or false."),
    (State.TICKET, "ticket", {"ticket": "both"}, "'ticket' is one of: none, plain, values."),
    (State.TICKET, "ticket", {"ticket": True}, "'ticket' is one of"),
    (State.SATISFACTION, "satisfaction", {"answers": []}, "each may be left out."),
    (State.SATISFACTION, "satisfaction", {"answers": None}, "each may be left out."),
    (State.SATISFACTION, "satisfaction", {"answers": {"hard": 1}}, "The questions are easy, comfortable, again"),
    (State.SATISFACTION, "satisfaction", {"answers": {"easy": 0}}, "a whole number from 1 to 5."),
    (State.SATISFACTION, "satisfaction", {"answers": {"easy": 6}}, "a whole number from 1 to 5."),
    (State.SATISFACTION, "satisfaction", {"answers": {"easy": 4.0}}, "a whole number from 1 to 5."),
    (State.SATISFACTION, "satisfaction", {"answers": {"easy": True}}, "a whole number from 1 to 5."),
    (State.SATISFACTION, "satisfaction", {"answers": {"easy": "5"}}, "a whole number from 1 to 5."),
    (State.CLEANING, "tick", {"instrument": "toaster"}, "'instrument' is one of: scale, oximeter."),
    (State.CLEANING, "tick", {"instrument": None}, "'instrument' is one of"),
]


@pytest.mark.parametrize(("state", "word", "carried", "sentence"), BAD)
def test_a_bad_value_is_refused_in_one_sentence(
    desk: Desk, state: State, word: str, carried: Json, sentence: str
) -> None:
    with pytest.raises(Refusal) as refused:
        translate(at(state), {"event": word, **carried}, desk)
    assert refused.value.code == "bad-value"
    assert sentence in str(refused.value)
    assert str(refused.value).count(".") == 1


@pytest.mark.parametrize("word", ["language", "answers", "ticket", "tick"])
def test_a_missing_value_is_a_bad_one(desk: Desk, word: str) -> None:
    state = next(state for state in State if word in may(state))
    with pytest.raises(Refusal) as refused:
        translate(at(state), {"event": word}, desk)
    assert refused.value.code == "bad-value"


def test_satisfaction_may_be_passed_over(desk: Desk) -> None:
    passed: list[Json] = [{}, {"answers": {}}]
    for carried in passed:
        message = translate(at(State.SATISFACTION), {"event": "satisfaction", **carried}, desk)
        assert (message.event, message.body) == (Event.SATISFIED, {"answers": {}})
    every = dict.fromkeys(SATISFACTION, 1)
    assert translate(at(State.SATISFACTION), said("satisfaction", answers=every), desk).body == {"answers": every}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EXCLUSIONS, "easy", "x"]), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(State),
    st.sampled_from(WORDS) | st.text(max_size=6),
    st.dictionaries(st.sampled_from(["value", "answers", "ticket", "instrument"]), json_values),
)
def test_whatever_json_is_said_gives_a_legal_message_or_a_refusal(
    desk: Desk, state: State, word: str, carried: Json
) -> None:
    visit = at(state)
    try:
        message = translate(visit, {**carried, "event": word}, desk)
    except Refusal as refused:
        assert refused.code in ("unknown-event", "not-now", "bad-value")
    else:
        assert step(visit, message)[0].state is TABLE[state, message.event]


def test_a_whole_check_up_in_the_words_of_the_kiosk(desk: Desk) -> None:
    visit = walk(TO_CONSENT[:1])
    for word in ("language", "code", "informed", "agree", "answers"):
        visit, _ = step(visit, translate(visit, said(word), desk))
    assert (visit.state, visit.subject) == (State.MEASURES, Subject("urn:oid:1.2.250.1.213.1.4.11", SECRET))
