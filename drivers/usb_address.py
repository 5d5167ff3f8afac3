"""Which USB device a URL means: pure, without a bus."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from drivers.errors import PortError

_HARDWARE = re.compile(
    r"usb://(?P<vendor>[0-9A-Fa-f]{4}):(?P<product>[0-9A-Fa-f]{4})"
    r"(?:/(?P<serial>[^/?#]{1,126}))?(?:\?port=(?P<port>[1-9][0-9]*-[1-9][0-9]*(?:\.[1-9][0-9]*)*))?"
)
_SIMULATED = re.compile(r"usb-sim://(?P<path>/[^?#]+)")


@dataclass(frozen=True, slots=True)
class UsbAddress:
    """One device on this machine's bus, or the socket of a simulated one."""

    url: str
    vendor: int = 0
    product: int = 0
    serial: str = ""
    """Empty: whatever it is."""
    port: str = ""
    """Bus and ports, "1-1.2"; empty: wherever it is."""
    path: str = ""
    """Of the simulated device's socket; empty for hardware."""

    @property
    def simulated(self) -> bool:
        """Whether there is no hardware behind it."""
        return bool(self.path)


def read_address(url: str) -> UsbAddress:
    """Read `usb://VID:PID[/SERIAL][?port=1-1.2]` or `usb-sim:///path/of/socket`; raises `PortError`."""
    if found := _SIMULATED.fullmatch(url):
        return UsbAddress(url, path=found["path"])
    if found := _HARDWARE.fullmatch(url):
        serial = unquote(found["serial"] or "")
        return UsbAddress(url, int(found["vendor"], 16), int(found["product"], 16), serial, found["port"] or "")
    raise PortError(
        f"{url!r} is no USB device: write usb://VID:PID, usb://VID:PID/SERIAL or usb://VID:PID?port=1-1.2."
    )
