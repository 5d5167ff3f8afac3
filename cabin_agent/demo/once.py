"""One check-up in a demonstration's cabin, by itself, up to the record's receipt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TextIO

from cabin_agent.checkup import Checkup, go_through, receipt_of
from cabin_agent.client import CoreClient
from cabin_agent.demo.cabin import DemoCabin
from cabin_agent.demo.processes import DemoError
from cabin_agent.demo.site import CODE
from cabin_agent.face import Json
from cabin_agent.person import SimulatedPerson
from cabin_agent.progress import Progress
from sync.store_sqlite import SqliteStore

SEEN_S = 20.0
"""Real seconds in which every instrument of a demonstration is expected to be seen."""
RECEIPT_S = 30.0
"""Real seconds in which the record is expected to answer."""


@dataclass(frozen=True, slots=True)
class Once:
    """What one check-up gave, and the record's word on it."""

    checkup: Checkup
    receipt: Json | None
    record_id: str | None
    """Identifier that the record gave to the Bundle."""
    instruments: list[Json]

    @property
    def receipt_status(self) -> str | None:
        """The status that the record signed: "stored", "duplicate", "rejected"; None without a receipt."""
        return self.receipt["receipt"]["status"] if self.receipt and self.receipt["receipt"] else None


async def once(cabin: DemoCabin, progress: TextIO) -> Once:
    """Run one check-up; what happens is told on `progress`. Raises `CoreError` or `DemoError`."""
    async with cabin.client() as core:
        await _all_seen(core)
        checkup = await go_through(core, SimulatedPerson(CODE), Progress(progress).show)
        receipt = await _receipt(core, checkup)
        instruments = await core.instruments()
    record_id = _record_id(cabin, checkup.mid)
    return Once(checkup, receipt, record_id, instruments)


async def _all_seen(core: CoreClient) -> None:
    """Wait until every instrument was heard; one that stays away is skipped by the visit itself."""
    try:
        async with asyncio.timeout(SEEN_S):
            async for _ in core.stream():
                if all(each["state"] in ("ready", "measuring") for each in await core.instruments()):
                    return
    except TimeoutError:
        return


async def _receipt(core: CoreClient, checkup: Checkup) -> Json | None:
    if checkup.mid is None:
        raise DemoError("The visit ended without anything for the record.")
    try:
        async with asyncio.timeout(RECEIPT_S):
            return await receipt_of(core, checkup.mid)
    except TimeoutError:
        return None


def _record_id(cabin: DemoCabin, mid: str | None) -> str | None:
    """The record's own identifier, read from its database as the health-data centre would."""
    if mid is None:
        return None
    store = SqliteStore(cabin.site.record)
    try:
        return store.record_of(bytes.fromhex(mid))
    finally:
        store.close()
