"""Whether the beats of a deflation amount to pressures: the methods put together, and every doubt about them.

Limits after the clinical reference, 1.10; those on raggedness, tremor and slow pulses were set between what generated
arms show with and without the disturbance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cabin_signal.cuff_beats import CuffBeats
from cabin_signal.cuff_combined import Combined, combined
from cabin_signal.cuff_deflation import RISE_MMHG, STIRRED_MMHG, Deflation
from cabin_signal.cuff_estimates import Estimates, estimates
from cabin_signal.cuff_findings import CuffFindings, Reason
from cabin_signal.cuff_rhythm import CuffRhythm
from cabin_signal.plausibility import PULSE_OF_CUFF, pressure_doubts

LEAST_OSCILLATION_MMHG, MOST_OSCILLATION_MMHG = 0.5, 10.0
FEWEST_BEATS = 6
"""Accepted beats from 10 mmHg above the systolic to 10 mmHg below the diastolic pressure."""
AROUND_MMHG = 10.0
ABOVE_MMHG, BELOW_MMHG = 5.0, 5.0
"""So far the fall must reach beyond both pressures."""
FLAT_S, LONG_FLAT_S = 0.5, 2.0
"""So long at one value is the end of the sensor's range, if the fall does not reach far enough; and in any case."""
REJECTED_PART, IRREGULAR_PART = 0.3, 0.6
"""Share of beats unlike their neighbours that is too many, among even and among uneven beats."""
RAGGED, HOPELESS = 0.07, 0.1
"""RMS of the beats about their envelope, as part of the largest: more noise than beats have, and no envelope."""
RAGGED_SD = 250.0
"""mmHg for all of a largest beat of raggedness."""
IRREGULAR_SD = 5.0
TREMBLING, HOPELESS_TREMOR = 0.04, 0.15
"""RMS of tremor as part of the largest beat: worth saying, and too much."""
TREMOR_SD = 90.0
"""mmHg for a tremor as large as the largest beat."""
LATE_S, LATEST_S, LATEST_PART = 0.31, 0.6, 0.57
"""A pulse climbs in 0.2 s or so, and in less than half of its beat; through a pinched tube it takes longer."""
LATE_SD, STIRRED_SD, FAST_SD = 8.0, 8.0, 6.0


def judged(
    found: CuffBeats, known: CuffRhythm, pace: Deflation, reach: tuple[float, float], flat_s: float
) -> CuffFindings:
    """The methods put together, and what speaks against them.

    `reach` holds the lowest and the highest pressure of the fall, which begins with `flat_s` seconds of one value.
    """
    made = estimates(found)
    doubts = _doubts_of_signal(found, made, known)
    both = combined(made, _extra_sd(found, made, known, pace))
    if both is None:
        blind: Reason = "clipped" if flat_s > FLAT_S else "not-bracketed"
        return without([*(doubts or [blind]), *paced(pace)], found, pace, known)
    doubts += _doubts_of_values(found, both, known, reach, flat_s)
    if doubts:
        return without([*doubts, *paced(pace)], found, pace, known)
    s, d, m = (round(v, 1) for v in (both.systolic.value, both.diastolic.value, both.mean))
    return CuffFindings(
        "ok", _cautions(found, known, pace), s, d, m, round(known.rate, 1), int(found.accepted.sum()),
        both.systolic, both.diastolic, made.by, pace, known.irregular,
    )  # fmt: skip


def _doubts_of_signal(found: CuffBeats, made: Estimates, known: CuffRhythm) -> list[Reason]:
    """Why these beats are no oscillogram."""
    tops = found.amplitude[found.accepted]
    unfit, allowed = float(np.mean(~found.accepted)), IRREGULAR_PART if known.irregular else REJECTED_PART
    moved = float(tops.max()) > MOST_OSCILLATION_MMHG or found.rise > RISE_MMHG or made.misfit > HOPELESS
    moved, trembled = moved or (unfit > allowed and not found.stepped), _tremor(found) > HOPELESS_TREMOR
    doubts: list[tuple[Reason, bool]] = [
        ("loose-cuff", made.largest < LEAST_OSCILLATION_MMHG),
        ("tube-occluded", _smeared(found) and not (moved or trembled)),
        ("tremor", trembled),
        ("movement", moved),
    ]
    return [reason for reason, holds in doubts if holds]


