"""What an IEEE 11073-20601 agent sends, as bytes, and what it understands of a manager: an encoder of its own.

Protocol sheet "IEEE 11073-20601 over USB PHDC", sections 2 to 5; big-endian, every length in front.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

FIXED, VARIABLE, CONFIGURATION = 0x0D1D, 0x0D1E, 0x0D1C
TYPE, UNIT, MAP, BASIC, SIMPLE, THREE, PARTS, STAMP, STATUS = 2351, 2454, 2645, 2636, 2646, 2677, 2678, 2448, 2375
TEST_DATA = 0x0800
LONGEST = 65536


@dataclass(frozen=True, slots=True)
class Thing:
    """One object: what it measures, in which unit, with how many decimals, as SFLOAT or (`wide`) as FLOAT."""

    handle: int
    code: int
    unit: int
    decimals: int = 0
    wide: bool = False
    parts: tuple[int, ...] = ()
    """Codes of the values of a compound."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing's values at one time; None for "not a number"."""

    thing: Thing
    values: tuple[float | None, ...]
    at: bytes
    """AbsoluteTime."""


def clock(time: datetime | None) -> bytes:
    """AbsoluteTime, to the second; zeros for a clock that was never set."""
    return (
        bytes(8)
        if time is None
        else bytes(int(pair, 16) for pair in time.strftime("%C %y %m %d %H %M %S 00").split())
    )


def _text(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _list(parts: Sequence[bytes]) -> bytes:
    return struct.pack(">H", len(parts)) + _text(b"".join(parts))


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack(">H", name) + _text(value)


def number(value: float | None, decimals: int, wide: bool) -> bytes:
    """FLOAT or SFLOAT: the exponent in front, the mantissa behind, both in two's complement."""
    if value is None:
        return b"\x00\x7f\xff\xff" if wide else b"\x07\xff"
    mantissa = round(value * 10**decimals)
    if wide:
        return struct.pack(">bi", -decimals, mantissa)[:1] + struct.pack(">i", mantissa)[1:]
    return struct.pack(">H", ((-decimals & 0xF) << 12) | (mantissa & 0xFFF))


def message(kind: int, body: bytes) -> bytes:
    """One whole message."""
    return struct.pack(">H", kind) + _text(body)


def presentation(invoke: int, choice: int, body: bytes) -> bytes:
    """A PRST message."""
    return message(0xE700, _text(struct.pack(">HH", invoke, choice) + _text(body)))


def association_request(system: bytes, configuration: int, units: int) -> bytes:
    """AARQ; `units` are the functional units."""
    info = struct.pack(">IHIII", 0x80000000, 0x8000, 0x80000000, units, 0x00800000) + _text(system)
    info += struct.pack(">HHBB", configuration, 0x0001, 1, 0) + _list([])
    return message(0xE200, struct.pack(">I", 0x80000000) + _list([struct.pack(">H", 0x5079) + _text(info)]))


def event(invoke: int, kind: int, info: bytes) -> bytes:
    """A confirmed event of the agent itself."""
    return presentation(invoke, 0x0101, struct.pack(">HIH", 0, 0xFFFFFFFF, kind) + _text(info))


def configuration(ident: int, things: Sequence[Thing]) -> bytes:
    """The information of a configuration report."""
    return struct.pack(">H", ident) + _list([_object(thing) for thing in things])


def _object(thing: Thing) -> bytes:
    attributes = [
        _attribute(TYPE, struct.pack(">HH", 2, thing.code)),
        _attribute(UNIT, struct.pack(">H", thing.unit)),
    ]
    if thing.parts:
        attributes.append(_attribute(PARTS, _list([struct.pack(">H", part) for part in thing.parts])))
        size = (THREE, 4 + 2 * len(thing.parts))
    else:
        size = (SIMPLE, 4) if thing.wide else (BASIC, 2)
    attributes.append(_attribute(MAP, _list([struct.pack(">HH", *pair) for pair in (size, (STAMP, 8))])))
    return struct.pack(">HHH", 6, thing.handle, len(attributes)) + _text(b"".join(attributes))


def fixed(count: int, items: Sequence[Item]) -> bytes:
    """The information of a fixed scan report that the agent started."""
    return struct.pack(">HH", 0xF000, count) + _list(
        [struct.pack(">H", item.thing.handle) + _text(_value(item) + item.at) for item in items]
    )


def variable(count: int, items: Sequence[Item], status: int) -> bytes:
    """The same as a variable one, with a measurement status."""
    return struct.pack(">HH", 0xF000, count) + _list([_named(item, status) for item in items])


def _named(item: Item, status: int) -> bytes:
    thing = item.thing
    name = THREE if thing.parts else SIMPLE if thing.wide else BASIC
    attributes = [
        _attribute(name, _value(item)),
        _attribute(STAMP, item.at),
        _attribute(STATUS, struct.pack(">H", status)),
    ]
    return struct.pack(">HH", thing.handle, len(attributes)) + _text(b"".join(attributes))


def _value(item: Item) -> bytes:
    numbers = [number(value, item.thing.decimals, item.thing.wide) for value in item.values]
    return _list(numbers) if item.thing.parts else numbers[0]


@dataclass(frozen=True, slots=True)
class Plate:
    """What an agent says of itself."""

    specialization: int
    maker: bytes
    model: bytes
    serial: bytes
    system: bytes


def description(plate: Plate, ident: int, time: bytes, settable: bool) -> bytes:
    """The body of the response to a get of the agent's own attributes."""
    names = [plate.maker, plate.model]
    serial = struct.pack(">HH", 1, 0) + _text(plate.serial)
    attributes = [
        _attribute(2650, _list([struct.pack(">HH", plate.specialization, 1)])),
        _attribute(2344, b"".join(_text(name) for name in names)),
        _attribute(2436, _text(plate.system)),
        _attribute(2628, struct.pack(">H", ident)),
        _attribute(2349, _list([serial])),
        _attribute(2439, time),
        _attribute(2629, struct.pack(">HHIHHI", 0xC010 if settable else 0x8000, 0, 0, 100, 0, 0)),
    ]
    return struct.pack(">HH", 0, len(attributes)) + _text(b"".join(attributes))


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of a manager."""

    kind: int
    result: int = 0
    """Result or reason of a message that is not a PRST."""
    invoke: int = 0
    choice: int = 0
    body: bytes = b""


def hear(pending: bytes) -> tuple[list[Heard], bytes]:
    """The whole messages in `pending`, and what is left of it; what is no message of a manager is dropped."""
    found = []
    while len(pending) >= 4:
        kind, length = struct.unpack(">HH", pending[:4])
        if kind not in (0xE300, 0xE400, 0xE500, 0xE600, 0xE700) or length > 512:
            pending = pending[1:]
            continue
        if len(pending) < 4 + length:
            break
        message_, pending = _heard(kind, pending[4 : 4 + length]), pending[4 + length :]
        if message_ is not None:
            found.append(message_)
    return found, pending


def _heard(kind: int, body: bytes) -> Heard | None:
    try:
        if kind != 0xE700:
            return Heard(kind, *struct.unpack(">H", body[:2]))
        _, invoke, choice, length = struct.unpack(">HHHH", body[:8])
        return Heard(kind, 0, invoke, choice, body[8 : 8 + length])
    except struct.error:
        return None
