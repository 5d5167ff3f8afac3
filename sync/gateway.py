"""The gateway: takes what the broker brings, has it filed, and answers with signed receipts.

Messages that came together are opened beside each other and filed in one transaction; then the receipts are
published, and the messages acknowledged to the broker. It may be killed between any two steps: unacknowledged or
unreceipted, a letter comes again and is a duplicate. A store that fails costs the connection, so nothing is
acknowledged that is not safe; the broker is called again once the store answers. Posts go the other way, until the
cabin's receipt has come.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sync.errors import SyncError
from sync.link import Backoff, Down, Event, Link, LinkSettings, Message, Up
from sync.receiver import Answer, Receiver

log = logging.getLogger(__name__)

CLIENT = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Common names of cabins."""
_UP = "dmst/v1/up/"
ECHO = f"{_UP}gateway-echo"
"""Where a gateway writes to itself; the broker's access list names it, and no cabin."""
_DOWN = "dmst/v1/down/"
_SHARED = "$share/"
"""Begins a shared subscription (MQTT 5, 4.8.2; some brokers have it under 3.1.1 too)."""
_TOGETHER, _TOGETHER_BYTES = 64, 16 << 20
"""About so many messages, and bytes of them, are filed in one transaction."""
_THREADS = min(4, os.cpu_count() or 1)
_RECEIPT_BYTES = 5000
"""About what a signed receipt takes."""
_ECHO = 5.0
"""Seconds in which a broker brings back what is sent to oneself."""
_POSTS_EVERY = 1.0
"""Seconds between two looks at what is to be posted."""


