"""What the receiver makes of parts, of posts' receipts and of revoked signers; the record below it is real."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.envelope import FHIR, RECEIPT, Policy, Sealed, seal
from sync.keys import RecipientKey, Signers, SigningPair
from sync.part_rows import MOST_BYTES
from sync.parts import split
from sync.post_rows import pause
from sync.receipt import Receipt, Status, make_receipt, verify_receipt
from sync.receiver import Receiver
from sync.store import Post
from sync.store_sql import SqlStore
from tests.records import KINDS, Clock, opener
from tests.sync_parties import (
    CABIN,
    CABINS,
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

Open = Callable[[], SqlStore]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=KINDS)
def another(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Open]:
    yield from opener(request, tmp_path, clock)


@pytest.fixture
def store(another: Open) -> SqlStore:
    return another()


def receiver(store: SqlStore, policy: Policy = POLICY) -> Receiver:
    return Receiver(RECIPIENTS, policy, RECORD, store)


def large(number: int, size: int = 40_000) -> Sealed:
    """An envelope that has to travel in parts; noise does not shrink."""
    return sealed(number, body=os.urandom(size))


def parts(envelope: bytes, most: int = 8192) -> list[tuple[str, bytes]]:
    return [("cabin-1", part) for part in split(mid(1), envelope, most)]


# an envelope in parts


@pytest.mark.parametrize("together", [True, False])
def test_parts_in_any_order_by_two_gateways_are_one_letter(another: Open, together: bool) -> None:
    letter = large(1)
    pieces = parts(letter.envelope)[::-1]
    gateways = [receiver(another()), receiver(another())]
    if together:
        answers = [*gateways[0].receive(pieces[:5]), *gateways[1].receive(pieces[5:])]
    else:
        answers = [gateways[at % 2].handle(*piece) for at, piece in enumerate([*pieces[:4], *pieces[2:]])]
    (answer,) = (one for one in answers if one is not None)
    assert answers[-1] is answer
    said = verify_receipt(answer.receipt, RECORDS)
    assert (said.status, said.mid) == ("stored", mid(1))
    assert said.envelope_hash == hashlib.sha256(letter.envelope).digest()
    assert len(gateways[0].store.records()) == 1


def test_the_same_parts_again_are_a_duplicate(store: SqlStore) -> None:
    pieces = parts(large(1).envelope)
    for status in ("stored", "duplicate"):
        *others, last = receiver(store).receive(pieces)
        assert set(others) == {None}
        assert last is not None
        assert last.status == status


def test_parts_survive_a_restart(another: Open) -> None:
    pieces = parts(large(1).envelope)
    first = another()
    assert receiver(first).receive(pieces[:-1]) == [None] * (len(pieces) - 1)
    first.close()
    answer = receiver(another()).handle(*pieces[-1])
    assert answer is not None
    assert answer.status == "stored"


def test_letters_and_parts_come_mixed(store: SqlStore) -> None:
    pieces = parts(large(1).envelope)
    small = ("cabin-1", sealed(2).envelope)
    answers = receiver(store).receive([small, *pieces, small, ("cabin-2", pieces[0][1])])
    assert [one and one.status for one in answers] == [
        "stored", *[None] * (len(pieces) - 1), "stored", "duplicate", None,
    ]  # fmt: skip


def test_a_set_with_a_wrong_piece_is_refused_and_comes_again(store: SqlStore) -> None:
    envelope = large(1).envelope
    good, forged = parts(envelope), parts(envelope[:-1] + bytes([envelope[-1] ^ 1]))
    # The piece of another envelope under the name of this one, as a broker could forge it.
    stolen = forged[-1][1].replace(hashlib.sha256(envelope[:-1] + bytes([envelope[-1] ^ 1])).digest(),
                                   hashlib.sha256(envelope).digest())  # fmt: skip
    assert receiver(store).receive([("cabin-1", stolen), *good[:-1]]) == [None] * len(good)
    assert [(one.mid, one.reason) for one in store.quarantined()] == [(None, "malformed")]
    assert store.unsent() == []
    assert receiver(store).receive(good)[-1] is not None
    assert len(store.records()) == 1


def test_a_client_cannot_fill_the_record_with_parts(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.part_rows.MOST_BYTES", 100_000)
    letters = [large(number) for number in (1, 2, 3)]
    sets = [parts(letter.envelope) for letter in letters]
    for pieces in sets:
        receiver(store).receive(pieces[:-1])
    receiver(store).receive([("cabin-2", part) for _, part in sets[0][:-1]])
    # The oldest went, the newest is there; the other client's are its own.
    assert receiver(store).handle(*sets[0][-1]) is None
    assert receiver(store).handle("cabin-2", sets[0][-1][1]) is not None
    last = receiver(store).handle(*sets[2][-1])
    assert last is not None
    assert last.status == "stored"
    assert receiver(store).receive(sets[1])[-1] is not None


def test_the_largest_envelope_finds_room() -> None:
    from sync.envelope import MAX_ENVELOPE

    assert MOST_BYTES >= MAX_ENVELOPE + 512 * -(-MAX_ENVELOPE // 4000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(parts(b"x" * 9000))), max_size=6))
def test_whatever_comes_is_dealt_with(store: SqlStore, messages: list[bytes | tuple[str, bytes]]) -> None:
    named = [("cabin-9", each) if isinstance(each, bytes) else each for each in messages]
    assert set(receiver(store).receive(named)) <= {None}
    assert store.records() == []


# posts and the cabins' word on them

CABIN_KEY = RecipientKey.generate(demo=True)


def post(number: int = 1) -> Sealed:
    """An envelope from the record to a cabin."""
    return seal(
        b"settings", "application/vnd.cabin.config+cbor", recipient=CABIN_KEY.public, signer=RECORD,
        mid=mid(1000 + number), src=b"record-16-bytes!", seq=number, prev=bytes(32), stamp=STAMP,
    )  # fmt: skip


def answer_to(
    envelope: bytes,
    *,
    signer: SigningPair = CABIN,
    inner: SigningPair | None = None,
    name: bytes = mid(1001),
    status: Status = "stored",
    seq: int = 1,
) -> bytes:
    """The letter with which a cabin confirms a post."""
    digest = hashlib.sha256(envelope).digest()
    receipt = Receipt(name, digest, status, "no-key" if status == "rejected" else "", 1, b"record-16-bytes!", 1)
    return seal(
        make_receipt(receipt, inner or signer), RECEIPT, recipient=RECIPIENT.public, signer=signer,
        mid=os.urandom(16), src=SRC, seq=seq, prev=bytes(32), stamp=STAMP,
    ).envelope  # fmt: skip


def status_of(store: SqlStore) -> list[str]:
    return [status for _, status in store.posts()]


def test_a_post_is_due_until_the_cabin_has_answered(store: SqlStore, clock: Clock) -> None:
    envelope = post().envelope
    assert store.post("cabin-1", envelope) == store.post("cabin-1", envelope) == mid(1001)
    due = Post("cabin-1", mid(1001), envelope)
    assert store.posts_due() == [due]
    assert store.posts_due() == []
    clock.now_ms += pause(0)
    assert store.posts_due() == [due]
    answered = receiver(store).handle("cabin-1", answer_to(envelope))
    assert answered is not None
    assert answered.status == "stored"
    assert status_of(store) == ["stored"]
    store.hasten_posts()
    assert store.posts_due() == store.posts_due("cabin-1") == []
    assert store.posts()[0][0].envelope == b""


def test_pauses_grow_up_to_a_bound(store: SqlStore, clock: Clock) -> None:
    store.post("cabin-1", post().envelope)
    for attempt in range(10):
        assert len(store.posts_due()) == 1
        clock.now_ms += pause(attempt) - 1
        assert store.posts_due() == []
        clock.now_ms += 1
    assert [pause(n) // 1000 for n in (0, 1, 2, 6, 7, 50)] == [10, 20, 40, 640, 900, 900]


def test_a_cabin_that_is_heard_gets_its_posts_and_not_with_every_letter(store: SqlStore, clock: Clock) -> None:
    store.post("cabin-1", post(1).envelope)
    store.post("cabin-2", post(2).envelope)
    assert len(store.posts_due()) == 2
    assert store.posts_due("cabin-1") == []
    clock.now_ms += 5_000
    assert [one.client for one in store.posts_due("cabin-1")] == ["cabin-1"]
    assert store.posts_due("cabin-1") == []
    # A clock that is set back holds nothing up.
    clock.now_ms -= 10_000_000
    assert len(store.posts_due()) == 2


@pytest.mark.parametrize("status", ["duplicate", "rejected"])
def test_the_cabins_word_ends_the_sending(store: SqlStore, status: Status) -> None:
    envelope = post().envelope
    store.post("cabin-1", envelope)
    receiver(store).handle("cabin-1", answer_to(envelope, status=status))
    assert status_of(store) == [status]
    raised = [(a.kind, a.first, a.detail) for a in store.alarms()]
    assert raised == ([("post", 1, "cabin-1: no-key")] if status == "rejected" else [])


def test_the_same_answer_again_changes_nothing(store: SqlStore) -> None:
    envelope = post().envelope
    store.post("cabin-1", envelope)
    letter = answer_to(envelope)
    answers = [receiver(store).handle("cabin-1", letter) for _ in range(2)]
    assert [one and one.status for one in answers] == ["stored", "duplicate"]
    # A cabin that was restored from a copy might change its mind: its first word counts.
    receiver(store).handle("cabin-1", answer_to(envelope, status="rejected", seq=2))
    assert status_of(store) == ["stored"]
    assert "post" not in [alarm.kind for alarm in store.alarms()]


@pytest.mark.parametrize(
    ("client", "name", "envelope"),
    [("cabin-2", mid(1001), None), ("cabin-1", mid(1002), None), ("cabin-1", mid(1001), b"another")],
)
def test_an_answer_to_something_else_settles_nothing(
    store: SqlStore, client: str, name: bytes, envelope: bytes | None
) -> None:
    made = post().envelope
    store.post("cabin-1", made)
    receiver(store).handle(client, answer_to(envelope or made, name=name))
    assert status_of(store) == [""]
    assert store.posts_due() != []


def both() -> Signers:
    return {**CABINS, STRANGER.public.kid: STRANGER.public}


@pytest.mark.parametrize("inner", [STRANGER, RECORD])
def test_an_answer_that_another_signed_is_refused(store: SqlStore, inner: SigningPair) -> None:
    """Another cabin's pair is known too, and yet may not speak for this one."""
    envelope = post().envelope
    store.post("cabin-1", envelope)
    said = receiver(store, Policy(both())).handle("cabin-1", answer_to(envelope, inner=inner))
    assert said is not None
    assert verify_receipt(said.receipt, RECORDS).reason == "post-receipt"
    assert status_of(store) == [""]


