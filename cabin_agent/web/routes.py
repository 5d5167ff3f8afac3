"""The routes of the local API: one table, one short handler each.

A technician may drive a visit and see its values only in a simulated cabin: a real visit belongs to its kiosk. Words
that are not of the person (`STAFF`) belong to the nurse; those that look after the cabin alone stay open to the
technician. Whoever may not see the visit gets the cabin's view in answer to a word.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from cabin_agent.face import Face, Json
from cabin_agent.kiosk import STAFF
from cabin_agent.voice import Voice
from cabin_agent.web.guard import ANYONE, DOCTOR, EVERYONE, KIOSK, NURSE, TECHNICIAN, Access, Account, account_of
from cabin_agent.web.messages import answer, json_body, string
from cabin_agent.web.problems import Handler, Problem
from cabin_agent.web.sessions import Sessions
from cabin_agent.web.stream import Streams
from cabin_agent.web.whep import Calls
from cabin_agent.wording import LANGUAGES

API_VERSION = 1
BASE = "/api/v1"
VERBS = ("start", "stop")
MAINTENANCE = frozenset({"out_of_order", "restored", "tick"})
"""Events that happen between visits and that a technician may tell a real cabin."""
BETWEEN_VISITS = frozenset({"ready", "cleaning", "out_of_order"})
"""States in which nothing of a person is left in the core."""
FORGET = {"Clear-Site-Data": '"cache", "storage"'}
"""A browser that gets this drops whatever it may have kept of the visit."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address: who may ask it and who answers."""

    method: str
    path: str
    roles: frozenset[str]
    handler: Handler


