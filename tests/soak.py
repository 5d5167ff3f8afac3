"""`python -m tests.soak delivery | power | envelopes`: the long searches for a lost, doubled or readable document.

Exit code 0: nothing found; 1: something was, and the seed says how to see it again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests import soak_delivery, soak_report
from tests.soak_fuzz import Tally, accepted, fuzz
from tests.soak_power import PROGRAMS, Outcome, cut, merged
from tests.soak_strace import allowed


def envelopes(options: argparse.Namespace) -> int:
    """Mutated envelopes, and a tenth as many receipts and key statements."""
    tallies: dict[str, Tally] = {}
    for kind, count in (
        ("envelope", options.count),
        ("receipt", options.count // 10),
        ("key statement", options.count // 10),
    ):
        tallies[kind] = fuzz(kind, options.seed, count, options.jobs)
        print(f"{tallies[kind].total():,} mutated {kind}s: {accepted(tallies[kind]):,} accepted", flush=True)
    if options.report:
        options.report.write_text(soak_report.fuzz(tallies, "make soak-envelopes"))
    return 1 if any(map(accepted, tallies.values())) else 0


def power(options: argparse.Namespace) -> int:
    """Power cuts of every program, and the controls that must lose."""
    if not allowed():
        print("strace is missing, or may not look at processes here: the power cannot be cut.", file=sys.stderr)
        return 3
    outcomes: list[Outcome] = []
    for kind, synchronous in PROGRAMS:
        # One short run shows that the control loses; what it leaves takes long to save.
        runs, cuts = (options.runs, options.cuts) if synchronous == "FULL" else (1, 40)
        found = merged(cut(kind, options.seed + run, cuts, synchronous) for run in range(runs))
        outcomes.append(found)
        print(f"{kind}, {synchronous}: {found.bad} of {found.cuts} cuts with a loss {found.problems.most_common(3)}")
    if options.report:
        options.report.write_text(soak_report.power(outcomes, "make soak-power"))
    return 1 if any(bool(each.bad) == (each.synchronous == "FULL") for each in outcomes) else 0


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    verbs = parser.add_subparsers(required=True)
    chaos = verbs.add_parser("delivery", help="real processes, killed; a verdict per seed")
    soak_delivery.add_arguments(chaos)
    chaos.set_defaults(work=soak_delivery.run)
    cuts = verbs.add_parser("power", help="power cuts, from a log of system calls")
    cuts.add_argument("--cuts", type=int, default=1_000, help="in each run of a program")
    cuts.add_argument("--runs", type=int, default=10, help="of each program")
    cuts.set_defaults(work=power)
    mutants = verbs.add_parser("envelopes", help="mutated envelopes, receipts and key statements")
    mutants.add_argument("--count", type=int, default=1_000_000, help="envelopes; a tenth of it of each other kind")
    mutants.add_argument("--jobs", type=int, default=2)
    mutants.set_defaults(work=envelopes)
    for each in (cuts, mutants):
        each.add_argument("--seed", type=int, default=1)
        each.add_argument("--report", type=Path, help="write the page")
    options = parser.parse_args(arguments)
    return int(options.work(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
