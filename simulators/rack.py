"""All simulated instruments of a cabin in one process, around one body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulators import (
    and_scale,
    ble,
    contec,
    cyton,
    detecto,
    gymcu,
    headphone,
    healthometer,
    healthometer_2595kl,
    healthypi,
    medlab,
    mt_sics,
    nonin,
    nonin_9560,
    omron,
    phd,
    replay,
    suntech,
    tm262,
)
from simulators.ble_server import Server
from simulators.ble_wire import BleWire
from simulators.body import Body
from simulators.control import Control
from simulators.device import Clock, Device, SimulatorError, WrongUse, usb_of
from simulators.scenario import Scenario
from simulators.station import Station
from simulators.usb_wire import UsbWire
from simulators.wire import Host, Listener, Pty, SoundCard, Wire

INSTRUMENTS: Mapping[str, type[Device]] = {
    "oximeter": nonin.Oximeter,
    "tensiometer": suntech.Tensiometer,
    "thermometer": gymcu.Thermometer,
    "scale": healthometer.Scale,
    "ecg": cyton.Ecg,
    "audiometer": tm262.Audiometer,
}
"""The simulated instruments of a cabin: the name, which is also that of its link."""

MODELS: Mapping[str, type[Device]] = {
    "nonin": nonin.Oximeter,
    "nonin-df1": nonin.Oximeter1,
    "nonin-df2": nonin.Oximeter2,
    "nonin-df7": nonin.Oximeter,
    "nonin-df8": nonin_9560.Oximeter8,
    "nonin-df13": nonin_9560.Oximeter13,
    "contec-v7": contec.OximeterV7,
    "contec-old": contec.OximeterOld,
    "suntech": suntech.Tensiometer,
    "omron-hem790it": omron.Tensiometer,
    "gymcu90614": gymcu.Thermometer,
    "gymcu90615": gymcu.FastThermometer,
    "healthometer": healthometer.Scale,
    "a-and-d": and_scale.Scale,
    "mt-sics": mt_sics.Scale,
    "detecto": detecto.Scale,
    "healthometer-2595kl": healthometer_2595kl.Scale,
    "cyton": cyton.Ecg,
    "tm262": tm262.Audiometer,
    "headphone": headphone.Headphones,
    "ble-thermometer": ble.Thermometer,
    "ble-tensiometer": ble.Tensiometer,
    "ble-oximeter": ble.Oximeter,
    "ble-scale": ble.Scale,
    "ble-heart-rate": ble.Belt,
    "phd-oximeter": phd.Oximeter,
    "phd-tensiometer": phd.Tensiometer,
    "phd-thermometer": phd.Thermometer,
    "phd-scale": phd.Scale,
    "healthypi-v5": healthypi.Five,
    "healthypi-v4": healthypi.Four,
    "medlab-1": medlab.Tokens,
    "medlab-2": medlab.Blocks,
}
"""Every instrument that can be simulated, by its protocol as the drivers name it."""

REPLAYS: Mapping[str, Callable[[Body, Path], Device]] = {
    "oximeter": lambda body, record: nonin.Oximeter(body, replay.read_finger(record)),
    "ecg": lambda body, record: cyton.Ecg(body, replay.read_leads(record)),
}
"""Those that can play a recording."""

TICK_S = 0.02


def device_of(name: str) -> type[Device]:
    """A simulated instrument by its kind or its protocol; raises `WrongUse` naming them."""
    found = INSTRUMENTS.get(name) or MODELS.get(name)
    if found is None:
        raise WrongUse(f"There is no simulated “{name}”; there is {', '.join((*INSTRUMENTS, *MODELS))}.")
    return found


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a running rack is met."""

    urls: Mapping[str, str]
    control: Path


async def run_rack(
    folder: Path,
    names: Sequence[str],
    body: Body,
    speed: float = 1.0,
    replays: Mapping[str, Path] | None = None,
    faults: Mapping[str, Sequence[str]] | None = None,
    *,
    listen: Mapping[str, str] | None = None,
    scenario: Scenario | None = None,
    ready: Callable[[Ready], None] | None = None,
) -> None:
    """Run the instruments `names` until cancelled; links at `<folder>/<name>` (USB: a socket
    `<folder>/<name>.usb`), commands at `<folder>/control.sock`.

    `replays`: instrument -> WFDB record; `faults`: instrument -> names of faults to begin with; `listen`: instrument
    -> `socket://host:port` in place of a link; `scenario`: what happens when. `ready` is called once everything can
    be opened. Whatever ends it, no link, socket or pseudo-terminal is left. Raises `WrongUse` or `SimulatorError`
    with one sentence.
    """
    # A record takes seconds to read: the clock starts after.
    devices = {name: _device(name, body, (replays or {}).get(name)) for name in names}
    clock = Clock(speed)
    stations = {
        name: Station(device, _wire(folder, name, device, (listen or {}).get(name)), body, clock)
        for name, device in devices.items()
    }
    beginning = [
        (stations[name], stations[name].fault_of(name, text))
        for name in stations
        for text in (faults or {}).get(name, ())
    ]
    _make(folder)
    control = Control(folder / "control.sock", stations, body, clock)
    scenario = scenario or Scenario(())
    for happening in scenario.left:
        control.check(happening)
    await control.open()
    try:
        for station in stations.values():
            station.plug()
        for station, fault in beginning:
            station.apply(fault)
        if ready:
            ready(Ready({name: station.url for name, station in stations.items()}, control.path))
        await _tick(list(stations.values()), lambda: control.follow(scenario))
    finally:
        control.close()
        for station in stations.values():
            station.unplug()


def _device(name: str, body: Body, record: Path | None) -> Device:
    if record is None:
        return device_of(name)(body)
    if name not in REPLAYS:
        raise WrongUse(f"The {name} plays no recordings; {' and '.join(REPLAYS)} do.")
    return REPLAYS[name](body, record)


def _wire(folder: Path, name: str, device: Device, url: str | None) -> Callable[[Host], Wire]:
    if usb := usb_of(device):
        if url is not None:
            raise WrongUse(f"The {name} is on USB, which no socket carries; leave its address to listen at out.")
        return partial(UsbWire, folder / f"{name}.usb", usb)
    if isinstance(device, headphone.Headphones):
        if url is not None:
            raise WrongUse(f"The {name} is a sound card, whose address is its own; leave the one to listen at out.")
        return partial(SoundCard, folder / f"{name}.sound")
    if isinstance(device, Server):
        if url is not None:
            raise WrongUse(f"The {name} is on the air, which no socket carries; leave its address to listen at out.")
        return partial(BleWire, folder / f"{name}.ble")
    return partial(Listener, url) if url is not None else partial(Pty, folder / name)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SimulatorError(f"Cannot make the folder {folder} ({error.strerror}); give another one.") from None


async def _tick(stations: list[Station], before: Callable[[], None]) -> None:
    """Let every station send, fifty times a second by the loop's clock; a late tick is not made up for."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        before()
        for station in stations:
            station.tick()
        done = int((loop.time() - began) / TICK_S)
        await asyncio.sleep(began + (done + 1) * TICK_S - loop.time())
