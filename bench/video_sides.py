"""The two sides that the bench compares: the whole cabin with the doctor's page, and stock aiortc with a bare one."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route

from bench.cabin import BenchError
from bench.machine import children, cpu_s, resident_mb
from bench.screens import Browser, clock
from bench.video_seen import Clocks, Seen, told
from cabin_agent.demo.processes import stop
from tests.browser_doctor import ConsultingCabin, doctor
from tests.relay import Conditions, Relay

WATCH = Path(__file__).with_name("video_watch.js").read_text(encoding="utf-8")
FIRST_S = 20.0
"""Longest wait for a first picture."""
SIT_S = 3.0
"""For the cabin to ask the agent to sit down; it does so once."""
SIGNALLING = ("**/api/v1/whep", "**/offer")


@dataclass(slots=True)
class Side:
    """A page that is ready to join, and the process that will send to it."""

    page: Page
    pid: int
    relay: Relay | None = None

    async def join(self) -> float:
        """Click, and wait for the first picture; seconds from the one to the other."""
        await self.page.evaluate("() => { benchTake(); }")
        await self.page.locator("#join").click()
        await self.until("benchSeen.pictures.length > 0", FIRST_S, "No picture came")
        return float(await self.page.evaluate("benchSeen.pictures[0][0] - benchSeen.clicked")) / 1000

    async def see(self, seconds: float) -> Seen:
        """What the page sees in the next seconds."""
        offset, _ = await clock(self.page)
        await self.page.evaluate("() => { benchTake(); }")
        await asyncio.sleep(seconds)
        raw = await self.page.evaluate("benchTake()")
        return told(raw, Clocks(offset, time.time() - time.monotonic()))

    async def until_720(self, settle_s: float, patience_s: float = 20.0) -> None:
        """Wait until 720 lines come and the rate has settled; raises `BenchError` where they do not."""
        what = "The picture did not grow to 720 lines"
        await self.until("document.querySelector('video').videoWidth === 1280", patience_s, what)
        await asyncio.sleep(settle_s)

    async def until(self, script: str, seconds: float, what: str) -> None:
        """Wait until a script is true in the page; raises `BenchError` with `what` did not happen."""
        end = time.monotonic() + seconds
        # The policy of the page forbids the events that Playwright has for this.
        while not await self.page.evaluate(script):
            if time.monotonic() > end:
                raise BenchError(f"{what} within {seconds:.0f} s.")
            await asyncio.sleep(0.05)

    async def stats(self) -> dict[str, Any]:
        """What Chromium counts of the video."""
        return dict(await self.page.evaluate("benchStats()"))

    def cpu_s(self) -> float:
        """User and system seconds of the sender; raises `BenchError` where it was killed for being too slow."""
        self._there()
        return cpu_s(self.pid)

    def resident_mb(self) -> float:
        """Resident memory of the sender; raises `BenchError` as `cpu_s` does."""
        self._there()
        return resident_mb(self.pid)

    def _there(self) -> None:
        if not Path(f"/proc/{self.pid}").exists():
            raise BenchError(
                "The sender was started again in the measurement: try again when the machine is quieter."
            )


@asynccontextmanager
async def cabin() -> AsyncIterator[ConsultingCabin]:
    """A whole cabin with media, in which an agent waits for the doctor."""
    async with ConsultingCabin() as running:
        yield running


def worker(running: ConsultingCabin) -> int:
    """The media worker: the child of its keeper."""
    (pid,) = children(running.child("media").pid)
    return pid


async def ecg(side: Side, running: ConsultingCabin) -> None:
    """Let an ECG flow from now on: the page orders it again and again, and the agent sits down for the first one."""
    await side.page.evaluate("() => { benchEcg(); }")
    with suppress(TimeoutError):
        async with asyncio.timeout(SIT_S):
            await running.watch_until(lambda visit: "seated" in visit["may"])
            await running.tell("seated")
    await side.until("benchSeen.waves.some((each) => each[1] === 1)", FIRST_S, "No ECG came")


@asynccontextmanager
async def ours(browser: Browser, running: ConsultingCabin, ways: Conditions | None = None) -> AsyncIterator[Side]:
    """The doctor's page in its lobby; `ways`: what both directions of the call go through."""
    page = await doctor(browser.screens, running)
    async with _side(page, worker(running), ways) as side:
        await page.locator("#join:enabled").wait_for()
        yield side


@asynccontextmanager
async def stock(browser: Browser, codec: str, ways: Conditions | None = None) -> AsyncIterator[Side]:
    """Stock aiortc in a process of its own, `codec` "H264" or "VP8", and a page with nothing but a video."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.stock", stdout=PIPE)
    try:
        if process.stdout is None:
            raise AssertionError("the output of this process is not piped")
        url = (await process.stdout.readline()).decode().partition("ready at ")[2].strip()
        page = (await browser.screens.desk()).page
        async with _side(page, process.pid, ways) as side:
            await page.goto(f"{url}/#{codec}")
            yield side
    finally:
        await stop(process)


@asynccontextmanager
async def _side(page: Page, pid: int, ways: Conditions | None) -> AsyncIterator[Side]:
    side = Side(page, pid)

    async def through(route: Route) -> None:
        """The offer and the answer as somebody behind the relay gets them."""
        if side.relay is not None:
            side.relay.close()
        side.relay = relay = Relay(ways, ways)
        offer = await relay.offer(route.request.post_data or "")
        answer = await route.fetch(post_data=offer)
        await route.fulfill(response=answer, body=relay.answer(await answer.text()))

    if ways is not None:
        for address in SIGNALLING:
            await page.route(address, through)
    try:
        yield side
    finally:
        await page.context.close()
        if side.relay is not None:
            side.relay.close()
