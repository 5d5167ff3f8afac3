"""What is told to the agent while a measure runs: the worst thing that has held for about a second, and no flapping.

`Coaching` is pure. Each measure has a table of what it can tell (`Holds`), the worst first, with how many seconds a
code must hold before it is said. What is wrong counts up, what is right counts down, so that a beat of noise in good
seconds says nothing and a good beat among noise takes nothing back. Times are seconds of the signal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from drivers.events import Wave

Holds = Mapping[str, float]
"""Code of the family "reason" -> seconds it must hold before it is said; in the order of how much it matters."""

CLEAR_S = 1.0
"""What was said is taken back when it was not so for as long."""
LONGEST_STEP_S = 1.0
"""A longer silence says no more than this about what was wrong in it."""
_EDGE = 1e-9
"""Ten tenths of a second are one."""


@dataclass(slots=True)
class Coaching:
    """One sentence at a time, as its code; the empty code takes back what stands on the screen."""

    holds: Holds
    _level: dict[str, float] = field(default_factory=dict)
    """0: not so; 1: so for long enough."""
    _holding: set[str] = field(default_factory=set)
    _good_s: float = 0.0
    _said: str | None = None
    """None: whatever an earlier attempt left on the screen."""

    def step(self, wrong: Collection[str], seconds: float) -> str | None:
        """What to say now that `wrong` held for so many seconds more; None where that has not changed.

        Codes that the table does not have are left to the grading.
        """
        seconds = min(max(0.0, seconds), LONGEST_STEP_S)
        for code, hold in self.holds.items():
            self._weigh(code, seconds / hold if code in wrong else -seconds / CLEAR_S)
        self._good_s = 0.0 if any(code in wrong for code in self.holds) else self._good_s + seconds
        return self._news(next((code for code in self.holds if code in self._holding), ""))

    def _weigh(self, code: str, change: float) -> None:
        level = min(1.0, max(0.0, self._level.get(code, 0.0) + change))
        self._level[code] = level
        if level > 1.0 - _EDGE:
            self._holding.add(code)
        elif level < _EDGE:
            self._holding.discard(code)

    def _news(self, code: str) -> str | None:
        # What an earlier attempt said stays until this one has been good for a while.
        early = self._said is None and not code and self._good_s < CLEAR_S
        if code == self._said or early:
            return None
        self._said = code
        return code


class Coach:
    """Coaching that says it: one for each attempt at a measure."""

    def __init__(self, say: Callable[[str], None], holds: Holds) -> None:
        """`say` shows the sentence of a code to the agent; nothing for the empty one."""
        self._say, self._coaching = say, Coaching(holds)

    def hear(self, wrong: Collection[str], seconds: float) -> None:
        """What is wrong, and for how many seconds of the signal it has been so since this was last told."""
        code = self._coaching.step(wrong, seconds)
        if code is not None:
            self._say(code)


def lasting(wave: Wave) -> float:
    """Seconds of signal in one block."""
    return len(wave.samples) / wave.rate
