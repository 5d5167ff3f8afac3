"""The address of an MQTT broker: anywhere by TLS, in the clear on this machine alone."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

BROKERS = '"mqtts://host:8883", or "mqtt://127.0.0.1:1883" for a broker on this machine, without a user name in it'


@dataclass(frozen=True, slots=True)
class Broker:
    """An MQTT broker: TLS anywhere, or plain on this machine alone."""

    host: str
    port: int
    tls: bool


def loopback(host: str) -> str:
    """Accept an address of this machine alone; raises `ValueError`."""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError
    return host


def broker(url: str) -> Broker:
    """Read `mqtts://host:port`, or `mqtt://` for one on this machine; raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/") or "@" in parts.netloc:
        raise ValueError
    tls = parts.scheme == "mqtts"
    host = parts.hostname if tls else loopback(parts.hostname)
    return Broker(host, parts.port or (8883 if tls else 1883), tls)
