"""The technician's socket: one JSON object a line, answered by one line.

`{"fault": "unplug", "instrument": "oximeter"}`, `{"clear": ...}` the same, `{"body": {"heart_rate": 90}}`; the answer
is `{"ok": true}` or `{"error": "one sentence"}`. `{"say": "spo2 93"}` takes the words of `simulators.words`, and is
answered by `{"said": "..."}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulators.body import Body
from simulators.device import Clock, SimulatorError, WrongUse
from simulators.physiology import check_change
from simulators.scenario import Happening, Scenario, command_of
from simulators.station import Station
from simulators.words import command

log = logging.getLogger(__name__)

SHOWN = ("heart_rate", "premature_every", "irregular", "spo2", "perfusion", "systolic", "diastolic", "temperature")
"""Of the person, on one line."""
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
                f"Cannot listen at {self.path} ({error.strerror or error}); give a shorter or writable folder."
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
            asked = json.loads(line)
            if isinstance(asked, dict) and list(asked) == ["say"]:
                return {"said": self.say(str(asked["say"]))}
            self.perform(asked)
        except ValueError:
            return {"error": f"That is not one JSON object on one line. {HOW}"}
        except SimulatorError as error:
            return {"error": str(error)}
        return {"ok": True}

    def say(self, line: str) -> str:
        """Do what a technician's line says; the answer. Raises `SimulatorError` with one sentence."""
        if line == "show":
            body = self._body.physiology
            return "  ".join(f"{name} {getattr(body, name):g}" for name in SHOWN)
        if line == "faults":
            return "\n".join(f"{name}: {', '.join(station.faults)}" for name, station in self._stations.items())
        self.perform(command(line, tuple(self._stations), self._body.physiology))
        return "ok"

    def follow(self, scenario: Scenario) -> None:
        """Let come true what of the scenario is due; it was checked before it began."""
        now = self._clock.now()
        for happening in scenario.due(now):
            self.perform(command_of(happening, tuple(self._stations), self._body.physiology))
            log.info("%.1f s: %s%s", now, "end of " if happening.ends else "", happening.words)

    def check(self, happening: Happening) -> None:
        """Raise `WrongUse` with one sentence where a line of a scenario cannot come true here."""
        asked = command_of(happening, tuple(self._stations), self._body.physiology)
        if "body" in asked:
            check_change(self._body.physiology, self._body.presence, asked["body"])
        else:
            self._station(asked["instrument"]).fault_of(asked["instrument"], asked.get("fault") or asked["clear"])

    def perform(self, asked: object) -> None:
        """Perform one command; raises `SimulatorError` with one sentence."""
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
