"""The two number formats of medical instruments: SFLOAT (16 bits) and FLOAT (32 bits) of IEEE 11073-20601.

Both are a decimal exponent and a mantissa, each in two's complement; with the exponent 0 five mantissas are no
numbers. A number keeps the decimals with which it was sent, as the display showed them. IEEE 11073 sends the most
significant byte first, Bluetooth the least significant one: here is the integer, whoever reads bytes orders them.
"""

from __future__ import annotations

from decimal import Decimal

from drivers.events import NoValue

SFLOAT_SPECIALS = {
    0x07FE: NoValue("out-of-range"),  # above all numbers
    0x07FF: NoValue("missing"),  # not a number
    0x0800: NoValue("missing"),  # not at this resolution
    0x0801: NoValue("missing"),  # reserved
    0x0802: NoValue("out-of-range"),  # below all numbers
}
FLOAT_SPECIALS = {
    0x007FFFFE: NoValue("out-of-range"),
    0x007FFFFF: NoValue("missing"),
    0x00800000: NoValue("missing"),
    0x00800001: NoValue("missing"),
    0x00800002: NoValue("out-of-range"),
}


def sfloat(raw: int) -> Decimal | NoValue:
    """The number of a 16-bit SFLOAT: 4 bits of exponent above 12 of mantissa."""
    return SFLOAT_SPECIALS.get(raw) or _number(raw, exponent_bits=4, mantissa_bits=12)


def float32(raw: int) -> Decimal | NoValue:
    """The number of a 32-bit FLOAT: 8 bits of exponent above 24 of mantissa."""
    return FLOAT_SPECIALS.get(raw) or _number(raw, exponent_bits=8, mantissa_bits=24)


def _number(raw: int, exponent_bits: int, mantissa_bits: int) -> Decimal:
    exponent = _signed(raw >> mantissa_bits, exponent_bits)
    mantissa = _signed(raw & ((1 << mantissa_bits) - 1), mantissa_bits)
    return Decimal(mantissa).scaleb(exponent)


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if raw >> (bits - 1) else raw
