"""The record in PostgreSQL, with any number of gateways on it.

Rows of a sender are locked while its letters are filed; collisions are carried out again. A lost connection is a
`StoreError` and the next call makes a new one. The server must write through to its disk: nothing is promised on one
that does not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sync.database import Dialect, Rows
from sync.errors import StoreError
from sync.outbox import wall_ms
from sync.schema import tables
from sync.store_sql import SqlStore

if TYPE_CHECKING:
    import psycopg

_T = TypeVar("_T")
_DIALECT = Dialect(
    mark="%s",
    blob="BYTEA",
    serial="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    lock=" FOR UPDATE",
    lock_free=" FOR UPDATE SKIP LOCKED",
)
_ATTEMPTS = 20
_MAKING = 0x43_41_42_49_4E
"""Number of the lock under which one process makes the tables."""
_SETTINGS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "cabin-gateway",
}
_FSYNC = "SHOW fsync"
_SESSION = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    "SET lock_timeout = '15s'",
    # A gateway that was stopped in the middle of a transaction must not hold up the others.
    "SET idle_in_transaction_session_timeout = '60s'",
)


class PostgresStore(SqlStore):
    """A record in the database that `url` names (`postgresql://...`). `StoreError` where it cannot be used.

    Passwords belong into a file (`passfile` in the URL, or PGPASSFILE), or are spared by client certificates.
    """

    def __init__(self, url: str, now_ms: Callable[[], int] = wall_ms) -> None:
        super().__init__(PostgresDatabase(url), now_ms)


class PostgresDatabase:
    """See `database.Database`."""

    dialect = _DIALECT

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None
        self.write(lambda rows: self._make_tables(rows))

    def _make_tables(self, rows: Rows) -> None:
        rows.all("SELECT pg_advisory_xact_lock(?)", _MAKING)
        if rows.one("SELECT to_regclass('bundle_due')") == (None,):
            rows.do(tables(_DIALECT))

    def write(self, work: Callable[[Rows], _T]) -> _T:
        """See `Database.write`."""
        import psycopg

        for attempt in range(_ATTEMPTS):
            try:
                return self._within(work)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                time.sleep(random.uniform(0.0, 0.01 * attempt))  # noqa: S311
        raise StoreError("The record's database is too busy: too many gateways write the same rows.")

    def _within(self, work: Callable[[Rows], _T]) -> _T:
        return self._checked(lambda connection: _transaction(connection, work))

    def read(self, work: Callable[[Rows], _T]) -> _T:
        """See `Database.read`."""
        return self._checked(lambda connection: work(Rows(connection.cursor(), _DIALECT)))

    def close(self) -> None:
        """See `Database.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _checked(self, work: Callable[[psycopg.Connection[Any]], _T]) -> _T:
        """What `work` gives; troubles of server and link, but not those of one value, cost the connection."""
        import psycopg

        try:
            if self._connection is None:
                self._connection = _connect(self._url)
            return work(self._connection)
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            raise
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
            self.close()
            raise StoreError("The record's database cannot be reached or written: check PostgreSQL.") from error


def _transaction(connection: psycopg.Connection[Any], work: Callable[[Rows], _T]) -> _T:
    with connection.transaction():
        return work(Rows(connection.cursor(), _DIALECT))


def _connect(url: str) -> psycopg.Connection[Any]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    named = conninfo_to_dict(url)
    connection = psycopg.connect(
        url, autocommit=True, **{key: _SETTINGS[key] for key in _SETTINGS.keys() - named.keys()}
    )
    try:
        for statement in _SESSION:
            connection.execute(statement)
        if connection.execute(_FSYNC).fetchone() != ("on",):
            raise StoreError("The record's database does not write through to its disk: set fsync = on.")
    except BaseException:
        connection.close()
        raise
    return connection
