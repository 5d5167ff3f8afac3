"""Contec CMS50D+ oximeters of both generations (protocol sheet contec-cms50).

The new one (V7.0; firmware 4.6 and later) says nothing until it is asked to begin, and answers nothing of the old
protocol. The old one pushes five bytes sixty times a second and answers nothing of V7.0. Neither has a checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear

RATE = 60
SETTLE_BEATS = 4
CENTRE, PER_PERCENT = 30, 16
"""Of the waveform, which has 7 bits."""
SERIAL = b"CMS50D+"
DONE, SHUT_DOWN, UNSUPPORTED = 0x00, 0x01, 0x05
STORED = ((88, 121), (87, 122), (88, 121))
"""SpO2 and pulse of somebody else, from the memory."""
STORED_ON, STORED_AT = (20, 26, 11, 20), (9, 15, 0)
"""Century, year, month, day and time of day at which that began; the layout of both is unconfirmed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One sixtieth of a second as either generation shows it; None for no value."""

    wave: int
    pulse: int | None
    spo2: int | None
    perfusion: float
    signal: int
    beep: bool
    searching: bool
    finger: bool


def packet(kind: int, data: bytes) -> bytes:
    """A V7.0 packet: type, bit 7 of each data byte, the data with bit 7 set."""
    high = 0x80
    for place, byte in enumerate(data):
        high |= (byte >> 7) << place
    return bytes((kind, high)) + bytes(byte | 0x80 for byte in data)


class _Oximeter:
    """What both generations see of the body."""

    kind: ClassVar[str] = "oximeter"
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("finger-out",)

    def __init__(self, body: Body) -> None:
        self._body = body
        self._faults: set[str] = set()
        self._in_since = float("-inf")
        self._was_in = True
        self._next = 0

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Begin or end one of `own_faults`."""
        (self._faults.add if wrong else self._faults.discard)(fault)

    def _due(self, now: float) -> list[Shown]:
        """What was shown since the last time."""
        first, end = self._next, int(now * RATE) + 1
        if end <= first:
            return []
        self._next = end
        inside = self._body.presence.finger_in
        if inside and not self._was_in:
            self._in_since = first / RATE
        self._was_in = inside
        t = np.arange(first, end) / RATE
        wave = np.clip(np.rint(CENTRE + PER_PERCENT * self._body.pleth(t)), 0, 127).astype(int)
        tops = {ceil((beat.at + 0.3) * RATE) for beat in self._body.beats(max(0.0, t[0] - 1), t[-1] + 0.1)}
        return [
            self._shown(index, int(level), index in tops)
            for index, level in zip(range(first, end), wave, strict=True)
        ]

    def _shown(self, index: int, level: int, beep: bool) -> Shown:
        """A finger, or none; values come after the first four pulses."""
        inside = self._was_in and "probe-error" not in self._faults
        rate = self._body.pulse_rate(index // RATE * 1.0, SETTLE_BEATS, self._in_since) if inside else None
        if rate is None or "searching" in self._faults:
            return Shown(level if inside else 0x40, None, None, 0.0, 0, False, inside, inside)
        weak = "low-perfusion" in self._faults or self._body.physiology.perfusion < 0.3
        return Shown(
            level, round(rate), round(self._body.physiology.spo2), self._body.physiology.perfusion, 1 if weak else 5,
            beep, False, True,
        )  # fmt: skip


class OximeterV7(_Oximeter):
    """The new generation: begins when it is asked with A1, and is stopped with A2."""

    wear: ClassVar[Wear] = Wear(drop_every=401)
    own_faults: ClassVar[tuple[str, ...]] = (
        "low-perfusion",
        "probe-error",
        "searching",
        "shutdown",
        "from-memory",
        "no-perfusion-index",
    )

    def __init__(self, body: Body) -> None:
        super().__init__(body)
        self._pending = b""
        self._streaming = False
        self._waiting: list[bytes] = []

    def opened(self, now: float) -> None:
        """The device does not notice who opens its bridge."""

    def receive(self, data: bytes, now: float) -> Frames:
        """Take nine-byte commands; what they ask for, or the feedback of the maker's table."""
        answers: Frames = []
        for byte in data:
            self._pending = bytes((byte,)) if byte < 0x80 else (self._pending + bytes((byte,)))[-9:]
            if len(self._pending) == 9 and self._pending[0] == 0x7D:
                command = self._pending[2] & 0x7F | (self._pending[1] & 1) << 7
                self._pending = b""
                answers += self._answer(command, now) if "shutdown" not in self._faults else []
        return answers

    def _answer(self, command: int, now: float) -> Frames:
        match command:
            case 0xA1:
                self._streaming = True
                self._next = int(now * RATE) + 1
            case 0xA2:
                self._streaming = False
                return [packet(0x0C, b"")]
            case 0xAA:
                return [packet(0x04, SERIAL)]
            case 0xAC:
                return [packet(0x0E, b"\x01")]
            case 0xAF:
                pass
            case 0xB1 | 0xB2:
                return [packet(0x0B, bytes((command, DONE)))]
            case _:
                return [packet(0x0B, bytes((command, UNSUPPORTED)))]
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """A device that is shut down says so, and is silent until it is asked again."""
        super().fail(fault, wrong, now)
        if wrong and fault == "shutdown":
            self._waiting.append(packet(0x0D, bytes((SHUT_DOWN,))))
            self._streaming = False
        if wrong and fault == "from-memory":
            begun = (packet(0x07, bytes((0, 0, *STORED_ON))), packet(0x12, bytes((0, 0, *STORED_AT, 0))))
            self._waiting += [*begun, packet(0x0F, bytes(number for pair in STORED for number in pair))]

    def produce(self, now: float) -> Frames:
        """Sixty packets a second while it streams."""
        waiting, self._waiting = self._waiting, []
        shown = self._due(now)
        return [*waiting, *(self._packet(one) for one in shown)] if self._streaming else waiting

    def _packet(self, one: Shown) -> bytes:
        first = one.signal | 0x10 * ("searching" in self._faults) | 0x40 * one.beep | 0x80 * (not one.finger)
        known = one.spo2 is not None and "no-perfusion-index" not in self._faults
        index = min(2200, round(one.perfusion * 100)) if known else 0xFFFF
        bar = min(15, one.wave // 8) if one.finger else 0
        data = (
            first, one.wave | 0x80 * one.searching, bar | 0x10 * (not known),
            0xFF if one.pulse is None else one.pulse, 0x7F if one.spo2 is None else one.spo2,
            index & 0xFF, index >> 8,
        )  # fmt: skip
        return packet(0x01, bytes(data))


class OximeterOld(_Oximeter):
    """The old generation: pushes, whoever listens."""

    wear: ClassVar[Wear] = Wear(drop_every=401)
    own_faults: ClassVar[tuple[str, ...]] = ("low-perfusion", "probe-error", "searching", "from-memory")

    def __init__(self, body: Body) -> None:
        super().__init__(body)
        self._pending = b""
        self._waiting: list[bytes] = []

    def opened(self, now: float) -> None:
        """The next frame comes when it comes."""
        self._next = int(now * RATE) + 1

    def receive(self, data: bytes, now: float) -> Frames:  # noqa: ARG002
        """Only its own two commands: F5 F5 sends the memory, F6 F6 F6 comes back to live."""
        self._pending = (self._pending + data)[-2:]
        if self._pending == b"\xf5\xf5":
            self._pending = b""
            return self._memory()
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Somebody pressed its download key: the memory comes unasked."""
        super().fail(fault, wrong, now)
        if wrong and fault == "from-memory":
            self._waiting += self._memory()

    def _memory(self) -> Frames:
        length = 3 * len(STORED) - 1
        points = [bytes((0xF0 | pulse >> 7, 0x80 | pulse & 0x7F, spo2)) for spo2, pulse in STORED]
        return [b"\xf2\x80\x00" * 3 + bytes((0x80, 0x80 | length >> 7, length & 0x7F)), *points]

    def produce(self, now: float) -> Frames:
        """Sixty frames a second."""
        waiting, self._waiting = self._waiting, []
        return [*waiting, *(self._frame(one) for one in self._due(now))]

    def _frame(self, one: Shown) -> bytes:
        pulse, error = one.pulse or 0, "probe-error" in self._faults
        bar = min(15, one.wave // 8) if one.finger else 0
        return bytes(
            (
                0x80 | one.signal | 0x10 * (not one.finger and not error) | 0x40 * one.beep,
                one.wave if one.finger else 0,
                bar | 0x10 * error | 0x20 * (one.spo2 is None) | 0x40 * (pulse > 127),
                pulse & 0x7F,
                one.spo2 or 0,
            )
        )
