"""docs/api.yaml against the server: every route, every answer, every problem code, both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from cabin_agent.face import Face, Json
from cabin_agent.frames import FLAGS, STREAMS, describe_wave
from cabin_agent.visit_table import State
from cabin_agent.voice import Voice
from cabin_agent.web.problems import CONTENT_TYPE, KINDS, problem_response
from cabin_agent.web.routes import Api
from cabin_agent.web.stream import Limits, Streams
from drivers.events import Wave
from drivers.link import LinkState
from tests.fake_face import CONTRACT, FakeAccess, FakeFace, problems_of

SCHEMAS = CONTRACT["components"]["schemas"]
PATHS: dict[str, Json] = CONTRACT["paths"]
DOCUMENTED = {
    (method.upper(), path): operation
    for path, operations in PATHS.items()
    for method, operation in operations.items()
}


def nodes(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every node of a document with its place."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from nodes(child, f"{path}/{key}")


def served() -> dict[tuple[str, str], frozenset[str]]:
    """The server's routes and their roles."""
    face: Face = FakeFace()
    access = FakeAccess()
    routes = Api(face, access, Streams(face, access, Limits(), "b1"), Voice(), "b1").routes()
    return {(route.method, route.path): route.roles for route in routes}


async def test_every_route_is_documented_and_every_documented_route_is_served() -> None:
    assert served().keys() == DOCUMENTED.keys()


async def test_roles_are_the_documented_ones() -> None:
    assert {key: set(roles) for key, roles in served().items()} == {
        key: set(operation["x-roles"]) for key, operation in DOCUMENTED.items()
    }


async def test_every_route_is_in_the_application(client: TestClient[web.Request, web.Application]) -> None:
    routed = {(r.method, r.resource.canonical) for r in client.server.app.router.routes() if r.resource}  # type: ignore[attr-defined]
    assert {(method, path) for method, path in routed if path.startswith("/api/")} == DOCUMENTED.keys()
    assert {path for _, path in routed} >= {"/", "/kiosk/", "/nurse/", "/technician/", "/doctor/"}


def test_the_document_has_no_broken_reference_and_no_cut_description() -> None:
    for place, value in nodes(CONTRACT):
        if isinstance(value, dict):
            assert not [key for key in value if key is None or " " in str(key)], place
            assert None not in value.values() or place.endswith("/value"), place
        if place.endswith("/$ref"):
            target: Any = CONTRACT
            for part in str(value).removeprefix("#/").split("/"):
                target = target[part]
            assert isinstance(target, dict)


def test_every_schema_is_used() -> None:
    used = {str(value).rpartition("/")[2] for place, value in nodes(CONTRACT) if place.endswith("/$ref")}
    assert SCHEMAS.keys() <= used


def test_every_operation_says_what_it_does() -> None:
    names = [operation["operationId"] for operation in DOCUMENTED.values()]
    assert len(set(names)) == len(names)
    for operation in DOCUMENTED.values():
        assert operation["summary"]
        assert "default" in operation["responses"]


def test_problem_codes_are_the_documented_ones() -> None:
    assert set(SCHEMAS["Problem"]["properties"]["code"]["enum"]) == set(KINDS)


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_problem_is_what_the_contract_says(code: str) -> None:
    response = problem_response(code, "Something happened: do this.")
    assert response.content_type == CONTENT_TYPE
    assert response.text is not None
    told = json.loads(response.text)
    assert problems_of(told, SCHEMAS["Problem"]) == []
    assert told["status"] == response.status == KINDS[code][0]


def test_states_are_the_documented_ones() -> None:
    assert set(SCHEMAS["VisitState"]["enum"]) == {state.value for state in State}


def test_link_states_are_the_documented_ones() -> None:
    assert set(SCHEMAS["LinkState"]["enum"]) == {state.value for state in LinkState}


def test_the_frame_is_documented_with_its_flags_and_streams() -> None:
    text = DOCUMENTED["GET", "/api/v1/stream"]["description"]
    for name, number in (*FLAGS.items(), *STREAMS.items()):
        assert f"{number} {name}" in text


