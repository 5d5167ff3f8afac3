"""The outbox as a technician reads it: its rows without content or identity, also beside a running daemon."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sync.durable import failure
from sync.flight import Flights

State = Literal["pending", "in-flight", "quarantined"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row for the technician: no content, no identity."""

    mid: bytes
    seq: int
    state: State
    size: int
    stored_ms: int
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class Handed:
    """One letter that was handed over, waiting or settled: no content, no identity."""

    mid: bytes
    seq: int
    state: State | Literal["delivered"]
    status: str | None
    """What the record signed: "stored" or "duplicate"; "rejected" in quarantine; None while it is awaited."""
    settled_ms: int | None
    attempts: int = 0
    """How often it was sent since this process began, as long as it waits."""


def read_outbox(path: Path) -> list[Entry]:
    """The rows of an outbox that another process may hold, read without touching it."""
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return entries(db, Flights())
        finally:
            db.close()
    except sqlite3.Error as error:
        raise failure(error) from error


def entries(db: sqlite3.Connection, flights: Flights) -> list[Entry]:
    """All rows, the oldest first."""
    return _entries(db, flights, "ORDER BY id")


def find(db: sqlite3.Connection, flights: Flights, mid: bytes) -> Handed | None:
    """The letter of this message id that waits or was refused; None where there is none."""
    return next(map(_handed, _entries(db, flights, "WHERE mid = ?", mid)), None)


def _entries(db: sqlite3.Connection, flights: Flights, which: str, *values: object) -> list[Entry]:
    query = f"SELECT id, mid, seq, state, size, stored_ms, reason FROM letter {which}"  # noqa: S608
    return [
        Entry(mid, seq, "in-flight" if flights.is_flying(row) else state, size, stored, flights.attempts(row), reason)
        for row, mid, seq, state, size, stored, reason in db.execute(query, values)
    ]


def history(db: sqlite3.Connection, flights: Flights, limit: int) -> list[Handed]:
    """The last letters handed over and the record's word on each, the newest first; those that wait come first."""
    query = "SELECT mid, seq, status, time_ms FROM delivered ORDER BY time_ms DESC, seq DESC LIMIT ?"
    waiting = [_handed(entry) for entry in _entries(db, flights, "ORDER BY id DESC LIMIT ?", limit)]
    settled = [Handed(mid, seq, "delivered", *word) for mid, seq, *word in db.execute(query, (limit,))]
    return [*waiting, *settled][:limit]


def _handed(entry: Entry) -> Handed:
    rejected = entry.state == "quarantined"
    return Handed(entry.mid, entry.seq, entry.state, "rejected" if rejected else None, None, entry.attempts)
