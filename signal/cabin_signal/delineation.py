"""Where the waves of one lead's median beat begin and end.

QRS: from the steepest place outwards to the first rest, a stretch in which the slope stays under a small part of its
greatest. T: its end is where the tangent at the steepest place of its last slope meets the PR level (Lepeschkin and
Surawicz 1952), which for a Gaussian wave is two widths past the peak. P: the same tangents, lengthened by 1.22, so
that a wave of the form of a raised cosine begins exactly where it begins. What is too small to be told from noise is
not there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cabin_signal.filters import Samples
from cabin_signal.median_beat import MedianBeat, slopes

REST_BEFORE_S, REST_AFTER_S = 0.014, 0.024
"""A slope that stays small for so long is rest: before the QRS, where P may be near, and after it, where the top of a
broad S wave is nearly as flat for a while."""
REST_PART = 0.06
"""... small: below this part of the greatest slope of the QRS,"""
RESTLESS = 2.5
"""... or below so many times the standard error of the slope."""
DROWNED = 0.25
"""Where noise is above this part of the greatest slope, the QRS has no beginning."""
QRS_REACH_S = 0.17
"""The QRS and the rest after it lie within so much of R."""
ST_S = 0.06
"""T begins no sooner after the QRS."""
SMOOTH_T_S, SMOOTH_P_S = 0.028, 0.016
"""Moving average, twice, before the slow waves are looked for."""
LEAST_T_MV = 0.1
LEAST_P_MV = 0.025
CLEAR = 5.0
"""A wave stands out if it is so many times the standard error of the median."""
P_REACH_S, P_GAP_S = 0.32, 0.012
"""P lies between so long and so long before the QRS."""
P_FOOT = 1.22
"""The foot of a raised cosine lies 1.22 times as far from its peak as where its steepest tangent meets the line."""
SECOND = 0.5
"""A later wave of the other sign and this part of the height is the second half of T."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Places in one lead's median beat, ms after R (negative before); None where there is none to be told."""

    qrs_on: float | None = None
    qrs_off: float | None = None
    p_on: float | None = None
    p_off: float | None = None
    t_peak: float | None = None
    t_end: float | None = None
    t_mv: float = 0.0
    """Height of T over the PR level, mV; also where it is too small for an end."""


def delineate(beat: MedianBeat, row: int) -> Marks:
    """The marks of one lead of `beat`."""
    x, fs = beat.millivolts[row], beat.fs
    if not np.isfinite(x).all():
        return Marks()
    on, off = _qrs(x, beat.peak, fs, beat.restless[row])
    if on is None or off is None:
        return Marks()
    noise = beat.noise_uv[row] / 1000
    lead = _Lead(x, fs, beat.peak, noise)
    t_mv, t_peak, t_end = lead.t_wave(off)
    before = -np.inf if t_end is None else t_end - beat.rr_ms * fs / 1000
    p_on, p_off = lead.p_wave(on, before)
    places = {"qrs_on": on, "qrs_off": off, "p_on": p_on, "p_off": p_off, "t_peak": t_peak, "t_end": t_end}
    return Marks(**{name: _ms(at, beat.peak, fs) for name, at in places.items()}, t_mv=t_mv)


def _ms(at: float | None, peak: int, fs: float) -> float | None:
    return None if at is None else (at - peak) * 1000 / fs


def _qrs(x: Samples, peak: int, fs: float, restless: float) -> tuple[float | None, float | None]:
    """Where the QRS begins and ends, in samples."""
    steep = np.abs(slopes(x, fs))
    reach = round(QRS_REACH_S * fs)
    first, last = max(0, peak - reach), min(len(x), peak + reach + 1)
    middle = peak - round(0.05 * fs) + int(np.argmax(steep[peak - round(0.05 * fs) : peak + round(0.05 * fs) + 1]))
    limit = math.hypot(REST_PART * steep[middle], RESTLESS * restless)
    if not limit < DROWNED * steep[middle]:
        return None, None
    before = _rest(steep[first : middle + 1][::-1], limit, REST_BEFORE_S * fs)
    after = _rest(steep[middle:last], limit, REST_AFTER_S * fs)
    return (None if before is None else middle - before, None if after is None else middle + after)


