"""The audit log on disk: durable before it is claimed, cut where it is torn, moved aside where it is broken."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import audit_log, audit_reading
from sync.audit import EVERY, Fault, Head
from sync.audit_log import AuditLog
from sync.audit_reading import known_signers, read_log, segments, verify
from sync.errors import AuditFailed
from tests.sync_parties import CABIN, CABINS, STRANGER

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "REST_S", 0.001)
    monkeypatch.setattr(audit_log, "RETRY_S", 0.01)
    monkeypatch.setattr(audit_reading, "_WRITING_S", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def opened(folder: Path) -> AuditLog:
    return AuditLog(folder, CABIN, now_ms=lambda: 1000)


def written(folder: Path, *whats: str) -> Head:
    """One run of the log with these events."""
    log = opened(folder)
    for what in whats:
        log.add(what)
    log.close()
    return log.head


def told(folder: Path) -> list[str]:
    return [str(entry.event["what"]) for entry in read_log(folder)]


def test_what_was_noted_is_there_after_a_restart_and_signed(folder: Path) -> None:
    log = opened(folder)
    log.add("begun", mid=b"sixteen bytes id", seq=3)
    assert log.flush()
    assert (log.head.count, log.head) == (1, next(iter(read_log(folder))).head)
    log.close()
    (entry,) = read_log(folder)
    assert entry.event == {"at": 1000, "what": "begun", "mid": b"sixteen bytes id", "seq": 3}
    again = written(folder, "again")
    verdict = verify(folder, CABINS)
    assert (verdict.whole, verdict.head, verdict.signed) == (True, again, 2)
    assert verify(folder, known_signers(folder)).whole


def test_the_head_that_the_record_kept_is_looked_for(folder: Path) -> None:
    head = written(folder, *["tick"] * 7)
    middle = list(read_log(folder))[3].head
    assert verify(folder, CABINS, middle).whole
    assert verify(folder, CABINS, Head()).whole
    assert not verify(folder, CABINS, Head(4, bytes(32))).whole
    assert not verify(folder, CABINS, Head(head.count + 1, head.hash)).whole


def test_the_end_cut_off_is_whole_by_itself_and_not_before_the_record_s_head(folder: Path) -> None:
    head = written(folder, "one", "two", "three")
    (path,) = segments(folder)
    path.write_bytes(path.read_bytes()[: path.read_bytes().index(b"three") - 70])
    assert verify(folder, CABINS).whole
    assert verify(folder, CABINS, head).pinned is False


def test_a_log_that_nobody_signed_is_told(folder: Path) -> None:
    written(folder, "one")
    verdict = verify(folder, {STRANGER.public.kid: STRANGER.public})
    assert not verdict.whole
    assert verdict.strangers == {CABIN.public.kid}


def test_many_entries_go_into_files_of_bounded_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "SEGMENT", 200)
    head = written(folder, *["tick"] * 450)
    assert [path.name for path in segments(folder)] == ["000000000001.log", "000000000201.log", "000000000401.log"]
    again = written(folder, *["tick"] * 150)
    written(folder, "last")
    assert verify(folder, CABINS, again).whole
    assert [entry.head.count for entry in read_log(folder)] == list(range(1, 602))
    assert head.count == 450
    assert len(segments(folder)) == 4
    segments(folder)[1].unlink()
    assert verify(folder, CABINS).fault == Fault(201, "join")


@pytest.mark.parametrize("cut", [1, 30, 44, 60, 3400])
def test_a_torn_tail_is_cut_kept_and_told(folder: Path, cut: int) -> None:
    written(folder, *["tick"] * 5)
    (path,) = segments(folder)
    raw = path.read_bytes()
    path.write_bytes(raw[:-cut])
    whole = verify(folder, CABINS).head
    assert verify(folder, CABINS).whole
    assert verify(folder, CABINS).torn > 0
    log = opened(folder)
    rest = log.torn
    log.close()
    assert log.moved is None
    assert told(folder) == [*["tick"] * whole.count, "audit-torn"]
    assert list(read_log(folder))[-1].event["bytes"] == rest
    (kept,) = folder.glob("*.torn-*")
    assert raw.endswith(kept.read_bytes() + raw[len(raw) - cut :])
    assert verify(folder, CABINS, whole).whole


def test_a_first_file_that_was_only_just_begun_is_begun_again(folder: Path) -> None:
    written(folder, "one")
    (path,) = segments(folder)
    path.write_bytes(path.read_bytes()[:20])
    written(folder, "two")
    assert told(folder) == ["audit-torn", "two"]
    assert verify(folder, CABINS).whole


@pytest.mark.parametrize("damage", ["bit", "middle", "noise"])
def test_a_broken_chain_is_moved_aside_and_reported(folder: Path, damage: str) -> None:
    written(folder, *["tick"] * 250)
    (path,) = segments(folder)
    raw = bytearray(path.read_bytes())
    if damage == "bit":
        raw[len(raw) // 2] ^= 4
    elif damage == "middle":
        del raw[3000:3100]
    else:
        raw[45:] = os.urandom(len(raw) - 45)
    path.write_bytes(raw)
    assert not verify(folder, CABINS).whole
    log = opened(folder)
    log.close()
    assert log.moved == folder.with_name("audit.damaged-1")
    assert (log.moved / path.name).read_bytes() == bytes(raw)
    assert told(folder) == ["audit-damaged"]
    assert verify(folder, CABINS).whole


def test_two_processes_cannot_write_one_log(folder: Path) -> None:
    log = opened(folder)
    with pytest.raises(AuditFailed, match=r"^The audit log is in use by another process: stop that one first\.$"):
        opened(folder)
    log.close()
    opened(folder).close()


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuditFailed, match="cannot be used"):
        opened(tmp_path / "file" / "audit")


def test_many_threads_note_without_waiting_and_nothing_is_lost(folder: Path) -> None:
    log = opened(folder)

    def note() -> None:
        for _ in range(300):
            log.add("tick")

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert log.head.count == 1200
    assert verify(folder, CABINS).whole


def test_the_last_of_a_kind_is_found_in_older_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "SEGMENT", 100)
    log = opened(folder)
    assert log.last("start") is None
    log.add("start", version="1")
    log.add("start", version="2")
    for _ in range(220):
        log.add("tick")
    assert log.flush()
    assert (log.last("start") or {})["version"] == "2"
    log.close()


def test_a_disk_that_takes_nothing_holds_up_nobody_and_the_lost_entries_are_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "MOST_WAITING", 10)
    log = opened(folder)
    log.add("before")
    assert log.flush()
    full = threading.Event()
    full.set()
    real = os.pwrite

    def pwrite(handle: int, data: bytes, at: int) -> int:
        if full.is_set():
            real(handle, data[: len(data) // 2], at)
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    started = time.monotonic()
    for _ in range(15):
        log.add("during")
    assert time.monotonic() - started < 1.0
    assert not log.flush(timeout=0.05)
    assert log.head.count == 1
    full.clear()
    assert log.flush()
    log.close()
    assert told(folder) == ["before", *["during"] * 10, "audit-missed"]
    assert list(read_log(folder))[-1].event["count"] == 5
    assert verify(folder, CABINS).whole


@pytest.mark.processes
def test_a_full_disk_for_real(tmp_path: Path) -> None:
    """What waits is written on the ballast at the stop, and the log goes on when there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=False)
    if not done or done.returncode:
        pytest.skip("a small file system cannot be mounted here: run as root to test a full disk for real")
    try:
        log = opened(disk / "audit")
        log.add("before")
        assert log.flush()
        (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))
        for number in range(200):
            log.add("during", number=number)
        assert not log.flush(timeout=0.3)
        log.close()
        assert verify(disk / "audit", CABINS).whole
        assert told(disk / "audit") == ["before", *["during"] * 200]
        (disk / "filler").unlink()
        written(disk / "audit", "after")
        assert told(disk / "audit")[-1] == "after"
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.processes
def test_a_writer_killed_again_and_again_leaves_a_whole_chain_with_all_that_it_claimed(folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sync import audit_log; from sync.audit_log import AuditLog;"
        "from tests.sync_parties import CABIN; audit_log.REST_S = 0.0; log = AuditLog(Path(sys.argv[1]), CABIN)\n"
        "while True:\n    log.add('tick'); log.flush(); print(log.head.count, log.head.hash.hex(), flush=True)"
    )
    claimed: list[Head] = []
    for lines in (5, 60, 130):
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert writer.stdout is not None
        for _ in range(lines):
            count, digest = writer.stdout.readline().split()
            claimed.append(Head(int(count), bytes.fromhex(digest)))
        writer.send_signal(signal.SIGKILL)
        writer.stdout.close()
        writer.wait()
        for head in (claimed[0], claimed[-1]):
            assert verify(folder, CABINS, head).whole
    written(folder, "end")
    assert verify(folder, CABINS, claimed[-1]).whole
    assert claimed[-1].count > EVERY


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "audit"]
