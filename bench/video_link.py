"""A call over a bad link, through a relay in user space: a narrow link with a deep queue, and one that loses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.figures import Chapter, Figure, number, percentile
from bench.screens import Browser, browser
from bench.video_clean import CODECS
from bench.video_seen import FREEZE_MS, Seen
from bench.video_sides import WATCH, Side, cabin, ecg, ours, stock
from tests.relay import Conditions

NARROW = Conditions(rate=500_000, queue_s=0.3)
LOSSY = Conditions(loss=0.05, delay_s=0.02)
PICTURE_MS, ECG_MS = 190.0, 50.0
SETTLE_S, WATCH_S = 6.0, 20.0
STOCK_S, STOCK_LOSSY_S = 12.0, 10.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What a page saw of a link, in the first seconds and after them."""

    first: Seen
    later: Seen


async def chapter() -> Chapter:
    """Ours and stock aiortc over both links, one after the other."""
    async with browser() as chromium:
        chromium.screens.before_any_script(WATCH)
        async with cabin() as running:
            async with ours(chromium, running, NARROW) as side:
                await side.join()
                await ecg(side, running)
                narrow = await _seen(side, WATCH_S)
            async with ours(chromium, running, LOSSY) as side:
                await side.join()
                await ecg(side, running)
                lossy = await _seen(side, WATCH_S)
        stock_narrow = {codec: await _stock(chromium, codec, NARROW, STOCK_S) for codec in CODECS}
        stock_lossy = {codec: await _stock(chromium, codec, LOSSY, STOCK_LOSSY_S) for codec in CODECS}
    return Chapter("A call on a bad link", _HOW, (*_narrow(narrow, stock_narrow), *_lossy(lossy, stock_lossy)))


_HOW = (
    "The same way as on the clean link, but offer and answer are rewritten so that everything of the call goes "
    "through a relay in user space, in both directions: 500 kbit/s (with the headers of IP and UDP) before which "
    "at most 300 ms may wait; or 5 % of all datagrams lost at random and 20 ms in each direction. Counted is "
    f"what comes later than {SETTLE_S:.0f} s after the first picture; {WATCH_S:.0f} s of it. A freeze is more "
    f"than {FREEZE_MS:.0f} ms between two pictures. A picture's lateness is from capture to the callback that "
    "presents it, by the bar-code; the ECG's is that of the newest sample of each frame when the frame arrives "
    f"in the page. The peer is stock aiortc through the same relay, {STOCK_S:.0f} and {STOCK_LOSSY_S:.0f} s of it."
)


async def _seen(side: Side, seconds: float) -> Kind:
    return Kind(await side.see(SETTLE_S), await side.see(seconds))


async def _stock(chromium: Browser, codec: str, ways: Conditions, seconds: float) -> Kind:
    async with stock(chromium, codec, ways) as side:
        await side.join()
        kind = await _seen(side, seconds)
    # What still waits in the relay belongs to nobody.
    await asyncio.sleep(0.5)
    return kind


def _narrow(mine: Kind, others: dict[str, Kind]) -> tuple[Figure, ...]:
    later = mine.later
    return (
        _freezes("500 kbit/s, 300 ms queue: freezes", mine, others),
        Figure(
            "the same: picture, p50",
            _of(later.late, 50),
            "ms",
            PICTURE_MS,
            _peer(others, lambda seen: seen.late, 50),
            f"p95 {number(_of(later.late, 95))} ms; {number(later.fps)} pictures/s",
        ),
        Figure(
            "the same: ECG, p50",
            _of(later.ecg, 50),
            "ms",
            ECG_MS,
            _peer(others, lambda seen: seen.ecg, 50),
            f"p95 {number(_of(later.ecg, 95))} ms; {len(later.ecg)} frames",
        ),
    )


def _lossy(mine: Kind, others: dict[str, Kind]) -> tuple[Figure, ...]:
    later = mine.later
    return (
        _freezes("5 % loss, 40 ms round trip: freezes", mine, others),
        Figure(
            "the same: picture, p50",
            _of(later.late, 50),
            "ms",
            peer=_peer(others, lambda seen: seen.late, 50),
            remark=f"p95 {number(_of(later.late, 95))} ms; {number(later.fps)} pictures/s",
        ),
    )


def _freezes(what: str, mine: Kind, others: dict[str, Kind]) -> Figure:
    peer = "; ".join(
        f"{each.later.freezes}: stock {codec}, {number(max(each.later.gaps, default=0))} ms, "
        f"{number(each.later.fps)} pictures/s"
        for codec, each in others.items()
    )
    longest = number(max(mine.later.gaps, default=0))
    return Figure(
        what, mine.later.freezes, "", 0, peer, f"longest gap {longest} ms; {mine.first.freezes} in the first seconds"
    )


def _peer(others: dict[str, Kind], of: Callable[[Seen], Sequence[float]], percent: float) -> str:
    return "; ".join(f"{number(_of(of(each.later), percent))} ms: stock {codec}" for codec, each in others.items())


def _of(values: Sequence[float], percent: float) -> float:
    """A percentile; infinite where nothing came at all."""
    return percentile(values, percent) if values else float("inf")
