"""Risk against coverage: the curve, and the errors of each graded second."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.signal_cases import Truth
from bench.signal_coverage import (
    Point,
    Stretch,
    at_coverage,
    coverage_table,
    curve,
    graded_beats,
    grades_table,
    windows,
)
from bench.signal_detectors import Found

STRETCHES = st.lists(
    st.builds(Stretch, st.integers(0, 3).map(float), st.floats(0.1, 5), st.integers(0, 3).map(float), st.just(2.0)),
    min_size=1,
    max_size=30,
)


def test_the_curve_keeps_the_least_doubtful_first() -> None:
    points = curve([Stretch(2, 1, 4, 10), Stretch(0, 2, 1, 20), Stretch(1, 1, 2, 10)])
    assert [p.doubt for p in points] == [0, 1, 2]
    assert [p.coverage for p in points] == pytest.approx([0.5, 0.75, 1.0])
    assert [p.risk for p in points] == pytest.approx([1 / 20, 3 / 30, 7 / 40])


def test_stretches_of_equal_doubt_are_kept_together() -> None:
    assert len(curve([Stretch(1, 1, 0, 1), Stretch(1, 1, 5, 1)])) == 1


def test_a_curve_of_nothing_is_empty_and_one_without_units_has_no_risk() -> None:
    assert curve([]) == []
    assert math.isnan(curve([Stretch(0, 1, 0, 0)])[0].risk)


@given(STRETCHES)
def test_coverage_grows_to_all_and_the_last_risk_is_that_of_everything(stretches: list[Stretch]) -> None:
    points = curve(stretches)
    covered = [p.coverage for p in points]
    assert covered == sorted(covered) and covered[-1] == pytest.approx(1)
    assert points[-1].risk == pytest.approx(sum(s.errors for s in stretches) / sum(s.units for s in stretches))


def test_the_strictest_gate_that_keeps_enough() -> None:
    points = [Point(0, 0.5, 0.1), Point(1, 0.9, 0.2), Point(2, 1.0, 0.3)]
    assert at_coverage(points, 0.5) == points[0]
    assert at_coverage(points, 0.51) == points[1]
    assert at_coverage(points[:1], 0.9) is None


def test_each_graded_second_has_its_own_errors() -> None:
    beats = np.array([50, 150, 250], dtype=np.int64)
    found = Found([52, 170, 249, 290], quality=[(0, 100, "good"), (100, 200, "usable"), (200, 300, "bad")])
    stretches = graded_beats(Truth(300, 100.0, beats, ()), found, by_grade=True)
    assert [s.doubt for s in stretches] == [0, 1, 2]
    assert [s.weight for s in stretches] == [1, 1, 1]
    assert [s.errors for s in stretches] == [0, 2, 1]  # 150 is missed and 170 invented; so is 290
    assert [s.units for s in stretches] == [1, 1, 1]


def test_what_is_left_out_is_no_error() -> None:
    beats = np.array([50, 150], dtype=np.int64)
    found = Found([52, 199], quality=[(0, 100, "good"), (100, 200, "good")], doubts=[0.1, 0.2])
    stretches = graded_beats(Truth(200, 100.0, beats, ((100, 200),)), found)
    assert [(s.doubt, s.errors) for s in stretches] == [(0.1, 0), (0.2, 0)]


def test_a_detector_without_grades_has_no_stretches() -> None:
    assert graded_beats(Truth(300, 100.0, np.array([50], dtype=np.int64), ()), Found([52])) == []


def test_windows_join_what_they_hold() -> None:
    seconds = [Stretch(float(n % 3), 1, 1, 2) for n in range(25)]
    joined = windows(seconds, 10)
    assert [w.weight for w in joined] == [10, 10, 5]
    assert sum(w.errors for w in joined) == 25 and sum(w.units for w in joined) == 50
    assert joined[0].doubt == pytest.approx(0.9)


def test_tables_name_the_grades_and_leave_double_rows_out() -> None:
    points = [Point(0, 0.5, 0.001), Point(1, 0.9, 0.002), Point(2, 1.0, 0.01)]
    table = grades_table("kept", "per 1000", points, 1000)
    assert "| good alone" in table and "| 50.0%" in table and "| 10.00" in table
    assert coverage_table("kept", "risk", points).count("| 90.0%") == 1
