"""The record against a plain model: any order, repetition, conflict, break and batch, by two gateways at once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.envelope import FHIR, Header, Opened, Protected, Stamp
from sync.keys import Signature
from sync.store import Accepted, Filed
from sync.store_postgres import PostgresStore
from sync.store_sql import SqlStore
from sync.store_sqlite import SqliteStore

NOW = 1_763_683_300_000
WORLDS = count()
"""One record serves many examples: each has senders, clients and messages of its own."""


@dataclass(frozen=True)
class Letter:
    """What the record looks at; two letters are the same message if their `name` is the same."""

    name: int
    body: int
    src: int
    seq: int
    broken: bool = False
    audit: int = 0

    def opened(self, world: int) -> Opened:
        src, name = sender(world, self.src), message(world, self.name)
        digest = hashlib.sha256(b"%d" % self.body).digest()
        stamp = Stamp(NOW, "ntp", bytes(16), (self.audit, bytes(32)))
        # The chain is a function of the number alone, so that letters fit together whatever was drawn.
        prev = bytes(32) if self.seq == 1 else _prot_hash(src, self.seq - 1)
        prot = _prot(src, self.seq)
        broken = bytes(31) + b"x" if self.broken else prev
        protected = Protected(bytes(32), FHIR, "", digest, stamp, broken)
        header = Header(1, bytes(16), name, src, self.seq, 2048)
        return Opened(header, protected, prot, (Signature(bytes(16), -19, bytes(64)),), b"%d" % self.body)

    def arrival(self, world: int = 0, client: str = "cabin") -> Accepted:
        return Accepted(f"{client}-{world}", b"%d" % hash(self), self.opened(world))


def sender(world: int, number: int) -> bytes:
    return hashlib.sha256(b"sender %d of %d" % (number, world)).digest()[:16]


def message(world: int, number: int) -> bytes:
    return hashlib.sha256(b"message %d of %d" % (number, world)).digest()[:16]


def _prot(src: bytes, seq: int) -> bytes:
    return src + b"%d" % seq


def _prot_hash(src: bytes, seq: int) -> bytes:
    return hashlib.sha256(_prot(src, seq)).digest()


@dataclass
class Model:
    """What a record is, without a thought for speed."""

    contents: dict[int, int] = field(default_factory=dict)
    places: dict[tuple[int, int], Letter] = field(default_factory=dict)
    reused: set[tuple[int, int]] = field(default_factory=set)

    def file(self, letter: Letter) -> str:
        known = self.contents.get(letter.name)
        if known is not None and known != letter.body:
            return "rejected"
        self.contents[letter.name] = letter.body
        there = self.places.setdefault((letter.src, letter.seq), letter)
        if there.name != letter.name:
            self.reused.add((letter.src, letter.seq))
        return "stored" if known is None else "duplicate"

    def whole(self, src: int) -> int:
        return next(n for n in range(1000) if (src, n + 1) not in self.places)

    def missing(self, src: int) -> set[int]:
        seqs = {seq for each, seq in self.places if each == src}
        return set(range(1, max(seqs, default=1))) - seqs

    def broken(self) -> set[tuple[int, int]]:
        return {
            (src, seq)
            for (src, seq), letter in self.places.items()
            if letter.broken and (seq == 1 or (src, seq - 1) in self.places)
        }

    def audits(self) -> set[int]:
        """Senders whose audit chain went back at some place."""
        found = set()
        for src in range(3):
            heads = [self.places[place].audit for place in sorted(self.places) if place[0] == src]
            if heads != sorted(heads):
                found.add(src)
        return found


LETTERS = st.builds(
    Letter,
    name=st.integers(0, 12),
    body=st.integers(0, 1),
    src=st.integers(0, 1),
    seq=st.integers(1, 8),
    broken=st.sampled_from([False, False, False, True]),
    audit=st.just(0),
)
BATCHES = st.lists(st.lists(LETTERS, min_size=1, max_size=5), max_size=8)
Two = tuple[SqlStore, SqlStore]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.processes)])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    """One record, opened by two gateways."""
    with ExitStack() as opened:
        url = request.getfixturevalue("postgres").new_schema() if request.param == "postgres" else ""
        path = tmp_path / "record.db"
        made = [PostgresStore(url, lambda: NOW) if url else SqliteStore(path, lambda: NOW) for _ in range(2)]
        for store in made:
            opened.callback(store.close)
        yield made[0], made[1]


def statuses(filed: Sequence[Filed | None]) -> list[str]:
    return [one.status for one in filed if one is not None]


def assert_is(store: SqlStore, world: int, model: Model) -> None:
    """The record says what the model says."""
    for name in range(13):
        record, body = store.find(message(world, name)), model.contents.get(name)
        assert (None if record is None else record.content) == (None if body is None else b"%d" % body)
    numbers = {sender(world, number): number for number in range(3)}
    alarms = [(numbers[a.src], a) for a in store.alarms() if a.src in numbers]
    found = {kind: {(src, a.first) for src, a in alarms if a.kind == kind} for kind in ("reuse", "chain", "audit")}
    assert (found["reuse"], found["chain"]) == (model.reused, model.broken())
    assert {src for src, _ in found["audit"]} == model.audits()
    for number in numbers.values():
        missing = model.missing(number)
        holes = [
            (a.closed_ms, set(range(a.first, a.last + 1))) for src, a in alarms if (src, a.kind) == (number, "hole")
        ]
        assert missing <= set().union(*(span for closed, span in holes if closed is None))
        assert all(bool(missing & span) == (closed is None) for closed, span in holes)


ON_ONE_RECORD = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ON_ONE_RECORD
@given(batches=BATCHES, turns=st.lists(st.booleans(), min_size=8, max_size=8))
def test_the_record_is_what_the_model_is(stores: Two, batches: list[list[Letter]], turns: list[bool]) -> None:
    world, model = next(WORLDS), Model()
    for turn, batch in zip(turns, batches, strict=False):
        filed = stores[turn].file([letter.arrival(world) for letter in batch])
        assert statuses(filed) == [model.file(letter) for letter in batch]
        last = {letter.src: one for letter, one in zip(batch, filed, strict=True) if one}
        for src, one in last.items():
            assert one.receipt.highest == model.whole(src)
    assert_is(stores[0], world, model)


@ON_ONE_RECORD
@given(heads=st.lists(st.integers(0, 3), min_size=1, max_size=6), order=st.randoms())
def test_an_audit_chain_that_went_back_is_seen_in_any_order(stores: Two, heads: list[int], order: Random) -> None:
    letters = [Letter(seq, 0, 0, seq, audit=head) for seq, head in enumerate(heads, 1)]
    order.shuffle(letters)
    world, model = next(WORLDS), Model()
    for letter in letters:
        stores[0].file([letter.arrival(world)])
        model.file(letter)
    assert_is(stores[0], world, model)


def test_within_one_batch_each_letter_meets_its_own_neighbours(stores: Two) -> None:
    store, _ = stores
    batch = [Letter(1, 0, 0, 1, audit=1), Letter(5, 0, 0, 5, audit=5), Letter(2, 0, 0, 2, broken=True, audit=3)]
    filed = store.file([letter.arrival() for letter in batch])
    assert [one.receipt.highest for one in filed if one] == [1, 1, 2]
    assert [(alarm.kind, alarm.first, alarm.last) for alarm in store.alarms()] == [("hole", 2, 4), ("chain", 2, 2)]


def test_two_gateways_at_once_miss_nothing_and_store_nothing_twice(stores: Two) -> None:
    letters = [Letter(src * 100 + seq, 0, src, seq) for src in range(3) for seq in range(1, 41)]
    failures: list[BaseException] = []
    said: list[str] = []
    ready = threading.Barrier(4)

    def work(store: SqlStore, mine: list[Letter]) -> None:
        ready.wait()
        try:
            for at in range(0, len(mine), 7):
                said.extend(statuses(store.file([letter.arrival() for letter in mine[at : at + 7]])))
        except BaseException as failure:
            failures.append(failure)

    # Two gateways with two lots each: every letter comes twice, and in two orders.
    lots = [letters, letters[::-1], letters[60:] + letters[:60], letters[::2] + letters[1::2]]
    threads = [threading.Thread(target=work, args=(stores[at % 2], lot)) for at, lot in enumerate(lots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (said.count("stored"), said.count("duplicate")) == (120, 360)
    assert len(stores[0].records()) == 120
    assert all(alarm.kind == "hole" and alarm.closed_ms for alarm in stores[0].alarms())
    (last,) = stores[1].file([letters[0].arrival()])
    assert last is not None
    assert last.receipt.highest == 40


def test_a_new_sender_id_does_not_begin_a_new_audit_chain(stores: Two) -> None:
    store, _ = stores
    store.file([Letter(1, 0, 0, 1, audit=9).arrival(), Letter(2, 0, 1, 1, audit=4).arrival()])
    assert [(a.kind, a.src, a.first) for a in store.alarms()] == [("audit", sender(0, 1), 1)]
    # Another cabin's chain is its own, and what grows is in order.
    store.file([Letter(3, 0, 2, 1, audit=2).arrival(client="other"), Letter(4, 0, 1, 2, audit=5).arrival()])
    assert len(store.alarms()) == 1


def test_a_letter_of_one_cabin_under_the_name_of_another_is_an_alarm(stores: Two) -> None:
    store, _ = stores
    store.file([Letter(1, 0, 0, 1).arrival(), Letter(2, 0, 0, 2).arrival(client="other")])
    (alarm,) = store.alarms()
    assert (alarm.kind, alarm.first, alarm.detail, alarm.closed_ms) == ("stranger", 2, "other-0", None)
    assert store.close_alarm(alarm.alarm)
    assert not store.close_alarm(alarm.alarm)
    assert not store.close_alarm(99)
    assert store.alarms()[0].closed_ms == NOW


def test_an_alarm_is_told_once(stores: Two, caplog: pytest.LogCaptureFixture) -> None:
    store, other = stores
    letter = Letter(1, 0, 0, 3)
    for each in (store, other, store):
        each.file([letter.arrival()])
    assert [record.getMessage() for record in caplog.records] == [
        f"alarm 1: hole at numbers 1 to 2 of sender {sender(0, 0).hex()} : see 'cabin gateway alarms'"
    ]
