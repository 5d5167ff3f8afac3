"""ProtoCentral HealthyPi boards, v5 and v4: one lead, a finger and a skin thermometer, streamed unasked over USB.

Protocol sheet ecg-healthypi (firmware of the maker, MIT): `0A FA | length u16 LE | type | payload | 00 0B`. No
checksum, no counter. The v5 obeys `AA 55 type length payload xor`; the v4 takes nothing.
"""

from __future__ import annotations

import struct
from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.one_lead import BREATHS, OneLead, Pace

RATE_5, RATE_4 = 128, 125
PER_MV_5, PER_MV_4 = 20_000, 400
"""Counts of a millivolt, which no firmware states: ours alone."""
RED, INFRARED = 812_345, 901_234
START, STOP, PING = 0x10, 0x11, 0x01
LONGEST_COMMAND = 32
INVALID = 25
"""-999, the firmware's "invalid", cut to a byte."""


def framed(kind: int, payload: bytes) -> bytes:
    """One frame."""
    return struct.pack("<HHB", 0xFA0A, len(payload), kind) + payload + b"\x00\x0b"


class _Vitals:
    """What a board works out of the body; 0 where there is nothing."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def spo2(self) -> int:
        body = self._body
        return round(body.physiology.spo2) if body.presence.finger_in else 0

    def heart(self, now: float, *, worn: bool) -> int:
        rate = self._body.pulse_rate(now) if worn else None
        return 0 if rate is None else min(255, round(rate))

    def hundredths(self) -> int:
        return round(100 * self._body.physiology.temperature)


class Five:
    """A HealthyPi v5. Its own faults: "no-commands" (older firmware), "batches" (the Zephyr firmware's types 3 and 4,
    with its doubled temperature byte), "false-header" (samples that read 0A FA), "invalid-as-25" and "stopped".
    """

    kind: ClassVar[str] = "ecg"
    wear: ClassVar[Wear] = Wear(drop_every=2503)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("finger-out", "electrode-off")
    own_faults: ClassVar[tuple[str, ...]] = ("no-commands", "batches", "false-header", "invalid-as-25", "stopped")

    def __init__(self, body: Body) -> None:
        self._vitals = _Vitals(body)
        self._lead = OneLead(body, "I", PER_MV_5)
        self._pace = Pace()
        self._pace.begin(0.0, RATE_5)
        self._streams = True
        self._wrong: set[str] = set()
        self._pending = b""

    def opened(self, now: float) -> None:
        """DTR is on: it streams from here."""
        self._pace.begin(now, RATE_5)

    def receive(self, data: bytes, now: float) -> Frames:
        """Commands whose check is right; only the ping is answered."""
        if "no-commands" in self._wrong:
            return []
        self._pending += data
        answers: Frames = []
        while (start := self._pending.find(b"\xaa\x55")) >= 0:
            command = self._pending[start:]
            if len(command) < 5 or len(command) < 5 + command[3] <= LONGEST_COMMAND:
                break
            answers += self._obey(command[2], command[4 : 4 + command[3]], command[4 + command[3]], now)
            self._pending = command[5 + command[3] :] if command[3] <= LONGEST_COMMAND - 5 else command[2:]
        self._pending = self._pending[-LONGEST_COMMAND:]
        return answers

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin or end one of its own faults."""
        (self._wrong.add if wrong else self._wrong.discard)(fault)
        if fault == "stopped":
            self._stream(not wrong, now)

    def produce(self, now: float) -> Frames:
        """Frames up to `now` while it streams."""
        if not self._streams:
            return []
        batches = "batches" in self._wrong
        due = self._pace.due(now) // 8 * 8 if batches else self._pace.due(now)
        if not due:
            return []
        counts = [int(count) for count in self._lead.counts(self._pace.take(due), due, RATE_5)]
        if "false-header" in self._wrong:
            counts = [0xFA0A] * due
        return self._batches(counts, now) if batches else [self._sample(count, now) for count in counts]

    def _stream(self, on: bool, now: float) -> None:
        if on and not self._streams:
            self._pace.begin(now, RATE_5)
        self._streams = on

    def _obey(self, kind: int, payload: bytes, check: int, now: float) -> Frames:
        for byte in payload:
            check ^= byte
        if check:
            return []
        if kind in (START, STOP):
            self._stream(kind == START, now)
        return [b"\xaa\x55\x81\x00\x00"] if kind == PING else []

    def _said(self, now: float) -> tuple[int, int, int]:
        if "invalid-as-25" in self._wrong:
            return INVALID, INVALID, BREATHS
        return self._vitals.spo2(), self._vitals.heart(now, worn=self._lead.worn), BREATHS

    def _sample(self, count: int, now: float) -> bytes:
        spo2, heart, breaths = self._said(now)
        light = (RED, INFRARED, self._vitals.hundredths(), spo2, heart, breaths)
        return framed(2, struct.pack("<iiBiihBBB", count, -310, 0, *light))

    def _batches(self, counts: list[int], now: float) -> Frames:
        spo2, heart, breaths = self._said(now)
        high = self._vitals.hundredths() >> 8
        light = framed(4, struct.pack("<8hBBB", *[INFRARED >> 8] * 8, spo2, high, high))
        frames: Frames = []
        for at in range(0, len(counts), 8):
            frames += [framed(3, struct.pack("<8i4iBB", *counts[at : at + 8], *[-310] * 4, heart, breaths)), light]
        return frames


class Four:
    """A HealthyPi v4, with its two constants where a blood pressure would be. Its own fault: "wrong-length"."""

    kind: ClassVar[str] = "ecg"
    wear: ClassVar[Wear] = Wear(drop_every=2503)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("finger-out", "electrode-off")
    own_faults: ClassVar[tuple[str, ...]] = ("wrong-length",)

    def __init__(self, body: Body) -> None:
        self._vitals = _Vitals(body)
        self._lead = OneLead(body, "I", PER_MV_4)
        self._pace = Pace()
        self._pace.begin(0.0, RATE_4)
        self._wrong = False

    def opened(self, now: float) -> None:
        """It streams from here."""
        self._pace.begin(now, RATE_4)

    def receive(self, data: bytes, now: float) -> Frames:  # noqa: ARG002
        """Nothing: it takes no command."""
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Begin or end "wrong-length": a firmware that nobody knows."""
        self._wrong = wrong

    def produce(self, now: float) -> Frames:
        """Frames up to `now`."""
        due = self._pace.due(now)
        if not due:
            return []
        counts = self._lead.counts(self._pace.take(due), due, RATE_4)
        return [self._sample(int(count), now) for count in counts]

    def _sample(self, count: int, now: float) -> bytes:
        worn = self._lead.worn
        vitals = (BREATHS, self._vitals.spo2(), self._vitals.heart(now, worn=worn), 80, 120, 0xC0 if worn else 0xC6)
        said = (max(-32768, min(32767, count)), -45, INFRARED, RED, self._vitals.hundredths(), *vitals)
        return framed(2, struct.pack("<hhiiH6B", *said) + (b"\x00" if self._wrong else b""))
