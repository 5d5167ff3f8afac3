"""Measures that a doctor orders: one at a time, seated and rested, stopped at a word, every instrument left safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.attempts import Told
from cabin_agent.clock import VisitClock
from cabin_agent.course import Course
from cabin_agent.directed import Directed
from cabin_agent.face import Refusal
from cabin_agent.instruments import Ear
from cabin_agent.measuring.bedside import Bedside, Unmeasured
from cabin_agent.measuring.tasks import CONDUCT, Conduct
from cabin_agent.plan import TASKS, Rules, TaskName
from cabin_agent.results import Measure, NotMeasured, Outcome, Quantity
from drivers.errors import DriverError
from tests.visits import CUFF, evidence

SPEED = 1000.0
USUAL = {"spo2": 97.0, "temperature": 36.4}
"""Values that nobody measures twice."""


class Bench:
    """Instruments that are there and do nothing but note that they were stopped."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.stuck = False
        self.safe = asyncio.Event()
        self.safe.set()
        """Whether a stop comes to its end."""

    @contextmanager
    def listen(self, _: str) -> Iterator[Ear]:
        yield Ear()

    def usable(self, _: str) -> bool:
        return True

    def care(self, _: str) -> None:
        return None

    def present(self, _: str) -> bool:
        return True

    def comes_and_goes(self, _: str) -> bool:
        return False

    async def stop(self, kind: str) -> None:
        self.stopped.append(kind)
        await self.safe.wait()
        if self.stuck:
            raise DriverError("The cuff does not confirm that it is open: open it by hand.")


