"""The record's store and the receiver above it: once each, and every gap and break of a chain is seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cbor2
import pytest

from sync.database import Rows
from sync.envelope import FHIR, RECORDING, Opened, Sealed, seal
from sync.errors import StoreError
from sync.filing import Filing
from sync.parts import Part
from sync.receipt import Receipt, verify_receipt
from sync.receiver import Receiver
from sync.store import CONFLICT, UNSTORABLE, Quarantined
from sync.store_postgres import PostgresStore
from sync.store_sql import SqlStore
from sync.store_sqlite import SqliteStore
from tests.sync_parties import (
    CABIN,
    POLICY,
    RECIPIENT,
    RECIPIENTS,
    RECORD,
    RECORDS,
    SRC,
    STAMP,
    STRANGER,
    content,
    mid,
    sealed,
)

NOW = 1_763_683_300_000


Open = Callable[[], SqlStore]
"""Opens one record, as another process would."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.processes)])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as opened:
        where = request.getfixturevalue("postgres").new_schema() if request.param == "postgres" else None

        def new() -> SqlStore:
            path = tmp_path / "record.db"
            made = SqliteStore(path, lambda: NOW) if where is None else PostgresStore(where, lambda: NOW)
            opened.callback(made.close)
            return made

        yield new


@pytest.fixture
def store(another: Open) -> SqlStore:
    return another()


def receiver(store: SqlStore) -> Receiver:
    return Receiver(RECIPIENTS, POLICY, RECORD, store)


def deliver(store: SqlStore, envelope: bytes) -> Receipt:
    """What the cabin hears of one envelope."""
    filed = receiver(store).handle("cabin-1", envelope)
    assert filed is not None
    said = verify_receipt(filed.receipt, RECORDS)
    assert said.envelope_hash == hashlib.sha256(envelope).digest()
    assert said.status == filed.status
    return said


def chain(length: int) -> list[Sealed]:
    """Letters of one cabin, numbered and chained as its outbox does."""
    letters: list[Sealed] = []
    for number in range(1, length + 1):
        letters.append(sealed(number, prev=letters[-1].prot_hash if letters else bytes(32)))
    return letters


CHAIN = chain(6)


def test_a_letter_becomes_a_record_with_its_provenance(store: SqlStore) -> None:
    said = deliver(store, CHAIN[0].envelope)
    assert (said.status, said.reason, said.mid, said.src, said.highest) == ("stored", "", mid(1), SRC, 1)
    assert said.created_ms == NOW
    record = store.find(mid(1))
    assert record is not None
    assert (record.record, record.content, record.content_type) == ("R-00000001", content(1), FHIR)
    assert (record.src, record.seq, record.received_ms) == (SRC, 1, NOW)
    assert store.record_of(mid(1)) == "R-00000001"
    assert store.record_of(mid(2)) is None
    assert store.find(mid(2)) is None
    assert store.records() == [record]
    for kid, alg, value in cbor2.loads(record.signatures):
        assert kid == CABIN.public.kid
        assert alg in (-19, -49)
        assert len(value) in (64, 3309)
    assert hashlib.sha256(record.prot).digest() == CHAIN[0].prot_hash


def test_the_same_letter_again_is_a_duplicate(store: SqlStore) -> None:
    deliver(store, CHAIN[0].envelope)
    for _ in range(3):
        assert deliver(store, CHAIN[0].envelope).status == "duplicate"
    assert len(store.records()) == 1
    assert store.alarms() == []


def test_the_same_document_sealed_again_is_a_duplicate_too(store: SqlStore) -> None:
    """A cabin whose outbox was damaged begins a new sender id and sends what it still has."""
    deliver(store, CHAIN[0].envelope)
    again = sealed(1, seq=2, prev=CHAIN[0].prot_hash)
    assert deliver(store, again.envelope).status == "duplicate"
    assert store.alarms() == []
    assert len(store.records()) == 1


def test_another_content_under_a_known_id_is_not_called_delivered(store: SqlStore) -> None:
    deliver(store, CHAIN[0].envelope)
    said = deliver(store, sealed(1, seq=2, prev=CHAIN[0].prot_hash, body=b"other").envelope)
    assert (said.status, said.reason) == ("rejected", CONFLICT)
    record = store.find(mid(1))
    assert record is not None
    assert record.content == content(1)


def test_records_survive_a_restart(another: Open) -> None:
    first = another()
    deliver(first, CHAIN[0].envelope)
    first.close()
    again = another()
    assert again.record_of(mid(1)) == "R-00000001"
    assert deliver(again, CHAIN[0].envelope).status == "duplicate"
    assert deliver(again, CHAIN[1].envelope).highest == 2


# gaps and chains


