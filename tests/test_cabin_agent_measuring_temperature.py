"""The temperature: three readings a moment apart, mode and site kept, nobody in front of the sensor refused."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cabin_agent.measuring import temperature
from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.measuring.temperature import measure
from cabin_agent.results import Measure, Outcome
from cabin_signal.temperature import RoomReason
from drivers.events import Event, NoValue, Reading, Value
from drivers.link import LinkState
from tests.bedside_fakes import bedside

DETAIL = {"mode": "object", "site": "forehead"}


def seen(celsius: Value, ambient: str = "") -> list[Event]:
    flags = frozenset({ambient} if ambient else ())
    return [Reading("temperature", celsius, "Cel", detail=DETAIL), Reading("ambient_temperature", 22.0, "Cel", flags)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings need not be apart: every one counts."""
    monkeypatch.setattr(temperature, "APART_S", 0.0)


async def measured(*each: list[Event]) -> Measure:
    outcomes: tuple[Outcome, ...] = await measure(bedside(*(e for one in each for e in one), speed=600), ())
    (outcome,) = outcomes
    assert isinstance(outcome, Measure)
    return outcome


async def test_three_readings_that_agree() -> None:
    outcome = await measured(seen(36.1), seen(36.3), seen(36.2))
    assert outcome.values["value"].value == 36.2
    assert (outcome.evidence.readings, outcome.evidence.spread) == (3, 0.2)
    assert (outcome.evidence.mode, outcome.evidence.site) == ("object", "forehead")
    assert outcome.evidence.quality == "good"
    assert "surface-temperature" in outcome.evidence.notes


@pytest.mark.parametrize("site", ["body", "mouth", "armpit"])
async def test_a_thermometer_that_settles_by_itself_says_it_once(site: str) -> None:
    outcome = await measured([Reading("temperature", 36.7, "Cel", detail={"mode": "adjusted", "site": site})])
    assert outcome.values["value"].value == 36.7
    assert (outcome.evidence.readings, outcome.evidence.site, outcome.evidence.notes) == (1, site, ())


async def by_hand(*said: Event) -> tuple[Measure, list[str]]:
    codes: list[str] = []
    place = bedside(*said, speed=600)
    place.say = codes.append
    cast(Any, place.instruments).hand = {"thermometer"}
    (outcome,) = await measure(place, ())
    assert isinstance(outcome, Measure)
    return outcome, codes


async def test_whoever_reads_it_by_hand_is_told_to_press_again() -> None:
    ear = Reading("temperature", 36.7, "Cel", detail={"mode": "adjusted", "site": "ear"})
    outcome, codes = await by_hand(ear, ear, ear)
    assert outcome.evidence.readings == 3
    assert [code for code in codes if code] == ["press-again"] * 2


async def test_a_site_that_is_not_stated_is_none() -> None:
    said = Reading("temperature", 36.7, "Cel", detail={"mode": "adjusted", "site": "unstated"})
    outcome, _ = await by_hand(said, said, said)
    assert outcome.evidence.site is None


async def test_a_thermometer_that_the_person_never_starts() -> None:
    with pytest.raises(Unmeasured) as failed:
        await by_hand()
    assert failed.value.detail == "nothing-sent"


async def test_an_ear_is_read_three_times_and_what_is_settling_does_not_count() -> None:
    ear: list[Event] = [Reading("temperature", 36.7, "Cel", detail={"mode": "adjusted", "site": "ear"})]
    assert (await measured(ear, ear, ear)).evidence.readings == 3
    early = Reading("temperature", 35.0, "Cel", frozenset({"settling"}), {"mode": "adjusted", "site": "body"})
    late = Reading("temperature", 36.7, "Cel", detail={"mode": "adjusted", "site": "body"})
    assert (await measured([early], [late])).values["value"].value == 36.7


async def test_two_more_where_they_spread() -> None:
    outcome = await measured(*(seen(each) for each in (36.0, 36.4, 36.2, 36.3, 36.1)))
    assert outcome.evidence.readings == 5
    assert outcome.values["value"].value == 36.2


async def test_readings_that_never_agree_are_unstable() -> None:
    with pytest.raises(Unmeasured) as failed:
        await measured(*(seen(each) for each in (34.0, 36.4, 37.2, 36.3, 35.1)))
    assert (failed.value.detail, failed.value.why) == ("unstable", "unstable")


async def test_a_wall_is_nobody() -> None:
    outcome = await measured(seen(21.0), seen(NoValue("out-of-range")), *[seen(36.2)] * 3)
    assert outcome.evidence.readings == 3
    with pytest.raises(Unmeasured) as failed:
        await measured(*[seen(21.0)] * 5)
    assert failed.value.detail == "too-far"


async def test_a_room_out_of_limits_lowers_the_grade() -> None:
    outcome = await measured(*[seen(36.2, "ambient-out-of-range")] * 3)
    assert (outcome.evidence.quality, outcome.evidence.reasons) == ("usable", ("ambient",))


@pytest.mark.parametrize("wrong", [("ambient-changed",), ("ambient-out-of-range", "ambient-changed")])
async def test_a_room_that_changed_lowers_the_grade(wrong: tuple[RoomReason, ...]) -> None:
    place = bedside(*(event for _ in range(3) for event in seen(36.2, "ambient-out-of-range")), speed=600)
    cast(Any, place.instruments).wrong_room = wrong
    (outcome,) = await measure(place, ())
    assert isinstance(outcome, Measure)
    assert (outcome.evidence.quality, outcome.evidence.reasons) == ("usable", wrong)


async def test_readings_of_two_sites_are_never_one_value() -> None:
    other: list[Event] = [Reading("temperature", 36.2, "Cel", detail=DETAIL | {"site": "ear"})]
    with pytest.raises(Unmeasured) as failed:
        await measured(seen(36.2), other, seen(36.2))
    assert (failed.value.detail, failed.value.why) == ("mixed", "unstable")


async def test_an_old_calibration_is_noted() -> None:
    place = bedside(*(event for _ in range(3) for event in seen(36.2)), speed=600)
    cast(Any, place.instruments).due = {"thermometer"}
    (outcome,) = await measure(place, ())
    assert isinstance(outcome, Measure)
    assert "calibration-due" in outcome.evidence.notes


async def test_a_sensor_that_leaves() -> None:
    with pytest.raises(Unmeasured) as failed:
        await measure(bedside(*seen(36.2), LinkState.ABSENT), ())
    assert failed.value.detail == "unplugged"
