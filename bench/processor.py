"""What the core takes of a processor: with every instrument present, and with every one of them streaming."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from bench.cabin import all_heard, cabin, core_of
from bench.figures import Chapter, Figure, median, number
from bench.machine import SPIN, cpu_s, spin_s
from cabin_agent.client import CoreClient, CoreError
from cabin_agent.demo.cabin import DemoCabin
from cabin_agent.face import Json
from cabin_agent.frames import decode_frame

IDLE_PERCENT, STREAMING_PERCENT = 3.0, 15.0
WINDOWS, WINDOW_S = 3, 20.0
STREAMED = ("ecg", "oximeter", "thermometer")


async def chapter() -> Chapter:
    """Idle first, then streaming, in one cabin at speed 1."""
    seen: dict[str, int] = {}
    spins = [spin_s()]
    async with cabin(1.0) as running, running.client() as core:
        await all_heard(core)
        idle = await _shares(running)
        spins.append(spin_s())
        for kind in (*STREAMED, "tensiometer"):
            await core.command(kind, "start")
        watching = asyncio.create_task(_watch(core, seen))
        began = time.monotonic()
        streaming = await _shares(running)
        took = time.monotonic() - began
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        spins.append(spin_s())
    spin = sum(spins) / len(spins)
    rates = ", ".join(f"{stream} {count / took:.0f}/s" for stream, count in sorted(seen.items()))
    figures = (
        _figure("core, idle, six instruments present", idle, IDLE_PERCENT, spin, ""),
        _figure("core, all streaming, one watcher of waves", streaming, STREAMING_PERCENT, spin, f"frames: {rates}"),
    )
    return Chapter(
        "Processor",
        f"User and system time of the core's process over {WINDOWS} windows of {WINDOW_S:.0f} s at speed 1, as a "
        "share of one core; median window, from least to most. Streaming: ECG (8 leads at 250 Hz) and thermometer "
        "started by a technician's command, oximeter (75 Hz), the cuff measuring again and again (a pressure every "
        "125 ms), and one WebSocket that takes every event and frame. The yardstick is a Python loop of "
        f"{SPIN:,} rounds, timed before, between and after.",
        figures,
    )


def _figure(what: str, shares: list[float], limit: float, spin: float, remark: str) -> Figure:
    middle = median(shares)
    peer = f"{spin * 1000:.0f} ms: the loop; {number(middle / 100 / spin)} loops a second"
    span = f"{number(min(shares))} to {number(max(shares))} %"
    return Figure(what, middle, "%", limit, peer, f"{span}; {remark}" if remark else span)


async def _shares(running: DemoCabin) -> list[float]:
    """Per cent of one core in each window."""
    return [await _share(lambda: cpu_s(core_of(running).pid)) for _ in range(WINDOWS)]


async def _share(used: Callable[[], float]) -> float:
    began, before = time.monotonic(), used()
    await asyncio.sleep(WINDOW_S)
    return 100 * (used() - before) / (time.monotonic() - began)


async def _watch(core: CoreClient, seen: dict[str, int]) -> None:
    """Take everything, count the frames of each stream, and inflate the cuff again when it has come to rest."""
    events: AsyncGenerator[Json | bytes] = core.stream(waves=True)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, bytes):
                stream = decode_frame(event).stream
                seen[stream] = seen.get(stream, 0) + 1
            elif _at_rest(event):
                with suppress(CoreError):
                    await core.command("tensiometer", "start")


def _at_rest(event: Json) -> bool:
    told = (event["type"], event.get("instrument"), event.get("state"))
    return told == ("instrument", "tensiometer", "ready")
