"""Characteristic values as the simulated Bluetooth instruments send them (protocol sheet ble-gatt), little-endian."""

from __future__ import annotations

import struct
from datetime import datetime

NAN_SFLOAT, NAN_FLOAT = b"\xff\x07", b"\xff\xff\x7f\x00"
UNSET_CLOCK = bytes(7)
"""Year 0: a clock that was never set."""


def sfloat(value: float | None, decimals: int = 0) -> bytes:
    """A 16-bit SFLOAT of so many decimals; None is not a number."""
    if value is None:
        return NAN_SFLOAT
    return struct.pack("<H", (-decimals & 0xF) << 12 | round(value * 10**decimals) & 0xFFF)


def float32(value: float | None, decimals: int = 1) -> bytes:
    """A 32-bit FLOAT of so many decimals; None is not a number."""
    if value is None:
        return NAN_FLOAT
    return struct.pack("<I", (-decimals & 0xFF) << 24 | round(value * 10**decimals) & 0xFFFFFF)


def time(now: datetime | None) -> bytes:
    """Seven bytes of date and time; None where the clock was never set."""
    if now is None:
        return UNSET_CLOCK
    return struct.pack("<HBBBBB", now.year, now.month, now.day, now.hour, now.minute, now.second)


def current_time(now: datetime | None) -> bytes:
    """2A2B: the time, day of the week (0: not known), fractions of a second, and no reason."""
    return time(now) + bytes([now.isoweekday() if now else 0, 0, 0])


def temperature(celsius: float | None, stamp: bytes, site: int, *, fahrenheit: bool = False) -> bytes:
    """2A1C and 2A1E, of a type of site."""
    shown = celsius * 1.8 + 32 if fahrenheit and celsius is not None else celsius
    flags = 0x04 | (0x02 if stamp else 0) | (0x01 if fahrenheit else 0)
    return bytes([flags]) + float32(shown) + stamp + bytes([site])


def pressure(
    pressures: tuple[float, float, float] | None,
    pulse: float | None,
    stamp: bytes,
    *,
    user: int = 1,
    status: int = 0,
    kpa: bool = False,
) -> bytes:
    """2A35: systolic, diastolic and mean in mmHg, sent in kPa where asked; None: the measurement failed."""
    three: tuple[float | None, ...] = pressures or (None, None, None)
    flags = 0x1C | (0x02 if stamp else 0) | (0x01 if kpa else 0)
    numbers = b"".join(sfloat(each / 7.500616827, 1) if kpa and each is not None else sfloat(each) for each in three)
    return bytes([flags]) + numbers + stamp + sfloat(pulse) + bytes([user]) + struct.pack("<H", status)


def cuff_pressure(mmhg: float) -> bytes:
    """2A36 in mmHg."""
    return b"\x00" + sfloat(mmhg) + NAN_SFLOAT * 2


def oximetry(spo2: float | None, pulse: float | None, measurement: int, sensor: int) -> bytes:
    """2A5F with both status fields."""
    return b"\x0c" + sfloat(spo2) + sfloat(pulse) + struct.pack("<H", measurement) + sensor.to_bytes(3, "little")


def spot_oximetry(spo2: float | None, pulse: float | None, stamp: bytes, measurement: int) -> bytes:
    """2A5E with its time and the measurement status; an unset clock is also said by its own flag."""
    flags = 0x03 | (0x10 if stamp == UNSET_CLOCK else 0)
    return bytes([flags]) + sfloat(spo2) + sfloat(pulse) + stamp + struct.pack("<H", measurement)


def heart_rate(rate: float | None, intervals: list[float], *, contact: bool) -> bytes:
    """2A37: the rate, whether the belt is on, and intervals in seconds."""
    flags = 0x04 | (0x02 if contact else 0) | (0x10 if intervals else 0)
    beats = b"".join(struct.pack("<H", round(each * 1024)) for each in intervals)
    return bytes([flags, round(rate or 0)]) + beats


def weight(kg: float | None, stamp: bytes, *, user: int = 1, pounds: bool = False) -> bytes:
    """2A9D in steps of 0.005 kg or 0.01 lb; None: the scale could not weigh."""
    flags = 0x04 | (0x02 if stamp else 0) | (0x01 if pounds else 0)
    raw = 0xFFFF if kg is None else round(kg / 0.45359237 / 0.01) if pounds else round(kg / 0.005)
    return bytes([flags]) + struct.pack("<H", raw) + stamp + bytes([user])
