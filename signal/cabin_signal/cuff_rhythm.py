"""Whether the beats under a cuff come at even intervals, and how fast they come.

An oscillometric reading is made of some thirty different beats: where each has a size of its own, the envelope is
ragged and the pressures are less sure. This states a fact of these beats; a rhythm is read in an ECG. Clinical
reference 1.9 and 1.10 (uneven beats question a reading; a warning goes with the value, not instead of it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cabin_signal.cuff_beats import CuffBeats
from cabin_signal.filters import Samples

CLEAR_PART = 0.3
"""Part of the largest oscillation above which a beat surely is one; small ones at both ends may be noise."""
FEWEST_INTERVALS = 8
UNEVEN = 0.12
"""An interval off the middle one by more than this part of it is uneven; breathing moves it by 5 %."""
UNEVEN_SHARE = 0.3
SKIPPED = 0.15
"""Distance from twice or three times the middle interval, as part of it, within which a beat was merely not seen."""


@dataclass(frozen=True, slots=True)
class CuffRhythm:
    """The rate of the beats per minute, and whether they were uneven (None: that cannot be told).

    Of even beats the rate is that of the middle interval; of uneven ones that of the mean, as others count them.
    """

    rate: float
    irregular: bool | None


def rhythm(beats: CuffBeats) -> CuffRhythm | None:
    """The rhythm of the beats that stand out; None for fewer than three."""
    clear = beats.amplitude > CLEAR_PART * float(beats.amplitude[beats.accepted].max(initial=0.0))
    intervals = np.diff(beats.at_s[clear])
    if len(intervals) < 2:
        return None
    middle = _middle(intervals) if beats.stepped else float(np.median(intervals))
    told = _without_skips(intervals / middle)
    if len(told) < FEWEST_INTERVALS:
        return CuffRhythm(60 / middle, None)
    if float(np.mean(np.abs(told - 1) > UNEVEN)) <= UNEVEN_SHARE:
        return CuffRhythm(60 / middle, False)
    if beats.stepped:
        return CuffRhythm(60 / middle, None)  # a valve step takes beats away, and makes intervals of its own
    return CuffRhythm(60 / middle / float(told.mean()), True)


def _middle(intervals: Samples) -> float:
    """The median interval, an interval over beats that a valve step took away counted as the several that it is."""
    short = float(np.percentile(intervals, 25))
    return float(np.median(intervals / np.maximum(1, np.round(intervals / short))))


def _without_skips(parts: Samples) -> Samples:
    """Intervals as parts of the middle one, without those over one or two beats that were not seen."""
    whole = np.round(parts)
    skipped = (whole >= 2) & (np.abs(parts - whole) < SKIPPED)
    return np.asarray(parts[~skipped])
