"""What the detectors are given: a stretch of a real recording, as it is or changed, and what is known of it.

A case is a few words, so that every detector can load it in a process of its own. Only numpy, scipy and wfdb are
needed here: peers live in another virtual environment than the cabin.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.signal_changes import CHANGES, Changed, Samples, Spans, chance, qrs_height

Indices = NDArray[np.int64]
"""Sample numbers."""

ROOT = Path(__file__).resolve().parent.parent
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""WFDB's codes of beats (annotation codes of ecgcodes.h)."""
NOISE_FROM, NOISE_CLEAN = "nstdb/118e12", "mitdb/118"
"""Electrode motion is the first minus the second."""
QUIET = 0.01
"""Less than this in a second is rounding."""


@dataclass(frozen=True, slots=True)
class Case:
    """One channel of a recording."""

    record: str
    """Folder and name, as "mitdb/119"."""
    channel: int = 0
    change: str = "none"
    """A key of `signal_changes.CHANGES`."""
    seconds: float | None = None
    """Only so much from its beginning."""


@dataclass(frozen=True, slots=True)
class Given:
    """A case, loaded."""

    samples: Samples
    """In mV (a pleth: no unit), NaN where there are none."""
    fs: float
    beats: Indices
    """Reference beats; empty where nobody marked any."""
    left_out: Spans
    """Samples [start, end] in which nothing is counted: ventricular flutter, holes."""

    @property
    def truth(self) -> Truth:
        """What is known of it, without the samples."""
        return Truth(len(self.samples), self.fs, self.beats, self.left_out)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a case; small enough to keep thousands."""

    length: int
    """In samples."""
    fs: float
    beats: Indices
    left_out: Spans


def data_folder() -> Path:
    """The folder of real recordings: CABIN_DATA, else `../shared/data` beside the checkout."""
    return Path(os.environ.get("CABIN_DATA", ROOT.parent / "shared" / "data"))


def records(database: str) -> list[str]:
    """All its recordings, "mitdb/102" and on."""
    return sorted(f"{database}/{header.stem}" for header in (data_folder() / database).glob("*.hea"))


def load(case: Case) -> Given:
    """The samples and the reference. FileNotFoundError where the recordings are not there."""
    kept, fs = read(case.record, case.channel)
    samples = kept.copy()
    beats, left_out = reference(case.record)
    if case.seconds is not None:
        samples = samples[: round(case.seconds * fs)]
        beats = beats[beats < len(samples)]
    noise = motion_noise if case.change.startswith("motion") else None
    changed = CHANGES[case.change](Changed(samples, fs), chance(case.record), beats, noise)
    scale = changed.fs / fs
    moved = np.round(beats * scale).astype(np.int64)
    spans = [(round(start * scale), round(end * scale)) for start, end in left_out]
    return Given(changed.samples, changed.fs, moved, tuple(spans) + changed.holes)


@lru_cache(maxsize=64)
def read(record: str, channel: int) -> tuple[Samples, float]:
    """One channel in its physical unit, and its sampling rate in Hz; the array is shared and not to be written to."""
    with _wfdb() as wfdb:
        found = wfdb.rdrecord(str(data_folder() / record), channels=[channel])
    return np.asarray(found.p_signal[:, 0], dtype=np.float64), float(found.fs)


def reference(record: str) -> tuple[Indices, Spans]:
    """Beats that people marked, and spans of ventricular flutter; empty where there is no annotation."""
    base = data_folder() / record
    if not base.with_name(base.name + ".atr").exists():
        return np.zeros(0, dtype=np.int64), ()
    with _wfdb() as wfdb:
        notes = wfdb.rdann(str(base), "atr")
    marks = list(zip(notes.sample.tolist(), notes.symbol, strict=True))
    beats = np.array([sample for sample, symbol in marks if symbol in BEATS], dtype=np.int64)
    begins, ends = ([sample for sample, symbol in marks if symbol == mark] for mark in "[]")
    return beats, tuple(zip(begins, ends, strict=False))


def beats_only(record: str, extension: str) -> tuple[Indices, float]:
    """The beats of an annotation without a recording, and its ticks a second."""
    with _wfdb() as wfdb:
        notes = wfdb.rdann(str(data_folder() / record), extension)
    marks = zip(notes.sample.tolist(), notes.symbol, strict=True)
    return np.array([sample for sample, symbol in marks if symbol in BEATS], dtype=np.int64), float(notes.fs)


def rhythm_changes(record: str) -> Sequence[tuple[int, str]]:
    """(sample, name of the rhythm that begins there) of an annotated recording."""
    with _wfdb() as wfdb:
        notes = wfdb.rdann(str(data_folder() / record), "atr")
    named = zip(notes.sample.tolist(), notes.aux_note, strict=True)
    return [(sample, note.rstrip("\0")[1:]) for sample, note in named if note.startswith("(")]


@lru_cache(maxsize=1)
def motion_noise() -> Samples:
    """Electrode motion alone at 360 Hz, in heights of the QRS: stressed minus clean recording, quiet parts left out.

    The stressed one lies some millivolts lower throughout; that is no motion, and is taken off.
    """
    clean, fs = read(NOISE_CLEAN, 0)
    noise = (read(NOISE_FROM, 0)[0] - clean) / qrs_height(clean, fs, reference(NOISE_CLEAN)[0])
    seconds = noise[: len(noise) // 360 * 360].reshape(-1, 360)
    quiet = np.ptp(seconds, axis=1) < QUIET
    kept: Samples = (seconds[~quiet] - np.median(seconds[quiet])).ravel()
    return kept


@contextmanager
def _wfdb() -> Iterator[Any]:
    """The package, unwarned: 4.3 uses what pandas means to drop, and divides by zero on a flat channel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb

        yield wfdb
