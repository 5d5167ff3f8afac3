"""P waves: seen under noise and whatever their sign, not seen among f waves, and no word where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.p_wave import FEWEST, agreement, word
from cabin_signal.rhythm_waves import AFTER, BEFORE, STEP_S
from tests.cabin_signal_models import Array

T = np.arange(-BEFORE, AFTER) * STEP_S
RNG = np.random.default_rng(8)


def qrs() -> Array:
    out: Array = np.exp(-0.5 * (T / 0.012) ** 2)
    return out


def with_p(n: int, height: float, noise: float, pr: float = 0.16) -> Array:
    p = height * np.exp(-0.5 * ((T + pr) / 0.022) ** 2)
    waves: Array = p + qrs() + RNG.normal(0, noise, (n, len(T)))
    return waves


def with_f(n: int, height: float) -> Array:
    """f waves of 4 to 9 Hz whose phase knows nothing of the beat."""
    hertz, phase = RNG.uniform(4, 9, (n, 1)), RNG.uniform(0, 2 * np.pi, (n, 1))
    waves: Array = qrs() + height * np.sin(2 * np.pi * hertz * T + phase) + RNG.normal(0, 0.01, (n, len(T)))
    return waves


@pytest.mark.parametrize("height", [0.06, 0.1, -0.1, 0.25])
@pytest.mark.parametrize("pr", [0.13, 0.16, 0.2])
def test_a_p_wave_is_seen(height: float, pr: float) -> None:
    assert word(agreement(with_p(30, height, 0.02, pr))) == "seen"


def test_half_of_the_energy_is_half_of_the_agreement() -> None:
    """The expected cosine of two beats is the part of the energy that they share."""
    turn = 2 * np.pi * T / 0.072
    values = []
    for _ in range(200):
        sign = RNG.choice([-1.0, 1.0], (30, 1))
        found = agreement(np.sin(turn) + sign * np.cos(turn))
        assert found is not None
        values.append(found)
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("height", [0.03, 0.1, 0.2])
def test_f_waves_are_not_seen_as_p_waves(height: float) -> None:
    found = [agreement(with_f(30, height)) for _ in range(50)]
    assert np.mean([word(f) == "not-seen" for f in found]) > 0.9
    assert "seen" not in [word(f) for f in found]


def test_the_hum_of_the_mains_is_not_seen_even_where_r_peaks_lock_to_it() -> None:
    assert word(agreement(with_f(30, 0.05) + 0.2 * np.sin(2 * np.pi * 50 * T))) == "not-seen"


def test_level_slope_gain_and_sign_do_not_matter() -> None:
    waves = with_p(30, 0.1, 0.03)
    drift = RNG.normal(0, 1, (30, 1)) + RNG.normal(0, 3, (30, 1)) * T
    assert agreement(-3 * waves + drift) == pytest.approx(agreement(waves))


def test_one_artefact_weighs_no_more_than_one_beat() -> None:
    waves = with_p(30, 0.1, 0.02)
    spoilt = waves.copy()
    spoilt[7] = RNG.normal(0, 50, len(T))
    clean, after = agreement(waves), agreement(spoilt)
    assert clean is not None and after is not None and after > 0.85 * clean


def test_too_few_beats_say_nothing() -> None:
    assert agreement(with_p(FEWEST - 1, 0.2, 0.0)) is None
    assert word(None) == "cannot-tell"
    assert word(0.2) == "cannot-tell"


@given(st.integers(FEWEST, 40), st.floats(0, 1e3))
def test_it_is_a_number_between_minus_one_and_one(n: int, scale: float) -> None:
    found = agreement(scale * np.random.default_rng(n).normal(0, 1, (n, len(T))))
    assert found is not None and math.isfinite(found) and -1 <= found <= 1
