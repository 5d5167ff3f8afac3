"""The mean threshold of an ear and the grades that published scales give it, each under its scale's name.

Mean of 500, 1000, 2000 and 4000 Hz. Sources: BIAP recommendation 02/1 (unheard tones count 120 dB, the mean is
rounded up to the next decibel, asymmetric ears weigh 7 to 3) and the World Report on Hearing, WHO 2021 (better ear,
unrounded). A grade is a line of a table, never a judgement of a person; screening is no certificate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MEAN_HZ = (500, 1000, 2000, 4000)
UNHEARD_DB = 120.0
"""What BIAP 02/1 counts for a tone that is not perceived."""
ASYMMETRIC_DB = 15.0
UNILATERAL_BETTER_DB, UNILATERAL_WORSE_DB = 20.0, 35.0


@dataclass(frozen=True, slots=True)
class NoResponse:
    """The tone was not answered at the loudest level there is."""

    above_db: float
    """That level: the threshold lies above it."""


Heard = float | NoResponse
"""What a tested frequency can yield; floats are dB."""
Level = Heard | None
"""None: not tested."""

BiapGrade = Literal[
    "up-to-20", "mild", "moderate-1", "moderate-2", "severe-1", "severe-2",
    "profound-1", "profound-2", "profound-3", "total",
]  # fmt: skip
BIAP: tuple[tuple[int, BiapGrade], ...] = (
    (20, "up-to-20"), (40, "mild"), (55, "moderate-1"), (70, "moderate-2"), (80, "severe-1"), (90, "severe-2"),
    (100, "profound-1"), (110, "profound-2"), (119, "profound-3"), (120, "total"),
)  # fmt: skip
"""Highest mean, in whole dB, of each grade."""

WhoGrade = Literal["below-20", "mild", "moderate", "moderately-severe", "severe", "profound", "complete"]
WHO: tuple[tuple[float, WhoGrade], ...] = (
    (20, "below-20"), (35, "mild"), (50, "moderate"), (65, "moderately-severe"), (80, "severe"), (95, "profound"),
    (math.inf, "complete"),
)  # fmt: skip
"""The mean below which each grade ends."""


@dataclass(frozen=True, slots=True)
class Average:
    """Mean threshold of one ear, dB."""

    db: float
    at_least: bool
    """A tone had no response: it counts with the loudest level, and the mean is a lower bound."""


@dataclass(frozen=True, slots=True)
class NoAverage:
    """No mean: these frequencies were not tested."""

    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Biap:
    """BIAP 02/1: the mean loss in whole dB, rounded up, and its grade."""

    db: int
    grade: BiapGrade


@dataclass(frozen=True, slots=True)
class Who:
    """WHO 2021: the better ear's mean and grade."""

    db: float
    grade: WhoGrade
    at_least: bool
    unilateral: bool
    """Better ear below 20 dB, worse ear at 35 dB or more."""


def number(level: Level) -> float | None:
    """The level in dB, the loudest one where there was no response; None where nothing was found (NaN too)."""
    db = level.above_db if isinstance(level, NoResponse) else level
    return float(db) if db is not None and math.isfinite(db) else None


def average(levels: Mapping[int, Level]) -> Average | NoAverage:
    """Mean of the four frequencies; `levels` by frequency in Hz."""
    numbers = {hz: number(levels.get(hz)) for hz in MEAN_HZ}
    missing = tuple(hz for hz, db in numbers.items() if db is None)
    if missing:
        return NoAverage(missing)
    mean = math.fsum(db for db in numbers.values() if db is not None) / len(MEAN_HZ)
    return Average(mean, any(isinstance(levels[hz], NoResponse) for hz in MEAN_HZ))


def biap(levels: Mapping[int, Level]) -> Biap | NoAverage:
    """One ear after BIAP 02/1."""
    mean = average({hz: UNHEARD_DB if isinstance(level, NoResponse) else level for hz, level in levels.items()})
    return mean if isinstance(mean, NoAverage) else _biap(mean.db)


def biap_both(left: Mapping[int, Level], right: Mapping[int, Level]) -> Biap | NoAverage | None:
    """Both ears after BIAP 02/1 where they differ by more than 15 dB: (7·better + 3·worse) / 10; None where not."""
    one, other = biap(left), biap(right)
    if isinstance(one, NoAverage):
        return one
    if isinstance(other, NoAverage):
        return other
    better, worse = sorted((one.db, other.db))
    return _biap((7 * better + 3 * worse) / 10) if worse - better > ASYMMETRIC_DB else None


def _biap(mean: float) -> Biap:
    db = math.ceil(round(mean, 6))
    return Biap(db, next((grade for highest, grade in BIAP if db <= highest), "total"))


def who(left: Mapping[int, Level], right: Mapping[int, Level]) -> Who | NoAverage:
    """Both ears after WHO 2021; needs both means."""
    one, other = average(left), average(right)
    if isinstance(one, NoAverage):
        return one
    if isinstance(other, NoAverage):
        return other
    better, worse = sorted((one, other), key=lambda each: each.db)
    grade = next(grade for below, grade in WHO if better.db < below)
    unilateral = better.db < UNILATERAL_BETTER_DB and worse.db >= UNILATERAL_WORSE_DB
    return Who(better.db, grade, better.at_least, unilateral)
