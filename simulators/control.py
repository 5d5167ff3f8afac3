"""The technician's socket: one JSON object a line, answered by one line.

`{"fault": "unplug", "instrument": "oximeter"}`, `{"clear": ...}` the same, `{"body": {"heart_rate": 90}}`; the answer
is `{"ok": true}` or `{"error": "one sentence"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulators.body import Body
from simulators.device import Clock, SimulatorError, WrongUse
from simulators.station import Station

HOW = 'Write {"fault": NAME, "instrument": NAME}, {"clear": NAME, "instrument": NAME} or {"body": {FIELD: VALUE}}.'


class Control:
    """Commands for a rack's stations and their body, over a unix socket."""

    def __init__(self, path: Path, stations: Mapping[str, Station], body: Body, clock: Clock) -> None:
        self.path = path
        self._stations, self._body, self._clock = stations, body, clock
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen; a socket left by a killed rack is replaced, a living one is an error."""
        if _alive(self.path):
            raise SimulatorError(
                f"Another rack of simulators already uses {self.path.parent}; stop it or give another folder."
            )
        self.path.unlink(missing_ok=True)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self.path)
        except OSError as error:
            raise SimulatorError(
                f"Cannot listen at {self.path} ({error}); give a shorter or writable folder."
            ) from None

    def close(self) -> None:
        """End every conversation and remove the socket; idempotent."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._talks:
            writer.close()
        self.path.unlink(missing_ok=True)
        self._server = None

    def obey(self, line: bytes) -> dict[str, Any]:
        """Perform one command; the answer to it."""
        try:
            self._perform(json.loads(line))
        except ValueError:
            return {"error": f"That is not one JSON object on one line. {HOW}"}
        except SimulatorError as error:
            return {"error": str(error)}
        return {"ok": True}

    def _perform(self, asked: object) -> None:
        match asked:
            case {"body": dict(change), **rest} if not rest:
                self._body.change(self._clock.now(), change)
            case {"fault": str(name), "instrument": str(instrument), **rest} if not rest:
                self._make(instrument, name, wrong=True)
            case {"clear": str(name), "instrument": str(instrument), **rest} if not rest:
                self._make(instrument, name, wrong=False)
            case _:
                raise WrongUse(HOW)

    def _make(self, instrument: str, name: str, wrong: bool) -> None:
        station = self._station(instrument)
        fault = station.fault_of(instrument, name)
        station.apply(fault) if wrong else station.clear(fault)

    def _station(self, instrument: str) -> Station:
        if instrument not in self._stations:
            raise WrongUse(f"No “{instrument}” is simulated here; there is {', '.join(self._stations)}.")
        return self._stations[instrument]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(writer)
        # ValueError: a line without end, which no command is.
        with contextlib.suppress(ConnectionError, ValueError):
            async for line in reader:
                writer.write(json.dumps(self.obey(line), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        self._talks.discard(writer)
        writer.close()


def _alive(path: Path) -> bool:
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as knock:
        try:
            knock.connect(str(path))
        except OSError:
            return False
    return True
