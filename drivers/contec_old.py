"""Contec CMS50D+/E/F of firmware 4.5 and less (19200 8O1): five bytes sixty times a second, and its memory; pure.

Source: open readers (atbrask/CMS50Dplus, MarkMLl/Contec_cms50dplus); protocol sheet contec-cms50, section 3. Only
the first byte of a live frame has bit 7. Unconfirmed: what is sent as numbers without a finger; 0 is taken for "no
value".
"""

from __future__ import annotations

from drivers.contec_live import PULSE_RANGE, SPO2_RANGE, Course, Live, value
from drivers.events import Event, Reading, Trouble, Why

MODEL = "Contec CMS50, old protocol"
FRAME = 5
PROOF = 20
"""Frames in a row that must agree: a third of a second. Frames of other devices look like these for a moment."""
DOWNLOAD, BACK_TO_LIVE = bytes.fromhex("F5 F5"), bytes.fromhex("F6 F6 F6")
PREAMBLE = bytes.fromhex("F2 80 00") * 3
POINT = 3
"""Bytes of one second of a recording, and of the length that comes before them."""

SIGNAL, NO_FINGER, LOW_SPO2, BEEP = 0x0F, 0x10, 0x20, 0x40
"""Byte 0: strength 0..8; finger out; SpO2 dropping; beat."""
PROBE_ERROR, SEARCHING, PULSE_HIGH, BAR = 0x10, 0x20, 0x40, 0x0F
"""Byte 2: probe error; searching; bit 7 of the pulse; bar graph."""


def encode_frame(signal: int, wave: int, bar: int, pulse: int, spo2: int, *, first: int = 0, third: int = 0) -> bytes:
    """One live frame; `first` and `third` are bits of bytes 0 and 2."""
    high = PULSE_HIGH if pulse & 0x80 else 0
    return bytes((0x80 | signal | first, wave, bar | third | high, pulse & 0x7F, spo2))


def encode_point(pulse: int, spo2: int) -> bytes:
    """One second of a recording."""
    return bytes((0xF0 | pulse >> 7, 0x80 | pulse & 0x7F, spo2))


def encode_length(points: int) -> bytes:
    """What comes before so many points (1 at least)."""
    count = points * POINT - 1
    return PREAMBLE + bytes((0x80 | count >> 14, 0x80 | count >> 7 & 0x7F, count & 0x7F))


def stored_bytes(length: bytes | bytearray) -> int:
    """The bytes of a recording, from the three that follow the preamble."""
    return ((length[0] & 0x7F) << 14 | (length[1] & 0x7F) << 7 | length[2] & 0x7F) + 1


def read_frame(frame: bytes | bytearray) -> Live | None:
    """Five bytes as a live frame, or None where they are none or say something impossible."""
    if not frame[0] & 0x80 or any(byte & 0x80 for byte in frame[1:]):
        return None
    pulse, spo2 = (frame[2] & PULSE_HIGH) << 1 | frame[3], frame[4]
    if spo2 > SPO2_RANGE[1]:
        return None
    why = _why(frame[0], frame[2])
    said: set[str] = {why} if why else set()
    said |= {word for word, bit in (("spo2-low", LOW_SPO2), ("pulse", BEEP)) if frame[0] & bit}
    return Live(frame[1], pulse or None, spo2 or None, None, frame[0] & SIGNAL, why, frozenset(said))


def _why(first: int, third: int) -> Why | None:
    if third & PROBE_ERROR:
        return "sensor-disconnected"
    if first & NO_FINGER:
        return "finger-out"
    return "out-of-track" if third & SEARCHING else None


class Old:
    """Bytes of the old protocol, in any cut -> events; pure.

    Live frames as `drivers.contec_live.Course` says them; a recording, once its preamble was seen, as readings with
    the flag "from-memory" (the device does not say when it was made). `Trouble("malformed")` for what is no frame.
    """

    def __init__(self) -> None:
        self._course = Course(MODEL, PROOF)
        self._buffer = bytearray()
        self._stray = False
        self._stored = 0
        """Bytes that are still to come of a recording."""

    @property
    def believed(self) -> bool:
        """Whether live frames come just now."""
        return self._course.believed

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        events: list[Event] = []
        for byte in data:
            self._buffer.append(byte)
            events += self._recording() if self._stored else self._look()
        return events

    def flush(self) -> list[Event]:
        """The samples that still wait for their wave to be full."""
        return self._course.flush()

    def _look(self) -> list[Event]:
        """A live frame, or the preamble of a recording, when one is whole."""
        size = len(self._buffer)
        head = size <= len(PREAMBLE) and PREAMBLE.startswith(self._buffer)
        if head or (self._buffer.startswith(PREAMBLE) and size < len(PREAMBLE) + POINT):
            return []
        if self._buffer.startswith(PREAMBLE):
            self._stored = stored_bytes(self._buffer[-POINT:])
            self._buffer.clear()
            return self._course.broken()
        return self._frames()

    def _frames(self) -> list[Event]:
        events: list[Event] = []
        while self._buffer:
            if not self._buffer[0] & 0x80:
                events += self._refuse(1)
            elif early := next((at for at, byte in enumerate(self._buffer[1:FRAME], 1) if byte & 0x80), 0):
                events += self._refuse(early)
            elif len(self._buffer) < FRAME:
                break
            else:
                events += self._frame()
        return events

    def _frame(self) -> list[Event]:
        live = read_frame(self._buffer[:FRAME])
        if live is None:
            return self._refuse(FRAME)
        del self._buffer[:FRAME]
        self._stray = False
        return self._course.take(live)

    def _refuse(self, size: int) -> list[Event]:
        """Bytes that are no frame: said once until there is a frame again."""
        del self._buffer[:size]
        said, self._stray = self._stray, True
        return [*([] if said else [Trouble("malformed", "no frame of the old protocol")]), *self._course.broken()]

    def _recording(self) -> list[Event]:
        """One second of a recording; what is none ends it."""
        if len(self._buffer) < POINT:
            return []
        head, low, spo2 = self._buffer
        self._buffer.clear()
        self._stored = max(0, self._stored - POINT)
        if head & 0xFE != 0xF0 or not low & 0x80 or spo2 & 0x80:
            self._stored = 0
            return [Trouble("malformed", "no second of a recording")]
        pulse, flags = (head & 1) << 7 | low & 0x7F, frozenset({"from-memory"})
        return [
            Reading("spo2", value(spo2 or None, None, SPO2_RANGE), "%", flags),
            Reading("pulse_rate", value(pulse or None, None, PULSE_RANGE), "/min", flags),
        ]
