"""How commands find the core: what is published, what is trusted, and what is said when nothing runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cabin_agent.access import Access, AccessError
from cabin_agent.runtime import (
    FILE,
    TICKET,
    Found,
    NotRunning,
    discover,
    find_core,
    kiosk_address,
    kiosk_ticket,
    publish,
    runtime_folders,
    withdraw,
)

URL = "http://127.0.0.1:8470"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runtime"


def ended_process() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_what_is_published_is_found(folder: Path) -> None:
    publish(folder, URL, "secret", Path("/etc/cabin.toml"))
    assert discover(folder) == Found(URL, os.getpid(), "secret", Path("/etc/cabin.toml"))
    assert set(json.loads((folder / FILE).read_text())) == {"url", "pid", "token", "config"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert "secret" not in repr(discover(folder))


def test_a_restart_publishes_anew_and_the_end_withdraws(folder: Path) -> None:
    publish(folder, URL, "first")
    publish(folder, URL, "second")
    assert discover(folder).token == "second"
    withdraw(folder)
    withdraw(folder)
    assert list(folder.iterdir()) == []
    with pytest.raises(NotRunning, match="start one with 'cabin run'"):
        discover(folder)


def test_without_a_folder_nothing_runs(folder: Path) -> None:
    with pytest.raises(NotRunning, match="No cabin is running here"):
        discover(folder)
    withdraw(folder)


def test_a_core_that_died_is_said_to_have_ended_and_may_be_followed(folder: Path) -> None:
    publish(folder, URL, "old")
    (folder / FILE).write_text(json.dumps({"url": URL, "pid": ended_process(), "token": "old"}))
    with pytest.raises(NotRunning, match="has ended without a word"):
        discover(folder)
    publish(folder, URL, "new")
    assert discover(folder).token == "new"


def test_a_living_core_is_not_overwritten_nor_withdrawn_by_another(folder: Path) -> None:
    publish(folder, URL, "x")
    (folder / FILE).write_text(json.dumps({"url": URL, "pid": os.getppid(), "token": "theirs"}))
    with pytest.raises(AccessError, match=f"Another cabin is running \\(process {os.getppid()}\\)"):
        publish(folder, URL, "mine")
    withdraw(folder)
    assert discover(folder).token == "theirs"


@pytest.mark.parametrize("pid", [0, -1, 10**30])
def test_an_impossible_process_is_not_alive(folder: Path, pid: int) -> None:
    publish(folder, URL, "x")
    (folder / FILE).write_text(json.dumps({"url": URL, "pid": pid, "token": "x"}))
    with pytest.raises(NotRunning, match="has ended"):
        discover(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"url": "u", "pid": "x", "token": "t"}'])
def test_a_damaged_file_is_said(folder: Path, text: str) -> None:
    publish(folder, URL, "x")
    (folder / FILE).write_text(text)
    with pytest.raises(NotRunning, match="is damaged: restart the cabin"):
        discover(folder)


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_that_others_may_enter_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    for use in (lambda: publish(folder, URL, "x"), lambda: discover(folder)):
        with pytest.raises(AccessError, match="chmod 700"):
            use()
    assert list(folder.iterdir()) == []


def test_a_link_or_a_file_in_place_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    folder.symlink_to(real)
    with pytest.raises(AccessError, match="is not a folder"):
        publish(folder, URL, "x")
    with pytest.raises(AccessError, match="is not a folder"):
        discover(folder)
    assert list(real.iterdir()) == []
    folder.unlink()
    folder.write_text("")
    with pytest.raises(AccessError, match="cannot be used"):
        publish(folder, URL, "x")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_a_folder_of_another_user_is_refused_but_root_may_ask_the_core_in_it(folder: Path) -> None:
    publish(folder, URL, "x")
    os.chown(folder, 12345, 12345)
    with pytest.raises(AccessError, match="belongs to another user"):
        publish(folder, URL, "y")
    assert discover(folder).token == "x"


def test_where_commands_look() -> None:
    configured = Path("/run/cabin-agent")
    assert runtime_folders({"CABIN_RUNTIME": "/a", "XDG_RUNTIME_DIR": "/b"}, configured) == (Path("/a"),)
    assert runtime_folders({"XDG_RUNTIME_DIR": "/b"}, configured) == (Path("/b/cabin-agent"), configured)
    (own, last) = runtime_folders({}, configured)
    assert own.name == f"cabin-agent-{os.getuid()}"
    assert last == configured
    assert runtime_folders({}) == (own,)


def test_the_address_that_launches_the_kiosk(tmp_path: Path) -> None:
    dead, living = tmp_path / "dead", tmp_path / "living"
    publish(living, URL, "x")
    with pytest.raises(NotRunning, match="No cabin is running"):
        kiosk_address([dead, living])
    Access(tmp_path / "access.json").offer(living / TICKET)
    address = kiosk_address([dead, living])
    assert address == f"{URL}/kiosk/#ticket={kiosk_ticket([living])}"
    assert address.count("#") == 1
    withdraw(living)
    with pytest.raises(NotRunning):
        kiosk_address([dead, living])


def test_the_first_core_that_runs_is_found(tmp_path: Path) -> None:
    nowhere, dead, living = (tmp_path / name for name in ("nowhere", "dead", "living"))
    publish(dead, URL, "x")
    (dead / FILE).write_text(json.dumps({"url": URL, "pid": ended_process(), "token": "x"}))
    publish(living, URL, "here")
    assert find_core([nowhere, dead, living]).token == "here"
    with pytest.raises(NotRunning, match="has ended"):
        find_core([nowhere, dead])
    with pytest.raises(NotRunning, match="No cabin is running"):
        find_core([])
