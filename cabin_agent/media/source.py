"""Where pictures come from: the one file that opens cameras, recordings and MJPEG streams, by their URL.

A `Source` is used by one thread. Its `grab` may hang for ever when a driver does (OpenCV's is known for it on an
unplugged USB camera); whoever calls it has to be ready for that.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from cabin_agent.media import synthetic
from cabin_agent.media.address import DEVICE, check_url, file_path
from cabin_agent.media.picture import Pixels
from cabin_agent.media.why import Why

OPEN_MS, READ_MS = 3000, 3000
"""How long OpenCV may wait for an HTTP camera to accept, and for its next picture."""
FULL = 8192
"""Pixels asked for in each direction: a V4L2 driver answers with the most that it has."""
FILE_FPS = 25.0
"""Of a recording that does not tell its own rate."""
Wait = Callable[[float], bool]
"""Waits so many seconds; True as soon as the source is no longer wanted."""


class Unusable(Exception):
    """The source cannot be opened; `why` says what to do."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Source(Protocol):
    """Pictures, one after the other. `grab` is cheap, `picture` decodes: pictures nobody wants cost little."""

    def grab(self) -> bool:
        """Wait for the next picture; False when none comes any more. May raise cv2.error."""

    def picture(self) -> Pixels | None:
        """The grabbed picture, BGR, in an array of its own; None when it cannot be decoded. May raise cv2.error."""

    def close(self) -> None:
        """Give the device back."""


def be_quiet() -> None:
    """Keep OpenCV and its FFmpeg from writing a camera's address to standard error at each vain attempt."""
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def open_source(url: str, wait: Wait) -> Source:
    """The source of a URL (`cabin_agent.media.address`); raises `Unusable` when it is not there or not understood."""
    try:
        check_url(url)
    except ValueError:
        raise Unusable(Why.BAD_URL) from None
    if url.startswith("synthetic:"):
        return Drawing(url.removeprefix("synthetic:"), wait)
    if url.startswith("file:"):
        return Recording(file_path(url), wait)
    return Stream(_device(url) if url.startswith("/") else _http(url))


class Stream:
    """A device or an HTTP camera: it sets the pace."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture

    def grab(self) -> bool:
        """See `Source`."""
        return self._capture.grab()

    def picture(self) -> Pixels | None:
        """See `Source`."""
        return _picture(self._capture)

    def close(self) -> None:
        """See `Source`."""
        self._capture.release()


class Recording:
    """A video file at its own rate; after its last picture comes its first."""

    def __init__(self, path: str, wait: Wait) -> None:
        self._path, self._wait = path, wait
        self._capture = _opened(cv2.VideoCapture(path, cv2.CAP_FFMPEG))
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self._pace = Pace(told if 0.1 <= told <= 240 else FILE_FPS, wait)

    def grab(self) -> bool:
        """See `Source`."""
        if self._pace.over():
            return False
        return self._capture.grab() or self._again()

    def _again(self) -> bool:
        """From the start: by opening the file anew, because not every container can be wound back."""
        self._capture.release()
        self._capture = cv2.VideoCapture(self._path, cv2.CAP_FFMPEG)
        return self._capture.grab()

    def picture(self) -> Pixels | None:
        """See `Source`."""
        return _picture(self._capture)

    def close(self) -> None:
        """See `Source`."""
        self._capture.release()


class Drawing:
    """A drawn scene (`cabin_agent.media.synthetic`)."""

    def __init__(self, scene: str, wait: Wait) -> None:
        self._scene, self._pace, self._counter = scene, Pace(synthetic.FPS, wait), 0

    def grab(self) -> bool:
        """See `Source`."""
        self._counter += 1
        return not self._pace.over()

    def picture(self) -> Pixels | None:
        """See `Source`."""
        return synthetic.picture(self._scene, time.monotonic(), int(time.time() * 1000), self._counter)

    def close(self) -> None:
        """Nothing is held."""


class Pace:
    """So many turns per second; a turn that came too late moves the later ones instead of crowding them."""

    def __init__(self, fps: float, wait: Wait) -> None:
        self._period, self._wait = 1 / fps, wait
        self._due = time.monotonic()

    def over(self) -> bool:
        """Wait for the next turn; True when nobody wants it any more."""
        now = time.monotonic()
        late = now - self._due
        self._due = now if late > self._period else self._due
        left_early = self._wait(max(0.0, self._due - now))
        self._due += self._period
        return left_early


def _device(url: str) -> cv2.VideoCapture:
    """MJPG, because raw pictures of several cameras do not fit one USB 2 hub; one buffer, because old is useless."""
    match = DEVICE.fullmatch(url)
    if match is None:
        raise Unusable(Why.BAD_URL)
    capture = _opened(cv2.VideoCapture(match["path"], cv2.CAP_V4L2))
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, int(match["width"] or FULL))
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, int(match["height"] or FULL))
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def _http(url: str) -> cv2.VideoCapture:
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
    return _opened(cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits))


def _opened(capture: cv2.VideoCapture) -> cv2.VideoCapture:
    if not capture.isOpened():
        capture.release()
        raise Unusable(Why.NOT_THERE)
    return capture


def _picture(capture: cv2.VideoCapture) -> Pixels | None:
    """The array must be new each time: the one before is still being encoded or shown."""
    good, picture = capture.retrieve()
    if not good or picture is None or picture.ndim != 3:
        return None
    return np.ascontiguousarray(picture, np.uint8)
