"""Facts that only two measures together can tell: whether the pulse and the heart count the same."""

from __future__ import annotations

from collections.abc import Iterable

from cabin_agent.results import Measure, MeasureName, Outcome
from cabin_signal.agreement import pulse_against_heart


def value_of(name: MeasureName, outcomes: Iterable[Outcome]) -> float | None:
    """The last measured value of this name, if there is one."""
    found = [each for each in outcomes if isinstance(each, Measure) and each.name == name]
    return found[-1].values["value"].value if found else None


def rate_notes(rate: float, other: MeasureName, before: Iterable[Outcome]) -> tuple[str, ...]:
    """Notes for the doctor on a rate, from another rate of the same visit."""
    known = value_of(other, before)
    if known is None:
        return ()
    pulse, heart = (rate, known) if other == "heart_rate" else (known, rate)
    return ("pulse-heart-differ",) if pulse_against_heart(pulse, heart).verdict == "differ" else ()
