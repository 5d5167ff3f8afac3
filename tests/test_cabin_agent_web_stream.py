"""The WebSocket: what arrives, in which order, to whom; and what a slow, dead, noisy or unwanted client costs."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from cabin_agent.face import Json
from cabin_agent.frames import decode_frame, encode_wave
from cabin_agent.web import make_app, serve
from cabin_agent.web.pages import installed_pages
from cabin_agent.web.stream import OUTSIDE_A_VISIT, Limits
from drivers.events import Wave
from tests.fake_face import CONTRACT, KEPT, FakeAccess, FakeFace, problems_of

Client = TestClient[web.Request, web.Application]
EVENT = CONTRACT["components"]["schemas"]["StreamEvent"]
KIOSK = {"Authorization": "Bearer kiosk"}
TECHNICIAN = {"Authorization": "Bearer technician"}
READING: Json = {
    "type": "reading",
    "instrument": "oximeter",
    "quantity": "spo2",
    "value": 97,
    "why": None,
    "unit": "%",
    "flags": [],
    "simulated": True,
}
INSTRUMENT: Json = {"type": "instrument", "instrument": "oximeter", "state": "ready", "reason": ""}
CHANGED: Json = {"type": "changed", "state": "measures"}
SAID: Json = {"type": "said", "instrument": "tensiometer", "said": {"event": "pressure_result"}}
WAVE: Json = {"type": "wave", "stream": "ecg"}


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
def access() -> FakeAccess:
    return FakeAccess()


@asynccontextmanager
async def cabin(face: FakeFace, access: FakeAccess, limits: Limits | None = None) -> AsyncIterator[Client]:
    app = make_app(face, access, frozenset({"127.0.0.1"}), limits=limits)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client(face: FakeFace, access: FakeAccess) -> AsyncIterator[Client]:
    async with cabin(face, access) as client:
        yield client


async def hello(socket: ClientWebSocketResponse) -> Json:
    told: Json = await socket.receive_json(timeout=5)
    assert told["type"] == "hello"
    assert problems_of(told, EVENT) == []
    return told


async def test_a_client_receives_events_and_frames_in_order(face: FakeFace, client: Client) -> None:
    wave = Wave("ecg", 0, 500.0, "mV", ("I", "II"), ((0.5, -0.25), (1.0, 0.0)))
    (frame,) = encode_wave(wave, 3, 1000, simulated=True)
    async with client.ws_connect("/api/v1/stream?waves=1", headers=KIOSK) as socket:
        build = installed_pages().build
        assert await hello(socket) == {"type": "hello", "api": 1, "build": build, "waves": True, "everything": True}
        for item in (CHANGED, frame, READING):
            face.tell_all(item)
        assert await socket.receive_json(timeout=5) == CHANGED
        received = decode_frame(await socket.receive_bytes(timeout=5))
        assert await socket.receive_json(timeout=5) == READING
    assert (received.stream, received.seq, received.t0_us) == ("ecg", 3, 1000)
    assert received.flags == {"simulated"}
    assert received.values[0] == pytest.approx((0.5, 1.0))


async def test_waves_are_asked_for_only_if_wanted(face: FakeFace, client: Client) -> None:
    for query, wanted in (("", False), ("?waves=0", False), ("?waves=1", True)):
        async with client.ws_connect(f"/api/v1/stream{query}", headers=KIOSK) as socket:
            assert (await hello(socket))["waves"] is wanted
            assert face.waves_asked[-1] is wanted


async def test_watching_begins_before_hello(face: FakeFace, client: Client) -> None:
    async with client.ws_connect("/api/v1/stream", headers=KIOSK) as socket:
        await hello(socket)
        assert len(face.watches) == 1


async def test_leaving_ends_the_watch(face: FakeFace, client: Client) -> None:
    async with client.ws_connect("/api/v1/stream", headers=KIOSK) as socket:
        await hello(socket)
    await asyncio.wait_for(face.closed.wait(), 5)
    assert face.watches == []


async def test_a_client_that_vanishes_ends_the_watch(face: FakeFace, client: Client) -> None:
    socket = await client.ws_connect("/api/v1/stream", headers=KIOSK)
    await hello(socket)
    transport = socket._conn and socket._conn.transport
    assert transport is not None
    transport.abort()
    await asyncio.wait_for(face.closed.wait(), 5)
    assert face.watches == []


async def test_what_a_client_says_is_forgotten(face: FakeFace, client: Client) -> None:
    async with client.ws_connect("/api/v1/stream", headers=KIOSK) as socket:
        await hello(socket)
        await socket.send_str('{"event": "leave"}')
        await socket.send_bytes(b"\0" * 1000)
        face.tell_all(CHANGED)
        assert await socket.receive_json(timeout=5) == CHANGED
    assert face.told == []


async def test_a_client_that_says_too_much_at_once_is_cut(face: FakeFace, client: Client) -> None:
    async with client.ws_connect("/api/v1/stream", headers=KIOSK) as socket:
        await hello(socket)
        await socket.send_bytes(b"\0" * 100_000)
        message = await socket.receive(timeout=5)
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    await asyncio.wait_for(face.closed.wait(), 5)


async def test_the_heartbeat(face: FakeFace, access: FakeAccess) -> None:
    async with (
        cabin(face, access, Limits(beat_s=0.02)) as client,
        client.ws_connect("/api/v1/stream", headers=KIOSK) as socket,
    ):
        await hello(socket)
        beats = [await socket.receive_json(timeout=5) for _ in range(3)]
    assert beats == [{"type": "heartbeat", "number": number} for number in (1, 2, 3)]
    assert problems_of(beats[0], EVENT) == []


async def test_a_token_that_is_withdrawn_ends_the_stream(face: FakeFace, access: FakeAccess) -> None:
    async with (
        cabin(face, access, Limits(beat_s=0.02)) as client,
        client.ws_connect("/api/v1/stream", headers=KIOSK) as socket,
    ):
        await hello(socket)
        del access.tokens["kiosk"]
        while (message := await socket.receive(timeout=5)).type is WSMsgType.TEXT:
            pass
        assert message.type is WSMsgType.CLOSE
        assert socket.close_code == WSCloseCode.POLICY_VIOLATION


async def test_a_cabin_that_becomes_real_ends_the_technicians_stream(face: FakeFace, access: FakeAccess) -> None:
    async with (
        cabin(face, access, Limits(beat_s=0.02)) as client,
        client.ws_connect("/api/v1/stream?waves=1", headers=TECHNICIAN) as socket,
    ):
        assert (await hello(socket))["everything"] is True
        face.simulated = False
        while (await socket.receive(timeout=5)).type is WSMsgType.TEXT:
            pass
        assert socket.close_code == WSCloseCode.POLICY_VIOLATION


async def test_a_technician_in_a_real_cabin_sees_nothing_of_a_person(face: FakeFace, client: Client) -> None:
    face.simulated, face.cabin_state = False, "measures"
    async with client.ws_connect("/api/v1/stream", headers=TECHNICIAN) as socket:
        assert (await hello(socket))["everything"] is False
        for item in (READING, b"CW", {"type": "of a later version"}, {"no": "type"}, INSTRUMENT):
            face.tell_all(item)
        assert await socket.receive_json(timeout=5) == INSTRUMENT


@pytest.mark.parametrize("role", ["nurse", "doctor"])
async def test_nurse_and_doctor_see_nothing_of_a_person_even_in_a_simulated_cabin(
    face: FakeFace, client: Client, role: str
) -> None:
    headers = {"Authorization": f"Bearer {role}"}
    async with client.ws_connect("/api/v1/stream", headers=headers) as socket:
        assert (await hello(socket))["everything"] is False
        outside: list[Json] = [{"type": name} for name in sorted(OUTSIDE_A_VISIT)]
        person: list[Json | bytes] = [READING, b"CW", {"type": "wave", "stream": "ecg"}, {"type": "wave-clock"}]
        for item in [*person, *outside]:
            face.tell_all(item)
        assert [await socket.receive_json(timeout=5) for _ in outside] == outside
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/api/v1/stream?waves=1", headers=headers)
    assert refused.value.status == 403


async def test_a_page_says_which_of_its_sessions_it_means(face: FakeFace, client: Client) -> None:
    cookies = {"Cookie": "cabin_kiosk=kiosk; cabin_nurse=nurse; cabin_doctor=wrong"}
    for role, everything in (("kiosk", True), ("nurse", False)):
        async with client.ws_connect(f"/api/v1/stream?as={role}", headers=cookies) as socket:
            assert (await hello(socket))["everything"] is everything
    for query in ("", "?as=doctor", "?as=technician", "?as=nobody"):
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect(f"/api/v1/stream{query}", headers=cookies)
        assert refused.value.status == 401


async def test_a_technician_previews_a_real_cabin_between_visits_and_never_in_one(
    face: FakeFace, client: Client
) -> None:
    face.simulated = False
    async with client.ws_connect("/api/v1/stream?waves=1", headers=TECHNICIAN) as socket:
        assert (await hello(socket))["everything"] is False
        for state in ("ready", "cleaning", "out_of_order"):
            face.cabin_state = state
            for item in (READING, b"CW between"):
                face.tell_all(item)
            assert await socket.receive_json(timeout=5) == READING
            assert await socket.receive_bytes(timeout=5) == b"CW between"
        for state in ("welcome", "measures", "consultation", "results", "goodbye", "stopped"):
            face.cabin_state = state
            for item in (READING, b"CW of a person", WAVE, INSTRUMENT):
                face.tell_all(item)
            face.cabin_state = "cleaning"
            assert await socket.receive_json(timeout=5) == WAVE
            assert await socket.receive_json(timeout=5) == INSTRUMENT


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize(("state", "told"), [("ready", True), ("cleaning", True), ("measures", False)])
async def test_a_result_is_told_to_a_technician_alone_and_between_visits_alone(
    simulated: bool, state: str, told: bool, face: FakeFace, client: Client
) -> None:
    face.simulated, face.cabin_state = simulated, state
    for headers, may in ((TECHNICIAN, told), (KIOSK, False)):
        async with client.ws_connect("/api/v1/stream", headers=headers) as socket:
            await hello(socket)
            for item in (SAID, CHANGED):
                face.tell_all(item)
            assert await socket.receive_json(timeout=5) == (SAID if may else CHANGED)


async def test_streams_are_counted_and_given_back(face: FakeFace, access: FakeAccess) -> None:
    async with cabin(face, access, Limits(most=2)) as client:
        held = [await client.ws_connect("/api/v1/stream", headers=KIOSK) for _ in range(2)]
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect("/api/v1/stream", headers=KIOSK)
        assert refused.value.status == 503
        await held[0].close()
        await asyncio.wait_for(face.closed.wait(), 5)
        assert len(face.watches) == 1
        async with client.ws_connect("/api/v1/stream", headers=KIOSK) as socket:
            await hello(socket)
        await held[1].close()


async def test_a_core_that_has_nothing_more_to_say_closes(face: FakeFace, client: Client) -> None:
    async with client.ws_connect("/api/v1/stream", headers=KIOSK) as socket:
        await hello(socket)
        face.watches[0].end()
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.close_code == WSCloseCode.GOING_AWAY


async def test_an_event_that_cannot_be_told_ends_the_stream_and_names_no_value(
    face: FakeFace, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with client.ws_connect("/api/v1/stream", headers=KIOSK) as socket:
            await hello(socket)
            face.tell_all({"type": "reading", "value": float("nan"), "name": "Jeanne"})
            assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
            assert socket.close_code == WSCloseCode.INTERNAL_ERROR
    assert "a stream failed: ValueError" in caplog.text
    assert "Jeanne" not in caplog.text


async def test_shutdown_ends_every_stream_at_once(face: FakeFace, access: FakeAccess) -> None:
    async with cabin(face, access) as client:
        held = [await client.ws_connect("/api/v1/stream", headers=KIOSK) for _ in range(3)]
        for socket in held:
            await hello(socket)
        closing = asyncio.create_task(client.server.close())
        for socket in held:
            assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
            assert socket.close_code == WSCloseCode.GOING_AWAY
        await asyncio.wait_for(closing, 5)
    assert face.watches == []


FRAME = b"CW" + b"\0" * 10_000


async def deaf(port: int, *, buffer: int = 4096) -> sockets.socket:
    """A client that opens the stream and then never reads."""
    loop = asyncio.get_running_loop()
    plain = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM)
    plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, buffer)
    plain.setblocking(False)
    await loop.sock_connect(plain, ("127.0.0.1", port))
    key = base64.b64encode(b"0123456789abcdef").decode()
    handshake = (
        f"GET /api/v1/stream?waves=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer kiosk\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    await loop.sock_sendall(plain, handshake.encode())
    return plain


async def flood(face: FakeFace, end: asyncio.Event) -> int:
    """Offer frames as fast as the loop allows until `end`; how many were offered."""
    offered = 0
    while not end.is_set():
        face.tell_all(FRAME)
        offered += 1
        await asyncio.sleep(0)
    return offered


async def test_a_client_that_does_not_read_is_bounded_and_then_cut(face: FakeFace, access: FakeAccess) -> None:
    async with cabin(face, access, Limits(stall_s=1.0, ping_s=60.0)) as client:
        port = client.port
        assert port is not None
        plain = await deaf(port)
        await asyncio.wait_for(face.opened.wait(), 5)
        watch = face.watches[0]
        offered = await asyncio.wait_for(flood(face, face.closed), 20)
        await rest_of(plain)
    assert offered > watch.taken + KEPT
    assert (
        watch.taken * len(FRAME) < 8_000_000
    )  # what the kernel's buffers of a loopback connection take, and no more
    assert len(watch.queue) <= KEPT


async def test_a_deaf_client_takes_nothing_from_the_others(face: FakeFace, access: FakeAccess) -> None:
    async with cabin(face, access, Limits(stall_s=30.0)) as client:
        port = client.port
        assert port is not None
        plain = await deaf(port)
        await asyncio.wait_for(face.opened.wait(), 5)
        async with client.ws_connect("/api/v1/stream?waves=1", headers=KIOSK) as socket:
            await hello(socket)
            for _ in range(1000):
                face.tell_all(FRAME)
                assert await socket.receive_bytes(timeout=5) == FRAME
        plain.close()


async def test_shutdown_does_not_wait_for_a_deaf_client(face: FakeFace, access: FakeAccess) -> None:
    app = make_app(face, access, frozenset({"127.0.0.1"}), limits=Limits(stall_s=60.0, ping_s=60.0))
    async with serve(app, 0) as url:
        plain = await deaf(int(url.rpartition(":")[2]))
        await asyncio.wait_for(face.opened.wait(), 5)
        full = face.watches[0]
        for _ in range(3000):
            face.tell_all(FRAME)
            await asyncio.sleep(0)
        assert len(full.queue) == KEPT
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 4.5
    assert face.watches == []
    assert await rest_of(plain) < 8_000_000


async def rest_of(plain: sockets.socket) -> int:
    """Bytes that the kernel still had for a deaf client; ends only if the server let the connection go."""
    loop, total = asyncio.get_running_loop(), 0
    async with asyncio.timeout(5):
        try:
            while received := await loop.sock_recv(plain, 1 << 16):
                total += len(received)
        except ConnectionResetError:
            pass
    plain.close()
    return total


async def test_a_client_that_answers_no_ping_is_cut(face: FakeFace, access: FakeAccess) -> None:
    async with cabin(face, access, Limits(ping_s=0.1, beat_s=60.0)) as client:
        port = client.port
        assert port is not None
        plain = await deaf(port, buffer=65536)
        await asyncio.wait_for(face.closed.wait(), 10)
        plain.close()
    assert face.watches == []
