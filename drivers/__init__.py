"""Instruments: bytes in, events out.

To add an instrument, write one file here, named as its maker or its protocol, and add its two lines below. The file
holds

- the wire's constants and `encode...(...) -> bytes` for what is sent either way;
- a class `Decoder` with `feed(bytes) -> list[Event]` (`drivers.instrument.Codec`): pure, no port, clock, task or log;
- one plain class with the members of `drivers.instrument.Instrument`, `run` being little more than
  `await listen(stream, Decoder(), emit)` where the instrument only sends.

Its port, its reconnection and its silence are the keeper's business (`drivers.keeper`). Its tests compare it with
vectors of the maker, cut its bytes anywhere, feed it soup, and run it over every cable of `drivers.pipe.CABLES`.
"""

from __future__ import annotations

from drivers import (
    and_scale,
    contec,
    contec_old,
    contec_v7,
    cyton,
    detecto,
    fipp,
    gatt,
    gymcu,
    headphone,
    healthometer,
    healthometer_2595kl,
    healthypi_v4,
    healthypi_v5,
    medlab_1,
    medlab_2,
    mt_sics,
    nonin,
    nonin_9560,
    nonin_packets,
    nonin_seconds,
    nonin_spots,
    omron,
    phd,
    suntech,
    tm262,
)
from drivers.instrument import Codec, Instrument
from drivers.stream import BleLine

DRIVERS: dict[str, type[Instrument]] = {
    "nonin": nonin.Oximeter,
    "nonin-df13": nonin_9560.Oximeter,
    "contec": contec.Oximeter,
    "cyton": cyton.Ecg,
    "suntech": suntech.Tensiometer,
    "omron-hem790it": omron.Tensiometer,
    "gymcu90614": gymcu.Thermometer,
    "gymcu90615": gymcu.FastThermometer,
    "healthometer": healthometer.Scale,
    "a-and-d": and_scale.Scale,
    "mt-sics": mt_sics.Scale,
    "detecto": detecto.Scale,
    "healthometer-2595kl": healthometer_2595kl.Scale,
    "tm262": tm262.Audiometer,
    "headphone": headphone.Audiometer,
    "ble-thermometer": gatt.Thermometer,
    "ble-tensiometer": gatt.Tensiometer,
    "ble-oximeter": gatt.Oximeter,
    "ble-scale": gatt.Scale,
    "phd-oximeter": phd.Oximeter,
    "phd-tensiometer": phd.Tensiometer,
    "phd-thermometer": phd.Thermometer,
    "phd-scale": phd.Scale,
    "healthypi-v5": healthypi_v5.Ecg,
    "healthypi-v4": healthypi_v4.Ecg,
    "medlab-1": medlab_1.Ecg,
    "medlab-2": medlab_2.Ecg,
}
"""Protocol, as the configuration names it -> its driver. The first of a kind is what the kind alone means."""

DECODERS: dict[str, type[Codec]] = {
    "nonin": nonin.Decoder,
    "nonin-df1": nonin_seconds.Format1,
    "nonin-df2": nonin_packets.Format2,
    "nonin-df7": nonin_packets.Format7,
    "nonin-df8": nonin_seconds.Format8,
    "nonin-df13": nonin_spots.Format13,
    "contec": contec.Decoder,
    "contec-v7": contec_v7.V7,
    "contec-old": contec_old.Old,
    "cyton": cyton.Decoder,
    "suntech": suntech.Decoder,
    "omron-hem790it": omron.Decoder,
    "gymcu90614": gymcu.Decoder,
    "gymcu90615": gymcu.Decoder,
    "healthometer": healthometer.Decoder,
    "a-and-d": and_scale.Decoder,
    "mt-sics": mt_sics.Decoder,
    "detecto": detecto.Decoder,
    "healthometer-2595kl": healthometer_2595kl.Decoder,
    "tm262": tm262.Decoder,
    "headphone": headphone.Decoder,
    "ble-thermometer": gatt.Decoder,
    "ble-tensiometer": gatt.Decoder,
    "ble-oximeter": gatt.Decoder,
    "ble-scale": gatt.Decoder,
    "ble-heart-rate": gatt.Decoder,
    "fipp": fipp.Decoder,
    "ieee11073": phd.Decoder,
    "phd-oximeter": phd.Decoder,
    "phd-tensiometer": phd.Decoder,
    "phd-thermometer": phd.Decoder,
    "phd-scale": phd.Decoder,
    "healthypi-v5": healthypi_v5.Decoder,
    "healthypi-v4": healthypi_v4.Decoder,
    "medlab-1": medlab_1.Decoder,
    "medlab-2": medlab_2.Decoder,
}
"""Protocol, as `cabin decode` names it -> its decoder."""


KINDS: tuple[str, ...] = tuple(dict.fromkeys(driver.kind for driver in DRIVERS.values()))
"""Kinds of instrument: "oximeter", "ecg", ..."""


def by_hand(protocol: str) -> bool:
    """Whether the person starts an instrument of this protocol, by its own button."""
    return getattr(DRIVERS[protocol], "started_by", "cabin") == "person"


def shows_empty(protocol: str) -> bool:
    """Whether it is a scale that says so when nobody stands on it."""
    return getattr(DRIVERS[protocol], "shows_empty", False) is True


def comes_and_goes(protocol: str) -> bool:
    """Whether it is on the air only while it is used, so that being away is no fault."""
    return isinstance(getattr(DRIVERS[protocol], "line", None), BleLine)


def protocols(kind: str) -> tuple[str, ...]:
    """The protocols that an instrument of this kind may speak; the first is the usual one."""
    return tuple(name for name, driver in DRIVERS.items() if driver.kind == kind)
