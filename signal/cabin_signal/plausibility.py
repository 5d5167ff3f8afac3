"""Can this number be: hard limits of what a living adult can have, and what is rare enough to be measured again.

A value outside the hard limits is refused and asked for again; it is a fault, not a finding. A value outside what is
usual is measured once more before anybody is told, and is never dropped for being rare.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Quantity = Literal[
    "systolic", "diastolic", "pulse_pressure", "pulse_rate", "heart_rate", "spo2", "perfusion_index", "temperature",
    "weight", "height", "bmi", "threshold",
]  # fmt: skip
"""What can be judged; units mmHg, /min, %, Cel, kg, cm, kg/m2, and dB HL for a hearing threshold."""

Verdict = Literal["plausible", "repeat", "implausible"]
"""Taken as it is; measured once more first; refused."""


@dataclass(frozen=True, slots=True)
class Range:
    """Limits that still belong: outside `lowest`..`highest` it cannot be, outside `low`..`high` it is repeated."""

    lowest: float
    low: float
    high: float
    highest: float


RANGES: dict[Quantity, Range] = {
    "systolic": Range(50, 91, 159, 280),
    "diastolic": Range(30, 50, 99, 180),
    "pulse_pressure": Range(10, 20, 100, 150),
    "pulse_rate": Range(20, 45, 110, 250),
    "heart_rate": Range(20, 45, 110, 250),
    "spo2": Range(50, 94, 100, 100),
    "perfusion_index": Range(0.02, 0.3, 20, 20),
    "temperature": Range(30, 35.1, 38, 43),
    "weight": Range(20, 35, 200, 300),
    "height": Range(100, 140, 205, 230),
    "bmi": Range(10, 16.5, 40, 80),
    "threshold": Range(-10, -10, 80, 120),
}
"""For adults at rest: the hard limits refuse, the inner ones are where a doctor would be told at once."""

PULSE_OF_CUFF = (30.0, 220.0)
"""A cuff that counts fewer or more beats a minute has counted something else."""

PressureDoubt = Literal["systolic", "diastolic", "pulse-pressure", "mean-outside", "pulse-rate", "pulse-heart-differ"]
"""What is wrong with a blood pressure."""


def judge(quantity: Quantity, value: float) -> Verdict:
    """The verdict on one value in the unit of its quantity; NaN and infinities are implausible."""
    limits = RANGES[quantity]
    if not (math.isfinite(value) and limits.lowest <= value <= limits.highest):
        return "implausible"
    return "plausible" if limits.low <= value <= limits.high else "repeat"


def pressure_doubts(
    systolic: float,
    diastolic: float,
    mean: float | None = None,
    pulse_rate: float | None = None,
    heart_rate: float | None = None,
) -> tuple[PressureDoubt, ...]:
    """Why these pressures (mmHg) and rates (/min) cannot stand together; empty where they can.

    `heart_rate` is the ECG's of the same minutes. Any doubt refuses the reading.
    """
    found: list[tuple[PressureDoubt, bool]] = [
        ("systolic", judge("systolic", systolic) == "implausible"),
        ("diastolic", judge("diastolic", diastolic) == "implausible"),
        ("pulse-pressure", judge("pulse_pressure", systolic - diastolic) == "implausible"),
        ("mean-outside", mean is not None and not diastolic < mean < systolic),
        ("pulse-rate", pulse_rate is not None and not PULSE_OF_CUFF[0] <= pulse_rate <= PULSE_OF_CUFF[1]),
        ("pulse-heart-differ", _differ(pulse_rate, heart_rate)),
    ]
    return tuple(doubt for doubt, holds in found if holds)


def _differ(pulse_rate: float | None, heart_rate: float | None) -> bool:
    if pulse_rate is None or heart_rate is None:
        return False
    return not abs(pulse_rate - heart_rate) <= max(5.0, 0.1 * heart_rate)
