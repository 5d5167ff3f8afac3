"""A cuff measurement read along: phases while it runs, and an estimate with a verdict when it is over.

The instrument's systolic and diastolic stay the values of record; this looks at the raw cuff pressure, where the
instrument gives it, and says within which interval the pressures lie (`cuff_verdict` sets the instrument's own values
against it). Where it cannot tell (polled a few times a second, whole mmHg, a cuff that moved) it says so and gives no
number.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cabin_signal.cuff_beats import beats
from cabin_signal.cuff_deflation import EMPTY_MMHG, deflation, speed
from cabin_signal.cuff_findings import CuffFindings, Reason
from cabin_signal.cuff_judged import FEWEST_BEATS, judged, paced, without
from cabin_signal.cuff_rhythm import rhythm
from cabin_signal.filters import Samples

__all__ = ["CuffFindings", "CuffNow", "CuffStream", "Phase", "Reason", "estimate"]

Phase = Literal["idle", "inflation", "deflation", "ended"]
"""Where a cuff cycle stands."""

SLOWEST_HZ = 20.0
COARSEST_MMHG = 0.4
LONGEST_HOLE_S = 0.5
LONGEST_S, FASTEST_HZ = 240.0, 500.0
SENSIBLE_MMHG = (-100.0, 500.0)
"""A sample outside of this is not a pressure."""


@dataclass(frozen=True, slots=True)
class CuffNow:
    """The cuff while it runs."""

    phase: Phase
    mmhg: float | None


class CuffStream:
    """One inflation and deflation. Memory: four minutes at 500 samples a second, then it takes no more."""

    def __init__(self) -> None:
        self._t, self._p = array("d"), array("d")
        self._first_t = self._last_t = -np.inf
        self._overfull = False
        self._phase: Phase = "idle"
        self._highest = 0.0

    def update(self, t_s: ArrayLike, mmhg: ArrayLike) -> CuffNow:
        """Samples of time (seconds, rising) and cuff pressure, one or many; samples without a value are left out."""
        t = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
        p = np.atleast_1d(np.asarray(mmhg, dtype=np.float64))
        real = np.isfinite(t) & (p >= SENSIBLE_MMHG[0]) & (p <= SENSIBLE_MMHG[1])
        t, p = t[real], p[real]
        rising = (
            t > np.concatenate(([self._last_t], np.maximum.accumulate(np.maximum(t[:-1], self._last_t))))[: len(t)]
        )
        t, p = t[rising], p[rising]
        for pressure in p.tolist():
            self._follow(pressure)
        self._keep(t, p)
        return CuffNow(self._phase, float(p[-1]) if len(p) else None)

    def _keep(self, t: Samples, p: Samples) -> None:
        room = int(LONGEST_S * FASTEST_HZ) - len(self._t)
        if not self._t and len(t):
            self._first_t = float(t[0])
        self._overfull |= len(t) > room or bool((t > self._first_t + LONGEST_S).any())
        self._t.frombytes(t[:room].tobytes())
        self._p.frombytes(p[:room].tobytes())
        if len(t):
            self._last_t = float(t[-1])

    def _follow(self, pressure: float) -> None:
        self._highest = max(self._highest, pressure)
        if self._phase == "idle" and pressure > EMPTY_MMHG:
            self._phase = "inflation"
        elif self._phase == "inflation" and pressure < self._highest - 10:
            self._phase = "deflation"
        elif self._phase == "deflation" and pressure < EMPTY_MMHG:
            self._phase = "ended"

    def finish(self) -> CuffFindings:
        """The estimate, or why there is none."""
        if self._overfull:
            return CuffFindings("rejected", ("too-long",))
        return estimate(np.array(self._t), np.array(self._p))


def estimate(t: Samples, p: Samples) -> CuffFindings:
    """Pressures from a whole cycle: rising times in seconds and cuff pressures in mmHg."""
    span = deflation(t, p)
    if span is None:
        return CuffFindings("rejected", ("no-deflation",))
    t, p = t[span], p[span]
    if (trouble := _recording_trouble(t, p)) is not None:
        return CuffFindings("rejected", (trouble,))
    fs = min(1 / float(np.median(np.diff(t))), FASTEST_HZ)
    even = np.interp(np.arange(t[0], t[-1], 1 / fs), t, p)
    found = beats(even, fs)
    known = rhythm(found) if found else None
    pace = speed(t, p, known.rate if known else None, bool(found and found.stepped))
    if found is None or known is None or int(found.accepted.sum()) < FEWEST_BEATS:
        return without(["too-few-beats", *paced(pace)], found, pace)
    return judged(found, known, pace, (float(p.min()), float(p.max())), _flat_s(t, p))


def _recording_trouble(t: Samples, p: Samples) -> Reason | None:
    """What the recording itself lacks."""
    steps = np.diff(t)
    if 1 / float(np.median(steps)) < SLOWEST_HZ:
        return "sampling-too-slow"
    shades = np.diff(np.unique(p))
    if float(np.median(shades)) >= COARSEST_MMHG:
        return "resolution-too-coarse"
    return "samples-lost" if float(steps.max()) > LONGEST_HOLE_S else None


def _flat_s(t: Samples, p: Samples) -> float:
    """Seconds for which the fall begins with one and the same value, as at the end of what a sensor can tell."""
    below = p < p[0]
    return float(t[int(np.argmax(below))] - t[0]) if below.any() else float(t[-1] - t[0])
