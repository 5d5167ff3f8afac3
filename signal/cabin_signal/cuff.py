"""A cuff measurement read along: phases while it runs, and an estimate with a verdict when it is over.

The instrument's systolic and diastolic stay the values of record; this looks at the raw cuff pressure, where the
instrument gives it, and says whether it supports them. Where it cannot tell (polled a few times a second, whole
mmHg, a cuff that moved) it says so and gives no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cabin_signal.filters import Samples, high_pass, low_pass, zero_phase
from cabin_signal.oscillogram import Pressures, plausible_beats, pressures
from cabin_signal.plausibility import pressure_doubts

Phase = Literal["idle", "inflation", "deflation", "ended"]
"""Where a cuff cycle stands."""

Reason = Literal[
    "no-deflation",
    "sampling-too-slow",
    "resolution-too-coarse",
    "samples-lost",
    "too-few-beats",
    "loose-cuff",
    "movement",
    "not-bracketed",
    "implausible",
    "too-long",
]
"""Why there is no estimate."""

SLOWEST_HZ = 20.0
COARSEST_MMHG = 0.4
LONGEST_S, FASTEST_HZ = 240.0, 250.0
EMPTY_MMHG, LEAST_PEAK_MMHG, LEAST_FALL_MMHG = 15.0, 60.0, 40.0
DUMP_MMHG_S = 15.0
"""A cuff that empties faster is being opened, not measured."""
LEAST_OSCILLATION_MMHG = 0.5
MOST_OSCILLATION_MMHG = 10.0
FEWEST_BEATS = 6
"""Accepted beats between the systolic and the diastolic crossing."""
REJECTED_PART = 0.3
SHORTEST_INTERVAL_S = 0.35
CLEAR_PART = 0.4
"""Part of the largest oscillation above which a beat surely is one."""


@dataclass(frozen=True, slots=True)
class CuffNow:
    """The cuff while it runs."""

    phase: Phase
    mmhg: float | None


@dataclass(frozen=True, slots=True)
class CuffFindings:
    """The estimate in mmHg and beats per minute; all None where the verdict is "rejected"."""

    verdict: Literal["ok", "rejected"]
    reasons: tuple[Reason, ...] = ()
    systolic: float | None = None
    diastolic: float | None = None
    mean: float | None = None
    pulse_rate: float | None = None
    beats: int = 0
    """Oscillations that were accepted."""


@dataclass(frozen=True, slots=True)
class Oscillations:
    """The beats of a deflation: cuff pressure and amplitude in mmHg, and time in seconds, of each."""

    cuff: Samples
    amplitude: Samples
    accepted: np.ndarray[tuple[int], np.dtype[np.bool_]]
    at_s: Samples


class CuffStream:
    """One inflation and deflation. Memory: four minutes at 250 samples a second, then it takes no more."""

    def __init__(self) -> None:
        self._t: list[Samples] = []
        self._p: list[Samples] = []
        self._kept = 0
        self._last_t = -np.inf
        self._overfull = False
        self._phase: Phase = "idle"
        self._highest = 0.0

    def update(self, t_s: ArrayLike, mmhg: ArrayLike) -> CuffNow:
        """Samples of time (seconds, rising) and cuff pressure, one or many; samples without a value are left out."""
        t = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
        p = np.atleast_1d(np.asarray(mmhg, dtype=np.float64))
        rising = t > np.concatenate(([self._last_t], np.maximum.accumulate(np.maximum(t[:-1], self._last_t))))
        real = rising & np.isfinite(t) & np.isfinite(p)
        t, p = t[real], p[real]
        for pressure in p.tolist():
            self._follow(pressure)
        self._keep(t, p)
        return CuffNow(self._phase, float(p[-1]) if len(p) else None)

    def _keep(self, t: Samples, p: Samples) -> None:
        room = int(LONGEST_S * FASTEST_HZ) - self._kept
        self._overfull |= len(t) > room
        self._t.append(t[:room].copy())
        self._p.append(p[:room].copy())
        self._kept += min(len(t), room)
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
            return _rejected("too-long")
        t = np.concatenate(self._t) if self._t else np.zeros(0)
        p = np.concatenate(self._p) if self._p else np.zeros(0)
        return estimate(t, p)


def estimate(t: Samples, p: Samples) -> CuffFindings:
    """Pressures from a whole cycle: rising times in seconds and cuff pressures in mmHg."""
    span = deflation(t, p)
    if span is None:
        return _rejected("no-deflation")
    t, p = t[span], p[span]
    if (trouble := _recording_trouble(t, p)) is not None:
        return _rejected(trouble)
    fs = 1 / float(np.median(np.diff(t)))
    even = np.arange(t[0], t[-1], 1 / fs)
    return _judged(oscillations(np.interp(even, t, p), fs))


def deflation(t: Samples, p: Samples) -> slice | None:
    """The samples of the slow fall, from the top to the opening of the cuff; None where there is none to speak of."""
    if len(p) < 10 or float(p.max()) < LEAST_PEAK_MMHG:
        return None
    start = int(np.argmax(p))
    end = start
    while end < len(p) and p[end] > EMPTY_MMHG and not _dumping(t, p, end):
        end += 1
    if end - start < 10 or p[start] - float(p[start:end].min()) < LEAST_FALL_MMHG or t[end - 1] - t[start] < 5:
        return None
    return slice(start, end)


def _dumping(t: Samples, p: Samples, at: int) -> bool:
    """Whether the pressure falls by more than a second's worth of dumping in the next second."""
    later = int(np.searchsorted(t, t[at] + 1.0))
    return later < len(p) and float(p[at] - p[later]) > DUMP_MMHG_S


