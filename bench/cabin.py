"""A demonstration's cabin to measure: real processes, ptys, broker and record, in a folder that is removed."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from cabin_agent.client import CoreClient
from cabin_agent.demo.cabin import DemoCabin, Replays
from cabin_agent.demo.processes import Child
from cabin_agent.demo.site import Site

SEEN_S = 30.0
"""Longest wait for every instrument to be heard."""
ALIVE = ("ready", "measuring")


class BenchError(Exception):
    """A figure could not be measured; one sentence."""


@asynccontextmanager
async def cabin(speed: float) -> AsyncIterator[DemoCabin]:
    """A running cabin that no other command of this user finds."""
    with tempfile.TemporaryDirectory(prefix="cabin-bench-") as folder:
        site = Site(Path(folder), Path(folder) / "run")
        async with DemoCabin(site, speed, Replays(), 0) as running:
            yield running


def core_of(running: DemoCabin) -> Child:
    """The core's process."""
    return next(child for child in running.processes.children if child.name == "core")


async def all_heard(core: CoreClient) -> None:
    """Wait until every instrument is there and answers; raises `BenchError` where one does not."""
    try:
        async with asyncio.timeout(SEEN_S), aclosing(core.stream()) as events:
            async for _ in events:
                if all(each["state"] in ALIVE for each in await core.instruments()):
                    return
    except TimeoutError:
        pass
    silent = [each["name"] for each in await core.instruments() if each["state"] not in ALIVE]
    raise BenchError(f"These instruments were not heard within {SEEN_S:.0f} s: {', '.join(silent)}.")
