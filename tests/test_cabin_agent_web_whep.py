"""The doctor's way into a call: waiting, token, offer, answer, end; and every offer that is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from cabin_agent.face import Refusal
from cabin_agent.web import make_app
from tests.fake_face import CONTRACT, FakeAccess, FakeFace, problems_of

Client = TestClient[web.Request, web.Application]
SCHEMAS = CONTRACT["components"]["schemas"]
DOCTOR = {"Authorization": "Bearer doctor"}
OFFER = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
SDP = {"Authorization": "Bearer once", "Content-Type": "application/sdp"}


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
async def client(face: FakeFace) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(face, FakeAccess(), frozenset({"127.0.0.1"})))) as client:
        yield client


async def test_a_doctor_sees_whether_somebody_waits(client: Client) -> None:
    response = await client.get("/api/v1/consultation", headers=DOCTOR)
    assert response.status == 200
    assert problems_of(await response.json(), SCHEMAS["Waiting"]) == []


async def test_a_doctor_joins_offers_and_hangs_up(face: FakeFace, client: Client) -> None:
    joined = await client.post("/api/v1/consultation/token", json={"language": "en"}, headers=DOCTOR)
    told = await joined.json()
    assert problems_of(told, SCHEMAS["CallToken"]) == []
    assert face.joined == [("doctor", "en")]
    headers = {**SDP, "Authorization": f"Bearer {told['token']}", "Cabin-Role": "doctor"}
    response = await client.post("/api/v1/whep", data=OFFER.encode(), headers=headers)
    assert (response.status, response.content_type) == (201, "application/sdp")
    assert (await response.text()).startswith("v=0\r\n")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Location"] == "/api/v1/whep/session-1"
    assert face.offers == [OFFER]
    gone = await client.delete(response.headers["Location"], headers=DOCTOR)
    assert (gone.status, face.hung_up) == (204, [("doctor", "session-1")])


async def test_a_doctor_ends_the_consultation_without_a_call(face: FakeFace, client: Client) -> None:
    response = await client.post("/api/v1/consultation/end", headers=DOCTOR)
    assert (response.status, await response.json()) == (200, {"ok": True})
    assert face.ended == ["doctor"]


async def test_an_open_lobby_notices_a_newer_core(client: Client) -> None:
    told = await (await client.get("/api/v1/consultation", headers=DOCTOR)).json()
    assert told["build"] == (await (await client.get("/api/v1/status", headers=DOCTOR)).json())["build"]


async def test_french_is_read_unless_another_language_is_asked_for(face: FakeFace, client: Client) -> None:
    assert (await client.post("/api/v1/consultation/token", json={}, headers=DOCTOR)).status == 200
    assert face.joined == [("doctor", "fr")]
    for language in ("de", 3, None):
        refused = await client.post("/api/v1/consultation/token", json={"language": language}, headers=DOCTOR)
        assert refused.status == 422


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, OFFER.encode(), 401, "no-token"),
        ({"Authorization": "Basic once"}, OFFER.encode(), 401, "no-token"),
        ({"Authorization": "Bearer wrong"}, OFFER.encode(), 401, "bad-token"),
        ({"Authorization": "Bearer doctor"}, OFFER.encode(), 401, "bad-token"),
        ({"Content-Type": "text/plain"}, OFFER.encode(), 422, "bad-offer"),
        ({"Content-Type": "application/json"}, b"{}", 422, "bad-offer"),
        ({}, b"", 401, "no-token"),
        ({"Authorization": "Bearer once"}, b"", 422, "bad-offer"),
        ({"Authorization": "Bearer once"}, b"hello", 422, "bad-offer"),
        ({"Authorization": "Bearer once"}, b"v=1\r\n", 422, "bad-offer"),
        ({"Authorization": "Bearer once"}, b"v=0\r\n\xff\xfe", 422, "bad-offer"),
        ({"Authorization": "Bearer once"}, b"v=0\r\na\0b", 422, "bad-offer"),
        ({"Authorization": "Bearer once"}, b"v=0\r\n" + b"a" * 65536, 413, "too-large"),
        ({"Authorization": "Bearer once", "Origin": "http://evil.example"}, OFFER.encode(), 403, "bad-origin"),
    ],
)  # fmt: skip
async def test_offers_that_are_none(
    face: FakeFace, client: Client, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    if "Content-Type" in headers:
        headers = {"Authorization": "Bearer once", **headers}
    response = await client.post("/api/v1/whep", data=body, headers={"Content-Type": "application/sdp", **headers})
    told = await response.json(content_type=None)
    assert problems_of(told, SCHEMAS["Problem"]) == []
    assert (response.status, told["code"]) == (status, code)
    assert face.offers == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("taken", 409), ("not-now", 409), ("media-down", 503), ("bad-offer", 422), ("bad-token", 401)],
)
async def test_what_the_core_refuses(face: FakeFace, client: Client, code: str, status: int) -> None:
    face.failure = Refusal(code, "This is not possible now: wait.")
    for method, path, headers, body in (
        ("POST", "/api/v1/consultation/token", {**DOCTOR, "Content-Type": "application/json"}, b"{}"),
        ("POST", "/api/v1/whep", SDP, OFFER.encode()),
        ("DELETE", "/api/v1/whep/session-1", DOCTOR, b""),
        ("POST", "/api/v1/consultation/end", DOCTOR, b""),
    ):
        response = await client.request(method, path, data=body, headers=headers)
        told = await response.json(content_type=None)
        assert problems_of(told, SCHEMAS["Problem"]) == []
        assert (response.status, told["code"]) == (status, code)