def _recording_trouble(t: Samples, p: Samples) -> Reason | None:
    """What the recording itself lacks."""
    steps = np.diff(t)
    if 1 / float(np.median(steps)) < SLOWEST_HZ:
        return "sampling-too-slow"
    shades = np.diff(np.unique(p))
    if float(np.median(shades)) >= COARSEST_MMHG:
        return "resolution-too-coarse"
    return "samples-lost" if float(steps.max()) > 0.5 else None


def oscillations(p: Samples, fs: float) -> Oscillations:
    """The beats in an evenly sampled fall of cuff pressure in mmHg, `fs` above 20 Hz."""
    pad = int(3 * fs)
    base = zero_phase(low_pass(2, 0.4, fs), p, pad)
    wave = zero_phase(high_pass(2, 0.5, fs) + low_pass(2, min(10.0, 0.4 * fs), fs), p, pad)
    peaks = _peaks(wave, max(1, int(SHORTEST_INTERVAL_S * fs)))
    if len(peaks) < 3:
        return Oscillations(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0))
    feet = np.array([a + int(np.argmin(wave[a:b])) for a, b in pairwise(peaks.tolist())])
    inner = peaks[1:-1]
    part = (inner - feet[:-1]) / (feet[1:] - feet[:-1])
    amplitude = wave[inner] - (wave[feet[:-1]] + part * (wave[feet[1:]] - wave[feet[:-1]]))
    accepted = plausible_beats(amplitude)
    return Oscillations(base[inner], amplitude, accepted, inner / fs)


def _peaks(wave: Samples, distance: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Local maxima above zero of which none within `distance` is higher."""
    inner = wave[1:-1]
    tops = np.flatnonzero((inner > wave[:-2]) & (inner >= wave[2:]) & (inner > 0)) + 1
    kept = [i for i in tops if wave[i] >= wave[max(0, i - distance) : i + distance + 1].max()]
    return np.array(kept, dtype=np.int64)


def _judged(beats: Oscillations) -> CuffFindings:
    count = int(beats.accepted.sum())
    if count < FEWEST_BEATS:
        return _rejected("too-few-beats", beats=count)
    found = pressures(beats.cuff[beats.accepted], beats.amplitude[beats.accepted])
    if found is None:
        return _rejected("movement" if _moved(beats) else "not-bracketed", beats=count)
    reasons = _doubts(beats, found)
    if reasons:
        return _rejected(*reasons, beats=count)
    s, d, m = (round(v, 1) for v in (found.systolic, found.diastolic, found.mean))
    return CuffFindings("ok", (), s, d, m, round(_pulse_rate(beats, found.largest), 1), count)


def _moved(beats: Oscillations) -> bool:
    """Whether so much does not fit, or swings so far, that an arm moved rather than pulsed."""
    unfit = float(np.mean(~beats.accepted)) > REJECTED_PART
    return unfit or float(beats.amplitude.max()) > MOST_OSCILLATION_MMHG


def _pulse_rate(beats: Oscillations, largest: float) -> float:
    """From the median interval of the beats that stand out; small ones at both ends may be noise."""
    clear = beats.at_s[beats.amplitude > CLEAR_PART * largest]
    return 60 / float(np.median(np.diff(clear)))


def _doubts(beats: Oscillations, found: Pressures) -> list[Reason]:
    doubts: list[Reason] = []
    between = (beats.cuff < found.systolic + 10) & (beats.cuff > found.diastolic - 10)
    inside = beats.accepted & (beats.cuff <= found.systolic) & (beats.cuff >= found.diastolic)
    if found.largest < LEAST_OSCILLATION_MMHG:
        doubts.append("loose-cuff")
    if int(inside.sum()) < FEWEST_BEATS:
        doubts.append("too-few-beats")
    if np.mean(~beats.accepted[between]) > REJECTED_PART:
        doubts.append("movement")
    if pressure_doubts(found.systolic, found.diastolic, found.mean):
        doubts.append("implausible")
    return doubts


def _rejected(*reasons: Reason, beats: int = 0) -> CuffFindings:
    return CuffFindings("rejected", tuple(reasons), beats=beats)