class Room:
    """A doctor's orders on a bench, with everything that was told and the attempts that were made."""

    def __init__(self) -> None:
        self.bench, self.clock = Bench(), VisitClock(SPEED)
        self.told: list[Told] = []
        self.tried: list[tuple[TaskName, float | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.results: list[Unmeasured | DriverError] = []
        """What the next attempts fail with."""
        self.news = asyncio.Event()
        self.directed = Directed(
            cast(Any, self.bench), self.clock, Rules(rest_s=300), Course(0.0, []), self.tell, self.news.set
        )

    async def tell(self, told: Told) -> None:
        self.told.append(told)

    def conduct(self, task: TaskName) -> Conduct:
        async def measure(bedside: Bedside, _: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
            self.tried.append((task, bedside.rest_s))
            bedside.say("keep-still")
            await self.gate.wait()
            if self.results:
                raise self.results.pop(0)
            bedside.packed.append(b"track")
            name = TASKS[task].yields[0]
            return (Measure(name, {"value": Quantity(USUAL.get(name, 70.0), "1")}, evidence(CUFF)),)

        return measure

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(5):
            while not true():
                self.news.clear()
                await self.news.wait()

    async def done(self) -> None:
        await self.until(lambda: self.directed.order is None)

    async def order(self, task: str, *, sits: bool = False) -> list[Outcome]:
        """Order a measure and wait until it is over; what it gave."""
        before = len(self.outcomes)
        self.directed.start(task)
        if sits:
            await self.until(lambda: self.directed.waiting_to_sit)
            self.directed.seated()
        await self.done()
        return self.outcomes[before:]

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for told in self.told for outcome in told.outcomes]


@pytest.fixture
def told_to(monkeypatch: pytest.MonkeyPatch) -> Any:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Room]:
        room = Room()
        for task in CONDUCT:
            monkeypatch.setitem(CONDUCT, task, room.conduct(task))
        running = asyncio.create_task(room.directed.run())
        try:
            yield room
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    return opened


async def test_nothing_is_measured_before_somebody_says_so(told_to: Any) -> None:
    async with told_to() as room:
        await asyncio.sleep(0)
        assert (room.tried, room.told, room.directed.view()["plan"]) == ([], [], [])
        with pytest.raises(Refusal, match="nothing to stop"):
            room.directed.stop("ecg")
        with pytest.raises(Refusal, match="nothing was skipped"):
            room.directed.skip("ecg")


async def test_a_measure_made_standing_begins_at_once_and_is_shown_while_it_runs(told_to: Any) -> None:
    async with told_to() as room:
        room.gate.clear()
        room.directed.start("size")
        assert room.directed.order == "size"
        await room.until(lambda: room.tried)
        view = room.directed.view()
        assert (view["running"], view["attempts"], view["left_s"]) == (["size"], {"attempt": 1, "of": 3}, None)
        assert room.directed.attempts.messages == ("keep-still",)
        room.gate.set()
        await room.done()
        (outcome,) = room.outcomes
        assert (outcome.name, room.told[-1].tracks) == ("weight", (b"track",))
        assert (room.bench.stopped, room.directed.attempts.messages) == (["scale"], ())
        assert room.directed.course.states == {"size": "done"}


async def test_one_order_at_a_time(told_to: Any) -> None:
    async with told_to() as room:
        room.gate.clear()
        room.directed.start("size")
        await room.until(lambda: room.tried)
        for task in TASKS:
            with pytest.raises(Refusal, match=r"Instrument 1 is in use: wait for it, or stop it first\.") as busy:
                room.directed.start(task)
            assert busy.value.code == "busy"
        with pytest.raises(Refusal):
            room.directed.stop("ecg")
        room.directed.stop("size")
        await room.done()
        room.gate.set()
        assert len(await room.order("size")) == 1


@pytest.mark.parametrize("task", ["", "weight", "SIZE", "size "])
async def test_an_unknown_measure_is_refused_with_those_there_are(told_to: Any, task: str) -> None:
    async with told_to() as room:
        with pytest.raises(Refusal, match="there are: size, oximetry, temperature, ecg, hearing, pressure") as bad:
            room.directed.start(task)
        assert (bad.value.code, room.directed.order) == ("bad-value", None)


async def test_the_agent_is_asked_to_sit_once_and_the_rest_counts_from_there(told_to: Any) -> None:
    async with told_to() as room:
        await room.order("ecg", sits=True)
        sat = room.directed.course.seated_at
        assert room.told[0] == Told(seated_s=sat)
        await asyncio.sleep(0.05)
        await room.order("pressure")
        assert [task for task, _ in room.tried] == ["ecg", "pressure"]
        first, second = (rest for _, rest in room.tried)
        assert first is not None
        assert second is not None
        assert second - first >= 0.05 * SPEED - 1
        assert room.directed.course.seated_at == sat


async def test_after_standing_the_agent_sits_anew(told_to: Any) -> None:
    async with told_to() as room:
        await room.order("temperature", sits=True)
        sat = room.directed.course.seated_at
        await room.order("size")
        assert Told(stood=True) in room.told
        assert room.tried[-1] == ("size", None)
        assert room.directed.view()["rest"] is None
        await room.order("pressure", sits=True)
        assert room.directed.course.seated_at > sat
        assert room.tried[-1][1] < 100


async def test_each_order_of_a_pressure_is_one_reading_and_no_mean(told_to: Any) -> None:
    async with told_to() as room:
        given = [*await room.order("pressure", sits=True), *await room.order("pressure")]
        assert [outcome.name for outcome in given] == ["blood_pressure", "blood_pressure"]
        ends = [end for told in room.told for end in told.reading_ends_s]
        assert len(ends) == 2
        assert ends == room.directed.course.reading_ends


async def test_a_failed_reading_is_one_outcome_and_counts_as_an_inflation(told_to: Any) -> None:
    async with told_to() as room:
        room.results = [Unmeasured("loose-cuff")]
        assert await room.order("pressure", sits=True) == [NotMeasured("blood_pressure", "failed", "loose-cuff")]
        assert len(room.told[-1].reading_ends_s) == 1
        assert room.directed.course.states == {"pressure": "failed"}


async def test_a_start_that_was_refused_inflated_nothing_and_is_tried_again(
    told_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cabin_agent.attempts.NEWS_S", 0.01)
    async with told_to() as room:
        room.results = [DriverError("busy"), DriverError("busy")]
        (outcome,) = await room.order("pressure", sits=True)
        assert (outcome.name, len(room.tried)) == ("blood_pressure", 3)


async def test_a_measure_that_fails_is_tried_three_times_and_then_told(told_to: Any) -> None:
    async with told_to() as room:
        room.results = [Unmeasured("no-pulse"), Unmeasured("no-pulse"), Unmeasured("finger-out")]
        assert await room.order("oximetry", sits=True) == [
            NotMeasured("spo2", "failed", "finger-out"), NotMeasured("pulse_rate", "failed", "finger-out"),
        ]  # fmt: skip
        assert len(room.tried) == 3


async def test_a_repeat_is_another_outcome(told_to: Any) -> None:
    async with told_to() as room:
        first = await room.order("temperature", sits=True)
        room.results = [Unmeasured("timeout")] * 3
        second = await room.order("temperature")
        assert [type(each) for each in (*first, *second)] == [Measure, NotMeasured]
        assert room.directed.course.outcomes == [*first, *second]


# --- stopping ---------------------------------------------------------------------------------------------------


async def test_the_doctor_s_stop_leaves_the_instrument_safe_and_says_so(told_to: Any) -> None:
    async with told_to() as room:
        room.gate.clear()
        room.directed.start("pressure")
        await room.until(lambda: room.directed.waiting_to_sit)
        room.directed.seated()
        await room.until(lambda: room.tried)
        room.directed.stop("pressure")
        await room.done()
        assert room.bench.stopped == ["tensiometer"]
        assert room.outcomes == [NotMeasured("blood_pressure", "interrupted", "aborted")]


@pytest.mark.parametrize("name", ["pressure", "ecg", "None", ""])
async def test_in_an_emergency_the_agent_stops_whatever_runs_by_any_name(told_to: Any, name: str) -> None:
    async with told_to() as room:
        await room.order("temperature", sits=True)
        room.gate.clear()
        room.directed.start("pressure")
        await room.until(lambda: len(room.tried) == 2)
        room.directed.skip(name)
        await room.done()
        assert room.bench.stopped[-1] == "tensiometer"
        assert room.outcomes[-1] == NotMeasured("blood_pressure", "refused", "")
        assert room.directed.course.states["pressure"] == "skipped"


async def test_a_stop_before_the_agent_sat_leaves_nothing_and_a_refusal_is_told(told_to: Any) -> None:
    async with told_to() as room:
        for halt, outcomes in ((room.directed.stop, []), (room.directed.skip, [NotMeasured("hearing", "refused")])):
            room.directed.start("hearing")
            await room.until(lambda: room.directed.waiting_to_sit)
            halt("hearing")
            await room.done()
            assert room.outcomes == outcomes
            assert not room.directed.waiting_to_sit
        with pytest.raises(Refusal):
            room.directed.seated()


async def test_after_an_instrument_that_does_not_confirm_its_stop_the_next_order_is_obeyed(told_to: Any) -> None:
    async with told_to() as room:
        room.bench.stuck = True
        await room.order("size")
        room.bench.stuck = False
        assert len(await room.order("size")) == 1


async def test_what_is_being_stored_when_it_is_stopped_has_one_outcome(told_to: Any) -> None:
    async with told_to() as room:
        stored, storing = asyncio.Event(), asyncio.Event()

        async def slowly(told: Told) -> None:
            storing.set()
            await stored.wait()
            room.told.append(told)

        room.directed._tell = slowly
        room.directed.start("size")
        await storing.wait()
        room.directed.skip("size")
        await room.done()
        stored.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [type(outcome) for outcome in room.outcomes] == [Measure]
        assert room.directed.course.states == {"size": "done"}


async def test_the_end_of_everything_leaves_what_runs_safe_and_tells_what_is_broken_off(told_to: Any) -> None:
    async with told_to() as room:
        assert room.directed.broken_off() == Told()
        room.gate.clear()
        room.directed.start("size")
        await room.until(lambda: room.tried)
        assert [each.name for each in room.directed.broken_off().outcomes] == ["weight", "height", "bmi"]
    assert room.bench.stopped == ["scale"]
    assert room.outcomes == []


@pytest.mark.parametrize(("halt", "why"), [("stop", "interrupted"), ("skip", "refused")])
async def test_an_end_while_the_cuff_is_being_opened_keeps_why_there_is_no_value(
    told_to: Any, halt: str, why: str
) -> None:
    async with told_to() as room:
        await room.order("temperature", sits=True)
        room.gate.clear()
        room.bench.safe.clear()
        room.directed.start("pressure")
        await room.until(lambda: len(room.tried) == 2)
        getattr(room.directed, halt)("pressure")
        await until(lambda: room.bench.stopped[-1] == "tensiometer")
        (left,) = room.directed.broken_off().outcomes
        assert (left.name, left.why) == ("blood_pressure", why)
        room.bench.safe.set()
        await room.done()
        assert room.outcomes[-1] == left
        assert room.directed.broken_off() == Told()


async def test_a_refusal_before_the_agent_sat_is_kept_by_an_end_at_that_moment(told_to: Any) -> None:
    async with told_to() as room:
        room.bench.safe.clear()
        room.directed.start("hearing")
        await room.until(lambda: room.directed.waiting_to_sit)
        assert room.directed.broken_off() == Told()
        room.directed.skip("hearing")
        await until(lambda: room.bench.stopped)
        assert room.directed.broken_off().outcomes == (NotMeasured("hearing", "refused"),)
        room.bench.safe.set()
        await room.done()


async def test_what_waits_for_the_disk_is_kept_by_an_end_with_its_samples_and_once(told_to: Any) -> None:
    async with told_to() as room:
        stored = asyncio.Event()

        async def when_there_is_room(told: Told) -> None:
            await stored.wait()
            room.told.append(told)

        room.directed._tell = when_there_is_room
        room.directed.start("size")
        await until(lambda: room.directed.broken_off().tracks)
        room.directed.skip("size")
        await room.done()
        room.directed.start("oximetry")
        (value,) = room.directed.broken_off().outcomes
        assert (value.name, type(value), room.directed.broken_off().tracks) == ("weight", Measure, (b"track",))
        stored.set()
        await until(lambda: room.directed.broken_off() == Told())
        assert room.outcomes == [value]


async def test_an_end_waits_until_the_instrument_is_safe(told_to: Any) -> None:
    async with told_to() as room:
        room.gate.clear()
        room.bench.safe.clear()
        room.bench.stuck = True
        obeying = asyncio.create_task(room.directed.attempts.leave_safe("pressure"))
        await until(lambda: room.bench.stopped)
        obeying.cancel()
        await asyncio.sleep(0.01)
        assert not obeying.done()
        room.bench.safe.set()
        with pytest.raises(asyncio.CancelledError):
            await obeying


async def until(true: Callable[[], object]) -> None:
    """Wait for what nobody tells."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0)


@given(st.lists(st.sampled_from([*TASKS]), max_size=6))
def test_the_agent_sits_for_every_seated_measure_that_follows_a_standing_one(orders: list[TaskName]) -> None:
    """Whatever is ordered, nothing seated is tried without a seat, and nobody is asked to sit twice in a row."""

    async def obey() -> tuple[list[tuple[TaskName, float | None]], int]:
        room = Room()
        for task in TASKS:
            patch.setitem(cast(dict[TaskName, Conduct], CONDUCT), task, room.conduct(task))
        running = asyncio.create_task(room.directed.run())
        sat = 0
        try:
            for task in orders:
                sits = not TASKS[task].standing and room.directed.course.seated_at is None
                sat += sits
                await room.order(task, sits=sits)
            return room.tried, sat
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with pytest.MonkeyPatch.context() as patch:
        tried, sat = asyncio.run(obey())
    assert [task for task, _ in tried] == orders
    assert all((rest is None) is TASKS[task].standing for task, rest in tried)
    changes = [TASKS[task].standing for task in orders]
    assert sat == sum(not now and (place == 0 or changes[place - 1]) for place, now in enumerate(changes))
