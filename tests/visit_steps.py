"""Steps through a visit for tests: messages that carry a mark of their person, and the ways to each state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cabin_agent.results import Measure, Note, NotMeasured, Outcome, Quantity, Review, Still, Subject
from cabin_agent.visit import EXCLUSIONS, SATISFACTION, Message, Visit, step
from cabin_agent.visit_table import Event, State
from tests.visits import OXIMETER, evidence

MARK = "PERSON"
"""Stands in everything that belongs to a person; it may be found nowhere once the visit is forgotten."""
T0 = 1_795_254_120_000


def outcome(number: int) -> Outcome:
    """Something measured, or not, that says whose it is."""
    if number % 3 == 0:
        return NotMeasured("spo2", "failed", f"{MARK}-{number}")
    proof = evidence(OXIMETER, site=f"{MARK}-{number}", recording=None)
    return Measure("spo2", {"value": Quantity(90.0 + number % 10, "%")}, proof)


def body(event: Event, number: int = 1, **more: Any) -> Mapping[str, Any]:
    """What `event` carries; `number` tells one message from the next."""
    mine = f"{MARK}-{number}"
    yes = event is Event.RED_FLAG
    bodies: dict[Event, dict[str, Any]] = {
        Event.BEGIN: {"visit_id": mine, "mid": mine, "recording_mid": mine, "boot_id": mine, "started_s": 100.0},
        Event.LANGUAGE: {"value": "en"},
        Event.CODE_ACCEPTED: {"kind": "consultation", "subject": Subject("urn:oid:1.2", mine), "measures": ["spo2"]},
        Event.INFORMED: {"notice_version": mine},
        Event.AGREE: {"notice_version": mine},
        Event.AGREE_REMOTE_NEXT: {"notice_version": mine},
        Event.DECLINE: {"notice_version": mine},
        Event.NO_RED_FLAG: {"answers": dict.fromkeys(EXCLUSIONS, False)},
        Event.CONSULT: {"answers": dict.fromkeys(EXCLUSIONS, False)},
        Event.RED_FLAG: {"answers": dict.fromkeys(EXCLUSIONS, yes and number % 2 == 0) | {"fainting": yes}},
        Event.MEASURED: {"outcomes": (outcome(number),), "seated_s": 150.0, "reading_ends_s": (200.0 + number,)},
        Event.JOINED: {"doctor": mine},
        Event.REVIEW: {"index": number % 3, "review": Review(("accepted", "rejected", None)[number % 3], mine, mine)},
        Event.NOTE: {"note": Note(T0 + number, mine, mine)},
        Event.STILL: {"still": Still("ear", "left", T0 + number, mine, 640, 480, "ab" * 32, True, 1000)},
        Event.END: {"outcomes": (outcome(number),)},
        Event.TICKET: {"ticket": ("none", "plain", "values")[number % 3]},
        Event.SATISFIED: {"answers": dict.fromkeys(SATISFACTION[: number % 4], 1 + number % 5)},
        Event.TICK: {"instrument": ("scale", "oximeter", "ecg")[number % 3]},
    }  # fmt: skip
    return bodies.get(event, {}) | more


def message(event: Event, number: int = 1, **more: Any) -> Message:
    """One message, one second after another of a lower number."""
    return Message(event, T0 + 1000 * number, body(event, number, **more))


def walk(events: Iterable[Event], visit: Visit | None = None) -> Visit:
    """The visit after these events."""
    visit = visit or Visit()
    for number, event in enumerate(events, 1):
        visit, _ = step(visit, message(event, number))
    return visit


E = Event
TO_CONSENT = (E.BEGIN, E.LANGUAGE, E.CODE_ACCEPTED, E.INFORMED)
TO_MEASURES = (*TO_CONSENT, E.AGREE_REMOTE_NEXT, E.AGREE, E.NO_RED_FLAG)
TO_CONSULTATION = (*TO_MEASURES[:-1], E.CONSULT)
TO_RESULTS = (*TO_MEASURES, E.MEASURED, E.MEASURED, E.MEASURES_DONE)
TO_GOODBYE = (*TO_RESULTS, E.SHOW_RESULTS, E.RESULTS_READ, E.TICKET, E.SATISFIED)
WAY: Mapping[State, tuple[Event, ...]] = {
    State.READY: (),
    State.WELCOME: TO_CONSENT[:1],
    State.CODE: TO_CONSENT[:2],
    State.INFORMATION: TO_CONSENT[:3],
    State.CONSENT_MEASURES: TO_CONSENT,
    State.CONSENT_REMOTE: (*TO_CONSENT, E.AGREE_REMOTE_NEXT),
    State.EXCLUSIONS: TO_MEASURES[:-1],
    State.MEASURES: TO_MEASURES,
    State.CONSULTATION: TO_CONSULTATION,
    State.RESULTS: TO_RESULTS,
    State.TICKET: TO_GOODBYE[:-2],
    State.SATISFACTION: TO_GOODBYE[:-1],
    State.GOODBYE: TO_GOODBYE,
    State.STOPPED: (*TO_MEASURES[:-1], E.RED_FLAG),
    State.CLEANING: (*TO_GOODBYE, E.FINISH),
    State.OUT_OF_ORDER: (E.OUT_OF_ORDER,),
}
"""Events that lead from a ready cabin to each state."""
