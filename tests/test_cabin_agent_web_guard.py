"""Host, Origin, token and role, as a table; and the headers of every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from cabin_agent.access import Access
from cabin_agent.web import make_app, serve
from cabin_agent.web.app import HEADERS
from cabin_agent.web.guard import EVERYONE, cookie_of
from tests.fake_face import CONTRACT, FakeAccess, FakeFace, problems_of

Client = TestClient[web.Request, web.Application]
PORT = "{port}"
PROBLEM = CONTRACT["components"]["schemas"]["Problem"]


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
def access() -> FakeAccess:
    return FakeAccess()


@pytest.fixture
async def client(face: FakeFace, access: FakeAccess) -> AsyncIterator[Client]:
    app = make_app(face, access, frozenset({"127.0.0.1", "localhost", "[::1]", "cabin.example:9999"}))
    async with TestClient(TestServer(app)) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def code_of(client: Client, method: str, path: str, **kwargs: object) -> tuple[int, str]:
    """Status and problem code ("" for a good answer)."""
    response = await client.request(method, path, **kwargs)  # type: ignore[arg-type]
    if response.status < 400:
        return response.status, ""
    assert response.content_type == "application/problem+json"
    told = await response.json(content_type=None)
    assert problems_of(told, PROBLEM) == []
    return response.status, told["code"]


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:1234", True),
        ("LOCALHOST:80", True),
        ("[::1]:80", True),
        ("[::1]", True),
        ("cabin.example:9999", True),
        ("cabin.example:9998", False),
        ("cabin.example", False),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost@evil.example", False),
        ("evil.example:127.0.0.1", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/stream", "/", "/api/v1/nothing"])
async def test_host(client: Client, host: str, passes: bool, path: str) -> None:
    answer = await code_of(client, "GET", path, headers={**bearer("kiosk"), "Host": host})
    assert (answer == (403, "bad-host")) is not passes


@pytest.mark.parametrize(
    ("origin", "passes"),
    [
        (None, True),
        ("http://127.0.0.1:PORT", True),
        ("https://127.0.0.1:PORT", False),
        ("http://127.0.0.1", False),
        ("http://127.0.0.1:1", False),
        ("http://localhost:PORT", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
async def test_origin(client: Client, origin: str | None, passes: bool) -> None:
    headers = bearer("kiosk")
    if origin is not None:
        headers["Origin"] = origin.replace("PORT", str(client.port))
    expected = (200, "") if passes else (403, "bad-origin")
    assert await code_of(client, "GET", "/api/v1/status", headers=headers) == expected
    told = await code_of(client, "POST", "/api/v1/visit/events", headers=headers, json={"event": "leave"})
    assert told == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer stranger"}, 403),
    ],
)
async def test_the_websocket_handshake_is_checked_too(
    face: FakeFace, client: Client, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/api/v1/stream", headers={**bearer("kiosk"), **headers})
    assert refused.value.status == status
    assert not face.opened.is_set()


async def test_a_websocket_without_token_is_refused(client: Client) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/api/v1/stream")
    assert refused.value.status == 401


LEAVE = {"event": "leave"}
RESTORED, TICK, CAME = {"event": "restored"}, {"event": "tick", "instrument": "scale"}, {"event": "nurse_came"}
WRONG = {"name": "ada", "code": "1111111111", "role": "nurse"}
# method, path, body, then what each asker gets: nobody, a wrong token, a role that does not exist, the kiosk,
# the technician in a simulated cabin, the technician in a real one, the nurse, the doctor in a simulated one
MATRIX = [
    ("GET", "/api/v1/status", None, 401, 401, 403, 200, 200, 200, 200, 200),
    ("GET", "/api/v1/visit", None, 401, 401, 403, 200, 200, 403, 403, 403),
    ("POST", "/api/v1/visit/events", LEAVE, 401, 401, 403, 200, 200, 403, 403, 403),
    ("POST", "/api/v1/visit/events", RESTORED, 401, 401, 403, 403, 200, 200, 200, 403),
    ("POST", "/api/v1/visit/events", TICK, 401, 401, 403, 403, 200, 200, 200, 403),
    ("POST", "/api/v1/visit/events", CAME, 401, 401, 403, 403, 200, 403, 200, 403),
    ("GET", "/api/v1/visit/results", None, 401, 401, 403, 200, 200, 403, 403, 403),
    ("GET", "/api/v1/voice?language=de&key=x", None, 401, 401, 403, 422, 403, 403, 403, 403),
    ("GET", "/api/v1/cabin", None, 401, 401, 403, 403, 200, 200, 200, 403),
    ("GET", "/api/v1/consultation", None, 401, 401, 403, 403, 403, 403, 403, 200),
    ("POST", "/api/v1/consultation/token", {}, 401, 401, 403, 403, 403, 403, 403, 200),
    ("POST", "/api/v1/consultation/end", None, 401, 401, 403, 403, 403, 403, 403, 200),
    ("POST", "/api/v1/whep", {}, 401, 422, 422, 422, 422, 422, 422, 422),
    ("DELETE", "/api/v1/whep/session-1", None, 401, 401, 403, 403, 403, 403, 403, 204),
    ("GET", "/api/v1/instruments", None, 401, 401, 403, 403, 200, 200, 403, 403),
    ("POST", "/api/v1/instruments/oximeter/start", None, 401, 401, 403, 403, 200, 200, 403, 403),
    ("GET", "/api/v1/deliveries", None, 401, 401, 403, 403, 200, 200, 403, 403),
    ("POST", f"/api/v1/deliveries/{'ab' * 16}/requeue", None, 401, 401, 403, 403, 200, 200, 403, 403),
    ("GET", "/api/v1/stream", None, 401, 401, 403, 426, 426, 426, 426, 426),
    ("GET", "/api/v1/stream?waves=1", None, 401, 401, 403, 426, 426, 426, 403, 403),
    ("POST", "/api/v1/session", {"ticket": "none"}, 401, 401, 401, 401, 401, 401, 401, 401),
    ("POST", "/api/v1/sign-in", WRONG, 401, 401, 401, 401, 401, 401, 401, 401),
    ("POST", "/api/v1/sign-out", None, 204, 204, 204, 204, 204, 204, 204, 204),
    ("GET", "/api/v1/nothing", None, 404, 404, 404, 404, 404, 404, 404, 404),
    ("DELETE", "/api/v1/visit", None, 405, 405, 405, 405, 405, 405, 405, 405),
]
ASKERS = [
    ("nobody", None, True),
    ("wrong", "wrong", True),
    ("stranger", "stranger", True),
    ("kiosk", "kiosk", False),
    ("technician", "technician", True),
    ("technician-real", "technician", False),
    ("nurse", "nurse", False),
    ("doctor", "doctor", True),
]


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row[0]} {row[1]}" if isinstance(row, tuple) else "")
@pytest.mark.parametrize("asker", range(len(ASKERS)), ids=[name for name, _, _ in ASKERS])
async def test_roles(face: FakeFace, client: Client, row: tuple[object, ...], asker: int) -> None:
    method, path, body, *expected = row
    _, token, face.simulated = ASKERS[asker]
    headers = bearer(token) if token else {}
    status, _ = await code_of(client, str(method), str(path), json=body, headers=headers)
    assert status == expected[asker]
    if status >= 400:
        assert face.told == []
        assert face.commands == []


async def test_a_launch_ticket_opens_one_session(client: Client) -> None:
    assert await code_of(client, "GET", "/api/v1/visit") == (401, "no-token")
    response = await client.post("/api/v1/session", json={"ticket": "launch"})
    assert response.status == 204
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("cabin_kiosk=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "Path=/api/v1", "SameSite=Strict"}
    again = await code_of(client, "POST", "/api/v1/session", json={"ticket": "launch"})
    assert again == (401, "bad-ticket")


async def test_the_session_cookie_is_a_token(client: Client) -> None:
    cookie = {"Cookie": "cabin_kiosk=kiosk"}
    assert await code_of(client, "GET", "/api/v1/visit", headers=cookie) == (200, "")
    async with client.ws_connect("/api/v1/stream", headers=cookie) as socket:
        assert (await socket.receive_json())["type"] == "hello"


async def test_a_wrong_authorization_is_not_saved_by_the_cookie(client: Client) -> None:
    headers = {"Cookie": "cabin_kiosk=kiosk", **bearer("wrong")}
    assert await code_of(client, "GET", "/api/v1/visit", headers=headers) == (401, "bad-token")


@pytest.mark.parametrize("named", sorted(EVERYONE))
async def test_a_request_says_which_session_it_means(client: Client, named: str) -> None:
    cookies = {"Cookie": "; ".join(f"{cookie_of(role)}={role}" for role in sorted(EVERYONE))}
    assert await code_of(client, "GET", "/api/v1/instruments", headers=cookies) == (401, "no-token")
    expected = (200, "") if named == "technician" else (403, "forbidden")
    for headers, query in (({"Cabin-Role": named}, ""), ({}, f"?as={named}")):
        answer = await code_of(client, "GET", f"/api/v1/instruments{query}", headers={**cookies, **headers})
        assert answer == expected


@pytest.mark.parametrize(
    ("site", "passes"), [("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False)]
)
async def test_a_page_of_another_port_may_not_even_get(client: Client, site: str, passes: bool) -> None:
    headers = {"Cookie": "cabin_kiosk=kiosk", "Sec-Fetch-Site": site}
    expected = (200, "") if passes else (403, "bad-origin")
    assert await code_of(client, "GET", "/api/v1/visit", headers=headers) == expected
    assert (await client.get("/favicon.ico", headers=headers)).status == 204


@pytest.mark.parametrize("header", ["Basic kiosk", "kiosk", "Bearer", "Bearer  "])
async def test_other_authorizations_are_no_token(client: Client, header: str) -> None:
    answer = await code_of(client, "GET", "/api/v1/visit", headers={"Authorization": header})
    assert answer == (401, "no-token")


async def test_a_401_says_how(client: Client) -> None:
    response = await client.get("/api/v1/visit")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/status", 200),
        ("POST", "/api/v1/session", 415),
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/status", 405),
        ("GET", "/nothing", 404),
    ],
)
async def test_security_headers_are_on_every_answer(client: Client, method: str, path: str, status: int) -> None:
    response = await client.request(method, path, headers=bearer("kiosk"))
    assert response.status == status
    assert {name: response.headers[name] for name in HEADERS} == dict(HEADERS)
    assert response.headers["Cache-Control"] == "no-store"


async def test_the_policy_allows_nothing_inline() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_security_headers_are_on_the_handshake_and_on_a_crash(face: FakeFace, client: Client) -> None:
    async with client.ws_connect("/api/v1/stream", headers=bearer("kiosk")) as socket:
        response = socket._response
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    face.failure = KeyError("73.5 kg")
    crashed = await client.get("/api/v1/visit", headers=bearer("kiosk"))
    assert crashed.status == 500
    assert crashed.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_refused_method_says_which_are_allowed(client: Client) -> None:
    response = await client.delete("/api/v1/visit", headers=bearer("kiosk"))
    assert response.headers["Allow"] == "GET"


async def test_a_route_that_nobody_gave_a_role_is_closed(face: FakeFace, access: FakeAccess) -> None:
    async def forgotten(_: web.Request) -> web.Response:
        return web.Response(text="all values")

    app = make_app(face, access, frozenset({"127.0.0.1"}))
    app.router.add_get("/api/v1/forgotten", forgotten)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/api/v1/forgotten", headers=bearer("kiosk"))
        assert response.status == 403


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.1", "::"])
async def test_only_a_loopback_address_is_served(face: FakeFace, access: FakeAccess, address: str) -> None:
    with pytest.raises(ValueError, match="loopback address only"):
        async with serve(make_app(face, access, frozenset({"127.0.0.1"})), 0, address):
            pass


async def test_the_real_keeper_of_accounts(face: FakeFace, tmp_path: Path) -> None:
    keeper = Access(tmp_path / "access.json")
    token = keeper.grant("ada", "technician").token
    ticket = keeper.kiosk_ticket()
    async with TestClient(TestServer(make_app(face, keeper, frozenset({"127.0.0.1"})))) as client:
        assert await code_of(client, "GET", "/api/v1/instruments", headers=bearer(token)) == (200, "")
        assert (await client.post("/api/v1/session", json={"ticket": ticket})).status == 204
        cookie = client.session.cookie_jar.filter_cookies(client.make_url("/api/v1/visit"))["cabin_kiosk"]
        as_kiosk = {"Cookie": f"cabin_kiosk={cookie.value}"}
        assert await code_of(client, "GET", "/api/v1/visit", headers=as_kiosk) == (200, "")
        assert await code_of(client, "GET", "/api/v1/instruments", headers=as_kiosk) == (403, "forbidden")
        keeper.revoke("ada")
        assert await code_of(client, "GET", "/api/v1/instruments", headers=bearer(token)) == (401, "bad-token")
