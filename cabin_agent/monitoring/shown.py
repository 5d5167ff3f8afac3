"""Where `cabin monitor` puts what it hears: a picture that moves, or one JSON event a line."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Protocol

from cabin_agent.commands.output import print_json
from cabin_agent.face import Json
from cabin_agent.monitoring.view import picture
from cabin_agent.monitoring.watched import Watched

DRAW_S = 0.1
RUNNING = ("age_s", "bytes_in", "hours", "troubles")
"""Fields of the row that change all the time, or that events tell."""


class Shown(Protocol):
    """Takes what is known and what is heard of one instrument."""

    def told(self, row: Json) -> None:
        """The instrument as it is now (`Instrument` of docs/api.yaml, without what only a cabin keeps)."""
        ...

    def said(self, said: Json) -> None:
        """One event (`event_json`)."""
        ...

    async def run(self) -> None:
        """Show it until cancelled."""
        ...


class Lines:
    """One JSON object a line: events as `cabin decode` prints them, and {"event": "instrument", ...} at a change."""

    def __init__(self) -> None:
        self._known: Json = {}

    def told(self, row: Json) -> None:
        """See `Shown`."""
        known = {name: value for name, value in row.items() if name not in RUNNING}
        if known != self._known:
            self._known = known
            self.said({"event": "instrument", **row})

    def said(self, said: Json) -> None:
        """See `Shown`."""
        print_json(said)
        sys.stdout.flush()

    async def run(self) -> None:
        """See `Shown`."""
        await asyncio.Event().wait()


class Terminal:
    """The picture, drawn anew ten times a second; what was drawn last stays when it ends."""

    def __init__(self, channels: Sequence[str] = ()) -> None:
        self._watched, self._channels = Watched(), channels

    def told(self, row: Json) -> None:
        """See `Shown`."""
        self._watched.told(row, time.monotonic())

    def said(self, said: Json) -> None:
        """See `Shown`."""
        self._watched.said(said, time.monotonic())

    async def run(self) -> None:
        """See `Shown`."""
        from rich.console import Console
        from rich.live import Live

        console = Console(markup=False, emoji=False, highlight=False)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(picture(self._watched, time.monotonic(), console.width, self._channels), refresh=True)
                await asyncio.sleep(DRAW_S)
