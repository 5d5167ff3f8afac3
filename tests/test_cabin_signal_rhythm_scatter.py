"""Irregularity of intervals: worked by hand, against laws of chance, and on the rhythms of clinical.md 9.3."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.rhythm import LIMIT, UNSEEN_LIMIT
from cabin_signal.rhythm_scatter import FEWEST_POINTS, JITTER, SHORTEST_S, irregularity, without
from tests.cabin_signal_models import Array

Maker = Callable[[np.random.Generator], Array]


def sinus(bpm: float, breath: float) -> Maker:
    """Intervals that breathe at 0.25 Hz, with Mayer waves of 1.5 % and 10 ms of chance."""

    def make(rng: np.random.Generator) -> Array:
        t = np.arange(30) * 60 / bpm
        slow = 0.015 * np.sin(2 * np.pi * (0.1 * t + rng.random()))
        rr: Array = 60 / bpm * (1 + breath * np.sin(2 * np.pi * (0.25 * t + rng.random())) + slow)
        return rr + rng.normal(0, 0.01, 30)

    return make


def early_beats(share: float) -> Maker:
    """Sinus rhythm with premature atrial beats and their reset."""

    def make(rng: np.random.Generator) -> Array:
        rr = sinus(70, 0.03)(rng)
        for i in np.flatnonzero(rng.random(29) < share):
            rr[i] *= rng.uniform(0.6, 0.75)
            rr[i + 1] *= rng.uniform(1.0, 1.15)
        return rr

    return make


def every_other(rng: np.random.Generator) -> Array:
    rr = sinus(70, 0.03)(rng)
    rr[::2] *= 0.65
    rr[1::2] = 2 * 60 / 70 - rr[::2]
    return rr


def scattered(bpm: float, variation: float) -> Maker:
    """Independent gamma intervals."""
    shape = 1 / variation**2
    return lambda rng: np.maximum(SHORTEST_S, rng.gamma(shape, 60 / bpm / shape, 30))


def part_above(limit: float, make: Maker) -> float:
    rng = np.random.default_rng(9)
    found = [irregularity(make(rng)) for _ in range(150)]
    return float(np.mean([k is not None and k > limit for k in found]))


def test_a_metronome_is_known_to_the_jitter_and_no_better() -> None:
    assert irregularity(np.full(30, 1.0)) == pytest.approx(math.log(JITTER / (1.0 - SHORTEST_S)))


def test_worked_by_hand() -> None:
    """Points (1, 1.1), (1.1, 1.2) ...: each 0.1 from the next in both directions."""
    rr = np.arange(1.0, 2.05, 0.1)
    usual = float(np.median([rr[:-1], rr[1:]]))
    assert irregularity(rr) == pytest.approx(math.log((0.1 + JITTER * usual) / (usual - SHORTEST_S)))


@pytest.mark.parametrize("bpm", [50, 60, 75, 100])
@pytest.mark.parametrize("breath", [0.03, 0.10, 0.15])
def test_breathing_is_no_irregularity_not_even_an_athletes(bpm: float, breath: float) -> None:
    assert part_above(LIMIT, sinus(bpm, breath)) == 0


@pytest.mark.parametrize(("make", "most"), [(early_beats(0.1), 0.0), (early_beats(0.2), 0.02), (every_other, 0.0)])
def test_extra_beats_come_back_to_the_same_places(make: Maker, most: float) -> None:
    assert part_above(LIMIT, make) <= most


@pytest.mark.parametrize(
    ("bpm", "variation", "least"),
    [(60, 0.20, 0.80), (60, 0.25, 0.97), (80, 0.20, 0.95), (110, 0.15, 0.97), (150, 0.12, 0.80), (150, 0.25, 0.99)],
)
def test_chance_never_comes_back(bpm: float, variation: float, least: float) -> None:
    assert part_above(LIMIT, scattered(bpm, variation)) >= least


@pytest.mark.parametrize(("bpm", "tremble_s"), [(100, 0.01), (130, 0.006), (150, 0.005), (180, 0.004)])
def test_a_regular_tachycardia_is_regular_even_where_no_p_wave_is_seen(bpm: float, tremble_s: float) -> None:
    """R peaks are found so well; P waves drown in the T waves before them."""

    def found(rng: np.random.Generator) -> Array:
        rr: Array = np.diff(np.arange(31) * 60 / bpm + rng.normal(0, tremble_s, 31))
        return rr

    assert part_above(UNSEEN_LIMIT, found) == 0


def test_what_intervals_alone_leave_open_is_decided_where_no_p_wave_is_seen() -> None:
    slow = scattered(60, 0.15)
    assert part_above(LIMIT, slow) < 0.6
    assert part_above(UNSEEN_LIMIT, slow) > 0.9


def test_a_fast_heart_has_less_room() -> None:
    slow, fast = np.full(30, 1.0), np.full(30, 0.5)
    wiggle = np.tile([0.0, 0.01, 0.03, 0.06, 0.1], 6)
    slower, faster = irregularity(slow * (1 + wiggle)), irregularity(fast * (1 + wiggle))
    assert slower is not None and faster is not None and faster > slower + 0.3


def test_an_unknown_interval_spoils_the_two_points_it_is_in() -> None:
    rr = np.full(FEWEST_POINTS + 3, 1.0)
    rr[4] = np.nan
    assert irregularity(rr) is not None
    rr[7] = np.nan
    assert irregularity(rr) is None
    assert irregularity(np.array([])) is None
    assert irregularity(np.array([1.0])) is None


@given(st.lists(st.floats(0.2, 3.0), min_size=9, max_size=60), st.floats(0, 1e6))
def test_the_order_of_time_and_its_origin_do_not_matter(rr: list[float], origin: float) -> None:
    forwards, backwards = irregularity(np.array(rr)), irregularity(np.array(rr[::-1]))
    assert forwards is not None and math.isfinite(forwards)
    assert forwards == pytest.approx(backwards)


def test_an_extra_beat_and_its_pause_are_two_usual_intervals() -> None:
    at = np.array([0.0, 1.0, 1.6, 3.0, 4.0])
    got = without([False, False, True, False, False], at, [False, True, True, True, True])
    assert got.tolist() == pytest.approx([1.0, 1.0, 1.0])


def test_two_extra_beats_in_a_row_are_a_break() -> None:
    at = np.array([0.0, 1.0, 1.6, 2.2, 4.0, 5.0])
    got = without([False, False, True, True, False, False], at, [False] + [True] * 5)
    assert got == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)


def test_a_hole_is_a_break() -> None:
    at = np.array([0.0, 1.0, 9.0, 10.0])
    got = without([False] * 4, at, [False, True, False, True])
    assert got == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
