"""The machine under the figures, and what one process costs it, as Linux counts (proc(5))."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import median

PROC = Path("/proc")
SPIN = 1_000_000
"""Rounds of the loop that calibrates a core."""


def description() -> str:
    """Processor, memory, system and Python; no name of the host."""
    cores = len(os.sched_getaffinity(0))
    memory = int(_field((PROC / "meminfo").read_text(), "MemTotal")) / 2**20
    system = ".".join(platform.release().split(".")[:2])
    return (
        f"{cores} cores of “{_processor()}”, {memory:.0f} GiB of memory, Linux {system}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    lines = (PROC / "cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def load() -> str:
    """Mean number of running processes over the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used, in steps of 10 ms."""
    # The name of the program stands in brackets and may hold anything.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int | str) -> float:
    """Resident memory of a process in megabytes (10^6 bytes)."""
    return _memory(pid, "VmRSS")


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    lists = (PROC / str(pid) / "task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def highest_mb(pid: int | str) -> float:
    """The most that was ever resident of a process in megabytes (10^6 bytes)."""
    return _memory(pid, "VmHWM")


def resident_of(code: str) -> float:
    """Resident memory, in megabytes, of a bare Python that has run `code`."""
    report = f"{code}\nfrom bench.machine import resident_mb\nprint(resident_mb('self'))"
    return float(subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True).stdout)


def spin_s() -> float:
    """Processor seconds of a fixed loop on this machine now: the yardstick for any other processor time."""
    return median([_spin() for _ in range(5)])


def _spin() -> float:
    began = time.process_time()
    total = 0
    for n in range(SPIN):
        total += n & 3
    return time.process_time() - began


def _memory(pid: int | str, name: str) -> float:
    return int(_field((PROC / str(pid) / "status").read_text(), name)) * 1024 / 1e6


def _field(text: str, name: str) -> str:
    """The number behind `name:` in a file of /proc."""
    return next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name}:"))
