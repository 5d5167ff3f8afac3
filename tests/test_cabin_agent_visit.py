"""One step of the visit: what it learns, what it must do, how it ends, and that nothing of a person outlives it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cabin_agent.results import Consent, Subject
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, IllegalEvent, Visit, step
from cabin_agent.visit_table import Effect, Event, State, allowed
from tests.visit_steps import (
    MARK,
    T0,
    TO_CONSENT,
    TO_CONSULTATION,
    TO_GOODBYE,
    TO_MEASURES,
    TO_RESULTS,
    WAY,
    message,
    outcome,
    walk,
)

NOBODY = (State.READY, State.CLEANING, State.OUT_OF_ORDER)
"""States in which no person is in the cabin."""


@pytest.mark.parametrize("state", State)
def test_the_way_to_each_state_leads_there(state: State) -> None:
    assert walk(WAY[state]).state is state


def test_begin_takes_the_ids_and_the_clock() -> None:
    visit, effects = step(Visit(), message(Event.BEGIN, 7))
    assert effects == ()
    assert visit == Visit(
        state=State.WELCOME,
        visit_id=f"{MARK}-7",
        mid=f"{MARK}-7",
        recording_mid=f"{MARK}-7",
        boot_id=f"{MARK}-7",
        started_s=100.0,
        started_ms=T0 + 7000,
    )


def test_an_accepted_code_says_who_why_and_what() -> None:
    visit = walk(TO_CONSENT[:3])
    assert (visit.language, visit.kind, visit.measures) == ("en", "consultation", ("spo2",))
    assert visit.subject == Subject("urn:oid:1.2", f"{MARK}-3")


def test_a_wrong_code_is_counted_and_nothing_else() -> None:
    before = walk(TO_CONSENT[:2])
    after, effects = step(before, message(Event.CODE_WRONG))
    assert (after.wrong_codes, after.subject, effects) == (1, None, ())
    assert step(after, message(Event.CODE_WRONG))[0].wrong_codes == 2


def test_exhausted_codes_call_the_nurse_and_name_nobody() -> None:
    visit, effects = step(walk(TO_CONSENT[:2]), message(Event.CODE_EXHAUSTED))
    assert effects == (Effect.CALL_NURSE, Effect.STOP_MEASURES, Effect.SEAL)
    assert (visit.nurse_called, visit.subject, visit.ended_by) == (True, None, "left")


def test_information_and_two_agreements_are_three_things_with_their_own_time() -> None:
    assert walk(TO_MEASURES[:-1]).consents == (
        Consent("information", True, T0 + 4000, f"{MARK}-4"),
        Consent("measures", True, T0 + 5000, f"{MARK}-5"),
        Consent("remote-act", True, T0 + 6000, f"{MARK}-6"),
    )


def test_a_declined_remote_act_leaves_the_measures() -> None:
    visit = walk((*TO_CONSENT, Event.AGREE_REMOTE_NEXT, Event.DECLINE))
    assert (visit.state, visit.ended_by) == (State.EXCLUSIONS, None)
    assert [(each.subject, each.given) for each in visit.consents[1:]] == [("measures", True), ("remote-act", False)]


def test_declined_measures_end_the_visit_and_are_recorded() -> None:
    visit = walk((*TO_CONSENT, Event.DECLINE))
    assert (visit.state, visit.ended_by) == (State.GOODBYE, "refused")
    assert (visit.consents[-1].subject, visit.consents[-1].given) == ("measures", False)


def test_a_red_flag_stops_calls_the_nurse_and_is_kept() -> None:
    visit, effects = step(walk(TO_MEASURES[:-1]), message(Event.RED_FLAG))
    assert (visit.state, effects, visit.nurse_called) == (State.STOPPED, (Effect.CALL_NURSE,), True)
    assert visit.exclusions == dict.fromkeys(EXCLUSIONS, False) | {"fainting": True}
    ended, effects = step(visit, message(Event.NURSE_CAME, 9))
    assert (ended.ended_by, ended.ended_ms, effects) == ("stopped", T0 + 9000, (Effect.STOP_MEASURES, Effect.SEAL))


def test_measures_start_once_and_what_they_give_is_added_in_order() -> None:
    visit, effects = step(walk(TO_MEASURES[:-1]), message(Event.NO_RED_FLAG))
    assert effects == (Effect.START_MEASURES,)
    for number in (1, 2, 3):
        visit, effects = step(visit, message(Event.MEASURED, number))
        assert effects == ()
    assert visit.outcomes == (outcome(1), outcome(2), outcome(3))
    assert (visit.seated_s, visit.reading_ends_s) == (150.0, (201.0, 202.0, 203.0))


def test_what_was_measured_keeps_the_seat_and_the_readings_it_does_not_mention() -> None:
    visit = walk((*TO_MEASURES, Event.MEASURED))
    after, _ = step(visit, message(Event.MEASURED, outcomes=(), seated_s=150.0, reading_ends_s=()))
    assert after == visit


# --- going back -------------------------------------------------------------------------------------------------

BACK = [
    (State.CODE, Event.BACK, State.WELCOME, []),
    (State.INFORMATION, Event.BACK, State.CODE, []),
    (State.CONSENT_MEASURES, Event.BACK, State.INFORMATION, []),
    (State.CONSENT_REMOTE, Event.BACK, State.CONSENT_MEASURES, ["information"]),
    (State.EXCLUSIONS, Event.BACK_TO_REMOTE, State.CONSENT_REMOTE, ["information", "measures"]),
    (State.EXCLUSIONS, Event.BACK, State.CONSENT_MEASURES, ["information"]),
    (State.TICKET, Event.BACK, State.RESULTS, ["information", "measures", "remote-act"]),
]


@pytest.mark.parametrize(("state", "event", "before", "left"), BACK)
def test_going_back_withdraws_what_is_asked_again(state: State, event: Event, before: State, left: list[str]) -> None:
    visit, effects = step(walk(WAY[state]), message(event))
    assert (visit.state, effects) == (before, ())
    assert [each.subject for each in visit.consents] == left
    assert (visit.ended_by, visit.ended_ms) == (None, 0)


@pytest.mark.parametrize(("state", "event", "before", "_"), BACK[2:6])
def test_what_was_withdrawn_and_agreed_again_has_its_own_time(
    state: State, event: Event, before: State, _: object
) -> None:
    onward = {State.INFORMATION: Event.INFORMED, State.CONSENT_MEASURES: Event.AGREE_REMOTE_NEXT}
    visit, __ = step(walk(WAY[state]), message(event))
    again, __ = step(visit, message(onward.get(before, Event.AGREE), 50))
    assert again.consents[-1].at_ms == T0 + 50_000
    assert len({each.subject for each in again.consents}) == len(again.consents)


def test_going_back_to_the_code_forgets_whose_it_was_and_not_how_many_were_wrong() -> None:
    visit = walk((*TO_CONSENT[:2], Event.CODE_WRONG, Event.CODE_ACCEPTED))
    assert (visit.kind, visit.code_refused) == ("consultation", False)
    back, _ = step(visit, message(Event.BACK))
    assert (back.kind, back.subject, back.measures, back.wrong_codes) == ("checkup", None, (), 1)
    assert (back.language, back.code_refused) == ("en", False)


# --- a consultation ---------------------------------------------------------------------------------------------


def test_what_a_doctor_says_is_kept_with_the_visit() -> None:
    visit, effects = step(walk(TO_MEASURES[:-1]), message(Event.CONSULT))
    assert effects == (Effect.START_CONSULTATION,)
    said = (Event.JOINED, Event.MEASURED, Event.REVIEW, Event.NOTE, Event.NOTE, Event.STILL)
    for number, event in enumerate(said, 1):
        visit, effects = step(visit, message(event, number))
        assert (visit.state, effects) == (State.CONSULTATION, ())
    assert visit.doctor == f"{MARK}-1"
    assert visit.outcomes == (outcome(2),)
    assert {index: each.verdict for index, each in visit.reviews.items()} == {0: "accepted"}
    assert [note.text for note in visit.notes] == [f"{MARK}-4", f"{MARK}-5"]
    assert [still.site for still in visit.stills] == ["ear"]


def test_a_second_word_on_an_outcome_replaces_the_first() -> None:
    visit = walk((*TO_CONSULTATION, Event.MEASURED))
    for number in (3, 6):
        visit, _ = step(visit, message(Event.REVIEW, number))
    assert {index: each.note for index, each in visit.reviews.items()} == {0: f"{MARK}-6"}


@pytest.mark.parametrize("event", [Event.END, Event.HANG_UP, Event.LEAVE, Event.IDLE])
def test_whoever_ends_a_consultation_stops_its_measures_and_says_what_was_broken_off(event: Event) -> None:
    visit, effects = step(walk(TO_CONSULTATION), message(event, outcomes=(outcome(4),)))
    assert effects[0] is Effect.STOP_MEASURES
    assert visit.outcomes == (outcome(4),)
    assert visit.state is (State.RESULTS if event in (Event.END, Event.HANG_UP) else State.GOODBYE)


def test_who_stood_up_has_no_rest() -> None:
    visit = walk((*TO_CONSULTATION, Event.MEASURED))
    assert visit.seated_s == 150.0
    assert step(visit, message(Event.MEASURED, seated_s=None))[0].seated_s is None


def test_results_are_hidden_until_they_are_asked_for() -> None:
    assert not walk(TO_RESULTS).results_shown
    assert walk((*TO_RESULTS, Event.SHOW_RESULTS)).results_shown


@pytest.mark.parametrize(("ticket", "printed"), [("none", False), ("plain", True), ("values", True)])
def test_a_ticket_is_printed_only_if_it_was_asked_for(ticket: str, printed: bool) -> None:
    visit, effects = step(walk(TO_GOODBYE[:-2]), message(Event.TICKET, ticket=ticket))
    assert (visit.ticket, Effect.PRINT_TICKET in effects) == (ticket, printed)


def test_satisfaction_is_three_answers_or_fewer_and_no_other() -> None:
    visit = walk(TO_GOODBYE[:-1])
    given = {"easy": 5, "again": 1, "other": 3}
    after, effects = step(visit, message(Event.SATISFIED, answers=given))
    assert (after.satisfaction, effects) == ({"easy": 5, "again": 1}, (Effect.STOP_MEASURES, Effect.SEAL))
    silent = visit.state, message(Event.SATISFIED, answers={})
    assert step(visit, silent[1])[0].satisfaction == {}


ENDINGS = [
    (TO_CONSENT[:1], Event.LEAVE, "refused"),
    (TO_CONSENT[:2], Event.IDLE, "left"),
    (TO_CONSENT, Event.DECLINE, "refused"),
    (TO_MEASURES, Event.LEAVE, "refused"),
    (TO_MEASURES, Event.IDLE, "left"),
    (TO_RESULTS, Event.LEAVE, "completed"),
    (TO_RESULTS, Event.IDLE, "completed"),
    (TO_GOODBYE[:-2], Event.IDLE, "completed"),
    (TO_GOODBYE[:-1], Event.LEAVE, "completed"),
    (TO_GOODBYE[:-1], Event.SATISFIED, "completed"),
    (WAY[State.STOPPED], Event.NURSE_CAME, "stopped"),
]


@pytest.mark.parametrize(("way", "event", "how"), ENDINGS)
def test_how_a_visit_ended(way: tuple[Event, ...], event: Event, how: str) -> None:
    visit, _ = step(walk(way), message(event, 30))
    assert (visit.state, visit.ended_by, visit.ended_ms) == (State.GOODBYE, how, T0 + 30_000)


def test_an_instrument_is_ticked_once() -> None:
    visit = walk((*WAY[State.CLEANING], Event.TICK, Event.TICK))
    again, _ = step(visit, message(Event.TICK, instrument=visit.ticked[0]))
    assert again.ticked == visit.ticked
    assert len({*visit.ticked}) == len(visit.ticked) == 2


def test_the_nurse_is_called_once_whoever_calls() -> None:
    visit, effects = step(walk(TO_CONSENT), message(Event.CALL_NURSE))
    assert effects == (Effect.CALL_NURSE,)
    assert step(visit, message(Event.CALL_NURSE)) == (visit, ())


def test_a_stored_visit_without_notice_version_is_of_the_first() -> None:
    visit, _ = step(walk(TO_CONSENT[:3]), message(Event.INFORMED, notice_version=1))
    assert visit.consents[0].notice_version == "1"


class AnyVisits(RuleBasedStateMachine):
    """Visits of many persons in a row, legal steps and illegal ones in any order."""

    @initialize()
    def ready(self) -> None:
        self.visit = Visit()
        self.number = 0
        self.outcomes: tuple[object, ...] = ()
        self.calls = 0
        self.came_from = State.READY
        self.last = Event.CLEANED

    @rule(data=st.data())
    def legal(self, data: st.DataObject) -> None:
        self.happen(data.draw(st.sampled_from(allowed(self.visit.state))))

    @precondition(lambda self: self.visit.state is State.READY)
    @rule(way=st.sampled_from([TO_MEASURES, TO_CONSULTATION]))
    def straight_on(self, way: tuple[Event, ...]) -> None:
        """To where the measures are made, so that what is said there is tried often."""
        for event in way:
            self.happen(event)

    @precondition(lambda self: self.visit.state not in (State.GOODBYE, State.STOPPED, *NOBODY))
    @rule(data=st.data())
    def onward(self, data: st.DataObject) -> None:
        """Without those events that end the visit early, so that late states are reached too."""
        early = (Event.LEAVE, Event.IDLE, Event.DECLINE, Event.CODE_EXHAUSTED, Event.RED_FLAG)
        self.happen(data.draw(st.sampled_from([event for event in allowed(self.visit.state) if event not in early])))

    @rule(data=st.data())
    def illegal(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from([event for event in Event if event not in allowed(self.visit.state)]))
        before = repr(self.visit)
        with pytest.raises(IllegalEvent) as refused:
            step(self.visit, message(event, self.number))
        assert repr(self.visit) == before
        assert MARK not in str(refused.value)

    def happen(self, event: Event) -> None:
        self.number += 1
        self.came_from, self.last = self.visit.state, event
        sent = message(event, self.number)
        self.outcomes += tuple(sent.body.get("outcomes", ()))
        self.visit, effects = step(self.visit, sent)
        assert len({*effects}) == len(effects)
        if event in (Event.FINISH, Event.CLEANED, Event.RESTORED):
            self.outcomes, self.calls = (), 0
        self.calls += Effect.CALL_NURSE in effects
        assert (Effect.FORGET in effects) is (
            self.visit.state is State.CLEANING and self.came_from is not State.CLEANING
        )

    @invariant()
    def nothing_of_a_person_outlives_the_visit(self) -> None:
        if self.visit.state in NOBODY:
            assert MARK not in repr(self.visit)
            bare = Visit(state=self.visit.state, ticked=self.visit.ticked, nurse_called=self.visit.nurse_called)
            assert self.visit == bare
        if self.visit.state is State.READY:
            assert self.visit == Visit()

    @invariant()
    def a_person_in_the_cabin_has_a_visit(self) -> None:
        assert (self.visit.state in NOBODY) is (self.visit.visit_id == "")

    @invariant()
    def outcomes_only_grow(self) -> None:
        assert self.visit.outcomes == self.outcomes

    @invariant()
    def agreements_are_three_different_things(self) -> None:
        subjects = [each.subject for each in self.visit.consents]
        assert subjects == ["information", "measures", "remote-act"][: len(subjects)]
        if self.visit.state is State.MEASURES:
            assert self.visit.consents[1].given

    @invariant()
    def no_measure_without_a_person_an_agreement_and_the_exclusions(self) -> None:
        if self.visit.outcomes or self.visit.state in (State.MEASURES, State.CONSULTATION, State.RESULTS):
            assert self.visit.subject is not None
            assert [*self.visit.exclusions.values()] == [False] * len(EXCLUSIONS)

    @invariant()
    def only_a_doctor_s_visit_has_a_doctor_s_words(self) -> None:
        visit = self.visit
        if visit.doctor or visit.reviews or visit.notes or visit.stills:
            assert visit.state in (
                State.CONSULTATION, State.RESULTS, State.TICKET, State.SATISFACTION, State.GOODBYE,
            )  # fmt: skip

    @invariant()
    def ended_exactly_at_goodbye_and_rightly(self) -> None:
        visit = self.visit
        if visit.state is not State.GOODBYE:
            assert visit.ended_ms == 0
            assert visit.ended_by == ("stopped" if visit.state is State.STOPPED else None)
        elif self.came_from is not State.GOODBYE:
            late = self.came_from in (State.RESULTS, State.TICKET, State.SATISFACTION)
            early = {
                Event.LEAVE: "refused",
                Event.DECLINE: "refused",
                Event.IDLE: "left",
                Event.CODE_EXHAUSTED: "left",
                Event.NURSE_CAME: "stopped",
            }
            assert visit.ended_by == ("completed" if late else early[self.last])
            assert visit.ended_ms == T0 + 1000 * self.number

    @invariant()
    def the_nurse_is_never_called_in_vain(self) -> None:
        assert self.visit.nurse_called is (self.calls > 0)
        assert self.calls <= 2  # by hand, and then once more by a red flag

    @invariant()
    def marks_are_within_their_scale(self) -> None:
        assert {*self.visit.satisfaction} <= {*SATISFACTION}
        assert all(1 <= mark <= 5 for mark in self.visit.satisfaction.values())


AnyVisits.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyVisits = AnyVisits.TestCase
