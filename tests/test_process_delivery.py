"""Broker, gateway and core killed with SIGKILL before, during and after delivery: missing 0, twice 0."""

from __future__ import annotations

import asyncio

import pytest

from cabin_agent.demo import processes
from cabin_agent.face import Json
from tests.bundles import measured
from tests.cabin import PATIENCE_S, SIZE, Cabin, in_state

pytestmark = pytest.mark.processes

PULSE = ("spo2", "pulse_rate")
"""Measures whose visit sends two envelopes, the recording and the Bundle."""


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both brokers of a demonstration; neither keeps anything over a kill."""
    if request.param == "embedded":
        monkeypatch.setattr(processes, "mosquitto", lambda: None)
    elif processes.mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto to run this test")


async def sealed(cabin: Cabin) -> str:
    """Lead one visit to the good-bye, with everything in the outbox; its message id."""
    return str((await cabin.lead(lambda visit: "finish" in visit["may"]))["mid"])


async def until_delivery(cabin: Cabin, state: str, count: int) -> list[Json]:
    """Wait until `count` envelopes are in a state of their delivery; everything that was handed over."""
    async with cabin.watching() as (core, events):
        while True:
            found = await core.deliveries()
            if sum(each["state"] == state for each in found) >= count:
                return found
            await anext(events)


async def assert_whole(cabin: Cabin, mids: list[str], envelopes: int) -> None:
    """Each visit is in the record once, with all its envelopes, and the cabin holds nothing any more."""
    for mid in mids:
        bundle = await cabin.delivered(mid)
        assert measured(bundle, "weight") or measured(bundle, "spo2")
    assert len(cabin.bundles()) == len(mids) and len(cabin.records()) == envelopes


async def test_a_broker_killed_before_delivery_and_two_visits_meanwhile(broker: None) -> None:
    async with Cabin(measures=SIZE) as cabin:
        await cabin.kill("broker")
        mids = [await cabin.finish(), await cabin.finish()]
        assert [state for state, _ in cabin.outbox()] == ["pending"] * 2 and cabin.records() == []
        await cabin.broker_back()
        await assert_whole(cabin, mids, 2)
        assert [each.seq for each in cabin.records()] == [1, 2]


async def test_a_broker_killed_during_delivery(broker: None) -> None:
    """The broker had taken both envelopes and nobody had answered: its word meant nothing."""
    async with Cabin(measures=PULSE) as cabin:
        await cabin.kill("gateway")
        mid = await sealed(cabin)
        await until_delivery(cabin, "in-flight", 2)
        await cabin.kill("broker")
        await cabin.broker_back()
        await assert_whole(cabin, [mid], 2)


async def test_a_broker_killed_after_delivery(broker: None) -> None:
    async with Cabin(measures=SIZE) as cabin:
        first = await cabin.finish()
        await assert_whole(cabin, [first], 1)
        await cabin.kill("broker")
        await cabin.broker_back()
        await assert_whole(cabin, [first, await cabin.finish()], 2)


async def test_a_gateway_killed_before_delivery() -> None:
    async with Cabin(measures=PULSE) as cabin:
        await cabin.kill("gateway")
        mid = await sealed(cabin)
        await until_delivery(cabin, "in-flight", 2)
        await cabin.restart("gateway")
        await assert_whole(cabin, [mid], 2)


async def test_a_gateway_killed_between_two_messages() -> None:
    """The recording is in the record; the Bundle behind it is being checked when the gateway dies."""
    async with Cabin(measures=PULSE) as cabin:
        mid = await sealed(cabin)
        found = await until_delivery(cabin, "delivered", 1)
        await cabin.kill("gateway")
        assert len(cabin.records()) == 1, f"the Bundle was there already: {found}"
        await cabin.restart("gateway")
        await assert_whole(cabin, [mid], 2)


async def test_a_gateway_killed_after_delivery() -> None:
    async with Cabin(measures=SIZE) as cabin:
        first = await cabin.finish()
        await assert_whole(cabin, [first], 1)
        await cabin.bounce("gateway")
        await assert_whole(cabin, [first, await cabin.finish()], 2)


async def test_a_core_killed_right_after_the_seal() -> None:
    """Sealed, perhaps sent, and not yet answered: the next core sends it again, the record keeps it once."""
    async with Cabin(measures=PULSE) as cabin:
        mid = await sealed(cabin)
        await cabin.bounce("core")
        assert await cabin.finish() == mid
        await assert_whole(cabin, [mid], 2)


async def test_a_core_killed_with_letters_in_flight() -> None:
    async with Cabin(measures=PULSE) as cabin:
        await cabin.kill("gateway")
        mid = await sealed(cabin)
        await until_delivery(cabin, "in-flight", 2)
        await cabin.kill("core")
        await cabin.restart("gateway")
        await cabin.restart("core")
        assert await cabin.finish() == mid
        await assert_whole(cabin, [mid], 2)


async def test_everything_killed_at_once() -> None:
    """As a power cut in the whole building does, with a visit in its measures."""
    async with Cabin(measures=PULSE) as cabin:
        first = await cabin.finish()
        await cabin.lead(in_state("measures"))
        for name in ("core", "gateway", "broker"):
            await cabin.kill(name)
        async with asyncio.timeout(PATIENCE_S):
            for name in ("broker", "gateway", "core"):
                await cabin.restart(name)
        assert (await cabin.view())["state"] == "measures"
        await assert_whole(cabin, [first, await cabin.finish()], 4)
