"""Cameras of the cabin: only the chosen one is open, the wanted size comes, nothing is left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import psutil
import pytest

from cabin_agent.media import barcode
from cabin_agent.media.address import CameraSettings
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.picture import Frame, planes
from cabin_agent.media.why import Why, sentence
from tests.mjpeg import (
    HAND,
    ROOM,
    Make,
    camera_threads,
    fresh,
    http_camera,
    made_cameras,
    state,
    until,
    wait_for_threads,
)


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with made_cameras() as make:
        yield make


async def test_nothing_is_open_until_chosen(make: Make) -> None:
    cameras = make(ROOM, HAND)
    assert cameras.chosen is None and cameras.newest() is None and camera_threads() == []
    assert cameras.view() == [
        {"name": "room", "label": "Salle", "state": "closed", "reason": "", "simulated": True},
        {"name": "hand", "label": "Main", "state": "closed", "reason": "", "simulated": True},
    ]


async def test_a_chosen_camera_opens_then_lives_and_both_are_told(make: Make) -> None:
    told: list[tuple[str, str]] = []

    def tell() -> None:
        told.append(state(cameras, "room"))

    cameras: Cameras = make(ROOM, on_change=tell)
    cameras.choose("room")
    frame = await fresh(cameras)
    assert (frame.width, frame.height, frame.i420.shape) == (1280, 720, (1080, 1280))
    assert abs(time.monotonic() * 1e6 - frame.captured_us) < 2e6
    cameras.close()
    assert told == [("opening", sentence(Why.OPENING, "en")), ("live", ""), ("closed", "")]


async def test_the_size_and_rate_that_are_asked_for_come(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    await fresh(cameras)
    for width, height in ((320, 240), (640, 480), (426, 240)):
        cameras.shape(width, height, 30)
        await fresh(cameras)
        frame = await fresh(cameras)
        assert (frame.width, frame.height) == (width, height)
        assert barcode.read(planes(frame.i420)[0]) is not None
    cameras.shape(320, 240, 5)
    await fresh(cameras)
    seen: list[Frame] = []

    def note() -> None:
        if (frame := cameras.newest()) is not None and frame not in seen[-1:]:
            seen.append(frame)

    cameras.listeners.add(note)
    await asyncio.sleep(1.5)
    assert 4 <= len(seen) <= 11


async def test_a_size_that_planes_do_not_allow_is_cut(make: Make) -> None:
    cameras = make(ROOM)
    cameras.shape(641, 479, 0)
    assert cameras.size == (640, 476)
    cameras.shape(0, -5, 10)
    assert cameras.size == (16, 16)


async def test_only_the_chosen_one_is_open(make: Make) -> None:
    with http_camera() as one, http_camera() as other:
        cameras = make(CameraSettings("a", "A", one.url), CameraSettings("b", "B", other.url))
        for name in "abab":
            cameras.choose(name)
            await fresh(cameras)
            assert [each["state"] for each in cameras.view()] == ["live" if n == name else "closed" for n in "ab"]
            assert len(camera_threads()) == 1
        await until(lambda: one.watchers == 0)
        cameras.close()
        await until(lambda: other.watchers == 0)
        assert one.most_watchers == other.most_watchers == 1


async def test_a_name_nobody_has_changes_nothing(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    with pytest.raises(KeyError):
        cameras.choose("cellar")
    assert cameras.chosen == "room"


async def test_choosing_the_same_again_does_not_reopen_it(make: Make) -> None:
    with http_camera() as server:
        cameras = make(CameraSettings("a", "A", server.url))
        cameras.choose("a")
        await fresh(cameras)
        cameras.choose("a")
        await fresh(cameras)
        assert server.watchers == 1
        cameras.close()
        await until(lambda: server.watchers == 0)


async def test_switching_twenty_times_leaves_no_thread_and_no_memory_behind(make: Make) -> None:
    cameras = make(ROOM, HAND)
    for name in ("room", "hand"):
        cameras.choose(name)
        await fresh(cameras)
    before = psutil.Process().memory_info().rss
    for turn in range(20):
        cameras.choose(("room", "hand")[turn % 2])
        await fresh(cameras)
    assert len(camera_threads()) == 1
    cameras.close()
    wait_for_threads(0)
    assert psutil.Process().memory_info().rss - before < 40e6


async def test_switching_without_a_breath_leaves_one_thread_and_the_last_choice(make: Make) -> None:
    cameras = make(ROOM, HAND)
    for turn in range(21):
        cameras.choose(("room", "hand")[turn % 2])
    await fresh(cameras)
    assert cameras.chosen == "room" and state(cameras, "room") == ("live", "")
    await until(lambda: len(camera_threads()) == 1)


async def test_a_held_up_loop_finds_the_newest_picture_and_no_backlog(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    await fresh(cameras)
    calls: list[int] = []
    cameras.listeners.add(lambda: calls.append(1))
    calls.clear()
    time.sleep(0.5)  # noqa: ASYNC251 the loop is held up on purpose
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    frame = cameras.newest()
    assert frame is not None and time.monotonic() * 1e6 - frame.captured_us < 0.2e6
    assert len(calls) <= 3


async def test_a_camera_outlives_a_loop_that_ended(make: Make) -> None:
    def short_life() -> None:
        async def choose() -> None:
            cameras = make(ROOM)
            cameras.choose("room")
            await fresh(cameras)
            kept.append(cameras)

        asyncio.run(choose())

    kept: list[Cameras] = []
    await asyncio.to_thread(short_life)
    await asyncio.sleep(0.2)
    assert len(camera_threads()) == 1


async def test_frames_are_not_written_to_after_they_were_given_out(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    frame = await fresh(cameras)
    copy = frame.i420.copy()
    for _ in range(5):
        await fresh(cameras)
    assert np.array_equal(frame.i420, copy)
