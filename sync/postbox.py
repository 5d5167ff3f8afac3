"""The cabin's letter box: opens what the record posts down, takes each thing once and in order, and answers.

A post is a DE1 envelope sealed to the cabin's own recipient key. It counts only when both signatures of a record key
that is believed now verify, and when it is newer than what was taken before: per sender and content type the sequence
number rises strictly, and per content type so does the number that the content bears itself, whoever sent it. A
reader may number parts of its type apart, so that one is not held back by what was brought before it of the other.
What is taken is kept as the sealed envelope, so the disk tells nothing without the key; after a restart it is opened
again.

The answer is a receipt of the cabin's own, sealed and put into the outbox under a message id that is derived from the
post, so that a repeated post is answered once. What cannot be opened has no answer: anybody could have sent it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from sync.durable import connect, is_sound, move_aside, sqlite_errors, transaction, truncate_wal
from sync.envelope import RECEIPT, Opened, Policy, open_envelope, peek
from sync.errors import OutboxFailed, Refused, SyncError
from sync.floor import Floor
from sync.keys import RecipientKey, Signers, SigningPublic
from sync.receipt import Receipt, Status, make_receipt
from sync.sender import Sender

SUPERSEDED, UNKNOWN_TYPE, CONFLICT = "superseded", "content-type", "mid-conflict"
"""Reasons of this module for a rejected post; a content's own reasons come from its reader."""
REMEMBERED = 4096
"""Posts whose answer can be repeated; an older one is refused by its number all the same."""

_APART = "#"
"""Between a content type and the name of what is numbered apart; no content type has it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mid BLOB NOT NULL UNIQUE, hash BLOB NOT NULL, src BLOB NOT NULL,
    seq INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, time_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS last (
    src BLOB NOT NULL, content_type TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (src, content_type)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
    content_type TEXT PRIMARY KEY, number INTEGER NOT NULL, signer BLOB NOT NULL, envelope BLOB
) WITHOUT ROWID;
"""


_LAST = "SELECT seq FROM last WHERE src = ? AND content_type = ?"


class Unfit(SyncError):
    """A content cannot be taken; the text is a reason code without any content."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What is done with one content type."""

    number: Callable[[bytes], int]
    """Judges a content as a whole and gives the number that it bears; raises `Unfit`, and has no effect."""
    take: Callable[[bytes], None]
    """Brings a content into force; it was judged, is on the disk already, and comes again at each start.

    What it raises comes through `hear`: the post is not answered then, and comes again.
    """
    apart: Callable[[bytes], str] = lambda _content: ""
    """Of a content that was judged: the name under which it is numbered and kept apart, "" for its type as such."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one post: no content, no identity."""

    outcome: Literal["stored", "rejected", "repeated", "refused"]
    reason: str = ""
    content_type: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    mid: bytes
    hash: bytes
    src: bytes
    seq: int
    status: Status
    reason: str
    time_ms: int


