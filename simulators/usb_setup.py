"""The eight bytes that begin a USB control transfer (USB 2.0, 9.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

GET_DESCRIPTOR = 6


@dataclass(frozen=True, slots=True)
class Setup:
    """One request to endpoint 0."""

    request_type: int
    """bmRequestType: bit 7 says IN, bits 5 and 6 standard, class or vendor, bits 0 to 4 the recipient."""
    request: int
    value: int
    index: int
    length: int


def read_setup(data: bytes) -> Setup:
    """The setup packet in `data`; raises `struct.error` when it has not eight bytes."""
    return Setup(*struct.unpack("<BBHHH", data))
