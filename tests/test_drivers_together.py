"""Two halves of one conversation: the first failure ends both, and the caller stays what it was."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import Unplugged
from drivers.together import together


async def _fails(after: asyncio.Event, error: Exception) -> None:
    await after.wait()
    raise error


async def _waits(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


async def _ends(heard: list[str]) -> None:
    heard.append("ended")


async def test_it_ends_when_all_have_ended() -> None:
    heard: list[str] = []
    await together(_ends(heard), _ends(heard))
    assert heard == ["ended", "ended"]


async def test_one_that_ends_by_itself_does_not_end_the_other() -> None:
    heard: list[str] = []
    go = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, go.set)
    with pytest.raises(Unplugged):
        await together(_ends(heard), _fails(go, Unplugged("gone")))
    assert heard == ["ended"]


async def test_the_first_failure_is_bare_and_ends_the_other() -> None:
    ended: list[str] = []
    go = asyncio.Event()
    go.set()
    with pytest.raises(Unplugged, match="gone"):
        await together(_waits(ended), _fails(go, Unplugged("gone")))
    assert ended == ["cancelled"]


async def test_a_failure_leaves_the_caller_not_counted_as_being_cancelled() -> None:
    go = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, go.set)
    with pytest.raises(Unplugged):
        await together(_fails(go, Unplugged("gone")), _waits([]))
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    async with asyncio.timeout(1.0):
        await asyncio.sleep(0)


async def test_a_cancelled_caller_takes_both_halves_with_it() -> None:
    ended: list[str] = []
    task = asyncio.create_task(together(_waits(ended), _waits(ended)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled", "cancelled"]


async def test_a_failure_while_being_cancelled_does_not_undo_the_cancellation() -> None:
    async def stumbles() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise Unplugged("gone on the way out")

    task = asyncio.create_task(together(stumbles(), _waits([])))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
