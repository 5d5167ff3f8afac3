"""The units: little exposed, well formed, and what they start works under what they forbid."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cabin_agent.__main__ import VERBS
from cabin_agent.demo import processes
from tests.bundles import measured
from tests.cabin import Cabin
from tests.hardened import allowed, settings

FOLDER = Path(__file__).resolve().parent.parent / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
HARDENED = Path(__file__).resolve().parent / "hardened.py"
MOST = 1.5
"""Exposure from 0 (none) to 10, as `systemd-analyze security` counts it."""

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """`systemd-analyze`, which needs no running systemd for what is asked here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd to run this test")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60)


@every_unit
def test_a_unit_is_little_exposed(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST * 10:.0f}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def test_a_bare_unit_would_be_seen(tmp_path: Path) -> None:
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert analyze("security", "--offline=true", f"--threshold={MOST * 10:.0f}", bare).returncode == 1


@every_unit
def test_a_unit_is_well_formed(unit: Path, tmp_path: Path) -> None:
    program = tmp_path / "cabin"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = unit.read_text()
    assert "ExecStart=/opt/cabin/bin/cabin " in text
    copy = tmp_path / unit.name
    copy.write_text(text.replace("/opt/cabin/bin/cabin", str(program)))
    done = analyze("verify", "--man=no", "--recursive-errors=no", copy)
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]
    assert complaints == [], done.stderr


def test_a_mistake_in_a_unit_would_be_seen(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.service"
    wrong.write_text("[Service]\nExecStart=/bin/true\nWatchdogSek=60\n")
    assert "WatchdogSek" in analyze("verify", "--man=no", wrong).stderr


@every_unit
def test_a_unit_starts_a_verb_that_there_is(unit: Path) -> None:
    started = re.findall(r"^ExecStart=/opt/cabin/bin/cabin (\w+)", unit.read_text(), re.M)
    assert len(started) == 1 and started[0] in VERBS


@every_unit
def test_a_unit_is_watched_and_leaves_no_copy(unit: Path) -> None:
    asked = settings(unit)
    assert asked["Type"] == ["notify"] and int(asked["WatchdogSec"][0]) >= 30
    assert "NotifyAccess" not in asked, "the main process alone"
    assert (asked["LimitCORE"], asked["CoredumpFilter"], asked["MemorySwapMax"]) == (["0"], ["0"], ["0"])


def test_every_unit_is_installed_as_the_readme_says() -> None:
    readme = (FOLDER / "README.md").read_text()
    assert [unit.name for unit in UNITS if f"`{unit.name}`" not in readme] == []


# --- under the filters, for real ----------------------------------------------------------------------------------

PROBE = """
import cffi, mmap, os, socket, sys
def tried(what):
    try:
        what()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"
print(tried(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)))
print(tried(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)))
print(tried(lambda: os.setns(0, 0) if hasattr(os, "setns") else os.chroot("/")))
print(tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)))
print(tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)))
"""


def hardened(unit: str, *command: str) -> list[str]:
    """A command under the filters of one of our units."""
    analyze("--version")
    return [sys.executable, str(HARDENED), str(FOLDER / unit), *command]


@pytest.mark.processes
def test_the_filters_forbid_what_the_unit_forbids() -> None:
    done = subprocess.run(
        hardened("cabin-agent.service", sys.executable, "-c", PROBE), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["PermissionError", "done", "PermissionError", "PermissionError", "done"], (
        done.stderr
    )


def test_a_set_that_is_taken_away_is_gone() -> None:
    analyze("--version")
    calls = allowed(["@system-service", "~@privileged @resources"])
    assert {"read", "openat", "futex", "epoll_wait"} <= calls
    assert not calls & {"chroot", "setpriority", "mount", "ptrace", "reboot"}


@pytest.mark.processes
async def test_a_whole_check_up_under_the_filters_of_the_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Core, media and gateway each under its own; what the kernel refuses them would end the visit or be logged."""
    plain = processes.python
    units = {"run": "cabin-agent.service", "media": "cabin-media.service", "gateway": "cabin-gateway.service"}

    def python(*words: str) -> list[str]:
        command = plain(*words)
        unit = units.get(words[1]) if words[0] == "cabin_agent" else None
        return hardened(unit, *command) if unit else command

    monkeypatch.setattr("cabin_agent.demo.cabin.python", python)
    async with Cabin(measures=("spo2", "pulse_rate")) as cabin:
        assert all(under_filters(cabin.child(name).pid) for name in ("core", "gateway"))
        bundle = await cabin.delivered(await cabin.finish())
        assert measured(bundle, "spo2")
        for name in ("core", "gateway"):
            assert not writable_code(cabin.child(name).pid), name
            log = cabin.child(name).log.read_text(errors="replace")
            assert "Operation not permitted" not in log and "Traceback" not in log, log[-2000:]


def under_filters(pid: int) -> bool:
    """Whether the kernel filters the system calls of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return "Seccomp:\t2\n" in status and "NoNewPrivs:\t1\n" in status


def writable_code(pid: int) -> list[str]:
    """Mappings of a process that may be written and executed."""
    return [line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if line.split()[1][1:3] == "wx"]


def test_a_writable_code_page_would_be_seen() -> None:
    import mmap

    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
        assert writable_code(os.getpid())
