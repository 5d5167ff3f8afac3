"""Twelve leads at 500 Hz in a page: what Chromium spends on our sweep, on uPlot, and on a page that draws nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Page

from bench import uplot
from bench.figures import Chapter, Figure, median, number, spread
from bench.screens import browser
from tests.browser import served
from tests.fake_face import FakeAccess, FakeFace

LIMIT = 20.0
SCRIPT = Path(__file__).with_name("kiosk_sweep.js").read_text(encoding="utf-8")
ROUNDS, SETTLE_S, WINDOW_S = 3, 2.0, 5.0
WHO = ("nobody", "sweep", "uplot")


async def chapter() -> Chapter:
    """Rounds in which the three take turns."""
    library = uplot.script()
    shares: dict[str, list[float]] = {who: [] for who in WHO}
    frames: dict[str, list[float]] = {who: [] for who in WHO}
    async with served(FakeFace(), FakeAccess()) as url:
        for _ in range(ROUNDS):
            for who in WHO:
                share, fps = await _measured(url, who, library)
                shares[who].append(share)
                frames[who].append(fps)
    return Chapter("Twelve leads at 500 Hz", _HOW, _figures(shares, frames))


_HOW = (
    "Twelve ECG leads at 500 Hz arrive as frames of 40 ms in a page of 1500 by 900 pixels, in a Chromium of its "
    "own without a GPU, and are decoded; `js/sweep.js` of the cabin draws 8 s of them in two columns on "
    f"millimetre paper. uPlot {uplot.VERSION} draws the same 8 s in one chart of twelve series, set anew at each "
    "animation frame; a third page draws nothing but asks for animation frames as the others do. User and system "
    f"time of all processes of Chromium over {WINDOW_S:.0f} s as a share of one core, median of {ROUNDS} rounds "
    "in which the three take turns. The limit is for all that Chromium spends; less the page that draws nothing, "
    "what remains is for drawing and for bringing the pixels to the screen."
)


async def _measured(url: str, who: str, library: str) -> tuple[float, float]:
    """Percent of a core of a fresh Chromium, and its animation frames a second."""
    async with browser() as chromium:
        page = (await chromium.screens.open(viewport={"width": 1500, "height": 900})).page
        await _blank(page, url)
        await page.evaluate(f"() => {{ {library}; window.uPlot = uPlot; }}")
        await page.evaluate(f"() => {{ {SCRIPT} }}")
        await page.evaluate("(who) => benchDraw(who)", who)
        await asyncio.sleep(SETTLE_S)
        began, first = chromium.cpu_s(), await page.evaluate("benchFrames")
        await asyncio.sleep(WINDOW_S)
        used, last = chromium.cpu_s() - began, await page.evaluate("benchFrames")
    return 100 * used / WINDOW_S, (last - first) / WINDOW_S


async def _blank(page: Page, url: str) -> None:
    """The doctor's page without its program: only what is measured runs."""
    await page.route("**/doctor/main.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    await page.goto(f"{url}/doctor/")


def _figures(shares: dict[str, list[float]], frames: dict[str, list[float]]) -> tuple[Figure, ...]:
    nobody, sweep, other = (median(shares[who]) for who in WHO)
    fps = {who: number(median(frames[who])) for who in WHO}
    return (
        Figure(
            "Chromium, our sweep",
            sweep,
            "%",
            LIMIT,
            f"{number(other)} %: uPlot ({fps['uplot']} frames/s); {number(nobody)} %: nothing drawn",
            f"{spread(shares['sweep'], '%')}; {fps['sweep']} frames/s",
        ),
        Figure(
            "the same less the page that draws nothing",
            sweep - nobody,
            "%",
            peer=f"{number(other - nobody)} %: uPlot; ratio {number((sweep - nobody) / (other - nobody))}",
        ),
    )
