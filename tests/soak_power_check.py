"""After the power came back: what the product finds, beside what it had promised before the cut."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sync.audit import Head
from sync.audit_log import AuditLog
from sync.audit_reading import read_log, verify
from sync.errors import SyncError
from sync.outbox import Letter, Outbox, Stored
from sync.store_sqlite import SqliteStore
from tests.soak_power_writer import NOTES, size
from tests.sync_parties import CABIN, blank_sealer, mid


@dataclass(slots=True)
class Promises:
    """What was said before the cut."""

    put: set[int] = field(default_factory=set)
    purging: set[int] = field(default_factory=set)
    """The receipt had come; whether the letter is still there is open."""
    purged: set[int] = field(default_factory=set)
    filed: dict[int, str] = field(default_factory=dict)
    """Number of a content and its hash."""
    damaged: int = 0
    aside: int = 0
    """How often a damaged database was there, and was moved aside."""
    noted: set[int] = field(default_factory=set)
    """Events that the audit log called safe."""
    heads: list[Head] = field(default_factory=list)
    lost_lives: set[int] = field(default_factory=set)
    """Letters of databases that somebody destroyed."""

    def hear(self, text: str) -> None:
        """One more mark."""
        word, number, *more = text.split()
        match word:
            case "put":
                self.put.add(int(number))
            case "purging":
                self.purging.add(int(number))
            case "purged":
                self.purged.add(int(number))
            case "filed":
                self.filed[int(number)] = more[0]
            case "noted":
                self.noted.update(range(int(number) // NOTES * NOTES, int(number) + 1))
            case "head":
                self.heads.append(Head(int(number), bytes.fromhex(more[0])))
            case "damaged":
                self.damaged += 1
                self.lost_lives |= self.put
            case "aside":
                self.aside += 1


def outbox(folder: Path, promises: Promises) -> list[str]:
    """Every letter that was put and not erased is there and whole, and numbering goes on where it stood."""
    try:
        box = Outbox(folder / "outbox.db")
    except SyncError as error:
        return [f"the outbox does not open: {error}"]
    with closing(box):
        problems = [] if box.damaged is None or promises.damaged else ["the outbox was found damaged"]
        kept = {letter.mid: letter for letter in box.due(0.0, 10_000)}
        with closing(sqlite3.connect(f"file:{box.path}?mode=ro", uri=True)) as db:
            gone = {row[0] for row in db.execute("SELECT mid FROM delivered")}
            src, last = db.execute("SELECT src, last_seq FROM sender").fetchone()
            # Letters saved out of a damaged file keep the sender id under which they were numbered.
            both = "SELECT seq FROM letter WHERE src = ?1 UNION ALL SELECT seq FROM delivered WHERE src = ?1"
            seqs = sorted(row[0] for row in db.execute(both, (src,)))
            sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for number in promises.put - promises.lost_lives:
            problems += _letter(number, promises, kept, gone)
        if seqs != list(range(1, last + 1)):
            problems.append(f"the outbox has numbered {last} letters, and holds {len(seqs)}")
        if not sound:
            problems.append("the outbox is damaged inside")
        going_on = box.put(bytes(16), blank_sealer(1_000_000))
        if going_on != Stored(box.src, last + 1, repeated=False):
            problems.append("the next letter does not continue the sequence")
    return problems


def _letter(number: int, promises: Promises, kept: dict[bytes, Letter], gone: set[bytes]) -> Iterable[str]:
    letter = kept.get(mid(number))
    if letter is None and number not in promises.purging:
        yield f"letter {number} is lost"
    elif letter is None and mid(number) not in gone:
        yield f"letter {number} left without a trace"
    elif letter is not None and number in promises.purged:
        yield f"letter {number} came back"
    elif letter is not None:
        seq = letter.seq
        expected = blank_sealer(number, size(number))(seq, bytes(32)).envelope
        found = letter.envelope
        # The hash of the letter before it stands in the middle, and is another one here.
        if (found[:24], found[56:]) != (expected[:24], expected[56:]):
            yield f"letter {number} is altered"


def damaged(folder: Path, promises: Promises) -> list[str]:
    """As `outbox`; and of what was found damaged, and of what was aside already, no byte is gone."""
    before = {path: path.read_bytes() for path in folder.iterdir() if path.suffix.startswith((".db", ".damaged"))}
    whole = folder / "outbox.db" in before
    kept = {path for path in before if ".damaged-" in path.name and not path.name.endswith("-shm")}
    problems = outbox(folder, promises)
    asides = [path for path in folder.glob("*.damaged-*") if not path.name.endswith(("-wal", "-shm"))]
    if len(asides) > len([path for path in kept if not path.name.endswith("-wal")]) or not whole:
        kept |= {folder / "outbox.db", folder / "outbox.db-wal"} & before.keys()
    after = [path.read_bytes() for path in folder.iterdir()]
    problems += [f"the bytes of {path.name} are gone" for path in kept if before[path] and before[path] not in after]
    if len(asides) < promises.aside:
        problems.append(f"{promises.aside} damaged databases were moved aside, {len(asides)} are left")
    return problems


def store(folder: Path, promises: Promises) -> list[str]:
    """Every content that was filed is there once and whole, in a sequence without an alarm."""
    try:
        with closing(SqliteStore(folder / "record.db")) as record:
            found = {each.mid: hashlib.sha256(each.content).hexdigest() for each in record.records()}
            alarms = record.alarms()
        with closing(sqlite3.connect(folder / "record.db")) as db:
            sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except (sqlite3.Error, SyncError) as error:
        return [f"the record cannot be read: {error}"]
    problems = [f"content {n} is lost" for n, digest in promises.filed.items() if found.get(mid(n)) != digest]
    problems += [f"an alarm, {each.kind}, at {each.first}" for each in alarms]
    return problems if sound else [*problems, "the record is damaged inside"]


def audit(folder: Path, promises: Promises) -> list[str]:
    """The chain goes on from where it stood: every event that was flushed is in it, every head that was shown."""
    try:
        log = AuditLog(folder, CABIN)
    except SyncError as error:
        return [f"the audit log does not open: {error}"]
    problems = [] if log.moved is None else ["the audit log was taken for broken"]
    log.add("start")
    log.close()
    entries = list(read_log(folder))
    heads = {each.head.count: each.head.hash for each in entries}
    noted = [each.event["number"] for each in entries if each.event["what"] == "visit"]
    if not promises.noted <= set(noted) or noted != sorted(set(noted)):
        problems.append("an event that was noted is lost")
    problems += [f"head {head.count} is another" for head in promises.heads if heads.get(head.count) != head.hash]
    verdict = verify(folder, {CABIN.public.kid: CABIN.public}, promises.heads[-1] if promises.heads else None)
    return problems if verdict.whole else [*problems, f"the chain is not whole: {verdict.fault}"]


CHECKS = {"outbox": outbox, "damaged": damaged, "store": store, "audit": audit}
