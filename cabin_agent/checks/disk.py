"""The folder of the state: can be written, has room, and keeps what it was given."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from cabin_agent.checks.line import Line, ok, wrong

PART = "disk"
FREE_MB = 256
"""Beside what the outbox may take: the open visit, its recording and the logs."""
SLOW_S = 2.0
"""For a few kilobytes: a disk that takes longer holds up each step of a visit."""


def lines(state_dir: Path, quota_mb: int) -> list[Line]:
    """Write a small file, have it put on the disk, and remove it; `quota_mb` is what the outbox may grow to."""
    try:
        took = _write(state_dir)
        free_mb = shutil.disk_usage(state_dir).free >> 20
    except OSError as error:
        says = f"{state_dir} cannot be written ({error.strerror})."
        return [wrong(PART, says, "Give the folder to the account of the cabin, and look whether the disk is sound.")]
    if took > SLOW_S:
        return [wrong(PART, f"The disk takes {took:.1f} s to keep 4 KB.", "Replace the disk of this machine.")]
    if free_mb < FREE_MB + _left(state_dir, quota_mb):
        says = f"{free_mb} MB are free in {state_dir}; the outbox alone may take {quota_mb} MB."
        return [wrong(PART, says, "Make room on the disk, or lower [record] quota_mb.")]
    return [ok(PART, f"{state_dir}: {free_mb} MB free, a write is kept after {1000 * took:.0f} ms.")]


def _left(state_dir: Path, quota_mb: int) -> int:
    """Megabytes that the outbox may still take."""
    try:
        return max(0, quota_mb - ((state_dir / "outbox.db").stat().st_size >> 20))
    except OSError:
        return quota_mb


def _write(folder: Path) -> float:
    """Seconds until 4 KB were on the disk."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".check-") as file:
        began = time.monotonic()
        file.write(os.urandom(4096))
        file.flush()
        os.fsync(file.fileno())
        return time.monotonic() - began
