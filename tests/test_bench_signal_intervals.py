"""The bench's judge of rhythm: what readers marked, the textbook's entropy, windows and rates."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench.signal_cases import Case, load
from bench.signal_changes import Samples
from bench.signal_detectors import Found
from bench.signal_intervals import (
    COSEN_LIMIT,
    COSEN_MATCHES,
    COSEN_R_S,
    Marked,
    Window,
    af_database,
    annotated,
    cosen,
    cosen_windows,
    rates,
    rhythm_stretches,
    windows_of,
)

RNG = np.random.default_rng(4)
STEADY = 0.85 + 0.03 * np.sin(np.arange(30) * 0.9) + 0.005 * RNG.standard_normal(30)
SCATTERED = np.clip(0.75 + 0.15 * RNG.standard_normal(30), 0.35, 1.6)


def marked(intervals: Samples, irregular: bool) -> Marked:
    beats = np.round(1000 * np.concatenate([[1.0], 1 + np.cumsum(intervals)])).astype(np.int64)
    return Marked(beats, np.full(len(beats), irregular), 1000.0)


def by_hand(intervals: Samples) -> float:
    """The definition, pair by pair, widening the tolerance millisecond by millisecond."""
    n = len(intervals)
    r = COSEN_R_S
    while True:
        a = b = 0
        for i in range(n - 1):
            for j in range(i + 1, n - 1):
                near = abs(intervals[i] - intervals[j]) <= r
                b += near
                a += near and abs(intervals[i + 1] - intervals[j + 1]) <= r
        if a >= COSEN_MATCHES:
            return float(-math.log(a / b) + math.log(2 * r) - math.log(np.mean(intervals)))
        r += 0.0005


@pytest.mark.parametrize("intervals", [STEADY, SCATTERED])
def test_the_entropy_is_the_one_of_its_definition(intervals: Samples) -> None:
    assert cosen(intervals) == pytest.approx(by_hand(intervals), abs=0.05)


def test_a_steady_heart_lies_below_the_limit_and_a_scattered_one_above() -> None:
    assert cosen(STEADY) < COSEN_LIMIT < cosen(SCATTERED)


def test_windows_follow_each_other_without_overlap() -> None:
    assert len(cosen_windows(marked(np.tile(STEADY, 3), False))) == 3
    assert cosen_windows(marked(STEADY, False)) == [Window(False, "regular")]
    assert cosen_windows(marked(SCATTERED, True)) == [Window(True, "irregular")]


def test_a_window_is_what_most_of_its_beats_are() -> None:
    beats = np.arange(0, 1000, 100, dtype=np.int64)
    half = Marked(beats, beats >= 400, 100.0)
    spans = [(0, 900, "irregular"), (0, 500, "regular"), (400, 900, "unanalysable"), (2000, 3000, "regular")]
    assert windows_of(half, spans) == [
        Window(True, "irregular"),
        Window(False, "regular"),
        Window(True, "unanalysable"),
    ]


def test_rates_are_of_windows_with_a_verdict() -> None:
    found = rates(
        [
            Window(True, "irregular"),
            Window(True, "regular"),
            Window(True, "unanalysable"),
            Window(False, "regular"),
        ]
    )
    assert (found.sensitivity, found.specificity, found.coverage, found.windows) == (50, 100, 75, 4)
    assert math.isnan(rates([Window(False, "regular")]).sensitivity)


def test_a_wrong_verdict_is_an_error_and_none_is_never_kept() -> None:
    beats = np.arange(0, 1000, 100, dtype=np.int64)
    steady = Marked(beats, np.zeros(10, dtype=bool), 100.0)
    found = Found(
        rhythm=[(0, 400, "regular"), (500, 900, "irregular"), (0, 900, "unanalysable")],
        margins=[0.4, 0.1, math.nan],
    )
    stretches = rhythm_stretches(steady, found)
    assert [(s.doubt, s.errors) for s in stretches] == [(-0.4, 0), (-0.1, 1), (math.inf, 0)]


def test_readers_marks_are_those_of_the_recording(cabin_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CABIN_DATA", str(cabin_data))
    truth = load(Case("mitdb/201", seconds=1.0)).truth
    assert truth.length == 360
    beats = np.arange(0, 650_000, 300, dtype=np.int64)
    part = annotated("mitdb/201", beats, 360.0).part(0, 650_000)
    assert part is not None and 0.2 < part < 0.8
    assert annotated("mitdb/122", beats, 360.0).part(0, 650_000) == 0


def test_the_af_database_has_marks_for_each_beat(cabin_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CABIN_DATA", str(cabin_data))
    first = next(af_database())
    assert first.fs == 250
    assert len(first.beats) == len(first.irregular) > 30_000
    assert 0 < first.irregular.mean() < 1
