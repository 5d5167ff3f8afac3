"""What the daemon knows of the open visit, and one pure step from message to effects.

Nothing here reads a clock or does input or output: time comes in with the message. The transitions are in
`cabin_agent.visit_table`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Literal

from cabin_agent.results import Consent, Note, Outcome, Review, Still, Subject
from cabin_agent.visit_table import ENTRY, ON, TABLE, Effect, Event, State

Kind = Literal["checkup", "consultation"]

EXCLUSIONS = ("chest-pain", "bleeding", "breathlessness", "fainting", "sudden-weakness")
"""Questions whose yes ends the visit with a human message: this is no place for an emergency."""

SATISFACTION = ("easy", "comfortable", "again")
"""Three questions, answered from 1 to 5 or not at all."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything that the daemon knows of the open visit; the outcomes include what was refused or failed."""

    state: State = State.READY
    visit_id: str = ""
    mid: str = ""
    """Message id of the sealed Bundle (hex), given at the start so that a restart cannot send it twice."""
    recording_mid: str = ""
    language: Literal["fr", "en"] | None = None
    wrong_codes: int = 0
    code_refused: bool = False
    """Whether the last code was a wrong one, so that it is said."""
    kind: Kind = "checkup"
    subject: Subject | None = None
    measures: tuple[str, ...] = ()
    """Measures that the appointment asks for."""
    consents: tuple[Consent, ...] = ()
    exclusions: dict[str, bool] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    doctor: str = ""
    """Account of the doctor who joined the consultation last; empty before."""
    reviews: dict[int, Review] = field(default_factory=dict)
    """The doctor's word on an outcome, by its position in `outcomes`."""
    notes: tuple[Note, ...] = ()
    stills: tuple[Still, ...] = ()
    results_shown: bool = False
    ticket: Literal["none", "plain", "values"] = "none"
    satisfaction: dict[str, int] = field(default_factory=dict)
    ended_by: Literal["completed", "refused", "left", "stopped"] | None = None
    nurse_called: bool = False
    started_ms: int = 0
    ended_ms: int = 0
    boot_id: str = ""
    """Boot of the machine that `started_s`, `seated_s` and `reading_ends_s` count in; useless after another boot."""
    started_s: float = 0.0
    """Monotonic seconds of this boot."""
    seated_s: float | None = None
    """When the agent sat down; the rest before a pressure counts from here."""
    reading_ends_s: tuple[float, ...] = ()
    """When each pressure reading ended, failed ones included."""
    ticked: tuple[str, ...] = ()
    """Instruments that the nurse has cleaned since the visit."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event with what it carries and when it happened (UTC milliseconds)."""

    event: Event
    at_ms: int
    body: Mapping[str, Any] = field(default_factory=dict)


class IllegalEvent(Exception):
    """The event has no place in the present state."""


def step(visit: Visit, message: Message) -> tuple[Visit, tuple[Effect, ...]]:
    """The visit after `message`, and what the daemon must do now; raises `IllegalEvent`."""
    following = TABLE.get((visit.state, message.event))
    if following is None:
        raise IllegalEvent(f"'{message.event}' has no place in the state '{visit.state}'.")
    learned = LEARN.get(message.event, _nothing)(visit, message)
    entered = following is not visit.state
    if following is State.GOODBYE and entered:
        learned = _ended(learned, visit.state, message)
    moved = replace(learned, state=following) if following is not State.READY else Visit()
    return moved, _effects(visit, moved, message, entered=entered)


def _effects(before: Visit, after: Visit, message: Message, *, entered: bool) -> tuple[Effect, ...]:
    effects = ENTRY.get(after.state, ()) if entered else ()
    own = ON.get(message.event)
    called_before = own is Effect.CALL_NURSE and before.nurse_called
    no_ticket = own is Effect.PRINT_TICKET and after.ticket == "none"
    return effects if own is None or called_before or no_ticket else (own, *effects)


def _ended(visit: Visit, state: State, message: Message) -> Visit:
    """How it ended: completed once the results were reached, even when the last questions were left unanswered."""
    if visit.ended_by is None:
        done = state in (State.RESULTS, State.TICKET, State.SATISFACTION)
        visit = replace(visit, ended_by="completed" if done else ENDED_BY.get(message.event, "left"))
    # The wall clock may have been set back meanwhile: no visit ends before it began.
    return replace(visit, ended_ms=max(message.at_ms, visit.started_ms))


ENDED_BY: Mapping[Event, Literal["refused", "left"]] = {
    Event.DECLINE: "refused",
    Event.LEAVE: "refused",
    Event.IDLE: "left",
}


def _nothing(visit: Visit, _: Message) -> Visit:
    return visit


def _begin(_: Visit, message: Message) -> Visit:
    body = message.body
    return Visit(
        visit_id=body["visit_id"],
        mid=body["mid"],
        recording_mid=body["recording_mid"],
        boot_id=body["boot_id"],
        started_s=body["started_s"],
        started_ms=message.at_ms,
    )


def _language(visit: Visit, message: Message) -> Visit:
    return replace(visit, language=message.body["value"])


