"""Weight and height: two locked weights that agree, the height of the same messages, and the index of both."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, cast

import pytest

from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.measuring.size import measure
from cabin_agent.results import Measure, NotMeasured, Outcome
from drivers import DECODERS
from drivers.events import Event, NoValue, Reading, Value
from drivers.link import LinkState
from drivers.weighing import Stillness
from simulators.body import Body
from simulators.physiology import Physiology
from simulators.rack import MODELS
from tests.bedside_fakes import bedside

LOCKED = frozenset({"locked"})
WEIGHED = datetime.fromisoformat("2026-11-21T22:30:05")
OTHERS: tuple[Outcome, ...] = (NotMeasured("spo2", "refused"),)


def message(weight: Value, height: Value = 175.0, bmi: bool = True, flags: frozenset[str] = LOCKED) -> list[Event]:
    """What the driver says of one message of the scale."""
    said: list[Event] = [Reading("weight", weight, "kg", flags), Reading("height", height, "cm", flags)]
    return [*said, Reading("bmi", 23.6, "kg/m2", flags)] if bmi else said


async def measured(*messages: list[Event], before: tuple[Outcome, ...] = ()) -> tuple[Outcome, ...]:
    return await measure(bedside(*(event for each in messages for event in each), speed=600), before)


def value(outcome: Outcome) -> float:
    assert isinstance(outcome, Measure)
    return outcome.values["value"].value


async def test_two_weights_that_agree_and_the_index() -> None:
    weight, height, bmi = await measured(message(72.4), message(72.5))
    assert (value(weight), value(height), value(bmi)) == (72.45, 175.0, 23.7)
    assert isinstance(weight, Measure) and isinstance(bmi, Measure)
    assert (weight.evidence.readings, weight.evidence.spread) == (2, 0.1)
    assert bmi.evidence.device is None


async def test_the_index_points_at_its_sources_in_the_visits_list() -> None:
    _, _, bmi = await measured(message(72.4), message(72.4), before=OTHERS)
    assert isinstance(bmi, Measure)
    assert bmi.derived_from == (1, 2)


async def test_a_scale_that_sends_no_index() -> None:
    weight, height, bmi = await measured(*[message(80.0, 180.0, bmi=False)] * 3)
    assert (value(weight), value(height), value(bmi)) == (80.0, 180.0, 24.7)


async def test_without_a_height_there_is_a_weight_and_no_index() -> None:
    weight, height, bmi = await measured(*[message(72.4, NoValue("missing"))] * 2)
    assert value(weight) == 72.4
    assert height == NotMeasured("height", "failed", "missing")
    assert bmi == NotMeasured("bmi", "failed", "missing")


async def test_a_settling_weight_is_not_taken() -> None:
    settling = message(60.0, flags=frozenset({"settling"}))
    weight, *_ = await measured(settling, settling, message(72.4), message(72.4))
    assert value(weight) == 72.4


async def test_weights_that_never_agree_are_unstable() -> None:
    with pytest.raises(Unmeasured) as failed:
        await measured(message(70.0), message(71.0), message(72.0))
    assert failed.value.detail == "unstable"


def dated(quantity: Literal["weight", "height"], value: Value) -> Reading:
    return Reading(quantity, value, "kg" if quantity == "weight" else "cm", LOCKED, taken=WEIGHED)


async def test_a_scale_that_dates_its_weighing_weighs_once() -> None:
    weight, height, bmi = await measured([dated("weight", 72.4)])
    assert value(weight) == 72.4
    assert isinstance(weight, Measure)
    assert weight.evidence.readings == 1
    assert (height, bmi) == (NotMeasured("height", "failed", "missing"), NotMeasured("bmi", "failed", "missing"))


async def test_a_scale_that_dates_its_weighing_may_know_the_height() -> None:
    weight, height, bmi = await measured([dated("weight", 72.4), dated("height", 175.0)])
    assert (value(weight), value(height), value(bmi)) == (72.4, 175.0, 23.6)


async def test_a_scale_that_shows_nothing_of_who_left_says_so() -> None:
    place = bedside(*message(72.4), *message(72.4), speed=600)
    cast(Any, place.instruments).hand = {"scale"}
    weight, *_ = await measure(place, ())
    assert isinstance(weight, Measure)
    assert weight.evidence.notes == ("empty-not-shown",)
    place = bedside(dated("weight", 72.4), speed=600)
    cast(Any, place.instruments).hand = {"scale"}
    weight, *_ = await measure(place, ())
    assert isinstance(weight, Measure)
    assert weight.evidence.notes == ()


async def test_an_impossible_weight_is_refused() -> None:
    with pytest.raises(Unmeasured) as failed:
        await measured(*[message(15.0)] * 2)
    assert failed.value.detail == "implausible"


@pytest.mark.parametrize("said", [[], message(NoValue("missing"))])
async def test_nobody_on_the_scale(said: list[Event]) -> None:
    with pytest.raises(Unmeasured) as failed:
        await measured(said)
    assert failed.value.detail == "nobody"


@pytest.mark.parametrize(("state", "detail"), [(LinkState.ABSENT, "unplugged"), (LinkState.STALE, "silent")])
async def test_a_scale_that_leaves(state: LinkState, detail: str) -> None:
    with pytest.raises(Unmeasured) as failed:
        await measure(bedside(*message(72.4), state), ())
    assert failed.value.detail == detail


REQUESTS = {"healthometer": b"\x1bR\x1bE", "a-and-d": b"Q\r\n", "mt-sics": b"SI\r\n", "detecto": b"\nP\r"}
FAULTS = [(name, fault) for name in (*REQUESTS, "healthometer-2595kl") for fault in (None, *MODELS[name].own_faults)]


class Weighed:
    """One simulated scale, asked twice a second, through its decoder and its watch for a weight that is stuck."""

    def __init__(self, name: str) -> None:
        self.body = Body(1, Physiology(weight=58.0, height=160.0))
        self.device = MODELS[name](self.body)
        self._decoder, self._still, self._request = DECODERS[name](), Stillness(), REQUESTS.get(name, b"")
        self.device.opened(0.0)

    def hear(self, start: int, end: int) -> list[Event]:
        told: list[Event] = []
        for half in range(2 * start, 2 * end):
            frames = [*self.device.produce(half / 2), *self.device.receive(self._request, half / 2)]
            told += self._still.hear(self._decoder.feed(b"".join(frames)), half / 2)
        return told

    def change(self, at: float, **asked: Any) -> None:
        self.body.change(at, asked)


@pytest.mark.parametrize(("name", "fault"), FAULTS)
async def test_no_fault_of_a_scale_makes_a_false_weight(name: str, fault: str | None) -> None:
    """A first person stands there, the scale goes wrong, they leave, and the next one is weighed."""
    scale = Weighed(name)
    scale.hear(0, 20)
    if fault:
        scale.device.fail(fault, True, 20.0)
    scale.hear(20, 30)
    scale.change(30.0, on_scale=False)
    scale.hear(30, 100)
    scale.change(100.0, on_scale=True, weight=72.4, height=175.0)
    try:
        outcomes = await measure(bedside(*scale.hear(100, 130), speed=600), ())
    except Unmeasured:
        assert fault, "a sound scale weighs"
        return
    weight, height, _ = outcomes
    assert value(weight) == pytest.approx(72.4, abs=0.2)
    assert isinstance(height, NotMeasured) or value(height) == pytest.approx(175.0, abs=1.0)
