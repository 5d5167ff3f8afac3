"""Omron HEM-790IT: its 8-byte reports, its commands and its records, as bytes and back; pure.

Source: protocol sheet "Omron HEM-790IT / HJ-720IT family, USB HID", sections 1 to 3. Byte 0 of a report is the number
of valid bytes behind it, and a command or reply takes as many reports as it needs. A reply is `OK` and 00, its bytes,
and their XOR; `NO` alone means "not ready, ask again". Fields are binary, not BCD.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import xor

from drivers.events import Identity, NoValue, PressureResult, Trouble, Value

REPORT = 8
MOST = 7
"""Valid bytes of a report; a count of 8 is treated as 7."""
DEVICE_INFO, READINGS = b"\x01\x01", b"\x74\xbc"
"""Feature reports: modes as one project sends them; in six real sessions the device takes other bytes as well."""
CLEAR = bytes(30)
"""Empties the pipe of what an aborted session left in it; the device says OK when it is awake."""
VERSION, PROFILE, SERIAL = b"VER00", b"PRF00", b"SRL00"
END = b"END\xff\xff"
OK, NO, OFF = b"OK", b"NO", b"OFF\r\n"
ASLEEP = b"\x60" + bytes(6)
"""A report of its own, with a count of 8: the device is not awake yet."""
ACCEPTED = b"OK\x00"
COUNT_REPLY, RECORD_REPLY, SERIAL_REPLY, PROFILE_REPLY = 8, 17, 11, 14
"""Whole lengths of the replies that have one; that of VER ends with a report that is not full."""
LONGEST = 64
"""No reply is near that long."""
CENTURY = 2000
MODEL = "M7080IT"
"""What the HEM-790IT calls itself, before a space and its firmware."""
PRESSURE = range(20, 301)
"""mmHg; the cuff reaches no further."""
PULSE = range(30, 241)


def count(bank: int = 0) -> bytes:
    """The command GDC: how many readings are in memory."""
    return _checked(b"GDC", bytes([0, bank, 0, 0]))


def record(index: int, bank: int = 0) -> bytes:
    """The command GME: one reading; index 0 is the newest."""
    return _checked(b"GME", bytes([0, bank, 0, index]))


def reports(message: bytes) -> list[bytes]:
    """A message as the reports that carry it; bytes past the valid ones are 0."""
    pieces = [message[at : at + MOST] for at in range(0, len(message), MOST)]
    return [bytes([len(piece)]) + piece.ljust(MOST, b"\x00") for piece in pieces]


class Reports:
    """Cuts bytes into reports and gives the valid bytes of each; slides by a byte over what cannot begin one."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> list[bytes | Trouble]:
        """The reports that are whole now, and one `Trouble` for each stretch of bytes that was passed over."""
        found: list[bytes | Trouble] = []
        self._pending += data
        while self._pending:
            if self._pending[0] > REPORT:
                del self._pending[0]
                if not self._lost:
                    found.append(Trouble("resync", "bytes between two reports"))
                self._lost = True
                continue
            if len(self._pending) < REPORT:
                break
            found.append(bytes(self._pending[1 : 1 + min(self._pending[0], MOST)]))
            self._lost = False
            del self._pending[:REPORT]
        return found


def begins(report: bytes) -> bool:
    """Whether a report is the first of a reply."""
    return report in (OK, NO, OFF, ASLEEP) or report[:3] == ACCEPTED


def is_whole(reply: bytes, last: bytes, length: int | None = None) -> bool:
    """Whether a reply ends with its `last` report: by a length that is known, or by a report that is not full."""
    return len(reply) >= length if length and reply.startswith(ACCEPTED) else len(last) < MOST


def body(reply: bytes) -> bytes | None:
    """What an accepted reply says, without its checksum; None when that is wrong."""
    said = reply[len(ACCEPTED) :]
    if not reply.startswith(ACCEPTED) or not said or reduce(xor, said):
        return None
    return said[:-1]


def read_count(said: bytes) -> int | None:
    """How many readings there are, of a reply to GDC; None when it is none. What its second byte means is unknown."""
    return said[3] if len(said) == COUNT_REPLY - 4 else None


def read_identity(said: bytes, serial: bytes = b"") -> Identity | None:
    """Who answers VER and, with `serial`, SRL (its coding is unconfirmed: shown as its hexadecimal digits)."""
    if not said or not all(32 <= byte < 127 for byte in said):
        return None
    model, _, firmware = said.decode("ascii").partition(" ")
    return Identity(f"Omron {model}", firmware.strip() or None, serial.hex() or None)


@dataclass(frozen=True, slots=True)
class Record:
    """One reading of the memory."""

    taken: datetime
    """The device's own clock, which a person set and which has no zone."""
    systolic: float
    diastolic: float
    pulse: Value
    flags: frozenset[str]
    """"truread-1" to "truread-3" for the readings of a triple, "status-unconfirmed" for bits nobody has explained."""

    def result(self, *more: str) -> PressureResult:
        """As an event; the device states no mean pressure and counts no beats."""
        flags = self.flags | frozenset(more)
        return PressureResult(
            self.systolic, self.diastolic, NoValue("missing"), self.pulse, 0, flags=flags, taken=self.taken
        )


def read_record(said: bytes) -> Record | None:
    """The reading in a reply to GME; None when its fields are not those of a reading."""
    if len(said) != RECORD_REPLY - 4:
        return None
    year, month, day, hour, minute, second, a, b, systolic, diastolic, pulse, c, status = said
    try:
        taken = datetime(CENTURY + year, month, day, hour, minute, second)  # noqa: DTZ001 - its clock has no zone
    except ValueError:
        return None
    if systolic not in PRESSURE or diastolic not in PRESSURE or diastolic >= systolic or year > 99:
        return None
    flags = _flags(status, bool(a or b or c))
    return Record(taken, float(systolic), float(diastolic), _pulse(pulse), flags)


def _flags(status: int, more: bool) -> frozenset[str]:
    """Only the place in a triple is known of the status; irregular beats and movement are likely in the rest."""
    place, rest = status >> 4, status & 0x0F
    known = {f"truread-{place}"} if place in (1, 2, 3) else set()
    return frozenset(known | ({"status-unconfirmed"} if rest or more or place > 3 else set()))


def _pulse(beats: int) -> Value:
    if beats == 0:
        return NoValue("missing")
    return float(beats) if beats in PULSE else NoValue("out-of-range")


def _checked(name: bytes, arguments: bytes) -> bytes:
    """One printed example has another checksum than the XOR of its arguments; six real sessions have the XOR."""
    return name + arguments + bytes([reduce(xor, arguments)])
