"""`python -m bench.instruments_holder URLS NOTES [idle]`: the drivers of many instruments, kept alive in one process.

URLS is JSON: the instrument's protocol -> its address. Unless they are to be idle, every one is started as soon as it
is ready, and again when a measurement has ended. Prints a line of JSON at each change of state. Ended by SIGTERM, it
writes what it heard and when into the file NOTES, pickled: a list of (name, monotonic seconds, event).
"""

from __future__ import annotations

import asyncio
import json
import pickle
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.instruments_talk import driver_of
from drivers.errors import DriverError
from drivers.events import Event
from drivers.keeper import Keeper
from drivers.link import LinkState

Heard = list[tuple[str, float, Event]]
LOOK_S = 0.5


def keeper_of(name: str, url: str, heard: Heard | None) -> Keeper:
    """A keeper as the core has it, with the pace of the product."""
    driver = driver_of(name)
    if driver is None:
        raise DriverError(f"There is no driver for {name}.")

    def on_event(_: str, event: Event, at: float) -> None:
        if heard is not None:
            heard.append((name, at, event))

    def on_state(_: str, state: LinkState, reason: str) -> None:
        print(json.dumps({"name": name, "state": state, "reason": reason}), flush=True)

    return Keeper(name, url, driver(), on_event, on_state, accept_simulated=True)


async def hold(urls: dict[str, str], heard: Heard | None, idle: bool) -> None:
    """Keep all of them until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    keepers = [keeper_of(name, url, heard) for name, url in urls.items()]
    jobs = [asyncio.create_task(keeper.run()) for keeper in keepers]
    jobs += [] if idle else [asyncio.create_task(_measure(keeper)) for keeper in keepers]
    await ended.wait()
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def _measure(keeper: Keeper) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        if keeper.state is LinkState.READY:
            with suppress(DriverError):
                await keeper.start()


def main(argv: Sequence[str]) -> int:
    """Hold, and tell what was heard; NOTES "-" keeps nothing."""
    urls, notes, *idle = argv
    heard: Heard | None = None if notes == "-" else []
    asyncio.run(hold(json.loads(urls), heard, bool(idle)))
    if heard is not None:
        Path(notes).write_bytes(pickle.dumps(heard))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
