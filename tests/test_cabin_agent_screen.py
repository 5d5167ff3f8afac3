"""What the screens draw: every state in both languages, only what may be said now, nothing of anybody else."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from cabin_agent import screen
from cabin_agent.course import Course
from cabin_agent.face import Json
from cabin_agent.kiosk import may
from cabin_agent.plan import TASKS, Rules, TaskName
from cabin_agent.results import NotMeasured, Outcome, Review
from cabin_agent.reviewed import review_of
from cabin_agent.screen import DETAIL, results_view, visit_view
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Visit
from cabin_agent.visit_table import Event, State
from cabin_agent.wording import LANGUAGES, Language, catalogue, text
from tests.fake_face import WEB, problems_of
from tests.visit_steps import MARK, TO_CONSENT, WAY, walk
from tests.visits import OXIMETER, evidence, outcomes, single
from tests.visits import visit as a_record

VISIT = {"$ref": "#/components/schemas/Visit"}
CLEANED = ("scale", "oximeter", "ecg")


def view(visit: Visit, course: Json | None = None, **more: Any) -> Json:
    known: dict[str, Any] = {
        "messages": (),
        "sitting": False,
        "elapsed_s": 12.345,
        "simulated": True,
        "idle_warning": False,
        "idle_grace_s": 30.0,
        "sealed": False,
        "cleaned": CLEANED,
        "default_language": "fr",
    }
    return visit_view(visit, course, **(known | more))


def at(state: State, **more: Any) -> Visit:
    return replace(walk(WAY[state]), **more)


def running(*tasks: TaskName) -> Json:
    return Course(0.0, list(tasks), running=tasks[0], attempt=1, seated_at=5.0).view(10.0, Rules())


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_its_prompt_in_both_languages(state: State, language: Language) -> None:
    told = view(at(state, language=language))
    assert told["state"] == state.value
    detail = [text(language, key) for key in DETAIL.get(state, ())]
    assert told["prompt"] == {"key": f"state.{state}", "text": text(language, f"state.{state}"), "detail": detail}
    assert told["prompt"]["text"].strip()


def test_the_two_languages_are_two() -> None:
    for state in State:
        french, english = (view(at(state, language=language))["prompt"]["text"] for language in LANGUAGES)
        assert french != english


@pytest.mark.parametrize("language", LANGUAGES)
def test_until_one_is_chosen_the_cabin_s_own_language_is_spoken(language: Language) -> None:
    told = view(Visit(), default_language=language)
    assert (told["language"], told["prompt"]["text"]) == (None, text(language, "state.ready"))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("sealed", [True, False])
def test_every_view_is_what_the_contract_says(state: State, sealed: bool) -> None:
    course = running("oximetry", "pressure") if state is State.MEASURES else None
    told = view(at(state), course, sealed=sealed, messages=("finger-out",))
    assert problems_of({**WEB, **told}, VISIT) == []
    assert {*told["may"]} >= {*may(state)} - {"finish"}


# --- what may be said -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_outside_the_measures_the_kiosk_may_say_what_the_table_knows(state: State) -> None:
    assert view(at(state), sealed=True)["may"] == may(state)


def test_nobody_finishes_before_the_visit_is_sealed() -> None:
    assert view(at(State.GOODBYE))["may"] == ["call_nurse"]
    assert view(at(State.GOODBYE), sealed=True)["may"] == ["call_nurse", "finish"]


def test_a_measure_may_be_skipped_and_sitting_down_be_told() -> None:
    visit = at(State.MEASURES)
    assert view(visit, running("oximetry"))["may"] == ["skip", "leave", "call_nurse"]
    assert view(visit, running("oximetry"), sitting=True)["may"] == ["seated", "skip", "leave", "call_nurse"]
    assert view(visit)["may"] == ["leave", "call_nurse"]


# --- the one thing to do now ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("task", "measure"),
    [
        ("size", "weight"),
        ("oximetry", "spo2"),
        ("temperature", "temperature"),
        ("ecg", "ecg"),
        ("hearing", "hearing"),
        ("pressure", "blood_pressure"),
    ],
)  # fmt: skip
def test_what_runs_is_what_the_prompt_says(language: Language, task: TaskName, measure: str) -> None:
    key = f"measure.{measure}.instruction"
    told = view(at(State.MEASURES, language=language), running(task))
    assert told["prompt"] == {"key": key, "text": text(language, key), "detail": []}
    assert told["running"] == [task]


def test_every_task_of_the_plan_has_a_prompt() -> None:
    for task in TASKS:
        assert view(at(State.MEASURES), running(task))["prompt"]["key"].startswith("measure.")


def test_while_the_cabin_waits_for_the_agent_to_sit_it_says_how() -> None:
    told = view(at(State.MEASURES), running("oximetry"), sitting=True)
    assert told["prompt"]["key"] == "measure.blood_pressure.instruction"


def test_the_plan_the_rest_and_the_time_left_are_shown_while_measuring_only() -> None:
    course = running("oximetry", "pressure")
    told = view(at(State.MEASURES), course)
    assert {key: told[key] for key in ("rest", "left_s", "attempts")} == {
        key: course[key] for key in ("rest", "left_s", "attempts")
    }
    assert told["plan"] == [
        {**row, "name": name}
        for row, name in zip(course["plan"], ("Oximeter", "Blood pressure monitor"), strict=True)
    ]
    told = view(at(State.RESULTS))
    assert (told["plan"], told["running"], told["rest"], told["left_s"]) == ([], [], None, None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_is_told_in_words_and_by_its_key(language: Language) -> None:
    told = view(at(State.MEASURES, language=language), running("oximetry"), messages=("finger-out", "loose-cuff"))
    assert told["messages"] == [
        {
            "code": f"reason.{code}",
            "text": text(language, f"reason.{code}"),
            "cure": catalogue(language).get(f"cure.{code}"),
        }
        for code in ("finger-out", "loose-cuff")
    ]


def test_a_message_comes_with_what_can_be_done_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {**catalogue("en"), "cure.finger-out": "Put your finger back."}
    monkeypatch.setattr(screen, "catalogue", lambda _: words)
    told = view(at(State.MEASURES, language="en"), running("oximetry"), messages=("finger-out", "nobody-knows"))
    assert [each["cure"] for each in told["messages"]] == ["Put your finger back.", None]
    assert told["messages"][1]["text"] == "nobody-knows"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_to_do_while_it_runs_is_told_while_it_runs_only(language: Language) -> None:
    visit = at(State.MEASURES, language=language)
    assert view(visit, running("ecg"))["doing"] == text(language, "measure.ecg.doing")
    assert view(visit, running("ecg"), sitting=True)["doing"] is None
    assert view(visit)["doing"] is None


def test_a_wrong_code_is_told_until_something_else_is_said() -> None:
    refused = walk((*TO_CONSENT[:2], Event.CODE_WRONG))
    assert [each["code"] for each in view(refused)["messages"]] == ["code.wrong"]
    again = walk((Event.BACK, Event.LANGUAGE), refused)
    assert (again.state, again.wrong_codes, view(again)["messages"]) == (State.CODE, 1, [])


# --- a consultation ---------------------------------------------------------------------------------------------

WAITING: Json = {
    "doctor": None, "connected": False, "sees": True, "hears": True, "speaks": True, "message": None, "number": None,
    "task": None, "waiting_to_sit": False,
    "says": "state.consultation",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("says", ["state.consultation", "connecting", "connected", "lost"])
def test_a_consultation_says_where_the_connection_stands(language: Language, says: str) -> None:
    key = says if "." in says else f"consultation.{says}"
    told = view(at(State.CONSULTATION, language=language), consultation={**WAITING, "says": key})
    assert told["prompt"] == {"key": key, "text": text(language, key), "detail": []}
    assert told["consultation"] == {key: value for key, value in WAITING.items() if key != "says"}
    assert problems_of({**WEB, **told}, VISIT) == []
    assert told["may"] == ["hang_up", "leave", "call_nurse"]


def test_an_order_shows_its_number_its_instruction_and_the_way_to_refuse_it() -> None:
    course = Course(0.0, [], running="pressure", attempt=1, seated_at=5.0).directed_view(10.0, Rules())
    order = {**WAITING, "connected": True, "doctor": "d", "task": "pressure", "number": 6, "message": "Breathe out."}
    told = view(at(State.CONSULTATION), course, consultation=order)
    assert told["prompt"]["key"] == "measure.blood_pressure.instruction"
    assert (told["running"], told["consultation"]["number"]) == (["pressure"], 6)
    assert told["may"] == ["skip", "hang_up", "leave", "call_nurse"]
    assert problems_of({**WEB, **told}, VISIT) == []
    sitting = view(at(State.CONSULTATION), course, consultation=order, sitting=True)
    assert sitting["may"] == ["seated", "skip", "hang_up", "leave", "call_nurse"]
    assert sitting["prompt"]["key"] == "measure.blood_pressure.instruction"
    bare = view(at(State.CONSULTATION), course, consultation={**order, "task": "ecg"}, sitting=True)
    assert bare["prompt"]["key"] == "consultation.sit"


def test_the_doctor_reads_the_visit_in_another_language() -> None:
    visit = at(State.CONSULTATION, language="en")
    told = view(visit, consultation=WAITING, reader="fr")
    assert (told["language"], told["prompt"]["text"]) == ("en", text("fr", "state.consultation"))


def test_outside_it_there_is_no_consultation() -> None:
    assert all(view(at(state))["consultation"] is None for state in State)


# --- each thing in its own state --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_questions_are_shown_where_they_are_asked(state: State) -> None:
    told = view(at(state))
    assert told["exclusions"] == ([*EXCLUSIONS] if state is State.EXCLUSIONS else [])
    assert told["satisfaction"] == ([*SATISFACTION] if state is State.SATISFACTION else [])
    assert told["to_clean"] == ([*CLEANED] if state is State.CLEANING else [])


def test_what_is_clean_is_not_to_be_cleaned_again() -> None:
    assert view(at(State.CLEANING, ticked=("oximeter",)))["to_clean"] == ["scale", "ecg"]
    assert view(at(State.CLEANING, ticked=CLEANED))["to_clean"] == []


@pytest.mark.parametrize("state", State)
def test_the_message_id_is_told_at_good_bye_only(state: State) -> None:
    assert view(at(state), sealed=False)["mid"] is None
    visit = at(state)
    assert view(visit, sealed=True)["mid"] == (visit.mid if state is State.GOODBYE else None)


def test_a_visit_that_named_nobody_has_no_message_id() -> None:
    assert view(walk((*TO_CONSENT[:2], Event.CODE_EXHAUSTED)), sealed=True)["mid"] is None


def test_the_kind_is_known_from_the_code_on() -> None:
    assert view(at(State.CODE))["kind"] is None
    assert view(at(State.INFORMATION))["kind"] == "consultation"


@pytest.mark.parametrize("state", [State.READY, State.CLEANING, State.OUT_OF_ORDER])
def test_between_two_visits_the_screen_shows_nothing_of_a_person(state: State) -> None:
    assert MARK not in repr(view(at(state), sealed=True))


@pytest.mark.parametrize("state", State)
def test_no_identity_stands_in_any_view(state: State) -> None:
    visit = at(state)
    assert visit.subject is None or visit.subject.value not in repr(view(visit))


def test_what_is_simulated_or_warned_of_is_said() -> None:
    told = view(at(State.RESULTS), simulated=False, idle_warning=True)
    assert (told["simulated"], told["idle"], told["elapsed_s"]) == (False, {"warning": True, "grace_s": 30.0}, 12.3)


def test_a_called_nurse_is_shown_after_a_red_flag_too() -> None:
    assert view(at(State.STOPPED))["nurse_called"] is True
    assert view(at(State.MEASURES))["nurse_called"] is False


# --- what was wrong with the last measure -----------------------------------------------------------------------


POOR = single("spo2", 97.0, "%", evidence(OXIMETER, quality="usable", reasons=("movement",)))
PULSE = single("pulse_rate", 71.0, "/min", evidence(OXIMETER))


def waiting() -> Json:
    return Course(0.0, ["pressure"], seated_at=5.0).view(10.0, Rules())


@pytest.mark.parametrize("language", LANGUAGES)
def test_between_two_measures_it_is_told_with_its_cure_and_without_a_value(language: Language) -> None:
    told = view(at(State.MEASURES, outcomes=(POOR, PULSE), language=language), waiting())["messages"]
    name, reason, cure = (text(language, key) for key in ("measure.spo2.name", "reason.movement", "cure.movement"))
    (message,) = told
    assert message["code"] == "reason.movement"
    assert message["text"].startswith(name) and message["text"].endswith(reason)
    assert message["cure"].endswith(cure[1:]) and message["cure"] != cure
    assert "97" not in str(message)


@pytest.mark.parametrize("outcomes", [(), (PULSE,), (POOR, single("temperature", 36.6, "Cel", evidence(None)))])
def test_a_measure_that_was_good_says_nothing_of_the_one_before(outcomes: tuple[Outcome, ...]) -> None:
    assert view(at(State.MEASURES, outcomes=outcomes), waiting())["messages"] == []


def test_nothing_of_the_last_measure_is_said_during_the_next() -> None:
    visit = at(State.MEASURES, outcomes=(POOR, PULSE))
    assert view(visit, running("ecg"))["messages"] == []
    assert view(visit, waiting(), sitting=True)["messages"] == []
    assert view(at(State.RESULTS, outcomes=(POOR, PULSE)))["messages"] == []


def test_what_failed_says_why_and_what_was_refused_says_nothing() -> None:
    failed, refused = NotMeasured("temperature", "failed", "too-far"), NotMeasured("temperature", "refused")
    (message,) = view(at(State.MEASURES, outcomes=(failed,)), waiting())["messages"]
    assert message["code"] == "reason.too-far"
    assert view(at(State.MEASURES, outcomes=(refused,)), waiting())["messages"] == []


# --- results ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "first"), [("fr", "Poids mesuré"), ("en", "Weight"), (None, "Poids mesuré")])
def test_results_are_told_in_the_person_s_language(language: Any, first: str) -> None:
    missing = NotMeasured("temperature", "refused")
    told = results_view(Visit(language=language, outcomes=(*outcomes(), missing)))
    assert told["outcomes"][0]["text"].startswith(first)
    assert [each["measure"] for each in told["outcomes"]] == [each.name for each in (*outcomes(), missing)]
    assert told["outcomes"][-1]["status"] == "not-measured"
    assert problems_of(told, {"$ref": "#/components/schemas/Results"}) == []
    assert all(each["review"] is None for each in told["outcomes"])


def test_results_carry_the_word_of_the_doctor_in_the_reader_s_language() -> None:
    reviews = {0: Review("rejected", "shoes on", "dr"), 2: Review(None, "", "dr")}
    told = results_view(Visit(language="en", outcomes=outcomes(), reviews=reviews), "fr")["outcomes"]
    assert [each["review"] for each in told[:3]] == [
        {"verdict": "rejected", "note": "shoes on"}, None, {"verdict": "rejected", "note": ""},
    ]  # fmt: skip
    assert told[0]["text"].startswith("Poids mesuré")
    assert problems_of({"outcomes": told}, {"$ref": "#/components/schemas/Results"}) == []


def test_screen_ticket_and_record_agree_on_what_a_rejected_value_takes_along() -> None:
    rejected = {0: Review("rejected", "shoes on", "dr")}
    visit = Visit(language="en", outcomes=outcomes(), reviews=rejected)
    shown = [each["review"] is not None and each["review"]["verdict"] for each in results_view(visit)["outcomes"]]
    record = a_record(reviews=rejected)
    kept = [review is not None and review.verdict for review in map(partial(review_of, record), range(len(shown)))]
    assert shown == kept
    assert [each.name for each, verdict in zip(outcomes(), shown, strict=True) if verdict == "rejected"] == [
        "weight", "bmi",
    ]  # fmt: skip
    own = Visit(outcomes=outcomes(), reviews={**rejected, 2: Review("accepted", "", "dr")})
    assert results_view(own)["outcomes"][2]["review"] == {"verdict": "accepted", "note": ""}


HAND = ("size", "oximetry", "temperature", "pressure")


@pytest.mark.parametrize("task", HAND)
@pytest.mark.parametrize("language", LANGUAGES)
def test_who_has_to_press_a_button_of_the_instrument_is_told_so(task: TaskName, language: Language) -> None:
    visit = at(State.MEASURES, language=language)
    usual, told = view(visit, running(task)), view(visit, running(task), by_hand=HAND)
    assert (told["prompt"], told["doing"]) != (usual["prompt"], usual["doing"])
    words = f"{told['prompt']['text']} {told['doing']}".casefold()
    assert any(word in words for word in ("bouton", "button", "allumez", "switch")), words


def test_another_task_keeps_its_own_words() -> None:
    visit = at(State.MEASURES)
    assert view(visit, running("ecg"), by_hand=HAND) == view(visit, running("ecg"))
