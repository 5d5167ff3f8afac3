"""The GATT server that all simulated Bluetooth instruments are: what can be read, subscribed to, and acknowledged.

The wire is that of `drivers/ble_sim.py`, read and written here by this file's own code. An indication is sent when
the one before it was acknowledged, as the radio has it, and again as long as it was not.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from simulators import ble_values
from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear

Table = tuple[tuple[int, int, int], ...]
"""Service, characteristic and its properties."""

READ, WRITE, NOTIFY, INDICATE = 0x02, 0x08, 0x10, 0x20
DEVICE_INFORMATION, BATTERY_SERVICE, TIME_SERVICE = 0x180A, 0x180F, 0x1805
MODEL, SERIAL, FIRMWARE, MAKER, BATTERY, CURRENT_TIME = 0x2A24, 0x2A25, 0x2A26, 0x2A29, 0x2A19, 0x2A2B
COMMON: Table = (
    (DEVICE_INFORMATION, MAKER, READ),
    (DEVICE_INFORMATION, MODEL, READ),
    (DEVICE_INFORMATION, SERIAL, READ),
    (DEVICE_INFORMATION, FIRMWARE, READ),
    (BATTERY_SERVICE, BATTERY, READ),
    (TIME_SERVICE, CURRENT_TIME, READ | WRITE),
)
"""What each of them has beside its measurement."""
NOT_SUPPORTED, NO_SUCH = 0x06, 0x0A
LONGEST = 64
MOST_WAITING = 64
AGAIN_S = 2.0
"""An indication that nobody acknowledged is sent again; a real radio tries far more often."""

FAULTS = ("no-adapter", "bonded-elsewhere", "low-battery", "clock-unset", "old-readings-first")
"""The host has no Bluetooth; it measures for another host and never tells this one; its battery is nearly empty; its
clock was never set; its memory comes first."""


def message(op: bytes, number: int = 0, payload: bytes = b"") -> bytes:
    """One message of the wire."""
    body = op + struct.pack("<HH", number, len(payload)) + payload
    return body + struct.pack("<H", crc_hqx(body, 0))


class Rhythm:
    """Moments that fall due every so many seconds; what was slept through is not made up for."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._next: float | None = None

    def rest(self) -> None:
        """Begin anew at the next look."""
        self._next = None

    def due(self, now: float) -> bool:
        """Whether a moment has come since the last look; the first is one period after the first look."""
        if self._next is None:
            self._next = now + self._period_s
        if now < self._next:
            return False
        self._next += self._period_s * (1 + int((now - self._next) / self._period_s))
        return True