def test_a_hole_is_an_alarm_until_it_is_filled(store: SqlStore) -> None:
    deliver(store, CHAIN[0].envelope)
    assert deliver(store, CHAIN[3].envelope).highest == 1
    (hole,) = store.alarms()
    assert (hole.kind, hole.first, hole.last, hole.closed_ms) == ("hole", 2, 3, None)
    assert deliver(store, CHAIN[2].envelope).highest == 1
    assert store.alarms()[0].closed_ms is None
    assert deliver(store, CHAIN[1].envelope).highest == 4
    assert [alarm.closed_ms for alarm in store.alarms()] == [NOW]
    assert {alarm.kind for alarm in store.alarms()} == {"hole"}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_broken_chain_is_an_alarm_and_no_reason_to_refuse(store: SqlStore, order: tuple[int, int]) -> None:
    letters = {1: CHAIN[0], 2: sealed(2, prev=bytes(range(32)))}
    for number in order:
        assert deliver(store, letters[number].envelope).status == "stored"
    assert [(a.kind, a.first) for a in store.alarms() if a.kind != "hole"] == [("chain", 2)]


def test_a_first_letter_with_a_predecessor_is_an_alarm(store: SqlStore) -> None:
    assert deliver(store, sealed(1, prev=bytes(range(32))).envelope).status == "stored"
    assert [(alarm.kind, alarm.first) for alarm in store.alarms()] == [("chain", 1)]


def test_a_number_used_twice_is_an_alarm(store: SqlStore) -> None:
    deliver(store, CHAIN[0].envelope)
    assert deliver(store, sealed(9, seq=1).envelope).status == "stored"
    assert [(alarm.kind, alarm.first) for alarm in store.alarms()] == [("reuse", 1)]
    assert len(store.records()) == 2


def test_the_largest_number_is_a_hole_and_no_trouble(store: SqlStore) -> None:
    assert deliver(store, sealed(1, seq=2**63 - 2).envelope).status == "stored"
    (hole,) = store.alarms()
    assert (hole.first, hole.last) == (1, 2**63 - 3)
    assert deliver(store, CHAIN[1].envelope).highest == 0


# refusals


def test_a_refused_letter_is_kept_and_answered_where_it_can_be_named(store: SqlStore) -> None:
    bad = bytearray(CHAIN[0].envelope)
    bad[-1] ^= 1
    said = deliver(store, bytes(bad))
    assert (said.status, said.reason, said.mid) == ("rejected", "decrypt", mid(1))
    (kept,) = store.quarantined()
    digest = hashlib.sha256(bad).digest()
    assert kept == Quarantined(digest, "cabin-1", mid(1), "decrypt", NOW, len(bad), kept=True)
    assert store.quarantined_envelope(digest) == store.quarantined_envelope(mid(1)) == bytes(bad)
    deliver(store, bytes(bad))
    assert len(store.quarantined()) == 1
    assert store.records() == []


def test_what_cannot_be_named_is_kept_without_an_answer(store: SqlStore) -> None:
    assert receiver(store).handle("cabin-1", b"noise") is None
    assert [(one.mid, one.reason) for one in store.quarantined()] == [(None, "malformed")]
    assert store.quarantined_envelope(mid(1)) is None
    assert store.unsent() == []


def test_a_stranger_is_refused(store: SqlStore) -> None:
    made = seal(
        b"x",
        FHIR,
        recipient=RECIPIENT.public,
        signer=STRANGER,
        mid=mid(1),
        src=SRC,
        seq=1,
        prev=bytes(32),
        stamp=STAMP,
    )
    assert deliver(store, made.envelope).reason == "signature"


