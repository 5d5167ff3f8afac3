"""The table of the visit: exactly the transitions that a person can draw on paper, and no way to be stuck in it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cabin_agent.visit import IllegalEvent, Message, Visit, step
from cabin_agent.visit_table import ENTRY, ON, TABLE, Effect, Event, State, allowed, printed_table

LEFT_BY_PERSON = "leave goodbye, idle goodbye, call_nurse ="
DRAWN = {
    "ready": "begin welcome, out_of_order out_of_order",
    "welcome": f"language code, {LEFT_BY_PERSON} welcome",
    "code": "code_accepted information, code_wrong code, code_exhausted goodbye, back welcome, "
    f"{LEFT_BY_PERSON} code",
    "information": f"informed consent_measures, back code, {LEFT_BY_PERSON} information",
    "consent_measures": "agree exclusions, agree_remote_next consent_remote, decline goodbye, back information, "
    f"{LEFT_BY_PERSON} consent_measures",
    "consent_remote": f"agree exclusions, decline exclusions, back consent_measures, {LEFT_BY_PERSON} consent_remote",
    "exclusions": "no_red_flag measures, consult consultation, red_flag stopped, back consent_measures, "
    f"back_to_remote consent_remote, {LEFT_BY_PERSON} exclusions",
    "consultation": "joined consultation, measured consultation, review consultation, note consultation, "
    f"still consultation, end results, hang_up results, {LEFT_BY_PERSON} consultation",
    "measures": f"measured measures, measures_done results, {LEFT_BY_PERSON} measures",
    "results": f"show_results results, results_read ticket, {LEFT_BY_PERSON} results",
    "ticket": f"ticket satisfaction, back results, {LEFT_BY_PERSON} ticket",
    "satisfaction": f"satisfied goodbye, {LEFT_BY_PERSON} satisfaction",
    "goodbye": "finish cleaning, call_nurse = goodbye",
    "stopped": "nurse_came goodbye, call_nurse = stopped",
    "cleaning": "tick cleaning, cleaned ready, out_of_order out_of_order, call_nurse = cleaning",
    "out_of_order": "restored cleaning",
}
"""The visit as its owner drew it: state -> "event next state"; kept apart from the table on purpose."""


def drawn() -> dict[tuple[State, Event], State]:
    pairs = {}
    for state, moves in DRAWN.items():
        for move in moves.replace("call_nurse = ", "call_nurse ").split(", "):
            event, following = move.replace("=", "").split()
            pairs[State(state), Event(event)] = State(following)
    return pairs


BODIES: dict[Event, dict[str, Any]] = {
    Event.BEGIN: {"visit_id": "v", "mid": "00", "recording_mid": "01", "boot_id": "b", "started_s": 1.0},
    Event.LANGUAGE: {"value": "fr"},
    Event.CODE_ACCEPTED: {"kind": "checkup", "subject": None, "measures": ()},
    Event.NO_RED_FLAG: {"answers": dict.fromkeys(
        ("chest-pain", "bleeding", "breathlessness", "fainting", "sudden-weakness"), False)},
    Event.CONSULT: {"answers": dict.fromkeys(
        ("chest-pain", "bleeding", "breathlessness", "fainting", "sudden-weakness"), False)},
    Event.RED_FLAG: {"answers": dict.fromkeys(
        ("chest-pain", "bleeding", "breathlessness", "fainting", "sudden-weakness"), True)},
    Event.JOINED: {"doctor": "d"},
    Event.REVIEW: {"index": 0, "review": None},
    Event.NOTE: {"note": None},
    Event.STILL: {"still": None},
    Event.TICKET: {"ticket": "plain"},
    Event.TICK: {"instrument": "scale"},
}  # fmt: skip
"""The least that each event carries; the others carry nothing."""


def message(event: Event) -> Message:
    return Message(event, 1_000, BODIES.get(event, {}))


def test_the_table_is_the_drawing() -> None:
    assert dict(TABLE) == drawn()


@pytest.mark.parametrize("state", State)
def test_every_pair_goes_where_it_is_drawn_or_is_refused(state: State) -> None:
    drawing = drawn()
    for event in Event:
        visit = Visit(state=state)
        following = drawing.get((state, event))
        if following is None:
            with pytest.raises(IllegalEvent, match=f"'{event}' has no place in the state '{state}'"):
                step(visit, message(event))
        else:
            assert step(visit, message(event))[0].state is following, event
        assert visit == Visit(state=state), event


def reachable(start: State) -> set[State]:
    seen, ahead = {start}, [start]
    while ahead:
        here = ahead.pop()
        fresh = {following for (state, _), following in TABLE.items() if state is here} - seen
        seen |= fresh
        ahead += fresh
    return seen


def test_every_state_is_reached_from_ready() -> None:
    assert reachable(State.READY) == {*State}


@pytest.mark.parametrize("state", State)
def test_ready_is_reached_from_every_state(state: State) -> None:
    assert State.READY in reachable(state)


def test_every_event_has_a_place_somewhere() -> None:
    assert {event for _, event in TABLE} == {*Event}


@pytest.mark.parametrize("state", [state for state in State if (state, Event.LEAVE) in TABLE])
def test_whoever_is_in_a_visit_can_leave_fall_silent_or_call(state: State) -> None:
    assert TABLE[state, Event.LEAVE] is TABLE[state, Event.IDLE] is State.GOODBYE
    assert TABLE[state, Event.CALL_NURSE] is state


def test_only_outside_a_visit_is_there_nobody_to_leave() -> None:
    staying = {state for state in State if (state, Event.LEAVE) not in TABLE}
    assert staying == {State.READY, State.GOODBYE, State.STOPPED, State.CLEANING, State.OUT_OF_ORDER}


def test_the_next_person_comes_only_after_cleaning() -> None:
    assert [pair for pair, following in TABLE.items() if following is State.READY] == [
        (State.CLEANING, Event.CLEANED)
    ]


def test_cleaning_follows_only_what_was_sealed_or_repaired() -> None:
    into = {state for (state, _), following in TABLE.items() if following is State.CLEANING}
    assert into == {State.GOODBYE, State.CLEANING, State.OUT_OF_ORDER}


def test_allowed_lists_what_the_table_knows_in_order() -> None:
    for state in State:
        found = allowed(state)
        assert {*found} == {event for here, event in TABLE if here is state}
        assert [*found] == sorted(found, key=list(Event).index)


@pytest.mark.parametrize("state", State)
def test_entry_effects_are_named_once_and_can_be_done_again(state: State) -> None:
    effects = ENTRY.get(state, ())
    assert max(Counter(effects).values(), default=1) == 1
    again = {
        Effect.START_MEASURES,
        Effect.START_CONSULTATION,
        Effect.CALL_NURSE,
        Effect.STOP_MEASURES,
        Effect.SEAL,
        Effect.FORGET,
    }
    assert {*effects} <= again, "a ticket is printed by its event, so that a restart prints no second one"


def test_every_effect_is_caused_by_something() -> None:
    assert {effect for effects in ENTRY.values() for effect in effects} | {*ON.values()} == {*Effect}


def test_what_was_measured_is_stopped_and_sealed_before_it_is_forgotten() -> None:
    assert ENTRY[State.GOODBYE] == (Effect.STOP_MEASURES, Effect.SEAL)
    assert ENTRY[State.CLEANING] == (Effect.FORGET,)


@pytest.mark.parametrize(("pair", "following"), TABLE.items())
def test_a_step_performs_no_effect_that_the_printed_table_does_not_show(
    pair: tuple[State, Event], following: State
) -> None:
    state, event = pair
    _, effects = step(Visit(state=state), message(event))
    (line,) = [row for row in printed_rows() if row[:2] == (state, event)]
    assert line[2] == following
    assert {*line[3].split(", ")} - {""} == {*effects}


def printed_rows() -> list[tuple[str, str, str, str]]:
    rows = []
    for line in printed_table().splitlines()[2:]:
        state, event, following, *effects = line.split(maxsplit=3)
        rows.append((state, event, following, effects[0] if effects else ""))
    return rows


def test_the_printed_table_has_one_line_for_each_transition_and_no_loose_ends() -> None:
    lines = printed_table().splitlines()
    assert lines[0].split() == ["state", "event", "next", "effects"]
    assert len(lines) == 2 + len(TABLE)
    assert {row[:3] for row in printed_rows()} == {(s, e, f) for (s, e), f in TABLE.items()}
    assert all(line == line.rstrip() for line in lines)
    assert [State(row[0]) for row in printed_rows()] == sorted(
        (State(row[0]) for row in printed_rows()), key=list(State).index
    )
