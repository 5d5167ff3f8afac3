"""How soon the kiosk shows something, from a cold cache."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page

from bench.cabin import all_heard, cabin
from bench.figures import Chapter, Figure, median, number, spread
from bench.screens import Browser, browser
from cabin_agent.demo.cabin import DemoCabin
from cabin_agent.runtime import kiosk_address

LIMIT_S = 0.5
TIMES = 9
PATIENCE_S = 20.0
PAINT = "(performance.getEntriesByName('first-contentful-paint')[0] ?? { startTime: null }).startTime"


async def chapter() -> Chapter:
    """The kiosk and a bare page of the same server, in turns, each in a fresh browser context."""
    kiosk, bare = [], []
    async with cabin(1.0) as running, browser() as chromium:
        async with running.client() as core:
            await all_heard(core)
        await _painted(chromium, _bare(running))
        for _ in range(TIMES):
            bare.append(await _painted(chromium, _bare(running)))
            kiosk.append(await _painted(chromium, kiosk_address((running.site.runtime,))))
    return Chapter("First paint of the kiosk", _HOW, (_figure(kiosk, bare),))


_HOW = (
    "The kiosk's page of a running cabin with six simulated instruments is opened by its launch ticket in a "
    "fresh browser context (empty caches, no connection), with the browser itself running. First contentful "
    f"paint as Chromium measures it, from the beginning of the navigation; median of {TIMES}. The peer, in turns "
    "with it, is a line of text that the same server answers under its address of the state."
)


def _figure(kiosk: list[float], bare: list[float]) -> Figure:
    peer = f"{number(median(bare))} s: a line of text; ratio {number(median(kiosk) / median(bare))}"
    return Figure("first contentful paint of /kiosk/", median(kiosk), "s", LIMIT_S, peer, spread(kiosk, "s"))


def _bare(running: DemoCabin) -> str:
    return f"{running.url}/api/v1/status"


async def _painted(chromium: Browser, address: str) -> float:
    """Seconds from the navigation to the first content."""
    screen = await chromium.screens.touch()
    try:
        await screen.page.goto(address)
        return await _paint(screen.page)
    finally:
        await screen.context.close()


async def _paint(page: Page) -> float:
    async with asyncio.timeout(PATIENCE_S):
        # It has no event outside of the page, and the page of the kiosk allows no script of ours to wait in it.
        while (ms := await page.evaluate(PAINT)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return float(ms) / 1000
