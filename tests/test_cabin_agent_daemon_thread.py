"""Blocking work beside the event loop: its result, its error, and its being left behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from cabin_agent.daemon_thread import in_daemon_thread


async def test_what_the_work_gives() -> None:
    assert await in_daemon_thread(lambda: threading.current_thread().name, "worker") == "worker"


async def test_what_the_work_raises() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_daemon_thread(fail, "worker")


async def test_work_that_is_stuck_can_be_left() -> None:
    free = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_daemon_thread(free.wait, "worker")
    (thread,) = (each for each in threading.enumerate() if each.name == "worker")
    assert thread.daemon
    free.set()
    thread.join(5)
    assert not thread.is_alive()