def test_of_refused_envelopes_the_oldest_go(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One client that is refused without end crowds out itself before others, and the sum is bounded."""
    monkeypatch.setattr("sync.quarantine_rows.MOST_OF_CLIENT", 3)
    monkeypatch.setattr("sync.quarantine_rows.MOST_ROWS", 5)
    receiver(store).receive([("quiet", b"q")])
    receiver(store).receive([("loud", b"%d" % number) for number in range(9)])
    receiver(store).receive([("loud", b"8")] * 5)
    assert [one.client for one in store.quarantined()] == ["quiet", "loud", "loud", "loud"]
    assert store.quarantined()[-1].hash == hashlib.sha256(b"8").digest()
    receiver(store).receive([("third", b"t1"), ("third", b"t2")])
    assert [one.client for one in store.quarantined()] == ["loud", "loud", "loud", "third", "third"]


def test_incomplete_sets_of_a_client_are_few(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.part_rows.MOST_SETS", 3)
    for number in range(1, 6):
        store.keep_parts([("loud", Part(mid(number), bytes(32), 0, 2, b"a"))])
    ends = [Part(mid(number), bytes(32), 1, 2, b"b") for number in (5, 4, 3, 2)]
    assert store.keep_parts([("loud", end) for end in ends]) == [b"ab", b"ab", b"ab", None]


def test_strangers_cannot_fill_the_disk(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.quarantine_rows.MOST_BYTES", 1000)
    for number in range(5):
        receiver(store).handle("cabin-1", bytes([number]) * 400)
    assert len(store.quarantined()) == 5
    assert [bool(one.kept) for one in store.quarantined()] == [True, True, False, False, False]


def judge(kind: str, body: bytes) -> str | None:
    if kind != FHIR:
        return "content-type"
    return None if "resourceType" in json.loads(body) else "not-fhir"


@pytest.mark.parametrize(
    ("body", "reason"), [(b"{}", "not-fhir"), (b"not json", "check-failed"), (b'{"resourceType": "Bundle"}', "")]
)
def test_the_check_of_the_house_above_decides_on_content(store: SqlStore, body: bytes, reason: str) -> None:
    strict = Receiver(RECIPIENTS, POLICY, RECORD, store, judge)
    filed = strict.handle("cabin-1", sealed(1, body=body).envelope)
    assert filed is not None
    assert verify_receipt(filed.receipt, RECORDS).reason == reason
    assert len(store.records()) == (0 if reason else 1)
    assert RECORDING not in [record.content_type for record in store.records()]


def test_a_letter_that_was_refused_can_come_again_when_the_cause_is_mended(store: SqlStore) -> None:
    strict = Receiver(RECIPIENTS, POLICY, RECORD, store, lambda kind, body: "not-yet")
    refused = strict.handle("cabin-1", CHAIN[0].envelope)
    assert refused is not None
    assert refused.status == "rejected"
    assert deliver(store, CHAIN[0].envelope).status == "stored"
    assert store.alarms() == []


# receipts and transactions


def test_a_receipt_waits_until_it_was_sent(store: SqlStore) -> None:
    answer = receiver(store).handle("cabin-1", CHAIN[0].envelope)
    assert answer is not None
    (waiting,) = store.unsent()
    assert (waiting.receipt_id, waiting.client) == (answer.receipt_id, "cabin-1")
    assert waiting.receipt == verify_receipt(answer.receipt, RECORDS)
    (again,) = receiver(store).unsent()
    assert verify_receipt(again.receipt, RECORDS) == waiting.receipt
    store.sent([answer.receipt_id])
    assert store.unsent() == []


def test_only_the_newest_receipt_of_a_message_waits(store: SqlStore) -> None:
    deliver(store, CHAIN[0].envelope)
    deliver(store, CHAIN[0].envelope)
    assert [one.receipt.status for one in store.unsent()] == ["duplicate"]


def test_content_sequence_and_receipt_are_one_transaction(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails at its last step leaves nothing behind, so the letter comes again and is new."""

    def broken(*_: object) -> None:
        raise StoreError("disk")

    monkeypatch.setattr(Filing, "_keep", broken)
    with pytest.raises(StoreError, match="disk"):
        deliver(store, CHAIN[2].envelope)
    monkeypatch.undo()
    assert (store.records(), store.alarms(), store.unsent()) == ([], [], [])
    assert deliver(store, CHAIN[2].envelope).status == "stored"


def test_letters_that_came_together_are_one_transaction(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = 0
    write = store._database.write

    def counted(work: Callable[[Rows], object]) -> object:
        nonlocal writes
        writes += 1
        return write(work)

    monkeypatch.setattr(store._database, "write", counted)
    messages = [("cabin-1", one.envelope) for one in (CHAIN[1], CHAIN[0], CHAIN[0], CHAIN[4])]
    answers = receiver(store).receive([*messages, ("cabin-2", b"noise")])
    assert writes == 1
    assert [one and one.status for one in answers] == ["stored", "stored", "duplicate", "stored", None]
    said = [verify_receipt(one.receipt, RECORDS).highest for one in answers if one]
    assert said == [0, 2, 2, 2]
    assert [(a.kind, a.first, a.last, a.closed_ms) for a in store.alarms()] == [
        ("hole", 1, 1, NOW), ("hole", 3, 4, None),
    ]  # fmt: skip


def test_a_letter_that_the_database_does_not_take_costs_no_other(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = Filing._insert

    def picky(filing: Filing, opened: Opened) -> object:
        if opened.header.mid == mid(2):
            filing._rows.do("INSERT INTO sender VALUES (NULL, NULL, NULL)")
        return insert(filing, opened)

    monkeypatch.setattr(Filing, "_insert", picky)
    answers = receiver(store).receive([("cabin-1", one.envelope) for one in CHAIN[:3]])
    said = [verify_receipt(one.receipt, RECORDS) for one in answers if one]
    assert [(one.status, one.reason) for one in said] == [("stored", ""), ("rejected", UNSTORABLE), ("stored", "")]
    assert store.quarantined_envelope(mid(2)) == CHAIN[1].envelope
    assert [record.mid for record in store.records()] == [mid(1), mid(3)]


def test_two_gateways_may_share_one_store(another: Open) -> None:
    one, two = another(), another()
    assert deliver(one, CHAIN[0].envelope).status == "stored"
    assert deliver(two, CHAIN[0].envelope).status == "duplicate"
    assert deliver(two, CHAIN[1].envelope).highest == 2


def test_a_file_that_cannot_be_written_raises_so_that_nothing_is_acknowledged(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "record.db")
    store.database.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="check the disk"):
        deliver(store, CHAIN[0].envelope)
    store.database.connection.execute("PRAGMA query_only = OFF")
    assert deliver(store, CHAIN[0].envelope).status == "stored"
    store.close()


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "record.db").write_bytes(b"x" * 8192)
    with pytest.raises(StoreError):
        SqliteStore(tmp_path / "record.db")
