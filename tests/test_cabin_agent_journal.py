"""The open visit on disk: it survives a kill, its plaintext is nowhere, and forgetting is final."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cabin_agent import journal as journal_module
from cabin_agent.journal import ASIDE, DATABASE, KEY, Journal, JournalError, JournalFull

CANARY = b"SYSTOLIC-142-CANARY-9f3b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def everything_in(folder: Path) -> bytes:
    """All bytes of all files of the folder."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_parts_survive_a_restart(folder: Path) -> None:
    with Journal(folder) as journal:
        assert not journal.is_open()
        journal.begin()
        journal.put("visit", b"state")
        journal.put_many({"outcome/1": b"", "track/ecg.1": bytes(100_000)})
        journal.put("visit", b"state 2")
    with Journal(folder) as journal:
        assert journal.is_open()
        assert journal.names() == ["outcome/1", "track/ecg.1", "visit"]
        assert journal.get("visit") == b"state 2"
        assert journal.get("outcome/1") == b""
        assert journal.get("track/ecg.1") == bytes(100_000)
        assert journal.damage is None


def test_forgetting_leaves_nothing_and_the_next_visit_has_another_key(folder: Path) -> None:
    with Journal(folder) as journal:
        keys = set()
        for _ in range(3):
            journal.begin()
            keys.add((folder / KEY).read_bytes())
            journal.put("visit", CANARY)
            journal.forget()
            assert not journal.is_open()
            assert journal.names() == []
            assert not (folder / KEY).exists()
            with pytest.raises(KeyError):
                journal.get("visit")
        assert len(keys) == 3
        journal.forget()


