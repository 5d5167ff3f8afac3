"""The wires on which a simulated instrument can be met, but for USB: a pseudo-terminal, a TCP port, a Unix socket.

Both are plugged and unplugged like a cable: an unplugged pseudo-terminal takes its link away and closes its master
side, so that the host reads the end of the file or EIO, as on a USB serial adapter that is pulled out. Both need a
running asyncio loop; nothing here blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import termios
import tty
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from simulators.device import SimulatorError, WrongUse
from simulators.usb_setup import Setup

BACKLOG = 256 * 1024
"""Bytes kept for a host that reads too slowly; what does not fit is lost, as on any serial line."""


@dataclass(frozen=True, slots=True)
class Host:
    """What a wire tells its instrument: the host opened the port, the host wrote something."""

    opened: Callable[[], None]
    wrote: Callable[[bytes], None]
    control: Callable[[Setup, bytes], bytes | None] | None = None
    """On USB: a class or vendor request; its answer, or None for one that the instrument does not know."""


class Wire(Protocol):
    """A cable with a simulated instrument at its end."""

    @property
    def url(self) -> str:
        """What a driver opens."""
        ...

    def plug(self) -> None:
        """Put the cable in; idempotent. Raises `SimulatorError` when the place is taken."""
        ...

    def unplug(self) -> None:
        """Pull the cable out and leave nothing behind; idempotent."""
        ...

    def poll(self) -> None:
        """Look whether a host has come or gone."""
        ...

    def send(self, data: bytes) -> None:
        """Give bytes to the host; they are lost when there is none."""
        ...


class Conversation:
    """One host on one descriptor: non-blocking both ways, with a bounded backlog."""

    def __init__(self, fd: int, wrote: Callable[[bytes], None], gone: Callable[[], None]) -> None:
        self._fd, self._wrote, self._gone = fd, wrote, gone
        self._waiting = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._read)

    def send(self, data: bytes) -> None:
        """Send `data`, or lose all of it when the host reads too slowly."""
        if len(self._waiting) + len(data) <= BACKLOG:
            self._waiting += data
        self._flush()

    def end(self) -> None:
        """Watch the descriptor no more; it stays open."""
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._wrote(data)
        else:
            self._gone()

    def _flush(self) -> None:
        try:
            del self._waiting[: os.write(self._fd, self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._gone()
            return
        if self._waiting:
            self._loop.add_writer(self._fd, self._flush)
        else:
            self._loop.remove_writer(self._fd)


class Pty:
    """A pseudo-terminal in raw mode; the driver opens `link`, which points at its slave side."""

    def __init__(self, link: Path, host: Host) -> None:
        self._link, self._host = link, host
        self._master: int | None = None
        self._name = ""
        self._hangup = select.poll()
        self._talk: Conversation | None = None

    @property
    def url(self) -> str:
        """Path of the link."""
        return str(self._link)

    def plug(self) -> None:
        """Make a new pseudo-terminal at the link; a link left there by a killed simulator is replaced."""
        if self._master is not None:
            return
        if self._link.is_symlink():
            self._link.unlink()
        self._master, slave = os.openpty()
        self._name = os.ttyname(slave)
        tty.setraw(slave)
        # Only when its last user closes it does the slave side report a hang-up: that is how a host is seen to come.
        os.close(slave)
        os.set_blocking(self._master, False)
        self._hangup.register(self._master, 0)
        try:
            self._link.symlink_to(self._name)
        except OSError as error:
            self.unplug()
            raise SimulatorError(f"Cannot make the link {self._link} ({error.strerror}); free that path.") from None

    def unplug(self) -> None:
        """Remove the link and close the master side."""
        if self._master is None:
            return
        self._leave()
        self._hangup.unregister(self._master)
        if self._link.is_symlink() and os.readlink(self._link) == self._name:
            self._link.unlink()
        os.close(self._master)
        self._master = None

    def poll(self) -> None:
        """A slave side without hang-up has a host."""
        if self._master is None:
            return
        hung_up = bool(self._hangup.poll(0))
        if self._talk is None and not hung_up:
            self._talk = Conversation(self._master, self._host.wrote, self._host_gone)
            self._host.opened()
        elif self._talk is not None and hung_up:
            self._host_gone()

    def send(self, data: bytes) -> None:
        """Give bytes to the host, if there is one."""
        if self._talk is not None:
            self._talk.send(data)

    def _host_gone(self) -> None:
        self._leave()
        # What the last host did not read must not be met by the next.
        with contextlib.suppress(OSError, termios.error):
            slave = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
            termios.tcflush(slave, termios.TCIOFLUSH)
            os.close(slave)

    def _leave(self) -> None:
        if self._talk is not None:
            self._talk.end()
            self._talk = None


class Listener:
    """A TCP port for one host at a time: `socket://host:port`; port 0 takes a free one and keeps it."""

    def __init__(self, url: str, host: Host) -> None:
        self._address, self._port = listen_address(url)
        self._host = host
        self._server: socket.socket | None = None
        self._peer: socket.socket | None = None
        self._talk: Conversation | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"socket://{self._address}:{self._port}"

    def plug(self) -> None:
        """Listen."""
        if self._server is not None:
            return
        self._server = self._listening()
        self._server.setblocking(False)
        asyncio.get_running_loop().add_reader(self._server, self._accept)

    def _listening(self) -> socket.socket:
        try:
            server = socket.create_server((self._address, self._port))
        except OSError as error:
            raise SimulatorError(
                f"Cannot listen at {self.url} ({os.strerror(error.errno or 0)}); choose another port."
            ) from None
        self._port = server.getsockname()[1]
        return server

    def unplug(self) -> None:
        """End the conversation and stop listening."""
        self._leave()
        if self._server is not None:
            asyncio.get_running_loop().remove_reader(self._server)
            self._server.close()
            self._server = None

    def poll(self) -> None:
        """Nothing to look for: a socket says by itself who comes and goes."""

    def send(self, data: bytes) -> None:
        """Give bytes to the host, if there is one."""
        if self._talk is not None:
            self._talk.send(data)

    def _accept(self) -> None:
        if self._server is None:
            return
        peer, _ = self._server.accept()
        if self._peer is not None:
            peer.close()
            return
        peer.setblocking(False)
        if peer.family != socket.AF_UNIX:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = peer
        self._talk = Conversation(peer.fileno(), self._host.wrote, self._leave)
        self._host.opened()

    def _leave(self) -> None:
        if self._talk is not None:
            self._talk.end()
            self._talk = None
        if self._peer is not None:
            self._peer.close()
            self._peer = None


class SoundCard(Listener):
    """The Unix socket of a simulated sound card at `path`, for one host at a time: `sound-sim://path`."""

    def __init__(self, path: Path, host: Host) -> None:
        super().__init__("socket://localhost:0", host)
        self._path = path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"sound-sim://{self._path}"

    def unplug(self) -> None:
        """End the conversation, and leave no socket behind."""
        if self._server is not None:
            self._path.unlink(missing_ok=True)
        super().unplug()

    def _listening(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        try:
            self._path.unlink(missing_ok=True)  # left there by a simulator that was killed
            server.bind(str(self._path))
            server.listen()
        except OSError as error:
            server.close()
            raise SimulatorError(f"Cannot listen at {self._path} ({error.strerror}); free that path.") from None
        return server


def listen_address(url: str) -> tuple[str, int]:
    """Host and port of `socket://host:port`; raise `WrongUse` for anything else."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "socket" or not parts.hostname or port is None:
        raise WrongUse(
            f"“{url}” is no address to listen at; write socket://127.0.0.1:7001 (port 0 for any free one)."
        )
    return parts.hostname, port
