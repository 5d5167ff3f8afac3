"""From the bytes of a sample at the pseudo-terminal to its pixels on the canvas of a page, on one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Page

from bench.cabin import BenchError, all_heard, cabin
from bench.figures import Chapter, Figure, number, percentile
from bench.latency import Player, echoes, in_place
from bench.marked import MarkedEcg
from bench.screens import Browser, browser, clock
from cabin_agent.demo.cabin import DemoCabin
from drivers import cyton_packets
from tests.browser import sign_in

LIMIT_MS = 150.0
SETTLE_S, WATCH_S = 5.0, 25.0
EVERY, FIRST, WIDE, SPIKE_MV = 131, 60, 3, 1.0
"""A spike of `WIDE` samples begins at sample `FIRST` and then at each `EVERY`th: 524 ms, no multiple of a frame."""
ROWS, BASELINE, MM = 6, 0.6, 96 / 25.4
"""Lanes of a column, where in a lane zero lies, and pixels of a nominal millimetre (`js/sweep.js`)."""
LIT = 150
"""Green of a pixel: the trace has more, watermark and background have less."""
SCRIPT = Path(__file__).with_name("kiosk_pixel.js").read_text(encoding="utf-8")


class Spiked(MarkedEcg):
    """A Cyton board on which a spike rises from a flat line about twice a second."""

    def sample(self, index: int) -> bytes:
        """One packet, the same voltage on every channel."""
        mv = SPIKE_MV if index % EVERY in range(FIRST, FIRST + WIDE) else 0.0
        return cyton_packets.encode_packet(
            index, [cyton_packets.counts(mv, channel.gain) for channel in self._board.channels]
        )


async def chapter() -> Chapter:
    """The technician's preview of an ECG that spikes, for half a minute."""
    async with cabin(1.0) as running, running.client() as core, browser() as chromium:
        await all_heard(core)
        async with in_place(running, Spiked(), steady=True) as player:
            await all_heard(core)
            page = await _preview(chromium, running)
            await core.command("ecg", "start")
            await asyncio.sleep(SETTLE_S)
            await _watch(page)
            (offset, wrong), echoed = await clock(page), await echoes(WATCH_S)
            lit = [each[0] / 1000 + offset for each in await page.evaluate("benchSeen")]
    late = lateness(risen(player), lit)
    if len(late) < WATCH_S:
        raise BenchError(f"Only {len(late)} spikes were seen in {WATCH_S:.0f} s: look at the technician's page.")
    return Chapter("Sample to pixel", _HOW, _figures(late, echoed, wrong))


_HOW = (
    "An ECG of the bench on a real pseudo-terminal gives 250 samples a second, eight channels, with a spike of 1 "
    "mV and 12 ms every 524 ms; the moment at which the first sample of each spike is written is kept. The "
    "technician's page shows it in twelve leads by `js/sweep.js`, and after each frame was painted a script "
    "reads back one line of the first lane's pixels, halfway up the spike: the first time that a dark pixel is "
    "lit is the spike's. Both times are CLOCK_MONOTONIC: Chromium's differs from Python's by a constant, which "
    "the fastest of 25 questions gives. What the compositor and a real screen take after that (one frame, 17 ms, "
    "or two) is not in it. The peer is `cat` between a pseudo-terminal and a pipe, at the same time."
)


async def _preview(chromium: Browser, running: DemoCabin) -> Page:
    screen = await chromium.screens.desk()
    page = await sign_in(screen, running.url, "technician", "technician", running.codes["technician"])
    await page.locator("#preview-ecg").click()
    return page


async def _watch(page: Page) -> None:
    await page.evaluate(f"() => {{ {SCRIPT} }}")
    height = await page.evaluate("document.querySelector('canvas').height")
    row = round(height / ROWS * BASELINE - SPIKE_MV / 2 * 10 * MM)
    await page.evaluate("([row, lit]) => benchSpikes(row, lit)", [row, LIT])


def risen(player: Player) -> list[float]:
    """Monotonic seconds at which the first sample of each spike was written."""
    return player.written[FIRST::EVERY]


def lateness(written: Sequence[float], lit: Sequence[float]) -> list[float]:
    """Milliseconds from each spike's first sample to its first pixel; what was drawn before the watch is left out.

    `lit` are the times of frames in which pixels were lit: of those of one spike the first one counts.
    """
    late = []
    for begin, end in zip(written, [*written[1:], float("inf")], strict=True):
        mine = [at for at in lit if begin <= at < end]
        if mine and lit[0] < begin:
            late.append(1000 * (mine[0] - begin))
    return late


def _figures(late: list[float], echoed: list[float], wrong: float) -> tuple[Figure, ...]:
    peer = f"{number(percentile(echoed, 95))} ms: cat, p95"
    remark = f"{len(late)} spikes; clocks joined to ±{number(1000 * wrong)} ms"
    return (
        Figure("first sample of a spike to its pixel, p95", percentile(late, 95), "ms", LIMIT_MS, peer, remark),
        Figure("the same, p50", percentile(late, 50), "ms", peer=peer, remark=f"at most {number(max(late))} ms"),
    )
