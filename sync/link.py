"""One MQTT connection as a plain object: the thread that calls `poll` owns it, nothing runs behind its back.

paho serves as the codec and the socket. Its own threads and queue are not used: its loop thread dies silently when a
callback raises, and its queue neither survives a crash nor keeps its limits over a reconnection. Each attempt takes a
new client, so no state of the last connection can leak into the next. Losses come out of `poll` as events; it waits
for the sockets, also for the back-off, and `wake` ends the wait from any thread.

MQTT 3.1.1 is all that is relied on. Where the broker speaks MQTT 5, its limits are kept (Receive Maximum, Maximum
Packet Size) and its reason codes are told; messages never expire and carry no properties.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from sync.backoff import Backoff
from sync.client import connect, new_client, shut, subscribe
from sync.events import Down, Event, Message, Returned, Up
from sync.tls import Tls, why_not
from sync.version import Mqtt, Versions

__all__ = ["Backoff", "Down", "Event", "Link", "LinkSettings", "Message", "Returned", "Tls", "Up"]

_TICK = 1.0
"""Longest wait in seconds between two looks at the keep-alive."""
_PROVEN_AFTER = 10.0
"""Seconds after which a connection is believed to be good, and the next one is tried without a long wait."""
_INFLIGHT = 100
"""Messages that may be unacknowledged at one time, as far as the broker allows."""
_QUEUE, _QUEUE_BYTES = 1000, 4 << 20
"""What may be handed to a connection and not yet acknowledged: messages, and bytes unless it is a single message."""
_ANSWER_TIMEOUT = 5.0
"""Seconds for the broker's first word."""
_UNSUPPORTED_VERSION = 132


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where the broker is and how patiently it is called. Times in seconds."""

    host: str
    port: int
    client_id: str
    tls: Tls | None = None
    keepalive: int = 20
    backoff_first: float = 1.0
    backoff_most: float = 300.0
    keep_session: bool = False
    """Ask the broker to keep subscriptions and messages while away; correctness never depends on it."""
    mqtt5: bool = True
    """Try MQTT 5 first; false where the broker is known to speak 3.1.1 alone."""


class Link:
    """A connection that is made anew for as long as it is polled."""

    def __init__(self, settings: LinkSettings, topics: Sequence[str], will: tuple[str, bytes] | None = None) -> None:
        self._settings, self._topics, self._will = settings, tuple(topics), will
        self._client: paho.Client | None = None
        self._events: deque[Event] = deque()
        self._backoff = Backoff(settings.backoff_first, settings.backoff_most)
        self._versions = Versions(five=settings.mqtt5)
        self._version = Mqtt.V5
        self._attempt_at = 0.0
        self._begun_at = self._heard_at = self._up_at = 0.0
        self._accepted = self._up = False
        self._packet_most: int | None = None
        self._inflight = _INFLIGHT
        self._queue: deque[tuple[str, bytes, bool]] = deque()
        self._under_way: dict[int, tuple[str, int]] = {}
        """Topic and bytes of each message that the broker has not acknowledged, by packet id."""
        self._bytes = 0
        """Of what is queued or under way."""
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)

    @property
    def up(self) -> bool:
        """Whether the last event of the connection was `Up`."""
        return self._up

    @property
    def version(self) -> Mqtt | None:
        """The MQTT of this connection; None while it is down."""
        return self._version if self._up else None

    def room(self, topic: str) -> int | None:
        """Bytes of the largest message to `topic` that the broker has said it takes; None where it has not said."""
        if self._packet_most is None:
            return None
        # Fixed header, topic, packet id, and the length of no properties.
        return self._packet_most - (5 + 2 + len(topic.encode()) + 2 + 1)

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
            self._connect(now)
        if not self._events:
            self._turn(min(timeout, self._until_attempt(now), _TICK))
        events = list(self._events)
        self._events.clear()
        return events

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message to the connection, QoS 1; False where there is none or it has its hands full.

        True proves nothing.
        """
        if self._client is None or not self._up or self._is_full(len(payload)):
            return False
        self._queue.append((topic, payload, retain))
        self._bytes += len(payload)
        self._pump()
        return self._up

    def takes(self, size: int) -> int:
        """How many more messages of about `size` bytes `publish` takes now."""
        held = len(self._queue) + len(self._under_way)
        return max(0, min(_QUEUE - held, (_QUEUE_BYTES - self._bytes) // size)) if self._up else 0

    def _is_full(self, more: int) -> bool:
        held = len(self._queue) + len(self._under_way)
        return held >= _QUEUE or bool(held and self._bytes + more > _QUEUE_BYTES)

    def _pump(self) -> None:
        """Give paho what the broker may be given now."""
        while self._client is not None and self._queue and len(self._under_way) < self._inflight:
            topic, payload, retain = self._queue.popleft()
            info = self._client.publish(topic, payload, qos=1, retain=retain)
            if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN):
                self.drop("the connection takes no more")
            elif self._client is not None:
                self._under_way[info.mid] = topic, len(payload)

    def ack(self, message: Message) -> None:
        """Tell the broker that `message` is safe; nothing happens where its connection is gone."""
        if message.client is self._client:
            message.client.ack(message.packet, message.qos)

    def drop(self, why: str, code: int = 0) -> None:
        """Give up the connection without a good-bye, so that the last will speaks; the back-off then begins.

        One that the broker has never accepted may be tried again at once in another version of MQTT.
        """
        if self._client is None:
            return
        now = time.monotonic()
        if self._up and now - self._up_at >= _PROVEN_AFTER:
            self._backoff.reset()
        again = not self._accepted and self._versions.failed(self._version, plainly=code == _UNSUPPORTED_VERSION)
        self._hang_up()
        if again:
            self._attempt_at = now
            return
        self._attempt_at = now + self._backoff.next()
        self._events.append(Down(why, code))

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        self._up = self._accepted = False
        self._queue.clear()
        self._under_way.clear()
        self._bytes = 0
        if client is not None:
            client.on_disconnect = None
            shut(client)

    def close(self) -> None:
        """Say good-bye to the broker and free the sockets; what is still unsent is lost, as on any network."""
        if self._client is not None:
            self._flush()
        if self._client is not None:
            self._client.on_disconnect = None
            self._client.disconnect()
            self._hang_up()
        self._bell.close()
        self._ear.close()

    def _until_attempt(self, now: float) -> float:
        return max(0.0, self._attempt_at - now) if self._client is None else _TICK

    def _connect(self, now: float) -> None:
        settings = self._settings
        self._version, self._packet_most = self._versions.to_try(now), None
        client = self._client = new_client(settings.client_id, self._version, kept=settings.keep_session)
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_disconnect, client.on_message = self._on_disconnect, self._on_message
        client.on_publish = self._on_publish
        if self._will is not None:
            client.will_set(*self._will, qos=1, retain=True)
        try:
            if settings.tls is not None:
                client.tls_set_context(settings.tls.context())
            connect(client, settings.host, settings.port, settings.keepalive, kept=settings.keep_session)
            self._begun_at = self._heard_at = time.monotonic()
        except (OSError, ValueError) as error:
            # No word of MQTT was spoken: that says nothing of its versions.
            self._accepted = True
            self.drop(why_not(error))

    def _turn(self, timeout: float) -> None:
        """One turn of the network: wait, write, read, look at the keep-alive."""
        client, sock = self._client, self._client.socket() if self._client else None
        pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        readable, writable = self._wait(client, sock, 0.0 if pending else timeout)
        if client is None or sock is None:
            return
        try:
            self._serve(client, reads=pending or readable, writes=writable)
        except Exception as error:
            # A callback or paho itself failed: that is a lost connection, never a silent one.
            self.drop(type(error).__name__)

    def _wait(self, client: paho.Client | None, sock: Any, timeout: float) -> tuple[bool, bool]:
        """Wait for the bell or the broker; whether the broker's socket may be read, and written to."""
        poller = select.poll()
        poller.register(self._ear, select.POLLIN)
        if client is not None and sock is not None:
            poller.register(sock, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        found = dict(poller.poll(1000 * timeout))
        if self._ear.fileno() in found:
            self._ear.recv(4096)
        seen = found.get(sock.fileno(), 0) if sock is not None else 0
        return bool(seen & ~select.POLLOUT), bool(seen & select.POLLOUT)

    def _serve(self, client: paho.Client, *, reads: bool, writes: bool) -> None:
        now = time.monotonic()
        if writes:
            client.loop_write()
        if reads:
            self._heard_at = now
            client.loop_read()
        client.loop_misc()
        self._pump()
        if client is self._client and not self._accepted and now - self._begun_at > _ANSWER_TIMEOUT:
            self.drop("the broker does not answer")
        if client is self._client and self.silence(now) > 2.5 * self._settings.keepalive:
            self.drop("silent broker")

    def _flush(self) -> None:
        """Give what is queued a moment to leave, for the farewell."""
        end = time.monotonic() + 0.5
        while self._client is not None and (self._queue or self._client.want_write()) and time.monotonic() < end:
            self._turn(0.05)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if client is not self._client:
            return
        if reason.is_failure:
            self._accepted = reason.value != _UNSUPPORTED_VERSION
            self.drop("refused by the broker", reason.value)
            return
        self._accepted = True
        self._versions.worked(self._version, time.monotonic())
        self._packet_most = getattr(properties, "MaximumPacketSize", None)
        self._inflight = min(_INFLIGHT, getattr(properties, "ReceiveMaximum", _INFLIGHT))
        if self._topics:
            subscribe(client, self._topics)
        else:
            self._rise()

    def _on_subscribe(self, client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if client is not self._client:
            return
        if any(reason.is_failure for reason in reasons):
            self.drop("subscription refused by the broker")
        else:
            self._rise()

    def _rise(self) -> None:
        self._up, self._up_at = True, time.monotonic()
        self._events.append(Up())

    def _on_disconnect(self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if client is not self._client:
            return
        if not self._accepted and self._settings.tls is not None and self._settings.tls.expired():
            self.drop("this end's certificate has expired: renew it")
        elif flags.is_disconnect_packet_from_server:
            self.drop(str(reason), reason.value)
        else:
            self.drop("the broker ended the connection" if self._accepted else "the broker accepts no connection")

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if client is self._client:
            self._backoff.reset()
            self._events.append(Message(message.topic, bytes(message.payload), message.mid, message.qos, client))

    def _on_publish(self, client: paho.Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        if client is not self._client:
            return
        topic, size = self._under_way.pop(mid, ("", 0))
        self._bytes -= size
        if reason.value:
            self._events.append(Returned(topic, size, reason.value))
