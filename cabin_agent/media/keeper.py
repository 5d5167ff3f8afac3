"""The parent of the media process: it has everything imported, forks the worker, and forks a new one when that fails.

It has no thread and no event loop, so that a fork is safe and takes milliseconds where a new start would take
seconds. The worker says over a pipe that it lives; one that has died, or that was silent for `SILENT_S`, is killed
and replaced. Both die together: the kernel ends the worker when the keeper ends (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from cabin_agent.config import Config
from cabin_agent.media.worker import Worker
from cabin_agent.notify import ALIVE, OFTEN, STOPPING, interval, notify

log = logging.getLogger(__name__)

SILENT_S = 1.0
"""Seconds without a sign of life after which the worker counts as hung."""
START_S = 5.0
"""Seconds for the first sign of life of a new one."""
STOP_S = 3.0
"""Seconds from the friendly signal to the unfriendly one."""
YOUNG_S = 2.0
"""A worker that did not become older than this is replaced with a delay, so that a fault at start is no storm."""
DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0)

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX, _ARENAS = -8, 2
"""Calls have threads of their own; with an arena for each thread, each call would leave memory behind: mallopt(3)."""


class Stop(Exception):
    """SIGTERM or SIGINT has come."""


def keep(config: Config, ready: Callable[[], None]) -> int:
    """Keep a worker running until SIGTERM or SIGINT; gives the exit code. `ready` is called when the first one lives.

    Called where no thread runs.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    young = 0
    try:
        while True:
            began = time.monotonic()
            ready = _once(config, ready)
            young = young + 1 if time.monotonic() - began < YOUNG_S else 0
            time.sleep(DELAYS_S[min(young, len(DELAYS_S)) - 1] if young else 0)
    except Stop:
        notify(**STOPPING)
        return 0


def _once(config: Config, ready: Callable[[], None]) -> Callable[[], None]:
    """One worker from its fork to its end; gives what is still to be called when the next one lives."""
    ours, theirs = os.pipe()
    keeper, pid = os.getpid(), os.fork()
    if pid == 0:
        os.close(ours)
        _work(config, theirs, keeper)
    os.close(theirs)
    try:
        return _watch(ours, ready)
    except Stop:
        _ask_to_end(pid)
        raise
    finally:
        _kill(pid)
        os.close(ours)


def _watch(pipe: int, ready: Callable[[], None]) -> Callable[[], None]:
    """Read signs of life until there are none."""
    patience, tell = START_S, _sign_of_life()
    while select.select([pipe], [], [], patience)[0]:
        if not os.read(pipe, 4096):
            log.error("the media worker has ended; a new one is started")
            return ready
        ready()
        tell()
        ready, patience = _nothing, SILENT_S
    log.error("the media worker was silent for %g s; it is killed and a new one is started", patience)
    return ready


def _sign_of_life() -> Callable[[], None]:
    """Tells systemd that the service lives: the worker's signs of life, handed on now and then."""
    seconds = interval()
    if seconds is None:
        return _nothing
    told = 0.0

    def tell() -> None:
        nonlocal told
        if time.monotonic() - told >= seconds / OFTEN:
            told = time.monotonic()
            notify(**ALIVE)

    return tell


def _nothing() -> None:
    """What is left to do when the first worker has lived."""


def _ask_to_end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while time.monotonic() < until and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.02)


def _kill(pid: int) -> None:
    """End a child that was not waited for yet; one that hangs or is stopped ends too."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise Stop


def _work(config: Config, pipe: int, keeper: int) -> NoReturn:
    """The child: it never comes back into the keeper's code."""
    code = 1
    try:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _LIBC.mallopt(_M_ARENA_MAX, _ARENAS)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.set_blocking(pipe, False)
        if os.getppid() == keeper:
            asyncio.run(_loop(config, pipe))
            code = 0
    except BaseException:
        log.exception("the media worker failed")
    finally:
        logging.shutdown()
        os._exit(code)


async def _loop(config: Config, pipe: int) -> None:
    task = asyncio.create_task(Worker(config, lambda: _alive(pipe)).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _alive(pipe: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.write(pipe, b".")
