"""What a Nonin 9560, 3150 or WristOx2 can be told, and what it answers; pure.

Sources: 9560 OEM specification 6470-000-01, pages 4 and 5; the long form of the 3150 as OpenICE sends it; protocol
sheet nonin, section 6. Commands are heard only within 5 s after the connection; an OEM III and an Xpod take none.
Unconfirmed: what follows F4 in the answer with the serial number (read here as a length and, somewhere
in it, nine digits).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Literal

from drivers.events import DeviceClock, Event, Identity

STX, ETX = 0x02, 0x03
ACK, NAK = b"\x06", b"\x15"
FORMATS = (2, 7, 8, 13)
"""The formats that can be asked for."""
CENTURY = 2000
GET_CLOCK = bytes((STX, 0x72, 0x00, ETX))
GET_SERIAL = bytes((STX, 0x74, 0x02, 0x02, 0x02, ETX))
BASE, BLUETOOTH, SPOT_CHECK = 0x01, 0x20, 0x40
"""Options of the long form."""
SHORTEST, LONGEST = 5, 32
"""Bytes of an answer that is understood."""
SERIAL = 9
"""Digits of a serial number, as on the plate."""
MODEL = "Nonin"


def encode_format(form: int) -> bytes:
    """Send format 2, 7, 8 or 13 from now on; the device keeps it. Raises `ValueError` for another."""
    return bytes((STX, 0x70, 0x02, 0x02, _offered(form), ETX))


def encode_format_3150(form: int, options: Collection[int] = (BASE,)) -> bytes:
    """The same in the long form of the 3150, with its checksum."""
    body = bytes((0x70, 0x04, 0x02, _offered(form), sum(set(options))))
    return bytes((STX, *body, sum(body) & 0xFF, ETX))


def encode_clock(moment: datetime) -> bytes:
    """Set the device's clock (whole seconds, years 2000 to 2099)."""
    fields = (moment.year - CENTURY, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return bytes((STX, 0x72, 0x06, *fields, ETX))


def _offered(form: int) -> int:
    if form not in FORMATS:
        raise ValueError(f"Format {form} cannot be asked for: ask for one of {FORMATS}.")
    return form


def decode_answer(data: bytes) -> Literal["done", "refused"] | Event | None:
    """What one whole answer says: "done" (06) or "refused" (15), the clock, the serial number; None: no answer."""
    if data in (ACK, NAK):
        return "done" if data == ACK else "refused"
    if len(data) < SHORTEST or data[0] != STX or data[-1] != ETX or data[2] != len(data) - 4:
        return None
    match data[1]:
        case 0xF2 if data[2] == 6:
            return _clock(data[3:9])
        case 0xF4:
            return _serial(data[3:-1])
    return None


def answer_at_end(tail: bytes | bytearray) -> tuple[Event, int] | None:
    """The answer with a clock or a serial number that ends `tail`, and its length."""
    if not tail or tail[-1] != ETX:
        return None
    for size in range(SHORTEST, min(LONGEST, len(tail)) + 1):
        said = decode_answer(bytes(tail[-size:]))
        if isinstance(said, DeviceClock | Identity):
            return said, size
    return None


def _clock(fields: bytes) -> DeviceClock | None:
    year, month, day, hour, minute, second = fields
    if year > 99:
        return None
    try:
        return DeviceClock(datetime(CENTURY + year, month, day, hour, minute, second))  # noqa: DTZ001 - it has no zone
    except ValueError:
        return DeviceClock(None) if not any(fields) else None


def _serial(payload: bytes) -> Identity | None:
    found = re.search(rb"[0-9]{%d}" % SERIAL, payload)
    return Identity(MODEL, serial=found[0].decode()) if found else None
