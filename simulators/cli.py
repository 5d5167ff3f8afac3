"""`cabin simulate`: simulated instruments that any serial program can open, until Ctrl-C.

Exit codes: 0 ended by Ctrl-C or SIGTERM, 2 used wrongly, 3 could not run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from simulators.body import Body
from simulators.device import SimulatorError, WrongUse
from simulators.faults import fault_of
from simulators.prompt import converse
from simulators.rack import INSTRUMENTS, MODELS, REPLAYS, Ready, device_of, run_rack
from simulators.scenario import read_scenario
from simulators.wire import listen_address

DONE, USED_WRONGLY, COULD_NOT_RUN = 0, 2, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `cabin simulate`."""
    parser.add_argument(
        "instrument",
        nargs="?",
        default="all",
        choices=["all", *INSTRUMENTS, *MODELS],
        metavar="INSTRUMENT",
        help=f"all of a cabin, a kind ({', '.join(INSTRUMENTS)}) or a protocol ({', '.join(MODELS)})",
    )
    parser.add_argument(
        "--replay",
        action="append",
        default=[],
        metavar="[INSTRUMENT=]FILE",
        help="play a WFDB record through it (ecg: the leads by name; oximeter: PLETH)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="[INSTRUMENT=]NAME",
        help="begin with a fault, such as unplug, silence or finger-out; a wrong name lists all that there are",
    )
    parser.add_argument(
        "--scenario", type=Path, metavar="FILE", help="what happens when: lines such as “at 12 s unplug”"
    )
    parser.add_argument("--body", action="store_true", help="change the person and make faults by typing")
    parser.add_argument(
        "--attach", type=Path, metavar="DIR", help="with --body: talk to the instruments that run in this folder"
    )
    parser.add_argument("--listen", metavar="URL", help="socket://127.0.0.1:7001 in place of a pseudo-terminal")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="so many times faster than life")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which synthetic person")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the links and the control socket lie")
    parser.add_argument("--json", action="store_true", help="say where to connect in one line of JSON")


def run(args: argparse.Namespace) -> int:
    """Simulate until Ctrl-C; print where to connect; return the exit code."""
    names = list(INSTRUMENTS) if args.instrument == "all" else [args.instrument]
    try:
        _check(args, names)
        if args.attach is not None:
            asyncio.run(until_signal(partial(converse, args.attach / "control.sock")))
            return DONE
        replays = {name: Path(text) for name, text in _addressed(args.replay, names, REPLAYS)}
        faults: dict[str, list[str]] = defaultdict(list)
        for name, text in _addressed(args.fault, names, names):
            fault_of(name, device_of(name), text)
            faults[name].append(text)
        listen = {args.instrument: args.listen} if args.listen else {}
        # What a scenario lets happen is told on stderr, one line each.
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
        with _folder(args.folder) as folder:
            scenario = read_scenario(args.scenario, names) if args.scenario else None
            rack = partial(
                run_rack,
                folder,
                names,
                Body(args.seed),
                args.speed,
                replays,
                faults,
                listen=listen,
                scenario=scenario,
            )
            asyncio.run(until_signal(partial(_simulate, rack, args)))
    except SimulatorError as error:
        print(error, file=sys.stderr)
        return USED_WRONGLY if isinstance(error, WrongUse) else COULD_NOT_RUN
    return DONE


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m simulators`."""
    parser = argparse.ArgumentParser(prog="cabin simulate", description="Simulated instruments on real wires.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def _check(args: argparse.Namespace, names: list[str]) -> None:
    if not 0 < args.speed <= 100:
        raise WrongUse("--speed must be more than 0 and at most 100.")
    if args.attach is not None and not args.body:
        raise WrongUse("--attach goes with --body.")
    if args.seed < 0:
        raise WrongUse("--seed must be 0 or more.")
    if args.listen:
        listen_address(args.listen)
        if len(names) > 1:
            raise WrongUse("--listen is for one instrument; start each one by itself, or leave it out.")


def _addressed(texts: Iterable[str], names: list[str], able: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Split `INSTRUMENT=TEXT`; without it, the text is for the one instrument that is simulated."""
    for text in texts:
        name, equals, rest = text.partition("=")
        if equals and (name in INSTRUMENTS or name in MODELS):
            if name not in names:
                raise WrongUse(f"The {name} is not simulated here; simulate it, or all.")
        elif len(names) == 1:
            name, rest = names[0], text
        else:
            raise WrongUse(f"Say which instrument “{text}” is for, as in {next(iter(able))}={text}.")
        if name not in able:
            raise WrongUse(f"The {name} plays no recordings; {' and '.join(REPLAYS)} do.")
        yield name, rest


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder asked for, or one of our own that is removed."""
    if given is not None:
        yield given
        return
    own = Path(tempfile.mkdtemp(prefix="cabin-"))
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


async def _simulate(rack: Callable[..., Coroutine[Any, Any, None]], args: argparse.Namespace) -> None:
    """Run the rack; with `--body` until the conversation ends, too."""
    control: list[Path] = []
    met = asyncio.Event()

    def ready(found: Ready) -> None:
        _announce(found, as_json=args.json)
        control.append(found.control)
        met.set()

    async def conversation() -> None:
        await met.wait()
        await converse(control[0])

    jobs = [asyncio.ensure_future(rack(ready=ready)), *([asyncio.ensure_future(conversation())] if args.body else [])]
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in jobs:
            if job.done():
                job.result()
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def until_signal(rack: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a rack until SIGINT or SIGTERM, then let it end in order."""
    task = asyncio.create_task(rack())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def _announce(ready: Ready, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"urls": dict(ready.urls), "control": str(ready.control)}), flush=True)
        return
    for name, url in ready.urls.items():
        print(f"{name}: {url}")
    print(f"control: {ready.control}\nCtrl-C ends the simulation.", flush=True)
