"""Whether the media worker grows: over many short calls, and over a long one."""

from __future__ import annotations

import asyncio
import time

from bench.figures import Chapter, Figure, number
from bench.screens import browser
from bench.video_sides import WATCH, Side, cabin, ecg, ours, worker

CALLS, WARM = 60, 5
SHORT_S = 0.4
"""Seconds of picture in a short call."""
CALL_MB = 0.25
"""Of growth for each call: eight hours of calls of a minute would be 120 MB."""
LONG_S, HOUR_S = 60.0, 3600.0
WARM_S = 20.0
HOUR_MB = 30.0
"""Of growth in the hour; a minute says nothing that would be worth a limit."""
UP = "document.getElementById('link').dataset.state === 'up' && benchSeen.pictures.length > 0"
LATER_S = 15.0


async def chapter(hour: bool) -> Chapter:
    """Short calls, then a long one, in one cabin."""
    async with browser() as chromium:
        chromium.screens.before_any_script(WATCH)
        async with cabin() as running:
            pid = worker(running)
            async with ours(chromium, running) as side:
                await side.join()
                few, many, took = await _short(side)
            async with ours(chromium, running) as side:
                await side.join()
                await ecg(side, running)
                begin, end, seconds = await _long(side, HOUR_S if hour else LONG_S)
            same = worker(running) == pid
    return Chapter("Memory of the media process", _HOW, _figures(few, many, took, begin, end, seconds, same))


_HOW = (
    "VmRSS of the media worker, 1 MB is 10^6 bytes. Short calls: the doctor's page makes the call anew, offer, "
    f"encryption, picture and all, again and again, each as soon as it has had pictures for {SHORT_S:g} s; after "
    f"{WARM} and after {CALLS}. Long call: with picture, sound and ECG; `make bench-video ARGS=--hour` makes it "
    "an hour. There is no peer: stock aiortc ends its encoders and rates with the process that the bench gives "
    "it."
)


async def _short(side: Side) -> tuple[float, float, float]:
    """Megabytes after the first calls and after all, and seconds of one call."""
    few, began = 0.0, 0.0
    for turn in range(CALLS):
        if turn == WARM:
            few, began = side.resident_mb(), time.monotonic()
        await side.page.evaluate("() => { benchTake(); }")
        # Another language is another call: the cabin's words on the picture change with it.
        await side.page.locator("#language").click()
        await asyncio.sleep(0.1)
        await side.until(UP, LATER_S, "The call did not come back")
        await asyncio.sleep(SHORT_S)
    return few, side.resident_mb(), (time.monotonic() - began) / (CALLS - WARM)


async def _long(side: Side, seconds: float) -> tuple[float, float, float]:
    await asyncio.sleep(WARM_S)
    begin = side.resident_mb()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await side.page.evaluate("() => { benchTake(); }")
        await asyncio.sleep(min(10.0, max(0.0, end - time.monotonic())))
    return begin, side.resident_mb(), seconds


def _figures(
    few: float, many: float, took: float, begin: float, end: float, seconds: float, same: bool
) -> tuple[Figure, ...]:
    kept = "one process throughout" if same else "THE WORKER WAS STARTED AGAIN MEANWHILE"
    calls = CALLS - WARM
    return (
        Figure(
            f"growth over {calls} short calls, each",
            max(0.0, (many - few) / calls),
            "MB",
            CALL_MB,
            remark=f"{number(few)} MB after {WARM}, {number(many)} MB after {CALLS}; {number(took)} s each; {kept}",
        ),
        Figure(
            f"growth in a call of {seconds / 60:.0f} min",
            max(0.0, end - begin),
            "MB",
            HOUR_MB if seconds >= HOUR_S else None,
            remark=f"{number(begin)} MB after {WARM_S:.0f} s, {number(end)} MB at the end",
        ),
    )
