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

from cabin_agent.face import Json, Refusal

CONTRACT: Json = yaml.safe_load(
    (Path(__file__).resolve().parent.parent / "docs" / "api.yaml").read_text(encoding="utf-8")
)
KEPT = 64

VISIT: Json = {
    "state": "measures",
    "language": "fr",
    "kind": "checkup",
    "may": ["leave", "skip"],
    "prompt": {"key": "state.measures", "text": "Restez assis.", "detail": []},
    "plan": [{"task": "size", "state": "done", "attempt": 1}, {"task": "pressure", "state": "waiting", "attempt": 0}],
    "running": [],
    "rest": {"seconds": 120.5, "needed": 300},
    "left_s": 412,
    "elapsed_s": 30.1,
    "simulated": True,
    "idle": {"warning": False},
    "messages": [{"code": "reason.finger-out", "text": "Le doigt est sorti."}],
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
    "simulated": True,
}
OUTCOME: Json = {"measure": "spo2", "status": "not-measured", "why": "refused", "detail": "", "text": "Refusée."}


def problems_of(value: Any, schema: Json) -> list[str]:
    """What is wrong with `value` by a schema of docs/api.yaml."""
    rooted = {**schema, "components": CONTRACT["components"]}
    return [error.message for error in Draft202012Validator(rooted).iter_errors(value)]


class Watch:
    """One bounded watcher, as `Face.watch` promises."""

    def __init__(self) -> None:
        self.queue: deque[Json | bytes] = deque(maxlen=KEPT)
        self.taken = 0
        self._filled = asyncio.Event()
        self.ended = False

    def offer(self, item: Json | bytes) -> None:
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

    def status(self) -> Json:
        delivery = {"connected": True, "pending": 0, "quarantined": 0}
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
            {"mid": "ab12", "seq": 2, "state": "pending", "receipt": None},
            {"mid": "ab11", "seq": 1, "state": "settled", "receipt": stored},
        ]

    @contextmanager
    def watch(self, waves: bool) -> Iterator[AsyncIterator[Json | bytes]]:
        watch = Watch()
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
    """Tokens "kiosk" and "technician", and the ticket "launch", good once."""

    def __init__(self) -> None:
        self.tokens = {role: FakeAccount(role, role) for role in ("kiosk", "technician", "stranger")}
        self.tickets = {"launch"}

    def who(self, token: str) -> FakeAccount | None:
        return self.tokens.get(token)

    def exchange(self, ticket: str) -> str | None:
        if ticket not in self.tickets:
            return None
        self.tickets.remove(ticket)
        return "kiosk"
