"""Intervals between beats and what readers called the rhythm; and the textbook's measure of irregularity.

No Python peer says whether a rhythm is irregular, so the peer here is the coefficient of sample entropy as published
(Lake and Moorman 2011), with the one threshold that separates best on the AF database.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.signal_cases import Indices, beats_only, data_folder, rhythm_changes
from bench.signal_changes import Samples
from bench.signal_coverage import Stretch
from bench.signal_detectors import Found

BEATS = 30
"""Intervals in a window."""
IRREGULAR = "AFIB"
"""The rhythm that readers mark and that must be called irregular; whatever else they mark must not."""
COSEN_LIMIT = -1.42
COSEN_R_S, COSEN_MATCHES = 0.03, 5
"""Tolerance to begin with, and matches of two intervals that it is widened for."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Beats of one recording, and whether the interval after each lies in an irregular rhythm."""

    beats: Indices
    irregular: NDArray[np.bool_]
    fs: float

    def part(self, start: int, end: int) -> float | None:
        """Part of the beats in samples [start, end] that are irregular; None where there is none."""
        first, last = np.searchsorted(self.beats, [start, end + 1])
        return float(np.mean(self.irregular[first:last])) if last > first else None


@dataclass(frozen=True, slots=True)
class Window:
    """One verdict against the readers'."""

    irregular: bool
    """What most of its beats are."""
    verdict: str

    @property
    def withheld(self) -> bool:
        """Whether nothing was said."""
        return self.verdict == "unanalysable"


@dataclass(frozen=True, slots=True)
class Rates:
    """Over windows with a verdict, in percent."""

    sensitivity: float
    specificity: float
    coverage: float
    windows: int


def rates(windows: Sequence[Window]) -> Rates:
    """Sensitivity, specificity and the part of all windows that got a verdict; NaN where there is no such window."""
    said = [w for w in windows if not w.withheld]
    return Rates(
        _percent([w.verdict == "irregular" for w in said if w.irregular]),
        _percent([w.verdict == "regular" for w in said if not w.irregular]),
        _percent([not w.withheld for w in windows]),
        len(windows),
    )


def _percent(flags: Sequence[bool]) -> float:
    return 100 * float(np.mean(flags)) if flags else float("nan")


def annotated(record: str, beats: Indices, fs: float) -> Marked:
    """The reference beats of a recording whose rhythm is marked."""
    irregular = np.zeros(len(beats), dtype=bool)
    for start, name in rhythm_changes(record):
        irregular[beats >= start] = name == IRREGULAR
    return Marked(beats, irregular, fs)


def af_database() -> Iterator[Marked]:
    """Recordings of about ten hours, as beats at 250 Hz with a mark for each interval."""
    from scipy.io import loadmat

    for file in sorted((data_folder() / "afdb_rr").glob("*.mat")):
        found = loadmat(file)
        beats = found["qrs"].ravel().astype(np.int64)
        marks = found["targetsRR"].ravel().astype(bool)
        yield Marked(beats, np.append(marks, marks[-1:]), float(found["Fs"].item()))


def normal_sinus() -> Iterator[Marked]:
    """Recordings of about a day, as beats at 128 Hz; none is irregular."""
    for file in sorted((data_folder() / "nsr2db_rr").glob("*.ecg")):
        beats, fs = beats_only(f"nsr2db_rr/{file.stem}", "ecg")
        yield Marked(beats, np.zeros(len(beats), dtype=bool), fs)


def cosen(intervals: Samples) -> float:
    """Coefficient of sample entropy of intervals in seconds (m = 1): -ln(A/B) + ln 2r - ln mean."""
    apart = np.abs(intervals[:, None] - intervals[None, :])
    upper = np.triu_indices(len(intervals) - 1, 1)
    now, after = apart[:-1, :-1][upper], apart[1:, 1:][upper]
    # The tolerance at which the wanted number of neighbours match in both places, if it is above the first.
    both = np.sort(np.maximum(now, after))
    r = max(COSEN_R_S, float(both[COSEN_MATCHES - 1]))
    a, b = float(np.sum(np.maximum(now, after) <= r)), float(np.sum(now <= r))
    return float(-np.log(a / b) + np.log(2 * r) - np.log(np.mean(intervals)))


def cosen_windows(marked: Marked, beats: Indices | None = None) -> list[Window]:
    """The textbook's verdict on windows of thirty intervals, of the reference beats or of others."""
    at = marked.beats if beats is None else beats
    out = []
    for first in range(0, len(at) - BEATS, BEATS):
        window = at[first : first + BEATS + 1]
        part = marked.part(int(window[0]), int(window[-1]))
        if part is not None and bool(np.all(np.diff(window) > 0)):
            said = cosen(np.diff(window) / marked.fs) > COSEN_LIMIT
            out.append(Window(part > 0.5, "irregular" if said else "regular"))
    return out


def windows_of(marked: Marked, spans: Sequence[tuple[int, int, str]]) -> list[Window]:
    """Ours: each verdict beside what most beats in its span are."""
    both = [(marked.part(start, end), verdict) for start, end, verdict in spans]
    return [Window(part > 0.5, verdict) for part, verdict in both if part is not None]


def rhythm_stretches(marked: Marked, found: Found) -> list[Stretch]:
    """Each window with whether its verdict is wrong; the nearer to the other verdict, the more it is doubted."""
    out = []
    for span, margin in zip(found.rhythm, found.margins, strict=True):
        for window in windows_of(marked, [span]):
            wrong = (window.verdict == "irregular") != window.irregular
            out.append(Stretch(math.inf if window.withheld else -round(margin, 2), 1.0, float(wrong), 1.0))
    return out
