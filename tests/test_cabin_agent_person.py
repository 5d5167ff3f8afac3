"""Persons who go through a check-up: whatever they answer, the visit takes it, and no safety question is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cabin_agent.appointments import Appointments
from cabin_agent.clock import VisitClock
from cabin_agent.course import Course
from cabin_agent.face import Json
from cabin_agent.kiosk import Desk, translate
from cabin_agent.person import QUESTIONS, Person, SimulatedPerson, TerminalPerson
from cabin_agent.plan import Rules, TaskName
from cabin_agent.screen import visit_view
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Message, Visit, step
from cabin_agent.visit_table import Event, State
from cabin_agent.wording import text
from tests.visit_steps import WAY, message, walk

CODE = "246810"
CLEANED = ("scale", "oximeter")


def view(visit: Visit, *running: TaskName, sitting: bool = False, sealed: bool = True) -> Json:
    course = Course(0.0, list(running), running=running[0], attempt=1).view(1.0, Rules()) if running else None
    return visit_view(
        visit,
        course,
        messages=(),
        sitting=sitting,
        elapsed_s=1.0,
        simulated=True,
        idle_warning=False,
        idle_grace_s=30.0,
        sealed=sealed,
        cleaned=CLEANED,
        default_language="fr",
    )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    file = tmp_path / "appointments.toml"
    file.write_text(
        f'[[appointment]]\ncode = "{CODE}"\nkind = "consultation"\nsubject_system = "urn:oid:1.2"\nsubject = "x"\n'
    )
    return Desk(Appointments(file), VisitClock(), "1", 3, CLEANED)


def at(state: State) -> Visit:
    return walk(WAY[state])


def lead(person: Person, desk: Desk) -> list[tuple[State, Visit]]:
    """One whole visit with this person; the measures and the results are the cabin's part."""
    visit, seen = Visit(), list[tuple[State, Visit]]()
    for _ in range(40):
        if seen and visit.state is State.READY:
            return seen
        seen.append((visit.state, visit))
        visit, _ = step(visit, the_cabin_s_part(visit) or translate(visit, said(person, visit), desk))
        if visit.state is State.CLEANING and {*visit.ticked} == {*CLEANED}:
            visit, _ = step(visit, message(Event.CLEANED))
    raise AssertionError("the visit came to no end")


def the_cabin_s_part(visit: Visit) -> Message | None:
    events = {State.CONSULTATION: Event.HANG_UP, State.RESULTS: Event.RESULTS_READ}
    return message(events[visit.state]) if visit.state in events else None


def said(person: Person, visit: Visit) -> Json:
    answer = person.answer(view(visit))
    assert answer is not None
    return answer


# --- the simulated person ---------------------------------------------------------------------------------------


def test_a_simulated_person_goes_through_everything_and_cleans_up(desk: Desk) -> None:
    seen = lead(SimulatedPerson(CODE, language="en", ticket="values"), desk)
    assert [state for state, _ in seen] == [
        State.READY, State.WELCOME, State.CODE, State.INFORMATION, State.CONSENT_MEASURES, State.CONSENT_REMOTE,
        State.EXCLUSIONS, State.CONSULTATION, State.RESULTS, State.TICKET, State.SATISFACTION, State.GOODBYE,
        State.CLEANING, State.CLEANING,
    ]  # fmt: skip
    last = dict(seen)[State.GOODBYE]
    assert (last.language, last.ticket, last.ended_by) == ("en", "values", "completed")
    assert last.satisfaction == dict.fromkeys(SATISFACTION, 5)
    assert all(consent.given for consent in last.consents)


@pytest.mark.parametrize("state", [State.CONSULTATION, State.RESULTS, State.STOPPED, State.OUT_OF_ORDER])
def test_a_simulated_person_waits_where_others_act(state: State) -> None:
    assert SimulatedPerson(CODE).answer(view(at(state))) is None


def test_a_simulated_person_in_a_consultation_does_what_the_doctor_orders_and_ends_nothing() -> None:
    person = SimulatedPerson(CODE, refuses=frozenset({"ecg"}))
    assert person.answer(view(at(State.CONSULTATION), sitting=True)) == {"event": "seated"}
    assert person.answer(view(at(State.CONSULTATION), "hearing")) is None
    assert person.answer(view(at(State.CONSULTATION), "ecg")) == {"event": "skip", "task": "ecg"}
    assert person.answer(view(at(State.CONSULTATION), "ecg")) is None


