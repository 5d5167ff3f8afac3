"""A core without instruments, for the tests of the local API: it keeps what it was told and says what it is given."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from cabin_agent.face import Json, Refusal, Wanted

CONTRACT: Json = yaml.safe_load(
    (Path(__file__).resolve().parent.parent / "docs" / "api.yaml").read_text(encoding="utf-8")
)
KEPT = 64
ROLES = ("kiosk", "nurse", "technician", "doctor")

WEB: Json = {"api": 1, "build": "0123456789ab", "voice": False}
"""What the web server adds to the core's view of the visit."""

VISIT: Json = {
    "state": "measures",
    "language": "fr",
    "kind": "checkup",
    "may": ["leave", "skip"],
    "prompt": {"key": "state.measures", "text": "Restez assis.", "detail": []},
    "doing": None,
    "plan": [
        {"task": "size", "number": 1, "instrument": "scale", "name": "Balance", "state": "done", "attempt": 1},
        {
            "task": "pressure",
            "number": 6,
            "instrument": "tensiometer",
            "name": "Tensiomètre",
            "state": "waiting",
            "attempt": 0,
        },
    ],
    "running": [],
    "attempts": None,
    "consultation": None,
    "rest": {"seconds": 120.5, "needed": 300, "next_s": 179.5},
    "left_s": 412,
    "elapsed_s": 30.1,
    "simulated": True,
    "idle": {"warning": False, "grace_s": 30},
    "messages": [{"code": "reason.finger-out", "text": "Le doigt est sorti.", "cure": "Remettez le doigt."}],
    "exclusions": ["chest-pain"],
    "satisfaction": ["easy"],
}
INSTRUMENT: Json = {
    "name": "oximeter",
    "kind": "oximeter",
    "protocol": "nonin",
    "url": "socket://127.0.0.1:7001",
    "state": "ready",
    "reason": "",
    "age_s": 0.2,
    "model": "3150",
    "serial": None,
    "firmware": None,
    "calibrated": None,
    "calibration_due": None,
    "past_due": False,
    "hours": 3.5,
    "openings": 2,
    "measured": 7,
    "failed": 1,
    "self_test": None,
    "clock_offset_s": None,
    "old_readings": 0,
    "unconfirmed": None,
    "bytes_in": 4200,
    "troubles": {},
    "simulated": True,
}
OUTCOME: Json = {
    "measure": "spo2",
    "status": "not-measured",
    "why": "refused",
    "detail": "",
    "text": "Refusée.",
    "review": None,
}


def problems_of(value: Any, schema: Json) -> list[str]:
    """What is wrong with `value` by a schema of docs/api.yaml."""
    rooted = {**schema, "components": CONTRACT["components"]}
    return [error.message for error in Draft202012Validator(rooted).iter_errors(value)]


