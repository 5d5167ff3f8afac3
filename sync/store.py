"""The far end's store: content, sequence and receipt in one transaction; holes and broken chains become alarms.

`Store` is what the gateway needs; `SqliteStore` is the embedded one (demo, single machine). A message id names one
content for ever: the same id again is a duplicate, the same id with other content a conflict that is refused.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from sync import cbor
from sync.durable import connect, transaction
from sync.envelope import NO_PREVIOUS, Header, Opened
from sync.outbox import wall_ms
from sync.receipt import Receipt, Status

Sign = Callable[[Receipt], bytes]
"""Turns a receipt into its signed bytes."""

CONFLICT = "mid-conflict"
"""Reason code: the message id already names another content."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of one envelope: the receipt to send, kept under `receipt_id` until it was sent."""

    status: Status
    record: str | None
    receipt_id: int
    receipt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One stored content with its provenance: the signed part and the signatures, as they travelled."""

    record: str
    mid: bytes
    src: bytes
    seq: int
    content_type: str
    received_ms: int
    content: bytes = field(repr=False)
    prot: bytes = field(repr=False)
    signatures: bytes = field(repr=False)
    """Deterministic CBOR: an array of [kid, alg, signature]."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something about a sender's sequence that a human must look at.

    "hole": numbers `first` to `last` are not in the record; "chain": envelope `first` does not name its predecessor;
    "reuse": two messages bear the number `first`. A hole is closed when its last number arrives.
    """

    src: bytes
    kind: Literal["hole", "chain", "reuse"]
    first: int
    last: int
    seen_ms: int
    closed_ms: int | None


class Store(Protocol):
    """What the gateway needs of a record."""

    def file(self, client: str, envelope_hash: bytes, opened: Opened, sign: Sign) -> Filed:
        """Store the content if it is new, and the receipt that says so, in one transaction."""
        ...

    def refuse(self, client: str, envelope: bytes, header: Header | None, reason: str, sign: Sign) -> Filed | None:
        """Keep a refused envelope for a human; a receipt is made where the header can be named."""
        ...

    def unsent(self) -> list[tuple[int, str, bytes]]:
        """Receipts that were made and not yet sent: id, client, bytes."""
        ...

    def sent(self, receipt_id: int) -> None:
        """A receipt went out."""
        ...


_SCHEMA = """
CREATE TABLE IF NOT EXISTS content (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mid BLOB NOT NULL UNIQUE, src BLOB NOT NULL, seq INTEGER NOT NULL,
    content_type TEXT NOT NULL, hash BLOB NOT NULL, content BLOB NOT NULL, prot BLOB NOT NULL,
    signatures BLOB NOT NULL, received_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sequence (
    src BLOB NOT NULL, seq INTEGER NOT NULL, mid BLOB NOT NULL, prev BLOB NOT NULL, prot_hash BLOB NOT NULL,
    PRIMARY KEY (src, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sender (src BLOB PRIMARY KEY, whole INTEGER NOT NULL, highest INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS alarm (
    id INTEGER PRIMARY KEY, src BLOB NOT NULL, kind TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL, closed_ms INTEGER, UNIQUE (src, kind, first, last)
);
CREATE TABLE IF NOT EXISTS receipt (
    id INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, mid BLOB NOT NULL, data BLOB NOT NULL,
    UNIQUE (client, mid)
);
CREATE TABLE IF NOT EXISTS quarantine (
    hash BLOB PRIMARY KEY, client TEXT NOT NULL, mid BLOB, reason TEXT NOT NULL, received_ms INTEGER NOT NULL,
    size INTEGER NOT NULL, envelope BLOB
);
"""
_QUARANTINE_BYTES = 64 << 20
"""Refused envelopes are kept whole up to this sum, beyond it by hash alone: strangers must not fill the disk."""


class SqliteStore:
    """The embedded record. One connection and one lock: any thread may ask."""

    def __init__(self, path: Path, now_ms: Callable[[], int] = wall_ms) -> None:
        self._lock = threading.RLock()
        self._db = connect(path, _SCHEMA)
        self._now_ms = now_ms

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def file(self, client: str, envelope_hash: bytes, opened: Opened, sign: Sign) -> Filed:
        """Store the content if its message id is new; "rejected" where the id already names another content."""
        header = opened.header
        with self._lock, transaction(self._db):
            status, reason = self._insert(opened), ""
            if status == "rejected":
                reason = CONFLICT
            else:
                self._follow(opened)
            record = None if status == "rejected" else self.record_of(header.mid)
            number, data = self._receipt(client, header, envelope_hash, status, reason, sign)
        return Filed(status, record, number, data)

    def _insert(self, opened: Opened) -> Status:
        header, protected = opened.header, opened.protected
        signatures = cbor.encode([[one.kid, one.alg, one.value] for one in opened.signatures])
        inserted = self._db.execute(
            "INSERT INTO content (mid, src, seq, content_type, hash, content, prot, signatures, received_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mid) DO NOTHING",
            (
                header.mid,
                header.src,
                header.seq,
                protected.content_type,
                protected.content_hash,
                opened.content,
                opened.prot,
                signatures,
                self._now_ms(),
            ),
        )
        if inserted.rowcount == 1:
            return "stored"
        query = "SELECT hash, content_type FROM content WHERE mid = ?"
        same = self._db.execute(query, (header.mid,)).fetchone() == (protected.content_hash, protected.content_type)
        return "duplicate" if same else "rejected"

    def _follow(self, opened: Opened) -> None:
        """Write the sequence row, and an alarm where it does not continue what is known of the sender."""
        header, prev = opened.header, opened.protected.prev
        row = (header.src, header.seq, header.mid, prev, opened.prot_hash)
        query = "INSERT INTO sequence VALUES (?, ?, ?, ?, ?) ON CONFLICT (src, seq) DO NOTHING"
        if self._db.execute(query, row).rowcount == 0:
            known = self._db.execute("SELECT mid FROM sequence WHERE src = ? AND seq = ?", row[:2]).fetchone()
            if known[0] != header.mid:
                self._alarm(header.src, "reuse", header.seq)
            return
        self._check_chain(header.src, header.seq, prev, opened.prot_hash)
        self._check_holes(header.src, header.seq)

    def _check_chain(self, src: bytes, seq: int, prev: bytes, prot_hash: bytes) -> None:
        query = "SELECT prot_hash FROM sequence WHERE src = ? AND seq = ?"
        before = (NO_PREVIOUS,) if seq == 1 else self._db.execute(query, (src, seq - 1)).fetchone()
        if before is not None and before[0] != prev:
            self._alarm(src, "chain", seq)
        after = self._db.execute("SELECT prev FROM sequence WHERE src = ? AND seq = ?", (src, seq + 1)).fetchone()
        if after is not None and after[0] != prot_hash:
            self._alarm(src, "chain", seq + 1)

    def _check_holes(self, src: bytes, seq: int) -> None:
        self._db.execute("INSERT INTO sender VALUES (?, 0, 0) ON CONFLICT DO NOTHING", (src,))
        whole, highest = self._db.execute("SELECT whole, highest FROM sender WHERE src = ?", (src,)).fetchone()
        if seq > highest + 1:
            self._alarm(src, "hole", highest + 1, seq - 1)
        while self._db.execute("SELECT 1 FROM sequence WHERE src = ? AND seq = ?", (src, whole + 1)).fetchone():
            whole += 1
        change = "UPDATE sender SET whole = ?, highest = MAX(highest, ?) WHERE src = ?"
        self._db.execute(change, (whole, seq, src))
        self._close_holes(src, seq)

    def _close_holes(self, src: bytes, seq: int) -> None:
        """Close the hole that `seq` was the last missing number of."""
        self._db.execute(
            "UPDATE alarm SET closed_ms = ? WHERE src = ? AND kind = 'hole' AND closed_ms IS NULL"
            " AND first <= ? AND last >= ? AND last - first + 1 = (SELECT COUNT(*) FROM sequence"
            " WHERE sequence.src = alarm.src AND seq BETWEEN alarm.first AND alarm.last)",
            (self._now_ms(), src, seq, seq),
        )

    def _alarm(self, src: bytes, kind: str, first: int, last: int | None = None) -> None:
        query = "INSERT OR IGNORE INTO alarm (src, kind, first, last, seen_ms) VALUES (?, ?, ?, ?, ?)"
        self._db.execute(query, (src, kind, first, first if last is None else last, self._now_ms()))

    def refuse(self, client: str, envelope: bytes, header: Header | None, reason: str, sign: Sign) -> Filed | None:
        """Keep a refused envelope for a human; a receipt is made where the header can be named."""
        digest = hashlib.sha256(envelope).digest()
        with self._lock, transaction(self._db):
            held = self._db.execute("SELECT COALESCE(SUM(LENGTH(envelope)), 0) FROM quarantine").fetchone()[0]
            kept = envelope if held + len(envelope) <= _QUARANTINE_BYTES else None
            mid = header.mid if header else None
            row = (digest, client, mid, reason, self._now_ms(), len(envelope), kept)
            self._db.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
            if header is None:
                return None
            number, data = self._receipt(client, header, digest, "rejected", reason, sign)
        return Filed("rejected", None, number, data)

    def _receipt(
        self, client: str, header: Header, digest: bytes, status: Status, reason: str, sign: Sign
    ) -> tuple[int, bytes]:
        row = self._db.execute("SELECT whole FROM sender WHERE src = ?", (header.src,)).fetchone()
        whole = row[0] if row else 0
        data = sign(Receipt(header.mid, digest, status, reason, self._now_ms(), header.src, whole))
        query = "INSERT OR REPLACE INTO receipt (client, mid, data) VALUES (?, ?, ?)"
        return self._db.execute(query, (client, header.mid, data)).lastrowid or 0, data

    def unsent(self) -> list[tuple[int, str, bytes]]:
        """Receipts that were made and not yet sent: id, client, bytes."""
        with self._lock:
            return self._db.execute("SELECT id, client, data FROM receipt ORDER BY id").fetchall()

    def sent(self, receipt_id: int) -> None:
        """A receipt went out; should it be lost on its way, the letter comes again and with it a new receipt."""
        with self._lock, transaction(self._db):
            self._db.execute("DELETE FROM receipt WHERE id = ?", (receipt_id,))

    def record_of(self, mid: bytes) -> str | None:
        """The record identifier of a message, or None where it is not in the record."""
        with self._lock:
            row = self._db.execute("SELECT id FROM content WHERE mid = ?", (mid,)).fetchone()
        return None if row is None else _record(row[0])

    def find(self, mid: bytes) -> Record | None:
        """The stored content of a message with its provenance."""
        with self._lock:
            row = self._db.execute(f"{_RECORD_QUERY} WHERE mid = ?", (mid,)).fetchone()
        return None if row is None else Record(_record(row[0]), *row[1:])

    def records(self) -> list[Record]:
        """All stored contents in the order of their coming."""
        with self._lock:
            return [Record(_record(row[0]), *row[1:]) for row in self._db.execute(f"{_RECORD_QUERY} ORDER BY id")]

    def alarms(self) -> list[Alarm]:
        """All alarms in the order of their coming, closed ones included."""
        query = "SELECT src, kind, first, last, seen_ms, closed_ms FROM alarm ORDER BY id"
        with self._lock:
            return [Alarm(*row) for row in self._db.execute(query)]

    def quarantined(self) -> list[tuple[str, bytes | None, str]]:
        """Refused envelopes: client, message id where there is one, reason code."""
        with self._lock:
            return self._db.execute("SELECT client, mid, reason FROM quarantine ORDER BY received_ms").fetchall()


_RECORD_QUERY = "SELECT id, mid, src, seq, content_type, received_ms, content, prot, signatures FROM content"


def _record(number: int) -> str:
    return f"R-{number:08d}"