class Api:
    """The handlers, over the core's face; `build` is that of the pages that belong to it."""

    def __init__(self, face: Face, access: Access, streams: Streams, voice: Voice, build: str) -> None:
        self._face, self._streams, self._voice, self._build = face, streams, voice, build
        self._sessions, self._calls = Sessions(access), Calls(face, build)
        self._shown = True
        """Whether the kiosk's browser may still hold something of a visit; nobody knows what ran before this core."""

    def routes(self) -> tuple[Route, ...]:
        """Every route of the API."""
        sessions, calls = self._sessions, self._calls
        kiosk, technician, doctor = (frozenset({role}) for role in (KIOSK, TECHNICIAN, DOCTOR))
        return (
            Route("GET", f"{BASE}/status", EVERYONE, self.status),
            Route("GET", f"{BASE}/visit", kiosk | technician, self.visit),
            Route("POST", f"{BASE}/visit/events", frozenset({KIOSK, NURSE, TECHNICIAN}), self.tell),
            Route("GET", f"{BASE}/visit/results", kiosk | technician, self.results),
            Route("GET", f"{BASE}/voice", kiosk, self.voice),
            Route("GET", f"{BASE}/cabin", frozenset({NURSE, TECHNICIAN}), self.cabin),
            Route("GET", f"{BASE}/consultation", doctor, calls.consultation),
            Route("POST", f"{BASE}/consultation/token", doctor, calls.token),
            Route("POST", f"{BASE}/consultation/end", doctor, calls.end),
            Route("POST", f"{BASE}/whep", ANYONE, calls.offer),
            Route("DELETE", f"{BASE}/whep/{{session}}", doctor, calls.hang_up),
            Route("GET", f"{BASE}/instruments", technician, self.instruments),
            Route("POST", f"{BASE}/instruments/{{name}}/{{verb}}", technician, self.command),
            Route("GET", f"{BASE}/deliveries", technician, self.deliveries),
            Route("POST", f"{BASE}/deliveries/{{mid}}/requeue", technician, self.requeue),
            Route("POST", f"{BASE}/session", ANYONE, sessions.launch),
            Route("POST", f"{BASE}/sign-in", ANYONE, sessions.sign_in),
            Route("POST", f"{BASE}/sign-out", ANYONE, sessions.sign_out),
            Route("GET", f"{BASE}/stream", EVERYONE, self._streams.handle),
        )

    async def status(self, _: web.Request) -> web.Response:
        """Version, readiness, simulated or not, and the delivery."""
        return answer({**self._face.status(), "build": self._build})

    async def visit(self, request: web.Request) -> web.Response:
        """Where the visit stands."""
        account = account_of(request)
        self._check_may_see(account)
        return self._visit(account, self._face.visit())

    async def tell(self, request: web.Request) -> web.Response:
        """One event; the visit after it, or the cabin for those who may not see the visit."""
        account, message = account_of(request), await json_body(request)
        event = string(message, "event", "An event has a name: send {'event': '...'}.")
        if not self._may_say(account, event):
            raise Problem("forbidden", f"The role '{account.role}' may not say this: {_owner(event)}.")
        visit = await self._face.tell(message)
        return self._visit(account, visit) if self._may_see(account) else self._cabin(account)

    async def results(self, request: web.Request) -> web.Response:
        """The outcomes of the open visit."""
        self._check_may_see(account_of(request))
        return answer(self._face.results())

    async def voice(self, request: web.Request) -> web.Response:
        """One text of the catalogue, read aloud."""
        key, language = request.query.get("key", ""), request.query.get("language", "")
        if "measure" in request.query:
            key = f"measure.{request.query['measure']}.instruction"
        spoken = next((each for each in LANGUAGES if each == language), None)
        if spoken is None:
            raise Problem("bad-value", f"The language is one of: {', '.join(LANGUAGES)}.")
        return web.Response(body=await self._voice.say(spoken, key), content_type="audio/wav")

    async def cabin(self, request: web.Request) -> web.Response:
        """The cabin without its person."""
        return self._cabin(account_of(request))

    async def instruments(self, _: web.Request) -> web.Response:
        """Every instrument and its state."""
        return answer({"instruments": self._face.instruments()})

    async def command(self, request: web.Request) -> web.Response:
        """Start or stop one instrument."""
        verb = request.match_info["verb"]
        if verb not in VERBS:
            raise Problem("bad-value", "An instrument can be told to 'start' or to 'stop', nothing else.")
        return answer(await self._face.command(request.match_info["name"], verb))

    async def deliveries(self, request: web.Request) -> web.Response:
        """What was handed to the record, newest first."""
        limit = request.query.get("limit", "50")
        if not (limit.isascii() and limit.isdecimal() and len(limit) <= 3 and 1 <= int(limit) <= 500):
            raise Problem("bad-value", "The limit is a whole number from 1 to 500.")
        return answer({"deliveries": self._face.deliveries(int(limit))})

    async def requeue(self, request: web.Request) -> web.Response:
        """Send a refused envelope again."""
        return answer(await self._face.requeue(request.match_info["mid"]))

    def _visit(self, account: Account, visit: Json) -> web.Response:
        """The visit; once it is forgotten, with the order to the kiosk's browser to forget it too."""
        view = {**visit, "api": API_VERSION, "build": self._build, "voice": self._voice.installed}
        view["may"] = [word for word in visit["may"] if self._may_say(account, word)]
        response = answer(view)
        if account.role == KIOSK:
            left = visit["state"] not in BETWEEN_VISITS
            if self._shown and not left:
                response.headers.update(FORGET)
            self._shown = left
        return response

    def _cabin(self, account: Account) -> web.Response:
        cabin = self._face.cabin()
        may = [word for word in cabin["may"] if self._may_say(account, word)]
        return answer({**cabin, "may": may, "build": self._build})

    def _may_see(self, account: Account) -> bool:
        return account.role == KIOSK or (account.role == TECHNICIAN and bool(self._face.status()["simulated"]))

    def _check_may_see(self, account: Account) -> None:
        if not self._may_see(account):
            raise Problem("forbidden", "A real visit belongs to the kiosk: do this at the cabin's screen.")

    def _may_say(self, account: Account, event: str) -> bool:
        if account.role == KIOSK:
            return event not in STAFF
        if account.role == NURSE:
            return event in STAFF
        return event in MAINTENANCE or self._may_see(account)


def _owner(event: str) -> str:
    return "do it on the nurse's page" if event in STAFF else "do it at the cabin's screen"
