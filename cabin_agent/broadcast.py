"""Everything that changes, to everyone who watches: bounded for each watcher, newest waves win."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from cabin_agent.face import Json, Wanted

EVENTS_KEPT = 256
"""JSON events that wait for a slow watcher; past that it is told to read everything again."""
FRAMES_KEPT = 64
"""Wave frames that wait for a slow watcher, about two seconds of one ECG."""


class Watcher:
    """One reader of the broadcast: an async iterator of JSON events and binary wave frames.

    Events go before frames. What was lost of either is told before anything else.
    """

    def __init__(self, *, waves: bool, wanted: Wanted = lambda _: True) -> None:
        self.waves = waves
        self._wanted = wanted
        self._events: deque[Json | bytes] = deque(maxlen=EVENTS_KEPT)
        self._frames: deque[Json | bytes] = deque(maxlen=FRAMES_KEPT)
        self._dropped = 0
        self._filled = asyncio.Event()

    def offer(self, item: Json | bytes) -> None:
        """Take one item, in place of the oldest where there is no room; never waits."""
        if (isinstance(item, bytes) and not self.waves) or not self._wanted(item):
            return
        queue = self._frames if isinstance(item, bytes) else self._events
        self._dropped += len(queue) == queue.maxlen
        queue.append(item)
        self._filled.set()

    def __aiter__(self) -> AsyncIterator[Json | bytes]:
        return self

    async def __anext__(self) -> Json | bytes:
        while True:
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                return {"type": "dropped", "frames": dropped}
            if self._events:
                return self._events.popleft()
            if self._frames:
                return self._frames.popleft()
            self._filled.clear()
            await self._filled.wait()


class Broadcast:
    """Hands every change to every watcher."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._came = False

    @property
    def waves_wanted(self) -> bool:
        """Whether anybody looks at the waves, so that nobody encodes them for nothing."""
        return any(watcher.waves for watcher in self._watchers)

    def newcomers(self) -> bool:
        """Whether somebody began to look at the waves since this was last asked."""
        came, self._came = self._came, False
        return came

    def tell(self, item: Json | bytes) -> None:
        """Offer one change to all; never waits."""
        for watcher in self._watchers:
            watcher.offer(item)

    @contextmanager
    def watch(self, *, waves: bool, wanted: Wanted = lambda _: True) -> Iterator[AsyncIterator[Json | bytes]]:
        """Watch what is `wanted` from now on until the block is left."""
        watcher = Watcher(waves=waves, wanted=wanted)
        self._watchers.add(watcher)
        self._came = self._came or waves
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