def test_no_plaintext_and_afterwards_neither_key_nor_ciphertext_in_any_file(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin()
        for number in range(50):
            journal.put(f"part/{number}", CANARY * 200)
        assert CANARY not in everything_in(folder)
        key = (folder / KEY).read_bytes()
        with sqlite3.connect(folder / DATABASE) as other:
            sealed = other.execute("SELECT blob FROM parts WHERE name = 'part/7'").fetchone()[0]
        other.close()
        assert sealed[100:140] in everything_in(folder)
        journal.forget()
        left = everything_in(folder)
        assert key not in left
        assert sealed[100:140] not in left
        assert b"part/7" not in left
        assert (folder / f"{DATABASE}-wal").stat().st_size == 0


def test_the_same_part_is_sealed_differently_each_time(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin()
        journal.put_many({"a": CANARY, "b": CANARY})
        with sqlite3.connect(folder / DATABASE) as other:
            blobs = {blob for (blob,) in other.execute("SELECT blob FROM parts")}
        other.close()
        assert len({blob[12:] for blob in blobs}) == 2


def test_files_are_readable_by_their_owner_alone(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    with Journal(folder) as journal:
        journal.begin()
        journal.put("visit", b"x")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_part_under_the_name_of_another_does_not_open(folder: Path) -> None:
    """The name is sealed with the part: parts cannot be exchanged."""
    with Journal(folder) as journal:
        journal.begin()
        journal.put_many({"a": b"1", "b": b"2"})
        with sqlite3.connect(folder / DATABASE) as other:
            other.execute("UPDATE parts SET blob = (SELECT blob FROM parts WHERE name = 'a') WHERE name = 'b'")
        other.close()
        assert journal.get("a") == b"1"
        with pytest.raises(JournalError, match="damaged"):
            journal.get("b")


def test_what_is_not_allowed(folder: Path) -> None:
    with Journal(folder) as journal:
        with pytest.raises(JournalError, match="No visit is open"):
            journal.put("visit", b"x")
        journal.begin()
        with pytest.raises(JournalError, match="open already"):
            journal.begin()
        for name in ("", "a b", "é", "x" * 65, "a\n"):
            with pytest.raises(ValueError, match="a part is named"):
                journal.put(name, b"x")
        with pytest.raises(KeyError):
            journal.get("nothing")


def test_a_second_daemon_is_refused_until_the_first_ends(folder: Path) -> None:
    first = Journal(folder)
    with pytest.raises(JournalError, match=r"Another cabin is running on .*: stop it"):
        Journal(folder)
    first.close()
    first.close()
    Journal(folder).close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="correct state_dir"):
        Journal(tmp_path / "file" / "state")


def test_a_full_journal_refuses_whole_and_keeps_the_rest(folder: Path) -> None:
    with Journal(folder, quota=400_000) as journal:
        journal.begin()
        journal.put("visit", b"before")
        with pytest.raises(JournalFull, match="There is no room"):
            journal.put_many({"visit": b"after", "track": bytes(500_000)})
        assert journal.get("visit") == b"before"
        assert journal.names() == ["visit"]
        journal.put("small", b"still fits")
        journal.forget()
        journal.begin()
        journal.put("track", bytes(200_000))
    with Journal(folder, quota=400_000) as journal:
        assert len(journal.get("track")) == 200_000


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_refuses_keeps_the_rest_and_can_be_forgotten(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        with Journal(disk / "state") as journal:
            journal.begin()
            journal.put("visit", b"before")
            (disk / "ballast").write_bytes(bytes(1_200_000))
            kept = 0
            with pytest.raises(JournalFull):
                for number in range(1000):
                    journal.put(f"track/{number}", bytes(50_000))
                    kept = number + 1
            assert journal.get("visit") == b"before"
            assert len([name for name in journal.names() if name.startswith("track/")]) == kept > 0
        with Journal(disk / "state") as journal:
            assert journal.get("visit") == b"before"
            journal.forget()
            assert journal.names() == []
            (disk / "ballast").unlink()
            journal.begin()
            journal.put("visit", b"next")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("name", ["header", "whole", "row", "key", "short-key"])
def test_a_damaged_journal_is_moved_aside_and_said(folder: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with Journal(folder) as journal:
        journal.begin()
        journal.put("visit", CANARY * 500)
    database = folder / DATABASE
    spoiled = bytearray(database.read_bytes())
    match name:
        case "header":
            spoiled[:16] = b"not a database!!"
        case "whole":
            spoiled[100:] = bytes(len(spoiled) - 100)
        case "row":
            spoiled[-2000:-1900] = bytes(100)
        case "key":
            (folder / KEY).write_bytes(os.urandom(32))
        case "short-key":
            (folder / KEY).write_bytes(os.urandom(16))
    database.write_bytes(spoiled)
    with Journal(folder) as journal:
        assert journal.damage is not None
        assert str(folder / ASIDE) in journal.damage
        assert journal.damage in caplog.text
        assert not journal.is_open()
        assert journal.names() == []
        assert not (folder / KEY).exists()
        assert (folder / ASIDE).read_bytes() == bytes(spoiled)
        journal.begin()
        journal.put("visit", b"the next")
    with Journal(folder) as journal:
        assert journal.damage is None
        assert journal.get("visit") == b"the next"


def test_a_database_that_cannot_be_emptied_is_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting needs no room: where a row cannot be deleted, the file goes."""
    with Journal(folder) as journal:
        journal.begin()
        journal.put("visit", CANARY)
        with monkeypatch.context() as patch:

            def full(_: sqlite3.Connection) -> None:
                raise sqlite3.OperationalError("database or disk is full")

            patch.setattr(journal_module, "_transaction", full)
            journal.forget()
        assert journal.names() == []
        journal.begin()
        journal.put("visit", b"next")


def test_threads_may_share_it(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin()
        failures: list[BaseException] = []

        def write(thread: int) -> None:
            try:
                for number in range(20):
                    journal.put(f"{thread}/{number}", bytes([thread, number]))
                    assert journal.get(f"{thread}/{number}") == bytes([thread, number])
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(journal.names()) == 80


class Visits(RuleBasedStateMachine):
    """The journal against a dictionary, with a restart anywhere."""

    names = st.sampled_from(["visit", "outcome/1", "track/ecg", "track/pleth"])

    @initialize()
    def start(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.journal = Journal(Path(self.folder.name))
        self.parts: dict[str, bytes] | None = None

    @rule(parts=st.dictionaries(names, st.binary(max_size=5000), max_size=3))
    def put_many(self, parts: dict[str, bytes]) -> None:
        if self.parts is not None:
            self.journal.put_many(parts)
            self.parts |= parts

    @rule()
    def begin(self) -> None:
        if self.parts is None:
            self.journal.begin()
            self.parts = {}

    @rule()
    def forget(self) -> None:
        self.journal.forget()
        self.parts = None

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = Journal(Path(self.folder.name))

    @invariant()
    def agrees(self) -> None:
        assert self.journal.is_open() == (self.parts is not None)
        assert self.journal.names() == sorted(self.parts or {})
        for name, data in (self.parts or {}).items():
            assert self.journal.get(name) == data

    def teardown(self) -> None:
        self.journal.close()
        self.folder.cleanup()


TestVisits = Visits.TestCase
TestVisits.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
