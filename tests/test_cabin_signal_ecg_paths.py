"""What the two paths leave of the test pulse of the standards, of a heart and of hum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.ecg_paths import MeasurementPath, RhythmPath, whole_strip
from tests.cabin_signal_models import Array, heart

FS = 500.0


def pulse() -> Array:
    """3 mV for 100 ms, from 1.0 s on."""
    x = np.zeros(round(4 * FS))
    x[500:550] = 3.0
    return x


def undershoot(y: Array) -> float:
    """Below the line after the pulse, mV."""
    return -float(np.min(y[551:]))


def height(y: Array) -> float:
    """Of a settled sinusoid."""
    return float(np.std(y[len(y) // 2 :])) * 2**0.5


def slope(y: Array) -> float:
    """Of the line from 0.1 s after the pulse on, mV/s."""
    return float(np.max(np.abs(np.diff(y[600:800])))) * FS


def test_the_measurement_path_keeps_to_the_limits_of_the_test_pulse() -> None:
    y = MeasurementPath(FS).update(pulse())
    assert undershoot(y) <= 0.1
    assert undershoot(y) == pytest.approx(0.092, abs=0.005)
    assert slope(y) <= 0.3


def test_the_rhythm_path_does_not_which_is_why_nothing_is_measured_on_it() -> None:
    y = RhythmPath(FS).update(pulse())
    assert undershoot(y) > 0.5
    assert slope(y) > 0.3


def test_the_whole_strip_has_no_undershoot_at_all() -> None:
    assert undershoot(whole_strip(pulse(), FS)) < 0.001


@pytest.mark.parametrize(("hertz", "gain"), [(0.05, 0.707), (1.0, 0.998), (10.0, 1.0), (150.0, 0.707)])
def test_the_band_of_the_measurement_path(hertz: float, gain: float) -> None:
    t = np.arange(round(120 * FS)) / FS
    passed = MeasurementPath(FS)._band.update(np.sin(2 * np.pi * hertz * t))
    assert height(passed) == pytest.approx(gain, abs=0.015)


@pytest.mark.parametrize(("hertz", "gain"), [(0.5, 0.707), (5.0, 0.995), (40.0, 0.707)])
def test_the_band_of_the_rhythm_path(hertz: float, gain: float) -> None:
    t = np.arange(round(30 * FS)) / FS
    passed = RhythmPath(FS).update(np.sin(2 * np.pi * hertz * t))
    assert height(passed) == pytest.approx(gain, abs=0.015)


@pytest.mark.parametrize("fs", [125.0, 250.0, 500.0, 1000.0])
def test_the_r_wave_keeps_its_height_on_the_measurement_path(fs: float) -> None:
    x = heart([1.0, 2.0, 3.0], fs, 4)
    y = MeasurementPath(fs).update(x)
    assert float(y.max()) == pytest.approx(float(x.max()), rel=0.05)


def test_an_offset_of_the_electrodes_is_gone_from_the_first_sample_on() -> None:
    x = heart([1.0, 2.0, 3.0], FS, 4)
    with_offset = MeasurementPath(FS).update(x + 250.0)
    assert np.allclose(with_offset, MeasurementPath(FS).update(x), atol=1e-9)


def test_hum_does_not_pass_the_measurement_path() -> None:
    t = np.arange(round(10 * FS)) / FS
    x = heart(np.arange(0.6, 10, 0.8), FS, 10)
    clean, hummed = (MeasurementPath(FS).update(y) for y in (x, x + 0.3 * np.sin(2 * np.pi * 50.1 * t)))
    assert np.std((hummed - clean)[1500:]) < 0.01


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=10), st.sampled_from([MeasurementPath, RhythmPath]))
def test_blocks_of_any_size_give_the_same_to_the_last_bit(
    sizes: list[int], path: type[MeasurementPath] | type[RhythmPath]
) -> None:
    x = heart(np.arange(0.5, 6, 0.8), 250, 6)
    x[700:760] = np.nan
    whole, parts = path(250).update(x), path(250)
    cuts = np.cumsum(sizes)
    pieces = [parts.update(piece) for piece in np.split(x, cuts[cuts < len(x)])]
    assert np.array_equal(np.concatenate(pieces), whole, equal_nan=True)
    assert np.array_equal(np.isnan(whole), np.isnan(x))
