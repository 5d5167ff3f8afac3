"""Repeated blood pressure readings: when to measure again, and what the repeats amount to.

Three readings, the mean of the last two (ESH 2021); one more where the first two differ by 10 mmHg or more. What the
last two then still disagree on is said, not averaged away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

PLANNED, MOST = 3, 4
DIFFERENT_MMHG = 10.0


@dataclass(frozen=True, slots=True)
class Pressure:
    """One accepted reading in mmHg."""

    systolic: float
    diastolic: float


@dataclass(frozen=True, slots=True)
class PressureMean:
    """The mean of the last two readings, in mmHg."""

    systolic: float
    diastolic: float
    n: int
    """Readings taken, of which the last two count."""
    spread: float
    """Largest difference between the two that count, systolic or diastolic."""

    @property
    def stable(self) -> bool:
        """False where the two that count differ by 10 mmHg or more: the value is to be read with care."""
        return self.spread < DIFFERENT_MMHG


def next_action(readings: Sequence[Pressure]) -> Literal["measure", "done"]:
    """What to do after these accepted readings, in the order they were taken."""
    if len(readings) < PLANNED:
        return "measure"
    again = len(readings) < MOST and difference(readings[0], readings[1]) >= DIFFERENT_MMHG
    return "measure" if again else "done"


def mean_of_last_two(readings: Sequence[Pressure]) -> PressureMean | None:
    """The pressure that the readings amount to; None for fewer than two, which have no mean."""
    if len(readings) < 2:
        return None
    a, b = readings[-2:]
    return PressureMean(
        (a.systolic + b.systolic) / 2, (a.diastolic + b.diastolic) / 2, len(readings), difference(a, b)
    )


def difference(a: Pressure, b: Pressure) -> float:
    """The larger of the systolic and the diastolic difference, mmHg."""
    return max(abs(a.systolic - b.systolic), abs(a.diastolic - b.diastolic))
