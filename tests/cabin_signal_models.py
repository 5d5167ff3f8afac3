"""Bodies and judges for the tests of the analysis: waves whose truth is known, and a scorer of beats.

Nothing here is used by the analysis, and no law here is one that it assumes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BEAT_SYMBOLS = frozenset("NLRBAaJSVrFejnE/fQ?")


def heart(r_times: Iterable[float], fs: float, seconds: float, millivolt: float = 1.0) -> Array:
    """A lead II in mV with P, Q, R, S and T waves as Gaussians around the given R times (seconds)."""
    t = np.arange(round(seconds * fs)) / fs
    x = np.zeros(len(t))
    waves = ((-0.17, 0.12, 0.022), (-0.026, -0.12, 0.009), (0.0, 1.0, 0.011), (0.028, -0.2, 0.01), (0.26, 0.3, 0.045))
    for r in r_times:
        for shift, height, width in waves:
            x += millivolt * height * np.exp(-0.5 * ((t - r - shift) / width) ** 2)
    return x


def finger(foot_times: Iterable[float], fs: float, seconds: float) -> Array:
    """A pleth of height about 1: a systolic wave 0.18 s after each foot, a dicrotic one 0.42 s after it."""
    t = np.arange(round(seconds * fs)) / fs
    x = np.zeros(len(t))
    for foot in foot_times:
        x += np.exp(-0.5 * ((t - foot - 0.18) / 0.07) ** 2) + 0.35 * np.exp(-0.5 * ((t - foot - 0.42) / 0.1) ** 2)
    return x


ArteryLaw = Callable[[Array], Array]
"""Transmural pressure in mmHg -> arterial volume, in any unit."""


def arctan_artery(middle: float, width: float) -> ArteryLaw:
    """Langewouters' law."""
    return lambda p: np.arctan((p - middle) / width)


def logistic_artery(middle: float, width: float) -> ArteryLaw:
    """A sigmoid with other flanks than the arctan's."""
    return lambda p: 1 / (1 + np.exp(-(p - middle) / width))


SOFT_ARTERY = arctan_artery(5, 15)


@dataclass(frozen=True)
class Arm:
    """A cuff measurement to come."""

    systolic: float = 122
    diastolic: float = 78
    rate: float = 66
    artery: ArteryLaw = SOFT_ARTERY
    oscillation: float = 2.5
    top: float = 155
    fall: float = 2.8
    tremble: float = 0.05


def inflate(arm: Arm, fs: float = 100, seed: int = 1, lowest: float = 45) -> tuple[Array, Array]:
    """Times (s) and cuff pressures (mmHg): pump up in 6 s, fall at a steady rate to `lowest`, open."""
    rng = np.random.default_rng(seed)
    fall_s = (arm.top - lowest) / arm.fall
    t = np.arange(0, 6 + fall_s + 3, 1 / fs)
    cuff = np.interp(t, [0, 6, 6 + fall_s, 7.5 + fall_s], [0, arm.top, lowest, 0])
    phase = t * arm.rate / 60 % 1
    rest = np.exp(-0.82 / 0.3)
    wave = np.where(
        phase < 0.18, rest + (1 - rest) * np.sin(np.pi / 2 * phase / 0.18) ** 2, np.exp((0.18 - phase) / 0.3)
    )
    blood = arm.diastolic + (arm.systolic - arm.diastolic) * (wave - rest) / (1 - rest)
    swing = arm.artery(arm.systolic - cuff) - arm.artery(arm.diastolic - cuff)
    pulse = (arm.artery(blood - cuff) - arm.artery(arm.diastolic - cuff)) * arm.oscillation / swing.max()
    return t, cuff + np.where(cuff > 1, pulse, 0) + arm.tremble * rng.standard_normal(len(t))


@dataclass(frozen=True)
class Score:
    """Beats found, missed and invented."""

    found: int
    missed: int
    invented: int
    offsets: tuple[float, ...] = ()
    """Detection minus reference, in samples, of every beat found."""

    @property
    def f1(self) -> float:
        """In percent."""
        return 200 * self.found / max(1, 2 * self.found + self.missed + self.invented)

    def __add__(self, other: Score) -> Score:
        return Score(self.found + other.found, self.missed + other.missed, self.invented + other.invented)


def score(reference: Sequence[int], detected: Sequence[int], window: float) -> Score:
    """One-to-one, in the order of time, within `window` samples: the rule of ANSI/AAMI EC57."""
    ref, det = sorted(reference), sorted(detected)
    i = j = 0
    offsets: list[float] = []
    while i < len(ref) and j < len(det):
        apart = det[j] - ref[i]
        if abs(apart) > window:
            i, j = (i + 1, j) if apart > 0 else (i, j + 1)
            continue
        if (
            j + 1 < len(det)
            and abs(det[j + 1] - ref[i]) < abs(apart)
            and (i + 1 >= len(ref) or abs(det[j + 1] - ref[i]) < abs(det[j + 1] - ref[i + 1]))
        ):
            j += 1
            continue
        offsets.append(apart)
        i, j = i + 1, j + 1
    return Score(len(offsets), len(ref) - len(offsets), len(det) - len(offsets), tuple(offsets))


@dataclass(frozen=True)
class Recording:
    """One channel of a real recording with its reference beats; flutter is left out on both sides."""

    samples: Array
    fs: float
    beats: tuple[int, ...]
    left_out: tuple[tuple[int, int], ...]

    def judge(self, detected: Sequence[int], window_s: float = 0.15) -> Score:
        """The score of these detections."""
        w = window_s * self.fs
        ref = [b for b in self.beats if not any(s <= b <= e for s, e in self.left_out)]
        det = [b for b in detected if not any(s - w <= b <= e + w for s, e in self.left_out)]
        return score(ref, det, w)


def recording(file: Path, channel: int = 0) -> Recording:
    """A WFDB record (path without extension) and its `.atr`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb uses a pandas keyword that pandas means to drop
        import wfdb

        record = wfdb.rdrecord(str(file), channels=[channel])
        notes = wfdb.rdann(str(file), "atr")
    beats = tuple(int(s) for s, y in zip(notes.sample, notes.symbol, strict=True) if y in BEAT_SYMBOLS)
    begins = [int(s) for s, y in zip(notes.sample, notes.symbol, strict=True) if y == "["]
    ends = [int(s) for s, y in zip(notes.sample, notes.symbol, strict=True) if y == "]"]
    samples = np.asarray(record.p_signal[:, 0], dtype=np.float64)
    return Recording(samples, float(record.fs), beats, tuple(zip(begins, ends, strict=True)))
