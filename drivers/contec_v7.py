"""Contec CMS50D+/E/F, protocol V7.0 (115200 8N1): its packets, both ways, and their decoder; pure.

Source: Contec, Communication protocol of pulse oximeter V7.0 (2010-07-08); protocol sheet contec-cms50, sections 2,
4 and 5. A packet is its type (the only byte without bit 7), a byte that carries bit 7 of what follows, and the data;
its length goes by its type. Unconfirmed: which way round the bit of the perfusion index means valid (the document's
is used), and the layout of the date and the time of stored data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.contec_live import PULSE_RANGE, SPO2_RANGE, Course, Live, value
from drivers.events import Event, Identity, Reading, Trouble, Why

MODEL = "Contec CMS50, protocol V7.0"
LENGTH: Mapping[int, int] = {
    0x01: 9, 0x04: 9, 0x05: 9, 0x07: 8, 0x08: 8, 0x09: 6, 0x0A: 4, 0x0B: 4, 0x0C: 2, 0x0D: 3, 0x0E: 3, 0x0F: 8,
    0x10: 3, 0x11: 9, 0x12: 8, 0x15: 9,
}  # fmt: skip
"""Type that the device sends -> bytes of the whole packet."""
LIVE, DEVICE_ID, DATE, LENGTHS, STORED_PI, FEEDBACK, NOTICE, STORED, TIME = (
    0x01, 0x04, 0x07, 0x08, 0x09, 0x0B, 0x0D, 0x0F, 0x12,
)  # fmt: skip
COMMAND, PARAMETERS = 0x7D, 6
START, STOP, ASK_ID, ASK_PI, KEEP_ALIVE, SET_TIME, SET_DATE = 0xA1, 0xA2, 0xAA, 0xAC, 0xAF, 0xB1, 0xB2
REASONS: Mapping[int, str] = {
    0x01: "it was shut down",
    0x02: "its user was changed",
    0x03: "it is recording",
    0x04: "nothing could be deleted",
    0x05: "not supported",
}
DONE = 0x00
CENTURY = 20
PROOF = 2
"""Live packets in a row that must agree."""

SIGNAL, SEARCH_TOO_LONG, LOW_SPO2, BEEP, NO_FINGER = 0x0F, 0x10, 0x20, 0x40, 0x80
"""First data byte: strength 0..8; searched for too long; SpO2 low; beat; probe error or finger out."""
SEARCHING, PI_INVALID, ZERO = 0x80, 0x10, 0xE0
"""Bits of the second and the third."""
NO_PULSE, NO_SPO2, NO_PI, MOST_PI = 0xFF, 0x7F, 0xFFFF, 2200


def encode_packet(kind: int, data: bytes) -> bytes:
    """One packet of up to seven data bytes."""
    high = sum((byte >> 7) << place for place, byte in enumerate(data))
    return bytes((kind, 0x80 | high, *(0x80 | byte for byte in data)))


def encode_command(command: int, *parameters: int) -> bytes:
    """One command, always of nine bytes; unused parameters are 0."""
    rest = bytes(parameters).ljust(PARAMETERS, b"\0")
    return encode_packet(COMMAND, bytes((command,)) + rest)


def encode_clock(moment: datetime) -> bytes:
    """Set the device's clock: the date (0 is Sunday) and then the time."""
    century, year = divmod(moment.year, 100)
    date = encode_command(SET_DATE, century, year, moment.month, moment.day, moment.isoweekday() % 7)
    return date + encode_command(SET_TIME, moment.hour, moment.minute, moment.second)


@dataclass(frozen=True, slots=True)
class Packet:
    """One whole packet of the device."""

    kind: int
    data: bytes


def decode_packet(raw: bytes | bytearray) -> Packet:
    """Bytes of the right length and pattern -> their data with bit 7 put back."""
    high = raw[1]
    return Packet(raw[0], bytes(byte & 0x7F | (high >> place & 1) << 7 for place, byte in enumerate(raw[2:])))


def storage_length(packet: Packet) -> int:
    """Bytes of a stored recording, of a packet of type 08."""
    return int.from_bytes(packet.data[2:6], "little")


