"""The seeds of `make soak-delivery`, some beside each other, each a process tree of its own and a line in the log."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests import soak_report
from tests.postgres import Postgres
from tests.soak_chaos import Chaos, place_of
from tests.soak_verdict import judge


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `make soak-delivery ARGS=...` takes."""
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10_000, help="SIGKILLs over all seeds")
    parser.add_argument("--minutes", type=float, default=600.0, help="for each seed at most")
    parser.add_argument("--jobs", type=int, default=3, help="seeds beside each other")
    parser.add_argument("--pace", type=float, default=0.01, help="mean seconds between two documents")
    parser.add_argument("--gateways", type=int, help="else one or two, by the seed")
    parser.add_argument("--record", choices=("sqlite", "postgres"), help="else PostgreSQL in every fourth seed")
    parser.add_argument("--folder", type=Path, help="for the files of a seed")
    parser.add_argument("--log", type=Path, help="a line for each seed goes here too")
    parser.add_argument("--report", type=Path, help="write the page")


def run(options: argparse.Namespace) -> int:
    """All seeds; 1 where any of them has lost, doubled or shown something."""
    lines = []
    for line in _lines(options):
        lines.append(line)
        text = json.dumps(line)
        print(text, flush=True)
        if options.log:
            with options.log.open("a") as log:
                log.write(text + "\n")
    if options.report:
        options.report.write_text(soak_report.delivery(lines, "make soak-delivery"))
    bad = [line["seed"] for line in lines if line["problems"]]
    if bad:
        print(f"Broken promises: run again with --seed and one of {bad}.", file=sys.stderr)
    return 1 if bad else 0


def _lines(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    kills, seeds = -(-options.kills // options.seeds), range(options.seed, options.seed + options.seeds)
    if len(seeds) == 1:
        yield one_seed(options.seed, kills, options)
        return
    with ThreadPoolExecutor(options.jobs) as pool:
        # Each line as soon as its seed ends: what happens to another seed takes no verdict away.
        for done in as_completed(pool.submit(_beside, seed, kills, options) for seed in seeds):
            yield done.result()


def _beside(seed: int, kills: int, options: argparse.Namespace) -> dict[str, Any]:
    """One seed in a process tree of its own."""
    words: dict[str, Any] = {
        "seed": seed,
        "seeds": 1,
        "kills": kills,
        "minutes": options.minutes,
        "pace": options.pace,
    }
    words |= {
        name: value for name in ("gateways", "folder", "record") if (value := getattr(options, name)) is not None
    }
    arguments = [text for name, value in words.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "delivery", *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    line: dict[str, Any] = json.loads(done.stdout or _without_verdict(seed))
    return line


def _without_verdict(seed: int) -> str:
    """The line of a seed whose driver ended too early: a problem like any other, told with the others at the end."""
    none = dict.fromkeys((*soak_report.COLUMNS, *soak_report.SUMS), 0)
    return json.dumps({**none, "seed": seed, "kills": {}, "lies": {}, "problems": ["it ended without a verdict"]})


def one_seed(seed: int, kills: int, options: argparse.Namespace) -> dict[str, Any]:
    """Chaos, drain and verdict of one seed; its folder is kept where something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix=f"soak-{seed}-", dir=options.folder))
    gateways = 1 + seed % 2 if options.gateways is None else options.gateways
    record = options.record or ("postgres" if seed % 4 == 0 and postgres_is_here() else "sqlite")
    with ExitStack() as stack:
        database = stack.enter_context(_postgres()) if record == "postgres" else None
        place = place_of(seed, folder, options.pace, database.new_schema() if database else "")
        course = Chaos(place, gateways, database).run(kills, time.monotonic() + 60 * options.minutes)
        verdict = judge(place)
    problems = course.problems + verdict.problems
    told = place.lies.read_text().splitlines() if place.lies.exists() else []
    said = {kind: int(number) for number, kind in (line.split(" ", 1) for line in told)}
    if problems:
        print(f"seed {seed}: {problems}; its files are in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    figures = {"seed": seed, "record": record, "gateways": gateways, "total": course.total}
    return {**figures, **asdict(course), **asdict(verdict), "problems": problems, "lies": said}


def postgres_is_here() -> bool:
    """Whether Debian's PostgreSQL is installed."""
    return any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


@contextmanager
def _postgres() -> Iterator[Postgres]:
    """A server of this seed's own; whoever runs beside it has another."""
    with tempfile.TemporaryDirectory(prefix="soak-cluster-") as folder:
        server = Postgres(Path(folder) / "cluster")
        try:
            server.start()
            yield server
        finally:
            server.close()
