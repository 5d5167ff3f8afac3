"""SunTech Advantage / A+ blood-pressure module: its frames, pure.

Host -> module `3A command data chk`; module -> host `3E len data chk`, `len` counting the whole frame; the sum of a
whole frame is 0 modulo 256 both ways. The maker's manual is not public: every fact is that of the protocol sheet
"SunTech Advantage / A+ OEM module" (sections 2-5), the error table quoting the maker's Rev K page 55 in decimal.
Unconfirmed: that base (one other source reads the table in hexadecimal), and the module's own safety timers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from drivers.events import Event, Identity, NoValue, PressureResult, Reading, Trouble, Value, Why

HOST, MODULE = 0x3A, 0x3E

START_ADULT = b"\x20"
START_PEDIATRIC, START_NEONATE = b"\x87", b"\x28"
"""Known, and never sent: a cabin sees adults."""
MODULE_DATA, RESET = b"\x00", b"\x8a"
RETURN_CODE = b"\x79\x02\x03"
"""Known, and never sent: nothing is done here that needs them."""
ABORT = b"\x79\x01\x00"
READ_RESULT = b"\x79\x03\x00"
READ_CUFF = b"\x79\x05\x00"
STATUS = b"\x79\x10\x03"
"""Self-test of the Advantage. Its right checksum is 3A; public code carries 4C and 3D, which are never sent here."""
STATUS_APLUS = b"\x79\x11\x00"
RETURN_STRING = b"\x79\x02\x40"

ACK, WORD, CALIBRATION, RESULT, TEXT = 0x04, 0x05, 0x06, 0x18, 0x43
"""What a frame carries, told by its length."""
LENGTHS = (ACK, WORD, CALIBRATION, RESULT, TEXT)

ACKS = {
    "O": "accepted",
    "K": "done",
    "A": "aborted",
    "B": "busy",
    "E": "error",
    "N": "undefined command",
    "D": "unrecognised command",
    "S": "asleep",
    "T": "timeout",
}
REFUSALS = frozenset("BENDST")

NEVER_REACHED_MMHG = 20
"""A cuff has to be tighter than the systolic pressure; its samples are a moment apart, and some are lost."""
ERRORS = {
    1: "weak-signal",
    2: "movement",
    3: "out-of-range",
    4: "time-exceeded",
    85: "blockage",
    86: "ended-by-user",
    87: "loose-cuff",
    88: "safety-timeout",
    89: "overpressure",
    90: "hardware",
    91: "safety-link",
    97: "transducer",
    99: "memory",
}
"""Error byte -> word. 2 is the maker's "artifact", which on an arm is movement; 99 is its EEPROM."""
_WHY: dict[int, Why] = {3: "out-of-range", 86: "aborted"}

UNCONFIRMED = "the error codes and safety timers of this module: the document of its maker is not public"

HIGHEST_MMHG = 300
"""Above it a pressure is neither believed as a result nor left on an arm (sheet section 3: cuff range 0-300)."""
NO_PRESSURE = 0xFFFF


def _sealed(body: bytes) -> bytes:
    return body + bytes([-sum(body) & 0xFF])


def encode_command(command: bytes) -> bytes:
    """Host frame of one command with its data."""
    return _sealed(bytes([HOST]) + command)


def inflate_to(mmhg: int) -> bytes:
    """Command that sets the initial inflation pressure."""
    return b"\x17" + mmhg.to_bytes(2, "little")


def pneumatics(pump: int, valve: int, dump: int) -> bytes:
    """Command that sets the pump and the two valves by hand: for a workshop, never sent to an arm."""
    return bytes((0x0C, pump, valve, dump))


def encode_reply(body: bytes) -> bytes:
    """Module frame around `body`."""
    return _sealed(bytes([MODULE, len(body) + 3]) + body)


def encode_ack(letter: str) -> bytes:
    """Module frame of one acknowledge letter (see `ACKS`)."""
    return encode_reply(letter.encode("ascii"))


def encode_cuff(mmhg: int | None) -> bytes:
    """Module frame of the cuff pressure; None is the module's "no value"."""
    return encode_reply((NO_PRESSURE if mmhg is None else mmhg).to_bytes(2, "little"))


def encode_status(abnormal: int = 0) -> bytes:
    """Module frame that answers a status request; anything but 0 is an abnormal self-test."""
    return encode_reply(bytes([abnormal, 0]))


def encode_text(text: str) -> bytes:
    """Module frame of the return string: 64 characters, filled up with zeros."""
    return encode_reply(text.encode("ascii")[:64].ljust(64, b"\0"))


def encode_result(  # the layout of sheet section 4, one argument for each field
    systolic: int,
    diastolic: int,
    mean: int,
    pulse_rate: int,
    *,
    beats: int,
    error: int = 0,
    status: int = 1,
    test_codes: bytes = bytes(8),
) -> bytes:
    """Module frame of one finished measurement: mmHg, beats per minute, error byte of `ERRORS` or 0."""
    body = bytearray(21)
    body[0:2] = systolic.to_bytes(2, "little")
    body[2:4] = diastolic.to_bytes(2, "little")
    body[4], body[5] = beats, status
    body[6:14] = test_codes
    body[14] = pulse_rate
    body[16:18] = mean.to_bytes(2, "little")
    body[18] = error
    return encode_reply(bytes(body))


