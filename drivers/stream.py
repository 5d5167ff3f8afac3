"""The one file that opens ports: a URL in, a stream of bytes out.

| URL | opens |
|---|---|
| `/dev/serial/by-id/...`, `/dev/ttyUSB0`, a link to one | a serial port |
| `/dev/pts/3`, a link to one | the pseudo-terminal of a simulated instrument |
| `socket://host:port` | a serial-to-network server, or a simulated instrument |
| `usb://VID:PID`, `usb://VID:PID/SERIAL`, `usb://VID:PID?port=1-1.2` | a USB device (`drivers.usb_stream`) |
| `usb-sim:///path/of/socket` | a simulated USB device |
| `sound://NAME-OF-CARD?...`, `sound-sim://PATH` | a sound card, or a simulated one: see `drivers.sound_stream` |
| `ble://AA:BB:CC:DD:EE:FF` | a Bluetooth LE instrument (`drivers.ble_stream`) |
| `ble-sim:///path/of/socket` | a simulated one |

Bytes are awaited by the event loop itself: no thread, no polling, except on USB. A serial port is locked while it is
open, and a USB interface is claimed, so that two readers never share one; at a socket the far end decides whom it
serves.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast
from urllib.parse import urlsplit

import serial

from drivers.errors import Absent, PortError, Unplugged
from drivers.sound_stream import SOUND, open_sound

CHUNK = 4096
"""Most bytes of one read: the size of the kernel's terminal buffer."""
CONNECT_S = 5.0
"""Longest wait for a socket to answer."""
GONE_MS = 30_000
"""A socket whose other end gives no receipt for so long is gone."""
PTS_MAJORS = range(136, 144)
"""Linux device numbers of pseudo-terminals (Documentation/admin-guide/devices.txt)."""


@dataclass(frozen=True, slots=True)
class Line:
    """The settings of a serial line, as the maker's sheet states them."""

    baud: int
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class BleLine:
    """The values that a Bluetooth LE instrument is asked for, by the 16-bit numbers of their characteristics."""

    characteristics: tuple[int, ...]
    """Those it has are subscribed to; one at least it must have."""


WRITE_S = 3.0
"""A command is a few bytes: a port that does not take them in this time is stuck."""


@dataclass(frozen=True, slots=True)
class UsbLine:
    """Which interface of a USB device an instrument speaks by, and how.

    The first interface of the class (any, where it is None) that has both endpoints is claimed. With vendor and
    product given, a device with other ids is refused.
    """

    interface_class: int | None = None
    """bInterfaceClass: 0x03 human interface device, 0x0F personal healthcare, ..."""
    inward: Literal["bulk", "interrupt"] = "bulk"
    """Type of the endpoint that is read."""
    outward: Literal["bulk", "interrupt"] = "bulk"
    """Type of the endpoint that is written."""
    read_bytes: int = 1024
    """Most bytes of one IN transfer: a multiple of the packet size, so that none overflows."""
    write_s: float = WRITE_S
    """How long an OUT transfer may take."""
    vendor: int | None = None
    product: int | None = None


class Stream(Protocol):
    """An open byte stream to one instrument; it has one reader."""

    simulated: bool
    """True for everything that is not a local hardware port: what is not known to be real is marked as simulated."""

    async def read(self) -> bytes:
        """Wait for bytes and return at least one; raise `Unplugged` when the other end is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of `data`; raise `Unplugged` when the other end is gone."""
        ...

    def close(self) -> None:
        """Give the port back; idempotent."""
        ...


_SPEAKS: dict[type, tuple[tuple[str, ...], str]] = {
    UsbLine: (("usb://", "usb-sim://"), "USB: give its usb://VID:PID"),
    BleLine: (("ble://", "ble-sim://"), "Bluetooth: give its ble:// address"),
}


class UsbPort(Stream, Protocol):
    """An open USB interface; `read` returns the bytes of one IN transfer, `write` sends one OUT transfer."""

    interface: int
    """Its number, which class requests name in wIndex."""
    extra: bytes
    """The class-specific descriptors that follow the interface's own."""

    async def control(self, request_type: int, request: int, value: int, index: int, payload: bytes | int) -> bytes:
        """One control transfer: `payload` is what is sent, or how many bytes are asked for; returns what came.

        Raises `DriverError` when the device does not know the request (the stream goes on), `Unplugged` as `read`.
        """
        ...


def usb_port(stream: Stream) -> UsbPort:
    """The stream as the USB interface that it is; raises `PortError` for one without control transfers."""
    if not hasattr(stream, "control"):
        raise PortError("The instrument is on USB and its port is not: give its usb:// address.")
    return cast(UsbPort, stream)


async def open_stream(url: str, line: Line | UsbLine | BleLine) -> Stream:
    """Open the port at `url` with the settings of `line` (a socket and a pseudo-terminal have none).

    Raises `Absent` when nothing is there, `PortError` when it is busy, forbidden or not a port.
    """
    _check_kind(url, line)
    if isinstance(line, UsbLine):
        # pyusb takes its time to load, as does bleak, and most cabins do without.
        from drivers.usb_stream import open_usb

        return await open_usb(url, line)
    if isinstance(line, BleLine):
        from drivers.ble_stream import open_ble

        return await open_ble(url, line)
    if url.startswith("/"):
        return _SerialStream(url, line)
    if url.startswith(SOUND):
        return await open_sound(url)
    host, port = _address(url)
    return await _open_socket(url, host, port)


