"""FHIR Bundles on their way from the record to a FHIR server: one row each, from the content's own transaction on.

A row that is claimed is due again after a lease, so that what a killed gateway had in hand is taken up by another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.alarm_rows import Alarms
from sync.database import Rows


@dataclass(frozen=True, slots=True)
class Due:
    """A Bundle to hand over: its content's number, and how often that was tried before."""

    number: int
    attempts: int
    content: bytes = field(repr=False)


def claim(rows: Rows, now_ms: int, lease_ms: int) -> Due | None:
    """The Bundle that waits longest, kept from the other gateways for `lease_ms`."""
    waiting = "SELECT content, attempts FROM bundle WHERE due_ms <= ? ORDER BY due_ms, content LIMIT 1"
    row = rows.one(f"{waiting}{rows.dialect.lock_free}", now_ms)
    if row is None:
        return None
    rows.do("UPDATE bundle SET attempts = ?, due_ms = ? WHERE content = ?", row[1] + 1, now_ms + lease_ms, row[0])
    content = rows.one("SELECT content FROM content WHERE id = ?", row[0])
    return None if content is None else Due(row[0], row[1], content[0])


def done(rows: Rows, number: int) -> None:
    """The server has it."""
    rows.do("DELETE FROM bundle WHERE content = ?", number)


def later(rows: Rows, number: int, due_ms: int) -> None:
    """To be tried again at `due_ms`."""
    rows.do("UPDATE bundle SET due_ms = ? WHERE content = ? AND due_ms IS NOT NULL", due_ms, number)


def put_aside(rows: Rows, alarms: Alarms, number: int, detail: str) -> None:
    """The server refuses it for good: a human must look at it."""
    rows.do("UPDATE bundle SET due_ms = NULL WHERE content = ?", number)
    row = rows.one("SELECT src, seq FROM content WHERE id = ?", number)
    if row is not None:
        alarms.again(row[0], "fhir", row[1], detail)


def take_up(rows: Rows, src: bytes, seq: int) -> None:
    """A human has mended the cause: it is tried again at once."""
    query = "SELECT id FROM content WHERE src = ? AND seq = ?"
    for (number,) in rows.all(query, src, seq):
        rows.do("UPDATE bundle SET attempts = 0, due_ms = 0 WHERE content = ? AND due_ms IS NULL", number)


def waiting(rows: Rows) -> tuple[int, int]:
    """How many are to be handed over, and how many were put aside."""
    row = rows.one("SELECT COUNT(due_ms), COUNT(*) FROM bundle") or (0, 0)
    return row[0], row[1] - row[0]