class Server:
    """One instrument's GATT server; an instrument adds what it measures, how often, and what it remembers."""

    kind: ClassVar[str]
    model: ClassVar[str]
    measures: ClassVar[Table]
    period_s: ClassVar[float]
    wear: ClassVar[Wear] = Wear(drop_every=401)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = FAULTS

    def __init__(self, body: Body, began: datetime | None = None) -> None:
        """`began`: what its clock shows at body time 0; now, where it is not given."""
        self._body = body
        self._rhythm = Rhythm(self.period_s)
        self._began = began or datetime.now()  # noqa: DTZ005 - the instrument knows no zone
        self._wrong: set[str] = set()
        self._pending = b""
        self._told: set[int] = set()
        self._indications: deque[tuple[int, bytes]] = deque(maxlen=MOST_WAITING)
        self._unacknowledged: bytes | None = None
        self._sent_at = 0.0
        self._replayed = False

    def opened(self, now: float) -> None:  # noqa: ARG002 - the interface of a device
        """A new connection has no subscriptions."""
        self._pending = b""
        self._told, self._unacknowledged, self._replayed = set(), None, False
        self._indications.clear()

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002 - the interface of a device
        """Begin or end one of `own_faults`."""
        self._wrong.add(fault) if wrong else self._wrong.discard(fault)

    def receive(self, data: bytes, now: float) -> Frames:
        """Requests and acknowledgements."""
        self._pending += data
        answers: Frames = []
        while (whole := self._whole()) is not None:
            request, self._pending = self._pending[:whole], self._pending[whole:]
            answers += self._obey(request[:1], int.from_bytes(request[1:3], "little"), request[5:-2], now)
        return answers + self._next_indication(now)

    def produce(self, now: float) -> Frames:
        """What it measured since it was last asked."""
        sent: Frames = []
        for number, value in self._measure(now):
            if number not in self._told or "bonded-elsewhere" in self._wrong:
                continue
            if self._properties(number) & INDICATE:
                self._indications.append((number, value))
            else:
                sent.append(message(b"N", number, value))
        return sent + self._next_indication(now)

    def stamp(self, now: float) -> bytes:
        """Its clock, as it stands in a measurement."""
        return ble_values.time(self.clock(now))

    def clock(self, now: float) -> datetime | None:
        """What its clock shows, to the second."""
        if "clock-unset" in self._wrong:
            return None
        return (self._began + timedelta(seconds=now)).replace(microsecond=0)

    def _measure(self, now: float) -> Iterable[tuple[int, bytes]]:
        """Characteristics and values that fell due up to `now`."""
        raise NotImplementedError

    def _memory(self, stamps: list[bytes]) -> list[tuple[int, bytes]]:
        """Stored measurements of somebody else, one for each time, the oldest first."""
        raise NotImplementedError

    def _readable(self, number: int, now: float) -> bytes | None:
        texts = {MAKER: "Cabin Simulators", MODEL: self.model, SERIAL: "SIM-0001", FIRMWARE: "1.0"}
        if number in texts:
            return texts[number].encode()
        if number == BATTERY:
            return bytes([4 if "low-battery" in self._wrong else 87])
        return ble_values.current_time(self.clock(now)) if number == CURRENT_TIME else None

    def _whole(self) -> int | None:
        """Length of the message that begins here; what is broken is forgotten, as is all that came with it."""
        if len(self._pending) < 7:
            return None
        whole = 7 + int.from_bytes(self._pending[3:5], "little")
        if whole > LONGEST:
            self._pending = b""
            return None
        if len(self._pending) < whole:
            return None
        body, crc = self._pending[: whole - 2], self._pending[whole - 2 : whole]
        if struct.pack("<H", crc_hqx(body, 0)) != crc:
            self._pending = b""
            return None
        return whole

    def _obey(self, op: bytes, number: int, payload: bytes, now: float) -> Frames:
        match op:
            case b"D":
                return [self._table()]
            case b"R":
                value = self._readable(number, now)
                return [message(b"R", number, value) if value is not None else _error(number, NO_SUCH)]
            case b"S" | b"U":
                return [self._subscribe(op, number, now)]
            case b"W":
                return [self._write(number, payload, now)]
            case b"A":
                self._unacknowledged = None
        return []

    def _table(self) -> bytes:
        if "no-adapter" in self._wrong:
            return message(b"X")
        return message(b"D", 0, b"".join(struct.pack("<HHH", *entry) for entry in (*self.measures, *COMMON)))

    def _subscribe(self, op: bytes, number: int, now: float) -> bytes:
        if not self._properties(number) & (NOTIFY | INDICATE):
            return _error(number, NOT_SUPPORTED)
        self._told.add(number) if op == b"S" else self._told.discard(number)
        self._replay(now)
        return message(op, number)

    def _replay(self, now: float) -> None:
        """Send the memory once, when somebody listens."""
        if self._replayed or "old-readings-first" not in self._wrong or "bonded-elsewhere" in self._wrong:
            return
        shown = self.clock(now)
        stamps = [ble_values.time(shown and shown - timedelta(hours=hours)) for hours in (49.0, 25.5, 0.4)]
        stored = self._memory(stamps)
        if all(number in self._told for number, _ in stored):
            self._replayed = True
            self._indications.extend(stored)

    def _write(self, number: int, payload: bytes, now: float) -> bytes:
        if number != CURRENT_TIME or len(payload) != 10:
            return _error(number, NOT_SUPPORTED)
        try:
            set_to = datetime(*struct.unpack("<HBBBBB", payload[:7]))  # noqa: DTZ001
        except ValueError:
            return _error(number, NOT_SUPPORTED)
        self._began = set_to - timedelta(seconds=now)
        self._wrong.discard("clock-unset")
        return message(b"W", number)

    def _properties(self, number: int) -> int:
        return next((bits for _, each, bits in (*self.measures, *COMMON) if each == number), 0)

    def _next_indication(self, now: float) -> Frames:
        waits = self._unacknowledged is not None
        if now - self._sent_at < AGAIN_S if waits else not self._indications:
            return []
        if self._unacknowledged is None:
            self._unacknowledged = message(b"I", *self._indications.popleft())
        self._sent_at = now
        return [self._unacknowledged]


def _error(number: int, code: int) -> bytes:
    return message(b"E", number, bytes([code]))
