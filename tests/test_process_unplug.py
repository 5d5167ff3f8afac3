"""Instruments unplugged and put back during their own measure, unplugged for good, and silent; `cabin devices`."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from cabin_agent.face import Json
from tests.bundles import absent, measured, observations
from tests.cabin import PATIENCE_S, SIZE, Cabin, running

pytestmark = pytest.mark.processes

TASKS: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "scale": ("size", 3, SIZE),
    "oximeter": ("oximetry", 20, ("spo2", "pulse_rate")),
    "thermometer": ("temperature", 8, ("temperature",)),
    "ecg": ("ecg", 10, ("ecg", "heart_rate")),
    "audiometer": ("hearing", 30, ("hearing",)),
    "tensiometer": ("pressure", 25, ("blood_pressure", "blood_pressure_mean")),
}
"""Instrument -> its task, a speed at which the task can be met while it runs, and what it yields."""


@pytest.mark.parametrize("instrument", TASKS)
async def test_unplugged_and_put_back_during_its_measure(instrument: str) -> None:
    """The cable comes out under way and goes in again: the measure is made anew, by itself, and is there once."""
    task, speed, yields = TASKS[instrument]
    async with Cabin(speed, measures=yields) as cabin:
        await cabin.lead(running(task))
        await cabin.simulate(fault="unplug", instrument=instrument)
        gone = await cabin.until_instrument(instrument, "absent")
        assert gone["reason"].endswith("."), "a sentence that says what to do"
        await cabin.simulate(clear="unplug", instrument=instrument)
        bundle = await cabin.delivered(await cabin.finish())
        await cabin.until_seen()
    for name in yields:
        found = measured(bundle, name)
        assert len(found) == len(observations(bundle, name)) == (3 if name == "blood_pressure" else 1), name
        assert all(each["status"] == "final" for each in found), name


async def test_unplugged_for_good_it_is_skipped_with_its_reason() -> None:
    """One instrument leaves during its measure and does not come back: the others go on."""
    async with Cabin(20, measures=(*SIZE, "spo2", "pulse_rate", "temperature", "hearing")) as cabin:
        await cabin.lead(running("oximetry"))
        await cabin.simulate(fault="unplug", instrument="oximeter")
        bundle = await cabin.delivered(await cabin.finish())
    for name in ("spo2", "pulse_rate"):
        reason, words = absent(bundle, name)
        assert reason == "not-performed" and "branch" in words, "in the person's words: débranché"
    for name in (*SIZE, "temperature", "hearing"):
        assert len(measured(bundle, name)) == 1, name


async def devices(cabin: Cabin, *words: str) -> tuple[int, str]:
    """`cabin devices` as the same user would type it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cabin_agent", "devices", *words,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "CABIN_RUNTIME": str(cabin.site.runtime)},
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_the_command_shows_an_instrument_that_is_away_silent_and_back() -> None:
    async with Cabin(1) as cabin:
        code, said = await devices(cabin, "--json")
        listed: list[Json] = json.loads(said)["instruments"]
        assert code == 0 and {each["kind"] for each in listed} == set(TASKS)
        assert all(each["simulated"] is True and each["url"] for each in listed)

        await cabin.simulate(fault="unplug", instrument="oximeter")
        await cabin.until_instrument("oximeter", "absent")
        code, said = await devices(cabin)
        rows = [words for line in said.splitlines() if len(words := line.split()) > 2 and words[1] == "SIMULATED"]
        shown = {words[0]: words[2] for words in rows}
        assert code == 1 and {name: shown[name] for name in TASKS} == {
            **dict.fromkeys(TASKS, "ready"),
            "oximeter": "absent",
        }
        code, said = await devices(cabin, "--json")
        (away,) = [each for each in json.loads(said)["instruments"] if each["state"] == "absent"]
        assert code == 1 and away["kind"] == "oximeter" and away["reason"].endswith("."), "a sentence"

        await cabin.simulate(clear="unplug", instrument="oximeter")
        await cabin.until_instrument("oximeter", "ready")
        await cabin.simulate(fault="silence", instrument="thermometer")
        stale = await cabin.until_instrument("thermometer", "stale")
        assert "silent" in stale["reason"]
        assert (await devices(cabin))[0] == 1

        await cabin.simulate(clear="silence", instrument="thermometer")
        await cabin.until_instrument("thermometer", "ready")
        assert (await devices(cabin))[0] == 0


async def test_a_cuff_that_does_not_answer_any_more_ends_its_own_measure_alone() -> None:
    """The module falls silent while it squeezes, and the person has enough: it cannot be told to stop.

    That is for the nurse; the visit goes on all the same.
    """
    async with Cabin(5, measures=("blood_pressure", "blood_pressure_mean", "temperature")) as cabin:
        await cabin.lead(running("pressure"))
        await cabin.until_squeezed(40)
        await cabin.simulate(fault="silence", instrument="tensiometer")
        await cabin.tell("skip", task="pressure")
        bundle = await cabin.delivered(await cabin.finish())
        await cabin.logged("core", "open the cuff by hand")
    assert absent(bundle, "blood_pressure_mean")[0] == "asked-declined"
    assert len(measured(bundle, "temperature")) == 1
