"""How this house opens SQLite when a row must survive a power cut: WAL, `synchronous=FULL`, erased on delete.

`synchronous=NORMAL` would lose the last commits on a power cut; and a deleted row stays readable in the WAL until a
checkpoint truncates it, whatever `secure_delete` says.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sync.errors import OutboxFailed, OutboxFull, OutboxLocked

_FULL, _CORRUPT, _NOT_A_DATABASE = 13, 11, 26
"""SQLite's primary result codes."""
_BUSY_SECONDS = 10.0
_CHECKPOINT_PAGES = 256
_JOURNAL_LIMIT = _CHECKPOINT_PAGES * 4096


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """A connection in autocommit mode with the durable settings and the schema in place.

    It may be used from several threads if its owner lets one in at a time. `sqlite3.DatabaseError` where the file is
    not a sound database.
    """
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "foreign_keys=ON",
            f"journal_size_limit={_JOURNAL_LIMIT}",
            f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction: committed at the end of the block, rolled back by any exception."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back by itself after some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def truncate_wal(connection: sqlite3.Connection) -> None:
    """Move the WAL into the database and empty it, so that deleted rows leave the disk's files."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def is_sound(connection: sqlite3.Connection) -> bool:
    """SQLite's own quick check of the whole file."""
    rows = connection.execute("PRAGMA quick_check(1)").fetchall()
    return rows == [("ok",)]


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file itself is damaged; a busy, full or failing disk says nothing about the file."""
    return _code(error) in (_CORRUPT, _NOT_A_DATABASE)


def is_full(error: sqlite3.Error) -> bool:
    """Whether there is no room: on the disk, or by a limit of SQLite's own."""
    return _code(error) == _FULL


def failure(error: sqlite3.Error) -> OutboxFull | OutboxFailed:
    """The error of this room for one of SQLite's."""
    if is_full(error):
        return OutboxFull(
            "The disk is full: free some space, or restore the link to the record so that it can empty."
        )
    return OutboxFailed("The database could not be read or written: check the disk, then start again.")


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """Turns SQLite's errors within the block into those of this room."""
    try:
        yield
    except sqlite3.Error as error:
        raise failure(error) from error


def _code(error: sqlite3.Error) -> int:
    # Errors that Python's own layer raises, such as the use of a closed connection, carry no code.
    return error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else 0


def hold(path: Path) -> IO[bytes]:
    """The lock file beside a database, held until it is closed or the process ends, however it ends."""
    try:
        file = open(f"{path}.lock", "ab")  # noqa: SIM115
    except OSError as error:
        raise OutboxFailed(f"The outbox cannot be opened ({error.strerror}): check its folder.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise OutboxLocked("The outbox is in use by another process: stop that one first.") from None
    return file


def move_aside(path: Path) -> Path:
    """Rename a damaged database and its WAL to the first free "damaged" number; nothing is deleted."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
