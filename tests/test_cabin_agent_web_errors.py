"""Every way to ask wrongly, and every refusal of the core: one problem each, that repeats nothing of a visit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from unittest.mock import patch

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabin_agent.face import Json, Refusal
from cabin_agent.web import make_app, messages
from tests.fake_face import CONTRACT, FakeAccess, FakeFace, problems_of

Client = TestClient[web.Request, web.Application]
PROBLEM = CONTRACT["components"]["schemas"]["Problem"]
KIOSK = {"Authorization": "Bearer kiosk"}
TECHNICIAN = {"Authorization": "Bearer technician"}
AS_JSON = {**KIOSK, "Content-Type": "application/json"}
EVENTS = "/api/v1/visit/events"


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
async def client(face: FakeFace) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(face, FakeAccess(), frozenset({"127.0.0.1"})))) as client:
        yield client


async def problem(response: object) -> Json:
    """The body of a problem, checked against the contract."""
    assert hasattr(response, "json")
    told: Json = await response.json(content_type=None)
    assert problems_of(told, PROBLEM) == []
    return told


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b'"leave"', 400, "malformed"),
        (b"null", 400, "malformed"),
        (b'{"event": NaN}', 400, "malformed"),
        (b'{"event": "weight", "value": -Infinity}', 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b"[" * 60000, 400, "malformed"),
        (b'{"event":' * 6000, 400, "malformed"),
        (b"{}", 422, "bad-value"),
        (b'{"event": 3}', 422, "bad-value"),
        (b'{"event": null}', 422, "bad-value"),
        (b'{"event": "' + b"x" * 65536 + b'"}', 413, "too-large"),
    ],
)
async def test_bodies(face: FakeFace, client: Client, body: bytes, status: int, code: str) -> None:
    response = await client.post(EVENTS, data=body, headers=AS_JSON)
    told = await problem(response)
    assert (response.status, told["status"], told["code"]) == (status, status, code)
    assert face.told == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"])
async def test_content_type(face: FakeFace, client: Client, kind: str) -> None:
    response = await client.post(EVENTS, data=b'{"event": "leave"}', headers={**KIOSK, "Content-Type": kind})
    assert (response.status, (await problem(response))["code"]) == (415, "not-json")
    assert face.told == []


async def test_content_type_with_charset_is_json(face: FakeFace, client: Client) -> None:
    headers = {**KIOSK, "Content-Type": "application/json; charset=utf-8"}
    response = await client.post(EVENTS, data='{"event": "code", "value": "é"}'.encode(), headers=headers)
    assert response.status == 200
    assert face.told == [{"event": "code", "value": "é"}]


async def test_a_large_chunked_body_is_refused(face: FakeFace, client: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 8192

    response = await client.post(EVENTS, data=chunks(), headers=AS_JSON)
    assert (response.status, (await problem(response))["code"]) == (413, "too-large")


async def test_a_body_that_never_ends_is_given_up(client: Client) -> None:
    request = (
        f"POST {EVENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer kiosk\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    )
    with patch.object(messages, "BODY_S", 0.05):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(request.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("not-now", 409),
        ("busy", 409),
        ("not-ready", 409),
        ("unknown-instrument", 404),
        ("bad-value", 422),
        ("unknown-event", 422),
    ],
)
async def test_refusals_of_the_core(face: FakeFace, client: Client, code: str, status: int) -> None:
    face.failure = Refusal(code, "This is not possible now: wait.")
    response = await client.post(EVENTS, json={"event": "leave"}, headers=KIOSK)
    told = await problem(response)
    assert (response.status, told["code"], told["detail"]) == (status, code, "This is not possible now: wait.")
    assert told["type"] == f"urn:cabin:problem:{code}"
    assert told["title"] != told["title_fr"]


async def test_results_that_may_not_be_seen_yet(face: FakeFace, client: Client) -> None:
    face.failure = Refusal("not-now", "Results stay hidden until the agent asks for them.")
    response = await client.get("/api/v1/visit/results", headers=KIOSK)
    assert (response.status, (await problem(response))["code"]) == (409, "not-now")


async def test_an_unknown_instrument(client: Client) -> None:
    response = await client.post("/api/v1/instruments/toaster/start", headers=TECHNICIAN)
    assert (response.status, (await problem(response))["code"]) == (404, "unknown-instrument")


async def test_an_unknown_verb(face: FakeFace, client: Client) -> None:
    response = await client.post("/api/v1/instruments/oximeter/explode", headers=TECHNICIAN)
    assert (response.status, (await problem(response))["code"]) == (422, "bad-value")
    assert face.commands == []


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.5", "x", "", "٣", "99999999999999999999"])
async def test_limits_that_are_none(face: FakeFace, client: Client, limit: str) -> None:
    response = await client.get("/api/v1/deliveries", params={"limit": limit}, headers=TECHNICIAN)
    assert (response.status, (await problem(response))["code"]) == (422, "bad-value")
    assert face.limits == []


async def test_limits(face: FakeFace, client: Client) -> None:
    for query in ("", "?limit=1", "?limit=500"):
        assert (await client.get(f"/api/v1/deliveries{query}", headers=TECHNICIAN)).status == 200
    assert face.limits == [50, 1, 500]


async def test_waves_that_are_neither_yes_nor_no(client: Client) -> None:
    response = await client.get("/api/v1/stream?waves=yes", headers=KIOSK)
    assert (response.status, (await problem(response))["code"]) == (422, "bad-value")


async def test_a_stream_that_is_no_websocket(client: Client) -> None:
    response = await client.get("/api/v1/stream", headers=KIOSK)
    assert (response.status, (await problem(response))["code"]) == (426, "not-websocket")
    assert response.headers["Upgrade"] == "websocket"


@pytest.mark.parametrize("ticket", [None, 3, {}])
async def test_a_session_without_ticket(client: Client, ticket: object) -> None:
    response = await client.post("/api/v1/session", json={"ticket": ticket})
    assert (response.status, (await problem(response))["code"]) == (422, "bad-value")
    assert "Set-Cookie" not in response.headers


async def test_a_crash_tells_nobody_the_value(
    face: FakeFace, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    face.failure = ValueError("the weight is 73.5 kg")
    with caplog.at_level(logging.DEBUG):
        response = await client.get("/api/v1/visit", headers=KIOSK)
    assert (response.status, (await problem(response))["code"]) == (500, "internal")
    assert "73.5" not in await response.text()
    assert "73.5" not in caplog.text
    assert "GET /api/v1/visit failed: ValueError at fake_face.py:" in caplog.text


async def test_a_value_that_is_no_number_is_never_sent(face: FakeFace, client: Client) -> None:
    face.extra = {"left_s": float("nan")}
    response = await client.get("/api/v1/visit", headers=KIOSK)
    assert (response.status, (await problem(response))["code"]) == (500, "internal")


async def test_a_crash_does_not_repeat_the_address(
    face: FakeFace, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    face.failure = RuntimeError()
    await client.post("/api/v1/instruments/Jeanne-Martin/start", headers=TECHNICIAN)
    assert "Jeanne" not in caplog.text
    assert "POST /api/v1/instruments/{name}/{verb} failed" in caplog.text


async def test_an_unknown_address_is_not_repeated(client: Client) -> None:
    response = await client.get("/api/v1/Jeanne-Martin", headers=KIOSK)
    assert (response.status, (await problem(response))["code"]) == (404, "unknown-route")
    assert "Jeanne" not in await response.text()


MARK = "mark-of-a-visit"


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from([EVENTS, "/api/v1/session", "/api/v1/instruments/oximeter/start", "/api/v1/none"]),
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=50).map(lambda text: f'{{"event": "{text}", "value": "{MARK}"'.encode()),
        st.just(f'{{"ticket": "{MARK}"}}'.encode()),
    ),
    kind=st.sampled_from(["application/json", "text/plain", f"text/{MARK}"]),
)
def test_no_body_breaks_the_server_or_is_repeated(path: str, body: bytes, kind: str) -> None:
    async def ask() -> None:
        app = make_app(FakeFace(), FakeAccess(), frozenset({"127.0.0.1"}))
        async with TestClient(TestServer(app)) as client:
            response = await client.post(path, data=body, headers={**TECHNICIAN, "Content-Type": kind})
            assert response.status < 500
            if response.status >= 400:
                await problem(response)
                assert MARK not in await response.text()

    asyncio.run(ask())
