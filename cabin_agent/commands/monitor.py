"""`cabin monitor INSTRUMENT`: what one instrument says, live: of the running cabin, or opened here by its address."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from cabin_agent.client import CoreClient
from cabin_agent.commands.output import COULD_NOT_RUN, DONE, FOUND_WRONG, USED_WRONGLY, complain
from cabin_agent.commands.running import add_runtime, running_core, told
from cabin_agent.face import Json
from cabin_agent.first_end import first_end
from cabin_agent.monitoring.alone import Alone
from cabin_agent.monitoring.beside import Beside, find, free
from cabin_agent.monitoring.capture_file import CaptureFile
from cabin_agent.monitoring.shown import Lines, Shown, Terminal
from drivers import DRIVERS
from drivers.errors import DriverError

QUESTION = "The cuff is going to inflate. Is an arm or a mandrel in it? [y/N] "


class WrongUse(Exception):
    """The arguments do not go together; the text is one sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument(
        "instrument", metavar="INSTRUMENT", help="name or kind of 'cabin devices'; or an address, with --protocol"
    )
    parser.add_argument("--protocol", metavar="NAME", help=f"open the address here: {', '.join(sorted(DRIVERS))}")
    parser.add_argument("--start", action="store_true", help="have it measure, and stop it at the end")
    parser.add_argument("--yes", action="store_true", help="with --start: an arm or a mandrel is in the cuff")
    parser.add_argument("--seconds", type=float, metavar="N", help="end by itself (default: Ctrl-C)")
    parser.add_argument("--channel", default="", metavar="NAMES", help="draw these channels, such as II,V1; or 'all'")
    parser.add_argument("--capture", type=Path, metavar="FILE", help="write its wire there, for 'cabin replay'")
    parser.add_argument("--json", action="store_true", help="one JSON event a line, as where nobody looks on")
    add_runtime(parser)


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    try:
        _check(args)
        return _alone(args) if args.protocol else told("monitor", lambda: _beside(args))
    except WrongUse as error:
        complain("monitor", error)
        return USED_WRONGLY
    except DriverError as error:
        complain("monitor", error)
        return COULD_NOT_RUN


def _check(args: argparse.Namespace) -> None:
    is_address = any(each in args.instrument for each in "/:")
    if is_address and args.protocol is None:
        raise WrongUse("Say with --protocol what the instrument at that address speaks.")
    if args.protocol is not None and not is_address:
        raise WrongUse("With --protocol the address of a port is needed: 'cabin devices --ports' lists them.")
    if args.protocol is not None and args.protocol not in DRIVERS:
        raise WrongUse(f"There is no protocol {args.protocol!r}; there are: {', '.join(sorted(DRIVERS))}.")
    if args.capture is not None and args.protocol is None:
        raise WrongUse("A running cabin keeps its wires to itself: --capture goes with an address and --protocol.")


def _alone(args: argparse.Namespace) -> int:
    _confirm(args, DRIVERS[args.protocol].kind)
    try:
        capture = None if args.capture is None else CaptureFile(args.capture, args.protocol)
    except FileExistsError:
        raise WrongUse(f"{args.capture} exists already: give the capture another name.") from None
    instrument = Alone(args.instrument, args.protocol, capture)
    try:
        asyncio.run(_watch(instrument, args))
    finally:
        if capture is not None:
            capture.close()
    if capture is not None and capture.failed is not None:
        complain("monitor", f"The capture is cut short: {capture.failed.strerror}.")
        return COULD_NOT_RUN
    return _ended(instrument)


def _beside(args: argparse.Namespace) -> int:
    row = asyncio.run(_found(args))
    _confirm(args, row["kind"])
    return _ended(asyncio.run(_look_on(args, row)))


async def _found(args: argparse.Namespace) -> Json:
    async with running_core(args) as core:
        await free(core)
        return find(await core.instruments(), args.instrument)


async def _look_on(args: argparse.Namespace, row: Json) -> Beside:
    core: CoreClient
    async with running_core(args) as core:
        instrument = Beside(core, row)
        await _watch(instrument, args)
    return instrument


def _confirm(args: argparse.Namespace, kind: str) -> None:
    """Ask before a cuff inflates; raises `WrongUse` where nobody said that something is in it."""
    if kind != "tensiometer" or not args.start or args.yes:
        return
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise WrongUse("A cuff inflates only around an arm or a mandrel: put one in, then say --yes.")
    if input(QUESTION).strip().lower() not in ("y", "yes"):
        raise WrongUse("The cuff was not inflated: put an arm or a mandrel in it first.")


async def _watch(instrument: Alone | Beside, args: argparse.Namespace) -> None:
    """Until the time is over, somebody ends it, or it cannot go on; the instrument is left safe."""
    shown = _shown(args)
    jobs: list[Coroutine[Any, Any, None]] = [instrument.run(shown, args.start), shown.run(), _told_to_end()]
    if args.seconds is not None:
        jobs.append(asyncio.sleep(args.seconds))
    error = await first_end(*jobs)
    if error is not None:
        raise error


def _shown(args: argparse.Namespace) -> Shown:
    if args.json or not sys.stdout.isatty():
        return Lines()
    return Terminal([each for each in args.channel.split(",") if each])


async def _told_to_end() -> None:
    """Ctrl-C, or the system's word: a second one does not keep the instrument from being left safe."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    await told.wait()


def _ended(instrument: Alone | Beside) -> int:
    if instrument.left_open:
        complain("monitor", instrument.left_open)
        return FOUND_WRONG
    return DONE
