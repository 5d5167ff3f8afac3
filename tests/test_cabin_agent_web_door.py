"""Connections: a thousand idle ones, slow heads and bodies, a storm of touches; and the kiosk that is answered."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from cabin_agent.web import make_app, messages, serve
from cabin_agent.web.door import STRANGERS, Door
from cabin_agent.web.messages import MOST_OF_STRANGERS
from tests.fake_face import FakeAccess, FakeFace

KIOSK = {"Authorization": "Bearer kiosk"}
HOSTS = frozenset({"127.0.0.1"})


@asynccontextmanager
async def cabin(door: Door, face: FakeFace | None = None) -> AsyncIterator[str]:
    async with serve(make_app(face or FakeFace(), FakeAccess(), HOSTS, door=door), 0) as url:
        yield url


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


async def empty(door: Door) -> None:
    """Wait until nobody is held."""
    async with asyncio.timeout(10):
        while door.held:  # noqa: ASYNC110 - the other end of a connection has no event
            await asyncio.sleep(0.01)


async def status(url: str) -> int:
    """What a new client gets from the core."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/api/v1/status", headers=KIOSK) as response:
        return response.status


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other end closes."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Both ends of a thousand connections are in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
async def test_a_thousand_idle_connections_exhaust_nothing() -> None:
    door = Door()
    async with cabin(door) as url, AsyncExitStack() as held:
        before = descriptors()
        for _ in range(1100):
            _, writer = await connect(url)
            held.callback(writer.close)
        assert await status(url) == 200
        assert door.held <= 65
        assert descriptors() - before - 1100 < 100


async def test_a_connection_that_asks_nothing_is_closed() -> None:
    door = Door(head_s=0.2)
    async with cabin(door) as url:
        reader, writer = await connect(url)
        begun = time.monotonic()
        assert await ended(reader) == b""
        assert 0.1 < time.monotonic() - begun < 3
        assert door.held == 0
        writer.close()


async def test_a_head_that_drips_is_closed() -> None:
    async with cabin(Door(head_s=0.3)) as url:
        reader, writer = await connect(url)

        async def drip() -> None:
            for byte in b"GET /api/v1/status HTTP/1.1\r\n" + b"X: y\r\n" * 1000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        begun = time.monotonic()
        assert await ended(reader) == b""
        assert time.monotonic() - begun < 3
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.close()


async def test_a_connection_that_asked_in_time_may_wait_for_its_next_request() -> None:
    door = Door(head_s=0.2)
    async with cabin(door) as url, aiohttp.ClientSession() as http:
        for _ in range(3):
            async with http.get(f"{url}/api/v1/status", headers=KIOSK) as response:
                assert response.status == 200
            await asyncio.sleep(0.3)
            assert door.held == 1


async def test_the_longest_idle_makes_room() -> None:
    door = Door(most=3)
    async with cabin(door) as url, AsyncExitStack() as held:
        readers = []
        for _ in range(3):
            reader, writer = await connect(url)
            held.callback(writer.close)
            readers.append(reader)
        assert await status(url) == 200
        assert await ended(readers[0]) == b""
        assert not readers[1].at_eof()


async def test_whoever_is_being_answered_is_never_pushed_out() -> None:
    door, face = Door(most=2), FakeFace()
    async with (
        cabin(door, face) as url,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{url}/api/v1/stream", headers=KIOSK) as stream,
    ):
        await stream.receive_json(timeout=5)
        for _ in range(10):
            reader, writer = await connect(url)
            assert await status(url) == 200
            writer.close()
            await ended(reader)
        face.tell_all({"type": "nurse"})
        assert await stream.receive_json(timeout=5) == {"type": "nurse"}


async def test_where_everybody_is_being_answered_a_newcomer_is_turned_away() -> None:
    door, face = Door(most=2), FakeFace()
    async with cabin(door, face) as url, aiohttp.ClientSession() as http, AsyncExitStack() as held:
        streams = [
            await held.enter_async_context(http.ws_connect(f"{url}/api/v1/stream", headers=KIOSK)) for _ in range(2)
        ]
        for stream in streams:
            await stream.receive_json(timeout=5)
        reader, writer = await connect(url)
        assert await ended(reader) == b""
        writer.close()
        await streams[0].close()
        assert await status(url) == 200


