"""MDER, the encoding of IEEE 11073-20601: big-endian integers, decimal floats, times, and lengths that must be true.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", section 2.
"""

from __future__ import annotations

from datetime import datetime

from drivers.events import NoValue, Value

SFLOAT_SPECIALS = {
    0x07FE: NoValue("out-of-range"),  # +infinity
    0x07FF: NoValue("missing"),  # not a number
    0x0800: NoValue("missing"),  # not at this resolution
    0x0801: NoValue("missing"),  # reserved
    0x0802: NoValue("out-of-range"),  # -infinity
}
FLOAT_SPECIALS = {
    0x007FFFFE: NoValue("out-of-range"),
    0x007FFFFF: NoValue("missing"),
    0x00800000: NoValue("missing"),
    0x00800001: NoValue("missing"),
    0x00800002: NoValue("out-of-range"),
}


class Malformed(ValueError):
    """Bytes that contradict themselves; the text is one phrase and holds nothing that was measured."""


class Reader:
    """Bytes read from the front; every read raises `Malformed` where there are not enough."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise Malformed("a length reaches past the end of its message")
        piece, self._at = self._data[self._at : end], end
        return piece

    def u8(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Two bytes."""
        return int.from_bytes(self.take(2))

    def u32(self) -> int:
        """Four bytes."""
        return int.from_bytes(self.take(4))

    def octets(self) -> bytes:
        """An octet string: its length in two bytes, then so many."""
        return self.take(self.u16())

    def counted(self) -> tuple[int, Reader]:
        """A sequence: how many elements, and the bytes that hold exactly them."""
        count = self.u16()
        return count, Reader(self.octets())

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Raise `Malformed` where something is left."""
        if self._at != len(self._data):
            raise Malformed("a length ends before its message does")


def octets(data: bytes) -> bytes:
    """`data` as an octet string."""
    return len(data).to_bytes(2) + data


def sfloat(raw: int) -> Value:
    """A 16-bit SFLOAT: exponent of 4 bits, mantissa of 12, both signed, of ten."""
    if raw in SFLOAT_SPECIALS:
        return SFLOAT_SPECIALS[raw]
    return _decimal(_signed(raw & 0x0FFF, 12), _signed(raw >> 12, 4))


def float32(raw: int) -> Value:
    """A 32-bit FLOAT: exponent of 8 bits, mantissa of 24, both signed, of ten."""
    if raw in FLOAT_SPECIALS:
        return FLOAT_SPECIALS[raw]
    return _decimal(_signed(raw & 0xFFFFFF, 24), _signed(raw >> 24, 8))


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def _decimal(mantissa: int, exponent: int) -> float:
    # By way of the text, so that 1594 with exponent -1 is the float 159.4 and no neighbour of it.
    return float(f"{mantissa}e{exponent}")


def absolute_time(data: bytes) -> datetime | None:
    """AbsoluteTime, 8 bytes of two decimal digits each down to hundredths; None where they are no date."""
    text = data.hex()
    if len(text) != 16 or not text.isdecimal():
        return None
    pairs = [int(text[at : at + 2]) for at in range(0, 16, 2)]
    year, (month, day, hour, minute, second, hundredths) = pairs[0] * 100 + pairs[1], pairs[2:]
    try:
        return datetime(year, month, day, hour, minute, second, hundredths * 10_000)  # noqa: DTZ001 - it has no zone
    except ValueError:
        return None


def encode_absolute_time(time: datetime) -> bytes:
    """AbsoluteTime of `time`, to the second."""
    return bytes.fromhex(f"{time:%Y%m%d%H%M%S}00")
