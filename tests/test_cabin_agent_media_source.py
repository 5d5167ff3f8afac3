"""Sources: recordings at their own rate, again and again, MJPEG over HTTP, and what is asked of a device."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from cabin_agent.media import barcode, source
from cabin_agent.media.picture import Pixels
from cabin_agent.media.source import Drawing, Pace, Source, Unusable, open_source
from cabin_agent.media.why import Why
from tests.mjpeg import http_camera, recording


def wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def counters(opened: Source, wanted: int) -> list[int]:
    """The counters in the next pictures."""
    seen = []
    for _ in range(wanted):
        assert opened.grab()
        picture = opened.picture()
        assert picture is not None
        read = barcode.read(np.ascontiguousarray(picture[..., 1]))
        assert read is not None
        seen.append(read[1])
    return seen


def test_a_recording_is_played_at_its_own_rate(tmp_path: Path) -> None:
    opened = open_source(recording(tmp_path / "room one.avi", 30, 20.0), wait)
    began = time.monotonic()
    assert counters(opened, 11) == list(range(11))
    assert 0.45 < time.monotonic() - began < 3
    opened.close()


def test_after_its_last_picture_comes_its_first(tmp_path: Path) -> None:
    opened = open_source(recording(tmp_path / "short.avi", 4, 60.0), wait)
    assert counters(opened, 11) == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]
    opened.close()


def test_a_recording_that_vanishes_ends(tmp_path: Path) -> None:
    path = tmp_path / "gone.avi"
    opened = open_source(recording(path, 3, 60.0), wait)
    path.unlink()
    assert counters(opened, 3) == [0, 1, 2]
    assert not opened.grab()
    opened.close()


def test_pictures_are_arrays_of_their_own(tmp_path: Path) -> None:
    opened = open_source(recording(tmp_path / "own.avi", 5, 60.0), wait)
    kept = []
    for _ in range(3):
        opened.grab()
        kept.append(opened.picture())
    opened.close()
    read = [barcode.read(np.ascontiguousarray(picture[..., 1])) for picture in kept if picture is not None]
    assert [value and value[1] for value in read] == [0, 1, 2]


def test_a_file_that_is_not_a_video_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "text.avi"
    path.write_text("not a video")
    with pytest.raises(Unusable) as told:
        open_source(path.as_uri(), wait)
    assert told.value.why is Why.NOT_THERE


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("/dev/video-that-is-not-there", Why.NOT_THERE),
        ("file:///nowhere/room.avi", Why.NOT_THERE),
        ("http://127.0.0.1:9/camera", Why.NOT_THERE),
        ("synthetic:garden", Why.BAD_URL),
        ("rtsp://127.0.0.1/camera", Why.BAD_URL),
    ],
)
def test_what_is_not_there_is_told_at_once(url: str, why: Why) -> None:
    began = time.monotonic()
    with pytest.raises(Unusable) as told:
        open_source(url, wait)
    assert told.value.why is why
    assert time.monotonic() - began < 2


def test_an_http_camera_gives_its_pictures() -> None:
    with http_camera() as camera:
        opened = open_source(camera.url, wait)
        seen = counters(opened, 5)
        assert seen == sorted(set(seen))
        opened.close()


def test_an_http_camera_that_freezes_ends_after_its_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "READ_MS", 400)
    with http_camera() as camera:
        opened = open_source(camera.url, wait)
        assert opened.grab()
        camera.frozen = True
        began = time.monotonic()
        while opened.grab():
            assert time.monotonic() - began < 10
        assert time.monotonic() - began < 5
        opened.close()


def test_an_http_camera_that_dies_ends() -> None:
    with http_camera() as camera:
        opened = open_source(camera.url, wait)
        assert opened.grab()
    while opened.grab():
        pass
    opened.close()


class Device:
    """What OpenCV is asked of a V4L2 device."""

    asked: list[tuple[int, float]]

    def __init__(self, path: str, backend: int) -> None:
        self.path, self.backend, self.released = path, backend, False
        self.asked = []
        Device.last = self

    last: Device

    def isOpened(self) -> bool:  # noqa: N802 OpenCV's name
        return True

    def set(self, what: int, value: float) -> bool:
        self.asked.append((what, value))
        return True

    def grab(self) -> bool:
        return True

    def retrieve(self) -> tuple[bool, Pixels | None]:
        return True, np.full((48, 64, 3), 7, np.uint8)

    def release(self) -> None:
        self.released = True


@pytest.mark.parametrize(
    ("url", "size"),
    [("/dev/v4l/by-id/usb-one", (source.FULL, source.FULL)), ("/dev/video1?size=640x480", (640, 480))],
)
def test_a_device_is_asked_for_mjpg_one_buffer_and_its_full_size(
    url: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    opened = open_source(url, wait)
    device = Device.last
    assert device.path == url.partition("?")[0] and device.backend == cv2.CAP_V4L2
    assert device.asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, size[0]),
        (cv2.CAP_PROP_FRAME_HEIGHT, size[1]),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    picture = opened.picture()
    assert opened.grab() and picture is not None and picture.shape == (48, 64, 3)
    opened.close()
    assert device.released


def test_a_grey_or_missing_picture_of_a_device_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    opened = open_source("/dev/video0", wait)
    for answer in ((False, None), (True, None), (True, np.zeros((4, 4), np.uint8))):
        monkeypatch.setattr(Device, "retrieve", lambda _, answer=answer: answer)
        assert opened.picture() is None


def test_a_drawing_keeps_thirty_turns_a_second_and_ends_when_told() -> None:
    leaving = threading.Event()
    drawing = Drawing("room", leaving.wait)
    began = time.monotonic()
    assert all(drawing.grab() for _ in range(16))
    assert 0.45 < time.monotonic() - began < 3
    leaving.set()
    assert not drawing.grab()


def test_a_drawing_tells_the_system_clock() -> None:
    drawing = Drawing("hand", wait)
    assert drawing.grab()
    before = int(time.time() * 1000)
    picture = drawing.picture()
    assert picture is not None
    read = barcode.read(np.ascontiguousarray(picture[..., 0]))
    assert read is not None and 0 <= read[0] - before % 2**32 < 1000 and read[1] == 1


def test_turns_that_came_late_are_not_crowded_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, now = list[float](), 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def note(seconds: float) -> bool:
        nonlocal now
        waits.append(seconds)
        now += seconds
        return False

    pace = Pace(50, note)
    pace.over()
    now += 0.3
    for _ in range(4):
        pace.over()
    assert waits[1] == 0
    assert waits[2:] == pytest.approx([0.02] * 3)
