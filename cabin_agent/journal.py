"""The open visit on disk: durable against a power cut, unreadable once the visit is forgotten.

One SQLite file holds the parts of the one open visit, each sealed with AES-256-GCM (12-byte nonce, then ciphertext
and tag; the part's name is the associated data) under a key of 32 bytes that lives as long as the visit, in a file
beside it. Forgetting destroys the key first: from that moment no copy of the database, and no block of the disk
that the file system kept, can be read. The key is overwritten before it is removed, which is all that a program can
do; a flash disk may keep the old block until it is erased.

The key file alone says whether a visit is open. A part that lies there without one is what a crash left of a visit
that was being forgotten, and the next start removes it.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = logging.getLogger(__name__)

DATABASE = "visit.db"
KEY = "visit.key"
ASIDE = "visit.db.damaged"
QUOTA = 256 * 1024 * 1024
"""Bytes that one open visit may take."""
_NONCE = 12
_KEY_SIZE = 32
_PAGE = 4096
_NAME = re.compile(r"[A-Za-z0-9_./:-]{1,64}")
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
_NO_ROOM = "There is no room to keep this part of the visit: free the disk; what was kept before is safe."


class JournalError(Exception):
    """The open visit cannot be kept or read; the text is one sentence that says what to do."""


class JournalDamaged(JournalError):
    """A part does not open any more: the disk or somebody altered it."""


class JournalFull(JournalError):
    """There is no room for this part; every part before it is safe and readable."""


class Journal:
    """The parts of the open visit in `folder`, which belongs to one process at a time.

    Names of parts stand in clear, so they say nothing of the person. Safe to call from several threads. Raises
    `JournalError` where the folder is taken or cannot be written. A damaged database is moved aside, its key is
    destroyed, and `damage` says so.
    """

    def __init__(self, folder: Path, quota: int = QUOTA) -> None:
        self.damage: str | None = None
        self.folder = folder
        self._quota = quota
        self._busy = threading.RLock()
        self._cipher: AESGCM | None = None
        self._lock = _take(folder)
        try:
            self._db = self._open_or_move_aside()
            self._resume()
        except BaseException:
            os.close(self._lock)
            raise

    def is_open(self) -> bool:
        """Whether there is a visit that was begun and not forgotten."""
        return self._cipher is not None

    def begin(self) -> None:
        """Open a visit without parts, under a new key."""
        with self._busy, self._told():
            if self._cipher is not None:
                raise JournalError("A visit is open already: finish and forget it before the next one.")
            key = AESGCM.generate_key(256)
            _write_key(self.folder, key)
            self._cipher = AESGCM(key)

    def put(self, name: str, data: bytes) -> None:
        """Keep one part, in place of an earlier one of that name; on disk when this returns."""
        self.put_many({name: data})

    def put_many(self, parts: Mapping[str, bytes]) -> None:
        """Keep all of these parts or, if this raises, none of them."""
        with self._busy, self._told():
            sealed = [(name, self._seal(name, data)) for name, data in parts.items()]
            with _transaction(self._db):
                self._db.executemany("INSERT OR REPLACE INTO parts VALUES (?, ?)", sealed)

    def get(self, name: str) -> bytes:
        """One part; raises KeyError where there is none of that name."""
        with self._busy, self._told():
            row = self._db.execute("SELECT blob FROM parts WHERE name = ?", (name,)).fetchone()
            if row is None:
                raise KeyError(name)
            return self._opened(name, row[0])

    def names(self) -> list[str]:
        """Names of all parts, sorted."""
        with self._busy, self._told():
            return [name for (name,) in self._db.execute("SELECT name FROM parts ORDER BY name")]

    def forget(self) -> None:
        """End the visit: afterwards nothing of it can be read here, whatever crash comes in between; idempotent."""
        with self._busy, self._told():
            self._cipher = None
            _destroy_key(self.folder)
            self._empty()

    def close(self) -> None:
        """Leave the visit as it is and give the folder back; idempotent."""
        with self._busy:
            self._db.close()
            self._cipher = None
            if self._lock >= 0:
                os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _seal(self, name: str, data: bytes) -> bytes:
        if not _NAME.fullmatch(name):
            raise ValueError("a part is named with up to 64 letters, digits and _ . / : -")
        nonce = os.urandom(_NONCE)
        return nonce + self._key().encrypt(nonce, data, name.encode())

    def _opened(self, name: str, blob: bytes) -> bytes:
        try:
            return self._key().decrypt(blob[:_NONCE], blob[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            raise JournalDamaged("A part of the open visit is damaged: end this visit and begin again.") from None

    def _key(self) -> AESGCM:
        if self._cipher is None:
            raise JournalError("No visit is open: begin one first.")
        return self._cipher

    def _open_or_move_aside(self) -> sqlite3.Connection:
        with self._told():
            try:
                return _connect(self.folder, self._quota)
            except _Damaged:
                self._move_aside()
                return _connect(self.folder, self._quota)

    def _resume(self) -> None:
        """Take up the visit that a restart interrupted, or finish the forgetting that a crash interrupted."""
        with self._told():
            key = _read_key(self.folder)
            if key is None:
                self.forget()
            elif not self._fits(key):
                self._db.close()
                self._move_aside()
                self._db = _connect(self.folder, self._quota)

    def _fits(self, key: bytes) -> bool:
        """Whether every part opens with `key`, which is the key of the open visit from then on."""
        if len(key) != _KEY_SIZE:
            return False
        self._cipher = AESGCM(key)
        try:
            for name in self.names():
                self.get(name)
        except JournalDamaged:
            self._cipher = None
        return self._cipher is not None

    def _move_aside(self) -> None:
        """Keep a damaged database for whoever looks after the disk, and nobody else: its key is destroyed."""
        _destroy_key(self.folder)
        os.replace(self.folder / DATABASE, self.folder / ASIDE)
        _unlink(self.folder, DATABASE + "-wal", DATABASE + "-shm")
        self.damage = (
            f"The journal of the open visit was damaged and moved to {self.folder / ASIDE}: "
            "the visit is lost, check the disk."
        )
        log.error("%s", self.damage)

    def _empty(self) -> None:
        """Remove every part from the disk; where the database has no room left for that, remove the database."""
        try:
            with _transaction(self._db):
                self._db.execute("DELETE FROM parts")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            self._db.close()
            _unlink(self.folder, DATABASE, DATABASE + "-wal", DATABASE + "-shm")
            self._db = _connect(self.folder, self._quota)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the disk and the database say into one sentence."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.Error as error:
            if error.sqlite_errorcode in _FULL:
                raise JournalFull(_NO_ROOM) from error
            raise JournalError(f"The journal in {self.folder} cannot be used ({error}): check the disk.") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise JournalFull(_NO_ROOM) from error
            raise JournalError(f"The journal in {self.folder} cannot be used: {error.strerror}.") from error


class _Damaged(Exception):
    """The file is no database, or not a whole one."""


def _take(folder: Path) -> int:
    """Make the folder ours alone; the lock goes with the process, however it ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise JournalError(f"The folder {folder} cannot be used: {error.strerror}; correct state_dir.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise JournalError(
            f"Another cabin is running on {folder}: stop it, or give this one a state_dir of its own."
        ) from None
    return lock


