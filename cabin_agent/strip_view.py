"""A recorded ECG as the doctor's page draws it: one lead with its beats, and the usual beat in every lead.

Millivolts travel as whole steps of `STEP_MV`, a tenth of a millimetre on paper, and the strip with 125 samples a
second or less, so that a lead is about 12 kB and no heartbeat of the call waits long behind it. Of the samples that
become one, the farthest from the line is kept: no R peak loses height.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from cabin_agent.face import Json
from cabin_agent.results import Strip, UsualBeat

STEP_MV = 0.01
MOST_HZ = 125.0

Row = Sequence[float | None]


def strip_view(strip: Strip, lead: str) -> Json:
    """One lead of the strip; `lead` must be one of its leads."""
    row = strip.millivolts[strip.leads.index(lead)]
    every = max(1, -int(-strip.rate // MOST_HZ))
    used = set(strip.used)
    return {
        "lead": lead,
        "leads": [name for name, each in zip(strip.leads, strip.millivolts, strict=True) if _any(each)],
        "rate": strip.rate / every,
        "step_mv": STEP_MV,
        "samples": _steps(_thinned(row, every)),
        "beats": [{"s": round(beat / strip.rate, 3), "used": _near(beat, used, strip.rate)} for beat in strip.beats],
        "usual": None if strip.usual is None else _usual(strip.usual),
    }


def _usual(beat: UsualBeat) -> Json:
    return {
        "rate": beat.rate,
        "leads": list(beat.leads),
        "step_mv": STEP_MV,
        "samples": [_steps(row) for row in beat.millivolts],
        "peak": beat.peak,
        "marks_ms": dict(beat.marks_ms),
        "noise_uv": beat.noise_uv,
    }


def _any(row: Row) -> bool:
    return any(value is not None for value in row)


def _near(beat: int, used: set[int], rate: float) -> bool:
    """Whether the beat is among those used, which were moved a little so that their shapes lie on each other."""
    return any(abs(beat - each) <= 0.05 * rate for each in used)


def _thinned(row: Row, every: int) -> Row:
    """One sample of so many: the one farthest from the middle of the lead."""
    known = [value for value in row if value is not None]
    if every == 1 or not known:
        return row
    level = median(known)
    return [_farthest(row[start : start + every], level) for start in range(0, len(row), every)]


def _farthest(samples: Row, level: float) -> float | None:
    known = [value for value in samples if value is not None]
    return max(known, key=lambda value: abs(value - level)) if known else None


def _steps(row: Row) -> list[int | None]:
    return [None if value is None else round(value / STEP_MV) for value in row]
