"""Beats of another shape: wide ones among narrow ones, moved, noisy, and where nothing resembles anything."""

from __future__ import annotations

import numpy as np
import pytest

from cabin_signal.ectopy import likeness, strangers, usual
from cabin_signal.rhythm_waves import AFTER, BEFORE, STEP_S
from tests.cabin_signal_models import Array

T = np.arange(-BEFORE, AFTER) * STEP_S


def bump(at: float, width: float, height: float) -> Array:
    out: Array = height * np.exp(-0.5 * ((T - at) / width) ** 2)
    return out


def narrow(shift: float = 0.0) -> Array:
    return bump(-0.16 + shift, 0.02, 0.1) + bump(shift, 0.012, 1.0) - bump(0.03 + shift, 0.01, 0.25)


def wide(shift: float = 0.0) -> Array:
    return bump(shift, 0.045, 1.3) - bump(0.2 + shift, 0.05, 0.5)


def noisy(waves: list[Array], sd: float) -> Array:
    return np.stack(waves) + np.random.default_rng(3).normal(0, sd, (len(waves), len(T)))


def test_wide_beats_among_narrow_ones_are_extra() -> None:
    kinds = [i % 5 == 3 for i in range(30)]
    waves = noisy([wide() if is_wide else narrow() for is_wide in kinds], 0.03)
    alike = likeness(waves)
    assert usual(alike) == [not is_wide for is_wide in kinds]
    assert strangers(alike) == 0


def test_every_other_beat_may_be_extra() -> None:
    waves = noisy([wide() if i % 2 else narrow() for i in range(31)], 0.03)
    assert usual(likeness(waves)) == [i % 2 == 0 for i in range(31)]


@pytest.mark.parametrize("gain", [-5.0, -1.0, 0.2, 5.0])
def test_sign_and_gain_of_the_lead_do_not_matter(gain: float) -> None:
    waves = noisy([wide() if i % 7 == 2 else narrow() for i in range(30)], 0.03)
    assert (likeness(gain * waves) == likeness(waves)).all()


def test_an_r_peak_found_a_little_elsewhere_is_the_same_beat() -> None:
    waves = noisy([narrow(shift) for shift in (-0.008, 0.0, 0.008, 0.016) * 8], 0.02)
    assert likeness(waves).all()


def test_breathing_of_the_height_is_no_other_shape() -> None:
    waves = noisy([(1 + 0.3 * np.sin(i)) * narrow() for i in range(30)], 0.02)
    assert all(usual(likeness(waves)))


def test_one_beat_like_no_other_is_a_stranger() -> None:
    waves = noisy([narrow()] * 29 + [bump(0.1, 0.06, -2.0)], 0.02)
    assert strangers(likeness(waves)) == pytest.approx(1 / 30)


def test_in_noise_all_are_strangers() -> None:
    waves = np.random.default_rng(5).normal(0, 1, (30, len(T)))
    assert strangers(likeness(waves)) > 0.9


def test_flat_waves_are_no_error() -> None:
    alike = likeness(np.zeros((30, len(T))))
    assert not alike.any()
    assert len(usual(alike)) == 30
