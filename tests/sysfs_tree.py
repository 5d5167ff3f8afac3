"""A sysfs and a /dev of a test's own, with USB devices that can be plugged in."""

from __future__ import annotations

import os
from pathlib import Path


class Tree:
    """`sysfs` and `dev` under one folder, as `drivers.sysfs` and `drivers.ports` read them."""

    def __init__(self, folder: Path) -> None:
        self.sysfs, self.dev = folder / "sys", folder / "dev"
        for made in ("bus/usb/devices", "dev/char", "class/tty"):
            (self.sysfs / made).mkdir(parents=True)
        self.dev.mkdir()

    def usb(self, port: str, numbers: str, *, number: int = 5, interface: str = "ff", **said: str) -> Path:
        """Plug a USB device in; `said` are its strings: serial, manufacturer, product, bDeviceClass."""
        folder = self.sysfs / "devices" / "usb1" / port
        vendor, _, product = numbers.partition(":")
        facts = {"idVendor": vendor, "idProduct": product, "devnum": str(number), "bDeviceClass": "00", **said}
        (folder / f"{port}:1.0").mkdir(parents=True, exist_ok=True)
        (folder / f"{port}:1.0" / "bInterfaceClass").write_text(interface + "\n")
        for name, text in facts.items():
            (folder / name).write_text(text + "\n")
        link = self.sysfs / "bus" / "usb" / "devices" / port
        if not link.is_symlink():
            link.symlink_to(folder)
        return folder

    def tty(self, folder: Path, name: str, node: int) -> None:
        """A terminal of the device in `folder`, whose node has this number."""
        entry = folder / "tty" / name
        entry.mkdir(parents=True)
        (entry / "device").symlink_to(folder)
        number = f"{os.major(node)}:{os.minor(node)}"
        (entry / "dev").write_text(number + "\n")
        (self.sysfs / "class" / "tty" / name).symlink_to(entry)
        (self.sysfs / "dev" / "char" / number).symlink_to(entry)
