"""Every simulated instrument on its wire, pulled out and put in again: its keeper has it ready in two seconds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from drivers import DRIVERS
from drivers.keeper import Keeper
from drivers.link import LinkState
from simulators.body import Body
from simulators.rack import MODELS, Ready, run_rack
from tests.steady import Steady

LIMIT_S = 2.0
PROOF_S = {"medlab-1": 6.0}
"""Protocol -> seconds of samples without a fault before it is believed: nothing else tells it from other talk."""
NAMES = [name for name in DRIVERS if name in MODELS]


class Kept:
    """One instrument's keeper, with the pace of the product."""

    def __init__(self, name: str, url: str) -> None:
        self.changed = asyncio.Event()
        self.keeper = Keeper(name, url, DRIVERS[name](), lambda *_: None, self._moved, True)
        self.task = asyncio.create_task(self.keeper.run())

    def _moved(self, *_: object) -> None:
        self.changed.set()

    async def until(self, state: LinkState) -> None:
        async with asyncio.timeout(30):
            while self.keeper.state is not state:
                self.changed.clear()
                await self.changed.wait()


async def tell(control: Path, **command: str) -> None:
    reader, writer = await asyncio.open_unix_connection(control)
    writer.write(json.dumps(command).encode() + b"\n")
    assert json.loads(await reader.readline()) == {"ok": True}
    writer.close()
    await writer.wait_closed()


async def replugged(name: str, kept: Kept, control: Path, clock: Steady) -> float:
    """Seconds from the plug to ready."""
    await kept.until(LinkState.READY)
    await tell(control, fault="unplug", instrument=name)
    await kept.until(LinkState.ABSENT)
    began = clock.now()
    await tell(control, clear="unplug", instrument=name)
    await kept.until(LinkState.READY)
    return clock.now() - began


@pytest.mark.processes
async def test_replug_to_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    rack = asyncio.create_task(run_rack(tmp_path, NAMES, Body(), ready=ready.set_result))
    met = await ready
    kept = {name: Kept(name, met.urls[name]) for name in NAMES}
    clock = Steady()
    async with clock.going():
        took = await asyncio.gather(*(replugged(name, each, met.control, clock) for name, each in kept.items()))
    for task in [each.task for each in kept.values()] + [rack]:
        task.cancel()
    await asyncio.gather(*(each.task for each in kept.values()), rack, return_exceptions=True)
    with capsys.disabled():
        print("\n  replug to ready, s: " + ", ".join(f"{name} {s:.2f}" for name, s in zip(NAMES, took, strict=True)))
    slow = {name: s for name, s in zip(NAMES, took, strict=True) if s >= PROOF_S.get(name, LIMIT_S)}
    assert slow == {}
