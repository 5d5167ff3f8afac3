"""Nonin serial format 13: spot checks with the device's own time, as the 9560 is delivered; pure.

Source: 9560 OEM specification 6470-000-01, pages 6 and 7; protocol sheet nonin, section 5. The device keeps at least
20 spots and sends those that were not taken on a later connection; its clock is lost with its batteries. Unconfirmed:
whether it waits for each packet to be acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.events import Event, Identity, NoValue, Reading, Trouble, Value
from drivers.nonin_commands import answer_at_end
from drivers.nonin_frames import HR_RANGE, NO_HR, NO_SPO2, SPO2_RANGE

HEAD = bytes.fromhex("00 02 00 0D")
END = 0x03
DATA = 14
"""Bytes that are understood; a packet may have more."""
LONGEST = 64
"""Data bytes of the longest packet that is looked for."""
SPA, NOMS = 0x02, 0x01
"""STATUS, high byte: SmartPoint reached; no measurement."""
MEM, LOW_BATTERY = 0x10, 0x01
"""STATUS, low byte: from the device's memory; battery low."""
PATIENCE = 256
"""Bytes without a packet after which the decoder says so."""
_OVERHEAD = len(HEAD) + 2 + 2


@dataclass(frozen=True, slots=True)
class Spot:
    """One packet as it is on the wire."""

    taken: datetime | None
    """By the device's clock; None where that is no time."""
    high: int
    low: int
    """Both bytes of STATUS."""
    rate: int
    spo2: int


def encode_spot(spot: Spot) -> bytes:
    """One packet; without a time its clock stands at zeros."""
    data = _bcd(spot.taken) + bytes((spot.high, spot.low)) + spot.rate.to_bytes(2, "big") + bytes((0, spot.spo2))
    return HEAD + len(data).to_bytes(2, "big") + data + bytes((sum(data) & 0xFF, END))


def _bcd(moment: datetime | None) -> bytes:
    if moment is None:
        return bytes(8)
    return bytes.fromhex(f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 10_000:02d}")


def packet_at_end(tail: bytes | bytearray) -> bytes | None:
    """The data, and their checksum, of the packet whose last byte is the last of `tail`."""
    if not tail or tail[-1] != END:
        return None
    for size in range(DATA, min(LONGEST, len(tail) - _OVERHEAD) + 1):
        begin = len(tail) - size - _OVERHEAD
        if tail.startswith(HEAD + size.to_bytes(2, "big"), begin):
            return bytes(tail[begin + _OVERHEAD - 2 : -1])
    return None


def decode_packet(packet: bytes) -> Spot | None:
    """Data and checksum -> what they say; None where the checksum is wrong."""
    data, check = packet[:-1], packet[-1]
    if sum(data) & 0xFF != check:
        return None
    return Spot(_taken(data[:8]), data[8], data[9], int.from_bytes(data[10:12], "big"), data[13])


def _taken(data: bytes) -> datetime | None:
    try:
        moment = datetime.strptime(data[:7].hex(), "%Y%m%d%H%M%S")  # noqa: DTZ007 - the device has no zone
        return moment.replace(microsecond=int(data[7:].hex()) * 10_000)
    except ValueError:
        return None


class Format13:
    """Format 13 bytes and answers to commands, in any cut -> events; pure.

    Each packet gives a `Reading` of spo2 (%) and one of pulse_rate (/min), `taken` by the device's clock, with the
    flags "smartpoint", "low-battery" and "from-memory"; `NoValue` where the device says that there was no
    measurement. `Identity` before the first, `DeviceClock` and `Identity` for the answers.
    """

    def __init__(self) -> None:
        self._tail = bytearray()
        self._named = False

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        events: list[Event] = []
        for byte in data:
            self._tail.append(byte)
            events += self._look()
        return events

    def _look(self) -> list[Event]:
        if answer := answer_at_end(self._tail):
            self._tail.clear()
            return [answer[0]]
        packet = packet_at_end(self._tail)
        if packet is None:
            return self._grumble()
        self._tail.clear()
        spot = decode_packet(packet)
        if spot is None:
            return [Trouble("checksum")]
        named, self._named = self._named, True
        return [*([] if named else [Identity("Nonin, serial format 13")]), *_readings(spot)]

    def _grumble(self) -> list[Event]:
        if len(self._tail) < PATIENCE + LONGEST + _OVERHEAD:
            return []
        del self._tail[:PATIENCE]
        return [Trouble("resync", "no packet of format 13: check the port and the format", PATIENCE)]


def _readings(spot: Spot) -> list[Event]:
    marks = (
        ("smartpoint", spot.high & SPA),
        ("from-memory", spot.low & MEM),
        ("low-battery", spot.low & LOW_BATTERY),
    )
    flags = frozenset(word for word, is_set in marks if is_set)
    none = bool(spot.high & NOMS)
    detail = {"averaging": "spot"}
    return [
        Reading("spo2", _value(spot.spo2, none, NO_SPO2, SPO2_RANGE), "%", flags, detail, spot.taken),
        Reading("pulse_rate", _value(spot.rate, none, NO_HR, HR_RANGE), "/min", flags, detail, spot.taken),
    ]


def _value(number: int, none: bool, missing: int, limits: tuple[int, int]) -> Value:
    if none or number == missing:
        return NoValue("missing")
    return float(number) if limits[0] <= number <= limits[1] else NoValue("out-of-range")
