"""`cabin demo`: a whole cabin on this machine, or one check-up by itself with `--once`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from cabin_agent.client import CoreError
from cabin_agent.demo.cabin import DemoCabin, Replays
from cabin_agent.demo.once import once
from cabin_agent.demo.processes import DemoError, mosquitto
from cabin_agent.demo.report import as_json, as_table
from cabin_agent.demo.site import CAMERAS, CODE, CONSULTATION, Site, new_folder, sweep
from cabin_agent.runtime import kiosk_address, runtime_folders

DONE, INTERRUPTED = 0, 3
STAFF = ("nurse", "technician")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("--once", action="store_true", help="run one check-up by itself and wait for its receipt")
    parser.add_argument(
        "--speed", type=float, default=None, metavar="N", help="so many times faster than life (1..60)"
    )
    parser.add_argument("--json", action="store_true", help="with --once: results, evidence and receipt as JSON")
    parser.add_argument("--ecg", type=Path, metavar="RECORD", help="replay a WFDB record through the ECG amplifier")
    parser.add_argument("--ppg", type=Path, metavar="RECORD", help="replay a WFDB record through the oximeter")
    parser.add_argument("--port", type=int, default=8470, metavar="N", help="of the local API (default 8470; 0: any)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the record's database and the logs there")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    speed = args.speed if args.speed is not None else 1.0
    if not 1 <= speed <= 60:
        print("cabin demo: --speed is a number from 1 to 60.", file=sys.stderr)
        return 2
    if args.json and not args.once:
        print("cabin demo: --json goes with --once.", file=sys.stderr)
        return 2
    if not 0 <= args.port <= 65535:
        print("cabin demo: --port is a number from 0 to 65535.", file=sys.stderr)
        return 2
    sweep(Path(tempfile.gettempdir()))
    folder = new_folder()
    # A check-up by itself may run beside another cabin of the same user: it is found by nobody else.
    runtime = folder / "run" if args.once else runtime_folders(os.environ)[0]
    try:
        port = 0 if args.once else args.port
        replays = Replays(args.ecg, args.ppg)
        cabin = DemoCabin(Site(folder, runtime), speed, replays, port, with_media=not args.once)
        code = asyncio.run(_until_interrupted(_once(cabin, args) if args.once else _stay(cabin)))
        # Ctrl-C is how a demonstration ends; a check-up by itself that it cuts short has no result.
        return DONE if code == INTERRUPTED and not args.once else code
    except (DemoError, CoreError) as error:
        print(f"cabin demo: {error}", file=sys.stderr)
        return 3
    finally:
        try:
            if args.keep:
                _keep(folder, args.keep)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                runtime.rmdir()  # only if nothing of another cabin is in it


def _keep(folder: Path, target: Path) -> None:
    try:
        shutil.copytree(folder, target, dirs_exist_ok=True, ignore=_private)
    except (OSError, shutil.Error):
        print(f"cabin demo: nothing could be kept in {target}; name a folder that you may write.", file=sys.stderr)


def _private(_: str, names: list[str]) -> set[str]:
    """What is never kept: keys, the open visit, links and sockets."""
    return {name for name in names if name in ("keys", "state", "instruments", "run", "appointments.toml")}


async def _until_interrupted(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        return await task
    return INTERRUPTED


async def _once(cabin: DemoCabin, args: argparse.Namespace) -> int:
    async with cabin:
        result = await once(cabin, progress=sys.stderr)
    print(json.dumps(as_json(result), ensure_ascii=False, indent=1) if args.json else as_table(result))
    return DONE if result.receipt_status in ("stored", "duplicate") else 1


async def _stay(cabin: DemoCabin) -> int:
    print("Starting the cabin …", flush=True)
    async with cabin:
        print(_welcome(cabin), flush=True)
        dead = await cabin.processes.first_death(partial(print, file=sys.stderr, flush=True))
        raise DemoError(f"The {dead.name} ended unexpectedly: {cabin.last_words(dead)}")


def _welcome(cabin: DemoCabin) -> str:
    rows = "\n".join(f"  {child.name:<12} pid {child.pid:<8} {child.what}" for child in cabin.processes.children)
    stand_ins = "\n".join(f"  {line}" for line in _stand_ins(cabin))
    staff = "\n".join(f"  {cabin.url}/{name}/  sign in as {name}, code {cabin.codes[name]}" for name in STAFF)
    program = os.path.relpath(sys.argv[0])
    return f"""
A cabin runs on this machine, with SIMULATED instruments.

{rows}

What stands in for what this machine does not have:
{stand_ins}

Open in a browser on this machine:
  the agent's screen  {kiosk_address((cabin.site.runtime,))}
                      appointment code {CODE} for a check-up, {CONSULTATION} for a consultation
  the doctor's page   {cabin.url}/doctor/
                      sign in as doctor, code {cabin.codes["doctor"]}
The agent's address opens once; '{program} access kiosk' prints another one. For the staff:
{staff}

Or, in another terminal:
  {program} checkup            a check-up from that terminal
  {program} checkup --auto     the same, answered by itself, up to the record's receipt
  {program} devices            the instruments, live
  {program} check              the cabin's self-test, each failing line with its cure
  {program} simulate --body --attach {cabin.site.instruments}
                               the simulated person and what goes wrong, changed by typing
The local API is at {cabin.url}/api/v1 (docs/api.yaml says how).

Ctrl-C ends everything; no process, pseudo-terminal or visit is left behind."""


def _stand_ins(cabin: DemoCabin) -> list[str]:
    lines = [f"{kind:<12} {cabin.site.instruments / kind} (simulated, on a pseudo-terminal)" for kind in cabin.kinds]
    lines.append(
        f"{'broker':<12} " + ("mosquitto, as installed" if mosquitto() else "embedded (mosquitto is not installed)")
    )
    lines.append(f"{'printer':<12} {cabin.site.ticket} (a file in place of the ticket printer)")
    lines.append(f"{'record':<12} SQLite in place of the health-data centre's PostgreSQL")
    lines.append(f"{'cameras':<12} drawn ({', '.join(CAMERAS)}); sound through this machine's cards, else silence")
    return lines
