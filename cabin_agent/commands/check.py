"""`cabin check`: the self-test of this cabin, beside a running core or without one."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path

from cabin_agent.checks.line import Line
from cabin_agent.commands.output import COULD_NOT_RUN, DONE, FOUND_WRONG, complain
from cabin_agent.commands.running import told
from cabin_agent.config import DEFAULT_FILE, ConfigError, load_config
from cabin_agent.runtime import Found, NotRunning, find_core, runtime_folders
from cabin_agent.tables import table

MARK = {"ok": "ok", "wrong": "WRONG", "unknown": "-"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--config", type=Path, help=f"settings of the cabin (default: of the running one, else {DEFAULT_FILE})"
    )


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    return told("check", lambda: _check(args))


def _check(args: argparse.Namespace) -> int:
    """Raises `AccessError` or `CoreError`."""
    from cabin_agent.checks.cabin import look

    found = _core(args.config)
    file = args.config or (found.config if found else None) or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    if file is None and found is None:
        complain(
            "check", f"No cabin is running here and there is no {DEFAULT_FILE}: name the settings with --config."
        )
        return COULD_NOT_RUN
    lines = asyncio.run(look(file, found))
    _print(lines, as_json=args.json)
    return FOUND_WRONG if any(line.state == "wrong" for line in lines) else DONE


def _core(file: Path | None) -> Found | None:
    """The running core of this user, with these settings if any are named; raises `AccessError`."""
    named, file = file, file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    try:
        configured = load_config(file).cabin.runtime_dir if file else None
    except ConfigError:
        # The self-test says so in its first line.
        configured = None
    try:
        found = find_core(runtime_folders(os.environ, configured))
    except NotRunning:
        return None
    other = named is not None and found.config is not None and found.config != named.absolute()
    return None if other else found


def _print(lines: list[Line], *, as_json: bool) -> None:
    if as_json:
        wrong = sum(line.state == "wrong" for line in lines)
        said = {"schema": "cabin.check/1", "wrong": wrong, "lines": [asdict(line) for line in lines]}
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(table(("part", "", "how it is", "what to do"), [_row(line) for line in lines]))


def _row(line: Line) -> tuple[str, ...]:
    return line.part, MARK[line.state], line.says, line.cure
