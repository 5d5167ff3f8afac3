"""From beats in a falling cuff to pressures: the envelope, its maximum and two crossings.

Maximum amplitude with fixed ratios (Geddes 1982): the mean pressure is where the oscillations are largest, systolic
where they have grown to one half of it, diastolic where they have fallen to 0.8. The ratios are an average over
people; with other arteries they are off by several mmHg, and an artery that is softest away from zero shifts all
three without leaving a trace in the envelope. So this checks the instrument's own values and never replaces them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cabin_signal.filters import Samples

SYSTOLIC_RATIO, DIASTOLIC_RATIO = 0.50, 0.80
TOP_PART = 0.75
"""Beats above this part of the largest shape the top of the envelope."""
OUTLIER = 0.35
"""Distance from the neighbours' median, as part of the largest of the two, that makes a beat an artefact."""


@dataclass(frozen=True, slots=True)
class Pressures:
    """In mmHg."""

    systolic: float
    diastolic: float
    mean: float
    largest: float
    """Largest oscillation from foot to peak."""


def plausible_beats(amplitudes: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which beats fit their neighbours: extra beats, knocks and tremor do not."""
    kept = np.ones(len(amplitudes), dtype=bool)
    least = 0.2 * float(amplitudes.max(initial=0.0))
    for i, amplitude in enumerate(amplitudes):
        reach = min(3, i, len(amplitudes) - 1 - i)
        near = np.concatenate((amplitudes[i - reach : i], amplitudes[i + 1 : i + 1 + reach]))
        if len(near):
            middle = float(np.median(near))
            kept[i] = abs(amplitude - middle) <= OUTLIER * max(middle, amplitude, least)
    return kept


def pressures(cuff: Samples, amplitudes: Samples) -> Pressures | None:
    """Pressures from beats in the order of a falling cuff: `cuff` pressure and oscillation `amplitudes`, in mmHg.

    None where the envelope does not rise and fall around its maximum far enough to cross both ratios.
    """
    if len(cuff) < 5:
        return None
    smooth = _smoothed(amplitudes)
    top = int(np.argmax(smooth))
    rising = _never_falling(smooth[: top + 1])
    falling = _never_falling(smooth[top:][::-1])[::-1]
    mean, largest = _summit(cuff, amplitudes, smooth, top)
    systolic = _crossing(cuff[: top + 1], rising, SYSTOLIC_RATIO * largest)
    diastolic = _crossing(cuff[top:][::-1], falling[::-1], DIASTOLIC_RATIO * largest)
    if systolic is None or diastolic is None:
        return None
    return Pressures(systolic, diastolic, mean, largest)


def summit(cuff: Samples, amplitudes: Samples) -> tuple[float, float]:
    """(pressure, height) in mmHg of the envelope's top, whether or not it is crossed on both sides."""
    smooth = _smoothed(amplitudes)
    return _summit(cuff, amplitudes, smooth, int(np.argmax(smooth)))


def _smoothed(amplitudes: Samples) -> Samples:
    padded = np.concatenate((amplitudes[:1], amplitudes, amplitudes[-1:]))
    result: Samples = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return result


def _never_falling(values: Samples) -> Samples:
    """The nearest curve that never falls (least squares; pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values.tolist():
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            other, n = pools.pop()
            mean, count = (other * n + mean * count) / (n + count), n + count
        pools.append((mean, count))
    return np.repeat([mean for mean, _ in pools], [count for _, count in pools])


def _summit(cuff: Samples, amplitudes: Samples, smooth: Samples, top: int) -> tuple[float, float]:
    """(pressure, height) of the envelope's top: a parabola through the beats around it, where they make one."""
    near = smooth >= TOP_PART * smooth[top]
    if int(near.sum()) >= 5:
        a, b, c = np.polyfit(cuff[near] - cuff[top], amplitudes[near], 2)
        at = -b / (2 * a) if a < 0 else np.inf
        if np.min(cuff[near]) < cuff[top] + at < np.max(cuff[near]):
            return float(cuff[top] + at), float(c - b * b / (4 * a))
    return float(cuff[top]), float(smooth[top])


def _crossing(cuff: Samples, rising: Samples, level: float) -> float | None:
    """Cuff pressure at which a curve that never falls reaches `level`; None where it starts above or ends below."""
    if rising[0] >= level or rising[-1] < level:
        return None
    after = int(np.argmax(rising >= level))
    part = (level - rising[after - 1]) / (rising[after] - rising[after - 1])
    return float(cuff[after - 1] + part * (cuff[after] - cuff[after - 1]))
