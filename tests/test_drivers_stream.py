"""The one file that opens ports, on real pseudo-terminals and sockets."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import serial

from drivers import stream as module
from drivers.errors import Absent, DriverError, PortError, Unplugged
from drivers.stream import Line, Stream, is_hardware, open_stream
from tests.plug import Plug

LINE = Line(9600)
DEVICE = os.makedev(188, 0)


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    plug = Plug(tmp_path / "instrument")
    plug.plug()
    yield plug
    plug.unplug()


@pytest.fixture
async def port(plug: Plug) -> AsyncIterator[Stream]:
    port = await open_stream(plug.url, LINE)
    yield port
    port.close()


async def read_all(stream: Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += await asyncio.wait_for(stream.read(), 5)
    return data


async def test_a_pty_is_read_and_written_and_known_as_simulated(plug: Plug, port: Stream) -> None:
    every_byte = bytes(range(256))
    plug.send(every_byte)
    assert await read_all(port, 256) == every_byte
    await port.write(every_byte)
    assert await plug.receive(256) == every_byte
    assert port.simulated


async def test_read_waits_until_there_are_bytes(plug: Plug, port: Stream) -> None:
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0.05)
    assert not reading.done()
    plug.send(b"\x00")
    assert await asyncio.wait_for(reading, 5) == b"\x00"


async def test_a_write_larger_than_the_buffer_of_the_kernel_is_sent_whole(plug: Plug, port: Stream) -> None:
    data = os.urandom(50_000)
    writing = asyncio.create_task(port.write(data))
    assert await plug.receive(len(data)) == data
    await asyncio.wait_for(writing, 5)


async def test_two_writes_do_not_mix(plug: Plug, port: Stream) -> None:
    writing = asyncio.gather(port.write(b"a" * 20_000), port.write(b"b" * 20_000))
    assert await plug.receive(40_000) == b"a" * 20_000 + b"b" * 20_000
    await writing


@pytest.mark.parametrize("line", [Line(9600, 7, "E"), Line(115200, 8, "O", 2), Line(19200, 7, "N", 2)])
async def test_a_pty_opens_with_any_line_settings(plug: Plug, line: Line) -> None:
    (await open_stream(plug.url, line)).close()


async def test_unplugged_while_reading(plug: Plug, port: Stream) -> None:
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0)
    plug.unplug()
    with pytest.raises(Unplugged, match="plug it in again"):
        await asyncio.wait_for(reading, 5)


async def test_unplugged_before_reading_or_writing(plug: Plug, port: Stream) -> None:
    plug.unplug()
    with pytest.raises(Unplugged):
        await port.read()
    with pytest.raises(Unplugged):
        await port.write(b"x")


async def test_unplugged_while_a_write_waits(plug: Plug, port: Stream) -> None:
    writing = asyncio.create_task(port.write(bytes(50_000)))
    await asyncio.sleep(0.05)
    assert not writing.done()
    plug.unplug()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(writing, 5)


async def test_closing_wakes_the_reader_and_may_be_repeated(port: Stream) -> None:
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0)
    port.close()
    port.close()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(reading, 5)
    with pytest.raises(Unplugged):
        await port.read()
    with pytest.raises(Unplugged):
        await port.write(b"x")


async def test_a_cancelled_read_leaves_the_port_usable(plug: Plug, port: Stream) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(port.read(), 0.01)
    plug.send(b"later")
    assert await read_all(port, 5) == b"later"


async def test_a_second_reader_is_refused(port: Stream) -> None:
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0)
    with pytest.raises(PortError, match="one reader"):
        await port.read()
    reading.cancel()


async def test_a_busy_port_is_refused_until_it_is_given_back(plug: Plug, port: Stream) -> None:
    with pytest.raises(PortError, match="in use by another program") as refused:
        await open_stream(plug.url, LINE)
    assert not isinstance(refused.value, Absent)
    port.close()
    (await open_stream(plug.url, LINE)).close()


async def test_old_bytes_are_not_read_by_the_next_session(plug: Plug) -> None:
    first = await open_stream(plug.url, LINE)
    plug.send(b"old")
    first.close()
    second = await open_stream(plug.url, LINE)
    plug.send(b"new")
    assert await read_all(second, 3) == b"new"
    second.close()


async def test_nothing_plugged_in(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="plug it in"):
        await open_stream(str(tmp_path / "nothing"), LINE)


async def test_a_link_whose_port_went_away(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(Absent):
        await open_stream(str(tmp_path / "link"), LINE)


async def test_what_is_no_serial_port_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    for path in (str(tmp_path / "file"), str(tmp_path), "/dev/null"):
        with pytest.raises(PortError, match="not a serial port") as refused:
            await open_stream(path, LINE)
        assert not isinstance(refused.value, Absent)


async def test_a_forbidden_port_names_the_cure(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **options: object) -> serial.Serial:
        raise serial.SerialException(errno.EACCES, "no")

    monkeypatch.setattr("serial.Serial", forbidden)
    with pytest.raises(PortError, match=r"forbidden.*add it to the group"):
        await open_stream(plug.url, LINE)


@pytest.mark.parametrize(
    "url", ["", "COM3", "tcp://h:1", "socket://", "socket://host", "socket://host:many", "socket://[::1:7"]
)
async def test_what_is_no_url_of_this_house_is_refused(url: str) -> None:
    with pytest.raises(PortError, match="socket://host:port"):
        await open_stream(url, LINE)


def sysfs(root: Path, place: str, name: str, *, device: bool) -> Path:
    """A /sys that knows one terminal."""
    real = root / "devices" / place / "tty" / name
    real.mkdir(parents=True)
    if device:
        (real / "device").mkdir()
    for link in (root / "dev" / "char" / "188:0", root / "class" / "tty" / name):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(real)
    return root


def test_a_terminal_with_a_device_behind_it_is_hardware(tmp_path: Path) -> None:
    assert is_hardware(DEVICE, sysfs(tmp_path, "pci0000:00/usb1", "ttyUSB0", device=True))


def test_everything_else_is_simulated(tmp_path: Path) -> None:
    assert not is_hardware(DEVICE, sysfs(tmp_path / "a", "pci0000:00/usb1", "ttyUSB0", device=False))
    assert not is_hardware(DEVICE, sysfs(tmp_path / "b", "virtual", "tty0", device=True))
    assert not is_hardware(DEVICE, tmp_path / "nothing")


class Server:
    """A serial-to-network server with one connection at a time."""

    def __init__(self) -> None:
        self.connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected.set_result((reader, writer))


async def test_a_socket_is_read_written_and_hung_up() -> None:
    server = Server()
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    stream = await open_stream(f"socket://127.0.0.1:{port}", LINE)
    reader, writer = await server.connected
    assert stream.simulated
    writer.write(b"hello")
    assert await read_all(stream, 5) == b"hello"
    data = os.urandom(1_000_000)
    writing = asyncio.create_task(stream.write(data))
    assert await reader.readexactly(len(data)) == data
    await writing
    writer.close()
    with pytest.raises(Unplugged, match="hung up"):
        await asyncio.wait_for(stream.read(), 5)
    stream.close()
    stream.close()
    with pytest.raises(Unplugged):
        await stream.write(b"x")
    listening.close()
    await listening.wait_closed()


async def test_a_socket_that_is_reset_is_unplugged() -> None:
    server = Server()
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    stream = await open_stream(f"socket://127.0.0.1:{listening.sockets[0].getsockname()[1]}", LINE)
    _, writer = await server.connected
    writer.transport.abort()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(stream.read(), 5)
    stream.close()
    listening.close()
    await listening.wait_closed()


async def test_nothing_answers_at_a_socket() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"socket://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Absent, match="Nothing answers"):
            await open_stream(url, LINE)


def test_every_error_is_a_driver_error() -> None:
    assert issubclass(Absent, PortError) and issubclass(PortError, DriverError) and issubclass(Unplugged, DriverError)


async def test_a_socket_whose_other_end_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_S", 0.2)

    ends: list[asyncio.StreamWriter] = []

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        reader._transport.pause_reading()  # type: ignore[attr-defined]

    listening = await asyncio.start_server(deaf, "127.0.0.1", 0)
    stream = await open_stream(f"socket://127.0.0.1:{listening.sockets[0].getsockname()[1]}", LINE)
    async with asyncio.timeout(10):
        with pytest.raises(Unplugged, match="takes no bytes"):
            while True:
                await stream.write(bytes(1 << 20))
    stream.close()
    for end in ends:
        end.transport.abort()
    listening.close()
    # What is aborted is closed at the loop's next turn.
    await asyncio.sleep(0.05)
