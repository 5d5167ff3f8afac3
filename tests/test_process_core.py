"""The core killed with SIGKILL in every state of the visit: it goes on where it was, and the record holds it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cabin_agent.face import Json
from cabin_agent.journal import Journal
from cabin_agent.open_visit import OpenVisit
from cabin_agent.visit import EXCLUSIONS
from cabin_agent.visit_table import State
from sync.envelope import RECORDING
from tests.bundles import absent, measured, moments, observations, resources
from tests.cabin import SIZE, Cabin, done, in_state, running

pytestmark = pytest.mark.processes

SAME = (
    "state",
    "language",
    "kind",
    "may",
    "prompt",
    "exclusions",
    "satisfaction",
    "to_clean",
    "nurse_called",
    "plan",
)
"""What every screen shows of a visit, and a restart must not change."""
ASKED = ("welcome", "code", "information", "consent_measures", "consent_remote", "exclusions")
AFTERWARDS = ("results", "ticket", "satisfaction")
KILLED = {
    *ASKED, *AFTERWARDS, "ready", "measures", "consultation", "goodbye", "stopped", "cleaning", "out_of_order",
}  # fmt: skip


def test_no_state_is_left_out() -> None:
    assert {str(state) for state in State} == KILLED


async def survives(cabin: Cabin, state: str) -> None:
    """Kill the core in this state: the restarted one shows what the killed one showed."""
    before = await cabin.lead(in_state(state))
    await cabin.bounce("core")
    after = await cabin.view()
    assert {key: after[key] for key in SAME} == {key: before[key] for key in SAME}, f"killed in '{state}'"
    assert after["elapsed_s"] >= before["elapsed_s"], f"the visit began anew when killed in '{state}'"


async def test_killed_at_every_question_and_in_a_consultation() -> None:
    async with Cabin(measures=SIZE, kind="consultation") as cabin:
        await survives(cabin, "ready")
        for state in (*ASKED, "consultation"):
            await survives(cabin, state)
        await cabin.tell("hang_up")
        bundle = await cabin.delivered(await cabin.finish())
        assert len(cabin.records()) == 1, "the Bundle alone: nothing was ordered, and nothing is recorded"
    assert len(resources(bundle, "DocumentReference")) == 1, "the information that was read"
    assert len(resources(bundle, "Consent")) == 2, "to the measures and to the remote act"
    assert len(resources(bundle, "QuestionnaireResponse")) == 2
    for name in SIZE:
        assert (len(observations(bundle, name)), len(measured(bundle, name))) == (1, 0), name


async def test_killed_at_every_step_after_the_measures() -> None:
    async with Cabin(measures=("spo2", "pulse_rate")) as cabin:
        await cabin.lead(in_state("results"))
        shown = await results(cabin)
        for state in AFTERWARDS:
            await survives(cabin, state)
            assert (await results(cabin) if state == "results" else shown) == shown
        sealed = await cabin.lead(lambda visit: "finish" in visit["may"])
        await cabin.bounce("core")
        again = await cabin.lead(lambda visit: "finish" in visit["may"])
        assert again["mid"] == sealed["mid"], "the same visit, sealed again under the same message id"
        await cabin.lead(in_state("cleaning"))
        await cabin.tell("tick", instrument="oximeter")
        await survives(cabin, "cleaning")
        assert "oximeter" not in (await cabin.view())["to_clean"]
        await cabin.lead(in_state("ready"))
        bundle = await cabin.delivered(sealed["mid"])
        assert [each.content_type for each in cabin.records()].count(RECORDING) == 1
    assert len(observations(bundle, "spo2")) == len(measured(bundle, "spo2")) == 1


async def results(cabin: Cabin) -> list[Json]:
    """What the person is shown."""
    async with cabin.client() as core:
        if (await core.visit())["state"] == "results":
            await core.tell("show_results")
        return list((await core.results())["outcomes"])


SPEEDS = {"size": 3, "oximetry": 20, "temperature": 8, "ecg": 10, "hearing": 30, "pressure": 20}
"""Slow enough for every task to be met while it runs."""
YIELDS = {
    "oximetry": ("spo2", "pulse_rate"),
    "temperature": ("temperature",),
    "ecg": ("ecg", "heart_rate"),
    "hearing": ("hearing",),
    "pressure": ("blood_pressure", "blood_pressure_mean"),
}


@pytest.mark.parametrize("task", YIELDS)
async def test_killed_while_an_instrument_measures(task: str) -> None:
    """What was measured before is kept as it was; what was under way is measured anew, and is there once."""
    async with Cabin(SPEEDS[task], measures=(*SIZE, *YIELDS[task])) as cabin:
        await cabin.lead(running(task))
        await cabin.kill("core")
        killed = datetime.now(UTC)
        await cabin.restart("core")
        view = await cabin.view()
        assert view["state"] == "measures" and done("size")(view)
        bundle = await cabin.delivered(await cabin.finish())
        waves = [each for each in cabin.records() if each.content_type == RECORDING]
        assert len(waves) == (task in ("oximetry", "ecg", "pressure"))
    (weight,) = observations(bundle, "weight")
    assert moments(weight)[1] < killed, "the weight was kept, and not taken a second time"
    for name in YIELDS[task]:
        found = measured(bundle, name)
        assert len(found) == len(observations(bundle, name)) == (3 if name == "blood_pressure" else 1), name
        assert all(moments(each)[1] > killed for each in found)


async def test_killed_while_somebody_stands_on_the_scale() -> None:
    async with Cabin(SPEEDS["size"], measures=SIZE) as cabin:
        await cabin.lead(running("size"))
        await cabin.bounce("core")
        bundle = await cabin.delivered(await cabin.finish())
    assert all(len(measured(bundle, name)) == len(observations(bundle, name)) == 1 for name in SIZE)


async def test_killed_between_two_pressures() -> None:
    """The first reading stands, the gap goes on, and the protocol still has three readings and their mean."""
    rules = {"rest_s": 30, "rest_minimum_s": 20, "reading_gap_s": 30}
    async with Cabin(20, measures=YIELDS["pressure"], visit=rules) as cabin:
        await cabin.lead(running("pressure"))
        gap = await cabin.lead(lambda visit: not visit["running"])
        await cabin.kill("core")
        killed = datetime.now(UTC)
        await cabin.restart("core")
        rest = (await cabin.view())["rest"]
        assert rest["seconds"] > gap["rest"]["seconds"], "the rest was obtained before, and is not begun anew"
        bundle = await cabin.delivered(await cabin.finish())
    first, *others = measured(bundle, "blood_pressure")
    assert moments(first)[1] < killed and len(others) == 2
    assert (moments(others[0])[0] - moments(first)[1]).total_seconds() > 30 / 20 - 0.1, "the gap was kept"
    (mean,) = measured(bundle, "blood_pressure_mean")
    assert len(mean["derivedFrom"]) == 2


async def test_killed_between_the_last_pressure_and_their_mean() -> None:
    """The moment is too short to be hit from outside: the killed core's own journal is brought to it."""
    rules = {"rest_s": 0, "reading_gap_s": 60}
    async with Cabin(20, measures=YIELDS["pressure"], visit=rules) as cabin:
        await cabin.lead(running("pressure"))
        await cabin.lead(lambda visit: not visit["running"])
        await cabin.kill("core")
        with Journal(cabin.folder / "state") as journal:
            stored = OpenVisit(journal)
            visit = stored.load()
            stored.keep(replace(visit, outcomes=visit.outcomes * 3, reading_ends_s=visit.reading_ends_s * 3))
        await cabin.restart("core")
        bundle = await cabin.delivered(await cabin.finish())
    assert len(measured(bundle, "blood_pressure")) == 3
    assert len(measured(bundle, "blood_pressure_mean")) == len(observations(bundle, "blood_pressure_mean")) == 1


