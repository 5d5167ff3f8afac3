"""`cabin outbox`: what waits for the record or was refused by it; `requeue MID` sends a refused one again."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from cabin_agent.client import CoreClient
from cabin_agent.commands.output import COULD_NOT_RUN, DONE, FOUND_WRONG, USED_WRONGLY, complain, print_json
from cabin_agent.commands.running import core_here, state_folder, told
from cabin_agent.face import Json
from cabin_agent.runtime import Found
from cabin_agent.tables import table
from sync.durable import asides
from sync.errors import SyncError
from sync.outbox import Outbox
from sync.rows import Entry, read_outbox

FILE = "outbox.db"
MOST = 500
"""Letters of which a running core is asked how often it sent them: what one answer holds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("action", nargs="?", choices=("requeue",), help="send a result again that the record refused")
    parser.add_argument("mid", nargs="?", help="message id of that result, as the list has it")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--config", type=Path, help="settings of the cabin (default: of the running one)")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if args.action is not None and args.mid is None:
        complain("outbox", "Say which one: 'cabin outbox requeue MID'; 'cabin outbox' lists them.")
        return USED_WRONGLY
    return told("outbox", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    path, found = state_folder(args.config) / FILE, core_here(args.config)
    try:
        return _list(path, found, as_json=args.json) if args.action is None else _requeue(path, found, args.mid)
    except SyncError as error:
        complain("outbox", error)
        return COULD_NOT_RUN


def _list(path: Path, found: Found | None, *, as_json: bool) -> int:
    """Raises `OutboxFailed`."""
    entries = read_outbox(path) if path.exists() else []
    flying = {} if found is None else asyncio.run(_flying(found))
    rows = [_row(entry, flying.get(entry.mid.hex())) for entry in entries]
    damaged = [each.name for each in asides(path)]
    if as_json:
        print_json({"schema": "cabin.outbox/1", "letters": rows, "damaged": damaged})
    else:
        _print(rows, damaged)
    return FOUND_WRONG if damaged or any(row["state"] == "quarantined" for row in rows) else DONE


async def _flying(found: Found) -> dict[str, Json]:
    """What the running core knows of its newest letters: whether each is under way, and how often it was sent."""
    async with CoreClient(found.url, found.token) as core:
        return {each["mid"]: each for each in await core.deliveries(MOST)}


def _row(entry: Entry, told: Json | None) -> Json:
    age_s = max(0.0, time.time() - entry.stored_ms / 1000)
    known = {} if told is None else {"state": told["state"], "attempts": told["attempts"]}
    return {
        "mid": entry.mid.hex(),
        "seq": entry.seq,
        "state": entry.state,
        "size": entry.size,
        "stored_ms": entry.stored_ms,
        "age_s": round(age_s, 1),
        "attempts": None,
        "reason": entry.reason,
        **known,
    }


def _print(rows: list[Json], damaged: list[str]) -> None:
    header = ("message id", "seq", "state", "bytes", "age", "sent", "reason")
    if rows:
        print(table(header, [_cells(row) for row in rows]))
    else:
        print("Nothing waits for the record, and it refused nothing.")
    if damaged:
        print(f"Damaged outboxes that were moved aside: {', '.join(damaged)}. Keep them, and call support.")


def _cells(row: Json) -> tuple[str, ...]:
    sent = "-" if row["attempts"] is None else str(row["attempts"])
    return row["mid"], str(row["seq"]), row["state"], str(row["size"]), _age(row["age_s"]), sent, row["reason"]


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _requeue(path: Path, found: Found | None, mid: str) -> int:
    """Through the running core, or in its place. Raises `CoreError` or `SyncError`."""
    if found is not None:
        asyncio.run(_ask(found, mid))
    elif not _requeued_here(path, mid):
        complain("outbox", "No result in quarantine has this message id: 'cabin outbox' lists them.")
        return COULD_NOT_RUN
    print(f"{mid} is sent again.")
    return DONE


async def _ask(found: Found, mid: str) -> None:
    async with CoreClient(found.url, found.token) as core:
        await core.requeue(mid)


def _requeued_here(path: Path, mid: str) -> bool:
    try:
        wanted = bytes.fromhex(mid)
    except ValueError:
        return False
    if not path.exists():
        return False
    outbox = Outbox(path)
    try:
        return outbox.requeue(wanted)
    finally:
        outbox.close()
