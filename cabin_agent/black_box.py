"""The black box: every byte of every instrument during a visit, kept for the workshop and unreadable in the cabin.

Each visit has one box (`cabin_agent.black_box_file`), sealed to the technician's public key; the cabin does not hold
the private one, so a stolen cabin tells nothing. Without a key there is no black box. What a kill or a power cut may
cost is the last second.

A driver that joins in the middle of a conversation cannot be replayed from there: what went over the wire since its
port was opened is kept in memory, up to `PRELUDE` bytes, and begins the box. Nothing of a visit is among it, for a
port that was opened during one is opened again after it; but an instrument with a memory of its own may send there,
and in the visit itself, what it measured of somebody before: such readings are refused, and are in the box like every
byte.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cabin_agent.black_box_file import SEGMENT, BoxWriter
from drivers.capture import Entry, Head, Way
from sync.keys import RecipientPublic

log = logging.getLogger(__name__)

PRELUDE = 64 * 1024
"""Bytes kept of a port's life before a visit."""


@dataclass(slots=True)
class _Life:
    """One instrument's wire since its port was opened, outside of a visit."""

    head: Head
    entries: list[Entry] = field(default_factory=list)
    size: int = 0

    def add(self, entry: Entry) -> None:
        """Keep one entry, or the mark that some were not kept."""
        if entry.way in ("open", "close"):
            self.entries, self.size = [], 0
        self.size += len(entry.data)
        if self.size <= PRELUDE:
            self.entries.append(entry)
        elif not self.entries or self.entries[-1].way != "gap":
            self.entries.append(Entry(entry.at_us, "gap"))


class BlackBox:
    """The boxes of the last visits in `folder`, sealed to `recipient`.

    A disk that takes nothing costs the box and never the visit: it is logged once, and the visit goes on without.
    `now` gives seconds on a clock that never goes back.
    """

    def __init__(
        self,
        folder: Path,
        recipient: RecipientPublic,
        *,
        size: int,
        visits: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`size`: bytes of one visit's box, rounded up to segments; `visits`: how many boxes are kept."""
        self._folder, self._recipient = folder, recipient
        self._segments, self._visits = max(2, -(-size // SEGMENT)), visits
        self._now = now
        self._lives: dict[str, _Life] = {}
        self._box: BoxWriter | None = None
        self._in_visit = False
        self._reopened: set[str] = set()

    def wire(self, kind: str, head: Head) -> Callable[[Way, bytes], None]:
        """Where all that goes over the wire of one instrument is told to."""
        self._lives[kind] = _Life(head)
        return lambda way, data: self._noted(kind, Entry(round(self._now() * 1e6), way, data))

    def begin(self) -> None:
        """A visit is open: everything from now on goes into its box; idempotent."""
        if self._in_visit:
            return
        self._in_visit = True
        try:
            self._make_room()
            self._box = BoxWriter(self._folder / f"{time.time_ns():020d}", self._recipient, self._segments)
            for kind, life in self._lives.items():
                self._box.head(kind, life.head)
                for entry in life.entries:
                    self._box.add(kind, entry)
        except OSError as error:
            self._lost(error)

    def end(self) -> frozenset[str]:
        """The visit is over: its box is closed; the kinds whose port was opened meanwhile, to be opened again."""
        self._in_visit = False
        if self._box is not None:
            self._try(self._box.close)
            self._box = None
        reopened, self._reopened = frozenset(self._reopened), set()
        return reopened

    def flush(self) -> None:
        """Seal what waits; to be called about once a second."""
        if self._box is not None:
            self._try(self._box.flush)

    def _noted(self, kind: str, entry: Entry) -> None:
        life = self._lives[kind]
        if not self._in_visit:
            life.add(entry)
            return
        if entry.way in ("open", "close"):
            life.entries, life.size = [], 0
            self._reopened.add(kind)
        elif life.entries and life.entries[-1].way != "gap":
            life.entries.append(Entry(entry.at_us, "gap"))
        if self._box is not None:
            box = self._box
            self._try(lambda: box.add(kind, entry))

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        self._box = None
        log.error("The black box of this visit is not kept (%s): free the disk; the visit goes on.", error.strerror)

    def _make_room(self) -> None:
        """Remove the oldest boxes; the one to come is counted."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        boxes = sorted(self._folder.glob("[0-9]*"))
        for box in boxes[: max(0, len(boxes) + 1 - self._visits)]:
            shutil.rmtree(box, ignore_errors=True)
