"""The record's store and the receiver above it: once each, and every gap and break of a chain is seen."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.envelope import FHIR, RECORDING, Sealed, open_envelope, seal
from sync.receipt import Receipt, verify_receipt
from sync.receiver import Receiver
from sync.store import CONFLICT, Filed, SqliteStore
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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "record.db", lambda: NOW)
    yield made
    made.close()


def receiver(store: SqliteStore) -> Receiver:
    return Receiver(RECIPIENTS, POLICY, RECORD, store)


def deliver(store: SqliteStore, envelope: bytes) -> Receipt:
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


def test_a_letter_becomes_a_record_with_its_provenance(store: SqliteStore) -> None:
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


def test_the_same_letter_again_is_a_duplicate(store: SqliteStore) -> None:
    deliver(store, CHAIN[0].envelope)
    for _ in range(3):
        assert deliver(store, CHAIN[0].envelope).status == "duplicate"
    assert len(store.records()) == 1
    assert store.alarms() == []


def test_the_same_document_sealed_again_is_a_duplicate_too(store: SqliteStore) -> None:
    """A cabin whose outbox was damaged begins a new sender id and sends what it still has."""
    deliver(store, CHAIN[0].envelope)
    again = sealed(1, seq=2, prev=CHAIN[0].prot_hash)
    assert deliver(store, again.envelope).status == "duplicate"
    assert store.alarms() == []
    assert len(store.records()) == 1


def test_another_content_under_a_known_id_is_not_called_delivered(store: SqliteStore) -> None:
    deliver(store, CHAIN[0].envelope)
    said = deliver(store, sealed(1, seq=2, prev=CHAIN[0].prot_hash, body=b"other").envelope)
    assert (said.status, said.reason) == ("rejected", CONFLICT)
    record = store.find(mid(1))
    assert record is not None
    assert record.content == content(1)


def test_records_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    first = SqliteStore(path)
    deliver(first, CHAIN[0].envelope)
    first.close()
    again = SqliteStore(path)
    assert again.record_of(mid(1)) == "R-00000001"
    assert deliver(again, CHAIN[0].envelope).status == "duplicate"
    assert deliver(again, CHAIN[1].envelope).highest == 2
    again.close()


# gaps and chains


def test_a_hole_is_an_alarm_until_it_is_filled(store: SqliteStore) -> None:
    deliver(store, CHAIN[0].envelope)
    assert deliver(store, CHAIN[3].envelope).highest == 1
    (hole,) = store.alarms()
    assert (hole.kind, hole.first, hole.last, hole.closed_ms) == ("hole", 2, 3, None)
    assert deliver(store, CHAIN[2].envelope).highest == 1
    assert store.alarms()[0].closed_ms is None
    assert deliver(store, CHAIN[1].envelope).highest == 4
    assert [alarm.closed_ms for alarm in store.alarms()] == [NOW]
    assert {alarm.kind for alarm in store.alarms()} == {"hole"}


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
def test_any_order_and_any_repetition_end_the_same(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], again: list[int]
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("record") / "record.db")
    for number in order + again:
        said = deliver(store, CHAIN[number].envelope)
    assert said.highest == 6
    assert sorted(record.seq for record in store.records()) == [1, 2, 3, 4, 5, 6]
    assert all(alarm.kind == "hole" and alarm.closed_ms for alarm in store.alarms())
    store.close()


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_broken_chain_is_an_alarm_and_no_reason_to_refuse(store: SqliteStore, order: tuple[int, int]) -> None:
    letters = {1: CHAIN[0], 2: sealed(2, prev=bytes(range(32)))}
    for number in order:
        assert deliver(store, letters[number].envelope).status == "stored"
    assert [(a.kind, a.first) for a in store.alarms() if a.kind != "hole"] == [("chain", 2)]


def test_a_first_letter_with_a_predecessor_is_an_alarm(store: SqliteStore) -> None:
    assert deliver(store, sealed(1, prev=bytes(range(32))).envelope).status == "stored"
    assert [(alarm.kind, alarm.first) for alarm in store.alarms()] == [("chain", 1)]


def test_a_number_used_twice_is_an_alarm(store: SqliteStore) -> None:
    deliver(store, CHAIN[0].envelope)
    assert deliver(store, sealed(9, seq=1).envelope).status == "stored"
    assert [(alarm.kind, alarm.first) for alarm in store.alarms()] == [("reuse", 1)]
    assert len(store.records()) == 2


def test_the_largest_number_is_a_hole_and_no_trouble(store: SqliteStore) -> None:
    assert deliver(store, sealed(1, seq=2**63 - 2).envelope).status == "stored"
    (hole,) = store.alarms()
    assert (hole.first, hole.last) == (1, 2**63 - 3)
    assert deliver(store, CHAIN[1].envelope).highest == 0


# refusals


def test_a_refused_letter_is_kept_and_answered_where_it_can_be_named(store: SqliteStore) -> None:
    bad = bytearray(CHAIN[0].envelope)
    bad[-1] ^= 1
    said = deliver(store, bytes(bad))
    assert (said.status, said.reason, said.mid) == ("rejected", "decrypt", mid(1))
    assert store.quarantined() == [("cabin-1", mid(1), "decrypt")]
    deliver(store, bytes(bad))
    assert len(store.quarantined()) == 1
    assert store.records() == []


def test_what_cannot_be_named_is_kept_without_an_answer(store: SqliteStore) -> None:
    assert receiver(store).handle("cabin-1", b"noise") is None
    assert store.quarantined() == [("cabin-1", None, "malformed")]
    assert store.unsent() == []


def test_a_stranger_is_refused(store: SqliteStore) -> None:
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


def test_strangers_cannot_fill_the_disk(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.store._QUARANTINE_BYTES", 1000)
    for number in range(5):
        receiver(store).handle("cabin-1", bytes([number]) * 400)
    assert len(store.quarantined()) == 5
    kept = store._db.execute("SELECT COUNT(envelope), COUNT(*) FROM quarantine").fetchone()
    assert kept == (2, 5)


def judge(kind: str, body: bytes) -> str | None:
    if kind != FHIR:
        return "content-type"
    return None if "resourceType" in json.loads(body) else "not-fhir"


@pytest.mark.parametrize(
    ("body", "reason"), [(b"{}", "not-fhir"), (b"not json", "check-failed"), (b'{"resourceType": "Bundle"}', "")]
)
def test_the_check_of_the_house_above_decides_on_content(store: SqliteStore, body: bytes, reason: str) -> None:
    strict = Receiver(RECIPIENTS, POLICY, RECORD, store, judge)
    filed = strict.handle("cabin-1", sealed(1, body=body).envelope)
    assert filed is not None
    assert verify_receipt(filed.receipt, RECORDS).reason == reason
    assert len(store.records()) == (0 if reason else 1)
    assert RECORDING not in [record.content_type for record in store.records()]


def test_a_letter_that_was_refused_can_come_again_when_the_cause_is_mended(store: SqliteStore) -> None:
    strict = Receiver(RECIPIENTS, POLICY, RECORD, store, lambda kind, body: "not-yet")
    refused = strict.handle("cabin-1", CHAIN[0].envelope)
    assert refused is not None
    assert refused.status == "rejected"
    assert deliver(store, CHAIN[0].envelope).status == "stored"
    assert store.alarms() == []


# receipts and transactions


def test_a_receipt_waits_until_it_was_sent(store: SqliteStore) -> None:
    filed = receiver(store).handle("cabin-1", CHAIN[0].envelope)
    assert isinstance(filed, Filed)
    assert store.unsent() == [(filed.receipt_id, "cabin-1", filed.receipt)]
    store.sent(filed.receipt_id)
    assert store.unsent() == []


def test_only_the_newest_receipt_of_a_message_waits(store: SqliteStore) -> None:
    deliver(store, CHAIN[0].envelope)
    deliver(store, CHAIN[0].envelope)
    ((_, _, data),) = store.unsent()
    assert verify_receipt(data, RECORDS).status == "duplicate"


def test_content_and_receipt_are_one_transaction(store: SqliteStore) -> None:
    """A signer that fails leaves nothing behind, so the letter comes again and is new."""

    def broken(receipt: Receipt) -> bytes:
        raise RuntimeError("no key")

    opened = open_envelope(CHAIN[0].envelope, RECIPIENTS, POLICY)
    with pytest.raises(RuntimeError, match="no key"):
        store.file("cabin-1", bytes(32), opened, broken)
    assert store.records() == []
    assert deliver(store, CHAIN[0].envelope).status == "stored"


def test_a_store_that_fails_raises_so_that_nothing_is_acknowledged(store: SqliteStore) -> None:
    store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        receiver(store).handle("cabin-1", CHAIN[0].envelope)
    store._db.execute("PRAGMA query_only = OFF")
    assert deliver(store, CHAIN[0].envelope).status == "stored"


def test_two_gateways_may_share_one_store(tmp_path: Path) -> None:
    one, two = SqliteStore(tmp_path / "record.db"), SqliteStore(tmp_path / "record.db")
    assert deliver(one, CHAIN[0].envelope).status == "stored"
    assert deliver(two, CHAIN[0].envelope).status == "duplicate"
    assert deliver(two, CHAIN[1].envelope).highest == 2
    one.close()
    two.close()
