"""The record in one SQLite file: for a demonstration, or one machine. Several processes may open it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sync.database import Dialect, Rows
from sync.durable import connect, transaction
from sync.errors import StoreError
from sync.outbox import wall_ms
from sync.schema import tables
from sync.store_sql import SqlStore

_T = TypeVar("_T")
# A transaction of SQLite's that begins to write keeps all others from writing: no row needs a lock.
_DIALECT = Dialect(mark="?", blob="BLOB", serial="INTEGER PRIMARY KEY AUTOINCREMENT", lock="", lock_free="")


class SqliteStore(SqlStore):
    """A record in the file `path`. `StoreError` where it cannot be opened."""

    def __init__(self, path: Path, now_ms: Callable[[], int] = wall_ms) -> None:
        self.database = SqliteDatabase(path)
        super().__init__(self.database, now_ms)


class SqliteDatabase:
    """See `database.Database`."""

    dialect = _DIALECT

    def __init__(self, path: Path) -> None:
        self.connection = _checked(lambda: connect(path, tables(_DIALECT)))

    def write(self, work: Callable[[Rows], _T]) -> _T:
        """See `Database.write`; another process that writes is waited for."""

        def within() -> _T:
            with transaction(self.connection):
                return work(Rows(self.connection.cursor(), _DIALECT))

        return _checked(within)

    def read(self, work: Callable[[Rows], _T]) -> _T:
        """See `Database.read`."""
        return _checked(lambda: work(Rows(self.connection.cursor(), _DIALECT)))

    def close(self) -> None:
        """See `Database.close`."""
        self.connection.close()


def _checked(work: Callable[[], _T]) -> _T:
    """What `work` gives; the errors of disk and file, but not those of one value, become `StoreError`."""
    try:
        return work()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
            raise StoreError(
                "The record's file could not be read or written: check the disk and its room."
            ) from error
        raise
