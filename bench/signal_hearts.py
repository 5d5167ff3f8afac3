"""Pulses against the heart's beats: the reference, the lag between them, and the rates of ten seconds."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.signal_cases import Indices, Truth, data_folder
from bench.signal_changes import Spans
from bench.signal_coverage import Stretch, graded_beats, mean_doubt
from bench.signal_detectors import Found
from bench.signal_score import Score, pairs, score

AGREE_S, DOUBT_S = 0.150, 2.5
WINDOW_S, STEP_S, NEAR_BPM = 10.0, 5.0, 5.0
FRESH_S = 3.0
"""A stated rate is still current for so long."""
BAD_PART = 0.2
"""Part of a window that may be bad before its rate is withheld."""
LAGS_S = (-0.2, 1.2)


@dataclass(frozen=True, slots=True)
class Heart:
    """What two ECG detectors agree on."""

    beats: Indices
    left_out: Spans
    """Samples [start, end] around beats that one saw and the other did not."""


@dataclass(frozen=True, slots=True)
class Pulses:
    """One detector on one pleth."""

    name: str
    truth: Truth
    found: Found
    heart: Heart

    @property
    def lag(self) -> int:
        """Samples from the R peak to the pulse as this detector marks it, one constant for the recording."""
        return lag(self.heart.beats, np.array(self.found.beats, dtype=np.int64), self.truth.fs)

    def score(self, withheld: Spans = ()) -> Score:
        """Against the heart's beats, the lag taken off; `withheld` in samples of the pleth."""
        fs, off = self.truth.fs, self.lag
        moved = tuple((start - off, end - off) for start, end in withheld)
        return score(self.heart.beats, np.array(self.found.beats) - off, fs, self.heart.left_out, withheld=moved)


def agreement(a: Found, b: Found, fs: float) -> Heart:
    """The beats that both have, where the second puts them; doubt is spread around those that one alone has."""
    first, second = (np.array(found.beats, dtype=np.int64) for found in (a, b))
    mine, theirs = pairs(first, second, round(AGREE_S * fs))
    alone = np.sort(np.concatenate([np.delete(first, mine), np.delete(second, theirs)]))
    around = round(DOUBT_S * fs)
    spans: list[tuple[int, int]] = []
    for at in alone.tolist():
        if spans and at - around <= spans[-1][1]:
            spans[-1] = (spans[-1][0], at + around)
        else:
            spans.append((at - around, at + around))
    return Heart(second[theirs], tuple(spans))


def lag(beats: Indices, pulses: Indices, fs: float) -> int:
    """The constant by which most pulses come after a beat, in samples."""
    least, most = (round(edge * fs) for edge in LAGS_S)
    first, last = np.searchsorted(pulses, beats + least), np.searchsorted(pulses, beats + most)
    apart = [pulses[a:b] - beat for beat, a, b in zip(beats.tolist(), first, last, strict=True)]
    distances = np.concatenate([np.zeros(0, dtype=np.int64), *apart])
    if not len(distances):
        return 0
    half = round(AGREE_S * fs)
    counts = np.bincount(distances - least, minlength=most - least + 1)
    near = np.convolve(counts, np.ones(2 * half + 1), "same")
    best = least + int(np.argmax(near))
    return round(float(np.median(distances[np.abs(distances - best) <= half])))


@dataclass(frozen=True, slots=True)
class RateWindow:
    """Ten seconds of one recording."""

    heart: float
    """Beats per minute of the ECG."""
    pulse: float | None
    """The same of the pleth; None where it is withheld."""
    monitor: float | None
    """The mean PULSE of the bedside monitor."""
    doubt: float
    """0 faultless, 1 bad throughout."""


def rate_windows(one: Pulses, record: str, live: bool = False) -> list[RateWindow]:
    """Every window in which the reference has no doubt."""
    fs, off = one.truth.fs, one.lag
    moved = np.array(one.found.beats, dtype=np.int64) - off
    monitor = _monitor(record)
    out = []
    for start in np.arange(0, one.truth.length / fs - WINDOW_S + 1e-9, STEP_S):
        a, b = round(start * fs), round((start + WINDOW_S) * fs)
        heart = strip_rate(one.heart.beats, a, b, fs)
        if heart is None or any(s < b and e > a for s, e in one.heart.left_out):
            continue
        pulse = _stated(one, a + off, b + off) if live else strip_rate(moved, a, b, fs)
        shown = [monitor[t] for t in range(int(start), int(start + WINDOW_S)) if t in monitor]
        out.append(
            RateWindow(
                heart, pulse, float(np.mean(shown)) if shown else None, mean_doubt(one.found, a + off, b + off)
            )
        )
    return out


def strip_rate(beats: Indices, start: int, end: int, fs: float) -> float | None:
    """(beats - 1) / time of those in samples [start, end), per minute; None for fewer than two."""
    inner = beats[(beats >= start) & (beats < end)]
    return 60 * (len(inner) - 1) * fs / float(inner[-1] - inner[0]) if len(inner) > 1 else None


def _stated(one: Pulses, start: int, end: int) -> float | None:
    spoiled = sum(max(0, min(end, e) - max(start, s)) for s, e in one.found.bad)
    if spoiled > BAD_PART * (end - start):
        return None
    until = end / one.truth.fs
    fresh = [bpm for t, bpm in one.found.rates if until - FRESH_S < t <= until]
    return fresh[-1] if fresh else None


def _monitor(record: str) -> dict[int, float]:
    """Second -> PULSE."""
    with (data_folder() / f"{record}_numerics.csv").open(newline="") as file:
        rows = list(csv.reader(file, skipinitialspace=True))
    column = rows[0].index("PULSE")
    return {int(float(row[0])): float(row[column]) for row in rows[1:] if row[column] not in ("", "NaN")}


@dataclass(frozen=True, slots=True)
class RateErrors:
    """Of the windows that were not withheld."""

    coverage: float
    within: float
    """Percent that lie within 5 bpm."""
    mae: float
    p95: float
    against_monitor: float


def rate_errors(found: Sequence[RateWindow]) -> RateErrors:
    """How far the rates are off, in beats per minute."""
    off = np.array([abs(w.pulse - w.heart) for w in found if w.pulse is not None])
    shown = [abs(w.pulse - w.monitor) for w in found if w.pulse is not None and w.monitor is not None]
    if not len(off):
        return RateErrors(0.0, *[float("nan")] * 4)
    return RateErrors(
        100 * len(off) / len(found),
        float(100 * np.mean(off <= NEAR_BPM)),
        float(np.mean(off)),
        float(np.percentile(off, 95)),
        float(np.mean(shown)) if shown else float("nan"),
    )


def pulse_stretches(one: Pulses, by_grade: bool = False) -> list[Stretch]:
    """Graded spans with the errors in them; the reference is moved to where this detector marks a pulse."""
    moved = tuple((start + one.lag, end + one.lag) for start, end in one.heart.left_out)
    return graded_beats(Truth(one.truth.length, one.truth.fs, one.heart.beats + one.lag, moved), one.found, by_grade)


def rate_stretches(found: Sequence[RateWindow]) -> list[Stretch]:
    """Windows with the error of their rate; those without a rate are in infinite doubt."""
    out = []
    for w in found:
        error = None if w.pulse is None else abs(w.pulse - w.heart)
        out.append(Stretch(math.inf, 1.0, 0.0, 0.0) if error is None else Stretch(w.doubt, 1.0, error, 1.0))
    return out
