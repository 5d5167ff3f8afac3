"""From beats to pressures by unlike methods: closed forms whose answer is known, the fits, and their combination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.cuff_artery import amplitude, fit_heights, pressure, volume
from cabin_signal.cuff_combined import BLIND_SD, OFF_BY, WEIGHT, combined
from cabin_signal.cuff_estimates import Estimate, Estimates, Method
from cabin_signal.cuff_pulses import LAG_S, Pulses, _lagged, fit_pulses
from cabin_signal.cuff_slopes import steepest
from cabin_signal.least_squares import fitted, softened
from cabin_signal.oscillogram import pressures
from simulators.arteries import Artery, arctan, logistic, two_exponential
from tests.cabin_signal_models import Array

SYSTOLIC, DIASTOLIC = 120.0, 80.0
FALL = np.arange(165.0, 45.0, -2.5)
"""Cuff pressures at the beats of an even deflation."""

ARTERIES = [
    (9.1, 22.1, 91.7, 0.40, 0.82),
    (15.0, 15.0, 100.0, 0.63, 0.63),
    (15.0, 30.0, 93.3, 0.53, 0.83),
    (25.0, 40.0, 95.4, 0.67, 0.85),
    (20.0, 10.0, 106.7, 0.78, 0.44),
]
"""Clinical reference 1.5: scale of the collapsed and of the open side; where the envelope peaks, and what part of it
is left at the systolic and at the diastolic pressure."""


def closed_form(cuff: Array, closed: float, open_: float) -> Array:
    """The envelope written out anew, so that the module's own law does not judge itself."""

    def v(p: Array) -> Array:
        return np.where(
            p < 0, closed * np.exp(np.minimum(p, 0) / closed), closed + open_ - open_ * np.exp(-p / open_)
        )

    return np.asarray(v(SYSTOLIC - cuff) - v(DIASTOLIC - cuff))


@pytest.mark.parametrize(("closed", "open_", "peak", "systolic_ratio", "diastolic_ratio"), ARTERIES)
def test_the_law_is_the_one_of_the_reference(
    closed: float, open_: float, peak: float, systolic_ratio: float, diastolic_ratio: float
) -> None:
    cuff = np.arange(170, 40, -0.05)
    curve = amplitude(cuff, cuff, SYSTOLIC, DIASTOLIC, closed, open_)
    assert curve == pytest.approx(closed_form(cuff, closed, open_), abs=1e-9)
    assert cuff[np.argmax(curve)] == pytest.approx(peak, abs=0.1)
    at_systolic, at_diastolic = np.interp([SYSTOLIC, DIASTOLIC], cuff[::-1], curve[::-1]) / curve.max()
    assert (at_systolic, at_diastolic) == (
        pytest.approx(systolic_ratio, abs=0.006),
        pytest.approx(diastolic_ratio, abs=0.006),
    )


@pytest.mark.parametrize(("closed", "open_", "peak", "_s", "_d"), ARTERIES)
def test_the_slopes_are_steepest_at_the_pressures(
    closed: float, open_: float, peak: float, _s: float, _d: float
) -> None:
    fine = np.arange(190, 20, -0.5)
    exact = closed_form(fine, closed, open_)
    slope = np.gradient(exact, fine)
    assert fine[np.argmin(slope)] == pytest.approx(SYSTOLIC, abs=1)
    assert fine[np.argmax(slope)] == pytest.approx(DIASTOLIC, abs=1)
    found = steepest(FALL, closed_form(FALL, closed, open_))
    assert found is not None
    assert found[0] == pytest.approx(SYSTOLIC, abs=8) and found[1] == pytest.approx(DIASTOLIC, abs=9)


@pytest.mark.parametrize(("closed", "open_", "_p", "_s", "_d"), ARTERIES[:3])
@pytest.mark.parametrize("size", [0.02, 1.0, 50.0])
def test_the_fit_of_heights_finds_its_own_artery(
    closed: float, open_: float, _p: float, _s: float, _d: float, size: float
) -> None:
    found = fit_heights(FALL, FALL, size * closed_form(FALL, closed, open_), (128.0, 76.0))
    assert found is not None
    assert found.at[0] == pytest.approx(SYSTOLIC, abs=1.0) and found.at[1] == pytest.approx(DIASTOLIC, abs=1.0)
    assert np.exp(found.at[2:4]) == pytest.approx([closed, open_], rel=0.15)


def test_beats_that_do_not_fit_are_not_followed() -> None:
    heights = closed_form(FALL, 12, 25)
    heights[[20, 28]] *= (2.5, 0.3)
    found = fit_heights(FALL, FALL, heights, (128.0, 76.0))
    assert found is not None
    assert found.at[0] == pytest.approx(SYSTOLIC, abs=4) and found.at[1] == pytest.approx(DIASTOLIC, abs=4)