def test_a_simulated_person_waits_for_the_seal() -> None:
    person = SimulatedPerson(CODE)
    assert person.answer(view(at(State.GOODBYE), sealed=False)) is None
    assert person.answer(view(at(State.GOODBYE))) == {"event": "finish"}


def test_a_simulated_person_sits_when_asked_and_else_lets_the_measures_run() -> None:
    person = SimulatedPerson(CODE)
    assert person.answer(view(at(State.MEASURES), "oximetry", sitting=True)) == {"event": "seated"}
    assert person.answer(view(at(State.MEASURES), "oximetry")) is None


def test_a_simulated_person_refuses_a_task_once_when_it_begins() -> None:
    person = SimulatedPerson(CODE, refuses=frozenset({"ecg"}))
    assert person.answer(view(at(State.MEASURES), "oximetry", "ecg")) is None
    assert person.answer(view(at(State.MEASURES), "ecg")) == {"event": "skip", "task": "ecg"}
    assert person.answer(view(at(State.MEASURES), "ecg")) is None
    assert SimulatedPerson(CODE).answer(view(at(State.MEASURES), "ecg")) is None


def test_a_simulated_nurse_cleans_what_is_left() -> None:
    person = SimulatedPerson(CODE)
    told = view(at(State.CLEANING))
    assert person.answer(told) == {"event": "tick", "instrument": "scale"}
    assert person.answer({**told, "to_clean": ["oximeter"]}) == {"event": "tick", "instrument": "oximeter"}
    assert person.answer({**told, "to_clean": []}) is None


# --- the person at the terminal ---------------------------------------------------------------------------------


class Terminal:
    """Types the given lines, then empty ones; keeps what was asked."""

    def __init__(self, *lines: str) -> None:
        self.lines, self.asked = list(lines), list[str]()

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return self.lines.pop(0) if self.lines else ""


def typed(state: State, *lines: str, language: Any = "fr") -> tuple[Json | None, list[str]]:
    terminal = Terminal(*lines)
    answer = TerminalPerson(terminal.ask).answer({**view(at(state)), "language": language})
    return answer, terminal.asked


def test_somebody_at_the_terminal_goes_through_everything(desk: Desk) -> None:
    lines = ["", "en", CODE, "", "o", "y", "", *["n"] * 5, "plain", "", "5", "", "1", ""]
    terminal = Terminal(*lines)
    seen = lead(TerminalPerson(terminal.ask), desk)
    last = dict(seen)[State.GOODBYE]
    assert (last.language, last.ticket, last.satisfaction) == ("en", "plain", {"easy": 5, "again": 1})
    assert [*last.exclusions.values()] == [False] * len(EXCLUSIONS)
    assert [(each.subject, each.given) for each in last.consents] == [
        ("information", True), ("measures", True), ("remote-act", True),
    ]  # fmt: skip


def test_the_end_of_the_input_ends_the_visit_too(desk: Desk) -> None:
    seen = lead(TerminalPerson(Terminal().ask), desk)
    assert seen[-1][0] is State.CLEANING
    assert dict(seen)[State.GOODBYE].subject is None


@pytest.mark.parametrize(("line", "value"), [("fr", "fr"), (" EN ", "en"), ("de", "fr"), ("", "fr")])
def test_a_language_is_typed(line: str, value: str) -> None:
    assert typed(State.WELCOME, line)[0] == {"event": "language", "value": value}


def test_a_code_is_typed_with_or_without_spaces_around_it() -> None:
    assert typed(State.CODE, f" {CODE} ")[0] == {"event": "code", "value": CODE}


@pytest.mark.parametrize("state", [State.CONSENT_MEASURES, State.CONSENT_REMOTE])
@pytest.mark.parametrize(
    ("line", "word"),
    [("o", "agree"), ("OUI", "agree"), ("yes", "agree"), ("n", "decline"), ("", "decline"), ("hm", "decline")],
)
def test_only_a_clear_yes_is_an_agreement(state: State, line: str, word: str) -> None:
    assert typed(state, line)[0] == {"event": word}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_exclusion_question_is_asked_in_words(language: Any) -> None:
    _, asked = typed(State.EXCLUSIONS, "", *["n"] * 5, language=language)
    assert asked[1:] == [
        f"{text(language, f'exclusion.{question}')} {'[y/n]' if language == 'en' else '[o/n]'} "
        for question in EXCLUSIONS
    ]


