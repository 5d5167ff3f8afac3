"""From the plug to ready, for every instrument that has a driver."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from bench.cabin import BenchError
from bench.figures import Chapter, Figure, markdown, number
from bench.instruments_processes import DRIVEN, LIVE, READY_S, Child, holder, rack
from drivers.medlab_1 import RATE, SURE
from drivers.nonin_seconds import PROOF

LIMIT_S = 2.0
TIMES = 3
PROVED_S = {"nonin-df1": float(PROOF), "nonin-df8": float(PROOF), "medlab-1": SURE / RATE}
"""Protocols without a checksum or a greeting, and the seconds of messages that must agree before one is believed."""


async def chapter(quick: bool) -> Chapter:
    """One instrument after the other is pulled out and put in again, all of them being there."""
    times = 1 if quick else TIMES
    took: dict[str, list[float]] = {name: [] for name in DRIVEN}
    async with rack(DRIVEN) as (_, urls, control):
        child = await holder(urls, idle=True)
        await child.until_live(DRIVEN)
        for _ in range(times):
            for name in DRIVEN:
                took[name].append(await _replugged(child, name, control))
        await child.end()
    return _chapter(took, times)


def _chapter(took: dict[str, list[float]], times: int) -> Chapter:
    quick = {name: max(found) for name, found in took.items() if name not in PROVED_S}
    slowest = max(quick, key=lambda name: quick[name])
    figures = [Figure(f"replug to ready, {len(quick)} instruments", quick[slowest], "s", LIMIT_S, remark=slowest)]
    figures += [
        Figure(f"{name}", max(took[name]), "s", None, remark=f"believed after {proof:.1f} s of agreeing messages")
        for name, proof in PROVED_S.items()
    ]
    rows = [(name, *(number(s) for s in (min(found), max(found)))) for name, found in took.items()]
    return Chapter("Replug", _HOW.format(count=len(DRIVEN), times=times), tuple(figures), markdown(HEAD, rows))


HEAD = ("instrument", "least, s", "most, s")
_HOW = (
    "Each of {count} simulated instruments is pulled out {times} times and put in again as soon as its keeper says "
    "that it is absent; from the order to put it in to ready, as the process of the drivers prints it. One after the "
    "other, while all the others are there. The port is looked at every quarter of a second; the rest is "
    "the instrument's first word. Three have no limit: without checksum and greeting they are believed only after so "
    "many messages that agree, and send them once a second, or one byte a sample."
)


async def _replugged(child: Child, name: str, control: Path) -> float:
    await _tell(control, fault="unplug", instrument=name)
    await _until(child, name, ("absent",))
    began = time.monotonic()
    await _tell(control, clear="unplug", instrument=name)
    await _until(child, name, LIVE)
    return time.monotonic() - began


async def _until(child: Child, name: str, wanted: tuple[str, ...]) -> None:
    """Follow the states until this one is among the wanted."""
    try:
        async with asyncio.timeout(READY_S):
            while child.states.get(name) not in wanted:
                said = json.loads(await child.line())
                child.states[said["name"]] = said["state"]
    except TimeoutError:
        raise BenchError(f"The {name} was not {' or '.join(wanted)} within {READY_S:.0f} s.") from None


async def _tell(control: Path, **command: str) -> None:
    reader, writer = await asyncio.open_unix_connection(control)
    writer.write(json.dumps(command).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    await writer.wait_closed()
    if "error" in answer:
        raise BenchError(str(answer["error"]))
