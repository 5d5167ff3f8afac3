"""A camera for tests that speaks MJPEG over HTTP from a thread; it can freeze, repeat itself, die and come back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from cabin_agent.media import synthetic
from cabin_agent.media.address import CameraSettings
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.picture import Frame, Pixels

BOUNDARY = "picture"
ROOM = CameraSettings("room", "Salle", "synthetic:room")
HAND = CameraSettings("hand", "Main", "synthetic:hand")
Make = Callable[..., Cameras]
"""Settings of cameras, and `on_change` if a test wants it, to cameras that are closed at the end of the test."""


def clocked(counter: int, width: int = 640, height: int = 360) -> Pixels:
    """A picture with the readable clock in it; every one differs from every other."""
    drawn = synthetic.picture("room", counter / 30, counter * 33, counter)
    return np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def recording(path: Path, pictures: int, fps: float) -> str:
    """Write an AVI of MJPEG and return its file URL."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (640, 360))
    assert writer.isOpened()
    for counter in range(pictures):
        writer.write(clocked(counter))
    writer.release()
    return path.as_uri()


class HttpCamera:
    """Serves pictures at 25 per second until it is told otherwise."""

    def __init__(self, port: int = 0) -> None:
        self.frozen = self.same = False
        self.watchers = 0
        """Connections open now."""
        self.most_watchers = 0
        self._stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="http camera")
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/camera"

    def close(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.watchers += 1
                camera.most_watchers = max(camera.most_watchers, camera.watchers)
                try:
                    camera._serve(self)
                except OSError:
                    pass
                finally:
                    camera.watchers -= 1

            def log_message(self, format: str, *args: object) -> None:
                """Tests are quiet."""

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        handler.end_headers()
        counter = 0
        while not self._stopped.wait(0.04):
            if self.frozen:
                continue
            counter += 0 if self.same else 1
            jpeg = cv2.imencode(".jpg", clocked(counter))[1].tobytes()
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            handler.wfile.write(head.encode() + jpeg + b"\r\n")


@contextmanager
def http_camera(port: int = 0) -> Iterator[HttpCamera]:
    """A camera that is there inside the `with`."""
    camera = HttpCamera(port)
    try:
        yield camera
    finally:
        camera.close()


def camera_threads() -> list[threading.Thread]:
    """The threads of cameras that are alive."""
    return [thread for thread in threading.enumerate() if thread.name == "camera"]


def wait_for_threads(wanted: int, patience_s: float = 5.0) -> None:
    """Until so many threads of cameras are left."""
    end = time.monotonic() + patience_s
    while len(camera_threads()) != wanted and time.monotonic() < end:
        time.sleep(0.02)
    assert len(camera_threads()) == wanted


@asynccontextmanager
async def made_cameras() -> AsyncIterator[Make]:
    """Makes cameras; at the end they are closed, and no thread and no listener of theirs may be left."""
    made: list[Cameras] = []

    def cameras(*settings: CameraSettings, on_change: Callable[[], None] = lambda: None) -> Cameras:
        made.append(Cameras(settings, on_change))
        return made[-1]

    yield cameras
    for each in made:
        each.close()
    wait_for_threads(0)


async def until(true: Callable[[], object], patience_s: float = 10.0) -> None:
    """Wait on the event loop for something to become true."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)


def state(cameras: Cameras, name: str) -> tuple[str, str]:
    """State and reason of a camera."""
    (found,) = (each for each in cameras.view() if each["name"] == name)
    return found["state"], found["reason"]


async def fresh(cameras: Cameras) -> Frame:
    """A picture that was not there when asked."""
    before = cameras.newest()
    await until(lambda: cameras.newest() is not None and cameras.newest() is not before)
    frame = cameras.newest()
    assert frame is not None
    return frame
