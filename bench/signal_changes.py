"""What may happen to a recording on its way: another sign, rate, gain or channel, mains, steps, holes, movement.

Each change is a function of the recording, a seeded source of chance, its reference beats and, where it needs them,
seconds of electrode motion; the same recording is changed in the same way every time.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Spans = tuple[tuple[int, int], ...]
"""Samples [start, end]."""

HUM_MV, HUM_HZ = 0.2, 50.0
"""Amplitude of the mains: 0.4 mV from top to bottom."""
STEP_MV, STEP_EVERY_S = 5.0, 20.0
GAP_S, GAP_EVERY_S = (0.2, 2.0), 30.0
NEAR_S = 0.15
"""Beats so near to a hole are not counted: the QRS may lie in it."""
NOISE_DB = 12.0
QRS_S = 0.05
"""Half the width in which a QRS is measured from top to bottom."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A recording after a change."""

    samples: Samples
    fs: float
    holes: Spans = ()


Noise = Callable[[], Samples]
"""Gives electrode motion at 360 Hz, at `NOISE_DB`, in heights of the QRS."""
Change = Callable[[Changed, np.random.Generator, NDArray[np.int64], Noise | None], Changed]


def chance(name: str) -> np.random.Generator:
    """A source of chance that belongs to this recording."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def _as_it_is(given: Changed, *_: object) -> Changed:
    return given


def _scaled(factor: float, given: Changed, *_: object) -> Changed:
    return Changed(factor * given.samples, given.fs)


def _resampled(rate: int, given: Changed, *_: object) -> Changed:
    from scipy.signal import resample_poly

    common = np.gcd(rate, round(given.fs))
    # The edge is continued by its own value: zeros would make a step that the recording does not have.
    samples = resample_poly(given.samples, rate // common, round(given.fs) // common, padtype="edge")
    return Changed(np.asarray(samples, dtype=np.float64), float(rate))


def _hum(given: Changed, rng: np.random.Generator, *_: object) -> Changed:
    t = np.arange(len(given.samples)) / given.fs
    return Changed(given.samples + HUM_MV * np.sin(2 * np.pi * (HUM_HZ * t + rng.random())), given.fs)


def _steps(given: Changed, rng: np.random.Generator, *_: object) -> Changed:
    """Every so often up, and down again: a lead that changes its offset."""
    samples = given.samples.copy()
    for number, at in enumerate(_times(given, STEP_EVERY_S, rng)):
        samples[at:] += STEP_MV if number % 2 == 0 else -STEP_MV
    return Changed(samples, given.fs)


def _gaps(given: Changed, rng: np.random.Generator, *_: object) -> Changed:
    samples, near = given.samples.copy(), round(NEAR_S * given.fs)
    holes = []
    for at in _times(given, GAP_EVERY_S, rng):
        end = at + round(rng.uniform(*GAP_S) * given.fs)
        samples[at:end] = np.nan
        holes.append((at - near, end + near))
    return Changed(samples, given.fs, tuple(holes))


def _times(given: Changed, every_s: float, rng: np.random.Generator) -> list[int]:
    """One moment in the middle half of each stretch of so many seconds."""
    stretch = round(every_s * given.fs)
    starts = range(0, len(given.samples) - stretch, stretch)
    return [start + stretch // 4 + int(rng.integers(stretch // 2)) for start in starts]


def _moved(
    decibel: float, given: Changed, rng: np.random.Generator, beats: NDArray[np.int64], noise: Noise | None
) -> Changed:
    """Electrode motion as strong, beside the recording's QRS, as the noise stress test has it at so many decibels."""
    if noise is None:
        raise ValueError("movement needs a recording of it")
    track = noise()
    track = np.roll(track, int(rng.integers(len(track))))
    seconds = np.arange(len(given.samples)) / given.fs
    added = np.interp(seconds * 360 % len(track), np.arange(len(track)), track)
    scale = qrs_height(given.samples, given.fs, beats) * 10 ** ((NOISE_DB - decibel) / 20)
    return Changed(given.samples + scale * added, given.fs)


def qrs_height(samples: Samples, fs: float, beats: NDArray[np.int64]) -> float:
    """The median QRS from top to bottom, in the unit of the samples; 1 where there is no beat."""
    half = round(QRS_S * fs)
    inside = beats[(beats >= half) & (beats < len(samples) - half)]
    heights = [float(np.ptp(samples[at - half : at + half + 1])) for at in inside.tolist()]
    return float(np.median(heights)) if heights else 1.0


CHANGES: Mapping[str, Change] = {
    "none": _as_it_is,
    "inverted": partial(_scaled, -1.0),
    "250 Hz": partial(_resampled, 250),
    "500 Hz": partial(_resampled, 500),
    "gain 0.2": partial(_scaled, 0.2),
    "gain 5": partial(_scaled, 5.0),
    "50 Hz hum": _hum,
    "±5 mV steps": _steps,
    "NaN gaps": _gaps,
    "125 Hz": partial(_resampled, 125),
    "1000 Hz": partial(_resampled, 1000),
    "motion 24 dB": partial(_moved, 24.0),
    "motion 18 dB": partial(_moved, 18.0),
    "motion 12 dB": partial(_moved, 12.0),
}
"""Name -> change."""