@dataclass(frozen=True, slots=True)
class Frame:
    """One module frame whose checksum was right."""

    kind: int
    """Its length byte: `ACK`, `WORD`, `CALIBRATION`, `RESULT` or `TEXT`."""
    body: bytes

    @property
    def letter(self) -> str:
        """The letter of an acknowledge, else ""."""
        return chr(self.body[0]) if self.kind == ACK else ""


class Framer:
    """Module bytes, in any cut -> frames, sliding a byte over what does not fit; pure."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[Frame | Trouble]:
        """Take bytes; return the frames that they complete, and one `Trouble` for each stretch refused before one."""
        self._pending += data
        found: list[Frame | Trouble] = []
        while self._pending:
            if self._pending[0] != MODULE or (len(self._pending) > 1 and self._pending[1] not in LENGTHS):
                self._slide()
            elif len(self._pending) < 2 or len(self._pending) < self._pending[1]:
                break
            elif sum(self._pending[: self._pending[1]]) & 0xFF:
                found.append(Trouble("checksum", "a frame of the module was damaged"))
                self._slide()
            else:
                found += self._take(self._pending[1])
        return found

    def flush(self) -> list[Frame | Trouble]:
        """Give up waiting for the rest of a frame that began, and return what stands behind its first byte."""
        found: list[Frame | Trouble] = []
        while self._pending:
            self._slide()
            found += self.feed(b"")
        return found

    def _slide(self) -> None:
        del self._pending[0]
        self._skipped += 1

    def _take(self, length: int) -> list[Frame | Trouble]:
        frame = Frame(length, bytes(self._pending[2 : length - 1]))
        del self._pending[:length]
        skipped, self._skipped = self._skipped, 0
        return [Trouble("resync", "bytes that belong to no frame", skipped), frame] if skipped else [frame]


class Decoder:
    """Module bytes, in any cut -> events; pure, for a capture. A frame of two bytes is taken for a cuff pressure."""

    def __init__(self) -> None:
        self._framer = Framer()

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        return [event for frame in self._framer.feed(data) for event in _said(frame)]

    def flush(self) -> list[Event]:
        """Return what stands behind a frame that the capture cuts short."""
        return [event for frame in self._framer.flush() for event in _said(frame)]


def _said(frame: Frame | Trouble) -> list[Event]:
    if isinstance(frame, Trouble):
        return [frame]
    if frame.kind == ACK:
        return refusal(frame)
    if frame.kind == WORD:
        return [cuff_reading(frame)]
    if frame.kind == RESULT:
        return [pressure_result(frame)]
    return [identity(frame)] if frame.kind == TEXT else []


def refusal(frame: Frame) -> list[Event]:
    """The trouble that an acknowledge letter tells of; nothing for O, K and A."""
    if frame.letter not in ACKS:
        return [Trouble("malformed", "an acknowledge letter that the sheet does not know")]
    return [Trouble("refused", ACKS[frame.letter])] if frame.letter in REFUSALS else []


def cuff_reading(frame: Frame) -> Reading:
    """Cuff pressure in mm[Hg]; FFFF is no value."""
    mmhg = int.from_bytes(frame.body, "little")
    return Reading("cuff_pressure", NoValue("missing") if mmhg == NO_PRESSURE else float(mmhg), "mm[Hg]")


def identity(frame: Frame) -> Identity:
    """Model and version from the return string: "LX..." is an Advantage, "SB..." an A+ (sheet section 3)."""
    text = "".join(chr(byte) for byte in frame.body if 0x20 <= byte < 0x7F).strip()
    model = {"LX": "SunTech Advantage", "SB": "SunTech Advantage A+"}.get(text[:2], "SunTech module")
    return Identity(model, firmware=text or None)


def pressure_result(frame: Frame, highest: float | None = None) -> PressureResult:
    """The end of a measurement. With an error no number leaves it.

    `highest`: mmHg that this cuff was seen at. Where it never was tight enough the result is an earlier one's: a K
    may be late from a measurement that was aborted, and the module keeps its last result until it has another.

    Nor does one that contradicts itself (diastolic < mean < systolic does not hold, flag "inconsistent"): the
    checksum is a sum, and does not see swapped bytes.
    """
    body = frame.body
    error, beats = body[18], body[4]
    if error:
        return failed(ERRORS.get(error, f"unknown-{error}"), _WHY.get(error, "device-error"), beats)
    systolic, diastolic, mean = (_pressure(body[at : at + 2]) for at in (0, 2, 16))
    pulse: Value = float(body[14]) if body[14] else NoValue("missing")
    for value in (systolic, diastolic):
        if isinstance(value, NoValue):
            return PressureResult(value, value, value, value, beats)
    if not _in_order(diastolic, mean, systolic):
        none = NoValue("out-of-range")
        return PressureResult(none, none, none, none, beats, flags=frozenset({"inconsistent"}))
    if highest is not None and isinstance(systolic, float) and systolic > highest + NEVER_REACHED_MMHG:
        return failed("stale", "device-error", beats)
    return PressureResult(systolic, diastolic, mean, pulse, beats)


def _in_order(*pressures: Value) -> bool:
    known = [value for value in pressures if not isinstance(value, NoValue)]
    return all(low < high for low, high in pairwise(known))


def failed(error: str, why: Why, beats: int = 0) -> PressureResult:
    """A measurement that ended without a value."""
    none = NoValue(why)
    return PressureResult(none, none, none, none, beats, error)


def _pressure(field: bytes) -> Value:
    mmhg = int.from_bytes(field, "little")
    if mmhg in (0, NO_PRESSURE):
        return NoValue("missing")
    return float(mmhg) if mmhg <= HIGHEST_MMHG else NoValue("out-of-range")
