"""One MQTT 3.1.1 connection as a plain object: the thread that calls `poll` owns it, nothing runs behind its back.

paho serves as the codec and the socket. Its own threads and queue are not used: its loop thread dies silently when a
callback raises, and its queue neither survives a crash nor keeps its limits over a reconnection. Each attempt takes a
new client, so no state of the last connection can leak into the next. Losses come out of `poll` as events; it waits
by `select`, also for the back-off, and `wake` ends the wait from any thread.
"""

from __future__ import annotations

import random
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

_TICK = 1.0
"""Longest wait in seconds between two looks at the keep-alive."""
_CONNECT_TIMEOUT = 5.0
_QUEUE = 1000
"""Messages that paho may hold unacknowledged; the window of the uplink is far below."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Trust anchor of the broker, and this end's certificate and key where the broker asks for them."""

    ca: Path | None
    """None: the certificate authorities that the machine trusts."""
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A verifying client context, TLS 1.2 or later."""
        context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where the broker is and how patiently it is called. Times in seconds."""

    host: str
    port: int
    client_id: str
    tls: Tls | None = None
    keepalive: int = 20
    backoff_first: float = 0.2
    backoff_most: float = 300.0
    keep_session: bool = False
    """Ask the broker to keep subscriptions and messages while away; correctness never depends on it."""


@dataclass(frozen=True, slots=True)
class Up:
    """Connected and subscribed."""


@dataclass(frozen=True, slots=True)
class Down:
    """The connection is lost or could not be made."""

    why: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a subscribed topic; `ack` it on its link once it is safe."""

    topic: str
    payload: bytes = field(repr=False)
    packet: int
    qos: int
    client: paho.Client = field(repr=False, compare=False)


Event = Up | Down | Message


class Backoff:
    """Full jitter: a random wait up to a bound that doubles from `first` to `most` seconds."""

    def __init__(self, first: float, most: float) -> None:
        self._first, self._most = first, most
        self._failures = 0

    def next(self) -> float:
        """The wait before the next attempt."""
        bound = min(self._most, self._first * 2.0 ** min(self._failures, 40))
        self._failures += 1
        return random.uniform(0.0, bound)  # noqa: S311

    def reset(self) -> None:
        """An attempt has succeeded."""
        self._failures = 0


class Link:
    """A connection that is made anew for as long as it is polled."""

    def __init__(self, settings: LinkSettings, topics: Sequence[str], will: tuple[str, bytes] | None = None) -> None:
        self._settings, self._topics, self._will = settings, tuple(topics), will
        self._client: paho.Client | None = None
        self._events: deque[Event] = deque()
        self._backoff = Backoff(settings.backoff_first, settings.backoff_most)
        self._attempt_at = 0.0
        self._heard_at = 0.0
        self._up = False
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)

    @property
    def up(self) -> bool:
        """Whether the last event of the connection was `Up`."""
        return self._up

    def silence(self, now: float) -> float:
        """Seconds since the broker was last heard, on the monotonic clock."""
        return now - self._heard_at

    def wake(self) -> None:
        """End a `poll` that waits; may be called by any thread, and after `close`."""
        try:
            self._bell.send(b"\0")
        except OSError:
            # Full: the bell already rings. Closed: nobody waits.
            return

    def poll(self, timeout: float) -> list[Event]:
        """Wait at most `timeout` seconds for something to happen, and say what did."""
        now = time.monotonic()
        if self._client is None and now >= self._attempt_at:
            self._connect()
        if not self._events:
            self._turn(min(timeout, self._until_attempt(now), _TICK))
        events = list(self._events)
        self._events.clear()
        return events

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message to the connection, QoS 1; False where there is none. True proves nothing."""
        if self._client is None or not self._up:
            return False
        return self._client.publish(topic, payload, qos=1, retain=retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def ack(self, message: Message) -> None:
        """Tell the broker that `message` is safe; nothing happens where its connection is gone."""
        if message.client is self._client:
            message.client.ack(message.packet, message.qos)

    def drop(self, why: str) -> None:
        """Give up the connection without a good-bye, so that the last will speaks; the back-off then begins."""
        if self._client is None:
            return
        client, self._client, self._up = self._client, None, False
        client.on_disconnect = None
        _shut(client)
        self._attempt_at = time.monotonic() + self._backoff.next()
        self._events.append(Down(why))

    def close(self) -> None:
        """Say good-bye to the broker and free the sockets; what is still unsent is lost, as on any network."""
        if self._client is not None:
            self._flush()
        if self._client is not None:
            self._client.on_disconnect = None
            self._client.disconnect()
            self.drop("closed")
        self._bell.close()
        self._ear.close()

    def _until_attempt(self, now: float) -> float:
        return max(0.0, self._attempt_at - now) if self._client is None else _TICK

    def _connect(self) -> None:
        settings = self._settings
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=not settings.keep_session,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_TIMEOUT
        client.max_queued_messages_set(_QUEUE)
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_disconnect, client.on_message = self._on_disconnect, self._on_message
        if self._will is not None:
            client.will_set(*self._will, qos=1, retain=True)
        self._client, self._heard_at = client, time.monotonic()
        try:
            if settings.tls is not None:
                client.tls_set_context(settings.tls.context())
            client.connect(settings.host, settings.port, settings.keepalive)
            _without_delay(client.socket())
        except (OSError, ValueError) as error:
            self.drop(type(error).__name__)

    def _turn(self, timeout: float) -> None:
        """One turn of the network: wait, write, read, look at the keep-alive."""
        client, sock = self._client, self._client.socket() if self._client else None
        pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        readers: list[Any] = [self._ear] + ([sock] if sock else [])
        writers: list[Any] = [sock] if client and sock and client.want_write() else []
        readable, writable, _ = select.select(readers, writers, [], 0.0 if pending else timeout)
        if self._ear in readable:
            self._ear.recv(4096)
        if client is None or sock is None:
            return
        try:
            self._serve(client, reads=pending or sock in readable, writes=sock in writable)
        except Exception as error:
            # A callback or paho itself failed: that is a lost connection, never a silent one.
            self.drop(type(error).__name__)

    def _serve(self, client: paho.Client, *, reads: bool, writes: bool) -> None:
        now = time.monotonic()
        if writes:
            client.loop_write()
        if reads:
            self._heard_at = now
            client.loop_read()
        client.loop_misc()
        if client is self._client and self.silence(now) > 2.5 * self._settings.keepalive:
            self.drop("silent broker")

    def _flush(self) -> None:
        """Give what is queued a moment to leave, for the farewell."""
        end = time.monotonic() + 0.5
        while self._client is not None and self._client.want_write() and time.monotonic() < end:
            self._turn(0.05)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.drop("refused by the broker")
        elif self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        else:
            self._rise()

    def _on_subscribe(self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self.drop("subscription refused by the broker")
        else:
            self._rise()

    def _rise(self) -> None:
        self._up = True
        self._backoff.reset()
        self._events.append(Up())

    def _on_disconnect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if client is self._client:
            self.drop(str(reason))

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if client is self._client:
            self._events.append(Message(message.topic, bytes(message.payload), message.mid, message.qos, client))


def _without_delay(sock: Any) -> None:
    """Switch Nagle's algorithm off: with it, one message at a time takes a tenth of a second each way."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _shut(client: paho.Client) -> None:
    sock = client.socket()
    if sock is not None:
        sock.close()
