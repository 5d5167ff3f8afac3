"""What all scales share: agreement, the zero point, a weight that is stuck; and every scale on a whole link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers import DRIVERS, healthometer, weighing
from drivers.errors import Unplugged
from drivers.events import Event, Identity, NoValue, Reading, Trouble, Value
from drivers.instrument import Instrument
from drivers.pipe import CABLES, WHOLE, Cable, End, pipe
from drivers.stream import open_stream
from drivers.weighing import STUCK, STUCK_S, Agreement, Stillness, ZeroPoint
from simulators.body import Body
from simulators.physiology import Physiology
from simulators.rack import MODELS, Ready, run_rack

NEW = ("a-and-d", "mt-sics", "detecto", "healthometer-2595kl")
SCALES = ("healthometer", *NEW)
"""Those on a serial line, without a checksum; the others are whole messages of their own stack."""
LOCKED = frozenset({"locked"})


def said(kg: Value, flags: frozenset[str] = LOCKED) -> Reading:
    return Reading("weight", kg, "kg", flags, {"shown": "3.2", "shown_unit": "kg"})


@pytest.mark.parametrize(
    ("number", "unit", "kg"),
    [(72.4, "kg", 72.4), (72400.0, "g", 72.4), (160.0, "lb", 72.5747792), (2560.0, "oz", 72.5747792)],
)
def test_every_unit_becomes_kilograms(number: float, unit: str, kg: float) -> None:
    assert weighing.person(number, unit) == pytest.approx(kg)


@pytest.mark.parametrize(
    ("number", "why"), [(0.0, "missing"), (9.9, "out-of-range"), (350.1, "out-of-range"), (-72.4, "out-of-range")]
)
def test_what_no_person_weighs_is_no_value(number: float, why: str) -> None:
    value = weighing.person(number, "kg")
    assert isinstance(value, NoValue) and value.why == why


def test_two_equal_messages_in_a_row_agree() -> None:
    agreement = Agreement()
    assert [agreement.hear(word) for word in "aabaa"] == ["settling", "locked", "settling", "settling", "locked"]
    agreement.forget()
    assert agreement.hear("a") == "settling"


def test_a_scale_that_was_tipped_gives_no_weight_until_it_shows_nothing() -> None:
    zero, light = ZeroPoint(), said(NoValue("out-of-range"), frozenset())
    assert zero.judge(light, steady=False) == light
    assert zero.judge(said(72.4), steady=True) == said(72.4), "a foot on its way is no lost zero"
    zero.judge(light, steady=True)
    told = zero.judge(said(75.6), steady=True)
    assert told.value == NoValue("device-error")
    assert told.flags == {"not-zeroed"}
    index = Reading("bmi", 24.7, "kg/m2", frozenset({"locked"}))
    assert zero.beside(index).value == NoValue("device-error"), "an index is made of that weight"
    zero.judge(said(NoValue("missing"), frozenset()), steady=False)
    assert zero.judge(said(72.4), steady=True) == said(72.4)
    assert zero.beside(index) == index


def test_nobody_stands_still_for_a_minute() -> None:
    still = Stillness()
    told = [event for second in range(int(STUCK_S) + 5) for event in still.hear([said(72.4)], float(second))]
    values = [event.value for event in told if isinstance(event, Reading)]
    assert values == [72.4] * int(STUCK_S) + [NoValue("device-error")] * 5
    assert [event for event in told if isinstance(event, Trouble)] == [Trouble("refused", STUCK)]
    height = Reading("height", 175.0, "cm", LOCKED)
    (told_height,) = still.hear([height], 66.0)
    assert isinstance(told_height, Reading) and told_height.value == NoValue("device-error")


@pytest.mark.parametrize(
    "moved",
    [said(72.5), said(72.4, frozenset({"settling"})), said(NoValue("missing"), frozenset()), None],
    ids=["other", "settling", "empty", "silence"],
)
def test_whatever_moves_is_not_stuck(moved: Reading | None) -> None:
    still = Stillness()
    for second in range(50):
        still.hear([said(72.4)], float(second))
    still.hear([moved] if moved else [], 50.0)
    later = [still.hear([said(72.4)], 51.0 + second)[-1] for second in range(50)]
    assert all(isinstance(event, Reading) and event.value == 72.4 for event in later)


def test_what_is_no_weight_goes_by() -> None:
    assert Stillness().hear([Identity("a scale")], 1.0) == [Identity("a scale")]


class Peer:
    """A simulated scale at the other end of a pipe, its body twenty times faster than life."""

    def __init__(self, protocol: str, end: End, body: Body) -> None:
        self.end, self.device = end, MODELS[protocol](body)

    async def live(self) -> None:
        began = asyncio.get_running_loop().time()

        def now() -> float:
            return 20 * (asyncio.get_running_loop().time() - began)

        self.device.opened(0.0)
        listening = asyncio.create_task(self._listen(now))
        try:
            while True:
                for frame in self.device.produce(now()):
                    await self.end.write(frame)
                await asyncio.sleep(0.02)
        finally:
            listening.cancel()

    async def _listen(self, now: Callable[[], float]) -> None:
        while True:
            data = await self.end.read()
            for frame in self.device.receive(data, now()):
                await self.end.write(frame)


class Heard:
    """What a driver tells, and waiting for its locked weights."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def weights(self, count: int) -> None:
        """Wait until so many locked weights have come."""
        async with asyncio.timeout(20):
            while len(locked(self.events)) < count:
                self._more.clear()
                await self._more.wait()


