"""One camera: each fault with its state and reason, hanging drivers, and the words of simulation."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import pytest

from cabin_agent.media import camera, reader, source
from cabin_agent.media import cameras as media_cameras
from cabin_agent.media.address import CameraSettings
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.picture import Frame, Pixels, planes
from cabin_agent.media.why import Why, sentence
from tests.mjpeg import (
    ROOM,
    Make,
    camera_threads,
    clocked,
    fresh,
    http_camera,
    made_cameras,
    recording,
    state,
    until,
)


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with made_cameras() as make:
        yield make


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules with shorter times."""
    monkeypatch.setattr(camera, "STALL_S", 0.4)
    monkeypatch.setattr(camera, "SAME_S", 0.6)
    monkeypatch.setattr(source, "READ_MS", 1000)
    monkeypatch.setattr(reader, "BACK_OFF_S", (0.05, 0.1))


@pytest.mark.parametrize(
    ("url", "expected", "why"),
    [
        ("/dev/video-that-is-not-there", "missing", Why.NOT_THERE),
        ("file:///nowhere/room.avi", "missing", Why.NOT_THERE),
        ("http://127.0.0.1:9/camera", "missing", Why.NOT_THERE),
        ("synthetic:garden", "failed", Why.BAD_URL),
    ],
)
async def test_a_missing_camera_says_so_in_the_readers_language(
    make: Make, url: str, expected: str, why: Why
) -> None:
    cameras = make(CameraSettings("a", "A", url))
    cameras.choose("a")
    await until(lambda: state(cameras, "a")[0] != "opening")
    assert state(cameras, "a") == (expected, sentence(why, "en"))
    assert cameras.view("fr")[0]["reason"] == sentence(why, "fr")
    assert cameras.newest() is None and cameras.why is why


async def test_a_recording_that_appears_later_is_found(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "late.avi"
    cameras = make(CameraSettings("a", "A", path.as_uri()))
    cameras.choose("a")
    await until(lambda: state(cameras, "a")[0] == "missing")
    recording(tmp_path / "other.avi", 40, 25.0)
    (tmp_path / "other.avi").rename(path)
    await until(lambda: state(cameras, "a")[0] == "live")


async def test_an_unplugged_camera_is_missing_and_lives_again_when_it_returns(make: Make) -> None:
    with http_camera() as server:
        port = server.port
        cameras = make(CameraSettings("a", "A", server.url))
        cameras.choose("a")
        await fresh(cameras)
    await until(lambda: state(cameras, "a")[0] == "missing")
    assert cameras.newest() is None
    with http_camera(port):
        await until(lambda: state(cameras, "a")[0] == "live")
        await fresh(cameras)


async def test_a_camera_that_nobody_looks_at_is_missing_while_it_is_unplugged(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_cameras, "PRESENT_S", 0.05)
    monkeypatch.setattr(reader, "open_source", lambda url, wait: pytest.fail("it was opened"))
    plugged = tmp_path / "camera"
    plugged.touch()
    changes: list[tuple[str, str]] = []
    ours: Cameras = make(
        CameraSettings("a", "A", plugged.as_uri()),
        CameraSettings("b", "B", "/dev/video-that-is-not-there"),
        ROOM,
        on_change=lambda: changes.append(state(ours, "a")),
    )
    watching = asyncio.create_task(ours.watch())
    await until(lambda: state(ours, "b")[0] == "missing")
    assert state(ours, "a") == ("closed", "") and state(ours, "room") == ("closed", "")
    plugged.unlink()
    await until(lambda: state(ours, "a") == ("missing", sentence(Why.NOT_THERE, "en")))
    plugged.touch()
    await until(lambda: state(ours, "a") == ("closed", ""))
    await asyncio.sleep(0.2)
    assert [each[0] for each in changes] == ["closed", "missing", "closed"]
    watching.cancel()


async def test_a_camera_that_is_left_while_it_is_missing_stays_missing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_cameras, "PRESENT_S", 0.05)
    ours = make(CameraSettings("a", "A", "/dev/video-that-is-not-there"))
    watching = asyncio.create_task(ours.watch())
    await until(lambda: state(ours, "a")[0] == "missing")
    ours.choose("a")
    await until(lambda: state(ours, "a")[0] == "missing")
    ours.choose(None)
    assert state(ours, "a") == ("missing", sentence(Why.NOT_THERE, "en"))
    watching.cancel()


async def test_a_camera_without_news_is_frozen_and_goes_on(make: Make) -> None:
    with http_camera() as server:
        cameras = make(CameraSettings("a", "A", server.url))
        cameras.choose("a")
        await fresh(cameras)
        server.frozen = True
        await until(lambda: state(cameras, "a")[0] == "frozen")
        assert state(cameras, "a")[1] == sentence(Why.STALLED, "en") and cameras.newest() is None
        server.frozen = False
        await until(lambda: state(cameras, "a")[0] == "live")


async def test_the_same_picture_again_and_again_is_frozen_too(make: Make) -> None:
    with http_camera() as server:
        cameras = make(CameraSettings("a", "A", server.url))
        cameras.choose("a")
        await fresh(cameras)
        server.same = True
        await until(lambda: cameras.why is Why.SAME)
        assert state(cameras, "a") == ("frozen", sentence(Why.SAME, "en")) and cameras.newest() is None
        server.same = False
        await until(lambda: state(cameras, "a")[0] == "live")