@pytest.mark.parametrize(
    ("line", "flag"), [("n", False), ("No", False), (" non ", False), ("o", True), ("", True), ("quoi ?", True)]
)
def test_only_a_clear_no_rules_an_exclusion_out(line: str, flag: bool) -> None:
    unclear = line not in ("n", "No", " non ", "o")
    answer, _ = typed(State.EXCLUSIONS, "", "n", *[line] * (3 if unclear else 1), "n", "n", "n")
    assert answer == {"event": "answers", "answers": {**dict.fromkeys(EXCLUSIONS, False), EXCLUSIONS[1]: flag}}


def test_a_red_flag_ends_with_the_nurse(desk: Desk) -> None:
    lines = ["", "fr", CODE, "", "o", "o", "", "o", *["n"] * 4]
    seen = lead(TerminalPerson(Terminal(*lines).ask), desk)
    assert [state for state, _ in seen][-4:] == [State.STOPPED, State.GOODBYE, State.CLEANING, State.CLEANING]
    assert dict(seen)[State.GOODBYE].ended_by == "stopped"


@pytest.mark.parametrize(
    ("line", "value"), [("plain", "plain"), ("VALUES", "values"), ("none", "none"), ("", "none"), ("all", "none")]
)
def test_a_ticket_is_typed(line: str, value: str) -> None:
    assert typed(State.TICKET, line)[0] == {"event": "ticket", "ticket": value}


def test_marks_are_typed_and_others_left_out() -> None:
    answer, asked = typed(State.SATISFACTION, "", "6", " 3 ", "well", language="en")
    assert answer == {"event": "satisfaction", "answers": {"comfortable": 3}}
    assert asked[1].startswith(text("en", "satisfaction.easy"))


def test_at_the_terminal_too_sitting_is_told_only_when_asked() -> None:
    terminal = Terminal()
    person = TerminalPerson(terminal.ask)
    assert person.answer(view(at(State.MEASURES), "oximetry")) is None
    assert terminal.asked == []
    assert person.answer(view(at(State.MEASURES), "oximetry", sitting=True)) == {"event": "seated"}
    assert len(terminal.asked) == 1


def test_at_the_terminal_too_nobody_finishes_before_the_seal() -> None:
    person = TerminalPerson(Terminal().ask)
    assert person.answer(view(at(State.GOODBYE), sealed=False)) is None
    assert person.answer(view(at(State.GOODBYE))) == {"event": "finish"}


def test_the_nurse_ticks_at_the_terminal_one_after_the_other() -> None:
    answer, asked = typed(State.CLEANING)
    assert answer == {"event": "tick", "instrument": "scale"}
    assert asked == ["scale: clean? [Enter]"]
    assert TerminalPerson(Terminal().ask).clean([]) is None


@pytest.mark.parametrize("state", [State.CONSULTATION, State.RESULTS, State.OUT_OF_ORDER])
def test_there_is_nothing_to_type_where_others_act(state: State) -> None:
    assert typed(state) == (None, [])


def test_every_state_in_which_a_person_is_asked_has_its_question() -> None:
    acted = {State.MEASURES, State.CONSULTATION, State.RESULTS, State.GOODBYE, State.CLEANING, State.OUT_OF_ORDER}
    assert {*QUESTIONS} == {state.value for state in State if state not in acted}


def answers_of(state: State, lines: Sequence[str]) -> Json | None:
    return typed(state, *lines)[0]


@pytest.mark.parametrize("state", [state for state in State if state is not State.OUT_OF_ORDER])
@pytest.mark.parametrize("lines", [(), ("o",) * 9, ("n",) * 9, ("1",) * 9, ("\x00",) * 9])
def test_whatever_is_typed_has_a_place_in_the_visit(desk: Desk, state: State, lines: Sequence[str]) -> None:
    answer = answers_of(state, lines)
    if answer is not None:
        step(at(state), translate(at(state), answer, desk))
