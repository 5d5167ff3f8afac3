"""Nonin finger oximeters, which push without being asked: an OEM III in format 1, 2 or 7.

Protocol sheet nonin, sections 2, 3 and 9 (maker's 4518-001 rev. 12): formats 2 and 7 are 75 five-byte frames a
second, 25 to a packet that begins with SYNC; format 1 is three bytes a second. When the finger leaves, the recording
values are missing at once (511, 127) while the display values are held for 10 s. The 9560 is in `nonin_9560`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.nonin_finger import RATE, BodyFinger, Finger
from simulators.nonin_formats import PACKET, float_table, frames, second_1
from simulators.nonin_sensor import Sensor

SENSOR_FAULTS = ("low-perfusion", "artifact", "sensor-disconnected", "held-display")
OTHER: Mapping[int, int] = {1: 7, 2: 7, 7: 2, 8: 7, 13: 7}
"""Format -> the one that is sent with the fault "wrong-format": somebody changed the resistor, or asked for it."""
WAVE_WEAR, SHORT_WEAR = Wear(drop_every=397, spoil_every=70), Wear(drop_every=29)


class Oximeter:
    """The module in format 7; `finger` replaces the body's finger by a recording."""

    kind: ClassVar[str] = "oximeter"
    form: ClassVar[int] = 7
    wear: ClassVar[Wear] = WAVE_WEAR
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("finger-out",)
    own_faults: ClassVar[tuple[str, ...]] = (*SENSOR_FAULTS, "wrong-format")

    def __init__(self, body: Body, finger: Finger | None = None) -> None:
        self._finger: Finger = finger or BodyFinger(body)
        self._faults: set[str] = set()
        self._sensor = Sensor(body, self._finger, self._faults)
        self._start(0.0)

    def opened(self, now: float) -> None:
        """The module pushes anyway; a recording begins with its first sample."""
        self._start(now)

    def receive(self, data: bytes, now: float) -> Frames:  # noqa: ARG002
        """Nothing: the module's serial input is for future use."""
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Begin or end one of `own_faults`."""
        (self._faults.add if wrong else self._faults.discard)(fault)

    def produce(self, now: float) -> Frames:
        """Whole frames up to `now`."""
        first, due = self._next, self._first + int((now - self._began) * RATE) - self._next
        if due <= 0:
            return []
        self._sensor.look(first)
        self._next += due
        return self._frames(self._sent(), first, due)

    def _start(self, now: float) -> None:
        self._first = self._next = self._finger.start(now)
        self._began = now
        self._sensor.start(self._first)

    def _sent(self) -> int:
        """The format that is sent."""
        return OTHER[self.form] if "wrong-format" in self._faults else self.form

    def _frames(self, form: int, first: int, count: int) -> Frames:
        if form in (2, 7):
            return frames(
                form, self._marked(first, count), self._sensor.pleth(first, count), self._floats(first, count)
            )
        return [second_1(self._sensor.moment(at)) for at in range(-(-first // RATE) * RATE, first + count, RATE)]

    def _marked(self, first: int, count: int) -> NDArray[np.uint8]:
        """STATUS with SYNC on the first frame of each packet."""
        begins = np.arange(first, first + count) % PACKET == 0
        return np.asarray(self._sensor.status(first, count) | begins, dtype=np.uint8)

    def _floats(self, first: int, count: int) -> NDArray[np.uint8]:
        """The FLOAT byte of each frame: one table of 25 bytes for each packet touched."""
        packets = range(first // PACKET, (first + count - 1) // PACKET + 1)
        table = b"".join(self._table(packet) for packet in packets)
        skipped = first - packets[0] * PACKET
        return np.frombuffer(table, dtype=np.uint8)[skipped : skipped + count]

    def _table(self, packet: int) -> bytes:
        return float_table(self._sensor.moment(packet * PACKET))


class Oximeter2(Oximeter):
    """The module as it is delivered, without a resistor: format 2."""

    form: ClassVar[int] = 2


class Oximeter1(Oximeter):
    """The module with its resistor at 0 ohm: format 1."""

    form: ClassVar[int] = 1
    wear: ClassVar[Wear] = SHORT_WEAR
