"""The command line's client against the real application on a real port."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from cabin_agent.client import CoreClient, CoreError
from cabin_agent.face import Refusal
from cabin_agent.frames import decode_frame, encode_wave
from cabin_agent.web import make_app, serve
from cabin_agent.web.pages import installed_pages
from cabin_agent.web.stream import Limits
from drivers.events import Wave
from tests.fake_face import INSTRUMENT, OUTCOME, FakeAccess, FakeFace

LOCAL = frozenset({"127.0.0.1", "[::1]"})


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
def access() -> FakeAccess:
    return FakeAccess()


@pytest.fixture
async def url(face: FakeFace, access: FakeAccess) -> AsyncIterator[str]:
    async with serve(make_app(face, access, LOCAL, limits=Limits(beat_s=0.05)), 0) as url:
        yield url


@pytest.fixture
async def core(url: str) -> AsyncIterator[CoreClient]:
    async with CoreClient(url, "technician") as core:
        yield core


async def test_every_question(face: FakeFace, core: CoreClient) -> None:
    assert (await core.status())["ready"] is True
    assert (await core.visit())["state"] == "measures"
    assert (await core.results())["outcomes"] == [OUTCOME]
    assert (await core.cabin())["to_clean"] == ["scale"]
    assert await core.instruments() == [INSTRUMENT]
    assert [each["mid"] for each in await core.deliveries(7)] == ["ab12", "ab11"]
    assert face.limits == [7]


async def test_telling_an_event_with_its_fields(face: FakeFace, core: CoreClient) -> None:
    after = await core.tell("language", value="fr")
    assert after["state"] == "measures"
    assert face.told == [{"event": "language", "value": "fr"}]


async def test_commanding_an_instrument(face: FakeFace, core: CoreClient) -> None:
    assert (await core.command("oximeter", "start"))["name"] == "oximeter"
    assert face.commands == [("oximeter", "start")]


async def test_a_refusal_is_its_own_sentence(face: FakeFace, core: CoreClient) -> None:
    face.failure = Refusal("not-now", "Results stay hidden until the agent asks for them.")
    with pytest.raises(CoreError, match=r"^Results stay hidden until the agent asks for them\.$") as refused:
        await core.results()
    assert refused.value.code == "not-now"


@pytest.mark.parametrize("name", ["", "../visit", "a/b", "a b", "a?b", "a%2Fb"])
async def test_a_name_cannot_become_another_address(face: FakeFace, core: CoreClient, name: str) -> None:
    with pytest.raises(CoreError, match="letters, digits"):
        await core.command(name, "start")


async def test_a_wrong_token(url: str) -> None:
    async with CoreClient(url, "wrong") as core:
        with pytest.raises(CoreError) as refused:
            await core.status()
        assert refused.value.code == "bad-token"
        with pytest.raises(CoreError, match="refused the token"):
            await anext(core.stream())


async def test_a_stream_that_the_role_may_not_follow(url: str) -> None:
    async with CoreClient(url, "nurse") as core:
        with pytest.raises(CoreError, match="this role may not"):
            await anext(core.stream(waves=True))


async def test_no_core() -> None:
    with sockets.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with CoreClient(url, "technician") as core:
            with pytest.raises(
                CoreError, match=r"No core answers at http://127.0.0.1:\d+: start it with 'cabin run'"
            ):
                await core.status()
            with pytest.raises(CoreError, match="No core answers"):
                await anext(core.stream())


@pytest.mark.parametrize(("status", "text"), [(200, "<html>"), (200, "[]"), (502, "bad gateway"), (200, "{}")])
async def test_something_else_answers(status: int, text: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/api/v1/instruments", answer)
    async with serve(app, 0) as url, CoreClient(url, "technician") as core:
        with pytest.raises(CoreError, match="not one of a cabin's core"):
            await core.instruments()


async def test_the_stream_gives_events_and_frames(face: FakeFace, core: CoreClient) -> None:
    (frame,) = encode_wave(Wave("pleth", 0, 75.0, "1", ("pleth",), ((12.0,),)), 0, 0, simulated=True)
    stream = core.stream(waves=True)
    first = await anext(stream)
    assert isinstance(first, dict)
    assert first["type"] == "hello"
    face.tell_all(frame)
    second = await anext(stream)
    while isinstance(second, dict):
        assert second["type"] == "heartbeat"
        second = await anext(stream)
    assert decode_frame(second).values == ((12.0,),)
    await stream.aclose()
    await asyncio.wait_for(face.closed.wait(), 5)
    assert face.watches == []


async def test_the_stream_ends_when_the_core_stops(face: FakeFace, core: CoreClient) -> None:
    received = []
    async for item in core.stream():
        received.append(item)
        face.watches[0].end()
    build = installed_pages().build
    assert received[0] == {"type": "hello", "api": 1, "build": build, "waves": False, "everything": True}


async def test_a_stream_whose_token_is_withdrawn(access: FakeAccess, core: CoreClient) -> None:
    with pytest.raises(CoreError, match="no longer valid"):
        async for _ in core.stream():
            access.tokens.pop("technician", None)


async def test_ipv6(face: FakeFace, access: FakeAccess) -> None:
    if not sockets.has_ipv6:
        pytest.skip("this machine has no IPv6: the loopback address ::1 was not tried")
    async with serve(make_app(face, access, LOCAL), 0, "::1") as url, CoreClient(url, "technician") as core:
        assert url.startswith("http://[::1]:")
        assert (await core.status())["ready"] is True


async def test_a_client_outside_its_context_is_a_mistake(url: str) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await CoreClient(url, "technician").status()
