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
from sync.link import Down, Event, Link, Message, Returned, Up
from sync.outbox import Outbox, wall_ms
from sync.parts import LEAST
from sync.receipt import is_receipt
from sync.underway import Underway, UplinkSettings

__all__ = ["SILENT", "Uplink", "UplinkSettings", "UplinkStatus"]

_T = TypeVar("_T")
_TIDY_AFTER = 2.0
"""Most seconds for which erased letters stay in the WAL while others are under way."""
_TOO_LARGE = 149
_TOO_FEW = "the broker takes no message that is large enough for a letter: raise its limit"
_CODES = {
    16: "no subscriber: the broker has nobody to give letters to, check the gateway",
    135: "not authorized: the broker refuses this cabin's letters, check its permissions",
    _TOO_LARGE: "packet too large: the broker refuses a letter, smaller parts are tried",
    151: "quota exceeded: the broker has no room for letters",
}
"""What an MQTT 5 broker may say of a letter."""
SILENT = "connected, but the record does not answer: check broker permissions and the gateway"


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
    mqtt: str = ""
    """The version of MQTT that is spoken; empty while there is no connection."""
    packet_most: int = 0
    """Bytes of the largest message that is sent: what the broker has announced, or was found to take."""


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
        self._letters = Underway(
            outbox,
            lambda message: self._link.publish(self._up_topic, message),
            settings,
        )
        self._status = UplinkStatus()
        self._told: UplinkStatus | None = None
        self._tidy_at: float | None = None
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
        if self._link.up and not self._link.publish(self._status_topic, _presence(online=False), retain=True):
            # The connection has its hands full: without a good-bye the last will says it.
            self._link.drop("stopped")
        self._link.close()

    def _turn(self) -> None:
        now = self._turned_at = time.monotonic()
        events = self._link.poll(self._letters.wait(now) if self._link.up else 1.0)
        receipts: list[Message] = []
        for event in events:
            if isinstance(event, Message) and is_receipt(event.payload):
                receipts.append(event)
            else:
                self._take(event)
        if receipts:
            self._settle(receipts)
        now = time.monotonic()
        if self._link.up:
            self._letters.send(now)
        self._tidy(now)
        self._tell()

    def _fail(self, error: Exception) -> None:
        """Whatever went wrong costs the connection, never the thread; the back-off of the link slows a repetition."""
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        self._status = replace(self._status, fault=text, connected=False)
        self._link.drop(text)
        self._letters.lost(time.monotonic())
        self._stopping.wait(min(1.0, self._settings.backoff_first))

    def _take(self, event: Event) -> None:
        match event:
            case Up():
                room = self._link.room(self._up_topic)
                self._letters.begin(room)
                fault = _TOO_FEW if room is not None and room < LEAST else ""
                self._status = replace(self._status, connected=True, fault=fault)
                self._link.publish(self._status_topic, _presence(online=True), retain=True)
            case Down(why=why, code=code):
                self._status = replace(self._status, connected=False, fault=_CODES.get(code, why))
                self._letters.lost(time.monotonic(), too_large=code == _TOO_LARGE)
            case Returned(topic=self._up_topic, size=size, code=code):
                self._letters.returned(size, time.monotonic(), too_large=code == _TOO_LARGE)
                self._status = replace(self._status, fault=_CODES.get(code, f"a letter is refused with code {code}"))
            case Message(payload=payload):
                if self._hand_on(self._on_envelope, payload):
                    self._link.ack(event)

    def _settle(self, receipts: list[Message]) -> None:
        """Receipts that came together; acknowledged once what they say is durable."""
        settlements = self._outbox.settle_many([one.payload for one in receipts], self._record_keys, tidy=False)
        for message, settlement in zip(receipts, settlements, strict=True):
            self._link.ack(message)
            if settlement.outcome == "refused":
                self._status = replace(self._status, refused_receipts=self._status.refused_receipts + 1)
            elif settlement.mid is not None and settlement.outcome != "unknown":
                self._answered(settlement.mid)

    def _answered(self, mid: bytes) -> None:
        now = time.monotonic()
        self._letters.answered(mid, now)
        self._tidy_at = self._tidy_at or now + _TIDY_AFTER
        fault = "" if self._status.fault in _FAR_FAULTS else self._status.fault
        self._status = replace(self._status, last_receipt_ms=wall_ms(), fault=fault)

    def _tidy(self, now: float) -> None:
        """Erased letters leave the WAL when no more receipts are awaited, and in any case before long."""
        if self._tidy_at is not None and (now >= self._tidy_at or self._outbox.load(now)[0] == 0):
            self._tidy_at = None
            self._outbox.tidy()

    def _hand_on(self, listener: Callable[[_T], None] | None, thing: _T) -> bool:
        """Call a listener; one that raises is a fault to tell, and no reason to stop delivering."""
        try:
            if listener is not None:
                listener(thing)
        except Exception as error:
            self._status = replace(self._status, fault=f"a listener failed: {type(error).__name__}")
            return False
        return True

    def _tell(self) -> None:
        counts, version = self._outbox.counts(), self._link.version
        status = replace(
            self._status,
            pending=counts.pending,
            quarantined=counts.quarantined,
            mqtt=version.value if version else "",
            packet_most=self._letters.most,
            fault=self._status.fault or (SILENT if self._link.up and self._letters.unheard else ""),
        )
        changed, self._status, self._told = status != self._told, status, status
        if changed:
            self._hand_on(self._on_status, status)


_FAR_FAULTS = frozenset({SILENT, *_CODES.values()})
"""Faults that a receipt disproves."""


def _presence(*, online: bool) -> bytes:
    """The retained technical state: no health data, no identity, no count of visits."""
    return json.dumps({"online": online}).encode()
