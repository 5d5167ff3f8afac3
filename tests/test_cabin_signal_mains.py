"""Hum comes off, and the heart stays as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.filters import Sections, notch
from cabin_signal.mains import MainsMeter, MainsRemover
from tests.cabin_signal_models import Array, heart

FS = 500.0
SETTLED = slice(int(3 * FS), None)


def seconds(n: float, fs: float = FS) -> Array:
    t: Array = np.arange(round(n * fs)) / fs
    return t


def triangles(t: Array, rate: float = 75.0) -> Array:
    """The test QRS of clinical.md 3.2: 80 ms, 1.5 mV."""
    x = np.zeros(len(t))
    for r in np.arange(0.5, float(t[-1]), 60 / rate):
        x += 1.5 * np.clip(1 - np.abs(t - r) / 0.04, 0, None)
    return x


def rejection(hum: Array, left: Array) -> float:
    """In dB, once settled."""
    return 20 * float(np.log10(np.std(hum[SETTLED]) / np.std(left[SETTLED])))


@pytest.mark.parametrize("rate", [60.0, 120.0, 180.0])
def test_a_qrs_without_hum_is_left_as_it_was(rate: float) -> None:
    x = triangles(seconds(20), rate)
    assert np.max(np.abs(MainsRemover(FS).update(x) - x)) < 0.003


def test_a_notch_changes_the_same_qrs_more() -> None:
    """The figures of clinical.md 3.2, as a measure of what is won: Q 5 takes 18 microvolts, Q 10 six."""
    x = triangles(seconds(1.2))
    taken = {q: 1000 * float(np.max(np.abs(Sections(notch(50, q, FS)).update(x) - x))) for q in (5, 10)}
    ours = 1000 * float(np.max(np.abs(MainsRemover(FS).update(x) - x)))
    assert taken[5] > taken[10] > 5
    assert ours < 1


@pytest.mark.parametrize("hertz", [49.5, 49.8, 50.0, 50.2, 50.5, 59.8, 60.0, 60.2])
@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0, 1000.0])
def test_hum_is_found_by_itself_and_taken_down_by_thirty_decibels(hertz: float, fs: float) -> None:
    t = seconds(12, fs)
    x, hum = triangles(t), 0.5 * np.sin(2 * np.pi * hertz * t + 1)
    left = (MainsRemover(fs).update(x + hum) - x)[round(3 * fs) :]
    assert np.std(left) < np.std(hum) / 10**1.5


def test_the_best_notch_fails_where_mains_is_half_a_hertz_off() -> None:
    """Q 30 rejects 5.7 dB at 49.5 Hz (clinical.md 3.2); the remover follows."""
    hum = 0.5 * np.sin(2 * np.pi * 49.5 * seconds(12))
    notched = Sections(notch(50, 30, FS)).update(hum)
    assert rejection(hum, notched) == pytest.approx(5.7, abs=0.3)
    assert rejection(hum, MainsRemover(FS).update(hum)) > 35


def test_harmonics_go_with_it() -> None:
    t = seconds(12)
    hum = 0.2 * np.sum([np.sin(2 * np.pi * 50.1 * h * t + h) / h for h in (1, 2, 3)], axis=0)
    assert rejection(hum, MainsRemover(FS).update(triangles(t) + hum) - triangles(t)) > 30


def test_mains_that_wanders_as_grids_do_is_followed() -> None:
    t = seconds(30)
    turns = np.cumsum(50 + 0.1 * np.sin(2 * np.pi * t / 60)) / FS
    hum = 0.3 * np.sin(2 * np.pi * turns)
    assert rejection(hum, MainsRemover(FS).update(triangles(t) + hum) - triangles(t)) > 30


def test_noise_without_hum_loses_hardly_anything() -> None:
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(seconds(20)))
    x = triangles(seconds(20)) + noise
    assert np.std(MainsRemover(FS).update(x) - x) < 0.004


def test_hum_that_stops_is_forgotten_within_two_seconds() -> None:
    t = seconds(12)
    x = np.where(t < 6, 0.5 * np.sin(2 * np.pi * 50 * t), 0)
    assert np.max(np.abs(MainsRemover(FS).update(x)[t > 8.2])) < 0.001


def test_the_first_half_second_passes_as_it_is() -> None:
    x = np.sin(2 * np.pi * 50 * seconds(0.5))
    assert np.array_equal(MainsRemover(FS).update(x), x)


def test_a_hole_stays_a_hole_and_the_hum_is_known_after_it() -> None:
    t = seconds(12)
    x = 0.5 * np.sin(2 * np.pi * 50.1 * t)
    x[3000:3400] = np.nan
    left = MainsRemover(FS).update(x)
    assert np.array_equal(np.isnan(left), np.isnan(x))
    assert np.nanmax(np.abs(left[3400:])) < 0.03


def test_a_rate_that_cannot_show_mains_passes_everything() -> None:
    x = np.random.default_rng(2).standard_normal(1000)
    assert np.array_equal(MainsRemover(100).update(x), x)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=12), st.sampled_from([125.0, 250.0, 333.3, 500.0]))
def test_blocks_of_any_size_give_the_same_to_the_last_bit(sizes: list[int], fs: float) -> None:
    x = heart(np.arange(0.5, 10, 0.8), fs, 10) + 0.3 * np.sin(2 * np.pi * 50.2 * seconds(10, fs))
    whole, parts = MainsRemover(fs).update(x), MainsRemover(fs)
    cuts = np.cumsum(sizes)
    assert np.array_equal(np.concatenate([parts.update(piece) for piece in np.split(x, cuts[cuts < len(x)])]), whole)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=400))
def test_any_numbers_pass_without_an_exception(values: list[float]) -> None:
    x = np.array(values, dtype=np.float64)
    with np.errstate(all="ignore"):
        assert len(MainsRemover(125).update(x)) == len(x)


def test_the_meter_tells_how_loud_the_hum_is() -> None:
    t = seconds(6)
    heard = MainsMeter(FS).update(0.4 * np.sin(2 * np.pi * 60 * t))
    assert float(np.mean(heard[-500:])) == pytest.approx(0.4 * 2 / np.pi, rel=0.15)
