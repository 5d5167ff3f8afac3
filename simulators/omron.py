"""An Omron HEM-790IT on USB: a memory of readings, and a person who presses its button when somebody waits for one.

Protocol sheet omron-usb-hid, and what six captured sessions show: after a feature report of any two bytes the device
has to be woken by thirty zero bytes, is not ready at the first of them, and answers until it is told END. What its
reply to GDC says beside the count, and the version text of the pedometer, are inventions of ours.

The person presses once the memory has been looked at `LOOKS` times since the last reading: that is when the screen
tells them to. While it measures it does not answer (unconfirmed).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.usb_description import Endpoint, UsbDescription
from simulators.usb_setup import Setup

MEASURE_S = 35.0
"""Inflation, deflation and the result."""
PAUSE_S = 60.0
"""Between the three measurements of a triple."""
LOOKS = 3
WAKE_ZEROS = 30
LONGEST_AGO = timedelta(days=400)
HID_DESCRIPTOR = bytes.fromhex("09 21 11 01 00 01 22 22 00")
SET_REPORT, SET_IDLE = 9, 10
LENGTHS = {b"VER": 5, b"PRF": 5, b"SRL": 5, b"GDC": 8, b"GME": 8, b"GMA": 9, b"GEA": 9, b"END": 5}
VERSION, PEDOMETER = b"M7080IT 207", b"HJ-720IT 101"
PROFILE = b"0010100000"
SERIAL = bytes([6, 0, 0, 0, 0, 0, 0])


@dataclass(frozen=True, slots=True)
class Stored:
    """One reading in the memory."""

    at: datetime
    systolic: int
    diastolic: int
    pulse: int
    place: int = 0
    """In a triple: 1, 2 or 3; 0 for a single one."""

    def coded(self) -> bytes:
        """Thirteen bytes: date, time, two unknown, pressures, pulse, one unknown, status."""
        at = self.at
        when = [at.year % 100, at.month, at.day, at.hour, at.minute, at.second]
        return bytes([*when, 0, 0, self.systolic, self.diastolic, self.pulse, 0, self.place << 4])


def cut(message: bytes) -> Frames:
    """A reply as 8-byte reports: how many bytes are valid, then seven; what is past them is left over."""
    out, last = [], bytes(7)
    for at in range(0, len(message), 7):
        piece = message[at : at + 7]
        last = piece + last[len(piece) :]
        out.append(bytes([len(piece)]) + last)
    return out


def accept(said: bytes) -> Frames:
    """OK, a zero, what is said, and the XOR of that."""
    check = 0
    for byte in said:
        check ^= byte
    return cut(b"OK\x00" + said + bytes([check]))


class Tensiometer:
    """The device on the body's arm; `shows` is its own clock at body time 0, the time of day when it is None."""

    kind: ClassVar[str] = "tensiometer"
    wear: ClassVar[Wear] = Wear(drop_every=41, spoil_every=4, spoil_at=5)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("loose-cuff",)
    own_faults: ClassVar[tuple[str, ...]] = (
        "not-ready", "pedometer", "empty-memory", "clock-wrong", "clock-unset", "truread", "status-unknown",
        "repeated-reading",
    )  # fmt: skip
    usb: ClassVar[UsbDescription] = UsbDescription(
        vendor=0x0590, product=0x0028, interface_class=3, extra=HID_DESCRIPTOR, manufacturer="OMRON HEALTHCARE",
        name="HEM-790IT", kernel_driver=True,
        endpoints=(Endpoint(0x81, "interrupt", 8, 10), Endpoint(0x02, "interrupt", 8, 10)),
    )  # fmt: skip

    def __init__(self, body: Body, shows: datetime | None = None) -> None:
        self._body = body
        self._rng = np.random.default_rng((body.seed, 790))
        self._shows = (shows or datetime.now()).replace(microsecond=0)  # noqa: DTZ005 - its clock has no zone
        self._memory = [self._old(days=9, place=0), self._old(days=2, place=0)]
        self._faults: set[str] = set()
        self._heard = b""
        self._awake = False
        self._knocks = 0
        self._looks = 0
        self._asked = ""
        """The last command that was answered with NO."""
        self._due: list[tuple[float, int]] = []
        """When each measurement that was begun ends, and its place in a triple."""

    def opened(self, now: float) -> None:  # noqa: ARG002
        """A host that comes anew finds it off."""
        self._awake, self._heard, self._looks = False, b"", 0

    def control(self, setup: Setup, data: bytes, now: float) -> bytes | None:  # noqa: ARG002
        """Any two bytes of a feature report begin a session; idle rates are accepted, as every HID does."""
        if (setup.request_type, setup.request) == (0x21, SET_IDLE):
            return b""
        if (setup.request_type, setup.request, setup.value) != (0x21, SET_REPORT, 0x0300) or len(data) != 2:
            return None
        self._awake, self._knocks, self._heard = False, 0, b""
        return b""

    def receive(self, data: bytes, now: float) -> Frames:
        """One report, or several; whole commands are answered at once."""
        answers: Frames = []
        for at in range(0, len(data) - 7, 8):
            self._heard += data[at + 1 : at + 1 + min(data[at], 7)]
            answers += self._answer(now)
        return answers

    def produce(self, now: float) -> Frames:
        """Nothing by itself; measurements that ended are in the memory now."""
        while self._due and self._due[0][0] <= now:
            at, place = self._due.pop(0)
            self._store(at, place)
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Begin or end one of `own_faults`."""
        (self._faults.add if wrong else self._faults.discard)(fault)

    def _answer(self, now: float) -> Frames:
        self.produce(now)
        if self._measures(now):
            self._heard = b""
            return []
        name = self._heard[:3]
        length = WAKE_ZEROS if name.startswith(b"\x00") else LENGTHS.get(name, 0)
        if len(self._heard) < 3 or (length and len(self._heard) < length):
            return []
        command, self._heard = self._heard[:length], self._heard[length:] if length else b""
        if length == WAKE_ZEROS:
            return self._knock()
        return self._obey(command, now) if self._awake and command else []

    def _knock(self) -> Frames:
        """The first block of zeros finds it asleep, as in most of the captured sessions."""
        self._knocks += 1
        self._awake = self._knocks > 1
        return cut(b"OK") if self._awake else [bytes([8, 0x60, 0, 0, 0, 0, 0, 0])]

    def _obey(self, command: bytes, now: float) -> Frames:
        name = command[:3].decode("ascii")
        if name == "END":
            return self._end(now)
        if "not-ready" in self._faults and name in ("GDC", "GME") and self._asked != name:
            self._asked = name
            return cut(b"NO")
        self._asked = ""
        match name:
            case "VER":
                return accept(PEDOMETER if "pedometer" in self._faults else VERSION)
            case "PRF":
                return accept(PROFILE)
            case "SRL":
                return accept(SERIAL)
            case "GDC":
                self._looks += 1
                return accept(bytes([0, 0x0F + len(self._shown()), 0, len(self._shown())]))
            case "GME":
                return self._read(command[6])
        return accept(bytes([0x80, 0, 0, 0, 0, 0, 0, 0]))

    def _read(self, index: int) -> Frames:
        if index >= len(self._shown()):
            return cut(b"NO")
        said = bytearray(self._shown()[-1 - index].coded())
        if "clock-unset" in self._faults:
            said[:6] = bytes(6)
        if "status-unknown" in self._faults:
            said[12] |= 0x01
        return accept(bytes(said))

    def _shown(self) -> list[Stored]:
        return [] if "empty-memory" in self._faults else self._memory

    def _end(self, now: float) -> Frames:
        self._awake, self._heard = False, b""
        if self._looks >= LOOKS and not self._due:
            self._press(now)
        return cut(b"OK") + cut(b"OFF\r\n")

    def _press(self, now: float) -> None:
        self._looks = 0
        if not self._body.presence.cuff_on:
            return
        places = (1, 2, 3) if "truread" in self._faults else (0,)
        self._due = [(now + MEASURE_S * (n + 1) + PAUSE_S * n, place) for n, place in enumerate(places)]

    def _measures(self, now: float) -> bool:
        return any(end - MEASURE_S <= now < end for end, _ in self._due)

    def _store(self, at: float, place: int) -> None:
        presence, person = self._body.presence, self._body.physiology
        if not presence.cuff_on or presence.moving:
            return
        if "repeated-reading" in self._faults:
            self._memory.append(self._memory[-1])
            return
        clock = self._shows + timedelta(seconds=int(at)) - ("clock-wrong" in self._faults) * LONGEST_AGO
        beats = self._body.beats(max(0.0, at - MEASURE_S), at)
        rate = 60.0 * len(beats) / sum(beat.rr for beat in beats)
        own = self._rng.normal(0.0, 1.0, 2)
        self._memory.append(Stored(
            clock, round(person.systolic + own[0]), round(person.diastolic + own[1]), round(rate), place
        ))  # fmt: skip

    def _old(self, days: int, place: int) -> Stored:
        """A reading of somebody else."""
        high, low = round(self._rng.normal(131, 6)), round(self._rng.normal(84, 4))
        return Stored(self._shows - timedelta(days=days), high, low, round(self._rng.normal(74, 5)), place)
