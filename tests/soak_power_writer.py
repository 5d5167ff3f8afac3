"""`python -m tests.soak_power_writer KIND FOLDER MARKS SEED SYNCHRONOUS`: the programs whose power is cut.

Each lives several lives, some ended in good order and some not, and says in MARKS what was promised, after it was:
"put N", "purging N" and "purged N", "filed N", "noted N", "head N".
SYNCHRONOUS other than FULL is the control, which must lose.
"""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sync.audit_log import AuditLog
from sync.envelope import NO_PREVIOUS, open_envelope
from sync.outbox import Outbox
from sync.store import Accepted
from sync.store_sqlite import SqliteStore
from tests.sync_parties import CABIN, POLICY, RECIPIENTS, RECORDS, blank_sealer, mid, receipt, sealed

LIVES = 3
PUTS = 16
"""In one life."""
NOTES = 120

Say = Callable[[str], None]


def size(number: int) -> int:
    """Bytes of a letter beside its head."""
    return random.Random(number).choice((100, 4_000, 9_000, 30_000))


def weaken(synchronous: str) -> None:
    """Every connection opened from now on is as careless as it says."""
    if synchronous == "FULL":
        return

    class Careless(sqlite3.Connection):
        def execute(self, sql: str, *more: object) -> sqlite3.Cursor:
            return super().execute(sql.replace("synchronous=FULL", f"synchronous={synchronous}"), *more)  # type: ignore[arg-type]

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **more: connect(*args, **{**more, "factory": Careless})


def outbox(folder: Path, say: Say, dice: random.Random, life: int) -> bool:
    """Puts letters, and erases some that are waiting; whether it ends in good order."""
    box = Outbox(folder / "outbox.db")
    for number in range(life * PUTS, (life + 1) * PUTS):
        box.put(mid(number), blank_sealer(number, size(number)))
        say(f"put {number}")
        if dice.random() < 0.5:
            letter = dice.choice(box.due(0.0, 1000))
            gone = next(each for each in range(number + 1) if mid(each) == letter.mid)
            word = receipt(letter.mid, letter.envelope, box.src)
            say(f"purging {gone}")
            settled = box.settle(word, RECORDS, tidy=dice.random() < 0.7)
            assert settled.outcome == "purged"
            say(f"purged {gone}")
    if dice.random() < 0.5:
        box.close()
        return True
    return False


def _destroy(path: Path, from_byte: int) -> None:
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), b"\xa5" * (path.stat().st_size - from_byte), from_byte)
        os.fdatasync(file.fileno())


def damaged(folder: Path, say: Say, dice: random.Random, life: int) -> bool:
    """As `outbox`, but whoever starts a later life finds the database damaged, with a WAL beside it."""
    path = folder / "outbox.db"
    if life:
        say(f"damaged {life}")
        _destroy(path, 0)
        if life == 2:
            _destroy(path.with_name(f"{path.name}-wal"), 4_200)
    box = Outbox(path)
    if life:
        assert box.damaged is not None
        say(f"aside {life}")
    for number in range(life * PUTS, (life + 1) * PUTS):
        box.put(mid(number), blank_sealer(number, size(number)))
        say(f"put {number}")
        if number % PUTS == PUTS // 2:
            # What comes after this stands in the WAL alone, what came before it in the database alone.
            with closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return False


def store(folder: Path, say: Say, dice: random.Random, life: int) -> bool:
    """Files letters into the record, some twice, and sends their receipts."""
    record = SqliteStore(folder / "record.db")
    prev = NO_PREVIOUS
    for number in range(1, (life + 1) * PUTS + 1):
        letter = sealed(number, prev=prev, body=random.Random(number).randbytes(size(number)))
        envelope, prev = letter.envelope, letter.prot_hash
        if number <= life * PUTS:
            continue
        opened = open_envelope(envelope, RECIPIENTS, POLICY)
        for _ in range(dice.choice((1, 1, 2))):
            (filed,) = record.file([Accepted("cabin-1", envelope, opened)])
            say(f"filed {number} {hashlib.sha256(opened.content).hexdigest()}")
        if filed is not None and dice.random() < 0.7:
            record.sent([filed.receipt_id])
    if dice.random() < 0.5:
        record.close()
        return True
    return False


def audit(folder: Path, say: Say, dice: random.Random, life: int) -> bool:
    """Notes events in the audit chain; what was flushed is promised, and the head that an envelope would carry."""
    log = AuditLog(folder, CABIN)
    for number in range(life * NOTES, (life + 1) * NOTES):
        log.add("visit", number=number)
        if dice.random() < 0.2:
            assert log.flush()
            say(f"noted {number}")
            say(f"head {log.head.count} {log.head.hash.hex()}")
    if dice.random() < 0.5:
        log.close()
        return True
    return False


KINDS = {"outbox": outbox, "damaged": damaged, "store": store, "audit": audit}


def main(kind: str, folder: Path, marks: Path, seed: int, synchronous: str) -> None:
    """All lives, each a process of its own, so that one can end without closing anything."""
    weaken(synchronous)
    handle = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(text: str) -> None:
        os.write(handle, text.encode())

    for life in range(LIVES):
        pid = os.fork()
        if pid == 0:
            KINDS[kind](folder, say, random.Random(seed + life), life)
            os._exit(0)
        if os.waitpid(pid, 0)[1]:
            sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
