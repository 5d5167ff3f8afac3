"""The manager's side of an association as a table: pure, printable, without a clock.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", section 6.

    disconnected -> unassociated -> operating              (the configuration is known)
                    unassociated -> waiting <-> checking -> operating
                    operating -> disassociating -> unassociated
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where the association stands."""

    DISCONNECTED = "disconnected"
    UNASSOCIATED = "unassociated"
    WAITING = "waiting for configuration"
    CHECKING = "checking configuration"
    OPERATING = "operating"
    DISASSOCIATING = "disassociating"


class Input(StrEnum):
    """What happens to it."""

    CONNECTED = "connected"
    LOST = "lost"
    REQUEST_KNOWN = "association request, configuration known"
    REQUEST_UNKNOWN = "association request, configuration unknown"
    REQUEST_REFUSED = "association request, to be refused"
    ASSOCIATION_RESPONSE = "association response"
    CONFIGURATION = "configuration report"
    CONFIGURATION_FITS = "configuration fits"
    CONFIGURATION_REFUSED = "configuration refused"
    DATA = "other presentation"
    RELEASE_REQUEST = "release request"
    RELEASE_RESPONSE = "release response"
    ABORT = "abort"
    TIMEOUT = "time out"
    END = "the host ends it"


class Act(StrEnum):
    """What the manager does."""

    NOTHING = "nothing"
    ACCEPT = "accept"
    ASK_CONFIGURATION = "accept, and ask for the configuration"
    REFUSE = "refuse the association"
    CHECK = "check the configuration"
    TAKE_CONFIGURATION = "take the configuration"
    REFUSE_CONFIGURATION = "refuse the configuration"
    HEAR = "hear"
    NOT_NOW = "reject"
    RELEASE = "ask for release"
    RELEASED = "answer the release"
    ABORT = "abort"


_S, _I, _A = State, Input, Act
Moves = Mapping[Input, tuple[State, Act]]


def _row(state: State, moves: Moves) -> dict[tuple[State, Input], tuple[State, Act]]:
    """One state's line; what it does not name changes nothing."""
    return {(state, each): moves.get(each, (state, _A.NOTHING)) for each in Input}


_ABORTED = (_S.UNASSOCIATED, _A.ABORT)
_GONE = (_S.UNASSOCIATED, _A.NOTHING)
_LOST: Moves = {_I.LOST: (_S.DISCONNECTED, _A.NOTHING)}
_ASSOCIATED: Moves = {
    **_LOST,
    # An agent that asks again has forgotten this association.
    _I.REQUEST_KNOWN: _ABORTED,
    _I.REQUEST_UNKNOWN: _ABORTED,
    _I.REQUEST_REFUSED: _ABORTED,
    _I.ASSOCIATION_RESPONSE: _ABORTED,
    _I.RELEASE_REQUEST: (_S.UNASSOCIATED, _A.RELEASED),
    _I.RELEASE_RESPONSE: _ABORTED,
    _I.ABORT: _GONE,
    _I.TIMEOUT: _ABORTED,
    _I.END: (_S.DISASSOCIATING, _A.RELEASE),
}

TABLE: Mapping[tuple[State, Input], tuple[State, Act]] = {
    **_row(_S.DISCONNECTED, {_I.CONNECTED: _GONE}),
    **_row(
        _S.UNASSOCIATED,
        {
            **_LOST,
            _I.REQUEST_KNOWN: (_S.OPERATING, _A.ACCEPT),
            _I.REQUEST_UNKNOWN: (_S.WAITING, _A.ASK_CONFIGURATION),
            _I.REQUEST_REFUSED: (_S.UNASSOCIATED, _A.REFUSE),
            # An agent that goes on where a host before this one stopped is told to begin anew.
            _I.ASSOCIATION_RESPONSE: _ABORTED,
            _I.CONFIGURATION: _ABORTED,
            _I.DATA: _ABORTED,
            _I.RELEASE_REQUEST: _ABORTED,
        },
    ),
    **_row(
        _S.WAITING,
        {**_ASSOCIATED, _I.CONFIGURATION: (_S.CHECKING, _A.CHECK), _I.DATA: (_S.WAITING, _A.NOT_NOW)},
    ),
    **_row(
        _S.CHECKING,
        {
            **_ASSOCIATED,
            _I.CONFIGURATION_FITS: (_S.OPERATING, _A.TAKE_CONFIGURATION),
            _I.CONFIGURATION_REFUSED: (_S.WAITING, _A.REFUSE_CONFIGURATION),
            _I.CONFIGURATION: (_S.CHECKING, _A.NOT_NOW),
            _I.DATA: (_S.CHECKING, _A.NOT_NOW),
        },
    ),
    **_row(
        _S.OPERATING,
        {**_ASSOCIATED, _I.CONFIGURATION: (_S.OPERATING, _A.NOT_NOW), _I.DATA: (_S.OPERATING, _A.HEAR)},
    ),
    **_row(
        _S.DISASSOCIATING,
        {
            **_ASSOCIATED,
            _I.RELEASE_REQUEST: (_S.DISASSOCIATING, _A.RELEASED),
            _I.RELEASE_RESPONSE: _GONE,
            _I.END: (_S.DISASSOCIATING, _A.NOTHING),
        },
    ),
}
"""Every state and everything that can happen to it: the next state, and what is done."""

LIMIT_S: Mapping[State, float] = {State.WAITING: 10.0, State.DISASSOCIATING: 10.0}
"""How long a state may last. The standard is said to allow 3 s for a release; not confirmed."""
RESPONSE_S = 3.0
"""How long a request may go unanswered."""


def as_text() -> str:
    """The moves that do something, one a line: "unassociated + abort -> unassociated: nothing"."""
    moves = ((key, after, act) for key, (after, act) in TABLE.items())
    return "\n".join(
        f"{state} + {happened} -> {after}: {act}"
        for (state, happened), after, act in moves
        if (after, act) != (state, _A.NOTHING)
    )
