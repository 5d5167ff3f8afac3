"""What the drivers take of a processor when every instrument streams at its full rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Chapter, Figure, median, number
from bench.instruments_processes import CABIN, DRIVEN, Child, holder, rack, started
from bench.machine import SPIN, cpu_s, spin_s

LIMIT_PERCENT = 8.0
WINDOWS, SETTLE_S = 3, 5.0
WINDOW_S, QUICK_S = 20.0, 3.0


async def chapter(quick: bool) -> Chapter:
    """The six of a cabin beside a bare reader of the same terminals, then everything that has a driver."""
    window = QUICK_S if quick else WINDOW_S
    spins = [spin_s()]
    six, bare, count = await _six(window)
    spins.append(spin_s())
    every = await _held(DRIVEN, window)
    spins.append(spin_s())
    spin = sum(spins) / len(spins)
    reader = f"{number(median(bare))} %: a reader that throws away; {count:.0f} bytes a second"
    figures = (
        Figure(
            "drivers of a cabin, six instruments at full rate", median(six), "%", LIMIT_PERCENT, reader, _span(six)
        ),
        Figure(
            f"drivers of everything at once, {len(DRIVEN)} instruments",
            median(every),
            "%",
            None,
            f"{spin * 1000:.0f} ms: the loop; {number(median(every) / 100 / spin)} loops a second",
            _span(every),
        ),
    )
    return Chapter("Load", _HOW.format(windows=WINDOWS, window=window), figures)


_HOW = (
    "User and system time of one process that holds the keepers and drivers, and nothing else, over {windows} "
    "windows of {window:.0f} s, as a share of one core; median window. The instruments are simulated in another "
    "process, on pseudo-terminals (on USB and Bluetooth: emulated hosts). A cabin: "
    + ", ".join(CABIN)
    + "; all are told to measure as soon as they are ready, the cuff again and again. The reader takes the same "
    "terminals afterwards, with one `os.read` each time there is something (the cuff, which only answers, says "
    f"nothing then). The yardstick is a Python loop of {SPIN:,} rounds, timed before, between and after."
)


async def _six(window: float) -> tuple[list[float], list[float], float]:
    """Shares of the drivers and of the reader, and bytes a second that the reader read."""
    async with rack(CABIN) as (_, urls, _control):
        child = await holder(urls)
        shares = await _shares(child, CABIN, window)
        await child.end()
        reader = await started("instruments_reader", Path("-"), *urls.values())
        began = time.monotonic()
        await asyncio.sleep(SETTLE_S)
        bare = [await _share(reader, window) for _ in range(WINDOWS)]
        took = time.monotonic() - began
        return shares, bare, (await reader.end() or 0) / took


async def _held(names: Sequence[str], window: float) -> list[float]:
    async with rack(names) as (_, urls, _control):
        child = await holder(urls)
        shares = await _shares(child, names, window)
        await child.end()
        return shares


async def _shares(child: Child, names: Sequence[str], window: float) -> list[float]:
    await child.until_live(names)
    await asyncio.sleep(SETTLE_S)
    return [await _share(child, window) for _ in range(WINDOWS)]


async def _share(child: Child, window: float) -> float:
    """Per cent of one core."""
    began, before = time.monotonic(), cpu_s(child.pid)
    await asyncio.sleep(window)
    return 100 * (cpu_s(child.pid) - before) / (time.monotonic() - began)


def _span(shares: Sequence[float]) -> str:
    return f"{number(min(shares))} to {number(max(shares))} %"
