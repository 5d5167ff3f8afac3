"""`cabin simulate --body`: the synthetic person, changed by words typed while every instrument looks at them.

It talks to the rack through its control socket, and so as well to a rack that runs already, that of a demonstration.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from pathlib import Path

from simulators.device import SimulatorError
from simulators.words import HOW

WELCOME = f"{HOW} “show” shows the person, “faults” what can go wrong, “quit” ends."


async def converse(control: Path) -> None:
    """Hand each line to the rack at `control` and print its answer, until “quit” or the end of the input.

    Raises `SimulatorError` where no rack runs.
    """
    try:
        answers, rack = await asyncio.open_unix_connection(control)
    except OSError:
        raise SimulatorError(
            f"No simulated instruments run in {control.parent}: give the folder of a rack that does."
        ) from None
    print(WELCOME, flush=True)
    try:
        async for line in await _typed():
            words = line.decode("utf-8", "replace").strip()
            if words in ("quit", "exit"):
                return
            if words:
                rack.write(json.dumps({"say": words}).encode() + b"\n")
                print(_said(await answers.readline()), flush=True)
    finally:
        rack.close()


def _said(answer: bytes) -> str:
    if not answer:
        raise SimulatorError("The simulated instruments ended: start them again.")
    told = json.loads(answer)
    return str(told.get("said") or told.get("error"))


async def _typed() -> asyncio.StreamReader:
    """What is typed, piped in, or in a file."""
    reader, words = asyncio.StreamReader(), sys.stdin
    if words is not None and _has_to_be_awaited(words.fileno()):
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), words)
        return reader
    # A file or /dev/null is never awaited: the event loop refuses both. A closed input is an empty one.
    if words is not None:
        reader.feed_data(words.buffer.read())
    reader.feed_eof()
    return reader


def _has_to_be_awaited(number: int) -> bool:
    mode = os.fstat(number).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number)
