"""Gateways over a real broker: several on one record, one killed; posts to a cabin that is away; a lost record."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.envelope import RECEIPT, Header, peek
from sync.gateway import Gateway, _batches
from sync.gateway_process import open_store
from sync.link import LinkSettings, Message
from sync.outbox import Outbox
from sync.receipt import Receipt, make_receipt
from sync.receiver import Answer, Receiver
from sync.store import Rejected, Unsent
from sync.store_sql import SqlStore
from sync.store_sqlite import SqliteStore
from sync.uplink import Uplink, UplinkSettings
from tests.broker import Broker
from tests.gateways import Gateways
from tests.postgres import Postgres
from tests.sync_parties import CABIN, POLICY, RECIPIENTS, RECORD, RECORDS, SRC, content, mid, sender
from tests.test_sync_receiver import post

pytestmark = pytest.mark.processes
FAST: dict[str, Any] = {"backoff_first": 0.05, "backoff_most": 0.3}
PATIENCE_S = 90.0


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is true that nobody tells."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


class Cabin:
    """An outbox with its uplink, and what the record sent to it."""

    def __init__(self, folder: Path, port: int, resend_after: float = 1.0) -> None:
        self.outbox = Outbox(folder / "outbox.db")
        self.posts: list[bytes] = []
        settings = UplinkSettings("127.0.0.1", port, "cabin-1", resend_after=resend_after, **FAST)
        self.uplink = Uplink(self.outbox, settings, RECORDS, None, self.posts.append)

    def put(self, *numbers: int) -> None:
        for number in numbers:
            sender(self.outbox).send(mid(number), "application/fhir+json", content(number))

    def drain(self) -> None:
        eventually(lambda: self.outbox.counts().pending == 0)

    def close(self) -> None:
        self.uplink.stop()
        self.outbox.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker("mosquitto", tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def cabin(tmp_path: Path, broker: Broker) -> Iterator[Cabin]:
    made = Cabin(tmp_path, broker.port)
    yield made
    made.close()


def in_process(broker: Broker, store: SqlStore, group: str = "") -> Gateway:
    link = LinkSettings("127.0.0.1", broker.port, "gateway", keep_session=not group, **FAST)
    gateway = Gateway(link, Receiver(RECIPIENTS, POLICY, RECORD, store), group=group)
    gateway.start()
    assert gateway.wait_connected(60)
    return gateway


@pytest.mark.parametrize(
    ("count", "group", "kind"), [(2, "record", "sqlite"), (4, "record", "postgres"), (2, "", "postgres")]
)
def test_several_gateways_and_one_is_killed(
    request: pytest.FixtureRequest, tmp_path: Path, broker: Broker, cabin: Cabin, count: int, group: str, kind: str
) -> None:
    where = str(tmp_path / "record.db")
    if kind == "postgres":
        where = request.getfixturevalue("postgres").new_schema()
    fleet = Gateways(count, broker.port, where, group)
    try:
        record = open_store(where)
        cabin.put(*range(100))
        cabin.uplink.start()
        eventually(lambda: len(record.unsent()) > 0 or cabin.outbox.counts().pending < 80)
        fleet.kill()
        cabin.drain()
        brought = fleet.end()
    finally:
        fleet.close()
    records = record.records()
    assert sorted((each.mid, each.content) for each in records) == sorted((mid(n), content(n)) for n in range(100))
    assert sorted(each.seq for each in records) == list(range(1, 101))
    assert all(alarm.kind == "hole" and alarm.closed_ms for alarm in record.alarms())
    assert record.quarantined() == []
    assert all(brought), "each has its part of the work"
    if not group:
        assert all(each >= 20 for each in brought), "each is brought everything"
    record.close()


def test_a_broker_without_shared_subscriptions_is_found_out(
    tmp_path: Path, cabin: Cabin, broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such a broker takes the name of a group for that of a topic, which nobody writes to."""
    monkeypatch.setattr("sync.gateway._ECHO", 0.3)
    monkeypatch.setattr("sync.gateway._SHARED", "$shared/")
    store = SqliteStore(tmp_path / "record.db")
    gateway = in_process(broker, store, "record")
    cabin.put(1)
    cabin.uplink.start()
    cabin.drain()
    gateway.stop()
    assert "no shared subscriptions" in caplog.text
    assert [each.mid for each in store.records()] == [mid(1)]
    store.close()


