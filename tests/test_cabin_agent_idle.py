"""The person's silence, in short real seconds; the tests wait for what happens, never for time to go by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cabin_agent.idle import Idle

LIMIT_S = 0.03
GRACE_S = 0.02
NEVER_S = 600.0
EARLY_S = 0.005
"""A timer may come so much before its time, by the clock's own resolution."""


class Room:
    """A cabin with one person; what is said to them comes out of `said` with the moment of it."""

    def __init__(self, limit: float | None, grace: float = GRACE_S) -> None:
        self.limit = limit
        self.asked = asyncio.Event()
        self.said: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self.idle = Idle(self._limit, grace, self._warn, self._close)

    def _limit(self) -> float | None:
        self.asked.set()
        return self.limit

    def _warn(self, warning: bool) -> None:
        assert self.idle.warning is warning
        self.said.put_nowait(("warned" if warning else "answered", time.monotonic()))

    async def _close(self) -> None:
        self.said.put_nowait(("closed", time.monotonic()))

    async def next(self) -> tuple[str, float]:
        async with asyncio.timeout(10):
            return await self.said.get()

    async def words(self, count: int) -> list[str]:
        return [(await self.next())[0] for _ in range(count)]

    async def settle(self) -> None:
        """Let the idle watch take note of a touch: it asks for the limit again."""
        self.asked.clear()
        async with asyncio.timeout(10):
            await self.asked.wait()


@asynccontextmanager
async def watched(room: Room) -> AsyncIterator[Room]:
    task = asyncio.create_task(room.idle.run())
    try:
        yield room
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_silence_is_asked_about_and_then_ends_the_visit() -> None:
    began = time.monotonic()
    async with watched(Room(LIMIT_S)) as room:
        room.idle.touch()
        word, warned = await room.next()
        assert word == "warned"
        assert warned - began >= LIMIT_S - EARLY_S
        assert (await room.next())[0] == "answered"
        word, closed = await room.next()
        assert word == "closed"
        assert closed - began >= LIMIT_S + GRACE_S - EARLY_S
        assert not room.idle.warning


async def test_a_touch_answers_the_question() -> None:
    async with watched(Room(LIMIT_S, grace=NEVER_S)) as room:
        assert await room.words(1) == ["warned"]
        room.limit = NEVER_S
        room.idle.touch()
        assert await room.words(1) == ["answered"]
        assert not room.idle.warning
        assert room.said.empty()


async def test_each_touch_gives_the_whole_time_again() -> None:
    async with watched(Room(NEVER_S)) as room:
        for _ in range(5):
            room.idle.touch()
            await room.settle()
        assert room.said.empty()
        room.limit, touched = LIMIT_S, time.monotonic()
        room.idle.touch()
        word, warned = await room.next()
        assert word == "warned"
        assert warned - touched >= LIMIT_S - EARLY_S


async def test_where_silence_is_expected_nobody_is_asked() -> None:
    async with watched(Room(None)) as room:
        await room.settle()
        room.idle.touch()
        await room.settle()
        assert room.said.empty()
        room.limit = LIMIT_S
        room.idle.touch()
        assert await room.words(3) == ["warned", "answered", "closed"]


async def test_a_question_is_taken_back_when_silence_becomes_expected() -> None:
    async with watched(Room(LIMIT_S, grace=NEVER_S)) as room:
        assert await room.words(1) == ["warned"]
        room.limit = None
        room.idle.touch()
        assert await room.words(1) == ["answered"]
        assert room.said.empty()


async def test_the_watch_goes_on_after_it_ended_a_visit() -> None:
    async with watched(Room(LIMIT_S)) as room:
        assert await room.words(6) == ["warned", "answered", "closed"] * 2


async def test_a_silence_that_is_over_long_ago_is_asked_about_at_once() -> None:
    room = Room(0.0, grace=NEVER_S)
    async with watched(room):
        assert await room.words(1) == ["warned"]
        assert room.idle.warning


async def test_closing_may_touch_and_take_its_time() -> None:
    room = Room(LIMIT_S)
    gate, closing = asyncio.Event(), asyncio.Event()

    async def close() -> None:
        room.idle.touch()
        closing.set()
        await gate.wait()

    room.idle = Idle(room._limit, GRACE_S, room._warn, close)
    async with watched(room):
        assert await room.words(2) == ["warned", "answered"]
        async with asyncio.timeout(10):
            await closing.wait()
        assert room.said.empty()
        gate.set()
        assert await room.words(1) == ["warned"]


async def test_what_fails_while_closing_is_not_hidden() -> None:
    room = Room(0.0, grace=0.0)

    async def close() -> None:
        raise RuntimeError("the disk")

    room.idle = Idle(room._limit, 0.0, room._warn, close)
    with pytest.raises(RuntimeError, match="the disk"):
        async with asyncio.timeout(10):
            await room.idle.run()
