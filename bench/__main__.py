"""`python -m bench`: measure a group of figures, print the tables, write them to `docs/benchmarks.md`.

`--group signal`, `kiosk`, `video`, `instruments` or `delivery` measures that group instead of the cabin's; what there
is of others stays.
`python -m bench NAME...` measures only what is named, of any group, and writes nothing. Exit codes: 0 every limit is
kept, 1 one is not, 3 a figure could not be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench import (
    checkup,
    delivery_backlog,
    delivery_cabins,
    delivery_chain,
    delivery_puts,
    instruments_codecs,
    instruments_fuzz,
    instruments_load,
    instruments_reaction,
    instruments_replug,
    kiosk_paint,
    kiosk_pixel,
    kiosk_sweep,
    latency,
    processor,
    sealing,
    signal_beats,
    signal_changed,
    signal_cuff,
    signal_irregular,
    signal_pulses,
    signal_speed,
    start,
    video_clean,
    video_link,
    video_memory,
)
from bench.cabin import BenchError
from bench.figures import Chapter
from bench.machine import load
from bench.page import chapter_text, part, with_part
from cabin_agent.client import CoreError
from cabin_agent.demo.processes import DemoError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
Measuring = Callable[[], Awaitable[Chapter]]
SIGNAL: Mapping[str, Callable[[bool], Awaitable[Chapter]]] = {
    "beats": signal_beats.chapter,
    "changed": signal_changed.chapter,
    "pulses": signal_pulses.chapter,
    "irregular": signal_irregular.chapter,
    "cuff": signal_cuff.chapter,
    "speed": signal_speed.chapter,
}
"""What is measured of the analysis; told whether few recordings are enough."""
INSTRUMENTS: Mapping[str, Callable[[bool], Awaitable[Chapter]]] = {
    "load": instruments_load.chapter,
    "reaction": instruments_reaction.chapter,
    "replug": instruments_replug.chapter,
}
"""What is measured of the instruments; told whether a short look is enough."""
DELIVERY: Mapping[str, Callable[[bool], Awaitable[Chapter]]] = {
    "puts": delivery_puts.chapter,
    "chain": delivery_chain.chapter,
    "backlog": delivery_backlog.chapter,
    "cabins": delivery_cabins.chapter,
}
"""What is measured of the delivery; told whether a short look is enough."""
TITLES = {
    "cabin": "The cabin",
    "signal": "The analysis",
    "kiosk": "The kiosk",
    "video": "The call",
    "instruments": "The instruments",
    "delivery": "The delivery",
}


def groups(hour: bool, quick: bool = False, count: int | None = None) -> Mapping[str, Mapping[str, Measuring]]:
    """Every chapter, by group and name."""
    return {
        "cabin": {
            "start": start.chapter,
            "checkup": checkup.chapter,
            "processor": processor.chapter,
            "latency": latency.chapter,
        },
        "signal": {name: partial(measure, quick) for name, measure in SIGNAL.items()},
        "kiosk": {"paint": kiosk_paint.chapter, "pixel": kiosk_pixel.chapter, "sweep": kiosk_sweep.chapter},
        "video": {
            "clean": video_clean.chapter,
            "link": video_link.chapter,
            "memory": partial(video_memory.chapter, hour),
        },
        "instruments": {
            **{name: partial(measure, quick) for name, measure in INSTRUMENTS.items()},
            "codecs": partial(instruments_codecs.chapter, quick, count),
            "fuzz": partial(instruments_fuzz.chapter, quick, count),
        },
        "delivery": {
            "sealing": sealing.chapter,
            **{name: partial(measure, quick) for name, measure in DELIVERY.items()},
        },
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the cabin on this machine.")
    parser.add_argument("--group", choices=TITLES, default="cabin", help="what to measure and to write")
    parser.add_argument("--hour", action="store_true", help="a long call of an hour (group video)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a short look, and nothing is written (groups signal, instruments, delivery)",
    )
    parser.add_argument(
        "--bytes", type=int, metavar="N", help="through each decoder, instead of 10 million (codecs, fuzz)"
    )
    parser.add_argument("chapters", nargs="*", metavar="NAME", help="only these, and nothing is written")
    given = parser.parse_args(argv)
    known = groups(given.hour, given.quick, given.bytes)
    every = {name: measure for group in known.values() for name, measure in group.items()}
    if unknown := [name for name in given.chapters if name not in every]:
        parser.error(f"there is no chapter {', '.join(unknown)}; there are: {', '.join(every)}")
    wanted = {name: every[name] for name in given.chapters} or known[given.group]
    load_before = load()
    try:
        chapters = asyncio.run(_measured(wanted))
    except (BenchError, CoreError, DemoError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    if not (given.chapters or given.quick):
        _write(given.group, part(TITLES[given.group], chapters, load_before))
    return 1 if any(figure.met is False for chapter in chapters for figure in chapter.figures) else 0


def _write(group: str, text: str) -> None:
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.write_text(with_part(page, group, text, list(TITLES)), encoding="utf-8")


async def _measured(wanted: Mapping[str, Measuring]) -> list[Chapter]:
    """The chapters, each printed as soon as it is there."""
    chapters = []
    for name, measure in wanted.items():
        print(f"measuring: {name} ...", file=sys.stderr, flush=True)
        chapters.append(await measure())
        print(chapter_text(chapters[-1]), flush=True)
    return chapters


if __name__ == "__main__":
    sys.exit(main())
