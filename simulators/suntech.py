"""A SunTech Advantage module: request and answer, one spontaneous message at the end of a measurement.

Protocol sheet suntech-nibp. A packet with a wrong checksum is answered by N, as an undefined command; while it
measures, only the cuff pressure can be read and the abort is obeyed, all else is answered by B. Its result is its own
truth (the body's pressures at the two crossings, within about a millimetre), never an estimate from the pulses.
Replies to calibration, module data and return code are not documented: shapes of ours, not facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulators import cuff
from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear

LENGTHS: Mapping[int, int] = {
    0x20: 0,
    0x87: 0,
    0x28: 0,
    0x17: 2,
    0x79: 2,
    0x00: 0,
    0x0C: 3,
    0x04: 1,
    0x81: 4,
    0x86: 3,
    0x8A: 0,
}
"""Data bytes after each command byte; the packet itself does not say."""
ADULT_MMHG = 160
WEAK_SIGNAL, ARTIFACT, OUT_OF_RANGE, USER, LOOSE_CUFF = 1, 2, 3, 86, 87
WEAK_MMHG = 0.5
ERROR_FAULTS: Mapping[str, int] = {
    "weak-signal": WEAK_SIGNAL,
    "movement": ARTIFACT,
    "out-of-range": OUT_OF_RANGE,
    "too-long": 4,
    "blockage": 85,
    "leak": LOOSE_CUFF,
    "safety-timeout": 88,
    "overpressure": 89,
    "hardware": 90,
    "safety-link": 91,
    "transducer": 97,
    "memory": 99,
}
"""Own faults that end a measurement with an error byte of the sheet's table (section 5)."""
TALK_FAULTS = ("asleep", "busy", "no-done", "late-reply", "abnormal-self-test")
"""Own faults of the conversation: S or B to everything, no K, answers `LATE_S` later, a self-test that failed."""
LATE_S = 0.7
LOOSE_S = 12.0
"""How long the pump tries to fill a cuff that does not close."""
EMPTY_MMHG = 5.0
PATIENCE_S = 1.0
VERSION = "LX Advantage 4.10 simulated"


@dataclass(frozen=True, slots=True)
class Result:
    """What `79 03 00` reads."""

    systolic: int = 0
    diastolic: int = 0
    mean: int = 0
    rate: int = 0
    beats: int = 0
    error: int = 0

    def packet(self) -> bytes:
        """The 24-byte packet; BP status 1 for a good reading."""
        ok = self.beats > 0 and not self.error
        return packet(
            self.systolic.to_bytes(2, "little")
            + self.diastolic.to_bytes(2, "little")
            + bytes([self.beats, int(ok), *bytes(8), min(self.rate, 255), 0])
            + self.mean.to_bytes(2, "little")
            + bytes([self.error, 0, 0])
        )


def packet(data: bytes) -> bytes:
    """Module -> host: `3E`, the length of everything, the data, and a byte that makes the sum 0."""
    head = bytes([0x3E, len(data) + 3]) + data
    return head + bytes([-sum(head) & 0xFF])


def acknowledge(letter: str) -> bytes:
    """O accepted, K done, A aborted, B busy, E error, N undefined, D unrecognised, S asleep."""
    return packet(letter.encode("ascii"))


