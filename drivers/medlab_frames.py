"""Medlab EG01010: what its two serial protocols put on the wire and take from it, pure.

Protocol 1 is tokens without any check: a byte up to F6 is a sample while the last marker was F8; after F9, FA or FB
one byte follows. Protocol 2 is blocks: marker, check, content, every other byte below F8. Source: protocol sheet
"Medlab EG01010" (maker's manual v1.06, pages 12 and 16 to 19).
"""

from __future__ import annotations

from dataclasses import dataclass

WAVE, RESPIRATION, PULSE, INFO = 0xF8, 0xF9, 0xFA, 0xFB
"""Markers of protocol 1; WAVE is that of protocol 2 as well."""
STATUS, IDENTITY = 0xFC, 0xFD
"""Markers of protocol 2, whose values have F9 and FA."""
LEAD_OFF = 0x11
"""The one info byte that is defined."""
HIGHEST = 0xF6
"""Largest sample of protocol 1; 128 is the neutral line."""

NORMAL, IDENTIFY, SHOW_ECG = b"N", b"I", b"D0"
SPEEDS = {300: b"S0", 100: b"S1", 50: b"S2"}
"""Samples a second -> command of protocol 1."""
LEADS = {"III": b"G0", "II": b"G1", "I": b"G2"}
MAINS = {50: b"5", 60: b"6"}
"""Mains frequency -> command that filters it."""

STATUS_RATES = (50, 100, 150, 300)
"""Wave blocks a second, by bits 0 and 1 of a status block's fifth byte."""
STATUS_LEADS = {0x01: "I", 0x02: "II", 0x04: "III"}
MOST_SAMPLES = 2
"""Of a wave block: the one ECG lead, then the breathing."""
LONGEST_NAME = 32


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the curve of protocol 1."""

    count: int


@dataclass(frozen=True, slots=True)
class Number:
    """A byte that follows a marker which announces one: a rate, an info, or a value of protocol 2."""

    marker: int
    number: int


@dataclass(frozen=True, slots=True)
class Block:
    """A wave block of protocol 2: the samples of one moment."""

    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """A status block of protocol 2."""

    rate: int
    lead: str | None
    """None: no lead, or more than the one that the module can send."""
    mains: bool
    """It says that it sees much interference of the mains."""


@dataclass(frozen=True, slots=True)
class Name:
    """The answer to IDENTIFY."""

    text: str


@dataclass(frozen=True, slots=True)
class Bad:
    """Bytes that were refused."""

    count: int
    checked: bool
    """A block of the right length, whose check is wrong."""
    wave: bool = False
    """That was a wave block."""


Token = Sample | Number | Bad
Part = Block | Number | Status | Name | Bad


class Tokens:
    """Bytes of protocol 1, in any cut -> tokens; pure. What comes before the first marker is not known to be any."""

    def __init__(self) -> None:
        self._marker: int | None = None

    def feed(self, data: bytes) -> list[Token]:
        """Take bytes; return what they say."""
        return [token for byte in data for token in self._byte(byte)]

    def _byte(self, byte: int) -> list[Token]:
        marker = self._marker
        if byte > HIGHEST:
            self._marker = byte if byte in (WAVE, RESPIRATION, PULSE, INFO) else None
            cut_short = marker not in (WAVE, None)
            return [Bad(1, checked=False)] if cut_short or self._marker is None else []
        if marker is None:
            return []
        if marker == WAVE:
            return [Sample(byte)]
        self._marker = None
        return [Number(marker, byte)]


class Blocks:
    """Bytes of protocol 2, in any cut -> blocks; pure. A block is given as soon as its last byte has come."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[Part]:
        """Take bytes; return the blocks that they complete."""
        return [part for byte in data for part in self._byte(byte)]

    def _byte(self, byte: int) -> list[Part]:
        if byte >= WAVE:
            self._skipped += len(self._pending)
            self._pending = bytearray([byte])
            return []
        if not self._pending:
            self._skipped += 1
            return []
        self._pending.append(byte)
        return self._whole() if self._is_long_enough() else []

    def _is_long_enough(self) -> bool:
        pending = self._pending
        match pending[0]:
            case 0xF8:
                return len(pending) - 2 == pending[1] >> 4
            case 0xF9 | 0xFA:
                return len(pending) == 3
            case 0xFC:
                return len(pending) == 6
            case 0xFD:
                return pending[-1] == 0 or len(pending) > LONGEST_NAME
        return True

    def _whole(self) -> list[Part]:
        block, skipped = bytes(self._pending), self._skipped
        self._pending, self._skipped = bytearray(), 0
        found: list[Part] = [Bad(skipped, checked=False)] if skipped else []
        return [*found, *_read(block)]


def check(block: bytes, bits: int) -> int:
    """Sum of a block's bytes but the second, of which the lowest `bits` are sent."""
    return (sum(block) - block[1]) & ((1 << bits) - 1)


def _read(block: bytes) -> list[Part]:
    """What a block of the right length says."""
    match block[0]:
        case 0xF8:
            fits = 1 <= block[1] >> 4 <= MOST_SAMPLES and block[1] & 0x0F == check(block, 4)
            return [Block(tuple(block[2:])) if fits else Bad(len(block), checked=True, wave=True)]
        case 0xF9 | 0xFA if block[1] == check(block, 7):
            return [Number(block[0], block[2])]
        case 0xFC if block[1] == check(block, 7):
            leads = [name for bit, name in STATUS_LEADS.items() if block[3] & bit]
            lead = leads[0] if len(leads) == 1 else None
            return [Status(STATUS_RATES[block[4] & 0x03], lead, bool(block[2] & 0x20))]
        case 0xFD if block[-1] == 0:
            text = block[1:-1].decode("ascii", "replace")
            return [Name(text) if text.isascii() and text.isprintable() and text else Bad(len(block), checked=True)]
    return [Bad(len(block), checked=True)]
