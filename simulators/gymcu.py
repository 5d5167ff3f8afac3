"""GY-MCU90614 and 90615 infrared boards: nine-byte frames about 14 times a second; a 90615 waits to be asked.

Protocol sheet mlx90614-gymcu: `5A 5A 45 04`, object and ambient temperature in hundredths of a degree, sum. The error
bit of the sensor is hidden by the board: a broken one is played as its raw value 0, which is absolute zero.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear

RATE = 14.0
NOISE_C = 0.03
HOT_ROOM_C, NO_FACE_C, ABSOLUTE_ZERO_C = 44.0, 58.0, -273.15
ONE, CONTINUOUS, AT_POWER_UP, NOT_AT_POWER_UP = b"\xa5\x15\xba", b"\xa5\x45\xea", b"\xa5\x51\xf6", b"\xa5\x52\xf7"


def frame(spot: float, ambient: float) -> bytes:
    """One frame of two temperatures in Celsius."""
    body = b"\x5a\x5a\x45\x04" + b"".join(
        _hundredths(value).to_bytes(2, "big", signed=True) for value in (spot, ambient)
    )
    return body + bytes([sum(body) & 0xFF])


def _hundredths(celsius: float) -> int:
    return round(celsius * 100)


class Thermometer:
    """The board in front of the face, or of the wall when nobody faces it."""

    kind: ClassVar[str] = "thermometer"
    wear: ClassVar[Wear] = Wear(drop_every=101, spoil_every=5)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = (
        "stuck-value",
        "ambient-out-of-range",
        "object-out-of-range",
        "bad-sensor",
    )
    by_itself: ClassVar[bool] = True
    """Whether it sends at power-up as it is delivered."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._wrong: set[str] = set()
        self._stuck: bytes | None = None
        self._rng = np.random.default_rng((body.seed, 90614))
        self._pending = b""
        self._flows = self._flows_at_power_up = self.by_itself
        self._sent = 0

    def opened(self, now: float) -> None:
        """The USB bridge gives it power with the port."""
        self._flows = self._flows_at_power_up
        self._sent = int(now * RATE)

    def receive(self, data: bytes, now: float) -> Frames:
        """Commands of three bytes; they are not acknowledged, and the line speed is none of a simulated wire."""
        self._pending += data
        answers: Frames = []
        while (start := self._pending.find(b"\xa5")) >= 0 and len(self._pending) >= start + 3:
            answers += self._obey(self._pending[start : start + 3], now)
            self._pending = self._pending[start + 3 :]
        self._pending = self._pending[-2:]
        return answers

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Take one of its own faults, or lose it; a stuck value is that of the moment."""
        if fault == "stuck-value":
            self._stuck = (self._stuck or self._frame()) if wrong else None
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}

    def produce(self, now: float) -> Frames:
        """A frame for each fourteenth of a second that has passed."""
        due = int(now * RATE) - self._sent
        self._sent += max(0, due)
        return [self._frame() for _ in range(due)] if self._flows else []

    def _obey(self, command: bytes, now: float) -> Frames:
        if command == ONE:
            self._flows = False
            return [self._frame()]
        if command == CONTINUOUS:
            self._flows, self._sent = True, int(now * RATE)
        elif command in (AT_POWER_UP, NOT_AT_POWER_UP):
            self._flows_at_power_up = command == AT_POWER_UP
        return []

    def _frame(self) -> bytes:
        if self._stuck is not None:
            return self._stuck
        if "bad-sensor" in self._wrong:
            return frame(ABSOLUTE_ZERO_C, ABSOLUTE_ZERO_C)
        body = self._body.physiology
        room = HOT_ROOM_C if "ambient-out-of-range" in self._wrong else body.ambient
        seen = body.temperature if self._body.presence.facing else room
        if "object-out-of-range" in self._wrong:
            seen = NO_FACE_C
        noise = self._rng.normal(0.0, NOISE_C, 2)
        return frame(seen + noise[0], room + noise[1] / 3)


class FastThermometer(Thermometer):
    """The 90615, at 115200 baud."""

    by_itself: ClassVar[bool] = False
