"""PR, QRS, QT and corrected QT of a strip as components of its measure, and the beat that they were measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cabin_agent.results import Quantity, UsualBeat
from cabin_signal.intervals import NAMES, Interval, Intervals, NotMeasured, measure
from cabin_signal.leads import TWELVE, twelve_leads
from cabin_signal.qtc import Qtc

MILLISECONDS = "ms"
CORRECTED = {
    "qtc": "fridericia",
    "qtc_bazett": "bazett",
    "qtc_framingham": "framingham",
    "qtc_hodges": "hodges",
}
"""Component -> formula; Fridericia is the one that is told first (`cabin_signal.qtc`)."""


@dataclass(frozen=True, slots=True)
class StripIntervals:
    """What a strip says of its intervals."""

    values: dict[str, Quantity] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Component -> why it has no value."""
    notes: tuple[str, ...] = ()
    used: tuple[int, ...] = ()
    """R peaks of the beats that went in, samples of the strip."""
    usual: UsualBeat | None = None


def intervals(channels: NDArray[np.float64], rate: float, beats: Sequence[int]) -> StripIntervals:
    """The intervals of eight channels (8, n) in mV with R peaks at `beats`; a reason for each that is not stated."""
    found = measure(channels, rate, beats)
    if isinstance(found, NotMeasured):
        return without(found.reason)
    values, missing = _components(found)
    notes = ("intervals-indicative",) if found.indicative and values else ()
    return StripIntervals(values, missing, notes, found.beats, _usual(found))


def without(reason: str) -> StripIntervals:
    """No interval at all, for one reason."""
    return StripIntervals(missing=dict.fromkeys((*NAMES, "qtc"), reason))


def _components(found: Intervals) -> tuple[dict[str, Quantity], dict[str, str]]:
    values: dict[str, Quantity] = {}
    missing: dict[str, str] = {}
    for name in NAMES:
        interval: Interval | NotMeasured = getattr(found, name)
        if isinstance(interval, NotMeasured):
            missing[name] = interval.reason
        else:
            values[name] = Quantity(float(round(interval.ms)), MILLISECONDS)
    if isinstance(found.qtc, NotMeasured):
        missing["qtc"] = found.qtc.reason
    else:
        values |= _corrected(found.qtc)
    return values, missing


def _corrected(found: Qtc) -> dict[str, Quantity]:
    each = {component: getattr(found, formula) for component, formula in CORRECTED.items()}
    return {component: Quantity(float(round(ms)), MILLISECONDS) for component, ms in each.items()}


def _usual(found: Intervals) -> UsualBeat:
    """The beat in twelve leads; what is derived from a channel that could not be used is open."""
    beat = found.median
    rows = (tuple(None if np.isnan(v) else round(float(v), 4) for v in row) for row in twelve_leads(beat.millivolts))
    marks: dict[str, float] = {mark: round(ms, 1) for mark, ms in found.ends.items()}
    return UsualBeat(beat.fs, TWELVE, tuple(rows), beat.peak, marks, round(found.noise_uv, 1))
