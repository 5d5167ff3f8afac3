"""USB's class for personal healthcare devices: what an interface says of itself before the first message.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", section 1. No request of the class is ever made: the preamble
that a host may ask for is not asked for, and one that an earlier host has left on is passed over with the framing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.errors import DriverError
from drivers.ieee11073.nomenclature import NAMES, SPECIALIZATION_OF
from drivers.stream import Stream, UsbLine, usb_port

LINE = UsbLine(interface_class=0x0F)
"""Bulk both ways; the interrupt endpoint that some have is for alarms, and is not read."""
FUNCTION, EXTENSION = 0x20, 0x30
IEEE_20601 = 2


@dataclass(frozen=True, slots=True)
class Function:
    """The class-specific descriptors of an interface."""

    speaks_20601: bool = True
    specializations: tuple[int, ...] = ()
    """Empty: it does not say."""


def read_function(extra: bytes) -> Function:
    """What the descriptors after an interface's own say; what is not understood is passed over."""
    found = Function()
    for kind, body in _descriptors(extra):
        if kind == FUNCTION and len(body) >= 2:
            found = Function(body[0] == IEEE_20601, found.specializations)
        elif kind == EXTENSION and len(body) >= 2:
            codes = body[2 : 2 + 2 * body[1]]
            pairs = (codes[at : at + 2] for at in range(0, len(codes) - 1, 2))
            found = Function(found.speaks_20601, tuple(int.from_bytes(pair, "little") for pair in pairs))
    return found


def _descriptors(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each."""
    at = 0
    while at + 2 <= len(extra) and extra[at] >= 2:
        yield extra[at + 1], extra[at + 2 : at + extra[at]]
        at += extra[at]


def complaint(function: Function, kind: str) -> str | None:
    """In one sentence why an interface is not that of an instrument of `kind`; None where it may be."""
    if not function.speaks_20601:
        return f"The device here has a protocol of its maker's own: plug in a {kind} that speaks IEEE 11073-20601."
    codes = function.specializations
    if not codes or SPECIALIZATION_OF[kind] in codes:
        return None
    named = " and ".join(NAMES.get(code, "another kind") for code in codes[:3])
    return f"The instrument here is no {kind} but calls itself {named}: plug in the right one, or correct its port."


def look(stream: Stream, kind: str) -> None:
    """Look at a USB interface before anything is said on it; any other stream is left alone. Raises `DriverError`."""
    against = complaint(read_function(usb_port(stream).extra), kind) if hasattr(stream, "extra") else None
    if against is not None:
        raise DriverError(against)
