"""Headphones in a booth without a wall clock: the driver, the simulated card and its listener on one pipe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.events import Event
from drivers.headphone import Audiometer
from drivers.pipe import WHOLE, Cable, End, pipe
from simulators.body import Body
from simulators.headphone import Headphones

CALIBRATION = str(Path(__file__).resolve().parent.parent / "docs" / "headphone.toml")
TICK_S = 0.02


class Booth:
    """A running driver; `now` is the booth's time, to be run by `drivers.virtual_time.run`."""

    def __init__(self, driver: Audiometer, card: Headphones, heard: Callable[[Event], None]) -> None:
        self.driver, self.card, self.heard = driver, card, list[Event]()
        self._tell = heard
        self.unplug: Callable[[], None] = lambda: None

    def hear(self, event: Event) -> None:
        self.heard.append(event)
        self._tell(event)


@asynccontextmanager
async def booth(
    *faults: str,
    calibration: str | None = CALIBRATION,
    cable: Cable = WHOLE,
    body: Body | None = None,
    heard: Callable[[Event], None] = lambda _: None,
    speed: float = 1.0,
) -> AsyncIterator[Booth]:
    """The driver runs and the card plays, `speed` times faster than life, until this is left."""
    here, there = pipe(cable)
    card = Headphones(body or Body(1))
    for fault in faults:
        card.fail(fault, True, 0.0)
    room = Booth(Audiometer(calibration, speed), card, heard)
    room.unplug = there.drop
    works = (room.driver.run(here, room.hear), _play(card, there, speed), _listen(card, there))
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.sleep(2 * TICK_S)
        yield room
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _play(card: Headphones, wire: End, speed: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    card.opened(0.0)
    while True:
        for frame in card.produce((loop.time() - began) * speed):
            await wire.write(frame)
        await asyncio.sleep(TICK_S)


async def _listen(card: Headphones, wire: End) -> None:
    while True:
        card.receive(await wire.read(), 0.0)
