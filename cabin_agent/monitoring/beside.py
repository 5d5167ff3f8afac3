"""An instrument of a running cabin, as its core tells a technician between visits; never of a visit."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

from cabin_agent.client import CoreClient, CoreError
from cabin_agent.face import Json
from cabin_agent.first_end import first_end
from cabin_agent.frames import BadFrame, decode_frame
from cabin_agent.monitoring.shown import Shown
from cabin_agent.web.stream import NOBODYS

LOOK_S = 1.0
WAVES = {"ecg": "ecg", "oximeter": "pleth", "tensiometer": "cuff"}
"""Kind of instrument -> the waveform that comes from it."""
DURING = "A visit is under way: what its instruments say is the person's. Try again when the cabin is free."


class Beside:
    """One instrument of the cabin that `core` (entered already) asks; raises `CoreError`."""

    def __init__(self, core: CoreClient, row: Json) -> None:
        self.kind: str = row["kind"]
        self.left_open = ""
        """Why the instrument may not have been left safe, as a sentence; empty where it was."""
        self._core, self._name = core, str(row["name"])
        self._described: Json | None = None
        self._troubles: Counter[str] = Counter(row["troubles"])
        self._look_again = asyncio.Event()

    async def run(self, shown: Shown, start: bool) -> None:
        """Show it until cancelled, or until a visit opens; where it was started it is stopped.

        Raises `CoreError` when the core is gone or a visit is open.
        """
        try:
            if start:
                await self._core.command(self._name, "start")
            ended = await first_end(self._look(shown), self._listen(shown))
        finally:
            if start:
                await self._stop()
        if ended is not None:
            raise ended

    async def _stop(self) -> None:
        try:
            await self._core.command(self._name, "stop")
        except CoreError as error:
            # The core stops by itself what was started by hand when a visit begins.
            self.left_open = "" if error.code == "busy" else str(error)

    async def _look(self, shown: Shown) -> None:
        """The row, every second and whenever the link changed."""
        while True:
            self._look_again.clear()
            row = find(await self._core.instruments(), self._name)
            troubles: Counter[str] = Counter(row["troubles"])
            for code, count in (troubles - self._troubles).items():
                shown.said({"event": "trouble", "code": code, "detail": "", "count": count})
            self._troubles = troubles
            shown.told(row)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._look_again.wait()

    async def _listen(self, shown: Shown) -> None:
        async for item in self._core.stream(waves=True):
            said = self._wave(item) if isinstance(item, bytes) else self._event(item)
            if said is not None:
                shown.said(said)

    def _event(self, item: Json) -> Json | None:
        match item:
            case {"type": "changed", "state": state} if state not in NOBODYS:
                raise CoreError(DURING, "busy")
            case {"type": "instrument", "instrument": self.kind}:
                self._look_again.set()
            case {"type": "wave"} if item["stream"] == WAVES.get(self.kind):
                self._described = item
            case {"type": "reading", "instrument": self.kind}:
                return _reading(item)
            case {"type": "said", "instrument": self.kind}:
                said: Json = item["said"]
                return said
        return None

    def _wave(self, data: bytes) -> Json | None:
        """A frame as the event that it was made of; what the eye was not given is None."""
        told = self._described
        with suppress(BadFrame):
            frame = decode_frame(data)
            if told is not None and frame.stream == told["stream"]:
                rows: list[Any] = [list(row) for row in zip(*frame.values, strict=True)]
                flags = sorted(frame.flags - {"simulated"})
                index = round(frame.t0_us * told["rate"] / 1e6)
                return {
                    "event": "wave", "stream": frame.stream, "index": index, "rate": told["rate"],
                    "unit": told["unit"], "channels": told["channels"], "samples": rows, "flags": flags,
                }  # fmt: skip
        return None


def find(rows: list[Json], name: str) -> Json:
    """The instrument of this name or kind; raises `CoreError` naming those there are."""
    for key in ("name", "kind"):
        for row in rows:
            if row[key] == name:
                return row
    there = ", ".join(each["name"] for each in rows) or "none"
    raise CoreError(f"No instrument is called {name!r}; there are: {there}.", "unknown-instrument")


async def free(core: CoreClient) -> None:
    """Raise `CoreError` where a visit is open."""
    if (await core.cabin())["state"] not in NOBODYS:
        raise CoreError(DURING, "busy")


def _reading(item: Json) -> Json:
    value = item["value"] if item["why"] is None else {"no_value": item["why"]}
    return {
        "event": "reading", "quantity": item["quantity"], "value": value, "unit": item["unit"],
        "flags": item["flags"], "detail": {}, "taken": None,
    }  # fmt: skip
