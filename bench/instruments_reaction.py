"""From the last byte of a frame, written at the instrument's end, to the event at the keeper's, on one clock."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Chapter, Figure, markdown, number, percentile
from bench.instruments_holder import Heard
from bench.instruments_processes import DRIVEN, holder, rack
from bench.instruments_rack import Sent
from bench.latency import echoes
from drivers import DECODERS
from drivers.events import Event, Trouble

LIMIT_MS = 5.0
WATCH_S, QUICK_S = 20.0, 4.0
SETTLE_S = 2.0
TOGETHER = 6
"""Instruments at a time, as many as a cabin has."""
FEWEST = 5
"""Events without which nothing is said of a protocol."""
AHEAD = 400
"""Events among which the one that was heard is looked for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Both ends of some instruments, from the opening of their ports on."""

    sent: Sent
    heard: Heard
    since: float
    """Monotonic seconds from which on it counts."""
    echoed: list[float]
    """Milliseconds of `cat`."""


async def chapter(quick: bool) -> Chapter:
    """Six instruments at a time, until all of those that have a driver were there."""
    seconds = QUICK_S if quick else WATCH_S
    found: dict[str, list[float]] = {}
    echoed: list[float] = []
    for first in range(0, len(DRIVEN), TOGETHER):
        names = DRIVEN[first : first + TOGETHER]
        print(f"  {', '.join(names)}", file=sys.stderr, flush=True)
        seen = await _watched(names, seconds)
        echoed += seen.echoed
        found |= {name: latencies(name, seen.sent, seen.heard, seen.since) for name in names}
    known = {name: values for name, values in found.items() if len(values) >= FEWEST}
    peer = f"{number(percentile(echoed, 99))} ms: cat, p99"
    every = [value for values in known.values() for value in values]
    figures = [
        Figure(
            "byte to event, all together, p99", percentile(every, 99), "ms", LIMIT_MS, peer, f"{len(every)} events"
        )
    ]
    figures += [
        Figure(f"{name}, p99", percentile(values, 99), "ms", LIMIT_MS, peer, f"{len(values)} events")
        for name, values in known.items()
    ]
    return Chapter(
        "Byte to event", _how(seconds, [name for name in found if name not in known]), tuple(figures), _table(known)
    )


async def _watched(names: Sequence[str], seconds: float) -> Seen:
    with tempfile.TemporaryDirectory(prefix="cabin-bench-") as folder:
        async with rack(names) as (simulated, urls, _):
            child = await holder(urls, Path(folder) / "heard")
            await child.until_live(names)
            # What a port costs that is opened is another figure.
            await asyncio.sleep(SETTLE_S)
            began = time.monotonic()
            echo = await echoes(seconds)
            # The instruments end first, so that all that was sent was heard.
            sent = await simulated.end()
            await asyncio.sleep(0.2)
            return Seen(sent, await child.end(), began, echo)


def latencies(name: str, sent: Sent, heard: Heard, since: float = 0.0) -> list[float]:
    """Milliseconds from each frame to each event that it completed, by the protocol's decoder, `since` then."""
    due = list(_completed(name, [(at, frame) for who, at, frame in sent if who == name]))
    found: list[float] = []
    place = 0
    for who, at, event in heard:
        if who != name or isinstance(event, Trouble):
            continue
        ahead = range(place, min(len(due), place + AHEAD))
        match = next((n for n in ahead if due[n][1] == event and due[n][0] <= at), None)
        if match is not None:
            found += [1000 * (at - due[match][0])] if at >= since else []
            place = match + 1
    return found


def _completed(name: str, frames: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, Event]]:
    """When the frame was written that completed each event."""
    decoder = DECODERS[name]()
    for at, frame in frames:
        for event in decoder.feed(frame):
            if not isinstance(event, Trouble):
                yield at, event


def _table(known: dict[str, list[float]]) -> str:
    rows = [(name, *(number(percentile(values, p)) for p in (50, 95, 99, 100))) for name, values in known.items()]
    return "In milliseconds:\n\n" + markdown(("protocol", "p50", "p95", "p99", "most"), rows)


def _how(seconds: float, left_out: Sequence[str]) -> str:
    why = f"Fewer than {FEWEST} events in that time, or by radio, whose emulated wire carries other frames"
    rest = f" {why}: {', '.join(left_out)}." if left_out else ""
    return (
        f"{TOGETHER} simulated instruments at a time speak to their drivers for {seconds:.0f} s, in two processes, "
        "on pseudo-terminals (on USB: the emulated host). The instrument's process notes each frame just before it "
        "is written, the keeper's its events; which event a frame completes is known by decoding the frames again. "
        "The peer is `cat` between a pseudo-terminal and a pipe at the same time: what the machine takes to wake a "
        f"process and be woken.{rest}"
    )
