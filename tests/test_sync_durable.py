"""Damaged databases: seen before anything writes to them, moved aside whole, every byte kept."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sync.durable import connect, is_sound, move_aside
from sync.outbox import Outbox
from tests.sync_parties import blank_sealer, mid

SCHEMA = "CREATE TABLE IF NOT EXISTS letter (body BLOB)"
BIRTH = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size=1")
db.execute("BEGIN")
db.execute("CREATE TABLE letter (body BLOB)")
db.executemany("INSERT INTO letter VALUES (?)", [(bytes(3000),)] * 100)
os._exit(0)
"""
"""A writer that dies in its first transaction, with pages of it on the disk already and a rollback journal beside."""


def left(path: Path) -> dict[str, bytes]:
    """A database with a WAL, as a process leaves it that was killed."""
    with closing(connect(path, SCHEMA)) as db:
        db.executemany("INSERT INTO letter VALUES (?)", [(bytes([number]) * 3000,) for number in range(40)])
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        db.executemany("INSERT INTO letter VALUES (?)", [(bytes([number]) * 3000,) for number in range(40)])
        return {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}


def lay(path: Path, files: dict[str, bytes]) -> None:
    for suffix, data in files.items():
        path.with_name(path.name + suffix).write_bytes(data)


def noise(data: bytes, from_byte: int) -> bytes:
    return data[:from_byte] + b"\xa5" * (len(data) - from_byte)


Harm = Callable[[dict[str, bytes]], dict[str, bytes]]
HARMS: dict[str, Harm] = {
    "the database": lambda files: {**files, "": noise(files[""], 0)},
    "its pages": lambda files: {**files, "": noise(files[""], 4096)},
    "database and WAL": lambda files: {"": noise(files[""], 0), "-wal": noise(files["-wal"], 4200)},
    "the database is gone": lambda files: {"-wal": files["-wal"]},
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_database_is_moved_aside_with_every_byte(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "outbox.db"
    with closing(Outbox(path)) as box:
        for number in range(30):
            box.put(mid(number), blank_sealer(number, 3000))
            if number == 20:
                box.tidy()
        files = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}
        assert len(files["-wal"]) > 4200
    path.unlink()
    lay(path, HARMS[harm](files))
    with closing(Outbox(path)) as box:
        assert box.damaged == tmp_path / "outbox.db.damaged-1"
        kept = {suffix: tmp_path / f"outbox.db.damaged-1{suffix}" for suffix in ("", "-wal")}
        assert {end: part.read_bytes() for end, part in kept.items() if part.exists()} == HARMS[harm](files)
        assert box.put(mid(1), blank_sealer(1)).seq == 1


def test_a_look_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    files = left(path)
    lay(path, files)
    assert is_sound(path)
    assert {end: path.with_name(path.name + end).read_bytes() for end in files} == files


def test_nothing_is_sound_nor_damaged_before_it_is_there(tmp_path: Path) -> None:
    assert is_sound(tmp_path / "some.db")
    (tmp_path / "some.db-wal").touch()
    assert is_sound(tmp_path / "some.db")


def test_a_database_whose_birth_was_interrupted_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    subprocess.run([sys.executable, "-c", BIRTH, path], check=True, timeout=30)
    assert path.with_name("some.db-journal").stat().st_size > 0
    with (
        pytest.raises(sqlite3.OperationalError, match="readonly"),
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db,
    ):
        db.execute("PRAGMA quick_check").fetchone()
    assert is_sound(path)


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "some.db").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        is_sound(tmp_path / "some.db")


def test_a_wal_that_stayed_behind_follows_its_database(tmp_path: Path) -> None:
    """The power went between the two renames."""
    path = tmp_path / "some.db"
    lay(path, {".damaged-1": b"first", ".damaged-1-wal": b"first", ".damaged-2": b"second", "-wal": b"second"})
    assert move_aside(path) == tmp_path / "some.db.damaged-2"
    assert (tmp_path / "some.db.damaged-2-wal").read_bytes() == b"second"
    lay(path, {"": b"third"})
    assert move_aside(path) == tmp_path / "some.db.damaged-3"


def test_each_name_is_on_the_disk_before_the_next_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "some.db", list[set[str]]()
    lay(path, {"": b"pages", "-wal": b"frames"})
    fsync = os.fsync

    def seen(handle: int) -> None:
        fsync(handle)
        synced.append(set(os.listdir(handle)))

    monkeypatch.setattr(os, "fsync", seen)
    move_aside(path)
    assert synced == [{"some.db-wal", "some.db.damaged-1"}, {"some.db.damaged-1-wal", "some.db.damaged-1"}]


def test_a_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with closing(connect(tmp_path / "a.db", "CREATE TABLE t (x)")) as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    finally:
        os.umask(before)
