"""The [media] and [cameras.NAME] sections of the settings: which addresses carry the call, which cards and cameras.

Read by `cabin_agent.config` in every process, so nothing of the call itself is imported here. No camera is opened and
no card is looked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from cabin_agent.media.address import CameraSettings, SoundSettings, check_url
from cabin_agent.toml_table import ConfigError, Table

LOOPBACK = ("127.0.0.1",)
"""Where the call is offered unless the file says otherwise: the cabin itself serves the doctor's page."""

ADDRESSES = 'a list of addresses of this machine, such as ["127.0.0.1"]'
CARD = 'a part of the card\'s name, "default" for the system\'s own, or "" for none'
CAMERA_URL = '"/dev/v4l/by-id/...", "file:///path", "http://host/path", "synthetic:room" or "synthetic:hand"'


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """[media]: the call between the agent in the cabin and the doctor."""

    addresses: tuple[str, ...]
    """Addresses of this machine that are offered to the doctor's browser, and no others."""
    sound: SoundSettings


def media_settings(file: Path, data: object) -> MediaSettings:
    """The section [media]; raises `ConfigError`."""
    cards = [field.name for field in fields(SoundSettings)]
    table = Table(file, "[media]", data, ["addresses", *cards])
    return MediaSettings(
        addresses=_addresses(table, data),
        sound=SoundSettings(
            microphone=table.matching("microphone", ".*", CARD, "default"),
            speaker=table.matching("speaker", ".*", CARD, "default"),
            stethoscope=table.matching("stethoscope", ".*", CARD, ""),
        ),
    )


def camera_settings(file: Path, data: object) -> tuple[CameraSettings, ...]:
    """The tables [cameras.NAME], in the order of the file: the first is shown first; raises `ConfigError`."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{file}: cameras has to be written as tables [cameras.NAME].")
    cameras = tuple(_camera(file, str(name), entry) for name, entry in data.items())
    for place, later in enumerate(cameras):
        for earlier in cameras[:place]:
            if later.url == earlier.url:
                raise ConfigError(
                    f"{file}: [cameras.{later.name}] has the url of [cameras.{earlier.name}]; give each its own."
                )
    return cameras


def _camera(file: Path, name: str, entry: object) -> CameraSettings:
    title = f"[cameras.{name}]"
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name):
        raise ConfigError(f"{file}: {title} has to be named with up to 32 small letters, digits and hyphens.")
    table = Table(file, title, entry, ["label", "url"])
    return CameraSettings(
        name=name,
        label=table.text("label", "what the doctor reads, in quotes", name),
        url=table.parsed("url", check_url, CAMERA_URL),
    )


def _addresses(table: Table, data: object) -> tuple[str, ...]:
    if not table.has("addresses") or not isinstance(data, Mapping):
        return LOOPBACK
    found = data["addresses"]
    if not isinstance(found, list) or not found or len(set(map(str, found))) < len(found):
        raise table.error("addresses", ADDRESSES)
    for address in found:
        try:
            ipaddress.ip_address(address if isinstance(address, str) else "")
        except ValueError:
            raise table.error("addresses", ADDRESSES) from None
    return tuple(found)