@pytest.mark.parametrize(
    ("event", "good"),
    [
        ({"type": "hello", "api": 1, "build": "b1", "waves": True, "everything": True}, True),
        ({"type": "hello", "api": 2, "build": "b1", "waves": True, "everything": True}, False),
        ({"type": "heartbeat", "number": 1}, True),
        ({"type": "heartbeat"}, False),
        ({"type": "dropped", "frames": 3}, True),
        ({"type": "dropped", "frames": 0}, False),
        ({"type": "changed", "state": "measures"}, True),
        ({"type": "changed", "state": "asleep"}, False),
        ({"type": "instrument", "instrument": "ecg", "state": "ready", "reason": ""}, True),
        ({"type": "of a later version"}, True),
        ({"number": 1}, False),
        (describe_wave(Wave("ecg", 0, 500.0, "mV", ("I",), ())), True),
        (describe_wave(Wave("ecg", 0, 500.0, "uV", ("I",), ())), False),
    ],
)
def test_stream_events(event: Json, good: bool) -> None:
    assert (problems_of(event, SCHEMAS["StreamEvent"]) == []) is good


def schema_of(method: str, path: str) -> Json:
    """The schema of a route's good answer."""
    answer = DOCUMENTED[method, path]["responses"]["200"]["content"]["application/json"]
    schema: Json = answer["schema"]
    return schema


@pytest.mark.parametrize(
    ("method", "path", "asked", "body"),
    [
        ("GET", "/api/v1/status", "/api/v1/status", None),
        ("GET", "/api/v1/visit", "/api/v1/visit", None),
        ("POST", "/api/v1/visit/events", "/api/v1/visit/events", {"event": "leave"}),
        ("GET", "/api/v1/visit/results", "/api/v1/visit/results", None),
        ("GET", "/api/v1/instruments", "/api/v1/instruments", None),
        ("POST", "/api/v1/instruments/{name}/{verb}", "/api/v1/instruments/oximeter/start", None),
        ("GET", "/api/v1/deliveries", "/api/v1/deliveries?limit=3", None),
        ("POST", "/api/v1/deliveries/{mid}/requeue", f"/api/v1/deliveries/{'ab' * 16}/requeue", None),
    ],
)
async def test_answers_are_what_the_contract_says(
    client: TestClient[web.Request, web.Application], method: str, path: str, asked: str, body: Json | None
) -> None:
    response = await client.request(method, asked, json=body, headers={"Authorization": "Bearer technician"})
    assert response.status == 200
    assert response.content_type == "application/json"
    assert problems_of(await response.json(), schema_of(method, path)) == []


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        ("nurse", "GET", "/api/v1/cabin", None),
        ("technician", "GET", "/api/v1/cabin", None),
        ("nurse", "POST", "/api/v1/visit/events", {"event": "tick", "instrument": "scale"}),
        ("doctor", "GET", "/api/v1/consultation", None),
        ("doctor", "POST", "/api/v1/consultation/token", {"language": "en"}),
        ("doctor", "POST", "/api/v1/consultation/end", None),
    ],
)
async def test_answers_to_other_roles_are_what_the_contract_says(
    client: TestClient[web.Request, web.Application], role: str, method: str, path: str, body: Json | None
) -> None:
    response = await client.request(method, path, json=body, headers={"Authorization": f"Bearer {role}"})
    assert response.status == 200
    assert problems_of(await response.json(), schema_of(method, path)) == []


async def test_the_visit_carries_the_version_of_the_api(
    face: FakeFace, client: TestClient[web.Request, web.Application]
) -> None:
    face.extra = {"api": 99}
    got = await client.get("/api/v1/visit", headers={"Authorization": "Bearer kiosk"})
    assert (await got.json())["api"] == 1
    told = await client.post(
        "/api/v1/visit/events", json={"event": "leave"}, headers={"Authorization": "Bearer kiosk"}
    )
    assert (await told.json())["api"] == 1


def test_the_contract_can_say_no() -> None:
    assert problems_of({"state": "measures"}, SCHEMAS["Visit"]) != []
    assert problems_of({"outcomes": [{"measure": "spo2", "status": "measured"}]}, SCHEMAS["Results"]) != []


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
async def client(face: FakeFace) -> Any:
    from cabin_agent.web import make_app

    app = make_app(face, FakeAccess(), frozenset({"127.0.0.1"}))
    async with TestClient(TestServer(app)) as client:
        yield client
