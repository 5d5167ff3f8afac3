"""`cabin checkup`: one check-up on the running cabin, from this terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from cabin_agent.checkup import Checkup, go_through, receipt_of
from cabin_agent.client import CoreClient, CoreError
from cabin_agent.commands.running import add_runtime, running_core, told
from cabin_agent.demo.site import CODE
from cabin_agent.face import Json
from cabin_agent.person import Person, SimulatedPerson, TerminalPerson
from cabin_agent.progress import Progress

RECEIPT_S = 30.0
SIMULATED = "SIMULATED instruments: these are not measures of a person."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument(
        "--auto", action="store_true", help="answered by itself, with the demonstration's appointment"
    )
    parser.add_argument("--json", action="store_true", help="results and receipt as one JSON object")
    add_runtime(parser)


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if not args.auto and not sys.stdin.isatty():
        print("cabin checkup: there is nobody to answer; use --auto, or a terminal.", file=sys.stderr)
        return 2
    return told("checkup", lambda: asyncio.run(_lead(args)))


async def _lead(args: argparse.Namespace) -> int:
    person: Person = SimulatedPerson(CODE) if args.auto else TerminalPerson(_ask)
    async with running_core(args) as core:
        simulated = (await core.status())["simulated"]
        if simulated:
            print(SIMULATED, file=sys.stderr)
        checkup = await go_through(core, person, Progress(sys.stderr).show, _tell if not args.json else _keep)
        receipt = await _receipt(core, checkup)
    if args.json:
        said = {"schema": "cabin.checkup/1", "simulated": simulated, "outcomes": checkup.outcomes}
        print(json.dumps({**said, "mid": checkup.mid, "receipt": receipt}, ensure_ascii=False))
    else:
        print(f"record: {_word(checkup, receipt)}")
    return 0 if receipt or checkup.mid is None else 1


def _tell(outcomes: list[Json]) -> None:
    print("\n".join(outcome["text"] for outcome in outcomes), flush=True)


def _keep(_: list[Json]) -> None:
    """With --json the results are printed at the end."""


def _word(checkup: Checkup, receipt: Json | None) -> str:
    if checkup.mid is None:
        return "nobody was named, so nothing was to be delivered"
    return str(receipt["status"]) if receipt else "no receipt yet; the results wait in the outbox"


async def _receipt(core: CoreClient, checkup: Checkup) -> Json | None:
    if checkup.mid is None:
        return None
    try:
        async with asyncio.timeout(RECEIPT_S):
            delivery = await receipt_of(core, checkup.mid)
    except TimeoutError:
        return None
    return delivery["receipt"] if delivery else None


def _ask(question: str) -> str:
    """Ask at the terminal; raises `CoreError` at the end of the input."""
    try:
        return input(question)
    except EOFError:
        raise CoreError("The input ended before the check-up did; the cabin closes the visit by itself.") from None