def _rest(steep: Samples, limit: float, long: float) -> float | None:
    """How far it is to the first stretch of rest; between the samples, where the slope passes the limit."""
    width = max(2, round(long))
    quiet = np.convolve(steep < limit, np.ones(width), mode="valid") >= width
    if not quiet.any():
        return None
    at = int(np.argmax(quiet))
    if at == 0:
        return 0.0
    above, below = float(steep[at - 1]), float(steep[at])
    return at - (limit - below) / (above - below) if above > below else float(at)


class _Lead:
    """The slow waves of one lead, the PR level at zero."""

    def __init__(self, x: Samples, fs: float, peak: int, noise: float) -> None:
        self._x, self._fs, self._peak, self._noise = x, fs, peak, noise

    def t_wave(self, qrs_off: float) -> tuple[float, float | None, float | None]:
        """Height in mV, peak and end in samples."""
        first = int(qrs_off + ST_S * self._fs)
        x = _smoothed(self._x, SMOOTH_T_S, self._fs)
        if len(x) - first < 0.1 * self._fs:
            return 0.0, None, None
        top = first + int(np.argmax(np.abs(x[first:])))
        height = float(x[top])
        if not first < top < len(x) - 2:
            return abs(height), None, None
        rest = -np.sign(height) * x[top:]
        second = int(np.argmax(rest))
        if rest[second] > SECOND * abs(height) and top + second < len(x) - 2:
            top, height = top + second, float(x[top + second])
        if abs(height) < max(LEAST_T_MV, CLEAR * self._noise):
            return abs(height), None, None
        return abs(height), float(top), self._foot(x * np.sign(height), top, len(x) - 1, 0.0, SMOOTH_T_S)

    def p_wave(self, qrs_on: float, t_before: float) -> tuple[float | None, float | None]:
        """Beginning and end in samples; `t_before`: where the T wave of the beat before ends."""
        first = int(max(0.0, qrs_on - P_REACH_S * self._fs, t_before))
        last = int(qrs_on - P_GAP_S * self._fs)
        if last - first < 0.06 * self._fs:
            return None, None
        x = _smoothed(self._x, SMOOTH_P_S, self._fs)
        found = max((_hump(sign * x, first, last) for sign in (1, -1)), key=lambda hump: hump[1])
        top, height = found
        if height < max(LEAST_P_MV, CLEAR * self._noise):
            return None, None
        upright = x * np.sign(x[top] - 0.5 * (x[first] + x[last]))
        left = float(np.min(upright[first : top + 1]))
        right = float(np.min(upright[top : last + 1]))
        on = self._foot(upright, top, first, left, SMOOTH_P_S)
        off = self._foot(upright, top, last, right, SMOOTH_P_S)
        return (
            None if on is None else top - P_FOOT * (top - on),
            None if off is None else top + P_FOOT * (off - top),
        )

    def _foot(self, x: Samples, top: int, end: int, level: float, smooth_s: float) -> float | None:
        """Where the steepest tangent from `top` towards `end` meets `level`; None where it does not fall.

        Smoothing has widened the wave: its variance is taken off again.
        """
        step = 1 if end > top else -1
        fall = -step * slopes(x, self._fs)[top : end + step if end + step >= 0 else None : step]
        steepest = int(np.argmax(fall))
        if steepest in (0, len(fall) - 1) or fall[steepest] <= 0:
            return None
        reach = steepest + (float(x[top + step * steepest]) - level) * self._fs / float(fall[steepest])
        widened = 4 * _variance(smooth_s, self._fs)
        return top + step * float(np.sqrt(max(0.0, reach**2 - widened)))


def _hump(x: Samples, first: int, last: int) -> tuple[int, float]:
    """The highest place within [first, last] and how far it stands over the higher of its two feet."""
    top = first + int(np.argmax(x[first : last + 1]))
    feet = float(np.min(x[first : top + 1])), float(np.min(x[top : last + 1]))
    return top, float(x[top]) - max(feet)


def _half(seconds: float, fs: float) -> int:
    return max(1, round(seconds * fs / 2))


def _variance(seconds: float, fs: float) -> float:
    """Of the kernel of `_smoothed`, in samples squared."""
    return 2 * ((2 * _half(seconds, fs) + 1) ** 2 - 1) / 12


def _smoothed(x: Samples, seconds: float, fs: float) -> Samples:
    """A moving average, twice, with the ends held."""
    half = _half(seconds, fs)
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    for _ in range(2):
        held = np.concatenate((np.full(half, x[0]), x, np.full(half, x[-1])))
        x = np.convolve(held, kernel, mode="valid")
    return x
