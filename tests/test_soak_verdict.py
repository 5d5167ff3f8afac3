"""The verdict after a seed: nothing to blame where all is well, and each broken promise by its name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sync.outbox import Outbox
from sync.receiver import Receiver
from sync.store_sqlite import SqliteStore
from tests.soak_adversary import UP
from tests.soak_children import Place
from tests.soak_documents import KIND, Documents, Truth
from tests.soak_verdict import count, judge
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, RECORDS, sender

SEED = 7
DOCUMENTS = Documents(SEED)


def delivered(folder: Path) -> Place:
    """What a calm seed leaves: eight documents, told to be safe, filed, and erased in the cabin."""
    place, truth = Place(SEED, folder, 0, 0, 0.0), Truth(folder / "truth.log")
    for each in (place.outbox.parent, place.record.parent, place.store):
        each.mkdir()
    with closing(Outbox(place.outbox)) as box, closing(SqliteStore(place.record)) as store:
        receiver = Receiver(RECIPIENTS, POLICY, RECORD, store)
        for number in range(8):
            truth.intend(number)
            sender(box).send(DOCUMENTS.mid(number), KIND, DOCUMENTS.content(number))
            truth.acknowledge(number)
        for letter in box.due(0.0, 100):
            append(place.traffic, UP.encode() + b"\n" + letter.envelope)
            filed = receiver.handle("cabin-1", letter.envelope)
            assert filed is not None
            box.settle(filed.receipt, RECORDS)
    truth.close()
    return place


Harm = Callable[[Place], None]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def record(*statements: str) -> Harm:
    return lambda place: altered(place.record, *statements)


def outbox(*statements: str) -> Harm:
    return lambda place: altered(place.outbox, *statements)


def altered(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for each in statements:
            db.execute(each)


def test_a_calm_seed_has_nothing_to_blame(tmp_path: Path) -> None:
    verdict = judge(delivered(tmp_path))
    assert verdict.problems == []
    assert (verdict.documents, verdict.missing, verdict.twice, verdict.sent) == (8, 0, 0, 8)


COPY = (
    "INSERT INTO content (mid, src, seq, content_type, hash, content, prot, signatures, received_ms)"
    " SELECT zeroblob(16), src, 99, content_type, hash, content, prot, signatures, 0 FROM content WHERE id = 1"
)
ALARM = "INSERT INTO alarm (src, kind, first, last, detail, seen_ms) VALUES (x'00', 'reuse', 1, 1, '', 1)"
HARMS: dict[str, tuple[Harm, str]] = {
    "a content is gone": (record("DELETE FROM content WHERE id = 3"), "missing: documents [2]"),
    "a content is another": (
        record("UPDATE content SET content = CAST(content || x'00' AS BLOB) WHERE id = 3"),
        "missing",
    ),
    "a content is there twice": (record(COPY), "twice 1"),
    "a content is nobody's": (record(COPY, "UPDATE content SET content = x'00' WHERE seq = 99"), "never intended 1"),
    "a chain is broken": (record("UPDATE content SET prot = (SELECT prot FROM content) WHERE id = 4"), "chain"),
    "a number is missing": (record("UPDATE content SET seq = 20 WHERE id = 8"), "stands where 8 should"),
    "an alarm is open": (record(ALARM), "alarm reuse at 1"),
    "a tombstone is gone": (outbox("DELETE FROM delivered WHERE seq = 2"), "calls delivered"),
    "a number was given and not sent": (outbox("UPDATE sender SET last_seq = 9"), "has numbered 9"),
    "the traffic can be read": (lambda place: append(place.traffic, DOCUMENTS.canary), "readable in traffic.bin"),
    "the broker's store can be read": (
        lambda place: append(place.store / "db", DOCUMENTS.content(1)),
        "readable in db",
    ),
    "a producer did not come back": (lambda place: append(place.truth, b"i 8\n"), "never put again"),
    "a promise was not kept": (lambda place: append(place.truth, b"i 8\na 8\n"), "missing: documents [8]"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_the_verdict_sees(tmp_path: Path, harm: str) -> None:
    place = delivered(tmp_path)
    do, said = HARMS[harm]
    do(place)
    problems = judge(place).problems
    assert any(said in problem for problem in problems), problems


def test_a_search_finds_what_lies_across_two_pieces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * ((1 << 20) - 3) + b"needle" + b"x" * (1 << 20) + b"needle")
    assert count(path, b"needle") == 2
    assert count(path, b"noodle") == 0
    assert count(tmp_path / "nowhere", b"needle") == 0
