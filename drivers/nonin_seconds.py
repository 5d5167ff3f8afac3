"""Nonin serial formats 1 and 8, the short ones: one frame a second, no waveform and no checksum; pure.

Sources: OEM III specification 4518-001 Rev 12 (format 1), 9560 OEM specification 6470-000-01 (format 8); protocol
sheet nonin, sections 3 and 4. Only the first byte of a frame has bit 7, so four frames in a row that look like it and
say nearly the same are needed before any is believed; later a number needs the frame before it to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from drivers.events import Event, Identity, NoValue, Reading, Trouble, Value, Why
from drivers.nonin_frames import ALWAYS, HR_RANGE, NO_HR, NO_SPO2, SPO2_RANGE

PROOF = 4
"""Frames in a row that must agree before the format is believed."""
AGREE_RATE, AGREE_SPO2 = 12, 3
"""Pulse (/min) and saturation (%) of two frames in a row that say the same, one second apart."""
PATIENCE = 60
"""Bytes without a frame after which the decoder says so."""


@dataclass(frozen=True, slots=True)
class Second:
    """What one frame says; the numbers are the device's own, 511 and 127 for none."""

    rate: int
    spo2: int
    flags: frozenset[str]
    """Of the sensor, the finger, the pulse and the battery."""

    def agrees(self, other: Second) -> bool:
        """Whether both can be of one finger, a second apart."""
        return _close(self.rate, other.rate, AGREE_RATE, NO_HR) and _close(self.spo2, other.spo2, AGREE_SPO2, NO_SPO2)


def _close(one: int, other: int, most: int, missing: int) -> bool:
    return one == other or (missing not in (one, other) and abs(one - other) <= most)


@dataclass(frozen=True, slots=True)
class Short:
    """How one of the two formats lays out its bytes."""

    form: int
    length: int
    status: Mapping[str, int]
    """Bit of the first byte -> its word."""
    last: Mapping[str, int]
    """The same of the fourth byte."""
    averaging: str

    def read(self, frame: bytes | bytearray) -> Second | None:
        """A frame that is well formed and says something possible, or None."""
        if not frame[0] & ALWAYS or any(byte & ALWAYS for byte in frame[1:]):
            return None
        rate, spo2 = (frame[0] & 0x03) << 7 | frame[1], frame[2]
        if not (rate == NO_HR or HR_RANGE[0] <= rate <= HR_RANGE[1]) or not (
            spo2 == NO_SPO2 or spo2 <= SPO2_RANGE[1]
        ):
            return None
        said = {word for word, bit in self.status.items() if frame[0] & bit}
        said |= {word for word, bit in self.last.items() if frame[-1] & bit}
        return Second(rate, spo2, frozenset(said))

    def ends(self, tail: bytes | bytearray) -> bool:
        """Whether enough frames that agree end with the last byte of `tail` to believe in this format."""
        begin = len(tail) - PROOF * self.length
        if begin < 0 or not tail[begin] & ALWAYS:
            return False
        run = [self.read(tail[at : at + self.length]) for at in range(begin, len(tail), self.length)]
        return all(
            one is not None and (before is None or one.agrees(before))
            for before, one in zip([None, *run], run, strict=False)
        )


_FINGER = {"out-of-track": 0x20, "low-perfusion": 0x10, "marginal-perfusion": 0x08, "artifact": 0x04}
FORMAT_1 = Short(1, 3, {"sensor-disconnected": 0x40, **_FINGER}, {}, "4-beat")
FORMAT_8 = Short(8, 4, _FINGER, {"smartpoint": 0x20, "finger-out": 0x08, "low-battery": 0x01}, "display")
"""Its values are the display's, which are held for 10 s after the finger left: never read with "finger-out"."""

_ALARMS: tuple[Why, ...] = ("sensor-disconnected", "finger-out", "out-of-track")


def encode_second(layout: Short, rate: int, spo2: int, flags: frozenset[str] = frozenset()) -> bytes:
    """One frame; 511 and 127 stand for no value."""
    status = sum(bit for word, bit in layout.status.items() if word in flags)
    last = sum(bit for word, bit in layout.last.items() if word in flags)
    return bytes((ALWAYS | status | rate >> 7, rate & 0x7F, spo2, last))[: layout.length]


class Format1:
    """Format 1 bytes, in any cut -> events; pure.

    A `Reading` of spo2 (%) and one of pulse_rate (/min) a second. A number is given only when the frame before it
    agrees; `NoValue` (the device says why, or 511 and 127) is given at once. `Identity` when the format is believed.
    """

    layout: ClassVar[Short] = FORMAT_1

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._before: Second | None = None
        """The last frame of a line that is believed; None while hunting."""
        self._named = False

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        events: list[Event] = []
        for byte in data:
            self._buffer.append(byte)
            events += self._hunt() if self._before is None else self._follow(self._before)
        return events

    def _hunt(self) -> list[Event]:
        """Wait for the frames that prove the format."""
        if not self.layout.ends(self._buffer):
            return self._grumble()
        size = self.layout.length
        proof = self._buffer[-PROOF * size :]
        self._buffer.clear()
        events: list[Event] = [] if self._named else [Identity(f"Nonin, serial format {self.layout.form}")]
        self._named = True
        for at in range(0, len(proof), size):
            second = self.layout.read(proof[at : at + size])
            if second is not None:
                events += _readings(self.layout, second, self._before)
                self._before = second
        return events

    def _grumble(self) -> list[Event]:
        if len(self._buffer) < PATIENCE + PROOF * self.layout.length:
            return []
        del self._buffer[:PATIENCE]
        detail = f"no frames of format {self.layout.form}: check the port and the format"
        return [Trouble("resync", detail, PATIENCE)]

    def _follow(self, before: Second) -> list[Event]:
        """The next frame; one that is malformed sends the decoder back to the hunt."""
        if len(self._buffer) < self.layout.length:
            return []
        second = self.layout.read(self._buffer)
        if second is None:
            self._before = None
            return [Trouble("malformed", f"a frame of format {self.layout.form}")]
        self._buffer.clear()
        self._before = second
        return _readings(self.layout, second, before)


class Format8(Format1):
    """The same with format 8 bytes (9560, 3150)."""

    layout: ClassVar[Short] = FORMAT_8


def _readings(layout: Short, second: Second, before: Second | None) -> list[Event]:
    """Both values of a second: numbers only when the second before agrees."""
    alarm = next((why for why in _ALARMS if why in second.flags), None)
    spo2 = _value(second.spo2, NO_SPO2, alarm)
    rate = _value(second.rate, NO_HR, alarm)
    numbers = not (isinstance(spo2, NoValue) and isinstance(rate, NoValue))
    if numbers and (before is None or not second.agrees(before)):
        return []
    detail = {"averaging": layout.averaging}
    return [
        Reading("spo2", spo2, "%", second.flags, detail),
        Reading("pulse_rate", rate, "/min", second.flags, detail),
    ]


def _value(number: int, missing: int, alarm: Why | None) -> Value:
    if alarm is not None:
        return NoValue(alarm)
    return NoValue("missing") if number == missing else float(number)
