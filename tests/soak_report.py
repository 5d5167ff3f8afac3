"""The pages of docs/soak, written by the runs that they tell of."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.machine import description
from tests.soak_fuzz import accepted
from tests.soak_power import Outcome

ROOT = Path(__file__).resolve().parent.parent
Line = dict[str, Any]
"""What one seed of the delivery has written into the log."""


def origin(command: str) -> str:
    """When, on what, and of which state of the tree."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    today = datetime.now(UTC)
    return (
        f"Written by `{command}` on {today.day} {today:%B %Y}, commit {commit or 'unknown'}, on {description()}, "
        "beside other work; do not edit."
    )


def table(head: Collection[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; every column but the first is of numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(_cell(each) for each in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


_DELIVERY = """\
After every seed the outbox was empty, each database sound, each sequence whole and each chain unbroken.

A kill counts only where the victim lived and had done a step since its start. “Readable” is a search for a string
that every document holds, in the outbox's files, the broker's store and everything that an eavesdropper on all topics
has recorded. At a kill point a process ends itself by SIGKILL, between two steps; the points are found by watching
it."""
_ADVERSARY = "It hears and publishes on all topics, repeats, delays and reorders, and has keys of its own."
_POWER = """\
Each program runs under strace; its writes are replayed onto a model of a disk that keeps only what was synced, and
of the rest any sectors, in any order and torn, any size of the file and any state of its name. What that leaves is
opened by the product and compared with what it had promised before the cut. The lines with `synchronous` other than
FULL are the control: there the same search must find losses."""


def delivery(lines: list[Line], command: str) -> str:
    """The page of `make soak-delivery`."""
    lines = sorted(lines, key=lambda line: line["seed"])
    sums: Counter[str] = Counter()
    kills, lies = Counter[tuple[str, str]](), Counter[str]()
    for line in lines:
        sums.update({name: line[name] for name in SUMS})
        lies.update(line["lies"])
        kills.update({(kind, at): count for kind, points in line["kills"].items() for at, count in points.items()})
    victims = Counter[str]()
    for (kind, _), count in kills.items():
        victims[kind] += count
    bad = sum(bool(line["problems"]) for line in lines)
    drains = sorted(line["drain_s"] for line in lines)
    return _page(
        "# Nothing lost, nothing readable, nothing twice",
        origin(command),
        f"{f'{bad} seeds broke a promise' if bad else 'Every seed kept its promises'}: "
        f"{sums['total']:,} SIGKILLs in {len(lines)} seeds "
        f"({', '.join(f'{kind} {count:,}' for kind, count in victims.most_common())}; {sums['idle_kills']:,} more "
        "hit a process before its first step, and do not count); "
        f"{sums['documents']:,} documents that the producer was told are safe; **missing {sums['missing']:,}, "
        f"twice {sums['twice']:,}, readable by others {sums['readable']:,}**. "
        f"PostgreSQL, where it was the record, was ended without a word {sums['recoveries']:,} times. "
        f"Drained in {drains[len(drains) // 2]:.1f} s (median), {drains[-1]:.1f} s at most.",
        _DELIVERY,
        "## Seeds",
        table(COLUMNS.values(), ([str(line["seed"]), *(line[name] for name in list(COLUMNS)[1:])] for line in lines)),
        "## Where they were killed",
        table(
            ("victim and place", "kills"), ((f"{kind}: {at}", count) for (kind, at), count in sorted(kills.items()))
        ),
        "## What the adversary did",
        _ADVERSARY,
        table(("what", "times"), sorted(lies.items())),
    )


SUMS = ("total", "idle_kills", "recoveries", "documents", "missing", "twice", "readable")
COLUMNS = {
    "seed": "seed", "record": "record", "gateways": "gateways", "total": "kills", "documents": "documents",
    "sent": "envelopes on the wire", "rejected": "rejected", "missing": "missing", "twice": "twice",
    "readable": "readable", "drain_s": "drain, s",
}  # fmt: skip
"""Columns of the seeds: field of the line, and its head."""


def fuzz(tallies: dict[str, Counter[tuple[str, str]]], command: str) -> str:
    """The page of `make soak-envelopes`."""
    parts = []
    for kind, tally in tallies.items():
        codes = Counter[str]()
        for (_, answer), count in tally.items():
            codes[answer] += count
        said = ", ".join(f"`{code}` {count:,}" for code, count in codes.most_common())
        names = sorted({name for name, _ in tally})
        parts += [
            f"## {kind.capitalize()}s",
            f"{tally.total():,} mutations, **{accepted(tally):,} accepted**; answered with {said}.",
            table(("what was done", *codes), ((name, *(tally[name, code] for code in codes)) for name in names)),
        ]
    return _page("# Altered envelopes, receipts and key statements", origin(command), *parts)


def power(outcomes: Iterable[Outcome], command: str) -> str:
    """The page of `make soak-power`."""
    rows = [
        (f"{each.kind}, {each.synchronous}", each.runs, each.calls, each.promises, each.cuts, each.bad)
        for each in outcomes
    ]
    head = ("program, synchronous", "runs", "calls", "promises", "cuts", "cuts with a loss")
    return _page("# Power cuts", origin(command), _POWER, table(head, rows))


def _page(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"
