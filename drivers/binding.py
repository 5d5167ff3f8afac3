"""Whether the USB device behind a port is the one that was meant: by its serial number, by its socket, or by both.

Bridges of FTDI (0403:6001), Silicon Labs (10c4:ea60) and WCH (1a86:7523) stand before many instruments, and the
numbers of /dev/ttyUSB0 and its like change at every plug. A binding is checked before each opening.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from drivers.errors import WrongInstrument
from drivers.sysfs import SYSFS, UsbDevice, usb_device_behind, usb_devices

USB_URL = re.compile(r"usb://([0-9a-f]{4}):([0-9a-f]{4})\b", re.IGNORECASE)
"""An address that names a kind of device by vendor and product."""
HOW = "'cabin devices --ports' lists what is plugged in"


@dataclass(frozen=True, slots=True)
class Binding:
    """What is known of the USB device of one instrument; None: anything."""

    kind: str
    """Of the instrument, for the sentence."""
    serial: str | None = None
    port: str | None = None
    """Bus and chain of sockets: "1-1.2"."""
    sysfs: Path = SYSFS

    def check(self, url: str) -> None:
        """Raise `WrongInstrument` where another device is at `url`; nothing happens where none is."""
        if self.serial is None and self.port is None:
            return
        there = behind(url, self.sysfs)
        if there is None or any(self._wrong(each) is None for each in there):
            return
        raise WrongInstrument(self._refusal(url, there))

    def address(self, url: str) -> str:
        """`url`, with what is known of its device where only a kind of device is named: two may be plugged in."""
        if not USB_URL.fullmatch(url):
            return url
        serial = f"/{quote(self.serial, safe='')}" if self.serial is not None else ""
        return f"{url}{serial}?port={self.port}" if self.port is not None else f"{url}{serial}"

    def _wrong(self, device: UsbDevice) -> tuple[str, str] | None:
        """The setting that `device` does not match, and what is wrong; None where it is the right one."""
        if self.serial is not None and device.serial != self.serial:
            states = (
                f"states the USB serial number {device.serial}" if device.serial else "states no USB serial number"
            )
            return "usb_serial", f"{states}, not {self.serial}"
        if self.port is not None and device.port != self.port:
            return "usb_port", f"is plugged into USB port {device.port}, not {self.port}"
        return None

    def _refusal(self, url: str, there: Sequence[UsbDevice]) -> str:
        wrong = self._wrong(there[0]) if there else None
        if wrong is None:
            return (
                f"What is at {url} is no USB device: plug the {self.kind} in there, or remove usb_serial and "
                "usb_port from the configuration."
            )
        setting, how = wrong
        return (
            f"The device at {url} {how}: plug the {self.kind} in there, or correct {setting} in the configuration "
            f"({HOW})."
        )


def behind(url: str, sysfs: Path = SYSFS) -> Sequence[UsbDevice] | None:
    """The USB devices that `url` may mean: one of a path, those of a kind; None where nothing is plugged in there."""
    if numbers := USB_URL.match(url):
        wanted = f"{numbers[1]}:{numbers[2]}".lower()
        return [device for device in usb_devices(sysfs) if device.numbers == wanted] or None
    try:
        device = usb_device_behind(os.stat(url).st_rdev, sysfs)
    except OSError:
        return None
    return [device] if device is not None else []


def same_port(one: str, other: str) -> bool:
    """Whether two addresses lead to one device node, by two links or two spellings; False where one is not there."""
    try:
        return one.startswith("/") and other.startswith("/") and os.path.samefile(one, other)
    except (OSError, ValueError):
        return False