def _code_accepted(visit: Visit, message: Message) -> Visit:
    body = message.body
    known = {"kind": body["kind"], "subject": body["subject"], "measures": tuple(body["measures"])}
    return replace(visit, code_refused=False, **known)


def _code_wrong(visit: Visit, _: Message) -> Visit:
    return replace(visit, wrong_codes=visit.wrong_codes + 1, code_refused=True)


def _back(visit: Visit, message: Message) -> Visit:
    """What was said on the screen gone back to is said anew; the wrong codes stay counted."""
    following = TABLE[visit.state, message.event]
    if following is State.CODE:
        return replace(visit, kind="checkup", subject=None, measures=())
    asked_again = CONSENT_OF.get(following)
    kept = takewhile(lambda consent: consent.subject != asked_again, visit.consents)
    return replace(visit, consents=tuple(kept), code_refused=False)


CONSENT_OF: Mapping[State, Literal["information", "measures", "remote-act"]] = {
    State.INFORMATION: "information",
    State.CONSENT_MEASURES: "measures",
    State.CONSENT_REMOTE: "remote-act",
}


def _consent(visit: Visit, message: Message) -> Visit:
    given = message.event is not Event.DECLINE
    subject = CONSENT_OF[visit.state]
    consent = Consent(subject, given, message.at_ms, str(message.body.get("notice_version", "1")))
    return replace(visit, consents=(*visit.consents, consent))


def _exclusions(visit: Visit, message: Message) -> Visit:
    answers = {question: bool(message.body["answers"][question]) for question in EXCLUSIONS}
    visit = replace(visit, exclusions=answers)
    return replace(visit, ended_by="stopped", nurse_called=True) if message.event is Event.RED_FLAG else visit


def _measured(visit: Visit, message: Message) -> Visit:
    body = message.body
    return replace(
        visit,
        outcomes=(*visit.outcomes, *body.get("outcomes", ())),
        seated_s=body.get("seated_s", visit.seated_s),
        reading_ends_s=(*visit.reading_ends_s, *body.get("reading_ends_s", ())),
    )


def _joined(visit: Visit, message: Message) -> Visit:
    return replace(visit, doctor=message.body["doctor"])


def _reviewed(visit: Visit, message: Message) -> Visit:
    return replace(visit, reviews={**visit.reviews, message.body["index"]: message.body["review"]})


def _noted(visit: Visit, message: Message) -> Visit:
    return replace(visit, notes=(*visit.notes, message.body["note"]))


def _pictured(visit: Visit, message: Message) -> Visit:
    return replace(visit, stills=(*visit.stills, message.body["still"]))


def _broken_off(visit: Visit, message: Message) -> Visit:
    """The consultation is over: a measure that was being made has no value, and that is an outcome."""
    return replace(visit, outcomes=(*visit.outcomes, *message.body.get("outcomes", ())))


def _shown(visit: Visit, _: Message) -> Visit:
    return replace(visit, results_shown=True)


def _ticket(visit: Visit, message: Message) -> Visit:
    return replace(visit, ticket=message.body.get("ticket", "none"))


def _satisfied(visit: Visit, message: Message) -> Visit:
    given = message.body.get("answers", {})
    return replace(visit, satisfaction={q: int(given[q]) for q in SATISFACTION if q in given})


def _nurse(visit: Visit, _: Message) -> Visit:
    return replace(visit, nurse_called=True)


def _tick(visit: Visit, message: Message) -> Visit:
    instrument = message.body["instrument"]
    return visit if instrument in visit.ticked else replace(visit, ticked=(*visit.ticked, instrument))


def _forgotten(_: Visit, __: Message) -> Visit:
    """Nothing of a person goes beyond good-bye."""
    return Visit()


LEARN: Mapping[Event, Callable[[Visit, Message], Visit]] = {
    Event.BEGIN: _begin,
    Event.LANGUAGE: _language,
    Event.CODE_ACCEPTED: _code_accepted,
    Event.CODE_WRONG: _code_wrong,
    Event.CODE_EXHAUSTED: _nurse,
    Event.INFORMED: _consent,
    Event.AGREE: _consent,
    Event.AGREE_REMOTE_NEXT: _consent,
    Event.DECLINE: _consent,
    Event.BACK: _back,
    Event.BACK_TO_REMOTE: _back,
    Event.NO_RED_FLAG: _exclusions,
    Event.CONSULT: _exclusions,
    Event.RED_FLAG: _exclusions,
    Event.MEASURED: _measured,
    Event.JOINED: _joined,
    Event.REVIEW: _reviewed,
    Event.NOTE: _noted,
    Event.STILL: _pictured,
    Event.END: _broken_off,
    Event.HANG_UP: _broken_off,
    Event.SHOW_RESULTS: _shown,
    Event.TICKET: _ticket,
    Event.SATISFIED: _satisfied,
    Event.LEAVE: _broken_off,
    Event.IDLE: _broken_off,
    Event.CALL_NURSE: _nurse,
    Event.NURSE_CAME: _nothing,
    Event.FINISH: _forgotten,
    Event.TICK: _tick,
    Event.RESTORED: _forgotten,
}
"""What each event teaches of the visit."""
