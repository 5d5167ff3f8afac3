"""[instruments] of the settings: which instruments this cabin has, where they are, and what is known of them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Literal, cast, get_args

from cabin_agent.port_urls import PORTS, USB_PORT, USB_PORTS, USB_SERIALS, port_url
from cabin_agent.toml_table import ConfigError, Table
from drivers import DRIVERS, protocols

Driver = Literal["oximeter", "tensiometer", "thermometer", "scale", "ecg", "audiometer"]
"""Kinds of instrument."""
DRIVEN: tuple[Driver, ...] = get_args(Driver)

SITES: Mapping[Driver, tuple[str, ...]] = {
    "oximeter": ("left-finger", "right-finger"),
    "tensiometer": ("left-arm", "right-arm"),
    "thermometer": ("forehead", "temple", "ear", "wrist"),
}
"""Where on the body an instrument may measure; the first is the default. Other kinds have no site."""

GAINS = (6, 12, 24, 8, 4, 2, 1)
"""Gains of the ECG board; the first leaves room for the offset of chest electrodes (protocol sheet ecg-cyton, 3)."""


@dataclass(frozen=True, slots=True)
class InstrumentSettings:
    """[instruments.NAME]: one instrument of this cabin."""

    name: str
    driver: Driver
    protocol: str
    """Which wire format it speaks: one of `drivers.protocols(driver)`."""
    url: str
    """Where `drivers.stream` finds it."""
    usb_serial: str | None
    """The USB serial number that the device at `url` has to state; None: any."""
    usb_port: str | None
    """Where that device has to be plugged in, as bus and chain of sockets: "1-1.2"; None: anywhere."""
    model: str
    serial: str
    """Empty where the plate was not copied."""
    calibrated: date | None
    calibration_days: int
    """How long a calibration is good for."""
    past_due: Literal["flag", "refuse"]
    """What becomes of an instrument whose calibration is older: every value says so, or there is none."""
    site: str | None
    gain: int | None
    """Of an ECG amplifier; None for everything else."""
    calibration: Path | None = None
    """Of headphones: the file with their levels; None: levels are relative."""


def instrument_settings(file: Path, data: object) -> tuple[InstrumentSettings, ...]:
    """Every table of [instruments]; raises `ConfigError` with one sentence."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{file}: instruments has to be written as tables [instruments.NAME].")
    found = [_instrument(name, _entry(file, name, entry)) for name, entry in data.items()]
    for place, later in enumerate(found):
        for earlier in found[:place]:
            if later.driver == earlier.driver or _same_port(later.url, earlier.url):
                shared = "driver" if later.driver == earlier.driver else "url"
                raise ConfigError(
                    f"{file}: [instruments.{later.name}] has the {shared} of [instruments.{earlier.name}]; "
                    "a cabin has one instrument of each kind, each at a port of its own."
                )
    return tuple(found)


def _same_port(one: str, other: str) -> bool:
    """Two spellings of a path are one port; two links to one are found out when the second is opened."""
    return one == other or (one[0] == other[0] == "/" and os.path.normpath(one) == os.path.normpath(other))


def _entry(file: Path, name: str, entry: object) -> Table:
    table = f"[instruments.{name}]"
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name):
        raise ConfigError(f"{file}: {table} has to be named with up to 32 small letters, digits and hyphens.")
    return Table(file, table, entry, [field.name for field in fields(InstrumentSettings) if field.name != "name"])


def _instrument(name: str, table: Table) -> InstrumentSettings:
    driver = table.choice("driver", DRIVEN)
    protocol = table.choice("protocol", protocols(driver), protocols(driver)[0])
    url = table.parsed("url", port_url, PORTS)
    _refuse_what_it_has_not(table, driver, protocol, url)
    sites, has_gain = SITES.get(driver), "gain" in DRIVERS[protocol].takes
    return InstrumentSettings(
        name=name,
        driver=driver,
        protocol=protocol,
        url=url,
        usb_serial=table.text("usb_serial", USB_SERIALS) if table.has("usb_serial") else None,
        usb_port=table.matching("usb_port", USB_PORT, USB_PORTS) if table.has("usb_port") else None,
        model=table.text("model", "the model on the plate", name),
        serial=table.text("serial", "the serial number on the plate") if table.has("serial") else "",
        calibrated=table.day("calibrated"),
        calibration_days=table.integer("calibration_days", 1, 3660, 366),
        past_due=cast(Literal["flag", "refuse"], table.choice("past_due", ("flag", "refuse"), "flag")),
        site=table.choice("site", sites, sites[0]) if sites else None,
        gain=table.choice("gain", GAINS, GAINS[0]) if has_gain else None,
        calibration=table.optional_path("calibration"),
    )


def _refuse_what_it_has_not(table: Table, driver: Driver, protocol: str, url: str) -> None:
    """A key that means nothing here is a mistake, and one that would never act is another."""
    if driver not in SITES and table.has("site"):
        raise table.error("site", f"nothing, since an instrument of kind {driver} has no site; remove the key")
    for key in ("usb_serial", "usb_port"):
        if table.has(key) and not url.startswith(("/", "usb://")):
            raise table.error(key, f"nothing, since no USB device can be seen behind {url}; remove the key")
    if "gain" not in DRIVERS[protocol].takes and table.has("gain"):
        speaker = f"of kind {driver}" if driver != "ecg" else f"that speaks {protocol}"
        raise table.error("gain", f"nothing, since an instrument {speaker} has no gain; remove the key")
    if table.has("calibration") and protocol != "headphone":
        raise table.error("calibration", "nothing, since only headphones have such a file; remove the key")
    if table.has("past_due") and not table.has("calibrated"):
        raise table.error("past_due", "nothing without 'calibrated', the day from which it counts; write that day")
