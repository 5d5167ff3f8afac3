"""A Bluetooth connection as a stream, on the emulated backend of bleak: opening, losing, writing, and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from drivers import ble_stream, gatt_values
from drivers import gatt_records as gatt
from drivers.ble_stream import BleStream, open_ble
from drivers.errors import Absent, DriverError, PortError, Unplugged
from drivers.gatt import Oximeter, Scale, Tensiometer
from drivers.gatt_records import Records, record
from drivers.stream import BleLine, Line, open_stream
from simulators.ble import Scale as SimulatedScale
from simulators.ble_server import Server
from simulators.ble_wire import BleWire
from simulators.body import Body
from simulators.device import Clock
from simulators.faults import Fault
from simulators.station import Station

BEGAN = datetime(2026, 11, 21, 22, 30, 5)  # noqa: DTZ001


@asynccontextmanager
async def air(path: Path, device: type[Server] = SimulatedScale, *faults: str) -> AsyncIterator[Station]:
    """One simulated instrument within reach, twenty times faster than life."""
    body, clock = Body(1), Clock(20.0)
    station = Station(device(body, BEGAN), partial(BleWire, path), body, clock)
    station.plug()
    for fault in faults:
        station.apply(Fault(fault))

    async def tick() -> None:
        while True:
            station.tick()
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    try:
        yield station
    finally:
        ticking.cancel()
        station.unplug()
        await asyncio.gather(*ble_stream._CLOSING, return_exceptions=True)


@asynccontextmanager
async def host(url: str, line: BleLine = Scale.line) -> AsyncIterator[BleStream]:
    stream = await open_ble(url, line)
    try:
        yield stream
    finally:
        stream.close()


async def until(stream: BleStream, characteristic: int) -> list[tuple[int, bytes]]:
    """The records up to the first one of a characteristic."""
    found: list[tuple[int, bytes]] = []
    async with asyncio.timeout(5):
        while not found or found[-1][0] != characteristic:
            (one,) = Records().feed(await stream.read())
            assert isinstance(one, tuple)
            found.append(one)
    return found


async def test_what_it_is_comes_first_then_what_it_measures(tmp_path: Path) -> None:
    async with air(tmp_path / "scale") as station, host(station.url) as stream:
        assert stream.simulated
        records = await until(stream, gatt.WEIGHT)
    assert [number for number, _ in records] == [
        gatt.MAKER,
        gatt.MODEL,
        gatt.SERIAL,
        gatt.FIRMWARE,
        gatt.BATTERY,
        gatt.CURRENT_TIME,
        gatt.WEIGHT,
    ]
    assert records[1] == (gatt.MODEL, b"Body Scale")


async def test_the_rush_is_over_when_nothing_stored_comes_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ble_stream, "RUSH_S", 0.1)
    async with air(tmp_path / "scale", SimulatedScale, "old-readings-first") as station, host(station.url) as stream:
        records = await until(stream, gatt.SETTLED)
    assert [number for number, _ in records].count(gatt.WEIGHT) >= 3


async def test_out_of_reach_and_back_again(tmp_path: Path) -> None:
    async with air(tmp_path / "scale") as station:
        async with host(station.url) as stream:
            await until(stream, gatt.WEIGHT)
            station.apply(Fault("unplug"))
            with pytest.raises(Unplugged, match="ended its connection"):
                await until(stream, gatt.SETTLED)
            with pytest.raises(Unplugged):
                await stream.read()
            with pytest.raises(Unplugged):
                await stream.write(record(gatt.CURRENT_TIME, bytes(10)))
        with pytest.raises(Absent, match="No instrument answers"):
            await open_ble(station.url, Scale.line)
        station.clear(Fault("unplug"))
        async with host(station.url) as stream:
            assert (await until(stream, gatt.WEIGHT))[0][0] == gatt.MAKER


async def test_it_is_found_again_as_soon_as_it_was_given_back(tmp_path: Path) -> None:
    async with air(tmp_path / "scale") as station:
        for _ in range(3):
            async with host(station.url) as stream:
                await until(stream, gatt.MODEL)
            stream.close()


async def test_an_instrument_that_has_a_host_is_not_found(tmp_path: Path) -> None:
    async with air(tmp_path / "scale") as station, host(station.url):
        with pytest.raises(Absent):
            await open_ble(station.url, Scale.line)


async def test_its_clock_can_be_set_and_its_measurements_not(tmp_path: Path) -> None:
    now = datetime(2027, 1, 2, 3, 4, 5)  # noqa: DTZ001
    async with air(tmp_path / "scale", SimulatedScale, "clock-unset") as station:
        async with host(station.url) as stream:
            assert (await until(stream, gatt.CURRENT_TIME))[-1][1] == bytes(10)
            await stream.write(record(gatt.CURRENT_TIME, gatt_values.encode_clock(now)))
            with pytest.raises(DriverError, match="by its own buttons"):
                await stream.write(record(gatt.WEIGHT, b"\x00\x00\x00"))
            with pytest.raises(DriverError, match="no record"):
                await stream.write(b"no record" + record(gatt.WEIGHT, b"\x00\x00\x00"))
        async with host(station.url) as stream:
            shown = gatt_values.clock((await until(stream, gatt.CURRENT_TIME))[-1][1])
    assert shown is not None and 0 <= (shown - now).total_seconds() < 60


async def test_one_reader(tmp_path: Path) -> None:
    async with air(tmp_path / "scale", SimulatedScale, "bonded-elsewhere") as station, host(station.url) as stream:
        await until(stream, gatt.CURRENT_TIME)
        first = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        with pytest.raises(PortError, match="one reader"):
            await stream.read()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_another_instrument_is_refused_and_left_free(tmp_path: Path) -> None:
    async with air(tmp_path / "scale") as station:
        with pytest.raises(PortError, match="does not measure that"):
            await open_ble(station.url, Tensiometer.line)
        async with host(station.url) as stream:
            assert await stream.read()


async def test_a_machine_without_an_adapter(tmp_path: Path) -> None:
    async with air(tmp_path / "scale", SimulatedScale, "no-adapter") as station:
        with pytest.raises(PortError, match="no Bluetooth adapter"):
            await open_ble(station.url, Scale.line)


async def test_an_instrument_that_answers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ble_stream, "CONNECT_S", 0.1)
    async with air(tmp_path / "scale", SimulatedScale, "silence") as station:
        with pytest.raises(Absent):
            await open_ble(station.url, Scale.line)


async def test_connecting_waits_for_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0

    async def connect(self: BleStream, line: BleLine) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1

    monkeypatch.setattr(BleStream, "connect", connect)
    streams = await asyncio.gather(*(open_ble(f"ble-sim://{tmp_path}/{n}", Oximeter.line) for n in range(3)))
    for stream in streams:
        stream.close()
    await asyncio.gather(*ble_stream._CLOSING)
    assert most == 1


@pytest.mark.parametrize("url", ["ble://", "ble://AA:BB", "ble://AA:BB:CC:DD:EE:GG", "ble://AA:BB:CC:DD:EE:FF/x"])
async def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(PortError, match="no Bluetooth address"):
        await open_stream(url, Scale.line)


async def test_bluetooth_instruments_have_bluetooth_addresses() -> None:
    with pytest.raises(PortError, match="ble://"):
        await open_stream("/dev/null", Scale.line)
    with pytest.raises(PortError, match="serial line"):
        await open_stream("ble://AA:BB:CC:DD:EE:FF", Line(9600))


NO_RADIO = BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.NO_BLUETOOTH)
FORBIDDEN = BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM)


@pytest.mark.parametrize(
    ("raised", "error", "cure"),
    [
        (NO_RADIO, PortError, "bluetooth.service"),
        (FORBIDDEN, PortError, "group bluetooth"),
        (BleakDeviceNotFoundError("x"), Absent, "switch it on"),
        (TimeoutError(), Absent, "switch it on"),
        (BleakGATTProtocolError(0x05), PortError, "pair it"),
        (BleakError("x"), PortError, "pair it"),
        (FileNotFoundError("/run/dbus"), PortError, "install bluez"),
        (EOFError(), PortError, "install bluez"),
        (Absent("as it was"), Absent, "as it was"),
    ],
)
async def test_every_failure_to_connect_has_its_sentence(
    raised: Exception, error: type[Exception], cure: str
) -> None:
    with pytest.raises(error, match=cure):
        async with ble_stream._sentences("ble://AA:BB:CC:DD:EE:FF", lambda: True):
            raise raised


async def test_an_instrument_that_hangs_up_at_once_is_tried_again() -> None:
    with pytest.raises(Absent, match="keep it near"):
        async with ble_stream._sentences("ble://AA:BB:CC:DD:EE:FF", lambda: False):
            raise BleakError("x")


async def test_what_is_kept_to_itself_does_not_stop_it_from_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "_readable", lambda *_: None)
    async with air(tmp_path / "scale") as station, host(station.url) as stream:
        assert [number for number, _ in await until(stream, gatt.WEIGHT)] == [gatt.WEIGHT]
