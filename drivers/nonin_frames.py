"""Nonin serial data formats 2 and 7: their frames, pure.

Sources: OEM III Module Specification and Technical Information 4518-001 Rev 12; 9560 OEM specification 6470-000-01
(timer and STAT2 only); protocol sheet nonin, sections 2 and 7.

A frame of format 7 is `STATUS, pleth MSB, pleth LSB, FLOAT, CHK`, one of format 2 is `01, STATUS, pleth, FLOAT, CHK`;
CHK is the sum of the first four modulo 256. 25 frames make a packet, 3 packets a second. What FLOAT means depends on
the number of the frame in its packet; SYNC marks number 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivers.events import Trouble

FRAME = 5
FRAMES = 25
"""Frames in a packet."""
RATE = 75.0
"""Pleth samples, and frames, per second."""

ALWAYS, SNSD, ARTF, OOT, SNSA, RPRF, GPRF, SYNC = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
"""STATUS: always set, sensor disconnected, artifact, out of track, sensor alarm (finger out), red and green perfusion
(both: yellow; set for 12 frames a beat), first frame of a packet."""
SPA, LOW_BATTERY = 0x20, 0x01
"""STAT2: SmartPoint reached, battery low."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a frame of one format has before FLOAT and CHK."""

    form: int
    """The maker's number of the format."""
    lead: bytes
    """What every frame begins with, before its STATUS."""
    most: int
    """Largest pleth count."""

    def valid(self, frame: bytes | bytearray) -> bool:
        """Whether these five bytes can be a frame."""
        status = frame[len(self.lead)]
        return frame.startswith(self.lead) and bool(status & ALWAYS) and sum(frame[:4]) & 0xFF == frame[4]

    def synced(self, frame: bytes | bytearray) -> bool:
        """Whether a valid frame is the first of its packet."""
        return bool(frame[len(self.lead)] & SYNC)


FORMAT_2 = Layout(2, b"\x01", 0xFF)
FORMAT_7 = Layout(7, b"", 0xFFFF)

SLOTS: Mapping[str, tuple[int, ...]] = {
    "hr": (1, 2),
    "spo2": (3,),
    "srev": (4,),
    "tmr": (6, 7),
    "stat2": (8,),
    "spo2_d": (9,),
    "spo2_fast": (10,),
    "spo2_bb": (11,),
    "e_hr": (14, 15),
    "e_spo2": (16,),
    "e_spo2_d": (17,),
    "hr_d": (20, 21),
    "e_hr_d": (22, 23),
}
"""FLOAT by frame number, counted from 1; two numbers are the high and the low 7 bits. Plain: average of 4 beats; e_:
of 8; _d: for a display, held for 10 s after the finger left, so never read here."""

NO_HR, NO_SPO2 = 511, 127
"""The device's codes for "no value"."""
HR_RANGE, SPO2_RANGE = (18, 321), (0, 100)

PATIENCE = 375
"""Bytes (1 s) without a packet after which the decoder says so."""


def encode_frame(status: int, pleth: int, value: int, layout: Layout = FORMAT_7) -> bytes:
    """One frame; `status` gets its constant bit, `pleth` is 0..`layout.most`, `value` one byte."""
    head = bytes((*layout.lead, status | ALWAYS))
    body = head + pleth.to_bytes(FRAME - 2 - len(head), "big") + bytes((value,))
    return body + bytes((sum(body) & 0xFF,))


def encode_floats(numbers: Mapping[str, int]) -> list[int]:
    """The 25 FLOAT bytes of a packet from values by their name in `SLOTS`; what is not named is 0."""
    floats = [0] * FRAMES
    for name, number in numbers.items():
        for shift, slot in enumerate(reversed(SLOTS[name])):
            floats[slot - 1] = number >> 7 * shift & 0x7F
    return floats


