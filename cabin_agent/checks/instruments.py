"""Each instrument: there, heard in its own protocol, well by its own word, and calibrated.

Beside a running core its word is taken, because it holds the ports; without one the instruments are opened here,
heard for a few seconds, and given back. No measure is started either way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime

from cabin_agent.checks.line import Line, ok, told, wrong
from cabin_agent.client import CoreClient
from cabin_agent.config import Config
from cabin_agent.face import Json
from cabin_agent.instruments import Instruments

PATIENCE_S = 14.0
"""Longer than any sheet's silence, and than what talks another protocol is listened to."""
GLANCE_S = 0.25
APPEAR_S = 2.0
"""For one that is plugged in to be opened."""
WELL = ("ready", "measuring")
UNDECIDED = ("opening", "probing")
SEEN_BY_HAND = "Plug it in and switch it on, then check again."


async def beside(core: CoreClient) -> list[Json]:
    """The instruments as the running core sees them, once it has made up its mind. Raises `CoreError`."""
    return await _settled(core.instruments, lambda each, _: each["state"] not in UNDECIDED)


async def opened(config: Config) -> list[Json]:
    """The instruments as they are heard now, without a core."""
    bench = Instruments(
        config.instruments,
        accept_simulated=config.cabin.accept_simulated,
        speed=config.cabin.speed,
        on_event=lambda *_: None,
        on_state=lambda *_: None,
    )
    keeping = asyncio.create_task(bench.run(), name="instruments of the self-test")

    async def overview() -> list[Json]:
        return bench.overview()

    try:
        return await _settled(overview, _is_settled)
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


def _is_settled(each: Json, seconds: float) -> bool:
    return each["state"] not in UNDECIDED and (each["state"] != "absent" or seconds > APPEAR_S)


async def _settled(
    overview: Callable[[], Awaitable[list[Json]]], is_settled: Callable[[Json, float], bool]
) -> list[Json]:
    """The overview once every instrument is settled, or after the patience."""
    began = time.monotonic()
    while True:
        found = await overview()
        seconds = time.monotonic() - began
        if seconds > PATIENCE_S or all(is_settled(each, seconds) for each in found):
            return found
        await asyncio.sleep(GLANCE_S)


def lines(instruments: list[Json], today: date | None = None) -> list[Line]:
    """What the overview of the instruments (`Instrument` of docs/api.yaml) amounts to."""
    today = today or datetime.now(UTC).date()
    return [line for each in instruments for line in (_link(each), *_self_test(each), *_calibration(each, today))]


def _link(each: Json) -> Line:
    name = each["name"]
    if each["state"] in WELL:
        marked = ", simulated" if each["simulated"] else ""
        doubt = f" Not confirmed on hardware: {each['unconfirmed']}." if each["unconfirmed"] else ""
        return ok(name, f"{each['model']} is {each['state']}{marked}; it speaks {each['protocol']}.{doubt}")
    if each["state"] in UNDECIDED:
        says = f"It is plugged in, but nothing that belongs to {each['protocol']} was heard."
        return wrong(name, says, "Switch it off and on, then check again.")
    return told(name, each["reason"]) if ": " in each["reason"] else wrong(name, each["reason"], SEEN_BY_HAND)


def _calibration(each: Json, today: date) -> list[Line]:
    part = f"{each['name']} calibration"
    if not each["calibrated"]:
        # A simulated one is never calibrated, and before it was seen nobody knows what it is.
        says = "No day of calibration is written for it."
        return [wrong(part, says, "Write calibrated in its settings.")] if each["simulated"] is False else []
    due = date.fromisoformat(each["calibration_due"])
    if today > due:
        return [wrong(part, f"It was good until {due}.", "Have it calibrated, and write the day.")]
    return [ok(part, f"Calibrated on {each['calibrated']}, good until {due}.")]


def _self_test(each: Json) -> list[Line]:
    if each["self_test"] != "failed":
        return []
    part = f"{each['name']} self-test"
    return [
        wrong(part, "Its last self-test was not passed.", "Switch it off and on; if it stays so, have it repaired.")
    ]