class Tensiometer:
    """The module with its cuff on the body's arm."""

    kind: ClassVar[str] = "tensiometer"
    wear: ClassVar[Wear] = Wear(drop_every=101, spoil_every=3)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("loose-cuff",)
    own_faults: ClassVar[tuple[str, ...]] = (*ERROR_FAULTS, *TALK_FAULTS)

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rng = np.random.default_rng((body.seed, 81060))
        self._pending = bytearray()
        self._wrong: set[str] = set()
        self._late: list[tuple[float, bytes]] = []
        self._heard_at = 0.0
        self._air = cuff.dumped(0.0, 0.0)
        self._restart()

    def _restart(self) -> None:
        self._measuring = self._loose = self._asleep = False
        self._first_mmhg = float(ADULT_MMHG)
        self._result = Result()

    def opened(self, now: float) -> None:
        """The module has its own supply: it does not notice."""

    def receive(self, data: bytes, now: float) -> Frames:
        """Answer each whole packet; bytes before a `3A` are skipped, and so is a packet that stopped half-way."""
        if now - self._heard_at > PATIENCE_S:
            self._pending.clear()
        self._heard_at = now
        self._pending += data
        answers: Frames = []
        while (command := self._cut()) is not None:
            answers.append(self._answer(command, now))
        if "late-reply" not in self._wrong:
            return answers
        self._late += [(now + LATE_S, answer) for answer in answers]
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Take one of its own faults, or lose it."""
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}

    def produce(self, now: float) -> Frames:
        """Answers that are late, and the K at the end of a measurement."""
        said = [answer for due, answer in self._late if due <= now]
        self._late = [(due, answer) for due, answer in self._late if due > now]
        return said + self._end(now)

    def _end(self, now: float) -> Frames:
        if not self._measuring:
            return []
        if not self._loose and not self._closes():
            self._loose = True
            self._air = cuff.leak(now, 4.0)
        if now < self._air.dump_at or self._pressure(now) > EMPTY_MMHG or "no-done" in self._wrong:
            return []
        self._measuring = False
        self._result = self._judge(now)
        return [acknowledge("K")]

    def _closes(self) -> bool:
        return self._body.presence.cuff_on and "leak" not in self._wrong

    def _cut(self) -> bytes | None:
        """The next packet of the host without its head, b"" when its sum is wrong; None when none is whole."""
        start = self._pending.find(0x3A)
        del self._pending[: start if start >= 0 else len(self._pending)]
        if len(self._pending) < 2:
            return None
        whole = 3 + LENGTHS.get(self._pending[1], 0)
        if len(self._pending) < whole:
            return None
        cut = bytes(self._pending[:whole])
        del self._pending[:whole]
        return b"" if sum(cut) & 0xFF else cut[1:-1]

    def _answer(self, command: bytes, now: float) -> bytes:
        if not command:
            return acknowledge("N")
        if "asleep" in self._wrong or (self._asleep and command[0] != 0x8A):
            return acknowledge("S")
        if command[:2] in _ALWAYS:
            return _ALWAYS[command[:2]](self, now)
        if "busy" in self._wrong or (self._measuring and command[0] != 0x8A):
            return acknowledge("B")
        if command[0] == 0x79:
            return self._read(command[1:])
        return self._do(command, now)

    def _read(self, what: bytes) -> bytes:
        if what == b"\x03\x00":
            return self._result.packet()
        if what in (b"\x10\x03", b"\x11\x00"):
            return packet(bytes([int("abnormal-self-test" in self._wrong), 0]))
        if what == b"\x02\x03":
            return packet(bytes([self._result.error, 0]))
        if what == b"\x02\x40":
            return packet(VERSION.encode("ascii").ljust(64, b"\x00"))
        return acknowledge("N")

    def _do(self, command: bytes, now: float) -> bytes:
        code, data = command[0], command[1:]
        if code in (0x20, 0x87, 0x28):
            return self._start(now)
        if code == 0x17:
            return self._set_first(int.from_bytes(data, "little"))
        if code == 0x8A:
            self._release(now)
            self._restart()
        elif code == 0x81:
            self._asleep = True
        elif code == 0x04:
            return packet(data + b"\x00\x00")
        elif code not in (0x00, 0x0C, 0x86):
            return acknowledge("D")
        return acknowledge("K")

    def _set_first(self, mmhg: int) -> bytes:
        if not 20 <= mmhg <= cuff.HIGHEST_MMHG:
            return acknowledge("E")
        self._first_mmhg = float(mmhg)
        return acknowledge("O")

    def _start(self, now: float) -> bytes:
        if self._pressure(now) > EMPTY_MMHG:
            return acknowledge("B")
        body = self._body.physiology
        self._loose = not self._closes()
        closed = cuff.plan(now, self._first_mmhg, body.systolic, body.diastolic)
        self._air = cuff.leak(now, LOOSE_S) if self._loose else closed
        self._measuring = True
        return acknowledge("O")

    def _abort(self, now: float) -> bytes:
        if self._measuring:
            self._result = Result(error=USER)
        self._release(now)
        return acknowledge("A")

    def _release(self, now: float) -> None:
        self._air = cuff.dumped(now, self._base(now))
        self._measuring = False

    def _cuff_pressure(self, now: float) -> bytes:
        return packet(max(0, round(self._pressure(now))).to_bytes(2, "little"))

    def _base(self, now: float) -> float:
        return float(self._air.base(np.array([now]))[0])

    def _pressure(self, now: float) -> float:
        """What the transducer feels, mmHg."""
        t = np.array([now])
        base = self._air.base(t)
        worn = self._body.presence.cuff_on
        return float((base + cuff.pulses(self._body, t, base) if worn else base)[0])

    def _judge(self, now: float) -> Result:
        for fault, error in ERROR_FAULTS.items():
            if fault in self._wrong:
                return Result(error=error)
        if self._loose:
            return Result(error=LOOSE_CUFF)
        if self._body.presence.moving:
            return Result(error=ARTIFACT)
        start, end = self._air.top_at, self._air.dump_at
        t = np.arange(start, min(end, now), 0.02)
        base = self._air.base(t)
        if np.ptp(cuff.pulses(self._body, t, base)) < WEAK_MMHG:
            return Result(error=WEAK_SIGNAL)
        return self._crossings(start, end)

    def _crossings(self, start: float, end: float) -> Result:
        """Systolic of the first beat that passes under the cuff, diastolic of the first that is never stopped."""
        beats = self._body.beats(start, end)
        base = self._air.base(np.array([beat.at for beat in beats]))
        through = [n for n, beat in enumerate(beats) if beat.systolic >= base[n]]
        free = [n for n, beat in enumerate(beats) if beat.diastolic >= base[n]]
        # The first beat of the deflation passes already: the top was below the systolic pressure.
        if not through or not free or through[0] == 0 or free[0] <= through[0]:
            return Result(error=OUT_OF_RANGE)
        top, low = beats[through[0]], beats[free[0]]
        mean = float(self._body.arterial(np.arange(top.at, low.at, 0.02)).mean())
        seen = beats[through[0] : free[0] + 1]
        rate = 60.0 / (sum(beat.rr for beat in seen) / len(seen))
        own = self._rng.normal(0.0, 0.7, 3)
        pressures = [
            round(value + error) for value, error in zip((top.systolic, low.diastolic, mean), own, strict=True)
        ]
        return Result(pressures[0], pressures[1], pressures[2], round(rate), len(seen))


_ALWAYS: Mapping[bytes, Callable[[Tensiometer, float], bytes]] = {
    b"\x79\x01": Tensiometer._abort,
    b"\x79\x05": Tensiometer._cuff_pressure,
}
"""What is obeyed even during a measurement."""
