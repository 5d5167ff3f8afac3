"""The visit as a table: which state follows which, and what entering a state makes the daemon do.

    ready > welcome > code > information > consent_measures (> consent_remote) > exclusions > measures
          (or consultation) > results > ticket > satisfaction > goodbye > cleaning > ready

An agent who agreed to the remote act comes from `exclusions` to `consultation`, in which a doctor directs single
measures, until one of the two ends it. Going back withdraws the consent that is gone back to: it is asked again.
`exclusions` with a yes leads to `stopped`: a human message and the nurse. Leaving, refusing or falling silent are
ordinary ways to `goodbye`. `goodbye` hands everything to the record; `cleaning` ends when every instrument that may
have touched the person is ticked. Each state's entry effects may be performed again after a restart, so each of them
is idempotent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where the visit stands."""

    READY = "ready"
    WELCOME = "welcome"
    CODE = "code"
    INFORMATION = "information"
    CONSENT_MEASURES = "consent_measures"
    CONSENT_REMOTE = "consent_remote"
    EXCLUSIONS = "exclusions"
    MEASURES = "measures"
    CONSULTATION = "consultation"
    RESULTS = "results"
    TICKET = "ticket"
    SATISFACTION = "satisfaction"
    GOODBYE = "goodbye"
    STOPPED = "stopped"
    CLEANING = "cleaning"
    OUT_OF_ORDER = "out_of_order"


class Event(StrEnum):
    """What can happen to a visit."""

    BEGIN = "begin"
    LANGUAGE = "language"
    CODE_ACCEPTED = "code_accepted"
    CODE_WRONG = "code_wrong"
    CODE_EXHAUSTED = "code_exhausted"
    INFORMED = "informed"
    AGREE = "agree"
    AGREE_REMOTE_NEXT = "agree_remote_next"
    DECLINE = "decline"
    BACK = "back"
    BACK_TO_REMOTE = "back_to_remote"
    NO_RED_FLAG = "no_red_flag"
    CONSULT = "consult"
    RED_FLAG = "red_flag"
    MEASURED = "measured"
    MEASURES_DONE = "measures_done"
    JOINED = "joined"
    REVIEW = "review"
    NOTE = "note"
    STILL = "still"
    END = "end"
    HANG_UP = "hang_up"
    SHOW_RESULTS = "show_results"
    RESULTS_READ = "results_read"
    TICKET = "ticket"
    SATISFIED = "satisfied"
    LEAVE = "leave"
    IDLE = "idle"
    CALL_NURSE = "call_nurse"
    NURSE_CAME = "nurse_came"
    FINISH = "finish"
    TICK = "tick"
    CLEANED = "cleaned"
    OUT_OF_ORDER = "out_of_order"
    RESTORED = "restored"


class Effect(StrEnum):
    """What the daemon has to do; each is idempotent."""

    CALL_NURSE = "call_nurse"
    START_MEASURES = "start_measures"
    START_CONSULTATION = "start_consultation"
    STOP_MEASURES = "stop_measures"
    PRINT_TICKET = "print_ticket"
    SEAL = "seal"
    FORGET = "forget"


S, E = State, Event

