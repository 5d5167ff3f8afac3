"""What the kiosk may say in each state, and its translation into messages of the visit.

The kiosk speaks of what the person did ("agree", "answers"); the table of the visit speaks of what that means
("agree_remote_next", "red_flag"). This is the one place that knows both.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cabin_agent.appointments import Appointment, Appointments
from cabin_agent.clock import VisitClock
from cabin_agent.face import Json, Refusal
from cabin_agent.results import Subject
from cabin_agent.toml_table import ConfigError
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Message, Visit
from cabin_agent.visit_table import Event, State, allowed

LANGUAGES = ("fr", "en")
TICKETS = ("none", "plain", "values")

SPOKEN: Mapping[Event, str] = {
    Event.BEGIN: "begin",
    Event.LANGUAGE: "language",
    Event.CODE_ACCEPTED: "code",
    Event.INFORMED: "informed",
    Event.AGREE: "agree",
    Event.DECLINE: "decline",
    Event.BACK: "back",
    Event.NO_RED_FLAG: "answers",
    Event.SHOW_RESULTS: "show_results",
    Event.HANG_UP: "hang_up",
    Event.RESULTS_READ: "results_read",
    Event.TICKET: "ticket",
    Event.SATISFIED: "satisfaction",
    Event.LEAVE: "leave",
    Event.CALL_NURSE: "call_nurse",
    Event.NURSE_CAME: "nurse_came",
    Event.FINISH: "finish",
    Event.TICK: "tick",
    Event.OUT_OF_ORDER: "out_of_order",
    Event.RESTORED: "restored",
}
"""The kiosk's word for each event that a person can cause."""

STAFF = frozenset({"nurse_came", "tick", "out_of_order", "restored"})
"""Words of the nurse and the technician, which the kiosk of a real cabin may not say."""


def may(state: State) -> list[str]:
    """The words that the kiosk may say in `state`; "seated" and "skip" of the measures are added by the core."""
    return [SPOKEN[event] for event in allowed(state) if event in SPOKEN]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the translation looks things up in."""

    appointments: Appointments
    clock: VisitClock
    notice_version: str
    code_attempts: int
    instruments: tuple[str, ...]
    """Kinds of instrument that the nurse cleans."""


def translate(visit: Visit, said: Json, desk: Desk) -> Message:
    """The message that the kiosk's words mean in this visit; raises `Refusal` for what cannot be meant now."""
    word = said.get("event")
    if word not in SPOKEN.values():
        raise Refusal("unknown-event", f"No event is called so; now possible: {', '.join(may(visit.state))}.")
    if word not in may(visit.state):
        raise Refusal("not-now", f"'{word}' has no place in the state '{visit.state}'.")
    event, body = MEANING[word](visit, said, desk)
    return Message(event, desk.clock.wall_ms(), body)


Meaning = tuple[Event, dict[str, Any]]


def _plain(event: Event) -> Callable[[Visit, Json, Desk], Meaning]:
    return lambda _visit, _said, _desk: (event, {})


def _begin(_: Visit, __: Json, desk: Desk) -> Meaning:
    clock = desk.clock
    ids = {"visit_id": str(uuid.uuid4()), "mid": secrets.token_hex(16), "recording_mid": secrets.token_hex(16)}
    return Event.BEGIN, {**ids, "boot_id": clock.boot_id, "started_s": clock.now()}


def _language(_: Visit, said: Json, __: Desk) -> Meaning:
    return Event.LANGUAGE, {"value": _one_of(said, "value", LANGUAGES)}


def _code(visit: Visit, said: Json, desk: Desk) -> Meaning:
    code = said.get("value")
    appointment = _appointment(code, desk) if isinstance(code, str) else None
    if appointment is None:
        last = visit.wrong_codes + 1 >= desk.code_attempts
        return (Event.CODE_EXHAUSTED if last else Event.CODE_WRONG), {}
    subject = Subject(appointment.subject_system, appointment.subject)
    return Event.CODE_ACCEPTED, {"kind": appointment.kind, "subject": subject, "measures": appointment.measures}


