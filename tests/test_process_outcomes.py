"""Refusing, declining, leaving, falling silent, red flags: ordinary ends of a visit, as the record receives them."""

from __future__ import annotations

import pytest

from cabin_agent.demo.site import CODE
from cabin_agent.face import Json
from cabin_agent.person import SimulatedPerson
from cabin_agent.visit import EXCLUSIONS
from tests.bundles import MEASURES, absent, measured, resources
from tests.cabin import SIZE, Cabin, in_state, running

pytestmark = pytest.mark.processes

FEW = (*SIZE, "temperature")
WRONG = "000000"


def assert_nothing_measured(bundle: Json, reason: str) -> None:
    assert {absent(bundle, name)[0] for name in FEW} == {reason}


async def test_falling_silent_ends_the_visit_after_a_question() -> None:
    """Real seconds, at any speed: ten until the question, and as many as are given for the answer."""
    async with Cabin(measures=FEW, visit={"idle_s": 10, "idle_grace_s": 20}) as cabin:
        await cabin.lead(in_state("consent_measures"))
        warned = await cabin.watch_until(lambda visit: visit["idle"]["warning"])
        assert warned["state"] == "consent_measures"
        await cabin.watch_until(in_state("goodbye"))
        bundle = await cabin.delivered(await cabin.finish())
    assert_nothing_measured(bundle, "not-performed")


async def test_refusing_one_measure() -> None:
    """It is skipped while it runs, without a question, and the record says that it was refused."""
    async with Cabin(15, measures=(*SIZE, "hearing", "temperature")) as cabin:
        person = SimulatedPerson(CODE, refuses=frozenset({"hearing"}))
        bundle = await cabin.delivered(await cabin.finish(person))
    assert absent(bundle, "hearing")[0] == "asked-declined"
    assert all(measured(bundle, name) for name in FEW)


async def test_refusing_a_measure_before_its_turn() -> None:
    async with Cabin(3, measures=FEW) as cabin:
        await cabin.lead(running("size"))
        await cabin.tell("skip", task="temperature")
        bundle = await cabin.delivered(await cabin.finish())
    assert absent(bundle, "temperature")[0] == "asked-declined"
    assert all(measured(bundle, name) for name in SIZE)


async def test_refusing_everything() -> None:
    everything = frozenset({"size", "oximetry", "temperature", "ecg", "hearing", "pressure"})
    async with Cabin(2) as cabin:
        bundle = await cabin.delivered(await cabin.finish(SimulatedPerson(CODE, refuses=everything)))
    assert {absent(bundle, name)[0] for name in MEASURES} == {"asked-declined"}
    assert len(cabin_consents(bundle)) == 1


def cabin_consents(bundle: Json) -> list[str]:
    """What was answered to each question of consent: "permit" or "deny"."""
    return [each["provision"]["type"] for each in resources(bundle, "Consent")]


async def test_declining_the_measures() -> None:
    async with Cabin(measures=FEW) as cabin:
        await cabin.lead(in_state("consent_measures"))
        assert (await cabin.tell("decline"))["state"] == "goodbye"
        bundle = await cabin.delivered(await cabin.finish())
    assert_nothing_measured(bundle, "asked-declined")
    assert cabin_consents(bundle) == ["deny"]


async def test_declining_the_remote_act_keeps_the_measures() -> None:
    async with Cabin(measures=SIZE, kind="consultation") as cabin:
        await cabin.lead(in_state("consent_remote"))
        assert (await cabin.tell("decline"))["state"] == "exclusions"
        bundle = await cabin.delivered(await cabin.finish())
    assert cabin_consents(bundle) == ["permit", "deny"]
    assert all(measured(bundle, name) for name in SIZE)


async def test_a_red_flag_calls_the_nurse_and_measures_nothing() -> None:
    async with Cabin(measures=FEW) as cabin:
        for question in (EXCLUSIONS[0], EXCLUSIONS[-1]):
            await cabin.lead(in_state("exclusions"))
            async with cabin.watching() as (core, events):
                view = await core.tell("answers", answers={each: each == question for each in EXCLUSIONS})
                assert view["state"] == "stopped" and view["nurse_called"] and view["prompt"]["text"], question
                async for event in events:
                    if isinstance(event, dict) and event["type"] == "nurse":
                        break
            await cabin.tell("nurse_came")
            assert_nothing_measured(await cabin.delivered(await cabin.finish()), "not-performed")
        assert len(cabin.bundles()) == 2


async def test_a_wrong_code_three_times_calls_the_nurse_and_names_nobody() -> None:
    """Nobody was named, so there is no record to write to; the next person begins as if nothing had been."""
    async with Cabin(measures=SIZE) as cabin:
        await cabin.lead(in_state("code"))
        views = [await cabin.tell("code", value=WRONG) for _ in range(3)]
        assert [view["state"] for view in views] == ["code", "code", "goodbye"]
        assert views[-1]["nurse_called"] and not views[1]["nurse_called"]
        assert await cabin.finish() == "" and cabin.outbox() == []
        bundle = await cabin.delivered(await cabin.finish())
        assert len(cabin.bundles()) == 1
    assert all(measured(bundle, name) for name in SIZE)


async def test_leaving_in_the_middle_keeps_what_was_measured() -> None:
    async with Cabin(20, measures=(*SIZE, "hearing")) as cabin:
        await cabin.lead(running("hearing"))
        await cabin.tell("leave")
        bundle = await cabin.delivered(await cabin.finish())
    assert all(measured(bundle, name) for name in SIZE)
    assert absent(bundle, "hearing")[0] == "asked-declined"
