"""Stepping on a scale: one stable weight each time, and whether the scale stood at zero before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cabin_signal.weight import StableWeight, StepOn

FS = 10.0


def standing(*parts: tuple[float, float, float]) -> NDArray[np.float64]:
    """Stretches of (kg, seconds, sway in kg peak to peak)."""
    rng = np.random.default_rng(3)
    stretches = []
    for kg, seconds, sway in parts:
        n = int(seconds * FS)
        stretches.append(kg + sway * (rng.random(n) - 0.5))
    return np.asarray(np.concatenate(stretches))


def found(samples: NDArray[np.float64], block: int = 3) -> list[StableWeight]:
    scale = StepOn(FS)
    return [each for at in range(0, len(samples), block) for each in scale.update(samples[at : at + block])]


def test_a_weight_is_known_after_two_still_seconds() -> None:
    (one,) = found(standing((0, 3, 0.02), (70.2, 4, 0.06)))
    assert one.kg == pytest.approx(70.2, abs=0.03)
    assert one.sample == 30 + 21
    assert one.spread <= 0.06
    assert one.tared


def test_swaying_is_waited_out() -> None:
    (one,) = found(standing((0, 3, 0.0), (70.2, 5, 1.0), (70.2, 4, 0.08)))
    assert one.sample == 80 + 21


@pytest.mark.parametrize(("step", "counts"), [(0.1, True), (0.11, False)])
def test_a_tenth_of_a_kilogram_is_still(step: float, counts: bool) -> None:
    samples = np.where(np.arange(60) % 2, 70.0 + step, 70.0)
    assert bool(found(samples)) == counts


def test_each_stepping_on_gives_one_weight() -> None:
    twice = standing((0, 3, 0), (70.2, 5, 0), (0, 3, 0), (70.3, 5, 0), (70.3, 60, 0.05))
    assert [round(each.kg, 1) for each in found(twice)] == [70.2, 70.3]


def test_leaning_does_not_make_a_second_weight() -> None:
    assert len(found(standing((0, 3, 0), (70.2, 5, 0), (66.0, 5, 0), (70.2, 5, 0)))) == 1


@pytest.mark.parametrize(
    ("empty", "tared"), [(0.0, True), (0.1, True), (-0.1, True), (0.11, False), (-0.2, False), (2.0, False)]
)
def test_an_empty_scale_that_is_not_at_zero_is_told(empty: float, tared: bool) -> None:
    (one,) = found(standing((empty, 3, 0), (70.2, 4, 0)))
    assert one.empty_kg == pytest.approx(empty)
    assert one.tared is tared
    assert one.kg == pytest.approx(70.2), "nothing is taken off"


def test_a_scale_that_was_never_seen_empty_says_so() -> None:
    (one,) = found(standing((70.2, 4, 0)))
    assert one.empty_kg is None and one.tared is None
    first, second = found(standing((0, 3, 0), (70, 3, 0), (0, 1, 0), (70, 3, 0)))
    assert first.tared and second.tared is None, "empty for one second is not still"


@pytest.mark.parametrize("kg", [4.9, 19.9, 300.1, 999.9, -70.0])
def test_what_no_adult_weighs_is_no_weight(kg: float) -> None:
    assert not found(standing((0, 3, 0), (kg, 10, 0)))


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_a_lost_sample_begins_the_two_seconds_anew(lost: float) -> None:
    samples = standing((0, 3, 0), (70, 4, 0))
    samples[30 + 15] = lost
    (one,) = found(samples)
    assert one.sample == 46 + 21


def test_the_two_seconds_are_seconds_at_any_rate() -> None:
    for fs in (1.0, 2.5, 80.0, 200.0):
        (one,) = StepOn(fs).update(np.full(int(10 * fs), 70.0))
        assert one.sample == math.ceil(2 * fs) + 1


@pytest.mark.parametrize("fs", [0.0, 0.9, -1.0, 201.0, float("nan"), float("inf")])
def test_other_rates_are_refused(fs: float) -> None:
    with pytest.raises(ValueError, match="sampled at"):
        StepOn(fs)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-5, 320), st.floats(0, 4), st.sampled_from([0.0, 0.09, 0.5])), min_size=1, max_size=8
    ),
    st.lists(st.integers(0, 30), max_size=20),
)
def test_any_cut_gives_the_same_weights(parts: list[tuple[float, float, float]], cuts: list[int]) -> None:
    samples = standing(*parts)
    whole = StepOn(FS).update(samples)
    scale, at, pieces = StepOn(FS), 0, list[StableWeight]()
    for cut in [*cuts, len(samples)]:
        pieces += scale.update(samples[at : at + cut])
        at = min(len(samples), at + cut)
    assert tuple(pieces) == whole


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=300))
def test_whatever_comes_a_weight_is_one(samples: list[float]) -> None:
    for each in StepOn(2.0).update(samples):
        assert 20 <= each.kg <= 300 and each.spread <= 0.1 + 1e-6


def test_a_day_on_the_scale_keeps_two_seconds() -> None:
    scale = StepOn(1.0)
    assert len(scale.update(np.full(86_400, 70.0))) == 1
    assert len(scale._last) == 3
