"""The life of one instrument's link as a table: pure, printable, without a port or a clock.

    absent ── OPENED ──► opening ── BYTES ──► probing ── IDLE / ACTIVE ──► ready ◄── IDLE / ACTIVE ──► measuring
       ▲                    └───────────────── QUIET ──► stale ◄── QUIET ──┘                              │
       └───────────── LOST, from anywhere                     failed ◄── REFUSED, BROKEN, from anywhere

An instrument whose silence is normal, or that answers with its first word, goes from opening to ready at once.

`drivers.keeper.Keeper` sees to it that the events are true.
"""

from __future__ import annotations

from enum import StrEnum


class LinkState(StrEnum):
    """Where the link to one instrument stands."""

    ABSENT = "absent"
    """Nothing is at the port's address, or it went away."""
    OPENING = "opening"
    """The port is open; the instrument has not been heard yet."""
    PROBING = "probing"
    """Something speaks there; whether it speaks the protocol that was configured is not known yet."""
    READY = "ready"
    """The instrument can be asked to measure."""
    MEASURING = "measuring"
    """The instrument was asked to measure, and does."""
    STALE = "stale"
    """The port is open, but the instrument has been silent for longer than its sheet calls healthy."""
    FAILED = "failed"
    """The instrument or its port refused, or its driver broke; the reason says what to do."""


class LinkEvent(StrEnum):
    """What happens to a link."""

    OPENED = "opened"
    """The port was opened and accepted."""
    BYTES = "bytes"
    """Something was heard, but nothing yet that belongs to the protocol."""
    IDLE = "idle"
    """A sign of life from an instrument that is not asked to measure."""
    ACTIVE = "active"
    """A sign of life from an instrument that is asked to measure."""
    QUIET = "quiet"
    """The last sign of life is too old."""
    LOST = "lost"
    """The port went away, or was not there."""
    REFUSED = "refused"
    """The port or the instrument refused."""
    BROKEN = "broken"
    """The driver itself failed."""


_S, _E = LinkState, LinkEvent

TABLE: dict[tuple[LinkState, LinkEvent], LinkState] = {
    (_S.ABSENT, _E.OPENED): _S.OPENING,
    (_S.ABSENT, _E.REFUSED): _S.FAILED,
    (_S.ABSENT, _E.BROKEN): _S.FAILED,
    (_S.OPENING, _E.BYTES): _S.PROBING,
    (_S.OPENING, _E.IDLE): _S.READY,
    (_S.OPENING, _E.ACTIVE): _S.MEASURING,
    (_S.OPENING, _E.QUIET): _S.STALE,
    (_S.OPENING, _E.LOST): _S.ABSENT,
    (_S.OPENING, _E.REFUSED): _S.FAILED,
    (_S.OPENING, _E.BROKEN): _S.FAILED,
    (_S.PROBING, _E.IDLE): _S.READY,
    (_S.PROBING, _E.ACTIVE): _S.MEASURING,
    (_S.PROBING, _E.QUIET): _S.STALE,
    (_S.PROBING, _E.LOST): _S.ABSENT,
    (_S.PROBING, _E.REFUSED): _S.FAILED,
    (_S.PROBING, _E.BROKEN): _S.FAILED,
    (_S.READY, _E.ACTIVE): _S.MEASURING,
    (_S.READY, _E.QUIET): _S.STALE,
    (_S.READY, _E.LOST): _S.ABSENT,
    (_S.READY, _E.REFUSED): _S.FAILED,
    (_S.READY, _E.BROKEN): _S.FAILED,
    (_S.MEASURING, _E.IDLE): _S.READY,
    (_S.MEASURING, _E.QUIET): _S.STALE,
    (_S.MEASURING, _E.LOST): _S.ABSENT,
    (_S.MEASURING, _E.REFUSED): _S.FAILED,
    (_S.MEASURING, _E.BROKEN): _S.FAILED,
    (_S.STALE, _E.BYTES): _S.PROBING,
    (_S.STALE, _E.IDLE): _S.READY,
    (_S.STALE, _E.ACTIVE): _S.MEASURING,
    (_S.STALE, _E.LOST): _S.ABSENT,
    (_S.STALE, _E.REFUSED): _S.FAILED,
    (_S.STALE, _E.BROKEN): _S.FAILED,
    (_S.FAILED, _E.OPENED): _S.OPENING,
    (_S.FAILED, _E.LOST): _S.ABSENT,
}
"""Every move; an event that is not listed for a state leaves it as it is."""

OPEN_STATES = frozenset({_S.OPENING, _S.PROBING, _S.READY, _S.MEASURING, _S.STALE})
"""The states in which the port is open."""


def step(state: LinkState, event: LinkEvent) -> LinkState:
    """The state after `event`."""
    return TABLE.get((state, event), state)


def as_text() -> str:
    """The table, one move a line: "absent + opened -> opening"."""
    return "\n".join(f"{state} + {event} -> {after}" for (state, event), after in TABLE.items())
