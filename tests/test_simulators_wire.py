"""A pseudo-terminal that can be unplugged, and a TCP port."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulators.device import SimulatorError, WrongUse
from simulators.wire import BACKLOG, Host, Listener, Pty, Wire, listen_address


class Told:
    """What a wire told its instrument."""

    def __init__(self) -> None:
        self.openings = 0
        self.heard = b""
        self.host = Host(self._opened, self._wrote)

    def _opened(self) -> None:
        self.openings += 1

    def _wrote(self, data: bytes) -> None:
        self.heard += data


async def until(true: Callable[[], object], wire: Wire | None = None) -> None:
    async with asyncio.timeout(5):
        while not true():
            if wire:
                wire.poll()
            await asyncio.sleep(0.005)


@pytest.fixture
def descriptors() -> Iterator[None]:
    """No descriptor may be left open by the test."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= len(before)


async def test_bytes_pass_unchanged_both_ways(tmp_path: Path) -> None:
    told = Told()
    pty = Pty(tmp_path / "oximeter", told.host)
    pty.plug()
    every = bytes(range(256))
    host = os.open(pty.url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        await until(lambda: told.openings, pty)
        pty.send(every)
        assert os.read(host, 1000) == every
        os.write(host, every)
        await until(lambda: told.heard == every)
    finally:
        os.close(host)
        pty.unplug()


async def test_a_host_that_comes_and_goes_is_seen_each_time_and_reads_nothing_old(tmp_path: Path) -> None:
    told = Told()
    pty = Pty(tmp_path / "x", told.host)
    pty.plug()
    pty.send(b"nobody hears this")
    for opening in (1, 2, 3):
        host = os.open(pty.url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        await until(lambda: told.openings == opening, pty)  # noqa: B023
        with pytest.raises(BlockingIOError):
            os.read(host, 100)
        pty.send(b"left unread")
        os.close(host)
        await until(lambda: pty._talk is None, pty)
        pty.send(b"nobody hears this")
    pty.unplug()


async def test_unplugging_ends_the_hosts_reading_and_takes_the_link_away(tmp_path: Path, descriptors: None) -> None:
    told = Told()
    pty = Pty(tmp_path / "x", told.host)
    pty.plug()
    first = os.readlink(pty.url)
    host = os.open(pty.url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    await until(lambda: told.openings, pty)
    pty.unplug()
    pty.unplug()
    assert os.listdir(tmp_path) == []
    try:
        assert os.read(host, 100) == b""
    except OSError as error:
        assert error.errno == errno.EIO
    pty.plug()
    pty.plug()
    again = os.open(pty.url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    assert stat.S_ISCHR(os.stat(again).st_mode)
    assert first.startswith("/dev/pts/")
    await until(lambda: told.openings == 2, pty)
    pty.send(b"back")
    assert os.read(again, 10) == b"back"
    os.close(host)
    os.close(again)
    pty.unplug()
    assert os.listdir(tmp_path) == []


async def test_a_slow_host_gets_everything_up_to_the_backlog(tmp_path: Path) -> None:
    told = Told()
    pty = Pty(tmp_path / "x", told.host)
    pty.plug()
    host = os.open(pty.url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    await until(lambda: told.openings, pty)
    sent = b"".join(n.to_bytes(4, "big") for n in range(BACKLOG // 8))
    pty.send(sent)
    pty.send(bytes(BACKLOG))
    pty.send(b"end")
    got = b""
    async with asyncio.timeout(5):
        while not got.endswith(b"end"):
            await asyncio.sleep(0)
            try:
                got += os.read(host, 4096)
            except BlockingIOError:
                continue
    assert got == sent + b"end"
    os.close(host)
    pty.unplug()


async def test_a_dead_link_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    told = Told()
    (tmp_path / "dead").symlink_to("/dev/pts/99999")
    pty = Pty(tmp_path / "dead", told.host)
    pty.plug()
    os.close(os.open(pty.url, os.O_RDWR | os.O_NOCTTY))
    pty.unplug()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SimulatorError, match="free that path"):
        Pty(tmp_path / "file", told.host).plug()
    assert (tmp_path / "file").read_text() == "mine"


async def test_waiting_for_a_host_costs_nothing(tmp_path: Path) -> None:
    told = Told()
    pty = Pty(tmp_path / "x", told.host)
    pty.plug()
    os.close(os.open(pty.url, os.O_RDWR | os.O_NOCTTY))
    began = time.process_time()
    await asyncio.sleep(0.3)
    assert time.process_time() - began < 0.1
    pty.unplug()


async def test_a_socket_serves_one_host_at_a_time(descriptors: None) -> None:
    told = Told()
    port = Listener("socket://127.0.0.1:0", told.host)
    port.plug()
    address = listen_address(port.url)
    loop = asyncio.get_running_loop()
    with socket.create_connection(address) as one:
        one.setblocking(False)
        await until(lambda: told.openings == 1)
        port.send(b"\x01\x02")
        assert await loop.sock_recv(one, 10) == b"\x01\x02"
        await loop.sock_sendall(one, b"hello")
        await until(lambda: told.heard == b"hello")
        with socket.create_connection(address) as two:
            two.setblocking(False)
            assert await loop.sock_recv(two, 10) == b""
        assert told.openings == 1
    await until(lambda: port._talk is None)
    with socket.create_connection(address) as three:
        three.setblocking(False)
        await until(lambda: told.openings == 2)
        port.unplug()
        assert await loop.sock_recv(three, 10) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    port.plug()
    assert listen_address(port.url) == address
    socket.create_connection(address).close()
    port.unplug()


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = Listener(f"socket://127.0.0.1:{taken.getsockname()[1]}", Told().host)
        with pytest.raises(SimulatorError, match="choose another port"):
            port.plug()


@pytest.mark.parametrize(
    "url", ["", "tcp://127.0.0.1:1", "socket://127.0.0.1", "socket://:7001", "socket://h:99999", "/dev/x"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(WrongUse, match=r"socket://127\.0\.0\.1:7001"):
        listen_address(url)