def read_live(data: bytes) -> Live | None:
    """A packet of type 01, or None where a bit is set that never is, or a number is impossible."""
    first, second, third, pulse, spo2 = data[:5]
    index = int.from_bytes(data[5:7], "little")
    if third & ZERO or not (spo2 <= SPO2_RANGE[1] or spo2 == NO_SPO2):
        return None
    why: Why | None = "finger-out" if first & NO_FINGER else "out-of-track" if second & SEARCHING else None
    said: set[str] = {why} if why else set()
    marks = (("search-too-long", SEARCH_TOO_LONG), ("spo2-low", LOW_SPO2), ("pulse", BEEP))
    said |= {word for word, bit in marks if first & bit}
    return Live(
        wave=second & 0x7F,
        pulse=None if pulse == NO_PULSE else pulse,
        spo2=None if spo2 == NO_SPO2 else spo2,
        perfusion=None if third & PI_INVALID or index > MOST_PI else index / 100,
        signal=first & SIGNAL,
        why=why,
        flags=frozenset(said),
    )


class V7:
    """Bytes of protocol V7.0, in any cut -> events; pure.

    Live packets as `drivers.contec_live.Course` says them. What comes out of the device's memory is read once its
    date and time were sent, because a damaged live packet can look like it, with "from-memory" and `taken`.
    `Trouble("refused")` for a command that was not carried out or a session that the device ends,
    `Trouble("malformed")` for what is no packet.
    """

    def __init__(self) -> None:
        self._course = Course(MODEL, PROOF)
        self._packet = bytearray()
        self._stray = False
        self._serial: str | None = None
        self._date: bytes = b""
        self._stored: datetime | None = None

    @property
    def believed(self) -> bool:
        """Whether live packets come just now."""
        return self._course.believed

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        events: list[Event] = []
        for byte in data:
            events += self._take(byte)
        return events

    def flush(self) -> list[Event]:
        """The samples that still wait for their wave to be full."""
        return self._course.flush()

    def _take(self, byte: int) -> list[Event]:
        if byte < 0x80:
            events = self._refuse() if self._packet else []
            self._packet[:] = bytes((byte,)) if byte in LENGTH else b""
            self._stray = byte not in LENGTH
            return events + (self._course.broken() if self._stray else [])
        if not self._packet:
            if self._stray:
                return []
            self._stray = True
            return self._refuse()
        self._packet.append(byte)
        if len(self._packet) < LENGTH[self._packet[0]]:
            return []
        packet = decode_packet(self._packet)
        self._packet.clear()
        return self._packet_events(packet)

    def _refuse(self) -> list[Event]:
        return [Trouble("malformed", "no packet of protocol V7.0"), *self._course.broken()]

    def _packet_events(self, packet: Packet) -> list[Event]:
        match packet.kind:
            case 0x01:
                live = read_live(packet.data)
                return self._refuse() if live is None else self._course.take(live)
            case 0x04:
                return self._identify(packet.data)
            case 0x07:
                self._date = packet.data[2:6]
            case 0x12:
                self._stored = _begin(self._date, packet.data[2:5])
            case 0x09 if self._stored is not None:
                return self._second(packet.data[0], packet.data[1])
            case 0x0F if self._stored is not None:
                return [event for at in (0, 2, 4) for event in self._second(*packet.data[at : at + 2])]
            case 0x0B if packet.data[1] != DONE:
                return [Trouble("refused", f"command {packet.data[0]:02X}: {_reason(packet.data[1])}")]
            case 0x0D:
                return [Trouble("refused", f"the oximeter ended the session: {_reason(packet.data[0])}")]
        return []

    def _identify(self, data: bytes) -> list[Event]:
        """The device's identifier is text that its owner may change; it is said when it is new."""
        text = data.decode("ascii", "replace").strip("\0 ")
        if not self.believed or not text or not text.isprintable() or not text.isascii() or text == self._serial:
            return []
        self._serial = text
        return [Identity(MODEL, serial=text)]

    def _second(self, spo2: int, pulse: int) -> list[Event]:
        """One second of a recording."""
        taken = self._stored
        self._stored = None if taken is None else taken + timedelta(seconds=1)
        flags = frozenset({"from-memory"})
        known_spo2, known_pulse = None if spo2 == NO_SPO2 else spo2, None if pulse == NO_PULSE else pulse
        return [
            Reading("spo2", value(known_spo2, None, SPO2_RANGE), "%", flags, taken=taken),
            Reading("pulse_rate", value(known_pulse, None, PULSE_RANGE), "/min", flags, taken=taken),
        ]


def _reason(code: int) -> str:
    return REASONS.get(code, f"for a reason that it does not name ({code:02X})")


def _begin(date: bytes, time: bytes) -> datetime | None:
    """Century, year, month, day; hour, minute, second: the beginning of a recording, where it can be one."""
    try:
        century, year, month, day = date
        return None if century != CENTURY else datetime(100 * century + year, month, day, *time)  # noqa: DTZ001 - the device has no zone
    except ValueError:
        return None
