"""The ticket's printer: named in the settings, and there. Nothing is printed, and no file is begun."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from cabin_agent.checks.line import Line, ok, wrong
from drivers.sysfs import SYSFS, usb_devices

PART = "printer"
CONNECT_S = 3.0
CURE = "Look at its cable, its power and its paper, or correct [ticket] printer."


async def lines(target: str, sysfs: Path = SYSFS) -> list[Line]:
    """Of `[ticket] printer`."""
    if not target:
        return [ok(PART, "No printer is configured, and none is used.")]
    scheme, _, place = target.partition(":")
    found = await _answers(place) if scheme == "network" else _is_there(scheme, place, sysfs)
    if not found:
        return [wrong(PART, f"The printer {target} is not there.", CURE)]
    return [ok(PART, f"{target} is there.")]


def _is_there(scheme: str, place: str, sysfs: Path) -> bool:
    if scheme == "usb":
        return any(device.numbers == place.lower() for device in usb_devices(sysfs))
    path = Path(place)
    # A file is made with the first ticket; a device has to be there before.
    return os.access(path if path.exists() or scheme == "serial" else path.parent, os.W_OK)


async def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
