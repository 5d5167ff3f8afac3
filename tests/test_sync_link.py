"""The connection: back-off, refusals, silence, faults in callbacks; each ends as an event, none in silence."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cabin_agent.demo.processes import free_port
from sync.link import Down, Event, Link, LinkSettings, Message, Up
from tests.broker import Broker
from tests.certificates import Authority


def settings(port: int, name: str = "one", **more: Any) -> LinkSettings:
    return LinkSettings("127.0.0.1", port, name, backoff_first=0.05, backoff_most=0.2, **more)


def until(link: Link, kind: type[Event], timeout: float = 10.0) -> Any:
    """Poll until an event of `kind` comes."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for event in link.poll(0.2):
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__} within {timeout} s")


def test_nobody_there_is_an_event_and_a_pause() -> None:
    link = Link(settings(free_port()), ["t/#"])
    try:
        assert until(link, Down).why == "ConnectionRefusedError"
        assert until(link, Down).why == "ConnectionRefusedError"
        assert not link.up
        assert not link.publish("t/1", b"x")
    finally:
        link.close()


def test_wake_ends_a_wait_from_another_thread() -> None:
    link = Link(LinkSettings("127.0.0.1", free_port(), "one", backoff_first=50), [])
    until(link, Down)
    link._attempt_at = time.monotonic() + 50
    timer = threading.Timer(0.05, link.wake)
    timer.start()
    begun = time.monotonic()
    assert link.poll(1.0) == []
    assert time.monotonic() - begun < 0.9
    timer.join()
    link.close()
    link.wake()


class Server:
    """A listener that answers each connection with what it is told."""

    def __init__(self, *answers: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._answers = answers
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(peer)
            for answer in self._answers:
                peer.recv(4096)
                peer.sendall(answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for peer in self._open:
            peer.close()
        self._thread.join(5)


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def make(*answers: bytes) -> Server:
        made.append(Server(*answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


CONNACK = b"\x20\x02\x00\x00"
SUBACK = b"\x90\x03\x00\x01\x01"


def test_a_refused_connection_is_an_event(server: Callable[..., Server]) -> None:
    link = Link(settings(server(b"\x20\x02\x00\x05").port), ["t"])
    assert until(link, Down).why == "refused by the broker"
    link.close()


def test_a_refused_subscription_is_an_event(server: Callable[..., Server]) -> None:
    link = Link(settings(server(CONNACK, b"\x90\x03\x00\x01\x80").port), ["t"])
    assert until(link, Down).why == "subscription refused by the broker"
    link.close()


def test_noise_from_the_broker_is_an_event(server: Callable[..., Server]) -> None:
    link = Link(settings(server(b"\x00\xff\xff\xff\xff\xff\xff").port), ["t"])
    assert isinstance(until(link, Down), Down)
    link.close()


def test_a_broker_that_falls_silent_is_left(server: Callable[..., Server]) -> None:
    link = Link(settings(server(CONNACK, SUBACK).port, keepalive=1), ["t"])
    until(link, Up)
    begun = time.monotonic()
    until(link, Down)
    assert 0.9 < time.monotonic() - begun < 5
    link.close()


def test_a_callback_that_raises_costs_the_connection_and_no_more(
    server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Link(settings(server(CONNACK, SUBACK).port), ["t"])

    def stumble(*_: object) -> None:
        raise KeyError("callback")

    monkeypatch.setattr(link, "_on_connect", stumble)
    assert until(link, Down).why == "KeyError"
    monkeypatch.undo()
    until(link, Up)
    assert link.up
    link.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker("mosquitto", tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.mark.processes
def test_a_message_goes_from_link_to_link(broker: Broker) -> None:
    one, two = Link(settings(broker.port, "one"), []), Link(settings(broker.port, "two"), ["t/+"])
    until(two, Up)
    until(one, Up)
    assert one.publish("t/1", b"payload")
    one.poll(0.2)
    message = until(two, Message)
    assert (message.topic, message.payload) == ("t/1", b"payload")
    two.ack(message)
    two.drop("test")
    two.ack(message)  # its connection is gone: nothing happens
    one.close()
    two.close()


@pytest.mark.processes
def test_an_unacknowledged_message_comes_again_in_a_kept_session(broker: Broker) -> None:
    two = Link(settings(broker.port, "two", keep_session=True), ["t/+"])
    until(two, Up)
    one = Link(settings(broker.port, "one"), [])
    until(one, Up)
    one.publish("t/1", b"payload")
    one.poll(0.2)
    until(two, Message)
    two.drop("not acknowledged")
    message = until(two, Message)
    two.ack(message)
    two.poll(0.1)
    two.drop("acknowledged")
    until(two, Up)
    assert not any(isinstance(event, Message) for event in two.poll(0.3))
    one.close()
    two.close()


@pytest.mark.processes
def test_the_last_will_speaks_unless_the_link_is_closed(broker: Broker) -> None:
    watcher = Link(settings(broker.port, "watcher"), ["status/+"])
    until(watcher, Up)
    for name in ("dropped", "closed"):
        link = Link(settings(broker.port, name), [], (f"status/{name}", b"offline"))
        until(link, Up)
        if name == "closed":
            link.close()
        else:
            link.drop("gone")
            message = until(watcher, Message)
            watcher.ack(message)
            assert (message.topic, message.payload) == ("status/dropped", b"offline")
            link.close()
    assert not any(isinstance(event, Message) for event in watcher.poll(0.3))
    watcher.close()


@pytest.mark.processes
def test_the_link_speaks_tls_and_believes_only_its_own_root(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="link-"))  # mosquitto leaves root's rights behind
    tls = Authority(folder).issue("one", host="127.0.0.1")
    broker = Broker(
        "mosquitto",
        tmp_path,
        f"cafile {tls.ca}\ncertfile {tls.certificate}\nkeyfile {tls.key}\nrequire_certificate true\n",
    )
    broker.start()
    link = Link(settings(broker.port, tls=tls), ["t/+"])
    until(link, Up)
    payload = bytes(300_000)
    link.publish("t/1", payload)
    assert until(link, Message).payload == payload
    link.close()
    Authority(folder)  # another root
    stranger = Link(settings(broker.port, tls=tls), ["t/+"])
    assert "certificate is not accepted" in until(stranger, Down).why
    stranger.close()
    broker.kill()
    shutil.rmtree(folder)
