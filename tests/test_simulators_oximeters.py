"""Every oximeter on a real pseudo-terminal through its keeper: fault after fault, unplug and replug."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers import DRIVERS
from drivers.events import Event, NoValue, Reading
from drivers.keeper import Keeper
from drivers.link import LinkState
from simulators.body import Body
from simulators.faults import accepted
from simulators.physiology import Physiology
from simulators.rack import MODELS, Ready, run_rack

SPEED = 20.0
FAULT_S = 0.1
"""How long each fault lasts here: two seconds of the body."""
OXIMETERS = [name for name in MODELS if name.startswith(("nonin-", "contec-"))]
TRUE = {"spo2": (94.0, 94.0), "pulse_rate": (122.0, 142.0), "perfusion_index": (3.0, 3.0)}


class Bench:
    """One simulated oximeter in a rack, its keeper, and what was heard."""

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.model = folder, model
        self.heard: list[Event] = []
        self._more = asyncio.Event()

    async def begin(self) -> None:
        ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        body = Body(1, Physiology(heart_rate=132, spo2=94))
        self._rack = asyncio.create_task(run_rack(self.folder, [self.model], body, SPEED, ready=ready.set_result))
        met = await ready
        driver = DRIVERS[self.model.partition("-")[0]]()
        self.keeper = Keeper("one", met.urls[self.model], driver, self._event, self._state, accept_simulated=True)
        self._run = asyncio.create_task(self.keeper.run())
        self._reader, self._writer = await asyncio.open_unix_connection(met.control)

    async def order(self, **command: str) -> None:
        """One command to the rack."""
        self._writer.write(json.dumps({"instrument": self.model, **command}).encode() + b"\n")
        assert json.loads(await self._reader.readline()) == {"ok": True}

    async def until(self, enough: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not enough():
                self._more.clear()
                await self._more.wait()

    def truths(self) -> list[float]:
        """Saturations of now."""
        values = [
            event.value
            for event in self.heard
            if isinstance(event, Reading) and event.quantity == "spo2" and "from-memory" not in event.flags
        ]
        return [value for value in values if not isinstance(value, NoValue)]

    async def end(self) -> None:
        self._writer.close()
        for task in (self._run, self._rack):
            task.cancel()
        await asyncio.gather(self._run, self._rack, return_exceptions=True)

    def _event(self, _name: str, event: Event, _at: float) -> None:
        self.heard.append(event)
        self._more.set()

    def _state(self, _name: str, _state: LinkState, _reason: str) -> None:
        self._more.set()


@pytest.mark.parametrize("model", OXIMETERS)
async def test_fault_after_fault_says_nothing_false_and_a_replug_is_ready_again(tmp_path: Path, model: str) -> None:
    bench = Bench(tmp_path, model)
    await bench.begin()
    try:
        await bench.until(bench.truths)
        for fault in accepted(MODELS[model]):
            await bench.order(fault=fault)
            await asyncio.sleep(FAULT_S)
            await bench.order(clear=fault)
        await bench.order(fault="unplug")
        await bench.until(lambda: bench.keeper.state is LinkState.ABSENT)
        first = list(bench.heard)
        bench.heard.clear()
        await bench.order(clear="unplug")
        await bench.until(bench.truths)
        assert bench.keeper.state is LinkState.READY
    finally:
        await bench.end()
    for event in (*first, *bench.heard):
        if isinstance(event, Reading) and "from-memory" not in event.flags and not isinstance(event.value, NoValue):
            low, high = TRUE[event.quantity]
            assert low <= event.value <= high, event
