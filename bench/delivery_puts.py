"""What a durable put costs, beside the least that is durable and two queues that anybody would take."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.cabin import BenchError
from bench.figures import Chapter, Figure, median, number, percentile

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".venv-bench" / "bin" / "python"
SIZE = 5000
PEER_STORES = ("litequeue", "persist-queue")
NAMES = {
    "bare": "append and fdatasync",
    "outbox": "outbox, the store alone",
    "sealed": "outbox, seal included",
    "litequeue": "litequeue",
    "persist-queue": "persist-queue SQLiteAckQueue",
}


async def chapter(quick: bool) -> Chapter:
    """Every store in turn, several times."""
    rounds, puts = (3, 200) if quick else (9, 1000)
    if not PEERS.exists():
        raise BenchError("The peers are not installed: run `make bench-delivery`, which installs them by itself.")
    # In turns, and rates against the bare ones of the same round: the machine is not always equally busy.
    taken = [{name: _puts(name, puts) for name in NAMES} for _ in range(rounds)]
    return Chapter(
        "Durable puts",
        f"{puts} puts of {SIZE:,} random bytes by each store in a new folder on the disk, {rounds} rounds in turns, "
        "each in a process of its own. The peers are as they come: litequeue does not wait for the disk at each put "
        "(fdatasync counts below), so it may lose what it has accepted when the power fails; persist-queue does. "
        "Ratios are medians of the rounds' ratios. Calls are counted by strace over 100 puts in a run of their own.",
        tuple(_figure(name, [one[name] for one in taken], [one["bare"] for one in taken]) for name in NAMES),
    )


def _figure(name: str, rounds: list[list[float]], bare: list[list[float]]) -> Figure:
    rate = median([len(taken) / sum(taken) for taken in rounds])
    ratios = [sum(least) / sum(taken) for taken, least in zip(rounds, bare, strict=True)]
    slow = 1000 * percentile([each for taken in rounds for each in taken], 99)
    remark = f"{number(rate)} puts/s, p99 {number(slow)} ms; {_syncs(name)}"
    limit = 0.8 if name == "outbox" else None
    return Figure(f"{NAMES[name]}, rate against bare", median(ratios), "", limit, remark=remark, at_least=True)


def _puts(name: str, puts: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="cabin-bench-", dir="/var/tmp") as folder:
        return list(json.loads(_run([], name, folder, puts).stdout))


def _syncs(name: str) -> str:
    """Writes that waited for the disk, over 100 puts."""
    if shutil.which("strace") is None:
        return "calls not counted: strace is not installed"
    trace = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync"]
    with tempfile.TemporaryDirectory(prefix="cabin-bench-", dir="/var/tmp") as folder:
        counted, opened = (_calls(_run(trace, name, folder, puts).stderr) for puts in (100, 0))
    return f"{counted - opened} fsync or fdatasync per 100 puts"


def _calls(summary: str) -> int:
    rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(?:fsync|fdatasync)$", summary, re.M)
    return sum(int(row) for row in rows)


def _run(before: list[str], name: str, folder: str, puts: int) -> subprocess.CompletedProcess[str]:
    python = str(PEERS) if name in PEER_STORES else sys.executable
    command = [*before, python, "-m", "bench.delivery_stores", name, folder, str(puts), str(SIZE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{NAMES[name]} failed: {done.stderr.strip()[-300:]}")
    return done
