"""Kill points: every boundary between two steps of a process, found by watching it from outside the product.

A child watches itself: its SQLite connections say each statement that writes, its MQTT link each message that leaves,
and the soak's own wrappers the rest. At the point for which the driver has armed it, it ends by SIGKILL: no handler,
no `finally`, nothing flushed. New names are noted in a file, so the list of points is as long as the code makes it.
"""

from __future__ import annotations

import mmap
import os
import re
import signal
import sqlite3
import zlib
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

import psycopg

_SLOT = 8
"""Numbers of a slot, 8 bytes each; each is written by one side only, but for `armed` and `skip`."""


class Board:
    """A page that driver and children share: who has come how far, and who shall die where."""

    def __init__(self, slots: int) -> None:
        # A view's element is written in one piece; `struct` would set it to zero first, for the other side to see.
        self._page = memoryview(mmap.mmap(-1, slots * _SLOT * 8)).cast("Q")

    def slot(self, number: int) -> Slot:
        """The numbers of one child."""
        return Slot(self._page, number * _SLOT)


def _number(offset: int) -> property:
    def get(slot: Slot) -> int:
        return slot.page[slot.at + offset]

    def put(slot: Slot, value: int) -> None:
        slot.page[slot.at + offset] = value

    return property(get, put)


class Slot:
    """One child's part of the board."""

    steps = _number(0)
    """Steps since its start; 0: it has not worked yet."""
    armed = _number(1)
    """Code of the point at which it shall die; 0: none."""
    skip = _number(2)
    """How often that point is passed alive first."""
    hit = _number(3)
    """Code of the point at which it died; 0: killed from outside."""
    waiting = _number(4)
    """What a cabin still has to deliver; what an adversary has recorded."""
    flag = _number(5)
    """1: the driver asks a producer or an adversary to be quiet."""

    def __init__(self, page: memoryview[int], at: int) -> None:
        self.page, self.at = page, at

    def reset(self) -> None:
        """Before a new child takes the slot."""
        self.steps = self.armed = self.skip = self.hit = 0


@cache
def code(name: str) -> int:
    """The number of a point on the board."""
    return zlib.crc32(name.encode()) or 1


def names(path: Path) -> dict[int, str]:
    """All points of a role that any child has passed, by code."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {code(name): name for name in lines}


class Points:
    """A child's own eye: `reach` counts the step, notes a new name, and dies where the board says so."""

    def __init__(self, slot: Slot, path: Path) -> None:
        self._slot, self._path = slot, path
        self._known = set(names(path).values())

    def reach(self, name: str) -> None:
        """The process stands between two steps."""
        slot = self._slot
        if name not in self._known:
            self._known.add(name)
            with self._path.open("a") as file:
                file.write(f"{name}\n")
        if slot.armed == code(name):
            if slot.skip == 0:
                slot.hit = slot.armed
                os.kill(os.getpid(), signal.SIGKILL)
            slot.skip -= 1
        slot.steps += 1

    def around(self, owner: Any, method: str, name: Callable[..., str] | str) -> None:
        """Points before and after each call of a method; `name` may look at its arguments, and say none."""
        inner = getattr(owner, method)

        @wraps(inner)
        def outer(*args: Any, **kwargs: Any) -> Any:
            text = name if isinstance(name, str) else name(*args, **kwargs)
            if not text:
                return inner(*args, **kwargs)
            self.reach(f"before {text}")
            result = inner(*args, **kwargs)
            self.reach(f"after {text}")
            return result

        setattr(owner, method, outer)

    def watch_sqlite(self) -> None:
        """Points around every statement that writes, on each connection opened from now on."""
        reach, connect = self.reach, sqlite3.connect

        class Watched(sqlite3.Connection):
            """Says each step before SQLite does it and when it is done."""

            first = ""
            room = ""

            def cursor(self, factory: Any = None) -> sqlite3.Cursor:  # type: ignore[override]
                return super().cursor(factory or Looked)

            def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
                # SQLite's own would make a cursor that nobody looks at.
                return self.cursor().execute(sql, *more)

        class Looked(sqlite3.Cursor):
            def execute(self, sql: str, *more: Any) -> Looked:
                label = self._label(sql)
                if label:
                    reach(f"before {label}")
                super().execute(sql, *more)
                if label:
                    reach(f"after {label}")
                return self

            def _label(self, sql: str) -> str:
                """What the statement does; a COMMIT is named by the first write of its transaction."""
                label, it = statement(sql), self.connection
                if not label or not isinstance(it, Watched):
                    return ""
                if label == "BEGIN":
                    it.first = ""
                elif label == "COMMIT":
                    label = f"COMMIT of {it.first}" if it.first else ""
                elif not it.first:
                    it.first = label
                return f"{it.room} {label}" if label else ""

        def opened(path: Any, *args: Any, **kwargs: Any) -> Watched:
            connection: Watched = connect(path, *args, **{"factory": Watched, **kwargs})
            connection.room = Path(str(path)).stem
            return connection

        sqlite3.connect = opened  # type: ignore[assignment]

    def watch_postgres(self) -> None:
        """The same for PostgreSQL, whose transactions end outside any statement."""
        first = ""

        def named(_cursor: Any, query: Any, *_values: Any, **_more: Any) -> str:
            nonlocal first
            label = statement(query if isinstance(query, str) else "")
            first = first or label
            return f"record {label}" if label else ""

        def ended(*_transaction: Any) -> str:
            nonlocal first
            label, first = first, ""
            return f"record COMMIT of {label}" if label else ""

        self.around(psycopg.Cursor, "execute", named)
        self.around(psycopg.Transaction, "__exit__", ended)


_WRITES = re.compile(
    r"\s*(?:(INSERT|REPLACE)\b.*?\bINTO\s+(\w+)|(UPDATE)\s+(?:OR\s+\w+\s+)?(\w+)|(DELETE)\s+FROM\s+(\w+)"
    r"|(BEGIN|COMMIT|ROLLBACK)|PRAGMA\s+(wal_checkpoint))",
    re.IGNORECASE | re.DOTALL,
)


@cache
def statement(sql: str) -> str:
    """Verb and table of a statement that changes something, or empty."""
    found = _WRITES.match(sql)
    return " ".join(word for word in found.groups() if word) if found else ""
