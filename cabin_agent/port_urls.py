"""The addresses at which a cabin may have an instrument, by their scheme: only their form is looked at here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

PORTS = (
    'an absolute path such as "/dev/serial/by-id/...", "socket://host:port", "usb://VID:PID", "ble://ADDRESS" or '
    '"sound://CARD"'
)
"""What is accepted, for whoever wrote something else."""
USB_SERIALS = "the USB serial number that 'cabin devices --ports' shows"
USB_PORT = r"[0-9]+-[0-9]+(\.[0-9]+)*"
USB_PORTS = "a USB port as 'cabin devices --ports' shows it, such as \"1-1.2\""


def _socket(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname and parts.port and not parts.path)


PORT_KINDS: Mapping[str, Callable[[str], object]] = {
    "socket": _socket,
    "usb": re.compile(
        r"usb://[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}(/[^/?#]+)?(\?port=[1-9]\d*-[1-9]\d*(\.[1-9]\d*)*)?"
    ).fullmatch,
    "sound": re.compile(r"sound://[^/?#][^?#]*(\?[^#]+)?").fullmatch,
    "sound-sim": re.compile(r"sound-sim:///[^?#]+").fullmatch,
    "usb-sim": re.compile(r"usb-sim:///[^?#]+").fullmatch,
    "ble": re.compile(r"ble://[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}").fullmatch,
    "ble-sim": re.compile(r"ble-sim:///[^?#]+").fullmatch,
}
"""Scheme of a port that `drivers.stream` opens -> whether the rest of the URL is well formed."""


def port_url(url: str) -> str:
    """Accept what `drivers.stream` opens; raises `ValueError`."""
    if url.startswith("/") and len(url) > 1:
        return url
    well_formed = PORT_KINDS.get(url.partition("://")[0])
    if well_formed is None or not well_formed(url):
        raise ValueError
    return url
