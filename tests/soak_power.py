"""Power cuts: a program's writes are logged by strace, cut off at many points, and what a disk may hold is opened.

Between two cuts nothing runs but the product: the disk is `soak_disk`'s model, replayed from the log.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak_disk import Call, Disk
from tests.soak_power_check import CHECKS, Promises
from tests.soak_strace import calls, traced

ROOT = Path(__file__).resolve().parent.parent
FAST = Path("/dev/shm")
"""Where the disk's images are opened: their own fsync need not cost anything."""


@dataclass(slots=True)
class Outcome:
    """What the cuts of one program showed."""

    kind: str
    synchronous: str
    runs: int = 1
    calls: int = 0
    promises: int = 0
    cuts: int = 0
    bad: int = 0
    """Cuts after which something was wrong."""
    problems: Counter[str] = field(default_factory=Counter)


PROGRAMS = (
    *((kind, "FULL") for kind in CHECKS),
    ("outbox", "NORMAL"), ("outbox", "OFF"), ("store", "NORMAL"), ("store", "OFF"),
)  # fmt: skip
"""What is cut, and the controls: SQLite less careful than the product, which must be seen to lose."""


def logged(kind: str, seed: int, synchronous: str, folder: Path) -> list[Call]:
    """What one run of a program did to its folder."""
    place, marks, log = folder / "files", folder / "marks", folder / "strace.log"
    place.mkdir()
    program = [sys.executable, "-m", "tests.soak_power_writer", kind, place, marks, seed, synchronous]
    path = os.pathsep.join([str(ROOT), str(ROOT / "signal"), os.environ.get("PYTHONPATH", "")])
    traced([str(word) for word in program], log, {**os.environ, "PYTHONPATH": path})
    return list(calls(log, place, marks))


def cut(kind: str, seed: int, cuts: int, synchronous: str = "FULL") -> Outcome:
    """Run a program once, and cut its power `cuts` times, at points and in ways that the seed gives."""
    with tempfile.TemporaryDirectory(prefix="power-") as folder:
        done = logged(kind, seed, synchronous, Path(folder))
    outcome = Outcome(kind, synchronous, calls=len(done), promises=sum(call.kind == "mark" for call in done))
    dice, disk, promises = random.Random(seed), Disk(), Promises()
    points = Counter(_moments(done, cuts, dice))
    for at, call in enumerate([*done, Call("end")]):
        for _ in range(points[at]):
            _look(outcome, disk, promises, dice)
        if call.kind == "mark":
            promises.hear(call.data.decode())
        else:
            disk.apply(call)
    return outcome


def _moments(done: list[Call], cuts: int, dice: random.Random) -> Iterator[int]:
    """Half anywhere, half just after names have changed, which is seldom."""
    names = [at for at, call in enumerate(done) if call.kind in ("create", "unlink", "rename")]
    for number in range(cuts):
        yield dice.randrange(len(done) + 1) if number % 2 else min(dice.choice(names) + dice.randrange(40), len(done))


def _look(outcome: Outcome, disk: Disk, promises: Promises, dice: random.Random) -> None:
    with tempfile.TemporaryDirectory(prefix="power-", dir=FAST if FAST.is_dir() else None) as place:
        # A lock may lie beside the folder of files.
        folder = Path(place) / "files"
        folder.mkdir()
        disk.leave(folder, dice)
        problems = CHECKS[outcome.kind](folder, promises)
    outcome.cuts += 1
    outcome.bad += bool(problems)
    outcome.problems.update(problems)


def merged(outcomes: Iterable[Outcome]) -> Outcome:
    """Several runs of one program as one."""
    first, *others = outcomes
    for each in others:
        first.runs += 1
        first.calls += each.calls
        first.promises += each.promises
        first.cuts += each.cuts
        first.bad += each.bad
        first.problems += each.problems
    return first
