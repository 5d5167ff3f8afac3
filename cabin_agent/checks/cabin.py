"""The whole self-test, in the order in which a cabin needs its parts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cabin_agent.checks import audit, broker, clock, disk, instruments, keys, media, outbox, printer, screen, settings
from cabin_agent.checks.line import Line
from cabin_agent.client import CoreClient
from cabin_agent.config import Config
from cabin_agent.face import Json
from cabin_agent.posts.readers import config_in_force
from cabin_agent.runtime import Found


async def look(file: Path | None, found: Found | None) -> list[Line]:
    """Every line, by the settings in `file` (None: what a core says must do) and beside the running core `found`.

    Raises `CoreError` where the core does not answer.
    """
    config, first = settings.read(file) if file is not None else (None, [])
    state = None if config is None else config.cabin.state_dir
    if found is None:
        near, alone = await asyncio.gather(_of_machine(config), _alone(config))
        return [*first, *clock.lines(state_dir=state), *near, *alone]
    near, (status, beside) = await asyncio.gather(_of_machine(config), _beside(config, found))
    answers = any(line.part == broker.PART and line.state == "ok" for line in near)
    return [*first, *clock.lines(state_dir=state), *near, *screen.delivery(status, broker_answers=answers), *beside]


async def _of_machine(config: Config | None) -> list[Line]:
    """What is looked at in the same way whether a core runs or not."""
    if config is None:
        return []
    config = await asyncio.to_thread(config_in_force, config)
    record, state = config.record, config.cabin.state_dir
    quota_mb = record.quota_mb if record else 0
    found = await asyncio.to_thread(disk.lines, state, quota_mb)
    if record is not None:
        found += await asyncio.to_thread(keys.lines, record, demo=config.cabin.accept_simulated, state_dir=state)
        found += await asyncio.to_thread(keys.black_box, config.black_box)
        found += await broker.lines(record)
        found += await asyncio.to_thread(outbox.lines, state, quota_mb, record.reserve_mb)
        found += await asyncio.to_thread(audit.lines, state)
    return found + await printer.lines(config.ticket.printer)


async def _beside(config: Config | None, found: Found) -> tuple[Json, list[Line]]:
    """What the core says of itself, and the lines of what it looks after."""
    async with CoreClient(found.url, found.token) as core:
        status, cabin = await core.status(), await core.cabin()
        views = await instruments.beside(core)
        served = await screen.lines(found.url, status)
    return status, [*served, *instruments.lines(views), *media.beside(cabin["media"], config)]


async def _alone(config: Config | None) -> list[Line]:
    if config is None:
        return []
    views = await instruments.opened(config)
    return [*screen.without_core(), *instruments.lines(views), *media.alone(config)]
