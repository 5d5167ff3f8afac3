"""What brokers and networks do to letters: nothing is lost by it, and the status says what is wrong."""

from __future__ import annotations

import gc
import itertools
import logging
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sync.link
import sync.uplink
from cabin_agent.demo.processes import free_port
from sync.bound import FLOOR, MOST
from sync.link import Link, Message
from sync.outbox import Outbox
from sync.underway import Underway
from sync.uplink import SILENT, Uplink, UplinkSettings
from tests.broker import Broker
from tests.stub_record import StubRecord
from tests.sync_parties import RECORDS, blank_sealer, mid, receipt, sender
from tests.tcp_relay import TcpRelay
from tests.test_sync_uplink import Cabin, Far, assert_record, listen, next_message

pytestmark = pytest.mark.processes

Start = Callable[..., Broker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a mosquitto with more lines in its settings."""
    made: list[Broker] = []

    def begin(extra: str = "") -> Broker:
        made.append(Broker("mosquitto", tmp_path, extra))
        made[-1].start()
        return made[-1]

    yield begin
    for broker in made:
        broker.kill()


@pytest.fixture
def booth(tmp_path: Path) -> Iterator[Callable[..., Cabin]]:
    made: list[Cabin] = []

    def begin(port: int, **more: Any) -> Cabin:
        made.append(Cabin(tmp_path, port, **more))
        return made[-1]

    yield begin
    for cabin in made:
        cabin.close()


def put_large(cabin: Cabin, number: int, size: int) -> None:
    """A letter whose content no compression makes smaller."""
    body = random.Random(number).randbytes(size)
    sender(cabin.outbox).send(mid(number), "application/vnd.cabin.recording+cbor", body)


# Large letters.


@pytest.mark.parametrize("mqtt5", [True, False])
def test_a_large_letter_arrives_in_parts(start: Start, booth: Callable[..., Cabin], mqtt5: bool) -> None:
    broker = start()
    record = StubRecord(broker.port)
    cabin = booth(broker.port, mqtt5=mqtt5)
    put_large(cabin, 1, 900_000)
    cabin.put(2)
    cabin.uplink.start()
    cabin.drain()
    assert record.seen == {mid(1): 1, mid(2): 1}
    assert max(record.sizes) <= MOST
    assert sum(size > MOST // 2 for size in record.sizes) == 5  # 1 MiB and what stands around it
    assert (cabin.uplink.status.mqtt, cabin.uplink.status.packet_most) == ("5" if mqtt5 else "3.1.1", MOST)
    record.close()


def test_an_announced_limit_is_kept_from_the_first_message(start: Start, booth: Callable[..., Cabin]) -> None:
    broker = start("max_packet_size 20000\n")
    record = StubRecord(broker.port)
    cabin = booth(broker.port)
    put_large(cabin, 1, 100_000)
    cabin.uplink.start()
    cabin.drain()
    assert record.seen == {mid(1): 1}
    assert 15_000 < max(record.sizes) < 20_000
    assert cabin.uplink.status.packet_most == 20_000 - 10 - len("dmst/v1/up/cabin-1")
    assert all(status.connected for status in cabin.statuses if status.packet_most < MOST)
    record.close()


@pytest.mark.parametrize("limit", ["max_packet_size", "message_size_limit"])
@pytest.mark.parametrize("mqtt5", [True, False])
def test_a_limit_that_nobody_tells_is_found(
    start: Start, booth: Callable[..., Cabin], limit: str, mqtt5: bool
) -> None:
    # Under 3.1.1 mosquitto hangs up over the first, and acknowledges and throws away over the second.
    broker = start(f"{limit} 40000\n")
    record = StubRecord(broker.port)
    cabin = booth(broker.port, mqtt5=mqtt5)
    cabin.put(1)
    put_large(cabin, 2, 400_000)
    cabin.put(3)
    cabin.uplink.start()
    cabin.drain()
    assert record.seen.keys() == {mid(1), mid(2), mid(3)}
    assert FLOOR <= cabin.uplink.status.packet_most <= 40_000
    assert sum(not status.connected for status in cabin.statuses) < 20
    record.close()


def test_a_window_of_bytes_is_kept_and_one_letter_may_exceed_it(start: Start, booth: Callable[..., Cabin]) -> None:
    broker = start()
    ear = listen(broker.port, "dmst/v1/up/+")
    cabin = booth(broker.port, window_bytes=30_000, resend_after=60)
    for number in range(3):
        put_large(cabin, number, 20_000)
    cabin.uplink.start()
    first = next_message(ear)
    while cabin.outbox.load(0.0)[0] < 1:
        time.sleep(0.01)
    more = [event for event in ear.poll(0.3) if isinstance(event, Message)]
    assert not more, ([one.payload == first.payload for one in more], cabin.statuses)
    ear.publish("dmst/v1/down/cabin-1", receipt(mid(0), first.payload, cabin.outbox.src))
    assert len(next_message(ear).payload) == len(first.payload)
    ear.close()


# Brokers that give letters to nobody.


def test_nobody_listening_is_told_and_the_letter_is_kept(
    start: Start, booth: Callable[..., Cabin], tmp_path: Path
) -> None:
    broker = start()
    cabin = booth(broker.port)
    cabin.put(1, 2, 3)
    cabin.uplink.start()
    cabin.wait(lambda: cabin.uplink.status.fault.startswith("no subscriber"))
    assert (cabin.uplink.status.connected, cabin.uplink.status.pending) == (True, 3)
    far = Far(tmp_path / "record.db", broker.port)
    cabin.drain()
    far.close()
    assert_record(tmp_path / "record.db", cabin)
    assert cabin.uplink.status.fault == ""


@pytest.mark.parametrize(("mqtt5", "fault"), [(True, "not authorized"), (False, SILENT)])
def test_a_cabin_without_permission_is_told(
    start: Start, booth: Callable[..., Cabin], mqtt5: bool, fault: str
) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir="/var/tmp", prefix="acl-"
    ) as acl:  # mosquitto is not root when it reads
        acl.write("topic read dmst/v1/down/+\ntopic write cabin/v1/+/status\n")
        acl.flush()
        Path(acl.name).chmod(0o644)
        broker = start(f"acl_file {acl.name}\n")
    cabin = booth(broker.port, mqtt5=mqtt5, resend_after=0.1)
    cabin.put(1)
    cabin.uplink.start()
    cabin.wait(lambda: cabin.uplink.status.fault.startswith(fault))
    assert cabin.outbox.counts().pending == 1


def test_a_status_that_nobody_reads_is_no_fault_and_holds_up_nothing(
    start: Start, booth: Callable[..., Cabin]
) -> None:
    broker = start()
    ear = listen(broker.port, "dmst/v1/up/+")
    cabin = booth(broker.port, resend_after=60)
    acknowledged = threading.Event()
    heard = cabin.uplink._link._on_publish

    def watch(*arguments: Any) -> None:
        heard(*arguments)
        acknowledged.set()

    cabin.uplink._link._on_publish = watch  # type: ignore[method-assign, assignment]
    cabin.uplink.start()
    assert acknowledged.wait(10)  # the broker's word on the status: it has nobody to give it to
    cabin.put(1)
    next_message(ear)
    assert all(status.fault == "" for status in cabin.statuses)
    ear.close()


# Networks that lose, repeat, hold up and freeze.


def test_a_frozen_link_is_left_and_made_anew(start: Start, booth: Callable[..., Cabin]) -> None:
    broker = start()
    record = StubRecord(broker.port)
    relay = TcpRelay(broker.port)
    cabin = booth(relay.port, keepalive=1, resend_after=60)
    cabin.put(1)
    cabin.uplink.start()
    cabin.drain()
    relay.freeze()
    begun = time.monotonic()
    cabin.put(2)
    cabin.wait(lambda: not cabin.uplink.status.connected)
    assert time.monotonic() - begun < 2.5 + 2  # two and a half keep-alives, and two seconds for a busy machine
    cabin.drain()
    assert record.seen.keys() == {mid(1), mid(2)}
    record.close()
    relay.close()


def test_a_broker_that_says_nothing_is_left(
    start: Start, booth: Callable[..., Cabin], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync.link, "_ANSWER_TIMEOUT", 0.2)
    broker = start()
    relay = TcpRelay(broker.port)
    relay.frozen = True
    cabin = booth(relay.port)
    cabin.uplink.start()
    cabin.wait(lambda: cabin.uplink.status.fault == "the broker does not answer")
    relay.frozen = False
    monkeypatch.undo()
    cabin.wait(lambda: cabin.uplink.status.connected)
    relay.close()


class Unruly:
    """Loses, repeats, holds up and reorders what is published on a link; seeded."""

    def __init__(self, link: Link, seed: int) -> None:
        self._link, self._chance = link, random.Random(seed)
        self._publish = link.publish
        self._held: list[tuple[str, bytes]] = []
        self._old: list[tuple[str, bytes]] = []
        link.publish = self.publish  # type: ignore[method-assign]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        if retain or not self._link.up:
            return self._publish(topic, payload, retain=retain)
        self._old.append((topic, payload))
        fate = self._chance.random()
        if fate < 0.2:
            self._held.append((topic, payload))
        elif fate < 0.9:
            self._publish(topic, payload)
        if fate > 0.75:
            self._publish(*self._chance.choice(self._old))
        if len(self._held) > 3 or fate > 0.8:
            self._chance.shuffle(self._held)
            while self._held:
                self._publish(*self._held.pop())
        return True


@pytest.mark.parametrize("seed", [1, 2])
def test_lost_repeated_delayed_and_reordered_messages_change_nothing(
    start: Start, booth: Callable[..., Cabin], tmp_path: Path, seed: int
) -> None:
    broker = start()
    cabin = booth(broker.port, resend_after=0.15)
    Unruly(cabin.uplink._link, seed)
    far = Far(tmp_path / "record.db", broker.port)
    Unruly(far.gateway._link, seed + 100)
    assert far.gateway.wait_connected(10)
    cabin.uplink.start()
    cabin.put(*range(60))
    cabin.drain()
    far.close()
    assert_record(tmp_path / "record.db", cabin)


def test_a_replayed_receipt_is_no_receipt_for_another_letter(start: Start, booth: Callable[..., Cabin]) -> None:
    broker = start()
    ear = listen(broker.port, "dmst/v1/up/+")
    cabin = booth(broker.port)
    cabin.put(1)
    cabin.uplink.start()
    old = receipt(mid(1), next_message(ear).payload, cabin.outbox.src)
    ear.publish("dmst/v1/down/cabin-1", old)
    cabin.wait(lambda: cabin.outbox.counts().pending == 0 and cabin.uplink.status.pending == 0)
    cabin.put(2)
    for _ in range(3):
        ear.publish("dmst/v1/down/cabin-1", old)
    while next_message(ear).payload == b"":
        continue
    assert next_message(ear)  # sent again: it is still pending
    assert (cabin.outbox.counts().pending, cabin.uplink.status.refused_receipts) == (1, 0)
    ear.close()


# A month.


class Clock:
    """Time that passes only when somebody waits; what it does not know it leaves to the real one."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def test_a_month_without_a_broker_grows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    for module in (sync.link, sync.uplink):
        monkeypatch.setattr(module, "time", clock)

    def wait(link: Link, _client: object, _sock: object, timeout: float) -> tuple[bool, bool]:
        clock.now = max(clock.now + timeout, link._attempt_at)
        return False, False

    monkeypatch.setattr(Link, "_wait", wait)
    outbox = Outbox(tmp_path / "outbox.db")
    for number in range(20):
        outbox.put(mid(number), blank_sealer(number))
    attempts: list[float] = []

    def watch(*arguments: Any, **named: Any) -> None:
        attempts.append(clock.now)
        raise ConnectionRefusedError

    monkeypatch.setattr(sync.link, "connect", watch)
    uplink = Uplink(outbox, UplinkSettings("127.0.0.1", free_port(), "cabin-1"), RECORDS)
    caplog.set_level(logging.DEBUG)

    def live(days: float) -> None:
        end = clock.now + days * 86_400
        while clock.now < end:
            uplink._turn()

    live(2)
    gc.collect()
    before, count = len(gc.get_objects()), len(attempts)
    live(28)
    gc.collect()
    grown = len(gc.get_objects()) - before
    uplink.stop()
    waits = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert max(waits) <= 300 + 1
    assert 28 * 86_400 / 300 < len(attempts) - count < 28 * 86_400 / 100
    assert grown < 500
    assert not caplog.records
    assert outbox.counts().pending == 20
    assert not uplink.status.connected
    outbox.close()


def test_a_month_without_an_answer_costs_little(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    for number in range(50):
        outbox.put(mid(number), blank_sealer(number))
    sent: list[bytes] = []

    def publish(message: bytes) -> bool:
        sent.append(message)
        return True

    letters = Underway(outbox, publish, UplinkSettings("127.0.0.1", 1, "cabin-1"))
    now, end = 0.0, 30 * 86_400.0
    letters.begin(None)
    while now < end:
        letters.send(now)
        due = outbox.next_due()
        assert due is not None
        now = max(now, due)
    assert letters.unheard
    assert 2000 < len(sent) < 10_000  # one letter at a time, at most a quarter of an hour apart
    assert set(sent) == {letter.envelope for letter in outbox.due(float("inf"), 50)}  # no letter is left out
    outbox.close()
