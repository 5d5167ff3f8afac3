"""Signing in and out over HTTP, with the real keeper of accounts; and what is forgotten with a visit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from cabin_agent.access import Access, make_accounts
from cabin_agent.face import Json
from cabin_agent.sign_in import SignIn
from cabin_agent.visit_table import ENTRY, TABLE, Effect, Event, State
from cabin_agent.web import make_app
from cabin_agent.web.routes import BETWEEN_VISITS
from tests.fake_face import CONTRACT, FakeAccess, FakeFace, problems_of

Client = TestClient[web.Request, web.Application]
PROBLEM = CONTRACT["components"]["schemas"]["Problem"]
VISIT = CONTRACT["components"]["schemas"]["Visit"]
CABIN = CONTRACT["components"]["schemas"]["Cabin"]
FORGET = '"cache", "storage"'


@pytest.fixture
def face() -> FakeFace:
    return FakeFace(simulated=False)


@pytest.fixture
def codes(tmp_path: Path) -> dict[str, str]:
    return make_accounts(tmp_path, {"nadia": "nurse", "ada": "doctor", "tom": "technician"})


@pytest.fixture
def keeper(tmp_path: Path, codes: dict[str, str]) -> Access:
    return Access(tmp_path / "access.json", SignIn(wrong_s=0.0))


@pytest.fixture
async def client(face: FakeFace, keeper: Access) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(face, keeper, frozenset({"127.0.0.1"})))) as client:
        yield client


async def code_of(response: Any) -> str:
    told: Json = await response.json(content_type=None)
    assert problems_of(told, PROBLEM) == []
    return str(told["code"])


async def sign_in(client: Client, name: str, code: str, role: str) -> Any:
    return await client.post("/api/v1/sign-in", json={"name": name, "code": code, "role": role})


async def test_a_person_signs_in_and_out(client: Client, codes: dict[str, str]) -> None:
    as_nurse = {"Cabin-Role": "nurse"}
    assert (await client.get("/api/v1/cabin", headers=as_nurse)).status == 401
    response = await sign_in(client, "nadia", codes["nadia"], "nurse")
    assert response.status == 204
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("cabin_nurse=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "Path=/api/v1", "SameSite=Strict"}
    assert (await client.get("/api/v1/cabin", headers=as_nurse)).status == 200
    gone = await client.post("/api/v1/sign-out", headers=as_nurse)
    assert (gone.status, gone.headers["Set-Cookie"].split("=")[0]) == (204, "cabin_nurse")
    assert "Max-Age=0" in gone.headers["Set-Cookie"]
    token = cookie.split(";")[0].partition("=")[2]
    again = await client.get("/api/v1/cabin", headers={"Cookie": f"cabin_nurse={token}", **as_nurse})
    assert (again.status, await code_of(again)) == (401, "bad-token")


async def test_one_browser_may_hold_a_session_of_each_role(client: Client, codes: dict[str, str]) -> None:
    for name, role in (("nadia", "nurse"), ("ada", "doctor"), ("tom", "technician")):
        assert (await sign_in(client, name, codes[name], role)).status == 204
    for role, path in (("nurse", "cabin"), ("doctor", "consultation"), ("technician", "instruments")):
        assert (await client.get(f"/api/v1/{path}", headers={"Cabin-Role": role})).status == 200
    assert (await client.get("/api/v1/consultation", headers={"Cabin-Role": "nurse"})).status == 403
    await client.post("/api/v1/sign-out", headers={"Cabin-Role": "nurse"})
    assert (await client.get("/api/v1/consultation", headers={"Cabin-Role": "doctor"})).status == 200


@pytest.mark.parametrize(
    ("name", "role"), [("nadia", "doctor"), ("nobody", "nurse"), ("", "nurse"), ("Nadia", "nurse")]
)
async def test_name_code_and_role_belong_together(
    client: Client, codes: dict[str, str], name: str, role: str
) -> None:
    response = await sign_in(client, name, codes["nadia"], role)
    assert (response.status, await code_of(response)) == (401, "wrong-code")
    assert "Set-Cookie" not in response.headers


async def test_five_wrong_codes_lock_the_name_and_no_other(client: Client, codes: dict[str, str]) -> None:
    wrong = "0000000000" if codes["nadia"] != "0000000000" else "1111111111"
    answers = [await sign_in(client, "nadia", wrong, "nurse") for _ in range(5)]
    assert [(each.status, await code_of(each)) for each in answers] == [(401, "wrong-code")] * 4 + [(429, "locked")]
    locked = await sign_in(client, "nadia", codes["nadia"], "nurse")
    assert (locked.status, await code_of(locked)) == (429, "locked")
    assert (await sign_in(client, "ada", codes["ada"], "doctor")).status == 204


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "nadia"}, {"name": 1, "code": "1", "role": "nurse"}, {"name": "n", "code": "1", "role": "kiosk"}],
)
async def test_a_sign_in_that_is_none(client: Client, body: Json) -> None:
    response = await client.post("/api/v1/sign-in", json=body)
    assert (response.status, await code_of(response)) == (422, "bad-value")


async def test_the_token_of_a_program_is_not_signed_out(client: Client, keeper: Access) -> None:
    bearer = {"Authorization": f"Bearer {keeper.grant('bot', 'technician').token}"}
    owner = {"Authorization": f"Bearer {keeper.session('owner', 'technician')}"}
    for headers in (bearer, owner):
        assert (await client.post("/api/v1/sign-out", headers=headers)).status == 204
        assert (await client.get("/api/v1/instruments", headers=headers)).status == 200


async def test_a_launch_of_the_kiosk_ends_the_staffs_sessions_in_its_browser(
    client: Client, keeper: Access, codes: dict[str, str]
) -> None:
    """At the core too, so that a kept cookie opens nothing; a doctor does not sign in on that screen."""
    tokens = {}
    for name, role in (("nadia", "nurse"), ("tom", "technician"), ("ada", "doctor")):
        cookie = (await sign_in(client, name, codes[name], role)).headers["Set-Cookie"]
        tokens[role] = cookie.split(";")[0].partition("=")[2]
    refused = await client.post("/api/v1/session", json={"ticket": "wrong"})
    assert refused.status == 401 and keeper.who(tokens["nurse"]), "only a kiosk ends them"
    launched = await client.post("/api/v1/session", json={"ticket": keeper.kiosk_ticket()})
    expired = {cookie.split("=")[0] for cookie in launched.headers.getall("Set-Cookie") if "Max-Age=0" in cookie}
    assert (launched.status, expired) == (204, {"cabin_nurse", "cabin_technician"})
    assert {role for role, token in tokens.items() if keeper.who(token)} == {"doctor"}
    assert (await client.get("/api/v1/visit", headers={"Cabin-Role": "kiosk"})).status == 200


# --- who may say what ---------------------------------------------------------------------------------------------


@pytest.fixture
async def plain(face: FakeFace) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(face, FakeAccess(), frozenset({"127.0.0.1"})))) as client:
        yield client


def as_role(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}"}


@pytest.mark.parametrize("role", ["nurse", "technician"])
async def test_whoever_may_not_see_the_visit_gets_the_cabin(face: FakeFace, plain: Client, role: str) -> None:
    response = await plain.post(
        "/api/v1/visit/events", json={"event": "tick", "instrument": "scale"}, headers=as_role(role)
    )
    told = await response.json()
    assert problems_of(told, CABIN) == []
    assert not {"plan", "messages", "prompt", "consultation"} & set(told)
    assert face.told == [{"event": "tick", "instrument": "scale"}]


async def test_each_is_told_only_what_it_may_say(face: FakeFace, plain: Client) -> None:
    face.extra = {"may": ["leave", "call_nurse", "nurse_came", "tick"]}
    visit = await (await plain.get("/api/v1/visit", headers=as_role("kiosk"))).json()
    assert problems_of(visit, VISIT) == []
    assert visit["may"] == ["leave", "call_nurse"]
    face.simulated = True
    visit = await (await plain.get("/api/v1/visit", headers=as_role("technician"))).json()
    assert visit["may"] == ["leave", "call_nurse", "nurse_came", "tick"]


# --- what is forgotten --------------------------------------------------------------------------------------------


def test_the_states_between_visits_are_those_without_a_person() -> None:
    forgotten = {state for state, effects in ENTRY.items() if Effect.FORGET in effects}
    within = {edge: to for edge, to in TABLE.items() if edge[1] is not Event.BEGIN}
    reached = forgotten
    while reached != (more := reached | {to for (state, _), to in within.items() if state in reached}):
        reached = more
    assert {state.value for state in reached} == BETWEEN_VISITS
    assert {state.value for state in State} > BETWEEN_VISITS


async def ask(client: Client, role: str = "kiosk") -> str | None:
    response = await client.get("/api/v1/visit", headers=as_role(role))
    assert response.headers["Cache-Control"] == "no-store"
    return response.headers.get("Clear-Site-Data")


async def test_finish_tells_the_browser_to_forget(face: FakeFace, plain: Client) -> None:
    assert await ask(plain) is None
    face.extra = {"state": "cleaning"}
    done = await plain.post("/api/v1/visit/events", json={"event": "finish"}, headers=as_role("kiosk"))
    assert done.headers["Clear-Site-Data"] == FORGET
    assert await ask(plain) is None


async def test_a_visit_that_was_forgotten_by_itself_is_forgotten_by_the_browser_once(
    face: FakeFace, plain: Client
) -> None:
    assert await ask(plain) is None
    face.extra, face.simulated = {"state": "cleaning"}, True
    assert await ask(plain, "technician") is None
    assert [await ask(plain) for _ in range(3)] == [FORGET, None, None]
    face.extra = {"state": "welcome"}
    assert await ask(plain) is None
    face.extra = {"state": "ready"}
    assert await ask(plain) == FORGET


async def test_after_a_restart_nobody_knows_what_the_browser_kept(face: FakeFace, plain: Client) -> None:
    face.extra = {"state": "ready"}
    assert [await ask(plain) for _ in range(2)] == [FORGET, None]
