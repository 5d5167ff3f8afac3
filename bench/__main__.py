"""`python -m bench`: measure every figure, print the tables, write them to `docs/benchmarks.md`.

`python -m bench NAME...` measures only what is named and writes nothing. Exit codes: 0 every limit is kept, 1 one is
not, 3 a figure could not be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from bench import checkup, latency, processor, sealing, start
from bench.cabin import BenchError
from bench.figures import Chapter
from bench.machine import load
from bench.page import chapter_text, page
from cabin_agent.client import CoreError
from cabin_agent.demo.processes import DemoError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
CHAPTERS: Mapping[str, Callable[[], Awaitable[Chapter]]] = {
    "start": start.chapter,
    "checkup": checkup.chapter,
    "processor": processor.chapter,
    "latency": latency.chapter,
    "sealing": sealing.chapter,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the cabin on this machine.")
    parser.add_argument("chapters", nargs="*", metavar="NAME", help=f"only these: {', '.join(CHAPTERS)}")
    names = parser.parse_args(argv).chapters
    if unknown := [name for name in names if name not in CHAPTERS]:
        parser.error(f"there is no chapter {', '.join(unknown)}; there are: {', '.join(CHAPTERS)}")
    load_before = load()
    try:
        chapters = asyncio.run(_measured(names or list(CHAPTERS)))
    except (BenchError, CoreError, DemoError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    if not names:
        PAGE.write_text(page(chapters, load_before), encoding="utf-8")
    return 1 if any(figure.met is False for chapter in chapters for figure in chapter.figures) else 0


async def _measured(names: Sequence[str]) -> list[Chapter]:
    """The chapters, each printed as soon as it is there."""
    chapters = []
    for name in names:
        print(f"measuring: {name} ...", file=sys.stderr, flush=True)
        chapters.append(await CHAPTERS[name]())
        print(chapter_text(chapters[-1]), flush=True)
    return chapters


if __name__ == "__main__":
    sys.exit(main())
