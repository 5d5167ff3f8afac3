"""Weight and height on one scale, and the body mass index from both."""

from __future__ import annotations

from collections.abc import Mapping

from cabin_agent.instruments import Ear
from cabin_agent.measuring.advice import FEET, feet_wrong
from cabin_agent.measuring.bedside import Bedside, Unmeasured, computed, evidence, heard_or_silence, within
from cabin_agent.results import Measure, NotMeasured, Outcome, Quantity
from cabin_signal.bmi import bmi
from cabin_signal.plausibility import judge
from cabin_signal.spot import HEIGHT_TOLERANCE_CM, WEIGHT_TOLERANCE_KG, NoSpot, Spot, next_of_pair, pair_spot
from drivers.events import NoValue, Reading, Value

LIMIT_S = 30.0
SILENCE_S = 3.0
"""Real seconds after which a scale that is asked every two would have answered, were nobody moving on it."""

BREATH_S = 0.1
"""Real seconds in which the rest of one report has come."""


async def measure(bedside: Bedside, before: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Two locked weights that agree, with the height of the same messages; raises `Unmeasured`.

    A scale with a clock weighs once for each person, and dates it: that one weighing is the weight. Any other has to
    be seen empty, or moving, after the visit in which it weighed somebody last.
    """
    started = bedside.clock.wall_ms()
    weights: list[float] = []
    heights: list[float] = []
    kept = {"weight": weights, "height": heights}
    coach, told_at = bedside.coach(FEET), bedside.clock.now()
    before_it: Value | None = None
    finished = False
    limit_s = bedside.longest("scale", LIMIT_S)
    with bedside.instruments.listen("scale") as ear:
        await bedside.instruments.start("scale")
        async with within(bedside, limit_s, "nobody"):
            async for reading in heard_or_silence(ear, SILENCE_S, Reading):
                if reading is None or reading.quantity == "weight":
                    now = bedside.clock.now()
                    coach.hear(_wrong(bedside, reading, before_it), now - told_at)
                    told_at, before_it = now, reading and reading.value
                if reading is None:
                    continue
                # The last word of a message is its BMI, where it has one; else the next message begins.
                if reading.quantity == "weight" and _enough(weights):
                    break
                if "locked" in reading.flags and not isinstance(reading.value, NoValue):
                    kept.get(reading.quantity, []).append(reading.value)
                    finished = reading.quantity == "weight" and reading.taken is not None
                if finished or (reading.quantity == "bmi" and _enough(weights)):
                    break
        if finished:
            await _rest_of_weighing(ear, kept)
    weight = _agreed(weights, WEIGHT_TOLERANCE_KG, finished)
    height = _agreed(heights[-2:], HEIGHT_TOLERANCE_CM, finished)
    if not isinstance(weight, Spot) or judge("weight", weight.value) == "implausible":
        raise Unmeasured("unstable" if not isinstance(weight, Spot) else "implausible")
    first = _measured(bedside, started, "weight", weight, "kg", *_unshown(bedside, finished))
    if not isinstance(height, Spot) or judge("height", height.value) == "implausible":
        return first, NotMeasured("height", "failed", "missing"), NotMeasured("bmi", "failed", "missing")
    second = _measured(bedside, started, "height", height, "cm")
    return first, second, _bmi(first, second, len(before))


async def _rest_of_weighing(ear: Ear, kept: Mapping[str, list[float]]) -> None:
    """Keep what a scale that dates its weighings says in the same breath: the height, where it knows it."""
    async for reading in heard_or_silence(ear, BREATH_S, Reading):
        if reading is None:
            return
        if reading.quantity == "height" and "locked" in reading.flags and not isinstance(reading.value, NoValue):
            kept["height"].append(reading.value)


def _agreed(readings: list[float], tolerance: float, finished: bool) -> Spot | NoSpot:
    """What readings amount to; one is enough where the scale has `finished` its own measurement."""
    return Spot(readings[0], 1, 0.0) if finished and len(readings) == 1 else pair_spot(readings, tolerance)


def _enough(weights: list[float]) -> bool:
    return bool(weights) and next_of_pair(weights, WEIGHT_TOLERANCE_KG) == "done"


def _wrong(bedside: Bedside, weight: Reading | None, before_it: Value | None) -> set[str]:
    """What is wrong on the scale, in the words of `advice.FEET`."""
    care = bedside.instruments.care("scale")
    return {"not-emptied"} if care is not None and care.not_emptied else feet_wrong(weight, before_it)


def _unshown(bedside: Bedside, dated: bool) -> tuple[str, ...]:
    """What the doctor has to know of a scale that neither shows when it is empty nor dates its weighings."""
    return () if dated or bedside.instruments.shows_empty("scale") else ("empty-not-shown",)


def _measured(bedside: Bedside, started: int, name: str, spot: Spot, unit: str, *notes: str) -> Measure:
    proof = evidence(bedside, "scale", started, "good", readings=spot.n, spread=round(spot.spread, 2), notes=notes)
    return Measure("weight" if name == "weight" else "height", {"value": Quantity(round(spot.value, 2), unit)}, proof)


def _bmi(weight: Measure, height: Measure, position: int) -> Outcome:
    """The index, derived from the two outcomes that begin at `position` of the visit's list."""
    value = bmi(weight.values["value"].value, height.values["value"].value)
    if judge("bmi", value) == "implausible":
        return NotMeasured("bmi", "implausible", "implausible")
    proof = computed((weight, height), "good")
    return Measure("bmi", {"value": Quantity(round(value, 1), "kg/m2")}, proof, derived_from=(position, position + 1))
