"""The core as a process: what is opened in which order, and given back in the reverse one."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from cabin_agent.access import Access
from cabin_agent.black_box import BlackBox
from cabin_agent.call_watch import CallWatch
from cabin_agent.config import Config, ConfigError
from cabin_agent.core import Core
from cabin_agent.core_face import CoreFace
from cabin_agent.journal import Journal
from cabin_agent.media_link import SOCKET, MediaLink
from cabin_agent.open_visit import OpenVisit
from cabin_agent.posts.readers import config_in_force
from cabin_agent.record_link import open_record_link
from cabin_agent.runtime import TICKET, publish, withdraw
from cabin_agent.web.app import make_app, serve
from sync.keyfile import load_key
from sync.keys import RecipientPublic

log = logging.getLogger(__name__)

OWNER = "owner"
"""Account of the user who runs the core: the commands of that user find its token in the runtime folder."""


async def run_core(config: Config, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` gets the URL of the local API once it answers.

    Raises `ConfigError`, `JournalError`, `KeyFileError`, `OutboxFailed`, `OutboxLocked` or `AccessError`, each with
    one sentence.
    """
    record = config.record
    if record is None:
        raise ConfigError(f"{config.file}: there is no [record]; say where results go before a cabin measures.")
    state = config.cabin.state_dir
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = config_in_force(config)
    async with AsyncExitStack() as opened:
        journal = opened.enter_context(Journal(state))
        link = open_record_link(config, config.record or record)
        core = Core(config, OpenVisit(journal), link.delivery, _black_box(config))
        if link.inbox is not None:
            link.inbox.attach(core)
            opened.callback(link.inbox.close)
        access = Access(state / "access.json")
        hosts = frozenset({"127.0.0.1", "localhost", "[::1]"})
        try:
            url = await opened.enter_async_context(serve(make_app(CoreFace(core), access, hosts), config.api.port))
        except OSError as error:
            taken = f"{config.file}: [api] port {config.api.port} cannot be used ({os.strerror(error.errno or 0)})"
            raise ConfigError(f"{taken}; end what uses it, or write another.") from None
        publish(config.cabin.runtime_dir, url, access.session(OWNER, "technician"), config.file)
        access.offer(config.cabin.runtime_dir / TICKET)
        opened.callback(withdraw, config.cabin.runtime_dir)
        await opened.enter_async_context(_media(core, config, access))
        await _until_signal(core, lambda: ready(url))


@asynccontextmanager
async def _media(core: Core, config: Config, access: Access) -> AsyncIterator[None]:
    """The link to the media process and the watch over its calls: whatever becomes of them, measures go on."""
    link = core.consultation.link = MediaLink(
        config.cabin.runtime_dir / SOCKET,
        lambda: core.broadcast.watch(waves=True),
        core.consultation,
        simulated=config.cabin.accept_simulated,
        changed=core.changed,
    )
    watch = CallWatch(core.consultation, access)
    running = [
        asyncio.create_task(link.run(), name="media link"),
        asyncio.create_task(watch.run(), name="call watch"),
    ]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _until_signal(core: Core, ready: Callable[[], None]) -> None:
    """Run the core; SIGTERM and SIGINT end it in order, the cuff vented first."""
    running = asyncio.create_task(core.run(ready), name="core")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


def _black_box(config: Config) -> BlackBox | None:
    """The black box, where the configuration names a key for it."""
    settings = config.black_box
    if settings is None:
        return None
    key = load_key(settings.key, RecipientPublic)
    if key.demo and not config.cabin.accept_simulated:
        raise ConfigError(f"{config.file}: [black_box] names a key of a demonstration; make this cabin's own.")
    folder = config.cabin.state_dir / "black-box"
    return BlackBox(folder, key, size=settings.size_mb << 20, visits=settings.visits)
