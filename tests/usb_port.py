"""A simulated USB port that a test plugs in, speaks through, breaks and pulls out."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.stream import UsbLine, UsbPort
from drivers.usb_stream import open_usb
from simulators.usb_description import Endpoint, UsbDescription
from simulators.usb_setup import Setup
from simulators.usb_wire import UsbWire
from simulators.wire import Host

FUNCTION = bytes.fromhex("04 20 02 01 06 30 00 01 90 01")
QOS = bytes.fromhex("04 21 01 08")
BULK = UsbDescription(
    vendor=0x1234, product=0x00AB, interface_class=0x0F, extra=FUNCTION, manufacturer="Maker", name="Thing",
    serial="A-17",
    endpoints=(Endpoint(0x81, "bulk", extra=QOS), Endpoint(0x02, "bulk"), Endpoint(0x83, "interrupt", 8, 10)),
)  # fmt: skip
LINE = UsbLine(interface_class=0x0F, write_s=0.3)


class Port:
    """The device's end: what it heard, and what it answers to control requests."""

    def __init__(self, path: Path, usb: UsbDescription = BULK) -> None:
        self.heard: list[bytes] = []
        self.openings = 0
        self.setups: list[tuple[Setup, bytes]] = []
        self.answers: Callable[[Setup, bytes], bytes | None] = lambda setup, data: b""
        self.on_write: Callable[[bytes], None] = lambda data: None
        self.wire = UsbWire(path, usb, Host(self._opened, self._wrote, self._control))

    @asynccontextmanager
    async def opened(self, line: UsbLine = LINE) -> AsyncIterator[UsbPort]:
        """The host's end, closed at last."""
        stream = await open_usb(self.wire.url, line)
        try:
            yield stream
        finally:
            stream.close()

    def _opened(self) -> None:
        self.openings += 1

    def _wrote(self, data: bytes) -> None:
        self.heard.append(data)
        self.on_write(data)

    def _control(self, setup: Setup, data: bytes) -> bytes | None:
        self.setups.append((setup, data))
        return self.answers(setup, data)


def usb_threads() -> list[threading.Thread]:
    """The threads of open devices."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("usb")]


def no_thread_is_left() -> bool:
    """Whether every device's thread ends within two seconds."""
    for thread in usb_threads():
        thread.join(2)
    return not usb_threads()