async def test_a_cuff_that_a_killed_core_left_inflated_is_vented() -> None:
    """Nobody may be left in a squeezing cuff: the next core lets the air out before anything else."""
    async with Cabin(2, measures=YIELDS["pressure"]) as cabin:
        await cabin.lead(in_state("measures"))
        await cabin.lead(running("pressure"))
        before = await cuff_until(cabin, lambda mmhg: mmhg > 100)
        await cabin.bounce("core")
        after = await cuff_until(cabin, lambda mmhg: True)
        assert after < 40 < before, "at two seconds of the arm's time a second, it cannot have leaked by itself"
        await cabin.tell("leave")
        bundle = await cabin.delivered(await cabin.finish())
    assert absent(bundle, "blood_pressure")[0] == "asked-declined"


async def cuff_until(cabin: Cabin, wanted: Callable[[float], bool]) -> float:
    """The first pressure in the cuff that is wanted, as the screens are told it."""
    async with cabin.watching() as (_, events):
        async for event in events:
            if isinstance(event, dict) and event.get("quantity") == "cuff_pressure" and wanted(event["value"]):
                return float(event["value"])
    raise AssertionError("the core's stream ended")


async def test_killed_before_the_visit_was_sealed() -> None:
    """The good-bye is there and the Bundle is not: it is built, sealed and delivered by the next core."""
    async with Cabin(measures=("spo2", "pulse_rate")) as cabin:
        view = await cabin.lead(in_state("goodbye"))
        assert "finish" not in view["may"]
        await cabin.kill("core")
        assert cabin.outbox() == [] == cabin.records()
        await cabin.restart("core")
        assert (await cabin.view())["state"] == "goodbye"
        bundle = await cabin.delivered(await cabin.finish())
        assert len(cabin.records()) == 2
    assert len(measured(bundle, "spo2")) == 1


async def test_killed_while_the_nurse_is_on_her_way() -> None:
    async with Cabin(measures=SIZE) as cabin:
        await cabin.lead(in_state("exclusions"))
        await cabin.tell("answers", answers={each: each == "chest-pain" for each in EXCLUSIONS})
        await survives(cabin, "stopped")
        assert (await cabin.view())["nurse_called"], "the call is not forgotten"
        await cabin.tell("nurse_came")
        bundle = await cabin.delivered(await cabin.finish())
    assert absent(bundle, "weight")[0] == "not-performed"
    answers = [each for one in resources(bundle, "QuestionnaireResponse") for each in one["item"]]
    assert sum(each["answer"][0].get("valueBoolean", False) for each in answers) == 1, "one yes, to the chest pain"


async def test_killed_while_out_of_order() -> None:
    async with Cabin(measures=SIZE) as cabin:
        await cabin.tell("out_of_order")
        await survives(cabin, "out_of_order")
        await cabin.tell("restored")
        await survives(cabin, "cleaning")
        await cabin.lead(in_state("ready"))
        await cabin.lead(in_state("welcome"))
        assert cabin.records() == []


async def test_killed_between_the_last_tick_and_the_ready_cabin() -> None:
    """Everything is ticked and nobody is left to tick anything: the next core sees by itself that it is clean."""
    async with Cabin(measures=SIZE) as cabin:
        await cabin.lead(in_state("cleaning"))
        instruments = tuple((await cabin.view())["to_clean"])
        await cabin.kill("core")
        with Journal(cabin.folder / "state") as journal:
            stored = OpenVisit(journal)
            stored.keep(replace(stored.load(), ticked=instruments))
        await cabin.restart("core")
        assert (await cabin.view())["state"] == "ready"
