"""Every decoder under a coverage-guided fuzzer, one after the other, each in a process of the peers' environment."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cabin import BenchError
from bench.figures import Chapter, Figure, markdown, number
from bench.instruments_codecs import SECONDS, STATE_LIMIT_KB, families
from bench.instruments_talk import talk
from bench.signal_cases import ROOT
from bench.signal_run import PYTHON

BYTES, FEW = 10_000_000, 100_000
SEEDS, SEED_BYTES = 40, 600
"""Pieces of what the instruments say, to begin with, and how long they are at most."""


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """One decoder; `broke` is the fuzzer's report where a rule was broken."""

    names: tuple[str, ...]
    count: int = 0
    inputs: int = 0
    largest: int = 0
    seconds: float = 0.0
    broke: str = ""


async def chapter(quick: bool, count: int | None = None) -> Chapter:
    """All of them; needs what `make fuzz` installs."""
    if not PYTHON.exists():
        raise BenchError("The fuzzer is not installed: run `make fuzz`, which installs it by itself.")
    return await asyncio.to_thread(_measured, count or (FEW if quick else BYTES))


def _measured(count: int) -> Chapter:
    found = []
    for names in families():
        found.append(fuzzed(names, count))
        last = found[-1]
        print(f"  {', '.join(names)}: {last.seconds:.0f} s {last.broke}", file=sys.stderr, flush=True)
    return Chapter("Fuzzer", _HOW.format(count=count), figures(found), table(found))


def fuzzed(names: Sequence[str], count: int) -> Fuzzed:
    """One decoder, from what its instruments say."""
    with tempfile.TemporaryDirectory(prefix="cabin-fuzz-") as folder:
        seeds, result = Path(folder) / "seeds", Path(folder) / "result.json"
        seeds.mkdir()
        for place, piece in enumerate(_pieces(names)):
            (seeds / str(place)).write_bytes(piece)
        arguments = [names[0], str(count), str(seeds), str(result)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [str(PYTHON), "-m", "bench.fuzz_codecs", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, errors="replace")
        if not result.exists():
            return Fuzzed(tuple(names), broke=_kept(folder, names[0]) + done.stderr[-1500:])
        told = json.loads(result.read_text())
        return Fuzzed(tuple(names), told["bytes"], told["inputs"], told["largest"], told["seconds"])


def _kept(folder: str, name: str) -> str:
    """The input that broke a rule, in hex, for the test that it will be."""
    crashes = [path.read_bytes() for path in Path(folder).glob("crash-*")]
    return "".join(f"{name}: {crash.hex()}\n" for crash in crashes)


def _pieces(names: Sequence[str]) -> list[bytes]:
    chance = random.Random(1)
    talks = [b"".join(talk(name, min(20.0, SECONDS.get(name, 20.0)), faults=True)) for name in names]
    pieces = []
    for _ in range(SEEDS):
        said = chance.choice(talks)
        at = chance.randrange(max(1, len(said) - SEED_BYTES))
        pieces.append(said[at : at + chance.randint(20, SEED_BYTES)])
    return [*pieces, *(said[:SEED_BYTES] for said in talks)]


def figures(found: Sequence[Fuzzed]) -> tuple[Figure, ...]:
    """The limits over all decoders."""
    broken = [each.names[0] for each in found if each.broke]
    largest = max(found, key=lambda each: each.largest)
    least = min(found, key=lambda each: each.count)
    return (
        Figure("decoders that broke a rule", len(broken), "", 0, remark=", ".join(broken) or f"of {len(found)}"),
        Figure("largest decoder, pickled", largest.largest / 1000, "kB", STATE_LIMIT_KB, remark=largest.names[0]),
        Figure("bytes through each decoder, at least", least.count / 1e6, "MB", remark=least.names[0]),
    )


def table(found: Sequence[Fuzzed]) -> str:
    """One line a decoder."""
    head = ("protocol", "inputs", "bytes", "kB", "s")
    return markdown(head, [_row(each) for each in found])


def _row(each: Fuzzed) -> tuple[str, ...]:
    size = number(each.largest / 1000)
    return (", ".join(each.names), f"{each.inputs:,}", f"{each.count:,}", size, f"{each.seconds:.0f}")


_HOW = (
    "atheris (libFuzzer with the coverage of Python) on each decoder, seeded with pieces of what its simulated "
    "instruments say, faults included, until {count:,} bytes were given to it. Rules: no exception; the same events "
    "for the whole input and for the input cut by its own bytes; a pickled decoder of at most 256 kB, both a new one "
    "and one that has lived through all inputs. Each input counts three times: whole, cut, and to the old one."
)
