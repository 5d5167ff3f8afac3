"""Whether the media worker grows: over as many calls as there are minutes in eight hours, and over a long one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Chapter, Figure, number
from bench.machine import resident_mb
from bench.screens import browser
from bench.video_sides import WATCH, Side, cabin, ecg, ours, worker
from tests.doctor import Doctor
from tests.media_core import MediaCore, media_process

CALLS, PICTURES = 480, 8
"""Short calls, and pictures in each."""
CALL_MB = 0.05
"""Slope for each call: 24 MB in eight hours of calls of a minute, and what wandering alone can make in one run."""
LONG_S, HOUR_S = 60.0, 3600.0
WARM_S, SAMPLE_S = 20.0, 5.0
HOUR_MB = 5.0
"""Slope for an hour: 40 MB in eight hours; a minute says nothing that would be worth a limit."""
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Trend:
    """How memory went in the second half of a run, where what is only kept warm has been taken."""

    slope: float
    """MB for each step, as the median of the slopes between all pairs: a single jump does not count."""
    low: float
    high: float
    """Between these it is with 95 %."""
    first: float
    middle: float
    last: float
    wander: float
    """MB between the least and the most of the second half."""


def trend(at: Sequence[float], mb: Sequence[float]) -> Trend:
    """The trend of four samples or more."""
    # Its import takes longer than all the rest of the bench's.
    from scipy.stats import theilslopes

    half = len(mb) // 2
    late = mb[half:]
    found = theilslopes(late, at[half:], 0.95)
    slope, low, high = float(found[0]), float(found[2]), float(found[3])
    return Trend(slope, low, high, mb[0], late[0], late[-1], max(late) - min(late))


async def chapter(hour: bool) -> Chapter:
    """Short calls of one media process, then a long call in a whole cabin."""
    with TemporaryDirectory() as folder:
        short, took, same = await _short(Path(folder))
    async with browser() as chromium:
        chromium.screens.before_any_script(WATCH)
        async with cabin() as running:
            pid = worker(running)
            async with ours(chromium, running) as side:
                await side.join()
                await ecg(side, running)
                seconds = HOUR_S if hour else LONG_S
                long = await _long(side, seconds)
            same = same and worker(running) == pid
    return Chapter("Memory of the media process", _HOW, _figures(short, took, long, seconds, same))


_HOW = (
    "VmRSS of the media worker, 1 MB is 10^6 bytes. Short calls: `cabin media` with core and page played by the "
    f"bench; {CALLS} calls one after the other, offer, encryption, {PICTURES} pictures and all, as many as there are "
    "minutes in eight hours, in turns in both languages. Long call: with Chromium's page, picture, sound and ECG; "
    "`make bench-video ARGS=--hour` makes it an hour. Memory is flat when the slope of the second half of a run, "
    "the median of the slopes between all pairs of samples, is within its limit; the first half is for what is "
    "taken once and kept. The encoder's buffers of each call are kept or given back as the allocator sees fit, so "
    "memory wanders by some megabytes without growing: the remark says how far, and where the slope lies with 95 %. "
    "A slope that the wandering alone can make in one run is what the limits allow, and no more. There is no peer: "
    "stock aiortc ends its encoders and rates with the process that the bench gives it."
)


async def _short(folder: Path) -> tuple[Trend, float, bool]:
    """The trend over the calls, seconds of one, and whether it was one process throughout."""
    (folder / "run").mkdir()
    samples, began = [], time.monotonic()
    async with media_process(folder), MediaCore(folder / "run" / "media.sock") as core:
        pid = await core.hello()
        for call in range(CALLS):
            await _call(core, call)
            samples.append(resident_mb(pid))
        return trend(range(CALLS), samples), (time.monotonic() - began) / CALLS, list(core.hello_at) == [pid]


async def _call(core: MediaCore, number: int) -> None:
    core.heard.clear()
    doctor, name, language = Doctor(), f"s{number}", ("en", "fr")[number % 2]
    offer = {"type": "offer", "re": number, "session": name, "sdp": await doctor.offer(), "language": language}
    core.send(offer)
    answer = await core.until(lambda each: each.get("re") == number, PATIENCE_S)
    await doctor.accept(answer["sdp"])
    await doctor.pictures(PICTURES, PATIENCE_S)
    core.send({"type": "close", "session": name})
    await core.until(lambda each: each["type"] == "session" and each["state"] == "closed", PATIENCE_S)
    await doctor.close()


async def _long(side: Side, seconds: float) -> Trend:
    await asyncio.sleep(WARM_S)
    began, at, samples = time.monotonic(), list[float](), list[float]()
    while (now := time.monotonic() - began) < seconds:
        await side.page.evaluate("() => { benchTake(); }")
        at.append(now / HOUR_S)
        samples.append(side.resident_mb())
        await asyncio.sleep(SAMPLE_S)
    return trend(at, samples)


def _figures(short: Trend, took: float, long: Trend, seconds: float, same: bool) -> tuple[Figure, ...]:
    kept = "one process throughout" if same else "THE WORKER WAS STARTED AGAIN MEANWHILE"
    return (
        Figure(
            f"slope over the second half of {CALLS} short calls, each call",
            max(0.0, short.slope),
            "MB",
            CALL_MB,
            remark=f"{_told(short)}; {number(took)} s each; {kept}",
        ),
        Figure(
            f"slope over the second half of a call of {seconds / 60:.0f} min, each hour",
            max(0.0, long.slope),
            "MB",
            HOUR_MB if seconds >= HOUR_S else None,
            remark=_told(long),
        ),
    )


def _told(found: Trend) -> str:
    return (
        f"{number(found.first)} MB at first, {number(found.middle)} MB in the middle, {number(found.last)} MB at the "
        f"end; wanders by {number(found.wander)} MB; slope {_signed(found.low)} to {_signed(found.high)} MB"
    )


def _signed(value: float) -> str:
    return f"-{number(-value)}" if value < 0 else number(value)
