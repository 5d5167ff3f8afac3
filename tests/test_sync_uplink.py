"""The whole way, cabin to record, over real brokers that are killed: nothing missing, nothing twice."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cabin_agent.demo.processes import free_port
from sync.gateway import Gateway
from sync.gateway_process import GatewaySettings, run_gateway
from sync.keyfile import save_key
from sync.link import Link, LinkSettings, Message, Up
from sync.outbox import Letter, Outbox
from sync.receiver import Check, Receiver
from sync.store_sqlite import SqliteStore
from sync.uplink import Uplink, UplinkSettings, UplinkStatus
from tests.broker import Broker, Child, Kind
from tests.sync_parties import (
    CABIN,
    POLICY,
    RECIPIENT,
    RECIPIENTS,
    RECORD,
    RECORDS,
    STRANGER,
    content,
    mid,
    receipt,
    sealed,
    sender,
)

pytestmark = pytest.mark.processes
FAST: dict[str, Any] = {"backoff_first": 0.05, "backoff_most": 0.3}


class Cabin:
    """An outbox with its uplink, and a memory of all that it wanted delivered."""

    def __init__(self, folder: Path, port: int, **more: Any) -> None:
        self.outbox = Outbox(folder / "outbox.db")
        self.sent: list[int] = []
        self.statuses: list[UplinkStatus] = []
        self.envelopes: list[bytes] = []
        self._changed = threading.Condition()
        settings = UplinkSettings("127.0.0.1", port, "cabin-1", **{"resend_after": 0.6, **FAST, **more})
        self.uplink = Uplink(self.outbox, settings, RECORDS, self._on_status, self._on_envelope)

    def _on_status(self, status: UplinkStatus) -> None:
        with self._changed:
            self.statuses.append(status)
            self._changed.notify_all()

    def _on_envelope(self, envelope: bytes) -> None:
        with self._changed:
            self.envelopes.append(envelope)
            self._changed.notify_all()

    def put(self, *numbers: int) -> None:
        for number in numbers:
            sender(self.outbox).send(mid(number), "application/fhir+json", content(number))
            self.sent.append(number)

    def wait(self, condition: Callable[[], bool], timeout: float = 20.0) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout), self.uplink.status

    def drain(self) -> None:
        self.wait(lambda: self.uplink.status.pending == 0 and self.outbox.counts().pending == 0)

    def close(self) -> None:
        self.uplink.stop()
        self.outbox.close()


def assert_record(path: Path, cabin: Cabin) -> None:
    """Exactly what was put is in the record: once each, unaltered, in one unbroken sequence."""
    store = SqliteStore(path)
    records = store.records()
    assert {record.mid: record.content for record in records} == {mid(n): content(n) for n in cabin.sent}
    assert len(records) == len(cabin.sent)
    assert sorted(record.seq for record in records) == list(range(1, len(records) + 1))
    assert all(alarm.kind == "hole" and alarm.closed_ms for alarm in store.alarms())
    store.close()
    assert cabin.outbox.counts().used == 0


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    kind: Kind = request.param
    made = Broker(kind, tmp_path)
    yield made
    made.kill()


@pytest.fixture
def cabin(tmp_path: Path, broker: Broker) -> Iterator[Cabin]:
    made = Cabin(tmp_path, broker.port, mqtt5=broker.mqtt5)
    yield made
    made.close()


class Far:
    """A gateway in this process, with its store."""

    def __init__(self, path: Path, port: int, check: Check | None = None, *, mqtt5: bool = True) -> None:
        self.store = SqliteStore(path)
        link = LinkSettings("127.0.0.1", port, "gateway", keep_session=True, mqtt5=mqtt5, **FAST)
        self.gateway = Gateway(link, Receiver(RECIPIENTS, POLICY, RECORD, self.store, check))
        self.gateway.start()

    def close(self) -> None:
        self.gateway.stop()
        self.store.close()


def gateway_process(broker: Broker, record: Path, mode: str) -> Child:
    """A gateway in a process of its own, which may be killed or kills itself."""
    return Child("gateway", str(broker.port), str(record), mode, str(broker.mqtt5))


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "record.db"


def test_letters_arrive_and_the_outbox_empties(broker: Broker, cabin: Cabin, record: Path) -> None:
    broker.start()
    far = Far(record, broker.port, mqtt5=broker.mqtt5)
    assert far.gateway.wait_connected(10)
    cabin.put(*range(10))
    cabin.uplink.start()
    cabin.put(*range(10, 40))
    cabin.drain()
    far.close()
    assert_record(record, cabin)
    status = cabin.uplink.status
    assert (status.connected, status.pending, status.quarantined, status.fault) == (True, 0, 0, "")
    assert status.last_receipt_ms is not None
    assert status.refused_receipts == 0
    assert cabin.uplink.stalled_for() < 5


def test_a_letter_larger_than_the_socket_arrives(broker: Broker, cabin: Cabin, record: Path) -> None:
    broker.start()
    far = Far(record, broker.port, mqtt5=broker.mqtt5)
    assert far.gateway.wait_connected(10)
    cabin.uplink.start()
    body = bytes(range(256)) * 12_000
    sender(cabin.outbox).send(mid(1), "application/vnd.cabin.recording+cbor", body)
    cabin.drain()
    found = far.store.find(mid(1))
    far.close()
    assert found is not None
    assert found.content == body


def test_the_broker_is_killed_before_during_and_after(broker: Broker, cabin: Cabin, record: Path) -> None:
    cabin.put(0)
    cabin.uplink.start()
    far = Far(record, broker.port, mqtt5=broker.mqtt5)
    cabin.wait(lambda: cabin.uplink.status.fault != "")
    assert not cabin.uplink.status.connected
    broker.start()
    cabin.drain()
    for round_number in range(2):
        first = 1 + round_number * 30
        cabin.put(*range(first, first + 15))
        broker.kill()  # in the middle of the delivery
        cabin.put(*range(first + 15, first + 30))
        broker.start()
        cabin.drain()
    broker.kill()
    cabin.put(90)
    broker.start()
    cabin.drain()
    far.close()
    assert_record(record, cabin)


@pytest.mark.parametrize("moment", ["opened", "commit", "committed"])
def test_the_gateway_is_killed_at_each_step(broker: Broker, cabin: Cabin, record: Path, moment: str) -> None:
    broker.start()
    cabin.put(*range(5))
    cabin.uplink.start()
    for mode in (moment, moment):
        child = gateway_process(broker, record, mode)
        assert child.process.wait(20) == -signal.SIGKILL
        child.end()
        cabin.put(len(cabin.sent))
    child = gateway_process(broker, record, "run")
    assert child.line() == "ready"
    cabin.drain()
    assert child.end() == 0
    assert_record(record, cabin)


def test_a_gateway_killed_at_random_moments(broker: Broker, cabin: Cabin, record: Path) -> None:
    broker.start()
    cabin.uplink.start()
    for round_number in range(3):
        child = gateway_process(broker, record, "run")
        assert child.line() == "ready"
        cabin.put(*range(round_number * 10, round_number * 10 + 10))
        time.sleep(0.05 * round_number)  # three different moments of the delivery
        child.end(signal.SIGKILL)
    child = gateway_process(broker, record, "run")
    assert child.line() == "ready"
    cabin.drain()
    assert child.end() == 0
    assert_record(record, cabin)


def test_a_cabin_that_is_stopped_and_started_again(broker: Broker, tmp_path: Path, record: Path) -> None:
    broker.start()
    far = Far(record, broker.port, mqtt5=broker.mqtt5)
    assert far.gateway.wait_connected(10)
    sent: list[int] = []
    for round_number in range(3):
        cabin = Cabin(tmp_path, broker.port, mqtt5=broker.mqtt5)
        cabin.uplink.start()
        cabin.put(*range(round_number * 8, round_number * 8 + 8))
        sent += cabin.sent
        if round_number < 2:
            cabin.close()
    cabin.sent = sent
    cabin.drain()
    far.close()
    assert_record(record, cabin)
    cabin.close()


def test_duplicates_are_receipted_and_stored_once(broker: Broker, cabin: Cabin, record: Path) -> None:
    broker.start()
    far = Far(record, broker.port, mqtt5=broker.mqtt5)
    assert far.gateway.wait_connected(10)
    cabin.put(1)
    (letter,) = cabin.outbox.due(0.0, 1)
    other = Link(LinkSettings("127.0.0.1", broker.port, "other", **FAST), [])
    while not any(isinstance(event, Up) for event in other.poll(0.2)):
        pass
    for _ in range(5):
        assert other.publish("dmst/v1/up/cabin-1", letter.envelope)
    other.close()
    cabin.uplink.start()
    cabin.drain()
    far.close()
    assert_record(record, cabin)


# One broker is enough for what follows.


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    made = Broker("mosquitto", tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def booth(tmp_path: Path, mosquitto: Broker) -> Iterator[Cabin]:
    made = Cabin(tmp_path, mosquitto.port)
    yield made
    made.close()


def listen(port: int, *topics: str) -> Link:
    link = Link(LinkSettings("127.0.0.1", port, "listener", **FAST), topics)
    while not any(isinstance(event, Up) for event in link.poll(0.2)):
        pass
    return link


def next_message(link: Link) -> Message:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for event in link.poll(0.2):
            if isinstance(event, Message):
                link.ack(event)
                return event
    raise AssertionError("no message")


def test_an_acknowledgement_of_the_broker_purges_nothing(mosquitto: Broker, booth: Cabin) -> None:
    ear = listen(mosquitto.port, "dmst/v1/up/+")
    booth.put(1)
    booth.uplink.start()
    first, second = next_message(ear), next_message(ear)  # acknowledged, and sent again all the same
    assert first.payload == second.payload
    assert booth.outbox.counts().pending == 1
    ear.close()


def test_forged_receipts_are_counted_and_purge_nothing(mosquitto: Broker, booth: Cabin) -> None:
    ear = listen(mosquitto.port, "dmst/v1/up/+")
    booth.put(1)
    booth.uplink.start()
    envelope = next_message(ear).payload
    src = booth.outbox.src
    for forged in (receipt(mid(1), envelope, src, signer=STRANGER), receipt(mid(1), envelope + b"x", src)):
        ear.publish("dmst/v1/down/cabin-1", forged)
    ear.poll(0.1)
    booth.wait(lambda: booth.uplink.status.refused_receipts == 2)
    assert booth.outbox.counts().pending == 1
    ear.publish("dmst/v1/down/cabin-1", receipt(mid(1), envelope, src))
    ear.poll(0.1)
    booth.drain()
    ear.close()


def test_a_rejected_letter_is_quarantined_at_both_ends(mosquitto: Broker, booth: Cabin, record: Path) -> None:
    far = Far(record, mosquitto.port, lambda kind, body: "not-fhir" if b'"total": 2' in body else None)
    assert far.gateway.wait_connected(10)
    booth.put(1, 2, 3)
    booth.uplink.start()
    booth.wait(lambda: booth.uplink.status.quarantined == 1 and booth.uplink.status.pending == 0)
    assert [(entry.mid, entry.reason) for entry in booth.outbox.entries()] == [(mid(2), "not-fhir")]
    assert [(one.client, one.mid, one.reason) for one in far.store.quarantined()] == [("cabin-1", mid(2), "not-fhir")]
    assert {one.mid for one in far.store.records()} == {mid(1), mid(3)}
    far.close()


def test_status_is_retained_and_technical(mosquitto: Broker, booth: Cabin) -> None:
    ear = listen(mosquitto.port, "cabin/v1/+/status")
    booth.uplink.start()
    message = next_message(ear)
    assert (message.topic, message.payload) == ("cabin/v1/cabin-1/status", b'{"online": true}')
    booth.uplink.stop()
    assert next_message(ear).payload == b'{"online": false}'
    ear.close()
    late = listen(mosquitto.port, "cabin/v1/+/status")
    assert next_message(late).payload == b'{"online": false}'
    late.close()


def test_an_envelope_from_the_record_is_handed_on(mosquitto: Broker, booth: Cabin) -> None:
    booth.uplink.start()
    booth.wait(lambda: booth.uplink.status.connected)
    ear = listen(mosquitto.port)
    ear.publish("dmst/v1/down/cabin-1", sealed(7).envelope[:4000])
    ear.publish("dmst/v1/down/cabin-1", sealed(8).envelope)
    ear.poll(0.1)
    booth.wait(lambda: len(booth.envelopes) == 2)
    ear.close()


def test_listeners_that_raise_stop_nothing(mosquitto: Broker, tmp_path: Path, record: Path) -> None:
    def broken(thing: object) -> None:
        raise RuntimeError("a page that is gone")

    far = Far(record, mosquitto.port)
    assert far.gateway.wait_connected(10)
    cabin = Cabin(tmp_path, mosquitto.port)
    uplink = Uplink(
        cabin.outbox, UplinkSettings("127.0.0.1", mosquitto.port, "cabin-1", **FAST), RECORDS, broken, broken
    )
    settled = threading.Event()
    settle = cabin.outbox.settle_many

    def watch(*arguments: Any, **named: Any) -> Any:
        result = settle(*arguments, **named)
        settled.set()
        return result

    cabin.outbox.settle_many = watch  # type: ignore[method-assign]
    uplink.start()
    cabin.put(1)
    assert settled.wait(10)
    uplink.stop()
    assert "RuntimeError" in uplink.status.fault
    assert "gone" not in uplink.status.fault
    far.close()
    assert_record(record, cabin)
    cabin.close()


def test_an_outbox_that_fails_for_a_while_does_not_end_the_uplink(
    mosquitto: Broker, booth: Cabin, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Far(record, mosquitto.port)
    assert far.gateway.wait_connected(10)

    def broken(now: float, limit: int) -> list[Letter]:
        raise OSError("disk")

    monkeypatch.setattr(booth.outbox, "due", broken)
    booth.put(1)
    booth.uplink.start()
    booth.wait(lambda: booth.uplink.status.fault == "OSError")
    monkeypatch.undo()
    booth.drain()
    far.close()
    assert_record(record, booth)


def test_a_store_that_fails_for_a_while_loses_nothing(
    mosquitto: Broker, booth: Cabin, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Far(record, mosquitto.port)
    assert far.gateway.wait_connected(10)
    failed = threading.Event()

    def broken(*_: object) -> None:
        failed.set()
        raise OSError("disk")

    monkeypatch.setattr(far.store, "file", broken)
    booth.put(1, 2)
    booth.uplink.start()
    assert failed.wait(10)
    monkeypatch.undo()
    booth.drain()
    far.close()
    assert_record(record, booth)


def test_what_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    cabin = Cabin(tmp_path, free_port())
    cabin.close()
    store = SqliteStore(tmp_path / "record.db")
    Gateway(LinkSettings("127.0.0.1", 1, "gateway"), Receiver(RECIPIENTS, POLICY, RECORD, store)).stop()
    store.close()


def test_the_gateway_as_a_process_reads_its_keys(
    mosquitto: Broker, booth: Cabin, tmp_path: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "signers").mkdir()
    save_key(tmp_path / "signers" / "cabin-1.json", CABIN.public)
    save_key(tmp_path / "recipient.json", RECIPIENT)
    save_key(tmp_path / "signing.json", RECORD)
    handlers: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(signal, "signal", lambda number, handler: handlers.update({number: handler}))
    settings = GatewaySettings(
        LinkSettings("127.0.0.1", mosquitto.port, "gateway", **FAST),
        record,
        (tmp_path / "recipient.json",),
        tmp_path / "signing.json",
        tmp_path / "signers",
        demo=True,
    )
    thread = threading.Thread(target=run_gateway, args=(settings,))
    thread.start()
    booth.put(1)
    booth.uplink.start()
    booth.drain()
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    thread.join(10)
    assert not thread.is_alive()
    assert_record(record, booth)
