"""How this house opens SQLite when a row must survive a power cut: WAL, `synchronous=FULL`, erased on delete.

`synchronous=NORMAL` would lose the last commits on a power cut; and a deleted row stays readable in the WAL until a
checkpoint truncates it, whatever `secure_delete` says.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO

from sync.errors import OutboxFailed, OutboxFull, OutboxLocked

_READ_ONLY, _CORRUPT, _FULL, _NOT_A_DATABASE = 8, 11, 13, 26
"""SQLite's primary result codes."""
_BUSY_SECONDS = 10.0
_CHECKPOINT_PAGES = 256
_JOURNAL_LIMIT = _CHECKPOINT_PAGES * 4096


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """A connection in autocommit mode with the durable settings and the schema in place; a new file has mode 0600.

    It may be used from several threads if its owner lets one in at a time. `sqlite3.DatabaseError` where the file is
    not a sound database.
    """
    with suppress(OSError):
        # For its owner alone; SQLite gives the WAL the same mode. What is wrong with the path, SQLite says.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
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


def is_sound(path: Path) -> bool:
    """SQLite's own quick check of a whole database with its WAL; not one byte of either is changed by it.

    A connection that may write would drop the part of a damaged WAL that it cannot read. A WAL whose database is gone
    is not sound: the next connection would delete it. `sqlite3.Error` where nothing can be said.
    """
    wal = path.with_name(f"{path.name}-wal")
    if not path.exists():
        return not (wal.exists() and wal.stat().st_size)
    try:
        return _quick_check(path, "ro")
    except sqlite3.OperationalError as error:
        if _code(error) != _READ_ONLY:
            raise
    # A power cut met the birth of the file, before it had a WAL: its rollback journal must be played back first.
    return _quick_check(path, "rw")


def _quick_check(path: Path, mode: str) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
    except sqlite3.DatabaseError as error:
        if is_corrupt(error):
            return False
        raise


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


def asides(path: Path) -> list[Path]:
    """The damaged databases that were moved aside here, the oldest first."""
    found = path.parent.glob(f"{path.name}.damaged-*")
    return sorted((each for each in found if each.suffix.removeprefix(".damaged-").isdigit()), key=_number)


def _number(aside: Path) -> int:
    return int(aside.suffix.removeprefix(".damaged-"))


def move_aside(path: Path) -> Path:
    """Rename a damaged database and its WAL to the first free "damaged" number; nothing is deleted.

    Each name is on the disk before the next one changes, the database's first: a power cut between the two leaves a
    WAL alone, which `is_sound` sees and which then follows under the same number.
    """
    parts = [suffix for suffix in ("", "-wal", "-shm") if path.with_name(path.name + suffix).exists()]
    number = 1
    while any(path.with_name(f"{path.name}.damaged-{number}{suffix}").exists() for suffix in parts):
        number += 1
    aside = path.with_name(f"{path.name}.damaged-{number}")
    for suffix in parts:
        path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        sync_folder(path.parent)
    return aside


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk; a file's own fsync need not (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