class Stuck:
    """A source whose driver hangs in `grab` after so many pictures, until it is let go."""

    let_go: threading.Event

    def __init__(self, pictures: int) -> None:
        self._left = pictures

    def grab(self) -> bool:
        if self._left == 0:
            Stuck.let_go.wait()
            return False
        self._left -= 1
        time.sleep(0.02)
        return True

    def picture(self) -> Pixels | None:
        return clocked(self._left)

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def stuck() -> object:
    """Lets all hanging drivers go at the end."""
    Stuck.let_go = threading.Event()
    yield Stuck
    Stuck.let_go.set()


async def test_a_hanging_driver_holds_up_neither_the_loop_nor_another_camera(
    make: Make, stuck: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = source.open_source
    monkeypatch.setattr(reader, "open_source", lambda url, wait: Stuck(3) if url[0] == "/" else real(url, wait))
    monkeypatch.setattr(reader, "RELEASE_S", 0.2)
    cameras = make(CameraSettings("a", "A", "/dev/video0"), ROOM)
    cameras.choose("a")
    await until(lambda: state(cameras, "a")[0] == "frozen")
    began = time.monotonic()
    cameras.choose("room")
    assert time.monotonic() - began < 0.05
    await fresh(cameras)
    assert time.monotonic() - began < 1.5
    assert state(cameras, "a") == ("closed", "") and len(camera_threads()) == 2
    cameras.close()
    Stuck.let_go.set()


async def test_a_driver_that_hung_is_left_and_the_camera_opened_again(
    make: Make, stuck: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_source(url: str, wait: source.Wait) -> source.Source:
        opened.append(url)
        return Stuck(2 if len(opened) == 1 else 10_000)

    monkeypatch.setattr(reader, "open_source", open_source)
    monkeypatch.setattr(reader, "RELEASE_S", 0.05)
    monkeypatch.setattr(camera, "HUNG_S", 0.8)
    cameras = make(CameraSettings("a", "A", "/dev/video0"))
    cameras.choose("a")
    await until(lambda: len(opened) == 2)
    await until(lambda: state(cameras, "a")[0] == "live")
    cameras.close()
    Stuck.let_go.set()


async def test_a_driver_that_always_hangs_is_given_up_until_it_lets_go(
    make: Make, stuck: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_source(url: str, wait: source.Wait) -> source.Source:
        opened.append(url)
        return Stuck(0)

    monkeypatch.setattr(reader, "open_source", open_source)
    monkeypatch.setattr(reader, "RELEASE_S", 0.02)
    monkeypatch.setattr(camera, "RELEASE_S", 0.02)
    monkeypatch.setattr(camera, "HUNG_S", 0.2)
    cameras = make(CameraSettings("a", "A", "/dev/video0"))
    cameras.choose("a")
    await until(lambda: state(cameras, "a")[0] == "failed")
    assert state(cameras, "a")[1] == sentence(Why.HUNG, "en")
    assert len(opened) <= camera.MOST_HUNG + 1
    threads = len(camera_threads())
    await asyncio.sleep(0.6)
    assert len(camera_threads()) == threads
    Stuck.let_go.set()
    await until(lambda: len(opened) > camera.MOST_HUNG + 1)


async def test_pictures_that_cannot_be_decoded_are_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Stuck):
        def picture(self) -> Pixels | None:
            return None

    monkeypatch.setattr(reader, "open_source", lambda url, wait: Broken(10_000))
    monkeypatch.setattr(reader, "MOST_UNREADABLE", 3)
    cameras = make(CameraSettings("a", "A", "/dev/video0"))
    cameras.choose("a")
    await until(lambda: cameras.why is Why.NO_PICTURE)
    assert state(cameras, "a")[0] == "missing"


async def test_an_error_of_opencv_is_a_lost_camera_that_is_tried_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bad(Stuck):
        def picture(self) -> Pixels | None:
            raise cv2.error("bad picture")

    opened: list[str] = []

    def open_source(url: str, wait: source.Wait) -> source.Source:
        opened.append(url)
        return Bad(10_000)

    monkeypatch.setattr(reader, "open_source", open_source)
    cameras = make(CameraSettings("a", "A", "/dev/video0"))
    cameras.choose("a")
    await until(lambda: cameras.why is Why.LOST and len(opened) > 2)


async def test_simulation_is_burnt_in_when_a_source_is_simulated_or_the_cabin_is(
    make: Make, stuck: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "open_source", lambda url, wait: Stuck(10_000))
    real = CameraSettings("real", "Vraie", "/dev/video0")
    changes: list[bool] = []
    cameras = make(real, ROOM, on_change=lambda: changes.append(True))
    cameras.choose("real")
    assert not has_words(await fresh(cameras)) and not cameras.view()[0]["simulated"]
    told = len(changes)
    cameras.simulated = True
    assert len(changes) == told + 1 and cameras.view()[0]["simulated"]
    await fresh(cameras)
    assert has_words(await fresh(cameras))
    cameras.simulated = False
    await fresh(cameras)
    assert not has_words(await fresh(cameras))
    cameras.choose("room")
    assert has_words(await fresh(cameras))


def has_words(frame: Frame) -> bool:
    """Whether the amber patch stands at the top."""
    _, blue, red = planes(frame.i420)
    top = slice(0, frame.height // 16)
    amber = (blue[top].astype(int) < 60) & (red[top].astype(int) > 150)
    return bool(amber.mean() > 0.15)
