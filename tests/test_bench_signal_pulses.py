"""The bench's reference for pulses: agreement of two readers, the lag, rates by window, and what is withheld."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.signal_cases import Truth
from bench.signal_coverage import curve, mean_doubt
from bench.signal_detectors import Found
from bench.signal_hearts import (
    Heart,
    Pulses,
    RateWindow,
    agreement,
    lag,
    pulse_stretches,
    rate_errors,
    rate_stretches,
    strip_rate,
)

FS = 100.0
BEATS = np.arange(100, 6000, 80, dtype=np.int64)


def pulses(beats: list[int], quality: list[tuple[int, int, str]] | None = None) -> Pulses:
    heart = Heart(BEATS, ())
    return Pulses(
        "ours", Truth(6000, FS, np.zeros(0, dtype=np.int64), ()), Found(beats, quality=quality or []), heart
    )


def test_where_both_readers_agree_the_second_is_believed_and_nothing_is_left_out() -> None:
    heart = agreement(Found((BEATS - 3).tolist()), Found(BEATS.tolist()), FS)
    assert np.array_equal(heart.beats, BEATS)
    assert heart.left_out == ()


def test_around_a_beat_that_one_reader_has_alone_nothing_is_counted() -> None:
    heart = agreement(Found([100, 1000]), Found([100, 3000]), FS)
    assert heart.beats.tolist() == [100]
    assert heart.left_out == ((750, 1250), (2750, 3250))


def test_doubts_that_touch_are_one() -> None:
    heart = agreement(Found([1000, 1100]), Found([]), FS)
    assert heart.left_out == ((750, 1350),)


@given(st.integers(-10, 60), st.integers(0, 10_000))
def test_the_lag_is_found_whatever_else_is_there(shift: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    beats = np.cumsum(rng.integers(60, 110, 60))
    found = np.sort(np.concatenate([beats + shift + rng.integers(-2, 3, 60), rng.integers(0, 5000, 5)]))
    assert abs(lag(beats, found.astype(np.int64), FS) - shift) <= 3


def test_without_a_pulse_there_is_no_lag() -> None:
    assert lag(BEATS, np.zeros(0, dtype=np.int64), FS) == 0


def test_a_constant_lag_costs_nothing() -> None:
    late = pulses((BEATS + 35).tolist())
    assert late.lag == 35
    assert late.score().f1 == 100


def test_withheld_pulses_are_named_in_samples_of_the_pleth() -> None:
    found = (BEATS + 35).tolist()
    found[3] += 25  # one pulse that is a miss and an invention
    ours = pulses(found)
    assert ours.score().errors == 2
    span = (int(BEATS[3]) + 30, int(BEATS[3]) + 62)
    assert ours.score((span,)).errors == 0


def test_errors_are_counted_in_the_stretch_where_they_are() -> None:
    found = (BEATS + 35).tolist()
    missing = found.pop(3)
    ours = pulses(
        found, [(0, missing - 20, "good"), (missing - 20, missing + 20, "bad"), (missing + 20, 6000, "good")]
    )
    assert [s.errors for s in pulse_stretches(ours, by_grade=True)] == [0, 1, 0]


def test_a_rate_is_intervals_over_time() -> None:
    assert strip_rate(BEATS, 0, 1000, FS) == pytest.approx(75)
    assert strip_rate(BEATS[:1], 0, 1000, FS) is None


def test_rate_errors_are_of_what_was_not_withheld() -> None:
    windows = [
        RateWindow(60, 61, 60, 0),
        RateWindow(60, 70, 60, 0),
        RateWindow(60, None, 60, 2),
        RateWindow(60, 60, None, 0),
    ]
    found = rate_errors(windows)
    assert found.coverage == 75
    assert found.within == pytest.approx(200 / 3)
    assert found.mae == pytest.approx(11 / 3)
    assert found.against_monitor == pytest.approx(5.5)


def test_where_everything_is_withheld_there_is_no_error_and_no_coverage() -> None:
    found = rate_errors([RateWindow(60, None, 60, 2)])
    assert found.coverage == 0 and math.isnan(found.mae)


def test_a_window_without_a_rate_is_never_kept() -> None:
    points = curve(rate_stretches([RateWindow(60, 61, None, 0.5), RateWindow(60, None, None, 0.0)]))
    assert [(p.coverage, p.risk) for p in points] == [(0.5, 1.0)]


def test_the_mean_doubt_is_by_time() -> None:
    found = Found(quality=[(0, 100, "good"), (100, 200, "usable"), (200, 300, "bad")], doubts=[0, 0.5, 1])
    assert mean_doubt(found, 0, 300) == 0.5
    assert mean_doubt(found, 50, 150) == 0.25
    assert mean_doubt(found, 400, 500) == 1.0
