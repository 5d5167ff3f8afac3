"""The USB side of a personal health device: its descriptors, its class requests, the preamble a host may ask for.

Protocol sheet "IEEE 11073-20601 over USB PHDC", section 1.
"""

from __future__ import annotations

import struct

from simulators.device import Frames
from simulators.phd_wire import Plate
from simulators.usb_description import Endpoint, UsbDescription
from simulators.usb_setup import Setup

VENDOR, FIRST_PRODUCT = 0x1209, 0x1000
"""Ids of an open registry, for what is no product."""
QOS = bytes.fromhex("04 21 01 08")
"""Medium latency, best reliability."""
PREAMBLE = b"PhdcQoSSignature" + bytes.fromhex("01 01 08 00")
"""One transfer follows, of that quality."""
GET_STATUS, CLEAR_FEATURE, SET_FEATURE = (0xA1, 0), (0x21, 1), (0x21, 3)


def description(plate: Plate) -> UsbDescription:
    """Interface class 0x0F with a function descriptor that can have a preamble, and one specialization."""
    function = bytes.fromhex("04 20 02 01") + struct.pack("<BBBBH", 6, 0x30, 0, 1, plate.specialization)
    return UsbDescription(
        vendor=VENDOR,
        product=FIRST_PRODUCT + plate.specialization,
        interface_class=0x0F,
        extra=function,
        manufacturer=plate.maker.decode(),
        name=plate.model.decode(),
        serial=plate.serial.decode(),
        endpoints=(Endpoint(0x81, "bulk", extra=QOS), Endpoint(0x02, "bulk", extra=QOS)),
    )


class Port:
    """Endpoint 0, and what it makes of the frames that leave."""

    def __init__(self) -> None:
        self.preamble = False

    def control(self, setup: Setup) -> bytes | None:
        """A class request; None for one that it does not know."""
        kind = (setup.request_type, setup.request)
        if kind == GET_STATUS:
            return bytes(2)
        if kind in (CLEAR_FEATURE, SET_FEATURE) and setup.value & 0xFF == 1:
            self.preamble = kind == SET_FEATURE
            return b""
        return None

    def carry(self, frames: Frames) -> Frames:
        """Each frame with its preamble, where a host has asked for it."""
        return [part for frame in frames for part in (PREAMBLE, frame)] if self.preamble else frames
