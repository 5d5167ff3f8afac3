"""How long the core takes from its start to its readiness."""

from __future__ import annotations

import asyncio
import sys
import time

from bench.cabin import all_heard, cabin, core_of
from bench.figures import Chapter, Figure, median, number, spread
from cabin_agent.demo.cabin import DemoCabin
from cabin_agent.demo.processes import stop

LIMIT_S = 1.5
STARTS = 9
PEER = "import numpy, aiohttp"


async def chapter() -> Chapter:
    """Start the core again and again beside running instruments, broker and record."""
    starts, heard, peers = [], [], []
    async with cabin(1.0) as running:
        for _ in range(STARTS):
            await _end_core(running)
            peers.append(await _peer_s())
            began = time.monotonic()
            await running.start_core()
            starts.append(time.monotonic() - began)
            async with running.client() as core:
                await all_heard(core)
            heard.append(time.monotonic() - began)
    ratio = median([start / peer for start, peer in zip(starts, peers, strict=True)])
    peer = f"{number(median(peers))} s: python -c “{PEER}”; ratio {number(ratio)}"
    return Chapter(
        "Start",
        f"`cabin run` with the demonstration's configuration is started {STARTS} times beside six simulated "
        "instruments, broker and gateway, from the creation of the process to the line “ready at …”, at which the "
        "local API answers; files are in the cache of the system. Median. The peer is timed before each start.",
        (
            Figure("core, start to ready", median(starts), "s", LIMIT_S, peer, spread(starts, "s")),
            Figure("core, start to all six instruments heard", median(heard), "s", remark=spread(heard, "s")),
        ),
    )


async def _end_core(running: DemoCabin) -> None:
    child = core_of(running)
    await stop(child.process)
    running.processes.children.remove(child)


async def _peer_s() -> float:
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PEER)
    await process.wait()
    return time.monotonic() - began
