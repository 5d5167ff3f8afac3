"""One beat out of many: the beats of the usual shape, laid upon each other, and their median in every lead.

Noise that does not keep step with the heart sinks with the square root of the number of beats. Left out are beats of
another shape (ventricular ectopy, a knock) and beats that came early (their P and T belong to another interval). The
baseline is drawn through the PR level of the beats that stay, the flattest place before the QRS, so that
breathing neither tilts T nor moves the isoelectric line. Median beats are what recorders of resting ECGs measure on
(AHA/ACC/HRS 2007, part I: representative complexes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cabin_signal.spline import through

Leads = NDArray[np.float64]
"""Millivolts, (leads, samples)."""
Beats = NDArray[np.float64]
"""Millivolts, (beats, leads, samples)."""

FEWEST = 6
"""Beats of one shape that make a median, and a median of each half of them."""
MOST = 64
"""Beats beyond these add time and little else: a strip of half a minute has fewer."""
BEFORE_S, BEFORE_PART = 0.45, 0.55
"""The beat begins so long before R, and never further than this part of the usual interval."""
AFTER_S, AFTER_PART = 0.75, 0.72
SHAPE_S = 0.08
"""So far on both sides of R the shape is compared."""
SHIFT_S = 0.024
"""R peaks found may lie so far from each other on the same shape."""
CALM_S = 0.016
"""Moving average under which shapes are compared."""
ALIKE = 0.9
"""Correlation of two beats of one shape."""
EARLY = 0.85
"""A beat that follows after less than this part of the mean interval is early."""
LEVEL_S = (0.13, 0.03)
"""The PR level lies between so long and so long before R."""
LEVEL_WIDTH_S = 0.016
SLOPE_S = 0.006
"""Half the width over which a slope is taken."""


@dataclass(frozen=True, slots=True)
class MedianBeat:
    """The usual beat of a strip."""

    fs: float
    millivolts: Leads
    """(leads, samples), the PR level at zero; NaN rows are leads that had too few whole beats."""
    peak: int
    """Sample of `millivolts` at which R lies."""
    beats: tuple[int, ...]
    """R peaks of the beats that went in, samples of the strip."""
    rr_ms: float
    """Mean interval that ended with one of these beats."""
    rr_spread: float
    """How uneven the intervals of the strip are: their standard deviation, robustly, as part of their median."""
    noise_uv: tuple[float, ...]
    """Standard error of the median in each lead, RMS over the beat without its QRS, microvolts; NaN as above."""
    restless: tuple[float, ...]
    """The same of its slope, mV/s."""


def slopes(x: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    """The slope along the last axis, mV/s: of the straight line fitted to 6 ms on both sides."""
    half = max(1, round(SLOPE_S * fs))
    padded = np.concatenate((x[..., :1].repeat(half, -1), x, x[..., -1:].repeat(half, -1)), axis=-1)
    n = x.shape[-1]
    rise = np.zeros_like(x)
    for k in range(1, half + 1):
        rise += k * (padded[..., half + k : half + k + n] - padded[..., half - k : half - k + n])
    steep: NDArray[np.float64] = rise * fs / (2 * sum(k * k for k in range(1, half + 1)))
    return steep


@dataclass(frozen=True, slots=True)
class MedianBeats:
    """The usual beat, and the same from the odd and from the even beats alone."""

    whole: MedianBeat
    halves: tuple[MedianBeat, MedianBeat]
    """Their noise is stated as that of the whole, so that they are read by the same measure."""


def median_beats(leads: Leads, beats: Sequence[int], fs: float) -> MedianBeats | None:
    """The usual beat of `leads` (mV, measurement path, NaN where there is none) with R peaks `beats` at `fs` Hz.

    None where fewer than six beats of one shape lie wholly within the strip.
    """
    strip = _Strip(leads, np.asarray(beats, dtype=np.int64), fs)
    chosen = strip.regular()[:MOST]
    if len(chosen) < FEWEST:
        return None
    chosen, peaks = _of_one_shape(strip, chosen)
    if len(chosen) < FEWEST:
        return None
    cut = _cut(strip.levelled(peaks), peaks, strip.before, strip.after)
    cut[:, np.sum(np.isfinite(cut).all(axis=2), axis=0) < FEWEST] = np.nan
    if np.isnan(cut).all():
        return None
    rr = strip.rr_before(chosen)
    whole = MedianBeat(
        fs=fs,
        millivolts=_median(cut),
        peak=strip.before,
        beats=tuple(int(p) for p in peaks),
        rr_ms=float(np.mean(rr)) * 1000 / fs,
        rr_spread=strip.unevenness(),
        noise_uv=tuple(1000 * error for error in _error(cut, strip.before, fs)),
        restless=tuple(_error(slopes(cut, fs), strip.before, fs)),
    )
    odd, even = (replace(whole, millivolts=_median(cut[start::2])) for start in (0, 1))
    return MedianBeats(whole, (odd, even))


class _Strip:
    """The recording with its beats, and the reach of one beat in it."""

    def __init__(self, leads: Leads, beats: NDArray[np.int64], fs: float) -> None:
        self.leads, self.beats, self.fs = leads, beats, fs
        usual = float(np.median(np.diff(beats))) if len(beats) > 1 else fs
        self.before = int(min(BEFORE_S * fs, BEFORE_PART * usual))
        self.after = int(min(AFTER_S * fs, AFTER_PART * usual))

    def regular(self) -> NDArray[np.int64]:
        """Numbers of the beats that neither come early nor are cut short, and lie within the strip."""
        if len(self.beats) < 2:
            return np.zeros(0, dtype=np.int64)
        gaps = np.diff(self.beats)
        inner = np.arange(1, len(self.beats))
        following = np.append(gaps[1:], self.after)
        usual = float(np.mean(gaps))
        room = round(SHIFT_S * self.fs)
        at = self.beats[1:]
        inside = (at >= self.before + room) & (at + self.after + room < self.leads.shape[1])
        steady = (gaps >= EARLY * usual) & (gaps <= usual / EARLY**2) & (following >= self.after)
        kept: NDArray[np.int64] = inner[steady & inside]
        return kept

    def rr_before(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Samples since the beat before each."""
        since: NDArray[np.int64] = self.beats[numbers] - self.beats[numbers - 1]
        return since

    def unevenness(self) -> float:
        """1.4826 times the median deviation of all intervals from their median, as part of it."""
        gaps = np.diff(self.beats)
        usual = float(np.median(gaps))
        return 1.4826 * float(np.median(np.abs(gaps - usual))) / usual

    def levelled(self, peaks: NDArray[np.int64]) -> Leads:
        """The leads without their baseline: a spline through their PR levels."""
        ago = self._level_before(peaks)
        half = max(1, round(LEVEL_WIDTH_S * self.fs / 2))
        knots = peaks - ago
        flat = np.empty_like(self.leads)
        for row, lead in enumerate(self.leads):
            values = np.array([np.mean(lead[k - half : k + half]) for k in knots])
            real = np.isfinite(values)
            flat[row] = lead - (through(knots[real], values[real], len(lead)) if real.any() else np.nan)
        return flat

    def _level_before(self, peaks: NDArray[np.int64]) -> int:
        """Samples from the flattest place before the QRS to R: where all leads together move the least."""
        far, near = (round(s * self.fs) for s in LEVEL_S)
        far = min(far, self.before)
        steep = np.nan_to_num(_median(slopes(_cut(self.leads, peaks, far, 0), self.fs)))
        moving = np.sum(steep**2, axis=0)[: far - near]
        width = max(1, round(LEVEL_WIDTH_S * self.fs))
        held = np.convolve(moving, np.ones(width) / width, mode="valid")
        return far - int(np.argmin(held)) - width // 2