@pytest.mark.parametrize("offset", [-5.0, 5.0, 15.0])
def test_an_artery_softest_elsewhere_shifts_every_method_alike(offset: float) -> None:
    moved, still = (by_every_method(closed_form(FALL + by, 12, 25)) for by in (offset, 0.0))
    for method, (systolic, diastolic) in moved.items():
        apart = (systolic - still[method][0], diastolic - still[method][1])
        assert apart == pytest.approx((-offset, -offset), abs=2.5), method


CRIME: list[tuple[str, Callable[[np.random.Generator], Artery], tuple[float, float], tuple[float, float]]] = [
    ("its own", lambda rng: two_exponential(rng.uniform(8, 20), rng.uniform(15, 40)), (-0.1, 0.0), (-1.9, -2.9)),
    ("arctan 5, 15", lambda rng: arctan(5, 15), (-5.9, -4.9), (-4.5, -5.3)),
    ("logistic 3, 9", lambda rng: logistic(3, 9), (-2.5, -2.9), (-2.5, -3.5)),
    ("arctan 10, 25", lambda rng: arctan(10, 25), (-10.0, -9.9), (-7.8, -10.8)),
]
"""Clinical reference 1.6: law, and the mean errors there of a two-exponential fit and of the derivative."""


@pytest.mark.parametrize(("name", "law", "of_fit", "of_slopes"), CRIME, ids=[line[0] for line in CRIME])
def test_a_fit_is_exact_on_its_own_law_and_only_there(
    name: str,
    law: Callable[[np.random.Generator], Artery],
    of_fit: tuple[float, float],
    of_slopes: tuple[float, float],
) -> None:
    rng = np.random.default_rng(9)
    errors = []
    for _ in range(40):
        systolic = rng.uniform(100, 170)
        diastolic = systolic - rng.uniform(30, 60)
        cuff = np.arange(systolic + 35, diastolic - 35, -180 / rng.uniform(50, 100))
        artery = law(rng)
        heights = (artery(systolic - cuff) - artery(diastolic - cuff)) * (1 + 0.04 * rng.standard_normal(len(cuff)))
        fit, steep = fit_heights(cuff, cuff, heights, (systolic + 6, diastolic - 5)), steepest(cuff, heights)
        assert fit is not None and steep is not None
        truth = (systolic, diastolic, systolic, diastolic)
        errors.append(np.array([fit.at[0], fit.at[1], *steep]) - truth)
    mean = np.mean(errors, axis=0)
    assert mean[:2] == pytest.approx(of_fit, abs=1.0)
    assert mean[2:] == pytest.approx(of_slopes, abs=4.0), "the neighbourhood of the slopes is wider here"


def by_every_method(heights: Array) -> dict[str, tuple[float, float]]:
    steep, fit = steepest(FALL, heights), fit_heights(FALL, FALL, heights, (125.0, 75.0))
    crossed = pressures(FALL, heights)
    assert steep is not None and fit is not None and crossed is not None
    return {
        "slopes": steep,
        "artery": (float(fit.at[0]), float(fit.at[1])),
        "ratios": (crossed.systolic, crossed.diastolic),
    }


@given(st.floats(-150, 150), st.floats(5, 30), st.floats(8, 45))
def test_the_law_rises_and_turns_back(p: float, closed: float, open_: float) -> None:
    at = np.array([p, p + 1.0])
    low, high = volume(at, closed, open_)
    assert low <= high
    if -8 * closed < p < 8 * open_:
        assert pressure(np.array([low]), closed, open_)[0] == pytest.approx(p, abs=1e-3 * max(1.0, np.exp(p / open_)))


# --- the whole pulse -------------------------------------------------------------------------------------------


def pulses(lag_s: float, closed: float = 12.0, open_: float = 25.0) -> Pulses:
    """Beats of one a second through an artery and a lag, no noise, no feedback of the cuff."""
    fine = np.arange(2000) / 2000
    rising = 0.5 * (1 - np.cos(np.pi * np.clip(fine / 0.14, 0, 1)))
    end = np.exp(-0.86 / 0.45)
    wave = np.where(fine < 0.14, rising, (np.exp(-(fine - 0.14) / 0.45) - end) / (1 - end))
    inside = DIASTOLIC + (SYSTOLIC - DIASTOLIC) * wave
    rows = []
    for cuff in FALL:
        x = volume(inside - cuff, closed, open_)
        y = x.copy()
        now = x[0]
        for _ in range(2):
            for k, value in enumerate(x):
                now += (value - now) * (1 - np.exp(-1 / 2000 / max(lag_s, 1e-6)))
                y[k] = now
        start = int(np.argmin(y))
        rows.append(np.roll(y, -start)[::50] - y[start])
    return Pulses(FALL, np.ones(len(FALL)), np.array(rows), np.full(len(FALL), 1e-6))


