"""Running processes: what is wrong is told while a measure runs, taken back when it is right, and costs no measure.

The same seconds give the doctor's page the heart rate of the running ECG and where each waveform lies on the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cabin_agent.face import Json
from tests.bundles import measured, value
from tests.cabin import Cabin, running

pytestmark = pytest.mark.processes

SPEED = 3.0


def says(code: str) -> Callable[[Json], bool]:
    """Whether the screen says this and nothing else, with what to do about it."""
    return lambda visit: (
        [(each["code"], bool(each["cure"])) for each in visit["messages"]] == [(f"reason.{code}", True)]
    )


def silent(visit: Json) -> bool:
    return not visit["messages"]


async def test_a_finger_that_leaves_is_called_back_and_measured() -> None:
    async with Cabin(SPEED, measures=("spo2", "pulse_rate")) as cabin:
        await cabin.lead(running("oximetry"))
        await cabin.simulate(fault="finger-out", instrument="oximeter")
        told = await cabin.watch_until(says("finger-out"))
        assert told["running"] == ["oximetry"]
        await cabin.simulate(clear="finger-out", instrument="oximeter")
        assert (await cabin.watch_until(silent))["running"] == ["oximetry"]
        bundle = await cabin.delivered(await cabin.finish())
    assert 90 <= value(bundle, "spo2") <= 100


async def test_the_electrode_that_is_off_is_named_while_the_ecg_runs() -> None:
    async with Cabin(SPEED, measures=("ecg", "heart_rate")) as cabin:
        await cabin.lead(running("ecg"))
        await cabin.simulate(fault="electrode-off:V3", instrument="ecg")
        await cabin.watch_until(says("electrode-off-v3"))
        await cabin.simulate(clear="electrode-off:V3", instrument="ecg")
        assert (await cabin.watch_until(silent))["running"] == ["ecg"]
        rate, clock = await heart_and_clock(cabin)
        bundle = await cabin.delivered(await cabin.finish())
    assert len(measured(bundle, "ecg")) == 1
    assert rate == pytest.approx(value(bundle, "heart_rate"), abs=6)
    assert clock["stream"] == "ecg"
    assert isinstance(clock["offset_us"], int)


async def heart_and_clock(cabin: Cabin) -> tuple[float, Json]:
    """The first heart rate of the running ECG, and the last word on its time before it."""
    clock: Json = {}
    async with cabin.watching(waves=True) as (_, events):
        async for event in events:
            if not isinstance(event, dict):
                continue
            if event["type"] == "wave-clock" and event["stream"] == "ecg":
                clock = event
            if event["type"] == "reading" and event["quantity"] == "heart_rate" and event["value"] is not None:
                assert 0 <= time.monotonic() - event["at_us"] / 1e6 < 5, "its age is told by the cabin's clock"
                return event["value"], clock
    raise AssertionError("the stream ended")
