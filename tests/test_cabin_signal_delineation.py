"""Where the waves of one lead begin and end: against the places at which they were put."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cabin_signal.delineation import Marks, delineate
from cabin_signal.median_beat import MedianBeat
from tests.interval_models import EDGE, TANGENT, Array, Heart

PLAIN = {"P": (-0.155, 0.022, 0.12), "Q": (-0.026, 0.009, -0.15), "R": (0.0, 0.011, 1.0), "S": (0.028, 0.01, -0.25)}
T = (0.27, 0.045, 0.35)


def beat_of(x: Array, fs: float, noise_uv: float = 1.0) -> MedianBeat:
    peak = round(0.45 * fs)
    return MedianBeat(fs, x[None], peak, (), 1000.0, 0.0, (noise_uv,), (0.01,))


def gaussian(t: Array, wave: tuple[float, float, float]) -> Array:
    middle, width, height = wave
    shape: Array = height * np.exp(-0.5 * ((t - middle) / width) ** 2)
    return shape


def raised(t: Array, middle: float, half: float, height: float) -> Array:
    """A raised cosine: nothing at all beyond `half` of its middle."""
    inside = np.abs(t - middle) < half
    shape: Array = np.where(inside, height / 2 * (1 + np.cos(np.pi * (t - middle) / half)), 0)
    return shape


def times(fs: float) -> Array:
    t: Array = (np.arange(round(1.17 * fs)) - round(0.45 * fs)) / fs
    return t


def marks_of(x: Array, fs: float = 500.0, noise_uv: float = 1.0) -> Marks:
    return delineate(beat_of(x, fs, noise_uv), 0)


def plain(fs: float = 500.0, t_wave: tuple[float, float, float] = T, without: str = "") -> Array:
    t = times(fs)
    return sum((gaussian(t, w) for n, w in PLAIN.items() if n not in without), np.zeros(len(t))) + gaussian(t, t_wave)


@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_of_gaussians_has_its_marks_where_they_were_put(fs: float, sign: int) -> None:
    found = marks_of(sign * plain(fs), fs)
    assert found.t_end == pytest.approx(1000 * (T[0] + TANGENT * T[1]), abs=2.5)
    assert found.p_on == pytest.approx(1000 * (PLAIN["P"][0] - EDGE * PLAIN["P"][1]), abs=3)
    assert found.qrs_on == pytest.approx(1000 * (PLAIN["Q"][0] - EDGE * PLAIN["Q"][1]), abs=6)
    assert found.qrs_off == pytest.approx(1000 * (PLAIN["S"][0] + EDGE * PLAIN["S"][1]), abs=6)


@pytest.mark.parametrize("half", [0.04, 0.05, 0.06])
def test_a_p_wave_with_a_real_beginning_begins_there(half: float) -> None:
    t = times(500)
    found = marks_of(plain(without="P") + raised(t, -0.16, half, 0.12))
    assert found.p_on == pytest.approx(1000 * (-0.16 - half), abs=4)
    assert found.p_off == pytest.approx(1000 * (-0.16 + half), abs=8)


@pytest.mark.parametrize("width", [0.03, 0.045, 0.06])
def test_the_tangent_end_of_t_follows_its_width(width: float) -> None:
    found = marks_of(plain(t_wave=(0.28, width, 0.35)))
    assert found.t_end == pytest.approx(1000 * (0.28 + TANGENT * width), abs=2.5)


def test_a_t_wave_of_two_halves_ends_with_the_second() -> None:
    t = times(500)
    x = plain(t_wave=(0.22, 0.03, 0.3)) + gaussian(t, (0.34, 0.03, -0.3))
    assert marks_of(x).t_end == pytest.approx(1000 * (0.34 + TANGENT * 0.03), abs=4)


@pytest.mark.parametrize(("height", "seen"), [(0.05, False), (0.09, False), (0.13, True)])
def test_t_below_a_tenth_of_a_millivolt_has_no_end(height: float, seen: bool) -> None:
    found = marks_of(plain(t_wave=(0.27, 0.045, height)))
    assert (found.t_end is not None) == seen
    assert found.t_mv == pytest.approx(height, rel=0.1)


def test_t_that_does_not_stand_out_of_noise_has_no_end() -> None:
    assert marks_of(plain(t_wave=(0.27, 0.045, 0.12)), noise_uv=28).t_end is None


def test_without_p_there_is_no_beginning_of_p() -> None:
    found = marks_of(plain(without="P"))
    assert found.p_on is None
    assert found.qrs_on is not None


def test_a_p_wave_below_five_times_the_noise_is_none() -> None:
    assert marks_of(plain(), noise_uv=30).p_on is None
    assert marks_of(plain(), noise_uv=15).p_on is not None


def test_the_falling_t_wave_of_the_beat_before_is_no_p() -> None:
    t = times(500)
    x = plain(without="P") + gaussian(t, (-0.36, 0.045, 0.35))
    assert marks_of(x).p_on is None


def test_a_broad_s_wave_belongs_to_the_qrs() -> None:
    """Its top is flat for a while, which is not yet rest."""
    t = times(500)
    x = plain(without="S") + raised(t, 0.07, 0.05, -0.4)
    assert marks_of(x).qrs_off == pytest.approx(120, abs=10)


@pytest.mark.parametrize("x", [np.zeros(585), np.full(585, np.nan), np.full(585, 3.0)])
def test_nothing_has_no_marks(x: Array) -> None:
    found = marks_of(x)
    assert found == Marks(t_mv=found.t_mv)


def test_the_model_of_the_tests_is_that_of_the_intervals() -> None:
    assert replace(Heart(), leads=1).waves(0).keys() == {"P", "Q", "R", "S", "T"}