def test_what_is_no_post_is_not_taken(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="seal it first"):
        store.post("cabin-1", b"settings")
    with pytest.raises(ValueError, match="at most"):
        store.post("cabin-1", bytes(200_000))
    assert store.posts() == []


# signers


def at(created_ms: int, number: int = 1, signer: SigningPair = CABIN) -> bytes:
    stamp = replace(STAMP, created_ms=created_ms)
    return seal(
        content(number), FHIR, recipient=RECIPIENT.public, signer=signer, mid=mid(number), src=SRC, seq=number,
        prev=bytes(32), stamp=stamp,
    ).envelope  # fmt: skip


@pytest.mark.parametrize(("created", "status"), [(999, "stored"), (1000, "rejected"), (1001, "rejected")])
def test_a_signer_is_revoked_from_a_time_on(store: SqlStore, created: int, status: str) -> None:
    answer = receiver(store, Policy(CABINS, revoked={CABIN.public.kid: 1000})).handle("cabin-1", at(created))
    assert answer is not None
    assert answer.status == status
    assert verify_receipt(answer.receipt, RECORDS).reason == ("signature" if status == "rejected" else "")


def test_a_signer_may_be_denied_outright(store: SqlStore) -> None:
    answer = receiver(store, Policy(CABINS, revoked={CABIN.public.kid: 0})).handle("cabin-1", at(0))
    assert answer is not None
    assert answer.status == "rejected"


