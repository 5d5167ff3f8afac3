"""The person's silence: first a question, then the end of the visit. Real seconds, at any speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Idle:
    """Counts the seconds since the last touch.

    `limit` gives the silence, in seconds, that may pass right now before the question, or None where silence is
    expected. `warn` is called with True when the question is due and False when a touch answered it; `close` is
    awaited when `grace_s` more seconds went by.
    """

    def __init__(
        self,
        limit: Callable[[], float | None],
        grace_s: float,
        warn: Callable[[bool], None],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._limit, self.grace_s, self._warn, self._close = limit, grace_s, warn, close
        self._touched = asyncio.Event()
        self._last = time.monotonic()
        self.warning = False

    def touch(self) -> None:
        """The person did something, or the screen changed."""
        self._last = time.monotonic()
        self._touched.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._touched.clear()
            limit = self._limit()
            wait = None if limit is None else limit + (self.grace_s if self.warning else 0) - self._silence()
            try:
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with a touch.
                async with asyncio.timeout(wait):
                    await self._touched.wait()
                self._set_warning(False)
            except TimeoutError:
                await self._due()

    async def _due(self) -> None:
        if self.warning:
            self._set_warning(False)
            self.touch()
            await self._close()
        else:
            self._set_warning(True)

    def _set_warning(self, warning: bool) -> None:
        if warning is not self.warning:
            self.warning = warning
            self._warn(warning)

    def _silence(self) -> float:
        return time.monotonic() - self._last
