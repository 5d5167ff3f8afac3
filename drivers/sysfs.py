"""USB devices as the kernel describes them in sysfs: what is plugged in where, without opening any of it.

Everything takes the root of sysfs, so that a test can build one in a folder. What is unplugged while it is read is
not there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys")
HUB = "09"
"""Device class of a hub (USB class codes)."""
PERSONAL_HEALTHCARE = "0f"
"""Interface class of the Personal Healthcare Device Class."""


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One USB device."""

    port: str
    """Where it is plugged in, as bus and chain of sockets: "1-1.2". It stays the same from one plug to the next."""
    vendor: str
    product: str
    """Four small hexadecimal digits each."""
    serial: str
    """The number that the device states; empty where it states none, and often the same for all of a make."""
    maker: str
    name: str
    """As the device states them; empty where it does not."""
    number: str
    """Given by the kernel, another one at each plug."""
    interfaces: frozenset[str] = frozenset()
    """Classes of its interfaces, two small hexadecimal digits each."""
    is_hub: bool = False

    @property
    def numbers(self) -> str:
        """Vendor and product: "0403:6001"."""
        return f"{self.vendor}:{self.product}"


def usb_devices(sysfs: Path = SYSFS) -> Iterator[UsbDevice]:
    """Every device that is plugged in, hubs too, by its port."""
    # A root hub is "usb1", an interface "1-1:1.0".
    for entry in sorted((sysfs / "bus" / "usb" / "devices").glob("*-*")):
        if ":" not in entry.name and text(entry / "idVendor"):
            yield _device(entry)


def usb_device_behind(node: int, sysfs: Path = SYSFS) -> UsbDevice | None:
    """The USB device that the character device numbered `node` belongs to; None where there is none."""
    entry = (sysfs / "dev" / "char" / f"{os.major(node)}:{os.minor(node)}").resolve()
    return next((_device(folder) for folder in (entry, *entry.parents) if (folder / "idVendor").exists()), None)


def text(file: Path) -> str:
    """What a file of sysfs says, without its end of line; empty where it is not there."""
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""


def _device(folder: Path) -> UsbDevice:
    return UsbDevice(
        port=folder.name,
        vendor=text(folder / "idVendor").lower(),
        product=text(folder / "idProduct").lower(),
        serial=text(folder / "serial"),
        maker=text(folder / "manufacturer"),
        name=text(folder / "product"),
        number=text(folder / "devnum"),
        interfaces=frozenset(text(each).lower() for each in folder.glob(f"{folder.name}:*/bInterfaceClass")),
        is_hub=text(folder / "bDeviceClass") == HUB,
    )
