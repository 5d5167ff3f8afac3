"""What may be killed: how each is started, whether it is at work, how it died."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak_points import Slot, code, names

OUTSIDE = "from outside, at a random moment"


@dataclass(slots=True)
class Victim:
    """One process that dies and comes back. Times are monotonic seconds."""

    role: str
    slot: Slot
    start: Callable[[], int]
    points: Path | None = None
    """Where the points that it has passed are noted; None: it can only be killed from outside."""
    steps: Callable[[], int] | None = None
    """How far it has come, where it cannot say so itself."""
    pid: int = 0
    """0 while it is dead."""
    back_at: float = 0.0
    doomed_at: float = float("inf")
    """When it is killed from outside, should it not have reached the point for which it was armed."""
    steps_before: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    idle_kills: int = 0
    """Kills that hit it before it had done anything; they do not count."""

    @property
    def kind(self) -> str:
        """The role without its number."""
        return self.role.partition("-")[0]

    def revive(self) -> None:
        """Start it anew."""
        self.steps_before = self.steps() if self.steps else 0
        self.pid = self.start()
        self.doomed_at = float("inf")

    def at_work(self) -> bool:
        """Whether it lives and has done a step since its start."""
        return bool(self.pid) and self._worked()

    def _worked(self) -> bool:
        return self.steps() > self.steps_before if self.steps else self.slot.steps > 0

    def aim(self, dice: random.Random, now: float) -> None:
        """Let it die: at one of the points that were hit least so far, or at once."""
        known = sorted(names(self.points).values()) if self.points else []
        if not known or dice.random() < 0.15:
            self.shoot()
            return
        fewest = min(self.kills[name] for name in known)
        name = dice.choice([name for name in known if self.kills[name] <= fewest + 1])
        self.slot.skip = dice.choice((0, 0, 1, 3, 8))
        self.slot.armed = code(name)
        self.doomed_at = now + 4.0

    def shoot(self) -> None:
        """SIGKILL from outside."""
        os.kill(self.pid, signal.SIGKILL)
        self.doomed_at = float("inf")

    def died(self, status: int) -> str:
        """It was found dead with a wait status: note the kill; what is wrong where it was none, else empty."""
        self.pid = 0
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            return f"{self.role} ended by itself with status {status}"
        where = names(self.points).get(self.slot.hit, OUTSIDE) if self.points else OUTSIDE
        if self._worked():
            self.kills[where] += 1
        else:
            self.idle_kills += 1
        return ""
