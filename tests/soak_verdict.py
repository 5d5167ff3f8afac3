"""After a seed: what was promised, what is in the record, and who could read it on the way."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sync.envelope import NO_PREVIOUS
from sync.store import Record
from tests.soak_children import Place
from tests.soak_documents import Documents, Truth

_CHUNK = 1 << 20


@dataclass(slots=True)
class Verdict:
    """The figures of a seed; `problems` is empty where all is well."""

    documents: int = 0
    """Acknowledged to the producer."""
    missing: int = 0
    """Acknowledged and not in the record, or there with other bytes."""
    twice: int = 0
    foreign: int = 0
    """In the record, and never intended."""
    readable: int = 0
    """Files between cabin and record that hold the canary."""
    sent: int = 0
    """Envelopes on the wire, the adversary's included."""
    rejected: int = 0
    """Envelopes in the record's quarantine."""
    problems: list[str] = field(default_factory=list)


def judge(place: Place) -> Verdict:
    """Look at everything that a seed has left."""
    verdict, documents, truth = Verdict(), Documents(place.seed), Truth(place.truth)
    truth.close()
    store = place.open_record()
    records = store.records()
    alarms, verdict.rejected = store.alarms(), len(store.quarantined())
    store.close()
    _contents(verdict, documents, truth, records)
    # A cabin's envelope in another's name is what the adversary sends: that alarm is explained, and right.
    verdict.problems += [
        f"alarm {each.kind} at {each.first}" for each in alarms if each.closed_ms is None and each.kind != "stranger"
    ]
    verdict.problems += chain(records) + outbox(place.outbox, records)
    files = [place.outbox] if place.postgres else [place.outbox, place.record]
    verdict.problems += [problem for path in files for problem in integrity(path)]
    between = [place.traffic, *place.outbox.parent.rglob("*"), *place.store.rglob("*")]
    readable = [path.name for path in between if path.is_file() and holds(path, documents.canary)]
    verdict.readable = len(readable)
    verdict.problems += [f"readable in {name}" for name in readable]
    if not (place.postgres or not records or _in_record(place.record, documents.canary)):
        verdict.problems.append("the canary is not even in the record: the search does not see")
    verdict.sent = count(place.traffic, b"dmst/v1/up/")
    return verdict


def _contents(verdict: Verdict, documents: Documents, truth: Truth, records: list[Record]) -> None:
    """Each acknowledged document once and whole, nothing that was never intended."""
    found = {record.mid: record.content for record in records}
    numbers = Counter(documents.number(record.content) for record in records)
    lost = [n for n in truth.acknowledged if found.get(documents.mid(n)) != documents.content(n)]
    strange = [number for number in numbers if number is None or number not in truth.intended]
    verdict.documents, verdict.missing = len(truth.acknowledged), len(lost)
    verdict.twice = sum(times - 1 for times in numbers.values())
    verdict.foreign = len(strange)
    if truth.open_ones():
        verdict.problems.append("a document was never put again")
    if lost:
        verdict.problems.append(f"missing: documents {sorted(lost)[:10]}")
    if verdict.twice or strange:
        verdict.problems.append(f"twice {verdict.twice}, never intended {len(strange)}")


def chain(records: Iterable[Record]) -> list[str]:
    """Per sender: numbered from 1 without a hole, each envelope naming the one before it."""
    from sync import cbor

    problems, senders = [], dict[bytes, list[Record]]()
    for record in records:
        senders.setdefault(record.src, []).append(record)
    for letters in senders.values():
        letters.sort(key=lambda record: record.seq)
        before = NO_PREVIOUS
        for number, letter in enumerate(letters, 1):
            prot = cbor.decode(letter.prot)
            if letter.seq != number:
                problems.append(f"number {letter.seq} stands where {number} should")
            if not isinstance(prot, dict) or prot[9] != before:
                problems.append(f"the chain breaks at {letter.seq}")
            before = hashlib.sha256(letter.prot).digest()
    return problems[:10]


def outbox(path: Path, records: list[Record]) -> list[str]:
    """Empty, with a tombstone for every record and none without."""
    with closing(sqlite3.connect(path)) as db:
        waiting = db.execute("SELECT COUNT(*) FROM letter").fetchone()[0]
        delivered = {row[0] for row in db.execute("SELECT mid FROM delivered")}
        last = db.execute("SELECT last_seq FROM sender").fetchone()[0]
    problems = [f"{waiting} letters are left in the outbox"] if waiting else []
    if delivered != {record.mid for record in records}:
        problems.append("what the cabin calls delivered is not what the record holds")
    if last != len(records):
        problems.append(f"the outbox has numbered {last} letters, the record holds {len(records)}")
    return problems


def integrity(path: Path) -> list[str]:
    """SQLite's own full check."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("PRAGMA integrity_check").fetchall()
    return [] if rows == [("ok",)] else [f"{path.name} is damaged: {rows[0][0]}"]


def holds(path: Path, needle: bytes) -> bool:
    """Whether a file holds some bytes anywhere."""
    return count(path, needle, most=1) > 0


def count(path: Path, needle: bytes, most: int | None = None) -> int:
    """How often a file holds some bytes; it is read in pieces."""
    found, tail = 0, b""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            piece = tail + piece
            found += piece.count(needle)
            # What is kept is shorter than the needle, so nothing is counted twice.
            tail = piece[len(piece) - len(needle) + 1 :]
            if most is not None and found >= most:
                break
    return found


def _in_record(path: Path, needle: bytes) -> bool:
    return holds(path, needle) or holds(path.with_name(f"{path.name}-wal"), needle)