def _check_kind(url: str, line: Line | UsbLine | BleLine) -> None:
    """Raise `PortError` when the address is that of another kind of port than the instrument speaks by."""
    for kind, (schemes, _) in _SPEAKS.items():
        if url.startswith(schemes) != isinstance(line, kind):
            _, by = _SPEAKS.get(type(line), ((), "a serial line: give its path"))
            raise PortError(f"The instrument at {url} speaks by {by}.")


def is_hardware(device: int, sysfs: Path = Path("/sys")) -> bool:
    """Whether the character device numbered `device` is a terminal with a piece of hardware behind it."""
    entry = (sysfs / "dev" / "char" / f"{os.major(device)}:{os.minor(device)}").resolve()
    return (sysfs / "class" / "tty" / entry.name / "device").exists() and "virtual" not in entry.parts


class _SerialStream:
    def __init__(self, path: str, line: Line) -> None:
        self._path = path
        self._port = _open_port(path, line)
        self._fd = self._port.fileno()
        self._open = True
        self._reading = False
        self._writing = asyncio.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self.simulated = not is_hardware(os.fstat(self._fd).st_rdev)

    async def read(self) -> bytes:
        if self._reading:
            raise PortError(f"{self._path} is being read already: give each port one reader.")
        self._reading = True
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._until(loop.add_reader, loop.remove_reader)
                try:
                    data = os.read(self._fd, CHUNK)
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise self._gone() from error
                # A terminal that is ready to be read and has nothing to say has been hung up.
                if not data:
                    raise self._gone()
                return data
        finally:
            self._reading = False

    async def write(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(WRITE_S):
                await self._write(data)
        except TimeoutError:
            raise Unplugged(
                f"The instrument at {self._path} takes no bytes: check its cable and its power."
            ) from None

    async def _write(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        rest = memoryview(data)
        async with self._writing:
            while rest:
                if not self._open:
                    raise self._gone()
                try:
                    rest = rest[os.write(self._fd, rest) :]
                except BlockingIOError:
                    await self._until(loop.add_writer, loop.remove_writer)
                except OSError as error:
                    raise self._gone() from error

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        for future in self._waiting:
            loop = future.get_loop()
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            if not future.done():
                future.set_exception(self._gone())
        self._port.close()

    async def _until(self, watch: Callable[..., object], unwatch: Callable[[int], bool]) -> None:
        """Wait until the event loop finds the port ready in one direction, or until it is closed."""
        if not self._open:
            raise self._gone()
        ready = asyncio.get_running_loop().create_future()
        self._waiting.add(ready)
        watch(self._fd, _settle, ready)
        try:
            await ready
        finally:
            self._waiting.discard(ready)
            # Once closed, the number of the port may already belong to another file.
            if self._open:
                unwatch(self._fd)

    def _gone(self) -> Unplugged:
        return Unplugged(f"The instrument at {self._path} was unplugged: plug it in again.")


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _open_port(path: str, line: Line) -> serial.Serial:
    try:
        # A pseudo-terminal has no line; Linux refuses 7 bits or a parity there.
        if os.major(os.stat(path).st_rdev) in PTS_MAJORS:
            line = Line(line.baud)
        return serial.Serial(path, line.baud, line.bits, line.parity, line.stop, timeout=0, exclusive=True)
    except (OSError, ValueError, termios.error) as error:
        raise _refusal(path, error) from error


def _refusal(path: str, error: Exception) -> PortError:
    """The sentence for a port that would not open, by the system's reason."""
    match error.errno if isinstance(error, OSError) else None:
        case errno.ENOENT | errno.ENXIO | errno.ENODEV | errno.EIO | errno.ENOTDIR:
            return Absent(f"No instrument is plugged in at {path}: plug it in, or correct the path.")
        case errno.EAGAIN | errno.EBUSY:
            return PortError(f"The port {path} is in use by another program: close that program.")
        case errno.EACCES | errno.EPERM:
            return PortError(f"The port {path} is forbidden to this account: add it to the group that owns the port.")
        case _:
            return PortError(f"{path} is not a serial port that can be set up: correct the path.")


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        if parts.scheme == "socket" and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise PortError(f"{url!r} is not a port: give a path under /dev, socket://host:port or usb://VID:PID.")


async def _open_socket(url: str, host: str, port: int) -> _SocketStream:
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        raise Absent(f"Nothing answers at {url}: start the server there, or correct the address.") from error
    return _SocketStream(url, reader, writer)


class _SocketStream:
    simulated = True

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._url = url
        self._reader = reader
        self._writer = writer
        # A write is complete when the kernel has all of it.
        writer.transport.set_write_buffer_limits(high=0)
        # A server that vanished without a word is noticed within half a minute.
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
        # The kernel asks nothing while something that was sent waits for its receipt.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MS)

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(CHUNK)
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    async def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise self._gone()
        try:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_S):
                await self._writer.drain()
        except TimeoutError:
            # What is still to be sent would keep the socket open for as long as the other end likes.
            self._writer.transport.abort()
            raise Unplugged(f"The instrument at {self._url} takes no bytes: start it again.") from None
        except OSError as error:
            raise self._gone() from error

    def close(self) -> None:
        self._writer.close()

    def _gone(self) -> Unplugged:
        return Unplugged(f"The instrument at {self._url} hung up: start it again.")