TABLE: Mapping[tuple[State, Event], State] = {
    (S.READY, E.BEGIN): S.WELCOME,
    (S.WELCOME, E.LANGUAGE): S.CODE,
    (S.CODE, E.CODE_ACCEPTED): S.INFORMATION,
    (S.CODE, E.CODE_WRONG): S.CODE,
    (S.CODE, E.CODE_EXHAUSTED): S.GOODBYE,
    (S.INFORMATION, E.INFORMED): S.CONSENT_MEASURES,
    (S.CONSENT_MEASURES, E.AGREE): S.EXCLUSIONS,
    (S.CONSENT_MEASURES, E.AGREE_REMOTE_NEXT): S.CONSENT_REMOTE,
    (S.CONSENT_MEASURES, E.DECLINE): S.GOODBYE,
    (S.CONSENT_REMOTE, E.AGREE): S.EXCLUSIONS,
    (S.CONSENT_REMOTE, E.DECLINE): S.EXCLUSIONS,
    (S.CODE, E.BACK): S.WELCOME,
    (S.INFORMATION, E.BACK): S.CODE,
    (S.CONSENT_MEASURES, E.BACK): S.INFORMATION,
    (S.CONSENT_REMOTE, E.BACK): S.CONSENT_MEASURES,
    (S.EXCLUSIONS, E.BACK): S.CONSENT_MEASURES,
    (S.EXCLUSIONS, E.BACK_TO_REMOTE): S.CONSENT_REMOTE,
    (S.TICKET, E.BACK): S.RESULTS,
    (S.EXCLUSIONS, E.NO_RED_FLAG): S.MEASURES,
    (S.EXCLUSIONS, E.CONSULT): S.CONSULTATION,
    (S.EXCLUSIONS, E.RED_FLAG): S.STOPPED,
    (S.MEASURES, E.MEASURED): S.MEASURES,
    (S.MEASURES, E.MEASURES_DONE): S.RESULTS,
    **{(S.CONSULTATION, event): S.CONSULTATION for event in (E.JOINED, E.MEASURED, E.REVIEW, E.NOTE, E.STILL)},
    (S.CONSULTATION, E.END): S.RESULTS,
    (S.CONSULTATION, E.HANG_UP): S.RESULTS,
    (S.RESULTS, E.SHOW_RESULTS): S.RESULTS,
    (S.RESULTS, E.RESULTS_READ): S.TICKET,
    (S.TICKET, E.TICKET): S.SATISFACTION,
    (S.SATISFACTION, E.SATISFIED): S.GOODBYE,
    (S.STOPPED, E.NURSE_CAME): S.GOODBYE,
    (S.GOODBYE, E.FINISH): S.CLEANING,
    (S.CLEANING, E.TICK): S.CLEANING,
    (S.CLEANING, E.CLEANED): S.READY,
    (S.CLEANING, E.OUT_OF_ORDER): S.OUT_OF_ORDER,
    (S.READY, E.OUT_OF_ORDER): S.OUT_OF_ORDER,
    (S.OUT_OF_ORDER, E.RESTORED): S.CLEANING,
    **{
        (state, event): S.GOODBYE
        for state in (
            S.WELCOME, S.CODE, S.INFORMATION, S.CONSENT_MEASURES, S.CONSENT_REMOTE, S.EXCLUSIONS, S.MEASURES,
            S.CONSULTATION, S.RESULTS, S.TICKET, S.SATISFACTION,
        )
        for event in (E.LEAVE, E.IDLE)
    },
    **{
        (state, E.CALL_NURSE): state
        for state in State
        if state not in (S.READY, S.OUT_OF_ORDER)
    },
}  # fmt: skip
"""Every legal transition; what is not here is refused."""

ENTRY: Mapping[State, tuple[Effect, ...]] = {
    S.MEASURES: (Effect.START_MEASURES,),
    S.CONSULTATION: (Effect.START_CONSULTATION,),
    S.STOPPED: (Effect.CALL_NURSE,),
    S.GOODBYE: (Effect.STOP_MEASURES, Effect.SEAL),
    S.CLEANING: (Effect.FORGET,),
}
"""Effects of entering a state, performed again when a restart finds the visit there."""

ON: Mapping[Event, Effect] = {
    Event.CALL_NURSE: Effect.CALL_NURSE,
    Event.CODE_EXHAUSTED: Effect.CALL_NURSE,
    Event.TICKET: Effect.PRINT_TICKET,
    Event.END: Effect.STOP_MEASURES,
    Event.HANG_UP: Effect.STOP_MEASURES,
}
"""Effect of the event itself, before those of the state: the nurse once a visit, the ticket only if asked for."""


def allowed(state: State) -> tuple[Event, ...]:
    """The events that the table knows in `state`, in the order of the enumeration."""
    return tuple(event for event in Event if (state, event) in TABLE)


def printed_table() -> str:
    """The table as `cabin run --states` prints it: state, event, next state, effects."""
    rows = [("state", "event", "next", "effects"), ("-----", "-----", "----", "-------")]
    for (state, event), following in sorted(TABLE.items(), key=lambda row: list(State).index(row[0][0])):
        own = (ON[event],) if event in ON else ()
        effects = (*own, *(ENTRY.get(following, ()) if following is not state else ()))
        rows.append((state, event, following, ", ".join(effects)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
