"""The cabin's time: what the machine's clock says where it can be believed, and what it would say where it cannot.

A stamp is the best that the cabin knows, with its quality beside it; the record stamps the reception itself. While a
time server is heard ("ntp") the machine's clock is taken as it is, also where it steps back. Otherwise the time goes
on from where it was, by the clock that counts from the machine's start and that nobody can set: a clock without a
battery, which begins in 1970, is taken up at the last time kept on disk ("unset"), and a jump is followed only to a
date that can be ("rtc"): not before this software, nor before a time server was last heard, nor from 2038 on. Every
jump is measured and told. Nothing is ever refused or held back for a wrong clock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cabin_agent.clock_quality import PLAUSIBLE_FROM_S, Quality, is_plausible, server_heard
from cabin_agent.kernel_clock import boot_ms
from cabin_agent.last_time import LastTime, keep_last_time, read_last_time

FILE = "last-time.json"
KEEP_S = 300.0
"""Real seconds between two keepings of the time."""
LOOK_S = 5.0
"""Real seconds between two looks for a jump."""
JUMP_MS = 2000
"""A clock that is disciplined slews; more than this at once was set."""


@dataclass(frozen=True, slots=True)
class Jump:
    """The machine's clock was set, by a program or a person, or did not fit at the start."""

    by_ms: int
    """Forward if positive."""
    followed: bool
    """Whether the cabin's time went with it."""
    quality: Quality
    """Of the cabin's time from then on."""


class CabinTime:
    """The time of one run of the core; safe to ask from any thread. `on_jump` is called by whoever notices it."""

    def __init__(
        self,
        folder: Path,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        boot: Callable[[], int] = boot_ms,
        heard: Callable[[float], bool] = server_heard,
    ) -> None:
        self._path, self._wall, self._boot, self._heard = folder / FILE, wall_ms, boot, heard
        self.on_jump: Callable[[Jump], None] = lambda _jump: None
        self._lock = threading.Lock()
        self._last = read_last_time(self._path)
        self._shift_ms = 0
        """What is added to the machine's clock."""
        self._between_ms = self._wall() - self._boot()
        """What the machine's clock was ahead of the one that nobody can set, at the last look."""
        self._quality: Quality = "rtc"
        self.at_start: Jump | None = None
        self._begin()

    def _begin(self) -> None:
        now = self._wall()
        heard = self._heard(now / 1000)
        floor = max(self._last.ms, PLAUSIBLE_FROM_S * 1000)
        if not heard and (now < floor or not is_plausible(now / 1000)):
            self._shift_ms, self._quality = floor - now, "unset"
            self.at_start = Jump(now - floor, followed=False, quality="unset")
        elif heard:
            self._quality = "ntp"

    def now_ms(self) -> int:
        """UTC milliseconds, as well as this cabin knows them."""
        return self.stamp()[0]

    def believed_ms(self) -> int | None:
        """UTC milliseconds, None where the clock was never set: to judge by the hour what somebody planned."""
        now, quality = self.stamp()
        return None if quality == "unset" else now

    def stamp(self) -> tuple[int, Quality]:
        """The time and the trust in it."""
        with self._lock:
            jump = self._look()
            now, quality = self._wall() + self._shift_ms, self._quality
        if jump is not None:
            self.on_jump(jump)
        return now, quality

    def keep(self) -> None:
        """Put the time on disk, where it is more than a guess."""
        now, quality = self.stamp()
        if quality != "unset":
            heard = now if quality == "ntp" else self._last.heard_ms
            self._last = LastTime(now, heard)
            keep_last_time(self._path, self._last)

    async def run(self) -> None:
        """Look for jumps and keep the time until cancelled."""
        kept = float("-inf")
        while True:
            self.stamp()
            if time.monotonic() - kept >= KEEP_S:
                kept = time.monotonic()
                await asyncio.to_thread(self.keep)
            await asyncio.sleep(LOOK_S)

    def _look(self) -> Jump | None:
        """Whether the clock was set since the last look, and what is made of it."""
        wall = self._wall()
        heard = self._heard(wall / 1000)
        between = wall - self._boot()
        by, self._between_ms = between - self._between_ms, between
        set_anew = abs(by) > JUMP_MS
        if heard:
            shift, self._shift_ms, self._quality = self._shift_ms, 0, "ntp"
            stepped = by if set_anew else -shift
            return Jump(stepped, followed=True, quality="ntp") if abs(stepped) > JUMP_MS else None
        if self._quality == "ntp":
            self._quality = "rtc"
        if not set_anew:
            return None
        earliest = max(self._last.heard_ms, PLAUSIBLE_FROM_S * 1000)
        followed = wall >= earliest and is_plausible(wall / 1000)
        self._shift_ms = 0 if followed else self._shift_ms - by
        self._quality = "rtc" if followed else "unset"
        return Jump(by, followed=followed, quality=self._quality)
