"""`cabin audit`: the cabin's audit log, checked or shown; beside a running cabin too, or a copy of it anywhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cabin_agent.audit_notes import FOLDER
from cabin_agent.commands.output import COULD_NOT_RUN, DONE, FOUND_WRONG, complain, print_json, print_lines
from cabin_agent.commands.running import state_folder, told
from cabin_agent.tables import table
from sync.audit import Head
from sync.audit_reading import Entry, Verdict, known_signers, read_log, segments, verify
from sync.errors import SyncError
from sync.keyfile import load_signers

WHY = {
    "torn": "ends in the middle",
    "frame": "cannot be read",
    "order": "is missing, or another one stands in its place",
    "hash": "was altered",
    "signature": "has a signature under it that is not this cabin's",
    "unsigned": "lacks the signature that belongs under it",
    "join": "does not continue the file before",
}
"""What is wrong with an entry."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("action", choices=("verify", "show"), help="check the whole chain, or print its entries")
    parser.add_argument("--json", action="store_true", help="one JSON object; with show, one JSON entry a line")
    parser.add_argument(
        "--since", type=_moment, metavar="WHEN", help="show: from this day or moment on, UTC, ISO 8601"
    )
    parser.add_argument(
        "--head", type=_head, metavar="COUNT:HASH", help="verify: the head that the record kept of this cabin"
    )
    parser.add_argument(
        "--key", type=Path, action="append", metavar="FILE", help="verify: a public key to believe, and no others"
    )
    parser.add_argument("--folder", type=Path, help="of an audit log, or of a copy (default: this cabin's)")
    parser.add_argument("--config", type=Path, help="settings of the cabin (default: of the running one)")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    return told("audit", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    folder = args.folder or state_folder(args.config) / FOLDER
    try:
        if not segments(folder):
            complain("audit", f"There is no audit log in {folder}: start the cabin, or name another with --folder.")
            return COULD_NOT_RUN
        return _verify(folder, args) if args.action == "verify" else _show(read_log(folder), args)
    except SyncError as error:
        complain("audit", error)
        return COULD_NOT_RUN


def _verify(folder: Path, args: argparse.Namespace) -> int:
    signers = load_signers(args.key, demo=True) if args.key else known_signers(folder)
    verdict = verify(folder, signers, args.head)
    aside = sorted(path.name for path in folder.parent.glob(f"{folder.name}.damaged-*"))
    if args.json:
        print_json(_told(verdict, aside))
    else:
        print_lines(_lines(verdict, folder, aside))
    return DONE if verdict.whole else FOUND_WRONG


def _told(verdict: Verdict, aside: list[str]) -> dict[str, object]:
    fault = verdict.fault
    return {
        "schema": "cabin.audit.verify/1",
        "whole": verdict.whole,
        "entries": verdict.head.count,
        "head": f"{verdict.head.count}:{verdict.head.hash.hex()}",
        "signed": verdict.signed,
        "torn_bytes": verdict.torn,
        "fault": None if fault is None else {"entry": fault.entry, "why": fault.why, "file": verdict.file},
        "unknown_keys": sorted(kid.hex() for kid in verdict.strangers),
        "has_head": verdict.pinned,
        "moved_aside": aside,
    }


def _lines(verdict: Verdict, folder: Path, aside: list[str]) -> list[tuple[str, str]]:
    lines = [
        ("entries", f"{verdict.head.count}, signed up to {verdict.signed}"),
        ("head", f"{verdict.head.count}:{verdict.head.hash.hex()}"),
    ]
    if verdict.torn:
        lines += [("torn", f"{verdict.torn} bytes of an unfinished entry; the next start cuts them off and says so")]
    if aside:
        lines += [("aside", f"{', '.join(aside)}: broken logs of earlier; look at them with --folder")]
    return [*lines, ("verdict", _verdict(verdict, folder))]


def _verdict(verdict: Verdict, folder: Path) -> str:
    if verdict.fault is not None:
        return (
            f"BROKEN: entry {verdict.fault.entry} in {verdict.file} {WHY[verdict.fault.why]}. "
            f"Keep a copy of {folder} and call whoever is responsible for this cabin's security."
        )
    if verdict.strangers:
        kids = ", ".join(sorted(kid.hex() for kid in verdict.strangers))
        return f"NOT PROVEN: signed by {kids}, which nobody vouches for here: name the public key with --key."
    if verdict.pinned is False:
        return "CUT OFF OR REPLACED: the chain has not the head that the record kept. Keep a copy and call security."
    return "whole" if verdict.pinned is None else "whole, and it has the head that was asked for"


def _show(entries: Iterable[Entry], args: argparse.Namespace) -> int:
    since = args.since or 0
    chosen = (entry for entry in entries if _at(entry) >= since)
    if args.json:
        for entry in chosen:
            print_json({"entry": entry.head.count, **_facts(entry)})
    else:
        print(table(("entry", "when (UTC)", "what", ""), (_row(entry) for entry in chosen)))
    return DONE


def _row(entry: Entry) -> tuple[str, ...]:
    facts = " ".join(f"{name}={value}" for name, value in _facts(entry).items() if name not in ("at", "what"))
    return str(entry.head.count), _day(_at(entry)), str(entry.event.get("what", "?")), facts


def _facts(entry: Entry) -> dict[str, int | str]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in entry.event.items()}


def _at(entry: Entry) -> int:
    at = entry.event.get("at", 0)
    return at if isinstance(at, int) else 0


def _day(ms: int) -> str:
    try:
        return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"


def _moment(text: str) -> int:
    """UTC milliseconds of a day or a moment; `ValueError` is argparse's to tell."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _head(text: str) -> Head:
    count, _, digest = text.partition(":")
    head = Head(int(count), bytes.fromhex(digest))
    if head.count < 0 or len(head.hash) != 32:
        raise ValueError("a head is a count, a colon and 64 hexadecimal digits")
    return head
