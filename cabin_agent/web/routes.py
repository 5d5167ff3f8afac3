"""The routes of the local API: one table, one short handler each.

A technician may drive a visit and see its values only in a simulated cabin: a real visit belongs to its kiosk. Two
events are not of a visit, taking the cabin out of order and back, and stay open to the technician.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, NoReturn

from aiohttp import web

from cabin_agent.face import Face, Json
from cabin_agent.web.guard import ANYONE, COOKIE, KIOSK, TECHNICIAN, Access, Account, account_of
from cabin_agent.web.problems import Handler, Problem
from cabin_agent.web.stream import Streams

API_VERSION = 1
BASE = "/api/v1"
MOST_BODY = 65536
BODY_S = 10.0
VERBS = ("start", "stop")
MAINTENANCE = frozenset({"out_of_order", "restored"})
"""Events that happen between visits and that a technician may tell a real cabin."""

BOTH = frozenset({KIOSK, TECHNICIAN})


@dataclass(frozen=True, slots=True)
class Route:
    """One address: who may ask it and who answers."""

    method: str
    path: str
    roles: frozenset[str]
    handler: Handler


class Api:
    """The handlers, over the core's face."""

    def __init__(self, face: Face, access: Access, streams: Streams) -> None:
        self._face = face
        self._access = access
        self._streams = streams

    def routes(self) -> tuple[Route, ...]:
        """Every route of the API."""
        technician = frozenset({TECHNICIAN})
        return (
            Route("GET", f"{BASE}/status", BOTH, self.status),
            Route("GET", f"{BASE}/visit", BOTH, self.visit),
            Route("POST", f"{BASE}/visit/events", BOTH, self.tell),
            Route("GET", f"{BASE}/visit/results", BOTH, self.results),
            Route("GET", f"{BASE}/instruments", technician, self.instruments),
            Route("POST", f"{BASE}/instruments/{{name}}/{{verb}}", technician, self.command),
            Route("GET", f"{BASE}/deliveries", technician, self.deliveries),
            Route("POST", f"{BASE}/session", ANYONE, self.session),
            Route("GET", f"{BASE}/stream", BOTH, self._streams.handle),
        )

    async def status(self, _: web.Request) -> web.Response:
        """Version, readiness, simulated or not, and the delivery."""
        return _answer(self._face.status())

    async def visit(self, _: web.Request) -> web.Response:
        """Where the visit stands."""
        return _answer({**self._face.visit(), "api": API_VERSION})

    async def tell(self, request: web.Request) -> web.Response:
        """One event; the visit after it."""
        message = await _body(request)
        event = message.get("event")
        if not isinstance(event, str):
            raise Problem("bad-value", "An event has a name: send {'event': '...'}.")
        if event not in MAINTENANCE:
            self._only_kiosk_of_a_real_cabin(account_of(request))
        return _answer({**await self._face.tell(message), "api": API_VERSION})

    async def results(self, request: web.Request) -> web.Response:
        """The outcomes of the open visit."""
        self._only_kiosk_of_a_real_cabin(account_of(request))
        return _answer(self._face.results())

    async def instruments(self, _: web.Request) -> web.Response:
        """Every instrument and its state."""
        return _answer({"instruments": self._face.instruments()})

    async def command(self, request: web.Request) -> web.Response:
        """Start or stop one instrument."""
        verb = request.match_info["verb"]
        if verb not in VERBS:
            raise Problem("bad-value", "An instrument can be told to 'start' or to 'stop', nothing else.")
        return _answer(await self._face.command(request.match_info["name"], verb))

    async def deliveries(self, request: web.Request) -> web.Response:
        """What was handed to the record, newest first."""
        limit = request.query.get("limit", "50")
        if not (limit.isascii() and limit.isdecimal() and len(limit) <= 3 and 1 <= int(limit) <= 500):
            raise Problem("bad-value", "The limit is a whole number from 1 to 500.")
        return _answer({"deliveries": self._face.deliveries(int(limit))})

    async def session(self, request: web.Request) -> web.Response:
        """A session cookie for the kiosk's single-use launch ticket."""
        ticket = (await _body(request)).get("ticket")
        if not isinstance(ticket, str):
            raise Problem("bad-value", "A session is opened with a launch ticket: send {'ticket': '...'}.")
        token = self._access.exchange(ticket)
        if token is None:
            raise Problem("bad-ticket", "This launch ticket is unknown or already used: restart the kiosk.")
        response = web.Response(status=204)
        response.set_cookie(COOKIE, token, path=BASE, httponly=True, samesite="Strict")
        return response

    def _only_kiosk_of_a_real_cabin(self, account: Account) -> None:
        if account.role != KIOSK and not self._face.status()["simulated"]:
            raise Problem("forbidden", "A real visit belongs to the kiosk: do this at the cabin's screen.")


def _answer(body: Json) -> web.Response:
    """JSON without NaN or infinity: those are no values, and raise ValueError."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return web.Response(text=text, content_type="application/json")


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Problem("not-json", "Send the body as JSON, with Content-Type: application/json.")
    try:
        async with asyncio.timeout(BODY_S):
            raw = await request.read()
    except TimeoutError:
        raise Problem("slow-request", "The body of the request did not arrive in time: send it again.") from None
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem("malformed", "The body of the request is not JSON: send an object, in UTF-8.") from None
    if not isinstance(body, dict):
        raise Problem("malformed", "The body of the request is not a JSON object: send {...}.")
    return body


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
