"""The uplink: takes letters from the outbox to the broker, and receipts from the broker to the outbox.

One thread of its own owns the connection and the window. A broker's acknowledgement means nothing here: a letter is
sent again until the record's signed receipt has come. Nothing that goes wrong ends the thread before `stop`: it is
told in the status, the connection is dropped, and the work goes on after a back-off.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sync.errors import SyncError
from sync.keys import Signers
from sync.link import Down, Event, Link, LinkSettings, Message, Up
from sync.outbox import Outbox, wall_ms
from sync.receipt import is_receipt

_T = TypeVar("_T")
_PACE = 0.05
"""Shortest wait in seconds for a letter that cannot leave although it is due."""


@dataclass(frozen=True, slots=True)
class UplinkSettings(LinkSettings):
    """The broker, and how much may be under way. Times in seconds."""

    window: int = 20
    """Letters that may wait for a receipt at one time."""
    window_bytes: int = 8 << 20
    resend_after: float = 30.0
    """A letter without a receipt is sent again after this time, which doubles at each further attempt."""
    resend_most: float = 900.0


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """What the cabin may show of its link: technical facts alone."""

    connected: bool = False
    pending: int = 0
    quarantined: int = 0
    last_receipt_ms: int | None = None
    """UTC, milliseconds."""
    refused_receipts: int = 0
    """Receipts that were not to be believed, since the start."""
    fault: str = ""
    """The last thing that went wrong since the connection was last up, without any content."""


class Uplink:
    """Delivery from one outbox to one record.

    `record_keys` are the record's public signing keys by key id. `on_status` hears each change of status and
    `on_envelope` each sealed envelope from the record, both in the uplink's thread.
    """

    def __init__(
        self,
        outbox: Outbox,
        settings: UplinkSettings,
        record_keys: Signers,
        on_status: Callable[[UplinkStatus], None] | None = None,
        on_envelope: Callable[[bytes], None] | None = None,
    ) -> None:
        self._outbox, self._settings, self._record_keys = outbox, settings, record_keys
        self._on_status, self._on_envelope = on_status, on_envelope
        self._up_topic = f"dmst/v1/up/{settings.client_id}"
        self._status_topic = f"cabin/v1/{settings.client_id}/status"
        will = (self._status_topic, _presence(online=False))
        self._link = Link(settings, [f"dmst/v1/down/{settings.client_id}"], will)
        self._status = UplinkStatus()
        self._told: UplinkStatus | None = None
        self._stopping = threading.Event()
        self._turned_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        """Begin to deliver; the broker need not be there."""
        self._outbox.on_put(self._link.wake)
        self._turned_at = time.monotonic()
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Take leave of the broker and end the thread; the outbox stays open."""
        self._stopping.set()
        self._link.wake()
        if self._thread.ident is None:
            self._link.close()
        else:
            self._thread.join(timeout)

    @property
    def status(self) -> UplinkStatus:
        """The newest status; one frozen object, safe to read from any thread."""
        return self._status

    def stalled_for(self) -> float:
        """Seconds since the thread last turned: the age that a watchdog should look at; an idle link stays near 1."""
        return time.monotonic() - self._turned_at

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception as error:
                self._fail(error)
        self._link.publish(self._status_topic, _presence(online=False), retain=True)
        self._link.close()

    def _turn(self) -> None:
        now = self._turned_at = time.monotonic()
        due = self._outbox.next_due()
        events = self._link.poll(1.0 if due is None or not self._link.up else min(1.0, max(_PACE, due - now)))
        for number, event in enumerate(events):
            self._take(event, last=number == len(events) - 1)
        if self._link.up:
            self._send(time.monotonic())
        self._tell()

    def _fail(self, error: Exception) -> None:
        """Whatever went wrong costs the connection, never the thread; the back-off of the link slows a repetition."""
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        self._status = replace(self._status, fault=text, connected=False)
        self._link.drop(text)
        self._outbox.release()
        self._stopping.wait(self._settings.backoff_first)

    def _take(self, event: Event, *, last: bool) -> None:
        match event:
            case Up():
                self._status = replace(self._status, connected=True, fault="")
                self._link.publish(self._status_topic, _presence(online=True), retain=True)
            case Down(why):
                self._status = replace(self._status, connected=False, fault=why)
                self._outbox.release()
            case Message(payload=payload):
                if self._receive(payload, last=last):
                    self._link.ack(event)

    def _receive(self, payload: bytes, *, last: bool) -> bool:
        """Whether the message is dealt with, and may be acknowledged."""
        if not is_receipt(payload):
            return self._hand_on(self._on_envelope, payload)
        settlement = self._outbox.settle(payload, self._record_keys, tidy=last)
        if settlement.outcome == "refused":
            self._status = replace(self._status, refused_receipts=self._status.refused_receipts + 1)
        elif settlement.outcome != "unknown":
            self._status = replace(self._status, last_receipt_ms=wall_ms())
        return True

    def _hand_on(self, listener: Callable[[_T], None] | None, thing: _T) -> bool:
        """Call a listener; one that raises is a fault to tell, and no reason to stop delivering."""
        try:
            if listener is not None:
                listener(thing)
        except Exception as error:
            self._status = replace(self._status, fault=f"a listener failed: {type(error).__name__}")
            return False
        return True

    def _send(self, now: float) -> None:
        settings = self._settings
        while self._link.up:
            count, size = self._outbox.load(now)
            if count >= settings.window or (count and size >= settings.window_bytes):
                return
            letters = self._outbox.due(now, 1)
            if not letters or not self._link.publish(self._up_topic, letters[0].envelope):
                return
            wait = settings.resend_after * 2.0 ** min(self._outbox.attempts(letters[0]), 20)
            self._outbox.mark_sent(letters[0], now + min(wait, settings.resend_most))

    def _tell(self) -> None:
        counts = self._outbox.counts()
        status = replace(self._status, pending=counts.pending, quarantined=counts.quarantined)
        changed, self._status, self._told = status != self._told, status, status
        if changed:
            self._hand_on(self._on_status, status)


def _presence(*, online: bool) -> bytes:
    """The retained technical state: no health data, no identity, no count of visits."""
    return json.dumps({"online": online}).encode()
