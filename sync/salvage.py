"""Out of a damaged outbox that was moved aside: every letter that is still whole goes into the new one as it was.

A letter keeps its message id, sender id and number, so the record takes it as if nothing had happened; what its hash
does not prove is left. The damaged file itself is only read. A salvage that a full disk or a kill cuts short is done
again at the next start: what is there already, or was delivered meanwhile, is not taken twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sync.durable import asides, transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS salvaged (name TEXT PRIMARY KEY, saved INTEGER NOT NULL, lost INTEGER NOT NULL);
"""
_COLUMNS = "mid, src, seq, state, reason, stored_ms, size, hash, envelope"
_BATCH = 64
"""Letters of one transaction."""
_MOST_MISSED = 5000
"""Rows in a row that cannot be read, after which nothing more is looked for."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged outbox: its new name, how many letters were saved from it, how many rows could not be read."""

    aside: str
    saved: int
    lost: int


def salvage(db: sqlite3.Connection, path: Path) -> list[Damage]:
    """Take the letters of every outbox that was moved aside at `path` and not yet looked through.

    `sqlite3.Error` where the new outbox cannot take them: then the rest is taken at the next start.
    """
    done = {name for (name,) in db.execute("SELECT name FROM salvaged")}
    return [_taken(db, aside) for aside in asides(path) if aside.name not in done]


def _taken(db: sqlite3.Connection, aside: Path) -> Damage:
    with transaction(db):
        db.executemany("INSERT OR IGNORE INTO delivered VALUES (?, ?, ?, ?, ?, ?)", _tombstones(aside))
    saved, lost, batch = 0, 0, list[Sequence[object]]()
    for row in _rows(aside):
        if row is None:
            lost += 1
            continue
        batch.append(row)
        if len(batch) == _BATCH:
            saved += _put(db, batch)
            batch = []
    saved += _put(db, batch)
    damage = Damage(aside.name, saved, lost)
    db.execute("INSERT INTO salvaged VALUES (?, ?, ?)", (damage.aside, saved, lost))
    return damage


def _put(db: sqlite3.Connection, rows: list[Sequence[object]]) -> int:
    change = (
        f"INSERT OR IGNORE INTO letter ({_COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"  # noqa: S608
        " WHERE NOT EXISTS (SELECT 1 FROM delivered WHERE mid = ?)"
    )
    with transaction(db):
        return sum(db.execute(change, (*row, row[0])).rowcount for row in rows)


def _tombstones(aside: Path) -> list[Sequence[object]]:
    """What was delivered, as far as it can be read: none of it is to be sealed anew."""
    found = list[Sequence[object]]()
    with contextlib.suppress(sqlite3.Error), closing(_opened(aside)) as damaged:
        found.extend(damaged.execute("SELECT mid, src, seq, status, time_ms, size FROM delivered"))
    return found


def _opened(aside: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)


def _rows(aside: Path) -> Iterator[Sequence[object] | None]:
    """Each letter that is whole, the oldest first; None for each row that cannot be read or believed."""
    try:
        damaged = _opened(aside)
    except sqlite3.Error:
        yield None
        return
    with closing(damaged):
        at, missed, last = 0, 0, _last(damaged)
        if last is None:
            yield None
        while last is not None and at < last and missed < _MOST_MISSED:
            # Behind a page that cannot be read each row is asked for by itself.
            which = "id > ? ORDER BY id LIMIT 1" if not missed else "id = ? + 1"
            try:
                row = damaged.execute(f"SELECT id, {_COLUMNS} FROM letter WHERE {which}", (at,)).fetchone()  # noqa: S608
            except sqlite3.Error:
                at, missed = at + 1 if missed else at, missed + 1
                if missed > 1:
                    yield None
                continue
            if row is None and not missed:
                return
            at, missed = (at + 1 if row is None else row[0]), 0
            if row is not None:
                yield row[1:] if _is_whole(row[1:]) else None


def _last(damaged: sqlite3.Connection) -> int | None:
    """The highest row that there ever was, by whichever way it can still be read."""
    for query in ("SELECT seq FROM sqlite_sequence WHERE name = 'letter'", "SELECT MAX(id) FROM letter"):
        with contextlib.suppress(sqlite3.Error):
            (last,) = damaged.execute(query).fetchone() or (0,)
            return int(last or 0)
    return None


def _is_whole(row: Sequence[object]) -> bool:
    mid, src, seq, state, _, _, size, digest, envelope = row
    return (
        isinstance(mid, bytes)
        and isinstance(src, bytes)
        and isinstance(seq, int)
        and state in ("pending", "quarantined")
        and isinstance(envelope, bytes)
        and size == len(envelope)
        and hashlib.sha256(envelope).digest() == digest
    )