def _connect(folder: Path, quota: int) -> sqlite3.Connection:
    """Open the database, whole and empty if it was not there."""
    path = folder / DATABASE
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        db.execute(f"PRAGMA max_page_count = {quota // _PAGE}")
        if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise _Damaged
        db.execute("CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, blob BLOB NOT NULL)")
        db.execute("SELECT name, blob FROM parts LIMIT 1").fetchone()
    except sqlite3.DatabaseError as error:
        db.close()
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise _Damaged from error
        raise
    except _Damaged:
        db.close()
        raise
    return db


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk has already rolled it back.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _write_key(folder: Path, key: bytes) -> None:
    fresh = folder / f"{KEY}.new"
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, folder / KEY)
    _sync(folder)


def _read_key(folder: Path) -> bytes | None:
    """The key of the open visit; None where there is none, or zeros because a crash cut its destruction short."""
    try:
        key = (folder / KEY).read_bytes()
    except FileNotFoundError:
        return None
    return key if any(key) else None


def _destroy_key(folder: Path) -> None:
    try:
        with (folder / KEY).open("r+b") as file:
            file.write(bytes(_KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        pass
    _unlink(folder, KEY, f"{KEY}.new")


def _unlink(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
    _sync(folder)


def _sync(folder: Path) -> None:
    """Make the names in the folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