def test_what_the_record_has_stays_a_duplicate_after_its_signer_was_revoked(store: SqlStore) -> None:
    receiver(store).handle("cabin-1", at(2000))
    strict = receiver(store, Policy(CABINS, revoked={CABIN.public.kid: 0}))
    known, new = strict.handle("cabin-1", at(2000)), strict.handle("cabin-1", at(2000, 2))
    assert known is not None
    assert new is not None
    assert (known.status, new.status) == ("duplicate", "rejected")
    assert len(store.records()) == 1


def test_others_are_not_revoked(store: SqlStore) -> None:
    policy = Policy(both(), revoked={CABIN.public.kid: 0})
    answer = receiver(store, policy).handle("cabin-1", at(2000, signer=STRANGER))
    assert answer is not None
    assert answer.status == "stored"


# content types, threads


@pytest.mark.parametrize("kind", ["", "a b", "x\0y", "x" * 128, "é"])
def test_a_type_that_no_database_need_take_is_refused(store: SqlStore, kind: str) -> None:
    letter = seal(
        b"x", kind, recipient=RECIPIENT.public, signer=CABIN, mid=mid(1), src=SRC, seq=1, prev=bytes(32), stamp=STAMP
    )
    answer = receiver(store).handle("cabin-1", letter.envelope)
    assert answer is not None
    assert verify_receipt(answer.receipt, RECORDS).reason == "content-type"


def test_answers_are_in_order_however_the_work_is_spread(store: SqlStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        spread = replace(receiver(store), spread=pool.map)
        answers = spread.receive([("cabin-1", sealed(number).envelope) for number in (3, 1, 2, 1)])
        assert [one.status for one in answers if one] == ["stored", "stored", "stored", "duplicate"]
        assert [verify_receipt(one.receipt, RECORDS).mid for one in answers if one] == [
            mid(3),
            mid(1),
            mid(2),
            mid(1),
        ]
        assert [one.receipt_id for one in spread.unsent()] == sorted({one.receipt_id for one in answers if one})