def locked(events: list[Event]) -> list[float]:
    return [
        event.value
        for event in events
        if isinstance(event, Reading)
        and event.quantity == "weight"
        and "locked" in event.flags
        and isinstance(event.value, float)
    ]


async def weighed(protocol: str, driver: Instrument, cable: Cable) -> list[Event]:
    """What a driver tells over a cable until three locked weights have come."""
    here, there = pipe(cable)
    heard = Heard()
    jobs = [
        asyncio.create_task(driver.run(here, heard.emit)),
        asyncio.create_task(Peer(protocol, there, Body(1)).live()),
    ]
    try:
        await heard.weights(3)
        here.drop()
        with pytest.raises(Unplugged):
            await jobs[0]
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
    return heard.events


def driver_of(protocol: str) -> Instrument:
    """The driver for a body twenty times faster than life."""
    new: Any = DRIVERS[protocol]
    asks = {} if protocol in ("healthometer", "healthometer-2595kl") else {"poll_s": 0.03}
    driver: Instrument = new(**asks, time_scale=20.0)
    return driver


@pytest.mark.parametrize("cable", CABLES)
@pytest.mark.parametrize("protocol", NEW)
async def test_every_scale_on_every_cable_tells_no_false_weight(protocol: str, cable: str) -> None:
    events = await weighed(protocol, driver_of(protocol), CABLES[cable])
    assert set(locked(events)) == {72.4}


@pytest.mark.parametrize("protocol", SCALES)
async def test_the_same_driver_lives_on_after_a_replug(protocol: str) -> None:
    driver = driver_of(protocol)
    for _ in range(2):
        assert set(locked(await weighed(protocol, driver, WHOLE))) == {72.4}


@pytest.mark.parametrize("protocol", NEW)
async def test_what_is_unconfirmed_is_said_at_opening(protocol: str) -> None:
    here, there = pipe()
    events: list[Event] = []
    there.close()
    with pytest.raises(Unplugged):
        await DRIVERS[protocol]().run(here, events.append)
    (warning,) = events
    assert isinstance(warning, Trouble) and warning.code == "unconfirmed" and warning.detail


@pytest.mark.parametrize("protocol", NEW)
async def test_every_scale_on_a_real_terminal(tmp_path: Path, protocol: str) -> None:
    body = Body(1, Physiology(weight=83.2))
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    rack = asyncio.create_task(run_rack(tmp_path, [protocol], body, 20.0, ready=ready.set_result))
    driver, heard = driver_of(protocol), Heard()
    stream = await open_stream((await ready).urls[protocol], driver.line)
    run = asyncio.create_task(driver.run(stream, heard.emit))
    try:
        await heard.weights(1)
    finally:
        for task in (run, rack):
            task.cancel()
        await asyncio.gather(run, rack, return_exceptions=True)
        stream.close()
    assert set(locked(heard.events)) == {83.2}
    assert not [event for event in heard.events if isinstance(event, Trouble) and event.code != "unconfirmed"]


async def test_an_mt_sics_scale_says_who_it_is_first() -> None:
    events = await weighed("mt-sics", driver_of("mt-sics"), WHOLE)
    identities = [event for event in events if isinstance(event, Identity)]
    assert identities[-1] == Identity("ICS685 simulated 300.0 kg", "1.24 simulated", "B012345678")


async def test_start_and_stop_are_always_true() -> None:
    for protocol in SCALES:
        scale = DRIVERS[protocol]()
        await scale.start()
        await scale.stop()
        assert scale.kind == "scale"


async def test_a_scale_that_answers_every_question_with_its_last_weight_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its answers are as far apart as the questions, which is no silence: the next person would get that weight."""
    monkeypatch.setattr(weighing, "STUCK_S", 1.0)
    monkeypatch.setattr(weighing, "SILENCE_S", 0.05)
    here, there = pipe(WHOLE)
    heard: list[Event] = []
    running = asyncio.create_task(healthometer.Scale(poll_s=0.1).run(here, heard.append))
    async with asyncio.timeout(10):
        while not any("stuck" in event.flags for event in heard if isinstance(event, Reading)):
            await there.read()
            await there.write(healthometer.encode_message("72.4"))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    told = [event for event in heard if isinstance(event, Reading)]
    assert told[-1].value == NoValue("device-error")
    assert Trouble("refused", STUCK) in heard