@pytest.mark.parametrize("lag_s", [0.04, 0.08, 0.13])
def test_a_lag_hides_the_systolic_beats_from_heights_but_not_from_pulses(lag_s: float) -> None:
    made = pulses(lag_s)
    by_heights = fit_heights(FALL, FALL, made.waves.max(axis=1), (125.0, 76.0))
    by_pulses = fit_pulses(made, (125.0, 76.0))
    assert by_heights is not None and by_pulses is not None
    assert by_pulses.at[0] == pytest.approx(SYSTOLIC, abs=4.5)
    assert by_pulses.at[1] == pytest.approx(DIASTOLIC, abs=4.5)
    assert abs(by_pulses.at[0] - SYSTOLIC) < abs(by_heights.at[0] - SYSTOLIC)
    assert np.exp(by_pulses.at[5]) == pytest.approx(lag_s, rel=0.5)


def test_a_lag_keeps_the_area_and_lowers_the_height() -> None:
    waves = np.zeros((1, 40))
    waves[0, 5:9] = 1.0
    out = _lagged(waves, np.array([1.0 / 0.1]))
    assert out.mean() == pytest.approx(waves.mean(), rel=0.02)
    assert out.max() < 0.75
    assert _lagged(waves, np.array([1e6])) == pytest.approx(waves, abs=1e-9)
    assert 0.03 < LAG_S < 0.15


# --- least squares ---------------------------------------------------------------------------------------------


def test_a_curve_is_found_with_its_covariance() -> None:
    rng = np.random.default_rng(1)
    x = np.linspace(0, 3, 60)
    y = 2.0 * np.exp(-0.7 * x) + 0.02 * rng.standard_normal(60)
    found = fitted(
        lambda q: (q[0] * np.exp(-q[1] * x) - y) / 0.02, np.array([1.0, 0.1]), np.full(2, 1e-5), np.ones(2)
    )
    assert found is not None
    assert found.at == pytest.approx([2.0, 0.7], abs=0.03)
    assert (np.abs(found.at - (2.0, 0.7)) < 4 * np.sqrt(np.diag(found.covariance))).all()
    assert found.cost == pytest.approx(58, abs=35)


def test_residuals_that_stop_being_numbers_give_nothing() -> None:
    assert fitted(lambda q: np.full(3, np.nan), np.zeros(2), np.full(2, 1e-3), np.ones(2)) is None
    stuck = fitted(lambda q: np.ones(3), np.zeros(2), np.full(2, 1e-3), np.ones(2))
    assert stuck is not None and stuck.at.tolist() == [0.0, 0.0]


def test_far_residuals_count_in_proportion() -> None:
    assert softened(np.array([0.5, -1.5])).tolist() == [0.5, -1.5]
    assert softened(np.array([100.0]))[0] == pytest.approx(np.sqrt(2 * 1.5 * 100 - 1.5**2))
    assert softened(np.array([-100.0]))[0] == -softened(np.array([100.0]))[0]


# --- together --------------------------------------------------------------------------------------------------


def told(spread: float = 0.0, sd: float = 0.0) -> Estimates:
    """Methods that all mean 120/80 once what they are off by is taken out, but for `spread`."""
    methods: tuple[Method, ...] = ("ratios", "slopes", "artery", "pulses")
    by = {
        method: Estimate(
            120 + OFF_BY["systolic"][method] + spread * (-1) ** n, 80 + OFF_BY["diastolic"][method], sd, sd
        )
        for n, method in enumerate(methods)
    }
    return Estimates(by, 93.0, 2.5, 0.03)


def test_methods_that_agree_leave_what_no_oscillogram_shows() -> None:
    both = combined(told())
    assert both is not None
    assert both.systolic.value == pytest.approx(120) and both.diastolic.value == pytest.approx(80)
    assert both.systolic.half == pytest.approx(1.645 * BLIND_SD["systolic"])
    assert both.systolic.apart == pytest.approx(0, abs=1e-9)
    assert both.diastolic.value < both.mean < both.systolic.value
    assert both.systolic.half > 1.645 * 5.8, "the offset of the artery alone"


def test_what_widens_the_interval() -> None:
    calm = combined(told())
    assert calm is not None
    for wider in (combined(told(8.0)), combined(told(sd=5.0)), combined(told(), 6.0)):
        assert wider is not None and wider.systolic.half > calm.systolic.half + 0.5


def test_weights_add_up_and_a_missing_method_leaves_its_weight_to_the_others() -> None:
    for side in WEIGHT.values():
        assert sum(side.values()) == pytest.approx(1)
    some = told()
    both = combined(replace(some, by={m: e for m, e in some.by.items() if m != "pulses"}))
    assert both is not None and both.systolic.value == pytest.approx(120)
    assert combined(replace(some, by={"ratios": some.by["ratios"]})) is None


def test_methods_that_cross_are_no_pressure() -> None:
    crossed = {method: Estimate(70.0, 110.0) for method in told().by}
    assert combined(replace(told(), by=crossed)) is None
