"""The cameras of the cabin, of which only the chosen one is open: three at once may not fit one USB hub.

Made and used on the event loop. Threads tell of pictures through one pending call at most, so that a loop that is
held up for a while finds the newest picture and no backlog.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2

from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.media.address import CameraSettings, local_path
from cabin_agent.media.camera import Camera
from cabin_agent.media.picture import Frame, Shape
from cabin_agent.media.reader import Wanted
from cabin_agent.media.source import be_quiet
from cabin_agent.media.still import NoPicture, Still, develop
from cabin_agent.media.why import Why, sentence

Json = dict[str, Any]
FIRST = Shape(1280, 720, 30)
"""What is wanted until somebody says otherwise."""
SLOWEST_FPS = 2.0
"""Slower pictures would look like a frozen camera."""
LOOK_S = 0.25
"""Real seconds between two looks at whether the chosen camera is alive."""
PRESENT_S = 5.0
"""Real seconds between two looks at whether the cameras that are closed are plugged in at all."""


class Cameras:
    """All cameras of the settings, none of them chosen. `on_change` is called when a state or the choice changed."""

    def __init__(self, settings: Sequence[CameraSettings], on_change: Callable[[], None]) -> None:
        cv2.setNumThreads(1)  # its pool of threads costs more than it brings at these sizes
        be_quiet()
        self.listeners: set[Callable[[], None]] = set()
        """Called on the event loop after each new picture and each change of state."""
        self._loop = asyncio.get_running_loop()
        self._wanted = Wanted(FIRST)
        self._cameras = {each.name: Camera(each, self._wanted, self._moved) for each in settings}
        self._on_change = on_change
        self._chosen: Camera | None = None
        self._pending = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def chosen(self) -> str | None:
        """Name of the open camera."""
        return None if self._chosen is None else self._chosen.settings.name

    @property
    def simulated(self) -> bool:
        """Whether the words of simulation are burnt into the pictures of real devices too."""
        return self._wanted.simulated

    @simulated.setter
    def simulated(self, on: bool) -> None:
        if on is not self._wanted.simulated:
            self._wanted.simulated = on
            self._changed()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that are wanted now."""
        return self._wanted.shape.width, self._wanted.shape.height

    @property
    def marked(self) -> bool:
        """Whether what is shown now carries the words of simulation."""
        return self._wanted.simulated if self._chosen is None else self._chosen.simulated

    @property
    def why(self) -> Why:
        """Why `newest` gives nothing; NONE when it does."""
        return Why.NOT_CHOSEN if self._chosen is None else self._chosen.why

    def shape(self, width: int, height: int, fps: float) -> None:
        """Ask for pictures of this size (cut to what `Shape` allows) and at most so many per second."""
        self._wanted.shape = Shape(max(16, width // 2 * 2), max(16, height // 4 * 4), max(SLOWEST_FPS, fps))

    def choose(self, name: str | None) -> None:
        """Open this camera and close the other; None closes all. Raises KeyError for a name nobody has."""
        camera = None if name is None else self._cameras[name]
        if camera is self._chosen:
            return
        leaving = None if self._chosen is None else self._chosen.close()
        self._chosen = camera
        if camera is not None:
            camera.open(leaving)
            self._watch()
        self._changed()

    def newest(self) -> Frame | None:
        """The newest picture of the chosen camera, None when there is no living one."""
        return None if self._chosen is None else self._chosen.frame()

    def view(self, language: str = "en") -> list[Json]:
        """Every camera with its name, label, state, reason (a sentence, "" when live) and whether it is simulated."""
        return [
            {
                "name": name,
                "label": camera.settings.label,
                "state": camera.state.value,
                "reason": "" if camera.why is Why.NOT_CHOSEN else sentence(camera.why, language),
                "simulated": camera.simulated,
            }
            for name, camera in self._cameras.items()
        ]

    async def watch(self) -> None:
        """Look now and then whether each device and each file is there, without opening it; until cancelled."""
        paths = {name: path for name, each in self._cameras.items() if (path := local_path(each.settings.url))}
        while paths:
            # In a thread: a recording may lie on a disk that does not answer.
            there = await in_daemon_thread(lambda: {name: os.path.exists(paths[name]) for name in paths}, "look")
            if [name for name in there if self._cameras[name].seen(there[name])]:
                self._changed()
            await asyncio.sleep(PRESENT_S)

    async def still(self) -> Still:
        """A picture at the camera's full size, taken just now; raises `NoPicture` when there is no living one."""
        shot = None if self._chosen is None else self._chosen.shot()
        if self._chosen is None or shot is None:
            raise NoPicture(self.why)
        name, simulated = self._chosen.settings.name, self._chosen.simulated
        age_ms = (time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - shot.taken_us) // 1000
        taken_ms = time.time_ns() // 1_000_000 - age_ms
        return await in_daemon_thread(lambda: develop(shot.full, name, taken_ms, simulated), "still")

    def close(self) -> None:
        """Close the open camera without waiting for it."""
        self.choose(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(LOOK_S, self._watch) if self._chosen is not None else None
        self._look()

    def _look(self) -> None:
        if self._chosen is not None and self._chosen.look():
            self._changed()

    def _moved(self) -> None:
        """In a camera's thread: have the loop look, once."""
        if not self._pending:
            self._pending = True
            try:
                self._loop.call_soon_threadsafe(self._arrived)
            except RuntimeError:  # the loop has ended, nobody is left to look
                self._pending = False

    def _arrived(self) -> None:
        self._pending = False
        self._look()
        self._tell()

    def _changed(self) -> None:
        self._on_change()
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()