def _appointment(code: str, desk: Desk) -> Appointment | None:
    try:
        return desk.appointments.find(code)
    except ConfigError:
        raise Refusal("not-ready", "The appointments cannot be read now: try again, or call the nurse.") from None


def _informed(_: Visit, __: Json, desk: Desk) -> Meaning:
    return Event.INFORMED, {"notice_version": desk.notice_version}


def _agree(visit: Visit, _: Json, desk: Desk) -> Meaning:
    remote_next = visit.state is State.CONSENT_MEASURES and visit.kind == "consultation"
    return (Event.AGREE_REMOTE_NEXT if remote_next else Event.AGREE), {"notice_version": desk.notice_version}


def _decline(_: Visit, __: Json, desk: Desk) -> Meaning:
    return Event.DECLINE, {"notice_version": desk.notice_version}


def _answers(visit: Visit, said: Json, __: Desk) -> Meaning:
    answers = said.get("answers")
    if not isinstance(answers, dict) or {*answers} != {*EXCLUSIONS}:
        raise Refusal("bad-value", f"Every question needs its answer: {', '.join(EXCLUSIONS)}.")
    if not all(isinstance(answer, bool) for answer in answers.values()):
        raise Refusal("bad-value", "Each answer is true or false.")
    if any(answers.values()):
        return Event.RED_FLAG, {"answers": answers}
    return (Event.CONSULT if agreed_to_remote(visit) else Event.NO_RED_FLAG), {"answers": answers}


def agreed_to_remote(visit: Visit) -> bool:
    """Whether the agent came for a consultation and agreed to it."""
    given = any(consent.subject == "remote-act" and consent.given for consent in visit.consents)
    return given and visit.kind == "consultation"


def _back(visit: Visit, _: Json, __: Desk) -> Meaning:
    asked = visit.state is State.EXCLUSIONS and visit.kind == "consultation"
    return (Event.BACK_TO_REMOTE if asked else Event.BACK), {}


def _ticket(_: Visit, said: Json, __: Desk) -> Meaning:
    return Event.TICKET, {"ticket": _one_of(said, "ticket", TICKETS)}


def _satisfaction(_: Visit, said: Json, __: Desk) -> Meaning:
    answers = said.get("answers", {})
    marks = (1, 2, 3, 4, 5)
    if not isinstance(answers, dict) or not {*answers} <= {*SATISFACTION}:
        raise Refusal("bad-value", f"The questions are {', '.join(SATISFACTION)}; each may be left out.")
    if not all(type(mark) is int and mark in marks for mark in answers.values()):
        raise Refusal("bad-value", "Each mark is a whole number from 1 to 5.")
    return Event.SATISFIED, {"answers": answers}


def _tick(_: Visit, said: Json, desk: Desk) -> Meaning:
    return Event.TICK, {"instrument": _one_of(said, "instrument", desk.instruments)}


def _one_of(said: Json, key: str, accepted: tuple[str, ...]) -> str:
    value = said.get(key)
    if value not in accepted:
        raise Refusal("bad-value", f"'{key}' is one of: {', '.join(accepted)}.")
    return str(value)


MEANING: Mapping[str, Callable[[Visit, Json, Desk], Meaning]] = {
    "begin": _begin,
    "language": _language,
    "code": _code,
    "informed": _informed,
    "agree": _agree,
    "decline": _decline,
    "back": _back,
    "answers": _answers,
    "hang_up": _plain(Event.HANG_UP),
    "show_results": _plain(Event.SHOW_RESULTS),
    "results_read": _plain(Event.RESULTS_READ),
    "ticket": _ticket,
    "satisfaction": _satisfaction,
    "leave": _plain(Event.LEAVE),
    "call_nurse": _plain(Event.CALL_NURSE),
    "nurse_came": _plain(Event.NURSE_CAME),
    "finish": _plain(Event.FINISH),
    "tick": _tick,
    "out_of_order": _plain(Event.OUT_OF_ORDER),
    "restored": _plain(Event.RESTORED),
}
"""What each word means."""
