"""A cabin whose agent waits for a doctor: a real core, a media link that answers, measures that can be held back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cabin_agent.core import Core
from cabin_agent.core_face import CoreFace
from cabin_agent.face import Json, Refusal
from cabin_agent.instruments import Instruments
from cabin_agent.measuring.bedside import Bedside
from cabin_agent.measuring.tasks import CONDUCT, Conduct
from cabin_agent.media.wire import Picture
from cabin_agent.plan import TASKS, TaskName
from cabin_agent.results import Device, Evidence, Measure, Outcome, Quantity
from cabin_agent.visit_table import State
from tests.core_bench import CONSULTING, running_core, say, until
from tests.fake_face import CONTRACT, problems_of

PROOF = Evidence("good", (), Device("scale", "healthometer", "model", None, None, True), 1, 2)
JPEG = b"\xff\xd8\xff\xe0a picture\xff\xd9"
ABOUT: Json = {
    "site": "ear", "side": "left", "camera": "otoscope", "width": 1280, "height": 720, "taken_ms": 1_795_254_120_000,
    "simulated": True,
}  # fmt: skip
DOCTOR, OTHER = "dr-one", "dr-two"


class FakeLink:
    """A media process that answers every offer and notes what it was told."""

    def __init__(self) -> None:
        self.up = True
        self.state: Json = {
            "camera": "face",
            "cameras": [
                {"name": "face", "label": "Face", "state": "live", "reason": "", "simulated": True},
                {"name": "otoscope", "label": "Otoscope", "state": "closed", "reason": "", "simulated": True},
            ],
            "sound": {"microphone": "desk", "speaker": "desk", "stethoscope": None},
        }
        self.told: list[tuple[str, Json]] = []
        self.offers: list[tuple[str, str, str]] = []
        self.closed: list[str] = []
        self.failure: Refusal | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.offered = asyncio.Event()

    async def offer(self, session: str, sdp: str, language: str, /) -> str:
        self.offers.append((session, sdp, language))
        self.offered.set()
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
        return f"answer to {sdp}"

    def tell(self, session: str, event: Json, /) -> None:
        self.told.append((session, event))

    def close(self, session: str, /) -> None:
        self.closed.append(session)


class Time:
    """Monotonic seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


class Call:
    """A cabin that waits for a doctor, its link and the clock of the call."""

    def __init__(self, core: Core) -> None:
        self.core, self.face = core, CoreFace(core)
        self.link, self.time = FakeLink(), Time()
        core.consultation.link, core.consultation._now = self.link, self.time
        if core.visit.state is State.CONSULTATION:
            core.consultation.opened()
        self.session = ""

    async def join(self, doctor: str = DOCTOR, language: str = "fr", *, connect: bool = True) -> str:
        token = (await self.face.join(doctor, language))["token"]
        self.session, answer = await self.face.offer(token, "offer")
        assert answer == "answer to offer"
        if connect:
            self.core.consultation.moved(self.session, "connected")
        return self.session

    async def ask(self, do: str, **more: Any) -> Json:
        return await self.core.consultation.asked(self.session, {"id": 7, "to": "core", "do": do, **more})

    async def picture(self, jpeg: bytes = JPEG, **about: Any) -> None:
        """The media process hands over a picture of the call."""
        await self.core.consultation.kept(Picture({**ABOUT, "session": self.session, **about}, jpeg))

    async def view(self) -> Json:
        answer = await self.ask("view")
        assert answer["ok"] is True
        view: Json = answer["view"]
        return view

    async def measured(self, task: str, *, sits: bool = False) -> None:
        assert await self.ask("start", task=task) == {"ok": True}
        directed = self.core.directed
        assert directed is not None
        if sits:
            await until(self.core, lambda: directed.waiting_to_sit)
            await say(self.core, {"event": "seated"})
        await self.quiet()

    async def quiet(self) -> None:
        """Nothing runs any more."""
        directed = self.core.directed
        assert directed is not None
        await until(self.core, lambda: directed.order is None)


class Gate:
    """Holds every measure back while it is shut."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.done: list[str] = []
        self.stopped: list[str] = []


def gated(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Every task measures as soon as the gate is open; its `done` says what was begun, `stopped` what was left."""
    gate = Gate()

    def conduct(task: TaskName) -> Conduct:
        async def measure(bedside: Bedside, _: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
            gate.done.append(task)
            await gate.open.wait()
            if task == "pressure":
                values = {"systolic": Quantity(121.0, "mm[Hg]"), "diastolic": Quantity(79.0, "mm[Hg]")}
                proof = Evidence("good", (), PROOF.device, 1, 2, rest_s=bedside.rest_s)
                return (Measure("blood_pressure", values, proof),)
            return (Measure(TASKS[task].yields[-1], {"value": Quantity(1.0, "1")}, PROOF),)

        return measure

    async def stop(_: Instruments, kind: str) -> None:
        gate.stopped.append(kind)

    for task in CONDUCT:
        monkeypatch.setitem(CONDUCT, task, conduct(task))
    monkeypatch.setattr(Instruments, "usable", lambda self, kind: True)
    monkeypatch.setattr(Instruments, "present", lambda self, kind: True)
    monkeypatch.setattr(Instruments, "stop", stop)
    return gate


@asynccontextmanager
async def consulting(folder: Path) -> AsyncIterator[Call]:
    """A cabin whose agent waits for a doctor."""
    async with running_core(folder) as core:
        await say(core, *CONSULTING)
        yield Call(core)


def wrong(schema: str, value: object) -> list[str]:
    return problems_of(value, CONTRACT["components"]["schemas"][schema])


def state_of(core: Core) -> State:
    return core.visit.state
