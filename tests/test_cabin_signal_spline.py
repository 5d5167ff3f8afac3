"""A line through few points that is as smooth as a baseline."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from cabin_signal.spline import through


def test_it_is_the_natural_cubic_spline() -> None:
    at = np.array([10, 55, 61, 140, 199])
    values = np.array([0.3, -1.0, 0.2, 0.4, 2.0])
    theirs = CubicSpline(at, values, bc_type="natural")(np.arange(10, 200))
    assert through(at, values, 220)[10:200] == pytest.approx(theirs, abs=1e-12)


def test_it_goes_through_its_points_and_stays_level_outside() -> None:
    at, values = np.array([20, 40, 70]), np.array([1.0, -1.0, 2.0])
    line = through(at, values, 100)
    assert line[at] == pytest.approx(values)
    assert np.all(line[:20] == 1.0)
    assert line[70:] == pytest.approx(np.full(30, 2.0))


@pytest.mark.parametrize(("at", "values"), [([5], [1.0]), ([5, 9], [1.0, 3.0])])
def test_one_or_two_points_give_the_straight_line(at: list[int], values: list[float]) -> None:
    line = through(np.array(at), np.array(values), 12)
    assert line == pytest.approx(np.interp(np.arange(12), at, values))


def test_breathing_is_followed_from_beat_to_beat_far_better_than_by_straight_lines() -> None:
    t = np.arange(30_000) / 1000
    breath = 0.5 * np.sin(2 * np.pi * 0.25 * t)
    at = np.arange(400, 30_000, 1000)
    inner = slice(3000, 27_000)
    assert np.max(np.abs(through(at, breath[at], len(t)) - breath)[inner]) < 0.03 * 0.5
    assert np.max(np.abs(np.interp(np.arange(len(t)), at, breath[at]) - breath)[inner]) > 0.28 * 0.5
