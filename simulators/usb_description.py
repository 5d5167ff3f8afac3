"""What a simulated USB device says it is: the descriptors of USB 2.0 chapter 9, built byte for byte."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

DEVICE, CONFIGURATION, STRING, INTERFACE, ENDPOINT = 1, 2, 3, 4, 5
LANGUAGE = 0x0409
"""English (United States): every device has it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; bit 7 of the address says IN."""

    address: int
    kind: Literal["bulk", "interrupt"]
    packet: int = 64
    """Most bytes of a packet."""
    interval: int = 0
    """Of an interrupt endpoint, ms at full speed."""
    extra: bytes = b""
    """Class-specific descriptors that follow it, such as PHDC's quality of service."""


@dataclass(frozen=True, slots=True)
class UsbDescription:
    """One USB device with one configuration and one interface."""

    vendor: int
    product: int
    interface_class: int
    endpoints: tuple[Endpoint, ...]
    interface_subclass: int = 0
    interface_protocol: int = 0
    extra: bytes = b""
    """Class-specific descriptors that follow the interface."""
    manufacturer: str = ""
    name: str = ""
    serial: str = ""
    kernel_driver: bool = False
    """Whether the kernel takes the device when it is plugged in, as it does with every HID."""
    configured: bool = True
    """Whether the kernel has set the configuration, as it nearly always has."""
    port: str = "1-1"
    """Where it is plugged in."""

    @property
    def inward(self) -> int:
        """Address of the first IN endpoint."""
        return next(endpoint.address for endpoint in self.endpoints if endpoint.address & 0x80)

    def device(self) -> bytes:
        """The device descriptor: full speed USB 2.0, class stated by the interface."""
        numbers = [place if text else 0 for place, text in enumerate(self._texts(), 1)]
        return struct.pack("<BBHBBBBHHHBBBB", 18, DEVICE, 0x0200, 0, 0, 0, 64, self.vendor, self.product, 0x0100,
                           *numbers, 1)  # fmt: skip

    def configuration(self) -> bytes:
        """The configuration with everything in it, as GET_DESCRIPTOR returns it."""
        interface = struct.pack(
            "<BBBBBBBBB", 9, INTERFACE, 0, 0, len(self.endpoints), self.interface_class, self.interface_subclass,
            self.interface_protocol, 0,
        )  # fmt: skip
        body = interface + self.extra + b"".join(_endpoint(endpoint) for endpoint in self.endpoints)
        return struct.pack("<BBHBBBBB", 9, CONFIGURATION, 9 + len(body), 1, 1, 0, 0x80, 50) + body

    def string(self, number: int) -> bytes | None:
        """A string descriptor; None for one that does not exist."""
        if number == 0:
            text = struct.pack("<H", LANGUAGE)
        elif number <= 3 and self._texts()[number - 1]:
            text = self._texts()[number - 1].encode("utf-16-le")
        else:
            return None
        return bytes([2 + len(text), STRING]) + text

    def _texts(self) -> tuple[str, str, str]:
        return self.manufacturer, self.name, self.serial


def _endpoint(endpoint: Endpoint) -> bytes:
    kind = 2 if endpoint.kind == "bulk" else 3
    head = struct.pack("<BBBBHB", 7, ENDPOINT, endpoint.address, kind, endpoint.packet, endpoint.interval)
    return head + endpoint.extra
