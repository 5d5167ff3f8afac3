"""Blood pressure: one inflation at a time, the protocol's repeats, and the mean of the last two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from cabin_agent.measuring.advice import ARM, CuffWatch
from cabin_agent.measuring.agreement import rate_notes, value_of
from cabin_agent.measuring.bedside import Bedside, Unmeasured, computed, evidence, heard, within, worst
from cabin_agent.measuring.coaching import lasting
from cabin_agent.recorder import Track
from cabin_agent.results import Grade, Measure, Outcome, Quantity
from cabin_signal.cuff import CuffFindings, CuffStream
from cabin_signal.cuff_verdict import Stated, device_verdict
from cabin_signal.plausibility import pressure_doubts
from cabin_signal.pressure import PLANNED, Pressure, mean_of_last_two, next_action
from drivers.events import NoValue, PressureResult, Wave

LIMIT_S = 200.0
"""Past the instrument's own limit of 180 s for one inflation."""
MOST_INFLATIONS = 5
"""In one session, failed ones included: an arm is not squeezed for ever."""
Component = Literal["systolic", "diastolic", "mean", "pulse_rate"]
TOLD_BY = ("disagree", "cuff-agrees")
"""Reason and note that have the intervals of our own look."""
UNITS: dict[Component, str] = {"systolic": "mm[Hg]", "diastolic": "mm[Hg]", "mean": "mm[Hg]", "pulse_rate": "/min"}


async def measure(bedside: Bedside, before: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """One reading; raises `Unmeasured` with the instrument's own error, or with why its numbers cannot be."""
    started, track, cuff = bedside.clock.wall_ms(), bedside.track(), CuffStream()
    rest, coach, watch = bedside.rest_s, bedside.coach(ARM), CuffWatch()
    with bedside.instruments.listen("tensiometer") as ear:
        await bedside.instruments.start("tensiometer")
        async with within(bedside, bedside.longest("tensiometer", LIMIT_S), _unheard(bedside)):
            async for event in heard(ear, Wave, PressureResult):
                if isinstance(event, PressureResult):
                    break
                _follow(event, track, cuff)
                coach.hear(watch.heard(event.index / event.rate, event.samples[-1][0]), lasting(event))
    bedside.keep(track)
    values = _values(event)
    _refuse_impossible(values)
    heart = value_of("heart_rate", before)
    ours = cuff.finish()
    grade, reasons, checked = _checked(values, ours, heart) if track.waves else ("good", [], ("cuff-no-curve",))
    notes = (*(rate_notes(values["pulse_rate"], "heart_rate", before) if "pulse_rate" in values else ()), *checked)
    proof = evidence(bedside, "tensiometer", started, grade, *reasons, mode="oscillometric", rest_s=rest, notes=notes)
    proof = replace(proof, figures={word: _intervals(ours) for word in (*reasons, *checked) if word in TOLD_BY})
    if rest is not None and rest < bedside.rest_wanted_s - 1:
        proof = replace(proof, notes=(*proof.notes, "rest-short"))
    components = {name: Quantity(value, UNITS[name]) for name, value in values.items()}
    return (Measure("blood_pressure", {str(name): each for name, each in components.items()}, proof),)


def _unheard(bedside: Bedside) -> str:
    """What to say of a cuff that sent no result."""
    return "nothing-sent" if bedside.by_hand("tensiometer") else "timeout"


def _follow(wave: Wave, track: Track, cuff: CuffStream) -> None:
    track.add(wave)
    times = [(wave.index + number) / wave.rate for number in range(len(wave.samples))]
    cuff.update(times, [row[0] for row in wave.samples])


def _values(result: PressureResult) -> dict[Component, float]:
    """The numbers of a result; raises `Unmeasured` when the instrument gave an error in their place."""
    if result.error is not None:
        raise Unmeasured("device-error" if result.error.startswith("unknown") else result.error)
    stated: dict[Component, float | NoValue] = {
        "systolic": result.systolic,
        "diastolic": result.diastolic,
        "mean": result.mean,
        "pulse_rate": result.pulse_rate,
    }
    values = {name: value for name, value in stated.items() if not isinstance(value, NoValue)}
    if "systolic" not in values or "diastolic" not in values:
        raise Unmeasured("missing")
    return values


def _refuse_impossible(values: dict[Component, float]) -> None:
    if pressure_doubts(values["systolic"], values["diastolic"], values.get("mean"), values.get("pulse_rate")):
        raise Unmeasured("implausible", "implausible")


def _checked(
    values: dict[Component, float], ours: CuffFindings, heart: float | None
) -> tuple[Grade, list[str], tuple[str, ...]]:
    """Grade, its reasons, and notes for the doctor from our own look at the cuff pressure.

    The device's value stands: what we find may only lower its grade, and where it cannot tell it says why.
    """
    stated = Stated(values["systolic"], values["diastolic"], values.get("mean"), values.get("pulse_rate"))
    found = device_verdict(stated, ours, heart)
    why = tuple(f"cuff-{reason}" for reason in found.reasons if reason != "pulse-heart-differ")
    if found.verdict == "disagrees":
        return "usable", ["disagree"], why
    return "good", [], (f"cuff-{found.verdict}", *why)


def _intervals(ours: CuffFindings) -> dict[str, float]:
    """Where our own look at the cuff pressure has the two values; nothing where it has none."""
    high, low = ours.systolic_interval, ours.diastolic_interval
    if high is None or low is None:
        return {}
    found = {
        "systolic_low": high.low,
        "systolic_high": high.high,
        "diastolic_low": low.low,
        "diastolic_high": low.high,
    }
    return {name: round(mmhg, 1) for name, mmhg in found.items()}


def readings(outcomes: Iterable[Outcome]) -> list[Measure]:
    """The accepted readings so far."""
    return [each for each in outcomes if isinstance(each, Measure) and each.name == "blood_pressure"]


def another(outcomes: Iterable[Outcome], inflations: int) -> bool:
    """Whether the protocol asks for another inflation."""
    return inflations < MOST_INFLATIONS and next_action(_pressures(readings(outcomes))) == "measure"


def mean(outcomes: Sequence[Outcome]) -> Measure | None:
    """The mean of the last two readings, with the rest before the first; None with fewer than two."""
    taken = readings(outcomes)
    result = mean_of_last_two(_pressures(taken))
    if result is None:
        return None
    last = taken[-2:]
    grade = worst(*(each.evidence.quality for each in last), "good" if result.stable else "usable")
    proof = computed(
        last,
        grade,
        readings=result.n,
        spread=result.spread,
        rest_s=taken[0].evidence.rest_s,
        site=last[-1].evidence.site,
        mode="mean-of-last-two",
        notes=_mean_notes(taken, result.n),
    )
    if not result.stable:
        proof = replace(proof, reasons=(*proof.reasons, "readings-differ"))
    values = {"systolic": Quantity(result.systolic, "mm[Hg]"), "diastolic": Quantity(result.diastolic, "mm[Hg]")}
    positions = tuple(number for number, each in enumerate(outcomes) if any(each is one for one in last))
    return Measure("blood_pressure_mean", values, proof, derived_from=positions)


def _mean_notes(taken: Sequence[Measure], count: int) -> tuple[str, ...]:
    short = any("rest-short" in each.evidence.notes for each in taken)
    return (*(("extra-reading",) if count > PLANNED else ()), *(("rest-short",) if short else ()))


def _pressures(taken: Iterable[Measure]) -> list[Pressure]:
    return [Pressure(each.values["systolic"].value, each.values["diastolic"].value) for each in taken]
