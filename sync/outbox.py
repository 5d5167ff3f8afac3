"""The durable outbox: a letter is sealed, numbered and stored in one transaction; only a signed receipt erases it.

Rows hold sealed envelopes alone: the cabin itself cannot open them, so a stolen disk tells nothing. `put` with a
known message id does nothing, so whoever crashed between storing and hearing of it simply puts again.

Threads: one connection and one lock. The core's thread puts, the uplink's thread asks what is due and settles; each
call holds the lock for one transaction (a few milliseconds, the seal included). Processes: one, kept by a file lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sync.ballast import Ballast
from sync.durable import (
    asides,
    connect,
    failure,
    hold,
    is_corrupt,
    is_full,
    is_sound,
    move_aside,
    transaction,
    truncate_wal,
)
from sync.envelope import NO_PREVIOUS
from sync.errors import OutboxFull, Refused
from sync.flight import Flights
from sync.keys import Signers
from sync.letter import Counts, Letter, Room, Sealer, Step, Stored
from sync.receipt import Receipt
from sync.rows import Entry, Handed, entries, find, history
from sync.salvage import SCHEMA as SALVAGED
from sync.salvage import Damage, salvage
from sync.settlement import Settled, Settlement, step_of, word_of

__all__ = ["Counts", "Letter", "Outbox", "Room", "Sealer", "Step", "Stored", "wall_ms"]

_T = TypeVar("_T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sender (
    one INTEGER PRIMARY KEY CHECK (one = 1), src BLOB NOT NULL, last_seq INTEGER NOT NULL, prev BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mid BLOB NOT NULL UNIQUE, src BLOB NOT NULL, seq INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'quarantined')), reason TEXT NOT NULL, stored_ms INTEGER NOT NULL,
    size INTEGER NOT NULL, hash BLOB NOT NULL, envelope BLOB NOT NULL, UNIQUE (src, seq)
);
CREATE INDEX IF NOT EXISTS letter_state ON letter (state, id);
CREATE TABLE IF NOT EXISTS delivered (
    mid BLOB PRIMARY KEY, src BLOB NOT NULL, seq INTEGER NOT NULL, status TEXT NOT NULL, time_ms INTEGER NOT NULL,
    size INTEGER NOT NULL
) WITHOUT ROWID;
"""
DAMAGED = "damaged"
"""Reason of a letter that the disk altered; every other reason is the record's."""
_BALLAST = 2 << 20
"""Twice what the WAL holds before it is moved into the database."""


def wall_ms() -> int:
    """UTC in milliseconds, as the machine believes it."""
    return time.time_ns() // 1_000_000


