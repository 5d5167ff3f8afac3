"""Calls over bad links, through the relay: loss, a narrow link with a long queue, an outage, a cut. Loose bounds.

The machine that runs tests may be busy: what is asserted is that nothing breaks; `bench` measures how well it goes.
"""

from __future__ import annotations

import asyncio
import itertools
import time

from cabin_agent.media.session import SILENT_S
from tests.doctor import Call, Doctor
from tests.relay import Conditions, Relay

BUSY_S = 1.5
"""A picture may be missing for so long on a machine that is doing something else as well."""


def longest_gap(doctor: Doctor, since: float) -> float:
    """The longest time without a picture since then."""
    times = [since, *(at for at, _ in doctor.frames if at > since), time.monotonic()]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


async def test_five_percent_loss_freezes_nothing() -> None:
    loss = Conditions(loss=0.05, delay_s=0.020)
    async with Call(Relay(loss, Conditions(loss=0.05, delay_s=0.020))) as call:
        await call.doctor.pictures(5, 20)
        since = time.monotonic()
        figures = await call.measure(8)
        assert call.relay.down.count.lost > 10
        assert longest_gap(call.doctor, since) < BUSY_S
        assert figures.fps > 8
        assert figures.waves > 0.6 * figures.fps
        assert figures.wave_p50 < 300
        assert call.session.sender.resent > 0
        assert call.states() == ["connected"]


async def test_a_narrow_link_with_a_long_queue_freezes_nothing_and_waves_stay_fresh() -> None:
    narrow = Conditions(rate=500_000, queue_s=0.300)
    async with Call(Relay(Conditions(rate=500_000, queue_s=0.300), narrow)) as call:
        await call.doctor.pictures(5, 20)
        since = time.monotonic()
        figures = await call.measure(12)
        assert longest_gap(call.doctor, since) < BUSY_S
        assert figures.fps > 8
        assert figures.picture_p50 < 600
        assert figures.wave_p50 < 200
        assert call.session.governor.bitrate < 450_000
        sent = call.relay.down.count
        assert sent.full < 0.1 * sent.passed


async def test_a_key_frame_is_spread_so_that_waves_pass_in_between() -> None:
    narrow = Conditions(rate=500_000, queue_s=1.0)
    async with Call(Relay(Conditions(), narrow)) as call:
        await call.doctor.pictures(10, 20)
        call.session.sender._send_keyframe()
        call.session.sender._send_keyframe()
        figures = await call.measure(2)
        assert figures.wave_p95 < 400


async def test_an_outage_of_eight_seconds_ends_the_call_and_a_new_one_brings_pictures_at_once() -> None:
    async with Call() as call:
        await call.doctor.pictures(5, 20)
        call.relay.cut = True
        began = time.monotonic()
        async with asyncio.timeout(SILENT_S + 4):
            await call.ended.wait()
        assert call.states() == ["connected", "lost", "closed"]
        await asyncio.sleep(max(0.0, 8 - (time.monotonic() - began)))
    async with Call() as again:
        back = time.monotonic()
        await again.doctor.pictures(1, 20)
        assert time.monotonic() - back < 3


async def test_an_outage_of_three_seconds_is_survived() -> None:
    async with Call() as call:
        await call.doctor.pictures(5, 20)
        call.relay.cut = True
        await asyncio.sleep(3)
        call.relay.cut = False
        back = time.monotonic()
        await call.doctor.pictures(1, 10)
        assert time.monotonic() - back < 3
        asked = call.doctor.ask("ping", t=1)
        assert (await call.doctor.answered(asked, 6))["ok"] is True
        stale = [late for at, late in call.doctor.waves if at > back + 2]
        assert stale == [] or max(stale) < 2
        await asyncio.sleep(1.5)
        assert call.states()[-1] == "connected"


async def test_a_cut_is_noticed_by_the_heartbeat_long_before_the_network_says_so() -> None:
    async with Call() as call:
        await call.doctor.pictures(3, 20)
        call.relay.cut = True
        began = time.monotonic()
        async with asyncio.timeout(SILENT_S + 4):
            await call.ended.wait()
        assert SILENT_S - 1.5 < time.monotonic() - began < SILENT_S + 3


async def test_while_a_still_is_sent_over_a_narrow_link_heartbeats_and_waves_pass() -> None:
    narrow = Conditions(rate=500_000, queue_s=0.300)
    async with Call(Relay(Conditions(), narrow)) as call:
        await call.doctor.pictures(5, 20)
        await call.doctor.answered(call.doctor.ask("still", site="eye", side="right"), 10)
        since, heard = time.monotonic(), len(call.doctor.said)
        figures = await call.measure(4)
        beats = [each for each in call.doctor.said[heard:] if each.get("event") == "heartbeat"]
        assert len(beats) >= 2
        assert figures.wave_p50 < 500
        assert longest_gap(call.doctor, since) < 2