def encode_packet(
    statuses: Sequence[int], pleth: Sequence[int], numbers: Mapping[str, int], layout: Layout = FORMAT_7
) -> bytes:
    """A packet of 25 frames, SYNC on the first of them alone."""
    marks = [statuses[0] | SYNC, *(status & ~SYNC for status in statuses[1:])]
    rows = zip(marks, pleth, encode_floats(numbers), strict=True)
    return b"".join(encode_frame(*row, layout) for row in rows)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good frame and its number in its packet, 1 to 25."""

    number: int
    status: int
    pleth: int
    value: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Frames are missing here: so many, or nobody knows."""

    frames: int | None


Item = Frame | Loss | Trouble
"""What the bytes hold, in their order."""


class Framer:
    """Bytes -> numbered frames: hunts for two frames in a row and one SYNC, then counts (sheet section 7)."""

    def __init__(self, layout: Layout = FORMAT_7) -> None:
        self._layout = layout
        self._buffer = bytearray()
        self._next: int | None = None
        """The number that the next frame must have; None while hunting."""
        self._before: int | None = None
        """Frames of the broken packet that were good, None where their number is not known."""
        self._ever = False
        self._discarded = 0

    def feed(self, data: bytes) -> list[Item]:
        """The frames in `data` and what was kept before, the holes between them, and what was wrong."""
        self._buffer += data
        items: list[Item] = []
        while (found := self._hunt() if self._next is None else self._follow(self._next)) is not None:
            items += found
        return items

    def _follow(self, number: int) -> list[Item] | None:
        """The next frame of a known packet; None when more bytes are needed."""
        if len(self._buffer) < FRAME:
            return None
        if not self._valid(0):
            self._lose(number - 1)
            return [Trouble("checksum")]
        synced = self._layout.synced(self._buffer)
        if number == 1 and not synced:
            self._lose(None)
            return []
        early: list[Item] = [Loss(None)] if synced and number != 1 else []
        number = 1 if synced else number
        self._next = number % FRAMES + 1
        return [*early, *self._cut([number])]

    def _hunt(self) -> list[Item] | None:
        """Frames up to a SYNC that proves them, else one byte less; None when more bytes are needed."""
        sync: int | None = None
        for place in range(len(self._buffer) // FRAME):
            synced = self._layout.synced(self._frame(place))
            if not self._valid(place) or place == FRAMES or (synced and sync is not None):
                return self._slide()
            sync = place if synced else sync
            if sync is not None and place:
                return self._lock(sync, place + 1)
        return None

    def _lock(self, sync: int, count: int) -> list[Item]:
        numbers = [(place - sync) % FRAMES + 1 for place in range(count)]
        loss: list[Item] = [Loss(self._missing(sync))] if self._ever else []
        self._next = numbers[-1] % FRAMES + 1
        self._ever = True
        self._discarded = 0
        return [*loss, *self._cut(numbers)]

    def _missing(self, after: int) -> int | None:
        """Damaged frames, if the refused bytes fill the hole between the good ones exactly: then none was lost."""
        frames, rest = divmod(self._discarded, FRAME)
        if self._before is None or rest or (self._before + frames + after) % FRAMES:
            return None
        return frames

    def _lose(self, good: int | None) -> None:
        self._next, self._before, self._discarded = None, good, 0

    def _slide(self) -> list[Item]:
        del self._buffer[0]
        self._discarded += 1
        if self._discarded % PATIENCE:
            return []
        detail = f"no packet of format {self._layout.form}: check the port and the format resistor"
        return [Trouble("resync", detail, PATIENCE)]

    def _valid(self, place: int) -> bool:
        return self._layout.valid(self._frame(place))

    def _frame(self, place: int) -> bytearray:
        return self._buffer[place * FRAME : (place + 1) * FRAME]

    def _cut(self, numbers: Sequence[int]) -> list[Item]:
        frames: list[Item] = []
        for number in numbers:
            place = len(self._layout.lead)
            status, value = self._buffer[place], self._buffer[3]
            frames.append(Frame(number, status, int.from_bytes(self._buffer[place + 1 : 3], "big"), value))
            del self._buffer[:FRAME]
        return frames
