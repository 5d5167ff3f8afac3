"""Debian's Chromium for the bench: its pages, its processes, and its clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, async_playwright

from bench.cabin import BenchError
from bench.machine import children, cpu_s
from tests.browser import CHROMIUM, Screens, chromium

TRIES = 25
"""Questions for the clock of a page; the fastest answer counts."""


@dataclass(frozen=True, slots=True)
class Browser:
    """One Chromium: a place for pages, and the process that is the parent of its others."""

    screens: Screens
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds of all its processes that live now."""
        return sum(map(_cpu, tree(self.pid)))


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A Chromium with a fresh profile; raises `BenchError` where there is none."""
    if shutil.which(CHROMIUM) is None:
        raise BenchError(f"Chromium is not at {CHROMIUM}: install it (apt install chromium).")
    before = set(children(os.getpid()))
    with chromium() as endpoint:
        (pid,) = [each for each in children(os.getpid()) if each not in before and _is_chromium(each)]
        async with async_playwright() as playwright:
            there = await playwright.chromium.connect_over_cdp(endpoint)
            screens = Screens(there)
            try:
                yield Browser(screens, pid)
            finally:
                await screens.close()
                await there.close()


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        return [pid, *(each for child in children(pid) for each in tree(child))]
    except OSError:
        return []


async def clock(page: Page) -> tuple[float, float]:
    """Seconds to add to `performance.now() / 1000` of this page for `time.monotonic()`, and how wrong that may be.

    Both are CLOCK_MONOTONIC, so the difference is constant; the fastest of many questions gives it, wrong by no more
    than half of what that question took.
    """
    found = []
    for _ in range(TRIES):
        before = time.monotonic()
        said = float(await page.evaluate("performance.now()")) / 1000
        after = time.monotonic()
        found.append(((after - before) / 2, (before + after) / 2 - said))
    wrong, offset = min(found)
    return offset, wrong


def _is_chromium(pid: int) -> bool:
    return b"--user-data-dir=" in (Path("/proc") / str(pid) / "cmdline").read_bytes()


def _cpu(pid: int) -> float:
    try:
        return cpu_s(pid)
    except OSError:
        return 0.0
