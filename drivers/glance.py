"""A cheap look at whether something new is at a port's address, without opening it.

| address | is looked at |
|---|---|
| `/dev/...`, `usb-sim://PATH`, `ble-sim://PATH` | the node or socket, and the link to it |
| `usb://VID:PID...` | the devices of these numbers in sysfs |
| anything else | nothing: it is tried again with back-off |
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from drivers.binding import USB_URL
from drivers.sysfs import SYSFS, usb_devices

_PATH = re.compile(r"(?:(?:usb|ble)-sim://)?(/[^?#]*)")


def fingerprint(url: str, sysfs: Path = SYSFS) -> tuple[object, ...] | None:
    """What is at `url` right now; None where nothing is, or nothing can be seen. What is put in anew is different."""
    if path := _PATH.match(url):
        return _of_path(path[1])
    if numbers := USB_URL.match(url):
        return _of_usb(numbers[1].lower(), numbers[2].lower(), sysfs)
    return None


def _of_path(path: str) -> tuple[object, ...] | None:
    """Its permissions count, because udev sets them after the node is there."""
    try:
        node, link = os.stat(path), os.lstat(path)
    except OSError:
        return None
    return node.st_ino, node.st_rdev, node.st_ctime_ns, link.st_ino, link.st_ctime_ns


def _of_usb(vendor: str, product: str, sysfs: Path) -> tuple[object, ...] | None:
    """Places and numbers of the devices; the kernel gives a new number to whatever is plugged in."""
    found = [
        (device.port, device.number)
        for device in usb_devices(sysfs)
        if (device.vendor, device.product) == (vendor, product)
    ]
    return tuple(found) or None
