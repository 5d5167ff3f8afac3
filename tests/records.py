"""A record for tests in either database, opened as often as a test likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sync.store_postgres import PostgresStore
from sync.store_sql import SqlStore
from sync.store_sqlite import SqliteStore

NOW = 1_763_683_300_000
KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.processes)]
"""Parameters of a fixture that calls `opener`."""


class Clock:
    """The record's clock, which a test may set."""

    def __init__(self) -> None:
        self.now_ms = NOW

    def __call__(self) -> int:
        return self.now_ms


def opener(request: pytest.FixtureRequest, folder: Path, clock: Clock) -> Iterator[Callable[[], SqlStore]]:
    """Opens one record of the kind that is asked for, as another process would; all are closed at the end."""
    url = request.getfixturevalue("postgres").new_schema() if request.param == "postgres" else ""
    with ExitStack() as opened:

        def new() -> SqlStore:
            made = PostgresStore(url, clock) if url else SqliteStore(folder / "record.db", clock)
            opened.callback(made.close)
            return made

        yield new
