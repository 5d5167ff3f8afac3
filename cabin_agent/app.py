"""The core as a process: what is opened in which order, and given back in the reverse one."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from cabin_agent.access import Access
from cabin_agent.black_box import BlackBox
from cabin_agent.cabin_time import CabinTime
from cabin_agent.call_watch import CallWatch
from cabin_agent.clock import VisitClock
from cabin_agent.config import Config, ConfigError
from cabin_agent.core import Core
from cabin_agent.core_face import CoreFace
from cabin_agent.journal import Journal
from cabin_agent.media_link import SOCKET, MediaLink
from cabin_agent.notify import READY, STOPPING, notify, watch_loop
from cabin_agent.open_visit import OpenVisit
from cabin_agent.posts.readers import config_in_force
from cabin_agent.record_link import open_record_link
from cabin_agent.runtime import TICKET, publish, withdraw
from cabin_agent.trail import Trail
from cabin_agent.version import VERSION
from cabin_agent.web.app import make_app, serve
from sync.keyfile import load_key
from sync.keys import RecipientPublic, SigningPair

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
        time = CabinTime(state)
        trail = Trail(state, load_key(record.signing, SigningPair), time)
        opened.callback(trail.close)
        link = open_record_link(config, config.record or record, trail, time.believed_ms)
        clock = VisitClock(config.cabin.speed, time.now_ms)
        core = Core(config, OpenVisit(journal), link.delivery, _black_box(config), trail.note, clock)
        if link.inbox is not None:
            link.inbox.attach(core)
            opened.callback(link.inbox.close)
            await opened.enter_async_context(_beside(link.inbox.tidy(core)))
        access = _watched(Access(state / "access.json"), trail)
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
        await opened.enter_async_context(_beside(time.run()))
        await opened.enter_async_context(_beside(trail.run()))
        trail.started(VERSION, config.file, simulated=config.cabin.accept_simulated)
        opened.callback(trail.note, "core-stopped")
        await _until_signal(core, lambda: ready(url))


@asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Do something of no end beside everything else."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _watched(access: Access, trail: Trail) -> Access:
    """Who signs in, by role, and that accounts were changed, goes into the audit log."""
    access.on_sign_in = lambda role, admitted: trail.note("signed-in" if admitted else "sign-in-refused", role=role)
    access.on_change = lambda count: trail.note("accounts-changed", accounts=count)
    return access


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
    """Run the core; SIGTERM and SIGINT end it in order, the cuff vented first. systemd is told of each turn in it."""
    up = asyncio.Event()

    def told() -> None:
        ready()
        notify(**READY)
        up.set()

    def end() -> None:
        notify(**STOPPING)
        running.cancel()

    running = asyncio.create_task(core.run(told), name="core")
    watching = asyncio.create_task(_watch(up, core), name="watchdog")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    with suppress(asyncio.CancelledError):
        await running
    watching.cancel()


async def _watch(up: asyncio.Event, core: Core) -> None:
    """Say from the first moment of readiness that loop and uplink turn; a broker that is away is no matter."""
    await up.wait()
    await watch_loop({"uplink": core.delivery.stalled_for})


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
