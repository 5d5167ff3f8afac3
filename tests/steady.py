"""A clock that stands still while the machine does not let the event loop run.

Bodies, limits and the age of values go by it: on a busy machine everything takes longer and nothing becomes false.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TICK_S, MOST_S = 0.01, 0.02


class Steady:
    """Seconds in which the loop ran; `now` is what `time.monotonic` is elsewhere."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> float:
        """Seconds since the loop began, without those in which it did not come round."""
        return self._passed

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """While it goes."""
        task = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _tick(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            before, passed = time.monotonic(), time.monotonic() - before
            self._passed += min(passed, MOST_S)
