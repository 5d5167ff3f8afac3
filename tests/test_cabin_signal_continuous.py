"""A lead without holes and jumps: what is taken out, what is left, and that it is the same for any block size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cabin_signal.continuous import LEAST_MV_S, SHORT_HOLE_S, Continuous
from tests.cabin_signal_models import Array, heart

FS = 250.0
BEATS = np.arange(0.6, 40, 0.83)


def run(x: Array, fs: float = FS, block: int | None = None) -> tuple[Array, NDArray[np.bool_]]:
    whole = Continuous(fs)
    size = block or max(1, len(x))
    parts = [whole.update(x[i : i + size]) for i in range(0, len(x), size)]
    return np.concatenate([p for p, _ in parts]), np.concatenate([m for _, m in parts])


def lead(seconds: float = 20.0, fs: float = FS) -> Array:
    return heart(BEATS, fs, seconds) + 0.005 * np.random.default_rng(3).standard_normal(round(seconds * fs))


def delay(fs: float = FS) -> int:
    return Continuous(fs).delay


def test_a_whole_lead_comes_out_as_it_went_in_from_zero_and_a_little_late() -> None:
    x = lead() + 80
    out, real = run(x)
    np.testing.assert_allclose(out[delay() :], (x - x[0])[: -delay()], atol=1e-9)
    assert real[delay() :].all() and not real[: delay()].any()


def test_a_short_hole_is_crossed_by_a_straight_line() -> None:
    x = lead()
    x[1000:1010] = np.nan
    out, real = run(x)
    shifted = out[delay() :] + x[0]
    across = shifted[999:1011]
    np.testing.assert_allclose(np.diff(across), (x[1010] - x[999]) / 11, atol=1e-9)
    np.testing.assert_allclose(shifted[1010:], x[1010 : len(shifted)], atol=1e-9)
    assert real[delay() :].all()


def test_what_a_short_hole_held_back_comes_when_it_ends_and_says_so() -> None:
    whole = Continuous(FS)
    x = lead(4)
    x[500:520] = np.nan
    before, _ = whole.update(x[:500])
    within, _ = whole.update(x[500:520])
    after, _ = whole.update(x[520:530])
    assert (len(before), len(within), len(after)) == (500, 0, 30)
    assert [whole.released(known) for known in (500, 501, 520, 521)] == [500, 520, 520, 521]


def test_what_a_long_hole_held_back_comes_once_it_is_too_long_to_be_crossed() -> None:
    whole, short = Continuous(FS), int(SHORT_HOLE_S * FS)
    x = lead(4)
    x[500:700] = np.nan
    lengths = [len(whole.update(x[i : i + 1])[0]) for i in range(len(x))]
    assert lengths[500 : 500 + short] == [0] * short
    assert lengths[500 + short] == short + 1
    assert [whole.released(known) for known in (500, 501, 501 + short)] == [500, 500 + short, 501 + short]


def test_after_a_long_hole_the_lead_goes_on_from_where_it_was() -> None:
    x = lead()
    x[1000:1100] = np.nan
    x[1100:] += 3.0
    out, real = run(x)
    hole = slice(1000 + delay(), 1100 + delay())
    assert not real[hole].any() and np.ptp(out[hole]) == 0.0
    assert abs(out[1100 + delay()] - out[1099 + delay()]) < 1e-9


@pytest.mark.parametrize("step", [5.0, -5.0])
def test_a_step_is_taken_out_for_good(step: float) -> None:
    x = lead()
    plain, _ = run(x)
    x[2600:] += step
    out, _ = run(x)
    assert np.abs(out - plain).max() < 0.1


def test_a_step_that_an_anti_aliasing_filter_has_seen_goes_with_its_ringing() -> None:
    from scipy.signal import resample_poly

    x = lead(20, 360)
    plain, _ = run(resample_poly(x, 25, 36))
    stepped = x.copy()
    stepped[3700:] += 5.0
    out, _ = run(resample_poly(stepped, 25, 36))
    settled = slice(2600, 4800)  # the resampling itself rings at both ends
    assert np.abs(out - plain)[settled].max() < 0.35


def test_the_edges_of_a_pacing_spike_go_and_the_beat_stays() -> None:
    x = lead(20, 1000)
    spiked = x.copy()
    for at in np.arange(0.6, 19, 0.83):
        first = round((at - 0.06) * 1000)
        spiked[first : first + 2] += 8.0
    out, _ = run(spiked, 1000)
    for at in np.arange(0.6, 19, 0.83)[8:]:
        middle = round(at * 1000) + delay(1000)
        near = slice(middle - 100, middle + 100)
        assert np.ptp(out[near]) == pytest.approx(1.2, abs=0.12)


def test_a_flat_lead_may_begin_to_beat() -> None:
    x = lead(30)
    x[: 12 * 250] = x[12 * 250]
    out, _ = run(x)
    assert np.ptp(out[13 * 250 :]) == pytest.approx(np.ptp(x[13 * 250 :]), rel=0.02)


def test_no_slope_below_the_least_is_a_jump() -> None:
    t = np.arange(5000) / FS
    slope = 0.9 * LEAST_MV_S / FS
    x = np.where(t < 10, 0.0, np.minimum((t - 10) * FS, 4) * slope)
    out, _ = run(x)
    assert out.max() == pytest.approx(4 * slope)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nothing_but_bad_values_is_one_long_hole(bad: float) -> None:
    out, real = run(np.full(1000, bad))
    assert not real.any() and not out.any()


@settings(deadline=None, max_examples=40)
@given(
    cuts=st.lists(st.integers(1, 900), min_size=1, max_size=12),
    holes=st.lists(st.tuples(st.integers(0, 990), st.integers(1, 60)), max_size=5),
    steps=st.lists(st.tuples(st.integers(0, 990), st.floats(-9, 9)), max_size=4),
)
def test_any_cuts_give_the_same_to_the_last_bit(
    cuts: list[int], holes: list[tuple[int, int]], steps: list[tuple[int, float]]
) -> None:
    x = lead(4)
    for at, height in steps:
        x[at:] += height
    for at, length in holes:
        x[at : at + length] = np.nan
    expected, mask = run(x, block=1)
    whole, i = Continuous(FS), 0
    parts: list[tuple[Array, NDArray[np.bool_]]] = []
    while i < len(x):
        size = cuts[len(parts) % len(cuts)]
        parts.append(whole.update(x[i : i + size]))
        i += size
    np.testing.assert_array_equal(np.concatenate([p for p, _ in parts]), expected)
    np.testing.assert_array_equal(np.concatenate([m for _, m in parts]), mask)
    assert np.isfinite(expected).all()