def _of_one_shape(strip: _Strip, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The largest family of beats that look alike, and their R peaks, moved so that the shapes lie on each other."""
    fs, room = strip.fs, round(SHIFT_S * strip.fs)
    reach = round(SHAPE_S * fs)
    at = strip.beats[chosen]
    calm = np.array([_calmed(lead, round(CALM_S * fs)) for lead in strip.leads])
    still = _shape(calm, at, reach, 0)
    shifts = np.arange(-room, room + 1)
    likeness = np.array([still @ _shape(calm, at, reach, int(s)).T for s in shifts])
    best = likeness.max(axis=0)
    model = int(np.argmax(np.sum(best > ALIKE, axis=1) + best.mean(axis=1)))
    family = best[model] > ALIKE
    return chosen[family], at[family] + shifts[np.argmax(likeness[:, model, family], axis=0)]


def _shape(leads: Leads, at: NDArray[np.int64], reach: int, shift: int) -> NDArray[np.float64]:
    """Each beat's QRS in all leads as one vector of length 1, its mean in each lead taken off: (beats, values)."""
    cut = _cut(leads, at + shift, reach, reach)
    cut -= cut.mean(axis=2, keepdims=True)
    flat = cut.reshape(len(at), -1)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    unit: NDArray[np.float64] = flat / np.maximum(norm, 1e-12)
    return unit


def _calmed(lead: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """A moving average, so that noise does not make beats unlike; zero where there are no samples."""
    kernel = np.ones(max(1, width)) / max(1, width)
    return np.convolve(np.nan_to_num(lead - _level(lead)), kernel, mode="same")


def _level(lead: NDArray[np.float64]) -> float:
    real = lead[np.isfinite(lead)]
    return float(np.median(real)) if len(real) else 0.0


def _cut(leads: Leads, at: NDArray[np.int64], before: int, after: int) -> Beats:
    """(beats, leads, before + after + 1) around each R peak."""
    window = at[:, None] + np.arange(-before, after + 1)
    return np.swapaxes(leads[:, window], 0, 1)


def _median(cut: Beats) -> Leads:
    """The median over whole beats, lead by lead; a lead without any stays NaN."""
    out = np.full(cut.shape[1:], np.nan)
    for row in range(cut.shape[1]):
        whole = cut[np.isfinite(cut[:, row]).all(axis=1), row]
        if len(whole):
            out[row] = np.median(whole, axis=0)
    return out


def _error(cut: Beats, peak: int, fs: float) -> list[float]:
    """Standard error of the median (1.2533 sigma / sqrt(n)) in each lead, RMS outside the QRS, where R jitters."""
    errors = []
    outside = np.abs(np.arange(cut.shape[2]) - peak) > SHAPE_S * fs
    for lead in np.swapaxes(cut, 0, 1)[:, :, outside]:
        whole = lead[np.isfinite(lead).all(axis=1)]
        sigma = (
            1.4826 * np.median(np.abs(whole - np.median(whole, axis=0)), axis=0) if len(whole) else np.array(np.nan)
        )
        errors.append(1.2533 * float(np.sqrt(np.mean(sigma**2))) / math.sqrt(max(1, len(whole))))
    return errors