class Watch:
    """One bounded watcher, as `Face.watch` promises."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.queue: deque[Json | bytes] = deque(maxlen=KEPT)
        self.taken = 0
        self._filled = asyncio.Event()
        self.ended = False

    def offer(self, item: Json | bytes) -> None:
        if self.wanted(item):
            self.queue.append(item)
            self._filled.set()

    def end(self) -> None:
        self.ended = True
        self._filled.set()

    def __aiter__(self) -> AsyncIterator[Json | bytes]:
        return self

    async def __anext__(self) -> Json | bytes:
        while not self.queue:
            if self.ended:
                raise StopAsyncIteration
            self._filled.clear()
            await self._filled.wait()
        self.taken += 1
        return self.queue.popleft()


class FakeFace:
    """A `cabin_agent.face.Face`; `failure` is raised by whatever is asked next."""

    def __init__(self, *, simulated: bool = True) -> None:
        self.cabin_state: str | None = "cleaning"
        self.simulated = simulated
        self.failure: Exception | None = None
        self.told: list[Json] = []
        self.commands: list[tuple[str, str]] = []
        self.limits: list[int] = []
        self.watches: list[Watch] = []
        self.waves_asked: list[bool] = []
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.extra: Json = {}
        self.joined: list[tuple[str, str]] = []
        self.offers: list[str] = []
        self.hung_up: list[tuple[str, str]] = []
        self.ended: list[str] = []

    def status(self) -> Json:
        delivery = {"connected": True, "pending": 0, "quarantined": 0, "damaged": 0}
        return {"version": "1", "ready": True, "simulated": self.simulated, "speed": 1.0, "delivery": delivery}

    def visit(self) -> Json:
        self._fail()
        return {**VISIT, **self.extra}

    async def tell(self, message: Json) -> Json:
        self._fail()
        self.told.append(message)
        return self.visit()

    def results(self) -> Json:
        self._fail()
        return {"outcomes": [OUTCOME]}

    def instruments(self) -> list[Json]:
        self._fail()
        return [INSTRUMENT]

    async def command(self, instrument: str, verb: str) -> Json:
        self._fail()
        if instrument != "oximeter":
            raise Refusal("unknown-instrument", "No instrument is called so; there are: oximeter.")
        self.commands.append((instrument, verb))
        return INSTRUMENT

    def deliveries(self, limit: int) -> list[Json]:
        self._fail()
        self.limits.append(limit)
        stored = {"status": "stored", "at_ms": 1}
        return [
            {"mid": "ab12", "seq": 2, "state": "pending", "attempts": 1, "receipt": None},
            {"mid": "ab11", "seq": 1, "state": "settled", "attempts": 0, "receipt": stored},
        ]

    async def requeue(self, mid: str) -> Json:
        self._fail()
        if mid != "ab" * 16:
            raise Refusal("bad-value", "No result in quarantine has this message id.")
        return {"mid": mid, "seq": 3, "state": "pending", "attempts": 0, "receipt": None}

    def cabin(self) -> Json:
        self._fail()
        return {
            "state": self.cabin_state,
            "to_clean": ["scale"],
            "cleaned": ["oximeter"],
            "nurse_called": False,
            "warnings": [],
            "may": ["tick", "out_of_order"],
            "media": {"up": False},
            "instruments": [{key: INSTRUMENT[key] for key in ("name", "kind", "state", "reason")}],
            "simulated": self.simulated,
            "name": "Cabine",
        }

    def consultation(self, doctor: str) -> Json:
        self._fail()
        media = {"up": True}
        return {
            "waiting": True,
            "state": "waiting",
            "connected": False,
            "cabin": "Cabine",
            "simulated": self.simulated,
            "media": media,
        }

    async def join(self, doctor: str, language: str = "fr") -> Json:
        self._fail()
        self.joined.append((doctor, language))
        return {"token": "once", "expires_s": 30.0}

    async def offer(self, token: str, sdp: str) -> tuple[str, str]:
        self._fail()
        if token != "once":
            raise Refusal("bad-token", "This token is unknown or already used: ask for another one.")
        self.offers.append(sdp)
        return "session-1", "v=0\r\nanswer"

    async def end(self, doctor: str) -> None:
        self._fail()
        self.ended.append(doctor)

    async def hang_up(self, doctor: str, session: str) -> None:
        self._fail()
        self.hung_up.append((doctor, session))

    @contextmanager
    def watch(self, waves: bool, wanted: Wanted) -> Iterator[AsyncIterator[Json | bytes]]:
        watch = Watch(wanted)
        self.watches.append(watch)
        self.waves_asked.append(waves)
        self.opened.set()
        try:
            yield watch
        finally:
            self.watches.remove(watch)
            self.closed.set()

    def tell_all(self, item: Json | bytes) -> None:
        """Offer one change to every watcher."""
        for watch in self.watches:
            watch.offer(item)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass(frozen=True, slots=True)
class FakeAccount:
    """Who asks."""

    name: str
    role: str


class FakeAccess:
    """One token for each role, called like it; the ticket "launch", good once; everybody's code is "0123456789"."""

    def __init__(self) -> None:
        self.tokens = {role: FakeAccount(role, role) for role in (*ROLES, "stranger")}
        self.tickets = {"launch"}
        self.signed_out: list[str] = []

    def who(self, token: str) -> FakeAccount | None:
        return self.tokens.get(token)

    def exchange(self, ticket: str) -> str | None:
        if ticket not in self.tickets:
            return None
        self.tickets.remove(ticket)
        return "kiosk"

    async def sign_in(self, name: str, code: str, role: str) -> str:
        if code != "0123456789":
            raise Refusal("wrong-code", "Name, code and role do not go together: try again.")
        return role

    def sign_out(self, token: str) -> None:
        self.signed_out.append(token)
