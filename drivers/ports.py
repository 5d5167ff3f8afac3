"""Where an instrument could be plugged in, or is: serial ports and USB devices as this machine sees them now.

Nothing is opened. What a device looks like comes from its numbers alone, and most bridges say nothing of what is
behind them: the protocol is found out by listening (`drivers.probe`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from drivers.sysfs import PERSONAL_HEALTHCARE, SYSFS, UsbDevice, text, usb_device_behind, usb_devices

DEV = Path("/dev")
LASTING = ("cabin", "serial/by-id", "serial/by-path")
"""Folders of names that udev gives and that last, the best first."""

BRIDGE = "bridge of {}: any serial instrument may be behind it"
KNOWN = {
    "0403:6001": BRIDGE.format("FTDI"),
    "0403:6010": BRIDGE.format("FTDI"),
    "0403:6011": BRIDGE.format("FTDI"),
    "0403:6014": BRIDGE.format("FTDI"),
    "0403:6015": BRIDGE.format("FTDI"),
    "10c4:ea60": BRIDGE.format("Silicon Labs"),
    "1a86:7523": BRIDGE.format("WCH"),
    "1a86:5523": BRIDGE.format("WCH"),
    "067b:2303": BRIDGE.format("Prolific"),
    "0590:0028": "Omron tensiometer",
}
"""Vendor and product -> what they say."""
PHDC = "medical device of the Personal Healthcare class"


@dataclass(frozen=True, slots=True)
class Port:
    """One place."""

    url: str
    """For `url` in the settings: the name that lasts best."""
    usb: UsbDevice | None
    """None: a serial port of the machine itself."""
    looks: str
    """What it looks like, in a few words; empty where nothing is known."""


def ports(sysfs: Path = SYSFS, dev: Path = DEV) -> list[Port]:
    """Serial ports first, then every other USB device that is no hub."""
    serial = _serial_ports(sysfs, dev)
    taken = {port.usb.port for port in serial if port.usb is not None}
    others = [
        Port(f"usb://{device.numbers}", device, _looks(device))
        for device in usb_devices(sysfs)
        if not device.is_hub and device.port not in taken
    ]
    return serial + others


def _serial_ports(sysfs: Path, dev: Path) -> list[Port]:
    names = _lasting_names(dev)
    found = []
    for entry in sorted((sysfs / "class" / "tty").glob("*")):
        # A port of the machine that was never soldered in is there all the same, of type 0.
        if not (entry / "device").exists() or text(entry / "type") == "0" or "virtual" in entry.resolve().parts:
            continue
        usb = usb_device_behind(_number(entry), sysfs)
        found.append(Port(names.get(entry.name, str(dev / entry.name)), usb, _looks(usb) if usb else ""))
    return found


def _number(entry: Path) -> int:
    major, _, minor = text(entry / "dev").partition(":")
    return os.makedev(int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else 0


def _lasting_names(dev: Path) -> dict[str, str]:
    """Name of a node -> the path that lasts best."""
    names: dict[str, str] = {}
    for folder in LASTING:
        for link in sorted((dev / folder).rglob("*")):
            if link.is_symlink():
                names.setdefault(link.resolve().name, str(link))
    return names


def _looks(device: UsbDevice) -> str:
    if PERSONAL_HEALTHCARE in device.interfaces:
        return PHDC
    return KNOWN.get(device.numbers) or " ".join(each for each in (device.maker, device.name) if each)