def test_a_group_of_one_that_hears_itself_stays_a_group(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(tmp_path / "record.db")
    gateway = in_process(broker, store, "record")
    eventually(lambda: gateway._echo_by is None)
    gateway.stop()
    assert "no shared subscriptions" not in caplog.text
    assert (store.quarantined(), store.records()) == ([], [])
    store.close()


def test_a_receipt_that_found_the_connection_full_goes_out_a_moment_later(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path / "record.db")
    gateway = in_process(broker, store)
    publish, refused = gateway._link.publish, threading.Event()

    def full_once(topic: str, payload: bytes, **more: bool) -> bool:
        if not refused.is_set():
            refused.set()
            return False
        return publish(topic, payload, **more)

    monkeypatch.setattr(gateway._link, "publish", full_once)
    cabin = Cabin(tmp_path, broker.port, resend_after=3600.0)
    cabin.put(1)
    cabin.uplink.start()
    cabin.drain()
    cabin.close()
    gateway.stop()
    assert refused.is_set()
    assert store.unsent() == []
    store.close()


def test_receipts_that_wait_are_signed_as_fast_as_the_broker_takes_them(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that withholds its answers must not have all receipts signed, again and again."""
    store = SqliteStore(tmp_path / "record.db")
    refused = [Header(1, bytes(32), mid(number), SRC, number, 1024) for number in range(1, 301)]
    store.file([Rejected("cabin-1", header.mid, header, "decrypt") for header in refused])
    monkeypatch.setattr("sync.link._QUEUE", 100)
    monkeypatch.setattr("sync.link._INFLIGHT", 0)
    signed: list[int] = []
    sign = Receiver._sign_again

    def counted(self: Receiver, one: Unsent) -> Answer:
        signed.append(one.receipt_id)
        return sign(self, one)

    monkeypatch.setattr(Receiver, "_sign_again", counted)
    gateway = in_process(broker, store)
    eventually(lambda: len(store.unsent()) == 200)
    for _ in range(5):
        turned = gateway._turned_at
        gateway._link.wake()
        eventually(lambda turned=turned: gateway._turned_at > turned)  # type: ignore[misc]
    gateway.stop()
    assert len(signed) == 100
    assert len(store.unsent()) == 200
    monkeypatch.undo()
    again = in_process(broker, store)
    eventually(lambda: store.unsent() == [])
    again.stop()
    store.close()


# posts


def confirm(cabin: Cabin, envelope: bytes) -> None:
    """The cabin's word on a post, through its outbox."""
    header = peek(envelope)
    said = Receipt(header.mid, hashlib.sha256(envelope).digest(), "stored", "", 1, header.src, header.seq)
    sender(cabin.outbox).send(os.urandom(16), RECEIPT, make_receipt(said, CABIN))


def test_a_post_reaches_a_cabin_that_was_away_over_a_broker_that_forgets(
    tmp_path: Path, broker: Broker, cabin: Cabin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.post_rows.FIRST_MS", 100)
    monkeypatch.setattr("sync.post_rows.MOST_MS", 400)
    store = SqliteStore(tmp_path / "record.db")
    gateway = in_process(broker, store)
    envelope = post().envelope
    store.post("cabin-1", envelope)
    # Sent to nobody, and then the broker forgets that it ever was.
    eventually(lambda: store.database.connection.execute("SELECT attempts FROM post").fetchone()[0] > 0)
    broker.kill()
    broker.start()
    cabin.uplink.start()
    eventually(lambda: envelope in cabin.posts)
    # Twice is no harm: without an answer it comes again.
    eventually(lambda: cabin.posts.count(envelope) > 1)
    confirm(cabin, envelope)
    confirm(cabin, envelope)
    eventually(lambda: [status for _, status in store.posts()] == ["stored"])
    cabin.drain()
    gateway.stop()
    assert len(store.records()) == 2
    assert store.alarms() == []
    store.close()


def test_a_letter_of_the_cabin_fetches_its_post(
    tmp_path: Path, broker: Broker, cabin: Cabin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.gateway._POSTS_EVERY", 0.05)
    store = SqliteStore(tmp_path / "record.db")
    gateway = in_process(broker, store)
    first = post().envelope
    store.post("cabin-1", first)
    eventually(lambda: store.database.connection.execute("SELECT attempts FROM post").fetchone()[0] > 0)
    # The next attempt by the clock is far; the spacing has passed.
    store.database.connection.execute("UPDATE post SET sent_ms = 0, due_ms = 9000000000000")
    cabin.put(1)
    cabin.uplink.start()
    eventually(lambda: first in cabin.posts)
    cabin.drain()
    gateway.stop()
    store.close()


# a record that is lost for a while


def test_nothing_is_acknowledged_while_the_database_is_gone(broker: Broker, cabin: Cabin, postgres: Postgres) -> None:
    store = open_store(postgres.new_schema())
    gateway = in_process(broker, store)
    cabin.uplink.start()
    cabin.put(*range(5))
    cabin.drain()
    postgres.kill()
    cabin.put(*range(5, 10))
    eventually(lambda: "database" in gateway.fault)
    assert gateway.stalled_for() < 60
    assert cabin.outbox.counts().pending == 5
    postgres.start()
    cabin.drain()
    eventually(lambda: gateway.fault == "")
    gateway.stop()
    assert sorted(each.mid for each in store.records()) == sorted(mid(number) for number in range(10))
    store.close()


def test_messages_are_filed_in_bounded_lots() -> None:
    def message(size: int) -> Message:
        return Message("dmst/v1/up/c", bytes(size), 1, 1, None)  # type: ignore[arg-type]

    sizes = [1, 2, (16 << 20) - 3, 1, 40 << 20, 5]
    lots = [[len(one.payload) for one in lot] for lot in _batches([message(size) for size in sizes])]
    assert lots == [[1, 2, (16 << 20) - 3], [1], [40 << 20], [5]]
    assert _batches([]) == []
