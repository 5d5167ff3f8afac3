"""The processes of this group: simulated instruments, those who hold their drivers, and a bare reader."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cabin import BenchError
from bench.instruments_talk import driver_of
from simulators.rack import MODELS

CABIN = ("nonin", "cyton", "suntech", "gymcu90614", "healthometer", "tm262")
"""The six kinds, as a cabin has them."""
DRIVEN = tuple(name for name in MODELS if driver_of(name) is not None)
"""Every simulated instrument that has a driver."""
LIVE = ("ready", "measuring")
READY_S = 60.0


@dataclass(slots=True)
class Child:
    """One module that runs as a process; its lines are JSON, and what it noted is read when it has ended."""

    process: asyncio.subprocess.Process
    notes: Path
    states: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    async def line(self) -> bytes:
        """The next line; raises `BenchError` at the end."""
        if self.process.stdout is None:
            raise AssertionError("the output of this process is piped")
        found = await self.process.stdout.readline()
        if not found:
            raise BenchError("A process of the bench ended before it was told to: run it by hand to see why.")
        return found

    async def until_live(self, names: Sequence[str]) -> None:
        """Follow the states until all of these are ready; raises `BenchError` naming those that are not."""
        try:
            async with asyncio.timeout(READY_S):
                while not all(self.states.get(name) in LIVE for name in names):
                    said = json.loads(await self.line())
                    self.states[said["name"]] = said["state"]
        except TimeoutError:
            silent = ", ".join(name for name in names if self.states.get(name) not in LIVE)
            raise BenchError(f"Not ready within {READY_S:.0f} s: {silent}.") from None

    async def end(self) -> Any:
        """Have it end; what it noted, or the number that it printed, or None."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        rest, _ = await self.process.communicate()
        if self.notes.exists():
            return pickle.loads(self.notes.read_bytes())
        return int(rest) if rest.strip().isdigit() else None


async def started(module: str, notes: Path, *arguments: str) -> Child:
    """`python -m bench.MODULE`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.{module}", *arguments, stdout=asyncio.subprocess.PIPE
    )
    return Child(process, notes)


@asynccontextmanager
async def rack(names: Sequence[str]) -> AsyncIterator[tuple[Child, dict[str, str], Path]]:
    """Simulated instruments: their process, addresses, and control socket; ended at the end, if not before."""
    with tempfile.TemporaryDirectory(prefix="cabin-bench-") as folder:
        notes = Path(folder) / "sent"
        child = await started("instruments_rack", notes, f"{folder}/run", str(notes), *names)
        try:
            met = json.loads(await child.line())
            yield child, met["urls"], Path(met["control"])
        finally:
            if child.process.returncode is None:
                await child.end()


async def holder(urls: dict[str, str], notes: Path | None = None, *, idle: bool = False) -> Child:
    """The drivers of those instruments, in one process; `idle`: nothing is told to measure."""
    asked = (json.dumps(urls), str(notes or "-"), *(["idle"] if idle else []))
    return await started("instruments_holder", notes or Path("-"), *asked)
