"""Hearing thresholds: of a test that the cabin makes itself, or as an audiometer transfers those of its own test.

Which it is follows from the instrument: one that plays single tones is led through the test (`hearing_test`).
"""

from __future__ import annotations

from typing import Literal

from cabin_agent.measuring import hearing_test
from cabin_agent.measuring.bedside import Bedside, evidence, heard, within
from cabin_agent.results import Measure, Outcome, Threshold
from drivers.events import HearingRecord, NoValue

LIMIT_S = 240.0
"""A test of both ears, and the transfer at its end."""


async def measure(bedside: Bedside, _: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Test both ears, or wait for their records; raises `Unmeasured` when nothing comes of it."""
    player = bedside.instruments.tones("audiometer")
    return await (_transferred(bedside) if player is None else hearing_test.measure(bedside, player))


async def _transferred(bedside: Bedside) -> tuple[Outcome, ...]:
    started = bedside.clock.wall_ms()
    ears: dict[str, HearingRecord] = {}
    with bedside.instruments.listen("audiometer") as ear:
        await bedside.instruments.start("audiometer")
        async with within(bedside, LIMIT_S, "timeout"):
            async for record in heard(ear, HearingRecord):
                ears[record.ear] = record
                if len(ears) == 2:
                    break
    thresholds = tuple(each for record in ears.values() for each in thresholds_of(record))
    untested = any(each.why == "not-tested" for each in thresholds if 500 <= each.hz <= 8000)
    grade: Literal["good", "usable"] = "usable" if untested else "good"
    reasons = ("not-tested",) if untested else ()
    proof = evidence(bedside, "audiometer", started, grade, *reasons, mode="air-conduction")
    return (Measure("hearing", {}, proof, thresholds=thresholds),)


def thresholds_of(record: HearingRecord) -> list[Threshold]:
    """One ear's thresholds in the vocabulary of the results."""
    return [_threshold(record.ear, hz, value) for hz, value in sorted(record.thresholds.items())]


def _threshold(ear: Literal["left", "right"], hz: int, value: float | NoValue) -> Threshold:
    if isinstance(value, NoValue):
        return Threshold(ear, hz, None, "no-response" if value.why == "no-response" else "not-tested")
    return Threshold(ear, hz, value)
