"""Waves around beats: the same wave at every rate and for every block, and none that is not all there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.rhythm_waves import AFTER, BEFORE, BeatWaves
from tests.cabin_signal_models import heart

FS = 250.0


def test_the_r_peak_stands_where_it_is_expected() -> None:
    for fs in (125.0, 250.0, 360.0, 500.0, 1000.0):
        waves = BeatWaves(fs)
        waves.update(heart([0.9], fs, 1.0))
        waves.update(heart([0.9 - 1.0], fs, 1.0))
        wave = waves.cut(round(0.9 * fs), round(2 * fs))
        assert wave is not None and len(wave) == BEFORE + AFTER
        assert abs(int(np.argmax(wave)) - BEFORE) <= 1
        assert wave.max() == pytest.approx(0.85, abs=0.1)


def test_every_rate_shows_the_same_wave() -> None:
    shown = []
    for fs in (250.0, 360.0, 1000.0):
        waves = BeatWaves(fs)
        waves.update(heart([0.9], fs, 1.0))
        waves.update(heart([-0.1], fs, 1.0))
        shown.append(waves.cut(round(0.9 * fs), round(2 * fs)))
    for wave in shown[1:]:
        assert wave is not None and shown[0] is not None
        assert np.abs(wave - shown[0]).max() < 0.06


def test_a_wave_that_is_not_all_there_is_none() -> None:
    waves = BeatWaves(FS)
    waves.update(np.zeros(250))
    assert waves.cut(50, 250) is None  # it began before the stream
    assert waves.cut(100, 140) is None  # it was not over at sample 140
    assert waves.cut(100, 170) is not None
    assert waves.cut(200, 250) is None
    for _ in range(9):
        waves.update(np.zeros(250))
    assert waves.cut(100, 2500) is None  # too late


@given(st.lists(st.integers(0, 250), min_size=1, max_size=40))
def test_blocks_of_any_size_show_the_same_to_the_last_bit(sizes: list[int]) -> None:
    x = heart(np.arange(0.5, 8, 0.8), FS, 8.0)
    whole, pieces = BeatWaves(FS), BeatWaves(FS)
    for second in np.split(x, 8):
        whole.update(second)
    start = 0
    for size in [*sizes, *[250] * 8]:
        pieces.update(x[start : start + size])
        start += size
    one, other = whole.cut(1525, 1700), pieces.cut(1525, 1700)
    assert one is not None and other is not None and one.tobytes() == other.tobytes()


def test_holes_leave_finite_waves() -> None:
    x = heart(np.arange(0.5, 4, 0.8), FS, 4.0)
    x[300:330] = np.nan
    waves = BeatWaves(FS)
    for second in np.split(x, 4):
        waves.update(second)
    wave = waves.cut(325, 500)
    assert wave is not None and np.isfinite(wave).all()
