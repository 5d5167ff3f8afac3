"""The permanent video track: newest picture, capture clock, cards where there is none, one session after another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiortc import RTCPeerConnection
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from cabin_agent.media import barcode, camera, track
from cabin_agent.media.address import CameraSettings
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.card import card
from cabin_agent.media.picture import Pixels
from cabin_agent.media.track import SwitchTrack
from cabin_agent.media.why import Why
from tests.mjpeg import HAND, ROOM, Make, http_camera, made_cameras


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Cameras] = []
    async with made_cameras() as make:

        def noted(*settings: CameraSettings) -> Cameras:
            made.append(make(*settings))
            return made[-1]

        yield noted
    assert all(each.listeners == set() for each in made), "a track was left behind"


def luma(frame: VideoFrame) -> Pixels:
    return np.asarray(frame.to_ndarray()[: frame.height], np.uint8)


def is_card(frame: VideoFrame, cameras: Cameras, why: Why, language: str = "en") -> bool:
    expected = card(frame.width, frame.height, why, language, cameras.marked)
    return np.array_equal(frame.to_ndarray(), expected)


async def picture_of(switch: SwitchTrack) -> VideoFrame:
    """The next frame with a readable clock."""
    for _ in range(100):
        frame = await asyncio.wait_for(switch.recv(), 5)
        if barcode.read(luma(frame)) is not None:
            return frame
    raise AssertionError("no picture came")


async def test_with_nothing_chosen_a_card_comes_at_once_and_then_once_a_second(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track, "CARD_S", 0.2)
    cameras = make(ROOM)
    switch = SwitchTrack(cameras, "fr")
    began = time.monotonic()
    first = await switch.recv()
    assert time.monotonic() - began < 1 and is_card(first, cameras, Why.NOT_CHOSEN, "fr")
    for _ in range(3):
        assert is_card(await switch.recv(), cameras, Why.NOT_CHOSEN, "fr")
    assert 0.55 < time.monotonic() - began < 3
    assert switch.last is None
    switch.stop()


async def test_each_picture_comes_once_and_the_newest_wins(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    switch = SwitchTrack(cameras)
    counters = [barcode.read(luma(await picture_of(switch))) for _ in range(5)]
    numbers = [value[1] for value in counters if value is not None]
    assert len(numbers) == 5 and numbers == sorted(set(numbers))
    time.sleep(0.5)  # noqa: ASYNC251 the loop is held up on purpose
    await switch.recv()
    late = barcode.read(luma(await picture_of(switch)))
    assert late is not None and late[1] - numbers[-1] >= 10, "old pictures were kept"
    switch.stop()


async def test_pts_is_the_capture_clock(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    switch = SwitchTrack(cameras)
    before = -1
    assert is_card(await switch.recv(), cameras, Why.OPENING)
    for _ in range(10):
        frame = await picture_of(switch)
        assert frame.pts is not None and frame.pts > before and frame.time_base == track.TIME_BASE
        before = frame.pts
        assert switch.last is not None and switch.last[0] == frame.pts
        assert switch.captured_us(frame.pts) == pytest.approx(switch.last[1], abs=12)
        read = barcode.read(luma(frame))
        assert read is not None
        drawn_us = time.monotonic() * 1e6 - (int(time.time() * 1000) % 2**32 - read[0]) * 1000
        assert switch.last[1] == pytest.approx(drawn_us, abs=60_000), "the clock in the picture is that of the track"
    switch.stop()


async def test_the_clock_is_exact_for_hours(make: Make) -> None:
    switch = SwitchTrack(make(ROOM))
    for hours in (0, 1, 8):
        us = hours * 3_600_000_000 + 12_345
        frame = switch._stamped(card(320, 240, Why.LOST, "en", False), switch._origin_us + us)
        assert frame.pts is not None and abs(switch.captured_us(frame.pts) - switch._origin_us - us) <= 12
    switch.stop()


async def test_a_switch_of_cameras_needs_nothing_of_the_track(make: Make) -> None:
    cameras = make(ROOM, HAND)
    switch = SwitchTrack(cameras)
    seen, before = [], -1
    for name in ("room", "hand", "room", None, "hand"):
        cameras.choose(name)
        frame = await (switch.recv() if name is None else picture_of(switch))
        assert frame.pts is not None and frame.pts > before
        before = frame.pts
        seen.append(int(luma(frame)[300, 20]))
    assert abs(seen[0] - seen[1]) > 50 and seen[0] == seen[2] and seen[1] == seen[4]
    switch.stop()


async def test_a_stall_is_a_card_with_its_reason_and_then_pictures_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera, "STALL_S", 0.3)
    with http_camera() as server:
        cameras = make(CameraSettings("a", "A", server.url))
        cameras.choose("a")
        switch = SwitchTrack(cameras, "fr")
        await picture_of(switch)
        server.frozen = True
        while barcode.read(luma(frame := await asyncio.wait_for(switch.recv(), 5))) is not None:
            pass
        assert is_card(frame, cameras, Why.STALLED, "fr")
        server.frozen = False
        await picture_of(switch)
        cameras.choose(None)
        switch.stop()


async def test_a_new_reason_is_a_new_card_at_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "CARD_S", 60)
    cameras = make(ROOM, CameraSettings("x", "X", "/dev/video-that-is-not-there"))
    switch = SwitchTrack(cameras)
    assert is_card(await switch.recv(), cameras, Why.NOT_CHOSEN)
    began = time.monotonic()
    cameras.choose("x")
    while not is_card(await switch.recv(), cameras, Why.NOT_THERE):
        assert time.monotonic() - began < 10
    switch.stop()


async def test_the_frame_is_the_planes_themselves_without_a_copy(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    switch = SwitchTrack(cameras)
    frame = await picture_of(switch)
    newest = cameras.newest()
    assert newest is not None
    built = switch._stamped(newest.i420, newest.captured_us)
    assert built.planes[0].buffer_ptr == newest.i420.ctypes.data
    assert frame.format.name == "yuv420p" and np.array_equal(built.to_ndarray(), newest.i420)
    began = time.process_time()
    for _ in range(200):
        switch._stamped(newest.i420, newest.captured_us)
    assert (time.process_time() - began) / 200 < 0.001
    switch.stop()


async def test_a_frame_outlives_the_camera_it_came_from(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    switch = SwitchTrack(cameras)
    frame = await picture_of(switch)
    before = luma(frame).copy()
    for _ in range(5):
        await switch.recv()
    cameras.choose(None)
    await switch.recv()
    assert np.array_equal(luma(frame), before)
    switch.stop()


async def test_stopping_ends_a_recv_that_waits(make: Make) -> None:
    cameras = make(ROOM)
    switch = SwitchTrack(cameras)
    await switch.recv()
    waiting = asyncio.create_task(switch.recv())
    await asyncio.sleep(0.05)
    switch.stop()
    with pytest.raises(MediaStreamError):
        await asyncio.wait_for(waiting, 1)
    with pytest.raises(MediaStreamError):
        await switch.recv()
    switch.stop()


async def test_sessions_one_after_the_other_each_have_their_track(make: Make) -> None:
    cameras = make(ROOM)
    cameras.choose("room")
    for _ in range(10):
        switch = SwitchTrack(cameras)
        frame = await picture_of(switch)
        assert frame.pts is not None and frame.pts < 90_000 * 5
        switch.stop()
    assert cameras.listeners == set()


async def test_a_real_sender_takes_it_and_stops_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    cameras = make(ROOM)
    cameras.shape(320, 240, 15)
    cameras.choose("room")
    switch = SwitchTrack(cameras)
    cabin, doctor = RTCPeerConnection(), RTCPeerConnection()
    seen: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    doctor.on("track", seen.put_nowait)
    cabin.addTrack(switch)
    await cabin.setLocalDescription(await cabin.createOffer())
    await doctor.setRemoteDescription(cabin.localDescription)
    await doctor.setLocalDescription(await doctor.createAnswer())
    await cabin.setRemoteDescription(doctor.localDescription)
    received = await seen.get()
    read = 0
    async with asyncio.timeout(40):  # a starved sender begins with pictures too coarse to be read
        while read < 25:
            frame = await received.recv()
            assert isinstance(frame, VideoFrame)
            read += barcode.read(luma(frame)) is not None
    await cabin.close()
    await doctor.close()
    assert switch.readyState == "ended"
