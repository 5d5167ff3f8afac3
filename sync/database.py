"""What the record's statements ask of a database: values marked with "?", and transactions.

The statements are those that SQLite (from 3.35) and PostgreSQL share; where they differ, `Dialect` says how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Words in which the two databases differ."""

    mark: str
    """Stands for a value in a statement."""
    blob: str
    serial: str
    """Type of a column that numbers its rows, never using a number twice."""
    lock: str
    """Ends a SELECT whose rows nobody else may change in the meantime."""
    lock_free: str
    """The same, for rows that nobody else has locked."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The tables, within one transaction or for one reading."""

    cursor: Any
    dialect: Dialect

    def all(self, statement: str, *values: object) -> list[Row]:
        """The rows that a statement gives."""
        self.cursor.execute(self._put(statement), values)
        rows: list[Row] = self.cursor.fetchall()
        return rows

    def one(self, statement: str, *values: object) -> Row | None:
        """The first row that a statement gives."""
        rows = self.all(statement, *values)
        return rows[0] if rows else None

    def do(self, statement: str, *values: object) -> int:
        """Carry out a statement that gives no rows; the number of rows that it changed."""
        self.cursor.execute(self._put(statement), values)
        return int(self.cursor.rowcount)

    def _put(self, statement: str) -> str:
        if self.dialect.mark == "?":
            return statement
        return statement.replace("?", self.dialect.mark)


class Database(Protocol):
    """One connection. A database that cannot be reached, read or written raises `StoreError`; other errors pass."""

    dialect: Dialect

    def write(self, work: Callable[[Rows], _T]) -> _T:
        """What `work` gives, as one durable transaction; after a collision with another it is called again."""
        ...

    def read(self, work: Callable[[Rows], _T]) -> _T:
        """What `work` gives; it only reads."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...