async def test_connections_are_given_back() -> None:
    door = Door()
    async with cabin(door) as url:
        for _ in range(100):
            _, writer = await connect(url)
            writer.close()
        assert await status(url) == 200
        await empty(door)


@pytest.mark.parametrize("garbage", [b"\0" * 100, b"GET\r\n\r\n", b"\x16\x03\x01" * 50])
async def test_what_is_no_http_is_answered_and_closed(garbage: bytes) -> None:
    door = Door(head_s=1.0)
    async with cabin(door) as url:
        reader, writer = await connect(url)
        writer.write(garbage)
        assert (await ended(reader))[:12] in (b"", b"HTTP/1.0 400", b"HTTP/1.1 400")
        writer.close()
        assert await status(url) == 200


async def test_a_storm_of_touches_is_answered_and_holds_up_nobody() -> None:
    face = FakeFace()
    async with cabin(Door(), face) as url:
        connector = aiohttp.TCPConnector(limit=6)  # as many as a browser opens

        async def touch(http: aiohttp.ClientSession) -> int:
            async with http.post(f"{url}/api/v1/visit/events", json={"event": "leave"}, headers=KIOSK) as response:
                return response.status

        async with aiohttp.ClientSession(connector=connector) as http:
            storm = asyncio.gather(*(touch(http) for _ in range(1000)))
            answered = 0
            while not storm.done():
                assert await status(url) == 200
                answered += 1
            assert await storm == [200] * 1000
    assert len(face.told) == 1000
    assert answered > 3


# --- bodies for which no account speaks ---------------------------------------------------------------------------


SIGN_IN = b'{"name": "nadia", "code": "0123456789", "role": "nurse"}'
ROUTES = (
    ("/api/v1/session", "application/json", ""),
    ("/api/v1/sign-in", "application/json", ""),
    ("/api/v1/whep", "application/sdp", "Authorization: Bearer once\r\n"),
)


def request(path: str, kind: str, more: str = "", length: int = len(SIGN_IN)) -> bytes:
    """The head of a request whose body does not come with it."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n{more}"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()


async def answered(reader: asyncio.StreamReader) -> int:
    """The status of the answer that comes."""
    async with asyncio.timeout(10):
        return int((await reader.readuntil(b"\r\n")).split()[1])


async def sign_in(url: str) -> int:
    """What somebody gets who signs in now."""
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/api/v1/sign-in", data=SIGN_IN, headers=headers) as response,
    ):
        return response.status


@asynccontextmanager
async def strangers(number: int, *sent: bytes) -> AsyncIterator[tuple[str, list[asyncio.StreamReader]]]:
    """A core to which so many strangers have begun to send a body; its address, and where they hear the answer."""
    door, readers = Door(), []
    async with cabin(door) as url:
        async with AsyncExitStack() as held:
            for _ in range(number):
                reader, writer = await connect(url)
                held.callback(writer.close)
                writer.writelines(sent)
                readers.append(reader)
            yield url, readers
        await empty(door)


@pytest.mark.parametrize(("path", "kind", "more"), ROUTES)
async def test_slow_bodies_of_strangers_do_not_lock_the_kiosk_out(path: str, kind: str, more: str) -> None:
    """Few are read at once; the rest are refused with a sentence, and their places are free."""
    async with strangers(70, request(path, kind, more)) as (url, readers):
        assert await answered(readers[-1]) == 503
        assert await status(url) == 200


async def test_a_slow_body_of_a_stranger_is_given_up_soon_and_its_place_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messages, "STRANGERS_S", 1.0)
    async with strangers(STRANGERS, request(*ROUTES[1]), SIGN_IN[:5]) as (url, readers):
        while await sign_in(url) != 503:  # noqa: ASYNC110 - how far the core has read has no event
            await asyncio.sleep(0.01)
        assert [await answered(reader) for reader in readers] == [408] * STRANGERS
        assert await sign_in(url) == 204


@pytest.mark.parametrize("length", [MOST_OF_STRANGERS + 1, 65000])
async def test_a_long_body_of_a_stranger_is_refused_before_it_is_there(length: int) -> None:
    async with strangers(1, request(*ROUTES[1], length=length), b" " * (MOST_OF_STRANGERS + 1)) as (_, readers):
        assert await answered(readers[0]) == 413
