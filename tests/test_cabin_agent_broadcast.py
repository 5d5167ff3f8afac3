"""The broadcast: everybody hears everything while they watch, and a slow watcher costs a bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.broadcast import EVENTS_KEPT, FRAMES_KEPT, Broadcast, Watcher
from cabin_agent.face import Json
from tests.fake_face import problems_of


def event(number: int) -> Json:
    return {"type": "changed", "number": number}


async def taken(watcher: AsyncIterator[Json | bytes], count: int) -> list[Json | bytes]:
    async with asyncio.timeout(5):
        return [await anext(watcher) for _ in range(count)]


async def test_every_watcher_hears_every_change_in_order() -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=True) as one, broadcast.watch(waves=False) as other:
        for number in range(3):
            broadcast.tell(event(number))
        for watcher in (one, other):
            assert await taken(watcher, 3) == [event(0), event(1), event(2)]


async def test_waves_go_to_those_who_asked_for_them() -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=True) as eye, broadcast.watch(waves=False) as ear:
        broadcast.tell(b"frame")
        broadcast.tell(event(1))
        assert await taken(eye, 2) == [event(1), b"frame"]
        assert await taken(ear, 1) == [event(1)]


async def test_whether_an_item_is_wanted_is_asked_when_it_is_told() -> None:
    broadcast, open_to_all = Broadcast(), True
    with broadcast.watch(waves=True, wanted=lambda _: open_to_all) as watcher:
        broadcast.tell(event(1))
        open_to_all = False
        for item in (event(2), b"frame"):
            broadcast.tell(item)
        open_to_all = True
        broadcast.tell(event(3))
        assert await taken(watcher, 2) == [event(1), event(3)]


async def test_a_watcher_hears_nothing_of_before_and_nothing_of_after() -> None:
    broadcast = Broadcast()
    broadcast.tell(event(0))
    with broadcast.watch(waves=False) as watcher:
        broadcast.tell(event(1))
    broadcast.tell(event(2))
    assert await taken(watcher, 1) == [event(1)]
    waiting = asyncio.ensure_future(anext(watcher))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_watcher_that_fails_is_forgotten_too() -> None:
    broadcast = Broadcast()
    with pytest.raises(RuntimeError), broadcast.watch(waves=True):
        assert broadcast.waves_wanted
        raise RuntimeError
    assert not broadcast.waves_wanted


async def test_who_waits_is_woken_by_the_next_change() -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=True) as watcher:
        for item in (event(1), b"frame", event(2)):
            waiting = asyncio.ensure_future(anext(watcher))
            await asyncio.sleep(0)
            assert not waiting.done()
            broadcast.tell(item)
            async with asyncio.timeout(5):
                assert await waiting == item


def test_waves_are_wanted_while_somebody_looks() -> None:
    broadcast = Broadcast()
    assert not broadcast.waves_wanted
    with broadcast.watch(waves=False):
        assert not broadcast.waves_wanted
        with broadcast.watch(waves=True):
            assert broadcast.waves_wanted
        assert not broadcast.waves_wanted


def test_a_newcomer_is_told_of_once_and_only_one_who_looks_at_waves() -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=False):
        assert not broadcast.newcomers()
        with broadcast.watch(waves=True), broadcast.watch(waves=False):
            assert broadcast.newcomers()
            assert not broadcast.newcomers()


async def test_a_slow_watcher_loses_the_oldest_frames_and_is_told_how_many() -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=True) as watcher:
        for number in range(FRAMES_KEPT + 10):
            broadcast.tell(number.to_bytes(2, "big"))
        broadcast.tell(event(1))
        told = await taken(watcher, 2 + FRAMES_KEPT)
        assert told[:2] == [{"type": "dropped", "frames": 10}, event(1)]
        assert told[2:] == [number.to_bytes(2, "big") for number in range(10, FRAMES_KEPT + 10)]
        broadcast.tell(b"next")
        assert await taken(watcher, 1) == [b"next"]


async def test_a_slow_watcher_loses_the_oldest_events_and_is_told_so() -> None:
    broadcast = Broadcast()
    with broadcast.watch(waves=False) as watcher:
        for number in range(EVENTS_KEPT + 3):
            broadcast.tell(event(number))
        told = await taken(watcher, 1 + EVENTS_KEPT)
        assert told[0] == {"type": "dropped", "frames": 3}
        assert told[1:] == [event(number) for number in range(3, EVENTS_KEPT + 3)]


async def test_what_was_lost_is_told_as_the_contract_says() -> None:
    watcher = Watcher(waves=True)
    for _ in range(FRAMES_KEPT + 1):
        watcher.offer(b"frame")
    (told,) = await taken(watcher, 1)
    assert problems_of(told, {"$ref": "#/components/schemas/StreamEvent"}) == []


@given(st.lists(st.sampled_from(("event", "frame", "take")), max_size=900), st.booleans())
def test_nothing_is_lost_without_being_told_and_the_memory_is_bounded(acts: list[str], waves: bool) -> None:
    async def play() -> None:
        watcher, offered, counted, waiting = Watcher(waves=waves), 0, 0, 0
        for act in chain.from_iterable(repeat(each, 1 if each == "take" else 40) for each in acts):
            if act == "take":
                if waiting:
                    told = (await taken(watcher, 1))[0]
                    counted += told["frames"] if isinstance(told, dict) and "frames" in told else 1
                    waiting = offered - counted
                continue
            watcher.offer(event(0) if act == "event" else b"frame")
            offered += act == "event" or waves
            waiting = offered - counted
        kept = 0
        while counted < offered:
            told = (await taken(watcher, 1))[0]
            lost = isinstance(told, dict) and "frames" in told
            counted += told["frames"] if isinstance(told, dict) and lost else 1
            kept += not lost
        assert counted == offered
        assert kept <= EVENTS_KEPT + FRAMES_KEPT

    asyncio.run(play())