class Postbox:
    """What the record posted to this cabin, in one SQLite file.

    `sender` gives the way into the outbox at the moment of answering; `readers` are asked by content type. A damaged
    file is moved aside, named in `damaged`, and a new one begun, which takes nothing older than it did before: its
    numbers lie in a second file as well. Raises `OutboxFailed` where it cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        keys: Mapping[bytes, RecipientKey],
        signers: Signers,
        sender: Callable[[], Sender],
        readers: Mapping[str, Reader],
    ) -> None:
        self._keys, self._signers, self._sender, self._readers = keys, signers, sender, readers
        self._lock = threading.RLock()
        self._stuck = False
        self.damaged: Path | None = None
        with sqlite_errors():
            if not is_sound(path):
                # A cabin works without its letters too.
                self.damaged = move_aside(path)
            self._db = connect(path, _SCHEMA)
            self._floor = Floor(path.with_suffix(".numbers"))
            with transaction(self._db):
                for slot, number in self._floor.numbers().items():
                    # The last one itself may come again, nothing older.
                    self._db.execute("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, NULL)", (slot, number - 1, b""))

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def resume(self) -> list[str]:
        """Bring into force what was kept; the content types with which that cannot be done any more."""
        with self._lock, sqlite_errors():
            rows = self._db.execute(
                "SELECT content_type, signer, envelope FROM kept WHERE envelope NOT NULL"
            ).fetchall()
        return [slot for slot, signer, envelope in rows if not self._resumed(slot, SigningPublic(signer), envelope)]

    def _resumed(self, slot: str, signer: SigningPublic, envelope: bytes) -> bool:
        try:
            content = self._open(envelope, {signer.kid: signer}).content
            self._readers[slot.partition(_APART)[0]].take(content)
        except OSError:
            # On a full disk, say: the cabin starts all the same.
            self._stuck = True
            return False
        except (Refused, KeyError):
            return False
        return True

    def forget(self, content_type: str, number: int) -> None:
        """Erase what is kept of a type up to a number, which stays: nothing older comes in its place."""
        with self._lock, sqlite_errors():
            change = "UPDATE kept SET envelope = NULL WHERE content_type = ? AND number <= ? AND envelope NOT NULL"
            if self._db.execute(change, (content_type, number)).rowcount:
                truncate_wal(self._db)

    def numbers(self) -> dict[str, int]:
        """The number of what was last taken, by content type and what is numbered apart in it: "type#name"."""
        with self._lock, sqlite_errors():
            return dict(self._db.execute("SELECT content_type, number FROM kept").fetchall())

    def hear(self, envelope: bytes) -> Heard:
        """Take one post, durably, and answer it. What the outbox raises comes through: then it is to come again."""
        digest = hashlib.sha256(envelope).digest()
        with self._lock:
            known = self._known(envelope, digest)
            if known is not None:
                self._catch_up()
                self._reply(known)
                return Heard("repeated", known.reason)
            try:
                opened = self._open(envelope, self._signers)
            except Refused as refusal:
                return Heard("refused", refusal.code)
            heard = self._judge(opened)
            answer = self._write(opened, envelope, digest, heard)
            if heard.outcome == "stored":
                self._stuck = True
                self._floor.keep(self.numbers())
                self._readers[heard.content_type].take(opened.content)
                self._stuck = False
            self._reply(answer)
            return heard

    def _catch_up(self) -> None:
        """What was stored and could not be brought into force is, before anything is answered again."""
        if self._stuck:
            self._stuck = False
            self.resume()
        if self._stuck:
            raise OutboxFailed("A post of the record cannot be brought into force: make room on the disk.")

    def _open(self, envelope: bytes, signers: Signers) -> Opened:
        suites = frozenset(key.suite for key in self._keys.values())
        return open_envelope(envelope, self._keys, Policy(signers, suites))

    def _known(self, envelope: bytes, digest: bytes) -> _Answer | None:
        try:
            mid = peek(envelope).mid
        except Refused:
            return None
        query = "SELECT mid, hash, src, seq, status, reason, time_ms FROM heard WHERE mid = ? AND hash = ?"
        with sqlite_errors():
            row = self._db.execute(query, (mid, digest)).fetchone()
        return None if row is None else _Answer(*row)

    def _judge(self, opened: Opened) -> Heard:
        header, kind = opened.header, opened.protected.content_type
        if self._one("SELECT 1 FROM heard WHERE mid = ?", header.mid) is not None:
            return Heard("rejected", CONFLICT, kind)
        if kind not in self._readers:
            return Heard("rejected", UNKNOWN_TYPE, kind)
        try:
            number = self._readers[kind].number(opened.content)
        except Unfit as unfit:
            return Heard("rejected", str(unfit), kind)
        slot = self._slot(opened)
        if header.seq <= (self._one(_LAST, header.src, slot) or 0):
            return Heard("rejected", SUPERSEDED, kind, number)
        if number <= (self._one("SELECT number FROM kept WHERE content_type = ?", slot) or 0):
            return Heard("rejected", SUPERSEDED, kind, number)
        return Heard("stored", "", kind, number)

    def _slot(self, opened: Opened) -> str:
        """Under which name a post is numbered and kept; only for one that was judged."""
        kind = opened.protected.content_type
        name = self._readers[kind].apart(opened.content)
        return f"{kind}{_APART}{name}" if name else kind

    def _one(self, query: str, *values: object) -> int | None:
        with sqlite_errors():
            row = self._db.execute(query, values).fetchone()
        return None if row is None else int(row[0])

    def _write(self, opened: Opened, envelope: bytes, digest: bytes, heard: Heard) -> _Answer:
        header = opened.header
        status: Status = "stored" if heard.outcome == "stored" else "rejected"
        answer = _Answer(header.mid, digest, header.src, header.seq, status, heard.reason, _wall_ms())
        with sqlite_errors(), transaction(self._db):
            self._db.execute(
                "INSERT OR IGNORE INTO heard (mid, hash, src, seq, status, reason, time_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                astuple(answer),
            )
            self._db.execute("DELETE FROM heard WHERE id <= (SELECT MAX(id) FROM heard) - ?", (REMEMBERED,))
            if status == "stored":
                slot = self._slot(opened)
                self._db.execute("INSERT OR REPLACE INTO last VALUES (?, ?, ?)", (header.src, slot, header.seq))
                signer = self._signers[opened.signatures[0].kid].raw
                change = "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)"
                self._db.execute(change, (slot, heard.number, signer, envelope))
        if status == "stored":
            truncate_wal(self._db)
        return answer

    def _reply(self, answer: _Answer) -> None:
        """Put the receipt of a post into the outbox; one that is there already, or was delivered, stays as it is."""
        receipt = Receipt(
            answer.mid, answer.hash, answer.status, answer.reason, answer.time_ms, answer.src, answer.seq
        )
        sender = self._sender()
        sender.send(answer_id(answer.mid, answer.hash), RECEIPT, make_receipt(receipt, sender.signer))


def answer_id(mid: bytes, envelope_hash: bytes) -> bytes:
    """The message id of the answer to a post: the same for each repetition of it."""
    return hashlib.sha256(b"DE1/answer\0" + mid + envelope_hash).digest()[:16]


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
