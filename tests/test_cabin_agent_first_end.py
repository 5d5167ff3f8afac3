"""Jobs that belong together."""

from __future__ import annotations

import asyncio

import pytest

from cabin_agent.first_end import first_end


async def endless(left: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        left.append("put in order")


async def failing() -> None:
    raise ValueError("broken")


async def nothing() -> None:
    return None


async def test_the_first_end_is_the_end_of_all() -> None:
    left: list[str] = []
    assert await first_end(endless(left), nothing(), endless(left)) is None
    assert left == ["put in order"] * 2


async def test_what_ended_it_is_told_even_where_another_just_ended_at_the_same_time() -> None:
    error = await first_end(nothing(), failing())
    assert isinstance(error, ValueError)


async def test_whoever_is_cancelled_leaves_no_job_behind() -> None:
    left: list[str] = []
    waiting = asyncio.create_task(first_end(endless(left), endless(left)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert left == ["put in order"] * 2
