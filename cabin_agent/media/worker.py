"""The working half of the media process: one event loop with the link to the core, the cameras, at most one call."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cabin_agent.config import Config
from cabin_agent.media import aiortc_tuning, wire
from cabin_agent.media.calls import Calls
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.core_link import CoreLink
from cabin_agent.media.rig import Rig
from cabin_agent.media.sound import Sound

SOCKET = "media.sock"
"""In the runtime directory; the core listens there."""
BEAT_S = 0.2
"""Seconds between two signs of life to the keeper."""


class Worker:
    """Everything that runs in the loop; `alive` is called every `BEAT_S`."""

    def __init__(self, config: Config, alive: Callable[[], None]) -> None:
        self._config = config
        self._alive = alive
        self._lag = 0.0
        first = config.cameras[0].name if config.cameras else None
        self._rig = Rig(
            cameras=Cameras(config.cameras, self._changed),
            first=first,
            sound=Sound(config.media.sound, self._changed),
            lag=lambda: self._lag,
        )
        self._link = CoreLink(config.cabin.runtime_dir / SOCKET, self._hello, self._heard, self._core_moved)
        self._calls = Calls(self._rig, self._link.send)

    async def run(self) -> None:
        """Work until cancelled."""
        aiortc_tuning.apply(self._config.media.addresses)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2, "encoder"))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat())
                group.create_task(self._link.run())
                group.create_task(self._rig.sound.watch())
                group.create_task(self._rig.cameras.watch())
        finally:
            await self._calls.close()
            self._rig.cameras.close()

    async def _beat(self) -> None:
        self._alive()
        while True:
            due = time.monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)
            late = max(0.0, time.monotonic() - due)
            self._lag += 0.2 * (late - self._lag)
            self._alive()

    def _hello(self) -> wire.Json:
        return {"type": "hello", "pid": os.getpid(), **self._rig.view(self._config.cabin.language)}

    def _changed(self) -> None:
        self._link.send({"type": "state", **self._rig.view(self._config.cabin.language)})
        self._calls.changed()

    def _core_moved(self, up: bool) -> None:
        self._calls.core(up)

    def _heard(self, item: wire.Item) -> None:
        if isinstance(item, bytes):
            self._calls.wave(item)
        elif isinstance(item, dict):
            if item.get("type") == "simulated":
                self._rig.cameras.simulated = item.get("on") is not False
            else:
                self._calls.heard(item)
