"""A capture played into its driver: the same bytes, at the same times, to the same code.

What was read is given when it came, but never before what was written before it has been written again: a request
that the driver makes later than it did is still answered by its own reply. What the driver writes and did not write
then, or no longer writes, is counted and not hidden.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from drivers.capture import Capture, Entry, Way
from drivers.errors import DriverError, Unplugged
from drivers.events import Event
from drivers.instrument import Instrument

PATIENCE_S = 10.0
"""How much later than it did a driver may write before it is taken to write it no longer."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a replay gave."""

    events: tuple[Event, ...]
    written_anew: int
    """Messages of the driver that are not in the capture."""
    not_written: int
    """Messages of the capture that the driver did not write."""

    @property
    def same(self) -> bool:
        """Whether the driver said to its instrument what it said then."""
        return not self.written_anew and not self.not_written


async def replay(capture: Capture, driver: Instrument) -> Played:
    """Play every life of the port in the capture; to be run by `drivers.virtual_time.run`."""
    events: list[Event] = []
    anew = missing = 0
    for session in sessions(capture.entries):
        player = Player(session)
        orders = asyncio.create_task(_give_orders(player, driver))
        try:
            with suppress(DriverError):
                await driver.run(player, events.append)
        finally:
            orders.cancel()
            await asyncio.gather(orders, return_exceptions=True)
        anew, missing = anew + player.written_anew, missing + player.not_written
    return Played(tuple(events), anew, missing)


def sessions(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, ...]]:
    """The lives of the port, each up to its `close`; a capture may begin and end in the middle of one."""
    life: list[Entry] = []
    for entry in entries:
        if entry.way == "open" and life:
            yield tuple(life)
            life = []
        life.append(entry)
        if entry.way == "close":
            yield tuple(life)
            life = []
    if life:
        yield tuple(life)


async def _give_orders(player: Player, driver: Instrument) -> NoReturn:
    """Ends by `Unplugged`, with the capture."""
    while True:
        order = await player.next_order()
        # What was refused then is refused again, or the events will tell.
        with suppress(DriverError):
            await (driver.start() if order == "start" else driver.stop())


class Player:
    """A `drivers.stream.UsbPort` that plays one life of a port; its end is that of the capture."""

    simulated = True
    interface = 0
    extra = b""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._entries = entries
        self._done = [False] * len(entries)
        self._next = 0
        self._taken: set[int] = set()
        """Of what was written: found again, and being written."""
        self._due_s = _due(entries, asyncio.get_running_loop().time())
        self._changed = asyncio.Event()
        self._closed = False
        self.written_anew = 0
        self.not_written = 0

    async def read(self) -> bytes:
        """What comes next; `Unplugged` at the end."""
        return (await self._turn(("in",))).data

    async def next_order(self) -> Way:
        """The next `start` or `stop` when it is due; `Unplugged` at the end."""
        return (await self._turn(("start", "stop"))).way

    async def write(self, data: bytes) -> None:
        """Look for `data` among what was written then and is still to come; `Unplugged` at the end."""
        await self._said("out", data)

    async def control(self, request_type: int, request: int, value: int, index: int, payload: bytes | int) -> bytes:
        """Look for this request among those of then, as `write` does; what it was answered, b"" for a new one."""
        asked = payload if isinstance(payload, int) else len(payload)
        setup = struct.pack("<BBHHH", request_type, request, value, index, asked)
        found = await self._said("control", setup + (payload if isinstance(payload, bytes) else b""))
        return found.data[len(setup) :] if found and isinstance(payload, int) else b""

    def close(self) -> None:
        """Nothing is to be given back."""
        self._closed = True
        self._tell()

    async def _said(self, way: Way, begin: bytes) -> Entry | None:
        """The entry that is said again, when it is due; None for what is said for the first time."""
        if self._closed:
            raise _ended()
        place = self._find(way, begin)
        if place is None:
            self.written_anew += 1
            return None
        # A machine that was busy then wrote late: what the driver makes of the time has to come out the same.
        await asyncio.sleep(max(0.0, self._due_s[place] - asyncio.get_running_loop().time()))
        self._finish(place)
        return self._entries[place]

    def _find(self, way: Way, begin: bytes) -> int | None:
        """Take the next entry of that way whose data begins so."""
        for place in range(self._next, len(self._entries)):
            entry = self._entries[place]
            if entry.way == way and place not in self._taken and entry.data.startswith(begin):
                self._taken.add(place)
                return place
        return None

    async def _turn(self, ways: tuple[Way, ...]) -> Entry:
        """Wait until the next entry is one of `ways` and due, and do it."""
        while True:
            self._pass_over()
            if self._closed or self._next == len(self._entries):
                raise _ended()
            entry, left = self._entries[self._next], self._left()
            if left <= 0 and entry.way in ways:
                self._finish(self._next)
                return entry
            if left <= 0 and entry.way == "close":
                raise _ended()
            await self._wait(left, self._next)

    async def _wait(self, left: float, place: int) -> None:
        """Until something was done, or the entry is due, or was due too long ago to be written any more."""
        patience = PATIENCE_S if self._entries[place].way in ("out", "control") else 0.0
        limit = left if left > 0 else left + patience if patience else None
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._changed.wait()
                return
        if patience and left <= 0 and place not in self._taken:
            self._taken.add(place)
            self.not_written += 1
            self._finish(place)

    def _pass_over(self) -> None:
        """Go to the first entry that is still to be done."""
        while self._next < len(self._entries) and (
            self._done[self._next] or self._entries[self._next].way in ("open", "gap")
        ):
            self._next += 1

    def _left(self) -> float:
        """Seconds until the next entry is due."""
        return self._due_s[self._next] - asyncio.get_running_loop().time()

    def _finish(self, place: int) -> None:
        self._done[place] = True
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _due(entries: tuple[Entry, ...], begin_s: float) -> list[float]:
    """When each entry is due on the loop's clock; no time passes in a gap."""
    due = [begin_s]
    for before, entry in pairwise(entries):
        due.append(due[-1] + (0.0 if "gap" in (before.way, entry.way) else (entry.at_us - before.at_us) / 1e6))
    return due


def _ended() -> Unplugged:
    return Unplugged("The capture ends here.")
