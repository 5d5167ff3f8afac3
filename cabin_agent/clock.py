"""The visit's clock: monotonic seconds, which a demonstration may let run faster."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class VisitClock:
    """Seconds of the visit. At speed 1 they are monotonic seconds of this boot; simulated cabins may go faster.

    The person's own time (idle warnings, good-bye) never goes faster than real time.
    """

    def __init__(self, speed: float = 1.0, wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        """`wall_ms`: the cabin's time, UTC milliseconds; the machine's own by default."""
        self.speed, self._wall_ms = speed, wall_ms
        # A boot that nobody can name is never the same as another: no rest is taken over from it.
        self.boot_id = BOOT_ID.read_text().strip() if BOOT_ID.exists() else str(uuid.uuid4())

    def now(self) -> float:
        """Seconds of the visit's time since this machine started; the same across a restart of the daemon."""
        return time.monotonic() * self.speed

    def at(self, monotonic_s: float) -> float:
        """The visit's time of an event stamped with `time.monotonic()`."""
        return monotonic_s * self.speed

    def wall_ms(self) -> int:
        """UTC milliseconds."""
        return self._wall_ms()

    async def sleep_until(self, moment: float) -> None:
        """Wait until the visit's time is `moment`."""
        await asyncio.sleep(max(0.0, moment - self.now()) / self.speed)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """An `asyncio.timeout` of so many seconds of the visit."""
        return asyncio.timeout(seconds / self.speed)
