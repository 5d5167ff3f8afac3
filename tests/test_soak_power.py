"""Power cuts: the product keeps what it promised, and the search would have seen it otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak_disk import Call
from tests.soak_power import cut
from tests.soak_power_check import CHECKS, Promises
from tests.soak_strace import allowed, calls

FOLDER = Path("/srv/files")
MARKS = Path("/srv/marks")


@pytest.fixture(scope="module")
def strace() -> None:
    if not allowed():
        pytest.skip("strace is missing, or may not look at processes here: apt-get install strace to cut the power")


@pytest.mark.processes
@pytest.mark.parametrize("kind", CHECKS)
def test_what_was_promised_survives_a_power_cut(strace: None, kind: str) -> None:
    outcome = cut(kind, seed=1, cuts=25)
    assert outcome.problems == {}
    assert outcome.cuts == 25
    assert outcome.promises > 20


@pytest.mark.processes
@pytest.mark.parametrize(("kind", "synchronous"), [("outbox", "NORMAL"), ("store", "OFF")])
def test_a_database_that_is_less_careful_is_seen_to_lose(strace: None, kind: str, synchronous: str) -> None:
    assert cut(kind, seed=1, cuts=20, synchronous=synchronous).bad > 2


def coded(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def log(tmp_path: Path, *lines: str) -> list[Call]:
    """The calls of a log in which names stand in plain and are coded here, as strace -xx does."""
    text = "\n".join(lines).replace("DB", coded(f"{FOLDER}/a.db")).replace("DIR", coded(str(FOLDER)))
    path = tmp_path / "strace.log"
    path.write_text(text.replace("MARKS", coded(str(MARKS))) + "\n")
    return list(calls(path, FOLDER, MARKS))


def test_a_log_is_read_as_what_changed(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        r'7 openat(AT_FDCWD<\x2f>, "DB", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3<DB>',
        r'7 pwrite64(3<DB>, "\x31\x32", 2, 4096) = 2',
        r"7 ftruncate(3<DB>, 10) = 0",
        r"7 fdatasync(3<DB>) = 0",
        r'7 write(4<MARKS>, "\x70\x75\x74\x20\x31", 5) = 5',
        r"7 fsync(5<DIR>) = 0",
        r'7 unlink("DB") = 0',
        r'7 unlink("DB") = -1 ENOENT (No such file or directory)',
        r"7 +++ exited with 0 +++",
    )
    assert found == [
        Call("create", "a.db"),
        Call("write", "a.db", b"12", 4096),
        Call("size", "a.db", at=10),
        Call("sync", "a.db"),
        Call("mark", data=b"put 1"),
        Call("sync-folder"),
        Call("unlink", "a.db"),
    ]


def test_a_call_that_others_overtook_counts_when_it_returned(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        r"7 fdatasync(3<DB> <unfinished ...>",
        r'8 pwrite64(3<DB>, "\x31", 1, 0) = 1',
        r"7 <... fdatasync resumed>) = 0",
    )
    assert [call.kind for call in found] == ["write", "sync"]


def test_a_log_is_appended_at_its_end(tmp_path: Path) -> None:
    found = log(tmp_path, *[r'7 write(3<DB>, "\x31\x32", 2) = 2'] * 2, r"7 ftruncate(3<DB>, 1) = 0",
                r'7 write(3<DB>, "\x33", 1) = 1')  # fmt: skip
    assert [call.at for call in found if call.kind == "write"] == [0, 2, 1]


def test_a_line_that_is_not_understood_is_no_hole(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not understood"):
        log(tmp_path, "7 fdatasync(3<DB>")


@pytest.mark.parametrize(
    ("kind", "mark", "problem"),
    [
        ("outbox", "put 1", "letter 1 is lost"),
        ("store", "filed 1 00", "content 1 is lost"),
        ("audit", "noted 1", "an event that was noted is lost"),
        ("audit", f"head 1 {'00' * 32}", "head 1 is another"),
        ("damaged", "aside 1", "1 damaged databases were moved aside, 0 are left"),
    ],
)
def test_a_promise_that_was_not_kept_is_seen(tmp_path: Path, kind: str, mark: str, problem: str) -> None:
    promises = Promises()
    assert CHECKS[kind](tmp_path, promises) == []
    promises.hear(mark)
    assert problem in CHECKS[kind](tmp_path, promises)


def test_a_letter_that_left_without_a_trace_or_came_back_is_seen(tmp_path: Path) -> None:
    promises = Promises()
    for mark in ("put 2", "purging 2"):
        promises.hear(mark)
    assert CHECKS["outbox"](tmp_path, promises) == ["letter 2 left without a trace"]
