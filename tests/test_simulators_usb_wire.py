"""A simulated device on USB in a rack: its socket, its faults by name, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from drivers.errors import Absent, PortError, Unplugged
from drivers.stream import UsbPort
from drivers.usb_stream import open_usb
from simulators import rack
from simulators.body import Body
from simulators.device import BodyFault, Clock, Frames, SimulatorError, Wear, WrongUse
from simulators.faults import Fault, accepted, fault_of
from simulators.rack import Ready, run_rack
from simulators.station import Station
from simulators.usb_description import UsbDescription
from simulators.usb_setup import Setup
from simulators.usb_wire import UsbWire
from tests.usb_port import BULK, LINE, no_thread_is_left


class Echo:
    """A USB device that says everything twice, in two transfers."""

    kind: ClassVar[str] = "echo"
    wear: ClassVar[Wear] = Wear(drop_every=3)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = ()
    usb: ClassVar[UsbDescription] = BULK

    def __init__(self, body: Body) -> None:
        self.openings = 0

    def opened(self, now: float) -> None:
        self.openings += 1

    def receive(self, data: bytes, now: float) -> Frames:
        return [data, data.upper()]

    def produce(self, now: float) -> Frames:
        return []

    def control(self, setup: Setup, data: bytes, now: float) -> bytes | None:
        return b"\x07" if setup.request == 7 else None

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """It has none."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert no_thread_is_left()


@asynccontextmanager
async def station(folder: Path) -> AsyncIterator[tuple[Station, UsbPort]]:
    body = Body(1)
    station = Station(Echo(body), lambda host: UsbWire(folder / "echo.usb", BULK, host), body, Clock())
    station.plug()
    stream = await open_usb(station.url, LINE)
    try:
        yield station, stream
    finally:
        stream.close()
        station.unplug()


async def talk(stream: UsbPort) -> list[bytes]:
    await stream.write(b"abc")
    async with asyncio.timeout(0.2):
        return [await stream.read(), await stream.read()]


async def test_each_frame_is_a_transfer(tmp_path: Path) -> None:
    async with station(tmp_path) as (_, stream):
        assert await talk(stream) == [b"abc", b"ABC"]
        assert await stream.control(0xC0, 7, 0, 0, 8) == b"\x07"


async def test_faults_of_usb_have_their_names(tmp_path: Path) -> None:
    assert {"unplug", "silence", "stall", "busy", "usb-timeout"} <= set(accepted(Echo))
    with pytest.raises(WrongUse, match="stall, busy, usb-timeout"):
        fault_of("echo", Echo, "fire")
    for name, kind in (("stall", PortError), ("busy", PortError), ("usb-timeout", Unplugged), ("unplug", Unplugged)):
        async with station(tmp_path) as (here, stream):
            here.apply(Fault(name))
            here.apply(Fault(name))
            with pytest.raises(kind):
                await talk(stream)
            here.clear(Fault(name))
            back = await open_usb(here.url, LINE)
            assert await talk(back) == [b"abc", b"ABC"], name
            back.close()


async def test_silence_acknowledges_and_says_nothing(tmp_path: Path) -> None:
    async with station(tmp_path) as (here, stream):
        here.apply(Fault("silence"))
        with pytest.raises(TimeoutError):
            await talk(stream)
        assert await stream.control(0xC0, 7, 0, 0, 8) == b""
        here.clear(Fault("silence"))
        assert await talk(stream) == [b"abc", b"ABC"]


async def test_in_a_rack_a_usb_device_is_met_at_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rack, "MODELS", {**rack.MODELS, "echo": Echo})
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_rack(tmp_path, ["echo"], Body(1), ready=ready.set_result))
    url = (await ready).urls["echo"]
    assert url == f"usb-sim://{tmp_path}/echo.usb"
    stream = await open_usb(url, LINE)
    assert await talk(stream) == [b"abc", b"ABC"]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(Unplugged):
        await stream.read()
    stream.close()
    assert os.listdir(tmp_path) == []
    with pytest.raises(WrongUse, match="on USB"):
        await run_rack(tmp_path, ["echo"], Body(1), listen={"echo": "socket://127.0.0.1:0"})


async def test_a_dead_socket_is_replaced_and_a_live_one_or_a_file_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "echo.usb"))
    async with station(tmp_path):
        with pytest.raises(SimulatorError, match="free that path"):
            async with station(tmp_path):
                raise AssertionError
    (tmp_path / "echo.usb").write_text("mine")
    with pytest.raises(SimulatorError, match="free that path"):
        async with station(tmp_path):
            raise AssertionError


async def test_who_speaks_another_language_is_hung_up_on(tmp_path: Path) -> None:
    async with station(tmp_path) as (_, stream):
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.setblocking(False)
            await loop.sock_connect(stranger, str(tmp_path / "echo.usb"))
            await loop.sock_sendall(stranger, b"GET / HTTP/1.1\r\n\r\n")
            async with asyncio.timeout(2):
                while await loop.sock_recv(stranger, 100):
                    pass
        assert await talk(stream) == [b"abc", b"ABC"]
    with pytest.raises(Absent):
        await open_usb(f"usb-sim://{tmp_path}/echo.usb", LINE)
