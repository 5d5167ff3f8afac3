"""`cabin monitor` beside a core: what a technician is told between visits, and nothing of a visit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cabin_agent.client import CoreClient, CoreError
from cabin_agent.event_json import event_json
from cabin_agent.face import Json, Refusal
from cabin_agent.frames import describe_wave, encode_wave
from cabin_agent.monitoring.beside import Beside, find, free
from cabin_agent.web import make_app, serve
from drivers.events import PressureResult, Wave
from tests.fake_face import INSTRUMENT, FakeAccess, FakeFace
from tests.test_cabin_agent_monitoring_alone import Heard

READING: Json = {
    "type": "reading", "instrument": "oximeter", "quantity": "spo2", "value": None, "why": "finger-out", "unit": "%",
    "flags": ["x"], "simulated": True, "at_us": 1,
}  # fmt: skip
PLETH = Wave("pleth", 150, 75.0, "1", ("pleth",), ((1.0,), (2.0,), (4.0,)))


class Counting(FakeFace):
    """Its oximeter has had as many damaged frames as `checksums` says."""

    checksums = 0

    def instruments(self) -> list[Json]:
        return [INSTRUMENT | {"name": "finger", "troubles": {"checksum": self.checksums}}]


@pytest.fixture
def face() -> Counting:
    return Counting(simulated=False)


@pytest.fixture
async def core(face: Counting) -> AsyncIterator[CoreClient]:
    app = make_app(face, FakeAccess(), frozenset({"127.0.0.1"}))
    async with serve(app, 0) as url, CoreClient(url, "technician") as core:
        yield core


async def running(face: Counting, core: CoreClient, heard: Heard, *, start: bool = False) -> asyncio.Task[None]:
    row = find(await core.instruments(), "oximeter")
    task = asyncio.create_task(Beside(core, row).run(heard, start))
    async with asyncio.timeout(10):
        await face.opened.wait()
    return task


async def ended(task: asyncio.Task[None]) -> BaseException | None:
    task.cancel()
    return (await asyncio.gather(task, return_exceptions=True))[0]


async def test_what_the_core_tells_has_the_shapes_of_decode(face: Counting, core: CoreClient) -> None:
    heard = Heard()
    task = await running(face, core, heard)
    face.tell_all(READING | {"instrument": "ecg"})
    face.tell_all(READING)
    reading = {"value": {"no_value": "finger-out"}, "unit": "%", "flags": ["x"], "detail": {}, "taken": None}
    assert await heard.until("reading") == {"event": "reading", "quantity": "spo2", **reading}
    face.tell_all(describe_wave(PLETH))
    for frame in encode_wave(PLETH, 0, 2_000_000, simulated=True):
        face.tell_all(frame)
    assert await heard.until("wave") == event_json(PLETH)
    said = event_json(PressureResult(125.0, 78.0, 94.0, 66.0, 12))
    face.tell_all({"type": "said", "instrument": "oximeter", "said": said, "simulated": False, "at_us": 1})
    assert await heard.until("pressure_result") == said
    face.checksums = 3
    face.tell_all({"type": "instrument", "instrument": "oximeter", "state": "ready", "reason": ""})
    assert await heard.until("trouble") == {"event": "trouble", "code": "checksum", "detail": "", "count": 3}
    assert [each["event"] for each in heard.events].count("reading") == 1
    assert isinstance(await ended(task), asyncio.CancelledError)
    assert face.commands == []


async def test_a_visit_ends_it_and_nothing_begins_in_one(face: Counting, core: CoreClient) -> None:
    task = await running(face, core, Heard())
    face.cabin_state = "measures"
    face.tell_all({"type": "changed", "state": "measures"})
    with pytest.raises(CoreError, match="A visit is under way"):
        await asyncio.wait_for(task, 10)
    with pytest.raises(CoreError, match="A visit is under way"):
        await free(core)


class Commanded(Counting):
    """It may refuse to stop."""

    refuses: Refusal | None = None

    async def command(self, instrument: str, verb: str) -> Json:
        self.commands.append((instrument, verb))
        if verb == "stop" and self.refuses:
            raise self.refuses
        return INSTRUMENT


@pytest.mark.parametrize(
    ("refuses", "left_open"),
    [(None, ""), (Refusal("busy", "A visit."), ""), (Refusal("not-ready", "Open the cuff."), "Open the cuff.")],
)
async def test_what_was_started_is_stopped(refuses: Refusal | None, left_open: str) -> None:
    face = Commanded()
    face.refuses = refuses
    app = make_app(face, FakeAccess(), frozenset({"127.0.0.1"}))
    async with serve(app, 0) as url, CoreClient(url, "technician") as core:
        instrument = Beside(core, find(await core.instruments(), "finger"))
        task = asyncio.create_task(instrument.run(Heard(), True))
        await asyncio.wait_for(face.opened.wait(), 10)
        await ended(task)
    assert face.commands == [("finger", "start"), ("finger", "stop")]
    assert instrument.left_open == left_open


def test_an_instrument_is_found_by_name_or_kind() -> None:
    rows = [INSTRUMENT | {"name": "finger"}]
    assert find(rows, "finger") is find(rows, "oximeter") is rows[0]
    with pytest.raises(CoreError, match="there are: finger"):
        find(rows, "ecg")