class Outbox:
    """The letters of one cabin, in one SQLite file.

    A damaged file is moved beside itself, at the start or while it is used, and a new one begun under a new sender id
    with every letter that can still be read; nothing is deleted, `damaged` names it. Raises `OutboxLocked` where
    another process holds the file, `OutboxFailed` where it cannot be opened.
    """

    def __init__(self, path: Path, room: Room | None = None, now_ms: Callable[[], int] = wall_ms) -> None:
        self.path = path
        self.damaged: Path | None = None
        self.aside = 0
        """How many damaged outboxes lie beside this one."""
        self._damages: list[Damage] = []
        self._sick = False
        self._room = room or Room()
        self._now_ms = now_ms
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self._watchers: list[Callable[[Step], None]] = []
        self._mourners: list[Callable[[Damage], None]] = []
        self._file_lock = hold(path)
        try:
            self._begin()
            self._ballast = Ballast(path.with_name(f"{path.name}.ballast"), _BALLAST)
            self._ballast.fill()
        except BaseException as error:
            self._file_lock.close()
            if isinstance(error, sqlite3.Error):
                raise failure(error) from error
            raise

    def _begin(self) -> None:
        """Open the file, or begin a new one in place of a damaged one."""
        if not is_sound(self.path):
            self.damaged = move_aside(self.path)
        self._db = connect(self.path, _SCHEMA + SALVAGED)
        self._flights = Flights()
        self._db.execute("INSERT OR IGNORE INTO sender VALUES (1, ?, 0, ?)", (os.urandom(16), NO_PREVIOUS))
        # What a disk without room does not take now is taken at the next start; the damaged file keeps it.
        with contextlib.suppress(sqlite3.OperationalError):
            self._damages += salvage(self._db, self.path)
        self._count = self._counted()
        self.aside = len(asides(self.path))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as those of this room; a file that proves damaged is replaced before that."""
        known = len(self._damages)
        try:
            yield
        except sqlite3.Error as error:
            if is_corrupt(error) or self._sick:
                with contextlib.suppress(sqlite3.Error, OSError):
                    self._renew()
            raise failure(error) from error
        finally:
            for damage in self._damages[known:]:
                for mourner in self._mourners:
                    mourner(damage)

    def _renew(self) -> None:
        """Begin a new file; the damaged one is moved before it is closed, so that SQLite tidies nothing up in it."""
        self._sick = True
        if not is_sound(self.path):
            self.damaged = move_aside(self.path)
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        self._begin()
        self._sick = False

    def close(self) -> None:
        """Release the file; everything in it is already durable."""
        with self._lock:
            self._db.close()
            self._file_lock.close()

    @property
    def src(self) -> bytes:
        """The opaque sender id under which the next letter is numbered; ask for it inside a sealer."""
        with self._lock:
            return bytes(self._db.execute("SELECT src FROM sender").fetchone()[0])

    def rotate(self) -> None:
        """Begin a new random sender id, numbered from 1; letters already stored keep theirs."""
        with self._lock, self._told(), transaction(self._db):
            self._db.execute("UPDATE sender SET src = ?, last_seq = 0, prev = ?", (os.urandom(16), NO_PREVIOUS))

    def on_put(self, listener: Callable[[], None]) -> None:
        """Call `listener`, in the thread that puts, after each new letter; it must return at once."""
        self._listeners.append(listener)

    def watch(self, watcher: Callable[[Step], None]) -> None:
        """Tell `watcher` each step of a letter, in the thread that made it; it must return at once."""
        self._watchers.append(watcher)

    def on_damage(self, mourner: Callable[[Damage], None]) -> None:
        """Tell `mourner` of each damaged outbox, also of those before; it must return at once."""
        self._mourners.append(mourner)
        for damage in self._damages:
            mourner(damage)

    def _tell(self, *steps: Step) -> None:
        for watcher in self._watchers:
            for step in steps:
                watcher(step)

    def put(self, mid: bytes, sealer: Sealer) -> Stored:
        """Seal and store one letter; when this returns it survives a power cut.

        A known `mid` changes nothing. `OutboxFull` where there is no room and `OutboxFailed` where the disk fails:
        then nothing was stored and no number was used up. What the sealer raises comes through.
        """
        with self._lock, self._told():
            known = self._known(mid)
            if known is not None:
                return known
            with transaction(self._db):
                stored, size = self._store(mid, sealer)
            self._count = self._count.moved(None, "pending", size)
        self._tell(Step("sealed", mid, stored.seq))
        for listener in self._listeners:
            listener()
        return stored

    def _known(self, mid: bytes) -> Stored | None:
        for table in ("letter", "delivered"):
            row = self._db.execute(f"SELECT src, seq FROM {table} WHERE mid = ?", (mid,)).fetchone()  # noqa: S608
            if row is not None:
                return Stored(row[0], row[1], repeated=True)
        return None

    def _store(self, mid: bytes, sealer: Sealer) -> tuple[Stored, int]:
        src, last, prev = self._db.execute("SELECT src, last_seq, prev FROM sender").fetchone()
        sealed = sealer(last + 1, prev)
        size = len(sealed.envelope)
        if self._count.used + size > self._room.quota + self._room.over:
            raise OutboxFull("The outbox has reached its quota: restore the link to the record so that it can empty.")
        self._db.execute(
            "INSERT INTO letter (mid, src, seq, state, reason, stored_ms, size, hash, envelope)"
            " VALUES (?, ?, ?, 'pending', '', ?, ?, ?, ?)",
            (mid, src, last + 1, self._now_ms(), size, _hash(sealed.envelope), sealed.envelope),
        )
        self._db.execute("UPDATE sender SET last_seq = ?, prev = ?", (last + 1, sealed.prot_hash))
        return Stored(src, last + 1, repeated=False), size

    def resize(self, room: Room) -> None:
        """Another quota from now on; what is stored already stays, also above it."""
        with self._lock:
            self._room = room

    def accepts_new_visit(self) -> bool:
        """Whether a visit that begins now can also be stored: below the reserve no new one may start."""
        with self._lock:
            used = self._count.used
        free = shutil.disk_usage(self.path.parent).free
        # A letter passes through the WAL before it reaches the database: twice its bytes are needed for a moment.
        return used + self._room.reserve <= self._room.quota and free >= 2 * self._room.reserve

    def due(self, now: float, limit: int) -> list[Letter]:
        """At most `limit` letters to send at monotonic time `now`, the oldest first; see `flight.Flights`."""
        with self._lock, self._told():
            early, late = self._flights.expired(now, limit)
            query = "SELECT id FROM letter WHERE state = 'pending' AND id > ? ORDER BY id LIMIT ?"
            fresh = [row[0] for row in self._db.execute(query, (self._flights.highest, limit))]
            found = [self._letter(row) for row in [*early, *fresh, *late][:limit]]
            return [letter for letter in found if letter is not None]

    def _letter(self, row: int) -> Letter | None:
        """One letter; where the disk altered its envelope it is put aside: no record could ever open it."""
        query = "SELECT mid, seq, hash, envelope FROM letter WHERE id = ?"
        mid, seq, digest, envelope = self._db.execute(query, (row,)).fetchone()
        if _hash(envelope) == digest:
            return Letter(row, mid, seq, envelope)
        change = "UPDATE letter SET state = 'quarantined', reason = ? WHERE id = ?"
        self._write(lambda: self._db.execute(change, (DAMAGED, row)))
        self._count = self._count.moved("pending", "quarantined")
        self._flights.forget(row)
        self._tell(Step("quarantined", mid, seq, DAMAGED))
        return None

    def mark_sent(self, letter: Letter, resend_at: float) -> None:
        """`letter` went out; without a receipt it is due again at monotonic time `resend_at`."""
        with self._lock:
            query = "SELECT 1 FROM letter WHERE id = ? AND state = 'pending'"
            if self._db.execute(query, (letter.id,)).fetchone():
                self._flights.sent(letter.id, len(letter.envelope), resend_at)

    def attempts(self, letter: Letter) -> int:
        """How often a letter was sent since this process began."""
        with self._lock:
            return self._flights.attempts(letter.id)

    def release(self) -> None:
        """The connection is gone: all letters in flight are due again."""
        with self._lock:
            self._flights.release()

    def load(self, now: float) -> tuple[int, int]:
        """Number and bytes of the letters whose receipt is awaited."""
        with self._lock:
            return self._flights.load(now)

    def next_due(self) -> float | None:
        """When the first awaited receipt is given up."""
        with self._lock:
            return self._flights.next_due()

    def settle(self, data: bytes, signers: Signers, *, tidy: bool = True) -> Settlement:
        """As `settle_many`, for one receipt."""
        return self.settle_many([data], signers, tidy=tidy)[0]

    def settle_many(self, receipts: Sequence[bytes], signers: Signers, *, tidy: bool = True) -> list[Settlement]:
        """Believe each receipt if both signatures, the message and the envelope's hash fit, and do what it says.

        "stored" and "duplicate" erase the letter and keep a tombstone; "rejected" puts it aside. All of it is one
        transaction: receipts that come together cost one write to the disk. `tidy` also empties the WAL, which holds
        erased letters until then; leave it out between receipts that come in a row.
        """
        words = [word_of(data, signers) for data in receipts]
        with self._lock, self._told():
            settled = self._write(lambda: [self._settle(word) for word in words])
            for one in settled:
                if one.row is not None:
                    self._flights.forget(one.row)
                    self._count = self._count.moved(one.before, one.after, one.size)
            if tidy and any(one.settlement.outcome == "purged" for one in settled):
                self.tidy()
        settlements = [one.settlement for one in settled]
        self._tell(*(step for each in settlements if (step := step_of(each)) is not None))
        return settlements

    def tidy(self) -> None:
        """Empty the WAL; where that cannot be done now, a later call does it: the letters are gone in any case."""
        with self._lock, contextlib.suppress(sqlite3.OperationalError):
            truncate_wal(self._db)

    def _settle(self, word: Receipt | Refused) -> Settled:
        if isinstance(word, Refused):
            return Settled(Settlement("refused", None, None, word.code))
        query = "SELECT id, src, seq, hash, size, state FROM letter WHERE mid = ?"
        found = self._db.execute(query, (word.mid,)).fetchone()
        if found is None:
            return Settled(Settlement("unknown", word.mid, None))
        row, src, seq, digest, size, state = found
        if (word.envelope_hash, word.src) != (digest, src):
            return Settled(Settlement("refused", word.mid, seq, "hash"))
        if word.status == "rejected":
            self._db.execute("UPDATE letter SET state = 'quarantined', reason = ? WHERE id = ?", (word.reason, row))
            return Settled(Settlement("quarantined", word.mid, seq, word.reason), row, state, "quarantined")
        tombstone = (word.mid, src, seq, word.status, self._now_ms(), size)
        self._db.execute("INSERT OR REPLACE INTO delivered VALUES (?, ?, ?, ?, ?, ?)", tombstone)
        self._db.execute("DELETE FROM letter WHERE id = ?", (row,))
        return Settled(Settlement("purged", word.mid, seq), row, state, None, size)

    def _write(self, work: Callable[[], _T]) -> _T:
        """One transaction that must succeed on a full disk too: there it lives on the ballast."""
        try:
            with transaction(self._db):
                return work()
        except sqlite3.Error as error:
            if not is_full(error):
                raise
            self._ballast.release()
            # Overwriting a letter would need as much room as it takes; sealed, it may be freed as it is.
            self._db.execute("PRAGMA secure_delete=OFF")
            try:
                truncate_wal(self._db)
                with transaction(self._db):
                    done = work()
                truncate_wal(self._db)
            finally:
                self._db.execute("PRAGMA secure_delete=ON")
                self._ballast.fill()
            return done

    def requeue(self, mid: bytes) -> bool:
        """Send a quarantined letter again, once its cause is mended; False where there is none of that id."""
        with self._lock, self._told():
            query = "SELECT id, size, seq FROM letter WHERE mid = ? AND state = 'quarantined'"
            row = self._db.execute(query, (mid,)).fetchone()
            if row is None:
                return False
            change = "UPDATE letter SET state = 'pending', reason = '' WHERE id = ?"
            self._write(lambda: self._db.execute(change, (row[0],)))
            self._count = self._count.moved("quarantined", "pending")
            self._flights.again(row[0], row[1])
        self._tell(Step("requeued", mid, row[2]))
        for listener in self._listeners:
            listener()
        return True

    def counts(self) -> Counts:
        """How many letters wait, how many are quarantined, and the bytes they take; kept, not counted anew."""
        return self._count

    def history(self, limit: int) -> list[Handed]:
        """The last letters handed over and the record's word on each, the newest first."""
        with self._lock, self._told():
            return history(self._db, self._flights, limit)

    def entries(self) -> list[Entry]:
        """All rows, the oldest first."""
        with self._lock, self._told():
            return entries(self._db, self._flights)

    def find(self, mid: bytes) -> Handed | None:
        """A letter that waits or was refused; None where there is none of this message id."""
        with self._lock, self._told():
            return find(self._db, self._flights, mid)

    def _counted(self) -> Counts:
        query = "SELECT state, COUNT(*), SUM(size) FROM letter GROUP BY state"
        rows = {state: (number, size) for state, number, size in self._db.execute(query)}
        pending, quarantined = rows.get("pending", (0, 0)), rows.get("quarantined", (0, 0))
        return Counts(pending[0], quarantined[0], pending[1] + quarantined[1])


def _hash(envelope: bytes) -> bytes:
    return hashlib.sha256(envelope).digest()