def _climb_s(found: CuffBeats) -> float:
    """Seconds from foot to peak of the middle beat."""
    return float(np.median((found.climb * found.lasts)[found.accepted]))


def _smeared(found: CuffBeats) -> bool:
    """Whether the beats climb so slowly that hardly any of their shape can be left."""
    return _climb_s(found) > LATEST_S or float(np.median(found.climb[found.accepted])) > LATEST_PART


def _doubts_of_values(
    found: CuffBeats, both: Combined, known: CuffRhythm, reach: tuple[float, float], flat_s: float
) -> list[Reason]:
    """Why these pressures cannot be taken from these beats."""
    s, d = both.systolic.value, both.diastolic.value
    around = found.accepted & (found.cuff <= s + AROUND_MMHG) & (found.cuff >= d - AROUND_MMHG)
    short = reach[1] < s + ABOVE_MMHG
    clipped = flat_s > (FLAT_S if short else LONG_FLAT_S)
    impossible = bool(pressure_doubts(s, d)) or not PULSE_OF_CUFF[0] <= known.rate <= PULSE_OF_CUFF[1]
    doubts: list[tuple[Reason, bool]] = [
        ("clipped", clipped),
        ("not-bracketed", (short and not clipped) or reach[0] > d - BELOW_MMHG),
        ("too-few-beats", int(around.sum()) < FEWEST_BEATS),
        ("implausible", impossible),
    ]
    return [reason for reason, holds in doubts if holds]


def _extra_sd(found: CuffBeats, made: Estimates, known: CuffRhythm, pace: Deflation) -> float:
    """mmHg that uneven beats, a ragged envelope, a tremor, slow pulses, movement and haste add to the uncertainty."""
    ragged = RAGGED_SD * max(0.0, made.misfit - RAGGED)
    uneven = IRREGULAR_SD if known.irregular else 0.0
    trembling = TREMOR_SD * _tremor(found) if _tremor(found) > TREMBLING else 0.0
    late = LATE_SD if _climb_s(found) > LATE_S else 0.0
    stirred = STIRRED_SD if found.rise > STIRRED_MMHG else 0.0
    fast = FAST_SD if pace.pace == "deflation-fast" else 0.0
    return float(np.linalg.norm((ragged, uneven, trembling, late, stirred, fast)))


def _tremor(found: CuffBeats) -> float:
    """RMS of the tremor as part of the largest accepted beat."""
    return found.tremor / float(found.amplitude[found.accepted].max())


def _cautions(found: CuffBeats, known: CuffRhythm, pace: Deflation) -> tuple[Reason, ...]:
    """What makes an estimate less sure without spoiling it."""
    said: list[tuple[Reason, bool]] = [
        ("irregular-pulse", known.irregular is True),
        ("tube-occluded", _climb_s(found) > LATE_S),
        ("movement", found.rise > STIRRED_MMHG),
        ("tremor", _tremor(found) > TREMBLING),
    ]
    return (*(reason for reason, holds in said if holds), *paced(pace))


def paced(pace: Deflation) -> list[Reason]:
    """What is wrong with the speed of the fall, as reasons."""
    return [pace.pace] if pace.pace else []


def without(
    reasons: Sequence[Reason], found: CuffBeats | None, pace: Deflation, known: CuffRhythm | None = None
) -> CuffFindings:
    """No estimate, for these reasons, with what is known all the same."""
    count = int(found.accepted.sum()) if found else 0
    irregular = known.irregular if known else None
    return CuffFindings("rejected", tuple(reasons), beats=count, deflation=pace, irregular=irregular)
