"""One value from several: oxygen saturation from its seconds, temperature and weight from their repeats.

Sources: clinical reference 2.2 (median of 10 s or more within 2 %, after 20 s of settling), 4 and 7 (repeats), 8.3
(what spreads more is called unstable).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from cabin_signal.findings import QualitySpan

SETTLING_S, STEADY_S, SPO2_RANGE = 20, 10, 2.0
"""Valid seconds let pass, then valid seconds in a row that must lie within so many percent."""
TEMPERATURE_FIRST, TEMPERATURE_MOST = 3, 5
TEMPERATURE_RANGE, TEMPERATURE_LIMIT = 0.3, 0.5
PAIR_MOST = 3
WEIGHT_TOLERANCE_KG, HEIGHT_TOLERANCE_CM = 0.2, 1.0
EDGE = 1e-9
"""Differences of decimal readings are compared with this much forgiveness: 70.3 - 70.1 is 0.2."""

Action = Literal["measure", "done"]
"""Whether another reading is needed."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A value that its readings agree on, in their unit."""

    value: float
    n: int
    """Readings that it rests on."""
    spread: float
    """Largest difference between them."""


@dataclass(frozen=True, slots=True)
class NoSpot:
    """No value, and why: too few readings, readings that do not agree, or that are not of one place."""

    why: Literal["too-few", "unstable", "mixed"]
    spread: float | None = None


def spo2_spot(seconds: Sequence[float | None]) -> Spot | NoSpot:
    """Saturation from one value a second, in percent, None where the sensor had none.

    The first 20 valid seconds settle the sensor's own averaging. Then the first ten valid seconds in a row that lie
    within 2 % are steady, and their median is the value.
    """
    run: list[float] = []
    valid, steady_yet = 0, False
    for second in seconds:
        valid += second is not None
        if second is None or valid <= SETTLING_S:
            run.clear()
            continue
        run = [*run[-(STEADY_S - 1) :], second]
        steady_yet |= len(run) == STEADY_S
        if len(run) == STEADY_S and _range(run) <= SPO2_RANGE + EDGE:
            return _spot(run)
    return NoSpot("unstable" if steady_yet else "too-few", _range(run) if run else None)


def seconds_that_count(
    seconds: Sequence[float | None], quality: Sequence[QualitySpan], fs: float
) -> list[float | None]:
    """The oximeter's value of each second, None where the pleth of that second does not bear one out.

    `seconds` begin with the pleth, whose spans (`ppg.PlethFindings.quality`, all since its begin) are in samples at
    `fs` Hz. A second of which any part is bad, or not graded yet, does not count: the oximeter averages over several
    beats, and goes on giving what it had while the finger moves.
    """
    graded = int(quality[-1].end / fs) if quality else 0
    bad = {
        second
        for span in quality
        if span.grade == "bad"
        for second in range(int(span.start / fs), int((span.end - 1) / fs) + 1)
    }
    return [value if n < graded and n not in bad else None for n, value in enumerate(seconds)]


def next_temperature(readings: Sequence[float]) -> Action:
    """Three readings, and two more where these spread over more than 0.3 degrees."""
    if len(readings) < TEMPERATURE_FIRST:
        return "measure"
    if len(readings) == TEMPERATURE_FIRST and _range(readings) <= TEMPERATURE_RANGE + EDGE:
        return "done"
    return "measure" if len(readings) < TEMPERATURE_MOST else "done"


def temperature_spot(readings: Sequence[float]) -> Spot | NoSpot:
    """The median of all readings (degrees Celsius, one site, one mode); unstable where they spread over 0.5."""
    if next_temperature(readings) == "measure":
        return NoSpot("too-few", _range(readings) if readings else None)
    limit = TEMPERATURE_RANGE if len(readings) == TEMPERATURE_FIRST else TEMPERATURE_LIMIT
    return _spot(readings) if _range(readings) <= limit + EDGE else NoSpot("unstable", _range(readings))


def next_of_pair(readings: Sequence[float], tolerance: float) -> Action:
    """Two readings in a row within `tolerance`, at most three in all."""
    enough = len(readings) >= PAIR_MOST or isinstance(pair_spot(readings, tolerance), Spot)
    return "done" if enough else "measure"


def pair_spot(readings: Sequence[float], tolerance: float) -> Spot | NoSpot:
    """The mean of the last two readings where they lie within `tolerance`: a weight (0.2 kg), a height (1 cm)."""
    if len(readings) < 2:
        return NoSpot("too-few")
    last = readings[-2:]
    return _spot(last) if _range(last) <= tolerance + EDGE else NoSpot("unstable", _range(last))


def _spot(readings: Sequence[float]) -> Spot:
    return Spot(median(readings), len(readings), _range(readings))


def _range(readings: Sequence[float]) -> float:
    return max(readings) - min(readings)
