"""Starts detectors over cases, each in its own process and as many at a time as there are cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.cabin import BenchError
from bench.signal_cases import ROOT, Case, Truth, data_folder
from bench.signal_detectors import OURS, Found
from bench.signal_score import WIDE_S, Score, score

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
"""Where the peers are installed; ours runs there too, on the same numpy."""
TURNS = (OURS, "wfdb gqrs", "wfdb xqrs")
"""Those with most to do go first, so that no core waits for one at the end."""


@dataclass(frozen=True, slots=True)
class Result:
    """One detector in one case."""

    case: Case
    truth: Truth
    found: Found

    def score(self, window_s: float = WIDE_S, shift_ms: float = 0.0, withhold: bool = False) -> Score:
        """Against the reference; `withhold`: beats of bad seconds are not counted."""
        withheld = self.found.bad if withhold else ()
        t = self.truth
        return score(t.beats, self.found.beats, t.fs, t.left_out, window_s, shift_ms, withheld)

    @property
    def late_ms(self) -> list[float]:
        """How long after its R each beat was announced."""
        both = zip(self.found.known, self.found.beats, strict=True)
        return [(known - beat) * 1000 / self.truth.fs for known, beat in both]


def run(jobs: Mapping[str, Sequence[Case]], alone: bool = False) -> dict[str, list[Result]]:
    """What each detector (a key of `signal_detectors.DETECTORS`) found in its cases, in their order.

    `alone`: one after the other, so that none disturbs another's processor time. BenchError where peers or
    recordings are not there, or where a process fails.
    """
    ready()
    order = sorted(jobs, key=lambda name: TURNS.index(name) if name in TURNS else len(TURNS))
    workers = 1 if alone else len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        waiting = {name: pool.submit(_run, name, jobs[name], Path(folder)) for name in order}
        return {name: waiting[name].result() for name in jobs}


def ready() -> None:
    """BenchError unless peers and recordings are there."""
    if not PYTHON.exists():
        raise BenchError("The peers are not installed: run `make bench-signal`, which installs them by itself.")
    if not (data_folder() / "mitdb").is_dir():
        raise BenchError(f"The real recordings are not at {data_folder()}: set CABIN_DATA to where they are.")


def python(*arguments: str) -> str:
    """What a module prints that is run in the peers' environment; BenchError where it fails."""
    done = subprocess.run([str(PYTHON), "-m", *arguments], cwd=ROOT, env=_env(), capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{arguments[0]} {arguments[1:2]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _run(name: str, cases: Sequence[Case], folder: Path) -> list[Result]:
    asked, answer = (folder / f"{name}.{end}.json" for end in ("cases", "found"))
    asked.write_text(json.dumps([asdict(case) for case in cases]))
    python("bench.signal_work", name, str(asked), str(answer))
    print(f"  {name}: {len(cases)} cases", file=sys.stderr, flush=True)
    both = zip(cases, json.loads(answer.read_text()), strict=True)
    return [Result(case, _truth(**each["truth"]), Found(**each["found"])) for case, each in both]


def _truth(length: int, fs: float, beats: list[int], left_out: list[tuple[int, int]]) -> Truth:
    return Truth(length, fs, np.array(beats, dtype=np.int64), tuple((start, end) for start, end in left_out))


def _env() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "signal")])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CABIN_DATA": str(data_folder())}
