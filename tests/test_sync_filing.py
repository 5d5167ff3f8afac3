"""Whose letter it is: the signing key says so, and neither the topic nor a message id that anybody can read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync.envelope import CONFIG, FHIR, NO_PREVIOUS, RECEIPT, Policy, seal
from sync.keyfile import clients_of, save_key
from sync.keys import SigningPair
from sync.parts import split
from sync.receipt import Receipt, make_receipt, verify_receipt
from sync.receiver import Receiver
from sync.store import CONFLICT
from sync.store_sql import SqlStore
from tests.records import KINDS, Clock, opener
from tests.sync_parties import CABIN, RECIPIENT, RECIPIENTS, RECORD, RECORDS, STAMP, STRANGER, mid

OTHER = STRANGER
"""The pair of another cabin, which is let in too."""
KNOWN = {pair.public.kid: pair.public for pair in (CABIN, OTHER)}
CLIENTS = {CABIN.public.kid: "c-a", OTHER.public.kid: "c-b"}
POST = b"record-16-bytes!"


@pytest.fixture(params=KINDS)
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], SqlStore]]:
    yield from opener(request, tmp_path, Clock())


@pytest.fixture
def store(another: Callable[[], SqlStore]) -> SqlStore:
    return another()


def receiver(store: SqlStore, policy: Policy | None = None) -> Receiver:
    return Receiver(RECIPIENTS, policy or Policy(KNOWN), RECORD, store, clients=CLIENTS)


def letter(
    signer: SigningPair,
    body: bytes = b"{}",
    *,
    name: bytes | None = None,
    src: bytes | None = None,
    seq: int = 1,
    audit: int = 1,
    kind: str = FHIR,
) -> bytes:
    stamp = replace(STAMP, audit=(audit, hashlib.sha256(b"%d" % audit).digest()))
    return seal(
        body, kind, recipient=RECIPIENT.public, signer=signer, mid=name or os.urandom(16), src=src or os.urandom(16),
        seq=seq, prev=NO_PREVIOUS, stamp=stamp,
    ).envelope  # fmt: skip


def hear(store: SqlStore, client: str, envelope: bytes, policy: Policy | None = None) -> Receipt:
    answer = receiver(store, policy).handle(client, envelope)
    assert answer is not None
    return verify_receipt(answer.receipt, RECORDS)


def raised(store: SqlStore) -> list[tuple[str, int, str]]:
    return [(alarm.kind, alarm.first, alarm.detail) for alarm in store.alarms()]


# message ids


def test_nobody_keeps_anothers_letter_out_with_its_message_id(store: SqlStore) -> None:
    mine = letter(CABIN, b"mine", name=mid(1))
    assert hear(store, "c-b", letter(OTHER, b"squatter", name=mid(1))).status == "stored"
    assert hear(store, "c-a", mine).status == "stored"
    assert hear(store, "c-a", mine).status == "duplicate"
    assert [record.content for record in store.records()] == [b"squatter", b"mine"]
    assert raised(store) == [("rival", 1, "R-00000001")]
    assert store.bundles_waiting() == (2, 0)


@pytest.mark.parametrize("first", [CABIN, OTHER])
def test_one_signers_other_content_stays_a_conflict(store: SqlStore, first: SigningPair) -> None:
    for signer, client in ((first, "c-a"), (CABIN, "c-a")):
        hear(store, client, letter(signer, b"once", name=mid(1)))
    if first is OTHER:
        assert hear(store, "c-a", letter(CABIN, b"twice", name=mid(1))).status == "stored"
    said = hear(store, "c-a", letter(CABIN, b"thrice", name=mid(1)))
    assert (said.status, said.reason) == ("rejected", CONFLICT)


def test_the_same_content_of_another_signer_is_a_duplicate(store: SqlStore) -> None:
    """A cabin whose key was changed sends what it still has, sealed anew."""
    hear(store, "c-a", letter(CABIN, b"once", name=mid(1)))
    assert hear(store, "c-b", letter(OTHER, b"once", name=mid(1))).status == "duplicate"
    assert len(store.records()) == 1


def test_a_revoked_signer_adds_nothing_under_a_known_message_id(store: SqlStore) -> None:
    hear(store, "c-a", letter(CABIN, b"mine", name=mid(1)))
    revoked = Policy(KNOWN, revoked={OTHER.public.kid: 0})
    said = hear(store, "c-b", letter(OTHER, b"thief", name=mid(1)), revoked)
    assert (said.status, said.reason) == ("rejected", "signature")


# posts


def answer(signer: SigningPair, envelope: bytes, reason: str = "") -> bytes:
    status, digest = ("rejected" if reason else "stored"), hashlib.sha256(envelope).digest()
    said = Receipt(mid(99), digest, status, reason, 1, POST, 1)  # type: ignore[arg-type]
    return letter(signer, make_receipt(said, signer), kind=RECEIPT)


def posted(store: SqlStore) -> bytes:
    envelope = seal(
        b"settings", CONFIG, recipient=RECIPIENT.public, signer=RECORD, mid=mid(99), src=POST, seq=1,
        prev=NO_PREVIOUS, stamp=STAMP,
    ).envelope  # fmt: skip
    store.post("c-a", envelope)
    return envelope


def test_another_cabin_does_not_answer_a_post(store: SqlStore) -> None:
    envelope = posted(store)
    assert hear(store, "c-a", answer(OTHER, envelope)).status == "stored"
    assert [said for _, said in store.posts()] == [""]
    assert raised(store) == [("stranger", 1, "c-a")]
    hear(store, "c-a", answer(CABIN, envelope))
    assert [said for _, said in store.posts()] == ["stored"]


def test_a_refused_post_names_its_cabin_in_one_plain_line(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    hear(store, "c-a", answer(CABIN, posted(store), "no\nCRITICAL all is well \x1b[2J\0" + "x" * 99))
    ((kind, _, detail),) = raised(store)
    assert (kind, detail[:10], len(detail) < 100) == ("post", r"c-a: no\nC", True)
    (told,) = caplog.messages
    assert told.isprintable()


# topics and audit heads


def test_a_letter_on_anothers_topic_is_filed_and_told_once(store: SqlStore) -> None:
    src = os.urandom(16)
    for seq in (1, 2, 3):
        client = "c-a" if seq == 3 else "c-b"
        assert hear(store, client, letter(CABIN, src=src, seq=seq)).status == "stored"
    assert [each for each in raised(store) if each[0] != "chain"] == [("stranger", 1, "c-b")]
    hear(store, "c-a", letter(CABIN, src=src, seq=4))
    assert [kind for kind, *_ in raised(store)].count("stranger") == 1


def test_a_letter_on_anothers_topic_does_not_move_its_audit_head(store: SqlStore) -> None:
    hear(store, "c-b", letter(OTHER, audit=500))
    hear(store, "c-b", letter(CABIN, audit=7))
    assert [kind for kind, *_ in raised(store)] == ["stranger"]
    hear(store, "c-b", letter(OTHER, audit=300))
    assert [kind for kind, *_ in raised(store)] == ["stranger", "audit"]


# parts


def test_only_clients_that_are_let_in_may_leave_parts(store: SqlStore) -> None:
    pieces = split(mid(1), letter(CABIN, os.urandom(20_000), name=mid(1)), 8192)
    assert receiver(store).receive([("c-invented", piece) for piece in pieces]) == [None] * len(pieces)
    assert [(one.client, one.reason, one.mid) for one in store.quarantined()] == [
        ("c-invented", "stranger", None)
    ] * len(pieces)
    assert store._all("SELECT id FROM parcel") == []
    *others, last = receiver(store).receive([("c-a", piece) for piece in pieces])
    assert (set(others), last and last.status) == ({None}, "stored")


def test_all_parts_together_have_a_bound(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.part_rows.MOST_OF_ALL", 100_000)
    sets = [split(mid(n), letter(CABIN, os.urandom(30_000), name=mid(n)), 8192) for n in (1, 2)]
    receiver(store).receive([("c-a", piece) for piece in sets[0][:-1]])
    receiver(store).receive([("c-b", piece) for piece in sets[1][:-1]])
    # The oldest went, whosever it was; the newest is there.
    assert receiver(store).handle("c-a", sets[0][-1]) is None
    last = receiver(store).handle("c-b", sets[1][-1])
    assert last is not None
    assert last.status == "stored"


def test_a_key_file_is_named_after_its_client(tmp_path: Path) -> None:
    for name, pair in (("c-1f", CABIN), ("c-1f~00ff00ff", OTHER)):
        save_key(tmp_path / f"{name}.json", pair.public)
    assert clients_of(tmp_path.glob("*.json")) == {pair.public.kid: "c-1f" for pair in (CABIN, OTHER)}
