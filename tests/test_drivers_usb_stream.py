"""A USB device as a stream: pyusb itself, on the emulated host, with every fault that a bus has."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import usb.core

from drivers import usb_stream
from drivers.capture import Entry, Way
from drivers.errors import Absent, DriverError, PortError, Unplugged
from drivers.replay import Player
from drivers.stream import Line, UsbLine, open_stream, usb_port
from drivers.tape import taped
from drivers.usb_address import UsbAddress, read_address
from drivers.usb_sim import Backend
from drivers.usb_stream import failure, open_usb
from simulators.usb_description import Endpoint
from simulators.usb_setup import Setup
from tests.usb_port import BULK, FUNCTION, LINE, QOS, Port, no_thread_is_left


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[Port]:
    port = Port(tmp_path / "thing.usb")
    port.wire.plug()
    yield port
    port.wire.unplug()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert no_thread_is_left()
    assert len(os.listdir("/proc/self/fd")) <= before


def again(tmp_path: Path, port: Port, **changes: object) -> Port:
    """Another device in the place of `port`."""
    port.wire.unplug()
    other = Port(tmp_path / "thing.usb", replace(BULK, **changes))  # type: ignore[arg-type]
    other.wire.plug()
    return other


async def test_transfers_pass_whole_in_both_directions(port: Port) -> None:
    async with port.opened() as stream:
        assert (stream.simulated, stream.interface, stream.extra) == (True, 0, FUNCTION)
        await stream.write(b"hello")
        await stream.write(b"")
        assert port.heard == [b"hello", b""]
        port.wire.send(b"one")
        port.wire.send(b"two")
        assert [await stream.read(), await stream.read()] == [b"one", b"two"]
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0.05)
        await stream.write(b"while it reads")
        port.wire.send(bytes(3000))
        assert len(await reading) == 1024
        assert [len(await stream.read()), len(await stream.read())] == [1024, 952]
    assert port.openings == 1


async def test_a_transfer_that_nobody_waits_for_any_more_is_not_lost(port: Port) -> None:
    async with port.opened() as stream:
        found = []
        for number in range(30):
            port.wire.send(bytes([number]))
            with suppress(TimeoutError):
                found.append(await asyncio.wait_for(stream.read(), 0.0001 * number))
        while len(found) < 30:
            found.append(await stream.read())
        assert found == [bytes([number]) for number in range(30)]


async def test_control_requests(port: Port) -> None:
    port.answers = lambda setup, data: b"\x03\x00" if setup.request_type & 0x80 else (b"" if setup.value else None)
    async with port.opened() as stream:
        assert await stream.control(0xA1, 0, 0, stream.interface, 2) == b"\x03\x00"
        assert await stream.control(0x21, 3, 1, stream.interface, b"ab") == b""
        with pytest.raises(DriverError, match="does not know a request"):
            await stream.control(0x21, 3, 0, 0, b"")
        await stream.write(b"goes on")
    assert port.setups[0] == (Setup(0xA1, 0, 0, 0, 2), b"")
    assert port.setups[1] == (Setup(0x21, 3, 1, 0, 2), b"ab")
    assert port.heard == [b"goes on"]


async def test_the_descriptors_are_those_of_the_device(port: Port) -> None:
    def look() -> tuple[object, ...]:
        device = usb.core.find(backend=Backend(port.wire.url.removeprefix("usb-sim://")))
        interface = device[0][0, 0]
        extras = [bytes(endpoint.extra_descriptors) for endpoint in interface]
        packets = [endpoint.wMaxPacketSize for endpoint in interface]
        found = (
            device.manufacturer,
            device.product,
            device.serial_number,
            interface.bInterfaceClass,
            extras,
            packets,
        )
        usb.util.dispose_resources(device)
        return found

    assert await asyncio.to_thread(look) == ("Maker", "Thing", "A-17", 0x0F, [QOS, b"", b""], [64, 64, 8])


async def test_pulled_out_while_it_is_read_and_put_back(port: Port) -> None:
    async with port.opened() as stream:
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0.05)
        port.wire.unplug()
        with pytest.raises(Unplugged, match="plug it in again"):
            await asyncio.wait_for(reading, 1)
        for wanted in (stream.read(), stream.write(b"x"), stream.control(0xA1, 0, 0, 0, 2)):
            with pytest.raises(Unplugged):
                await asyncio.wait_for(wanted, 1)
        with pytest.raises(Absent, match="plug the instrument in"):
            await open_usb(port.wire.url, LINE)
        port.wire.plug()
        with pytest.raises(Unplugged):
            await stream.read()
    async with port.opened() as stream:
        port.wire.send(b"back")
        assert await stream.read() == b"back"
    assert port.openings == 2


async def test_pulled_out_in_the_middle_of_a_write_and_of_a_control_request(port: Port) -> None:
    port.on_write = lambda data: port.wire.unplug()
    async with port.opened(replace(LINE, write_s=5)) as stream:
        await stream.write(b"x")
        with pytest.raises(Unplugged):
            await stream.write(b"x")
    port.wire.plug()
    port.wire.fail("usb-timeout", True)
    for act in ("write", "control"):
        async with port.opened(replace(LINE, write_s=5)) as stream:
            doing = asyncio.create_task(
                stream.write(b"x") if act == "write" else stream.control(0xA1, 0, 0, 0, 2)
            )  # fmt: skip
            await asyncio.sleep(0.15)
            port.wire.unplug()
            with pytest.raises(Unplugged):
                await asyncio.wait_for(doing, 1)
        port.wire.plug()


async def test_what_is_not_taken_in_time_is_told_and_was_not_done(port: Port) -> None:
    port.wire.fail("usb-timeout", True)
    async with port.opened() as stream:
        with pytest.raises(Unplugged, match="takes no bytes"):
            await stream.write(b"lost")
    port.wire.fail("usb-timeout", False)
    assert port.heard == []
    async with port.opened() as stream:
        await stream.write(b"heard")
    assert port.heard == [b"heard"]


async def test_a_device_that_is_slow_takes_each_transfer_once(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb_stream, "WRITE_SLICE_S", 0.001)
    async with port.opened(replace(LINE, write_s=5)) as stream:
        for number in range(30):
            await stream.write(bytes([number]))
    assert port.heard == [bytes([number]) for number in range(30)]


async def test_one_halt_is_cleared_and_nothing_is_lost(port: Port) -> None:
    async with port.opened() as stream:
        port.wire.halt(0x81, 0x02)
        port.wire.send(b"after the halt")
        await stream.write(b"too")
        assert await stream.read() == b"after the halt"
    assert port.heard == [b"too"]


@pytest.mark.parametrize("act", ["read", "write"])
async def test_a_device_that_stalls_again_and_again_is_told(port: Port, act: str) -> None:
    async with port.opened() as stream:
        port.wire.fail("stall", True)
        with pytest.raises(PortError, match="refuses every transfer"):
            await asyncio.wait_for(stream.read() if act == "read" else stream.write(b"x"), 2)
    port.wire.fail("stall", False)
    async with port.opened() as stream:
        await stream.write(b"x")
        port.wire.send(b"y")
        assert await stream.read() == b"y"


async def test_a_busy_device_names_the_cure(port: Port) -> None:
    port.wire.fail("busy", True)
    with pytest.raises(PortError, match="another program") as refused:
        await open_usb(port.wire.url, LINE)
    assert not isinstance(refused.value, Absent)
    port.wire.fail("busy", False)
    async with port.opened():
        with pytest.raises(PortError, match="another program"):
            await open_usb(port.wire.url, LINE)
    async with port.opened() as stream:
        port.wire.fail("busy", True)
        with pytest.raises(PortError, match="another program"):
            await stream.write(b"x")
    assert port.heard == []


async def test_a_driver_of_the_kernel_is_detached_and_a_configuration_set_only_where_there_is_none(
    tmp_path: Path, port: Port
) -> None:
    for number, changes in enumerate(({"kernel_driver": True}, {"configured": False})):
        port = again(tmp_path, port, **changes)
        for _ in range(2):
            async with port.opened() as stream:
                await stream.write(b"x")
        assert port.openings == 2, number
    port.wire.unplug()


async def test_endpoints_are_chosen_by_class_direction_and_type(tmp_path: Path, port: Port) -> None:
    for line in (UsbLine(3), UsbLine(0x0F, outward="interrupt")):
        with pytest.raises(PortError, match="has not the interface"):
            await open_usb(port.wire.url, line)
    with pytest.raises(PortError, match="another instrument"):
        await open_usb(port.wire.url, replace(LINE, vendor=0x1234, product=0x00AC))
    port = again(tmp_path, port, endpoints=(Endpoint(0x81, "interrupt", 8), Endpoint(0x02, "interrupt", 8)))
    async with port.opened(UsbLine(inward="interrupt", outward="interrupt", vendor=0x1234, product=0xAB)) as stream:
        await stream.write(b"12345678")
        port.wire.send(b"87654321")
        assert await stream.read() == b"87654321"
    port.wire.unplug()


async def test_closing_ends_who_waits_at_once(port: Port) -> None:
    async with port.opened() as stream:
        port.wire.fail("usb-timeout", True)
        waiting = [asyncio.create_task(stream.read()), asyncio.create_task(stream.write(b"x"))]
        await asyncio.sleep(0.05)
        stream.close()
        stream.close()
        async with asyncio.timeout(1):
            for task in waiting:
                with pytest.raises(Unplugged):
                    await task
        with pytest.raises(Unplugged):
            await stream.read()


async def test_an_opening_that_is_given_up_leaves_nothing_open(port: Port) -> None:
    for delay in (0.0, 0.002, 0.005, 0.01):
        opening = asyncio.create_task(open_usb(port.wire.url, LINE))
        await asyncio.sleep(delay)
        if opening.done():
            opening.result().close()
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    async with port.opened() as stream:
        await stream.write(b"free")


async def test_hardware_runs_the_same_code_and_is_not_simulated(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb_stream, "hardware", lambda: Backend(port.wire.url.removeprefix("usb-sim://")))
    for url in (
        "usb://1234:00ab",
        "usb://1234:00AB/A-17",
        "usb://1234:00ab?port=1-1",
        "usb://1234:00ab/A-17?port=1-1",
    ):
        stream = await open_stream(url, LINE)
        assert not stream.simulated
        await stream.write(url.encode())
        stream.close()
    for url in ("usb://1234:00ac", "usb://1234:00ab/B", "usb://1234:00ab?port=1-2"):
        with pytest.raises(Absent, match="plug the instrument in"):
            await open_stream(url, LINE)
    assert len(port.heard) == 4


async def test_two_alike_are_not_guessed_between(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    class Twice(Backend):
        def enumerate_devices(self) -> Iterator[object]:  # type: ignore[override]
            for _ in range(2):
                yield from super().enumerate_devices()

    monkeypatch.setattr(usb_stream, "hardware", lambda: Twice(port.wire.url.removeprefix("usb-sim://")))
    with pytest.raises(PortError, match="say which"):
        await open_stream("usb://1234:00ab", LINE)


async def test_without_libusb_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda: None)
    with pytest.raises(PortError, match=r"install libusb-1\.0-0"):
        await open_stream("usb://1234:00ab", LINE)


async def test_a_serial_instrument_is_not_opened_on_usb_and_the_other_way_round(port: Port) -> None:
    with pytest.raises(PortError, match="by a serial line"):
        await open_stream(port.wire.url, Line(9600))
    with pytest.raises(PortError, match="by USB"):
        await open_stream("/dev/ttyUSB0", LINE)
    async with port.opened() as stream:
        assert usb_port(stream) is stream
    with pytest.raises(PortError, match="on USB and its port is not"):
        usb_port(object())  # type: ignore[arg-type]


async def test_what_goes_over_usb_is_noted_and_can_be_played(port: Port) -> None:
    notes: list[tuple[Way, bytes]] = []
    port.answers = lambda setup, data: b"\x09" if setup.request_type & 0x80 else b""
    async with port.opened() as stream:
        noted = usb_port(taped(stream, lambda way, data: notes.append((way, data))))
        assert (noted.simulated, noted.interface, noted.extra) == (True, 0, FUNCTION)
        await noted.control(0x21, 9, 0x300, 0, b"\x01\x01")
        assert await noted.control(0xA1, 0, 0, 0, 2) == b"\x09"
    assert notes == [
        ("open", b""),
        ("control", bytes.fromhex("21 09 00 03 00 00 02 00 01 01")),
        ("control", bytes.fromhex("a1 00 00 00 00 00 02 00 09")),
    ]
    player = Player(tuple(Entry(n, way, data) for n, (way, data) in enumerate(notes)))
    assert await player.control(0x21, 9, 0x300, 0, b"\x01\x01") == b""
    assert await player.control(0xA1, 0, 0, 0, 2) == b"\x09"
    assert (await player.control(0xA1, 0, 0, 0, 2), player.written_anew) == (b"", 1)


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (19, Unplugged, "plug it in again"), (5, Unplugged, "plug it in again"), (2, Unplugged, "plug it in"),
        (16, PortError, "another program"), (13, PortError, "udev rules"), (1, PortError, "udev rules"),
        (32, PortError, "refuses every transfer"), (110, Unplugged, "takes no bytes"), (75, PortError, "USB failed"),
        (None, PortError, "USB failed"),
    ],
)  # fmt: skip
def test_each_error_of_pyusb_is_one_sentence_with_its_cure(
    number: int | None, kind: type[DriverError], says: str
) -> None:
    told = failure("usb://1:2", usb.core.USBError("text", errno=number))
    assert type(told) is kind
    assert says in str(told)
    assert str(told).count(". ") == 0
    assert isinstance(failure("u", usb.core.USBError("[Errno 19] No such device")), Unplugged)


def test_addresses() -> None:
    assert read_address("usb://0590:0028/a%2Fb?port=2-1.4") == UsbAddress(
        "usb://0590:0028/a%2Fb?port=2-1.4", 0x590, 0x28, "a/b", "2-1.4"
    )
    assert read_address("usb-sim:///run/x.usb").path == "/run/x.usb"
    assert read_address("usb-sim:///run/x.usb").simulated and not read_address("usb://0590:0028").simulated
    for url in (
        "usb://",
        "usb://590:28",
        "usb://0590:0028?port=1",
        "usb-sim://",
        "usb-sim://relative",
        "usb://0590:0028/",
    ):
        with pytest.raises(PortError, match="write usb://VID:PID"):
            read_address(url)
