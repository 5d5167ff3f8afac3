"""A call on a clean link: click to picture, processor time of a picture, glass to glass; stock aiortc beside it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from bench.cabin import BenchError
from bench.figures import Chapter, Figure, median, number, percentile, spread
from bench.screens import Browser, browser
from bench.video_seen import Seen
from bench.video_sides import WATCH, Side, cabin, ecg, ours, stock
from cabin_agent.media import synthetic

CPU_MS, CLICK_S, P50_MS, P95_MS = 12.0, 1.0, 60.0, 90.0
CLICKS, STOCK_CLICKS = 5, 3
GROWS = 3
SETTLE_S, WINDOWS, WINDOW_S = 8.0, 3, 8.0
DRAWINGS = 100
CODECS = ("H264", "VP8")


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds of a call: milliseconds of the sender's processor for each picture that it sent, and what came."""

    cpu_ms: float
    kbps: float
    seen: Seen


@dataclass(frozen=True, slots=True)
class Run:
    """One side: seconds from click to picture, and its windows."""

    clicks: tuple[float, ...]
    windows: tuple[Window, ...]

    @property
    def cpu_ms(self) -> float:
        """Of the median window."""
        return median([window.cpu_ms for window in self.windows])

    def late(self, percent: float) -> float:
        """Of the median window."""
        return median([percentile(window.seen.late, percent) for window in self.windows])


async def chapter() -> Chapter:
    """Ours, then stock aiortc with each codec, in one Chromium."""
    async with browser() as chromium:
        chromium.screens.before_any_script(WATCH)
        mine = await _ours(chromium)
        others = {codec: await _stock(chromium, codec) for codec in CODECS}
    return Chapter("A call on a clean link", _HOW, _figures(mine, others, _drawing_ms()))


_HOW = (
    "The whole way: `cabin run`, `cabin media` with its drawn camera (1280 by 720, 30 pictures a second), "
    "signalling through the core, the doctor's page in Chromium without a GPU on the same machine, sound in both "
    "directions, an ECG of 8 leads at 250 Hz. Processor time is user and system time of the media worker over a "
    "window, divided by the pictures that arrived, the drawing of the picture included. Glass to glass is from "
    "the bar-code's clock (the capture) to the time at which Chromium expects the picture to be visible "
    f"(`expectedDisplayTime`, or the callback where that is later); median of {WINDOWS} windows of {WINDOW_S:.0f} "
    "s. Click to first picture is from the click on “join” to the callback of the first picture, the token and "
    "the core's admission included. The peer is stock aiortc in one process with the same pictures and ECG, its "
    "own encoders and rates, one sound instead of two, and a page with nothing but a video; both run one after "
    "the other, and the machine also carries the browser."
)


async def _ours(chromium: Browser) -> Run:
    clicks: list[float] = []
    async with cabin() as running:
        for _ in range(CLICKS - 1):
            async with ours(chromium, running) as side:
                clicks.append(await side.join())
        async with ours(chromium, running) as side:
            clicks.append(await side.join())
            await ecg(side, running)
            await _grown(side)
            return Run(tuple(clicks), await _windows(side))


async def _grown(side: Side) -> None:
    """Wait for 720 lines; a call that this machine was once too slow for does not grow again, another may."""
    for _ in range(GROWS - 1):
        with suppress(BenchError):
            return await side.until_720(SETTLE_S)
        await side.page.locator("#language").click()
        await asyncio.sleep(1.0)
    return await side.until_720(SETTLE_S)


async def _stock(chromium: Browser, codec: str) -> Run:
    clicks: list[float] = []
    async with stock(chromium, codec) as side:
        for _ in range(STOCK_CLICKS):
            await side.page.reload()
            clicks.append(await side.join())
        await asyncio.sleep(SETTLE_S / 2)
        return Run(tuple(clicks), await _windows(side))


async def _windows(side: Side) -> tuple[Window, ...]:
    return tuple([await _window(side) for _ in range(WINDOWS)])


async def _window(side: Side) -> Window:
    before, used = await side.stats(), side.cpu_s()
    seen = await side.see(WINDOW_S)
    used, after = side.cpu_s() - used, await side.stats()
    frames = max(1, after["framesReceived"] - before["framesReceived"])
    octets = after["bytesReceived"] - before["bytesReceived"]
    return Window(1000 * used / frames, octets * 8 / WINDOW_S / 1000, seen)


def _drawing_ms() -> float:
    """Processor time of drawing one picture: a real camera's has none."""
    synthetic.picture("room", 0.0, 0, 0)
    began = time.process_time()
    for turn in range(DRAWINGS):
        synthetic.picture("room", turn / 30, turn, turn)
    return 1000 * (time.process_time() - began) / DRAWINGS


def _figures(mine: Run, others: dict[str, Run], drawing_ms: float) -> tuple[Figure, ...]:
    def peer(unit: str, of: dict[str, float]) -> str:
        return "; ".join(f"{number(value)} {unit}: stock {codec}" for codec, value in of.items())

    fps = number(median([window.seen.fps for window in mine.windows]))
    kbps = number(median([window.kbps for window in mine.windows]))
    wide = min((picture.width for window in mine.windows for picture in window.seen.pictures), default=0)
    stock_fps = ", ".join(
        f"{codec} {number(median([each.seen.fps for each in run.windows]))}" for codec, run in others.items()
    )
    glass = {
        share: median([percentile(each.seen.late_on_glass, share) for each in mine.windows]) for share in (50, 95)
    }
    stock_glass = {
        share: {
            codec: median([percentile(each.seen.late_on_glass, share) for each in run.windows])
            for codec, run in others.items()
        }
        for share in (50, 95)
    }
    ecg_ms = [late for window in mine.windows for late in window.seen.ecg]
    return (
        Figure(
            "processor time of a picture, whole process",
            mine.cpu_ms,
            "ms",
            CPU_MS,
            peer("ms", {codec: run.cpu_ms for codec, run in others.items()}),
            f"{fps} pictures/s (stock: {stock_fps}), {kbps} kbit/s, never less than {wide} columns; "
            f"{number(drawing_ms)} ms of it for drawing",
        ),
        Figure("glass to glass, p50", glass[50], "ms", P50_MS, peer("ms", stock_glass[50])),
        Figure("glass to glass, p95", glass[95], "ms", P95_MS, peer("ms", stock_glass[95])),
        Figure(
            "click to first picture",
            median(mine.clicks),
            "s",
            CLICK_S,
            peer("s", {codec: median(run.clicks) for codec, run in others.items()}),
            spread(mine.clicks, "s"),
        ),
        Figure(
            "newest ECG sample of a frame at the page, p95",
            percentile(ecg_ms, 95),
            "ms",
            remark=f"p50 {number(percentile(ecg_ms, 50))} ms, {len(ecg_ms)} frames",
        ),
    )