class Gateway:
    """Broker on one side, record on the other; any number may run beside each other on one store.

    `group` is the name of a shared subscription, by which a broker deals each letter to one gateway alone; "" for
    none. A broker that takes one and then brings nothing is found out by an empty message to oneself, and asked for
    everything instead. Either `start` it, in a thread of its own, or `run` it in the caller's.
    """

    def __init__(
        self, link: LinkSettings, receiver: Receiver, on_up: Callable[[], None] | None = None, group: str = ""
    ) -> None:
        self._on_up = on_up
        self._pool = ThreadPoolExecutor(_THREADS, "gateway")
        self._receiver = replace(receiver, spread=self._pool.map)
        self._running = False
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._fault = ""
        self._backoff = Backoff(link.backoff_first, min(link.backoff_most, 30.0))
        self._turned_at = time.monotonic()
        self._posts_at = 0.0
        self._left_over = False
        """Whether receipts may wait in the record: from before this connection, or because it had its hands full."""
        self._settings, self._group = link, group
        self._echo_by: float | None = None
        self._link = self._new_link()
        self._thread = threading.Thread(target=self.run, name="gateway", daemon=True)

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End `run` after the messages in hand; may be called from a signal handler."""
        self._stopping.set()
        self._link.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        elif not self._running:
            self._close()

    def wait_connected(self, timeout: float) -> bool:
        """Wait until the gateway is subscribed; False where that takes longer than `timeout` seconds."""
        return self._connected.wait(timeout)

    @property
    def fault(self) -> str:
        """What last went wrong since the connection was last up, without any content."""
        return self._fault

    def stalled_for(self) -> float:
        """Seconds since the thread last turned, which a watchdog should look at; offline it stays near 1 too."""
        return time.monotonic() - self._turned_at

    def run(self) -> None:
        """Serve until `stop`; nothing but that ends it."""
        self._running = True
        while not self._stopping.is_set():
            self._turned_at = time.monotonic()
            try:
                self._turn()
                self._backoff.reset()
            except Exception as error:
                self._fail(error)
        self._close()

    def _new_link(self) -> Link:
        if not self._group:
            return Link(self._settings, [f"{_UP}+"])
        # A group of its own, in which an echo cannot be dealt to another gateway.
        name = self._settings.client_id
        shared = [f"{_SHARED}{self._group}/{_UP}+", f"{_SHARED}{self._group}-{name}/{ECHO}"]
        return Link(self._settings, shared)

    def _listen_for_echo(self) -> None:
        """Find out whether this broker deals out shared subscriptions (MQTT 3.1.1 does not say)."""
        if self._group and self._link.publish(ECHO, b""):
            self._echo_by = time.monotonic() + _ECHO

    def _subscribe_alone(self) -> None:
        log.warning("this broker has no shared subscriptions: every gateway is brought every letter")
        self._group, self._echo_by = "", None
        self._link.close()
        self._link = self._new_link()

    def _close(self) -> None:
        self._link.close()
        self._pool.shutdown()

    def _fail(self, error: Exception) -> None:
        """Drop the connection and stay away from the broker until the store answers."""
        self._tell_fault(str(error) if isinstance(error, SyncError) else type(error).__name__)
        self._connected.clear()
        self._link.drop("fault in the gateway")
        while not self._stopping.wait(self._backoff.next()):
            self._turned_at = time.monotonic()
            try:
                self._receiver.store.unsent(1)
            except Exception as again:
                self._tell_fault(str(again) if isinstance(again, SyncError) else type(again).__name__)
            else:
                return

    def _tell_fault(self, fault: str) -> None:
        if fault != self._fault:
            log.error("nothing is filed: %s", fault)
        self._fault = fault

    def _turn(self) -> None:
        messages = self._gather()
        for batch in _batches(messages):
            self._take(batch)
        if self._echo_by is not None and time.monotonic() > self._echo_by:
            self._subscribe_alone()
        self._answer_left_over()
        if self._link.up and time.monotonic() >= self._posts_at:
            self._posts_at = time.monotonic() + _POSTS_EVERY
            self._send_posts(None)

    def _gather(self) -> list[Message]:
        """Wait for messages, and take those that are there already with them."""
        messages: list[Message] = []
        events = self._link.poll(0.0 if self._room() else _POSTS_EVERY)
        while events:
            for event in events:
                if isinstance(event, Message):
                    messages.append(event)
                else:
                    self._notice(event)
            events = self._link.poll(0.0) if 0 < len(messages) < _TOGETHER else []
        return messages

    def _notice(self, event: Event) -> None:
        match event:
            case Up():
                self._fault = ""
                self._left_over = True
                self._receiver.store.hasten_posts()
                self._listen_for_echo()
                self._connected.set()
                if self._on_up is not None:
                    self._on_up()
            case Down(why):
                self._fault, self._echo_by = why, None
                self._connected.clear()

    def _take(self, messages: Sequence[Message]) -> None:
        """File messages that came together, answer them, and acknowledge them to the broker."""
        named = [(message.topic.removeprefix(_UP), message.payload) for message in messages]
        # Whatever a group is brought proves that it is dealt to.
        self._echo_by = None
        # No cabin has another kind of name, and no answer could be addressed to it. Empty is an echo, or nothing.
        letters = [each for each in named if each[1] and CLIENT.fullmatch(each[0])]
        answers = self._receiver.receive(letters) if letters else []
        self._answer([answer for answer in answers if answer is not None])
        for message in messages:
            self._link.ack(message)
        for client in {client for client, _ in letters}:
            self._send_posts(client)

    def _answer(self, answers: Sequence[Answer]) -> None:
        sent = [one.receipt_id for one in answers if self._link.publish(_DOWN + one.client, one.receipt)]
        self._left_over |= len(sent) < len(answers)
        if sent:
            self._receiver.store.sent(sent)

    def _room(self) -> int:
        """How many receipts that were left over may go out now."""
        return min(_TOGETHER, self._link.takes(_RECEIPT_BYTES)) if self._left_over else 0

    def _answer_left_over(self) -> None:
        """Sign no more than the connection takes, and not many in one turn: a broker may withhold its answers."""
        room = self._room()
        if room:
            answers = self._receiver.unsent(room)
            self._left_over = len(answers) == room
            self._answer(answers)

    def _send_posts(self, client: str | None) -> None:
        for post in self._receiver.store.posts_due(client):
            self._link.publish(_DOWN + post.client, post.envelope)


def _batches(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages in groups whose bytes together stay bounded, each with one message at least."""
    batches: list[list[Message]] = []
    room = 0
    for message in messages:
        if not batches or room < len(message.payload):
            batches.append([])
            room = _TOGETHER_BYTES
        batches[-1].append(message)
        room -= len(message.payload)
    return batches
