"""Changes of a recording: what each does, and that it does the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from bench.signal_changed import FREE, LIMITED
from bench.signal_changes import CHANGES, GAP_S, HUM_MV, NEAR_S, Changed, Samples, chance, qrs_height
from tests.cabin_signal_models import heart

FS, SECONDS = 360.0, 120.0
BEATS = np.arange(360, int(FS * SECONDS) - 360, 300, dtype=np.int64)
WHOLE: Samples = heart((BEATS / FS).tolist(), FS, SECONDS)


def noise() -> Samples:
    made: Samples = np.cumsum(np.random.default_rng(1).standard_normal(5000)) / 20
    made -= made.mean()
    return made


def changed(name: str) -> Changed:
    return CHANGES[name](Changed(WHOLE, FS), chance("mitdb/119"), BEATS, noise)


def test_every_change_is_measured_once() -> None:
    assert {"none", *LIMITED, *FREE} == set(CHANGES)
    assert not set(LIMITED) & set(FREE)


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_change_is_the_same_every_time_and_leaves_what_it_was_given_alone(name: str) -> None:
    before = WHOLE.copy()
    one, two = changed(name), changed(name)
    assert np.array_equal(one.samples, two.samples, equal_nan=True)
    assert (one.fs, one.holes) == (two.fs, two.holes)
    assert np.array_equal(WHOLE, before)
    assert len(one.samples) / one.fs == pytest.approx(SECONDS, abs=0.01)


@pytest.mark.parametrize(("name", "factor"), [("none", 1), ("inverted", -1), ("gain 0.2", 0.2), ("gain 5", 5)])
def test_sign_and_gain_are_a_factor(name: str, factor: float) -> None:
    assert np.allclose(changed(name).samples, factor * WHOLE)


@pytest.mark.parametrize("rate", [125, 250, 500, 1000])
def test_at_another_rate_an_r_peak_stays_where_it_was_in_time(rate: int) -> None:
    other = changed(f"{rate} Hz")
    assert other.fs == rate
    for beat in BEATS[:5]:
        at = round(beat / FS * rate)
        near = other.samples[at - rate // 20 : at + rate // 20]
        assert abs(int(np.argmax(near)) - rate // 20) <= 1
        assert float(near.max()) == pytest.approx(1.0, abs=0.12)


def test_hum_is_fifty_hertz_of_its_height() -> None:
    added = changed("50 Hz hum").samples - WHOLE
    spectrum = np.abs(np.fft.rfft(added))
    assert np.argmax(spectrum) == round(50 * SECONDS)
    assert np.ptp(added) == pytest.approx(2 * HUM_MV, rel=0.01)


def test_steps_go_up_and_down_and_are_nothing_else() -> None:
    steps = np.diff(changed("±5 mV steps").samples - WHOLE)
    jumps = steps[np.abs(steps) > 0.01]
    assert len(jumps) == 5
    assert np.allclose(jumps, [5, -5, 5, -5, 5])


def test_gaps_are_holes_with_a_margin() -> None:
    gaps = changed("NaN gaps")
    missing = np.isnan(gaps.samples)
    assert len(gaps.holes) == 3
    for start, end in gaps.holes:
        margin = round(NEAR_S * FS)
        assert missing[start + margin : end - margin].all()
        assert not missing[start : start + margin].any() and not missing[end - margin : end].any()
        assert GAP_S[0] <= (end - start) / FS - 2 * NEAR_S <= GAP_S[1] + 0.01
    assert np.array_equal(gaps.samples[~missing], WHOLE[~missing])


@pytest.mark.parametrize("decibel", [24, 18, 12])
def test_motion_is_as_strong_beside_the_qrs_as_its_decibels_say(decibel: int) -> None:
    added = changed(f"motion {decibel} dB").samples - WHOLE
    height = float(np.ptp(WHOLE[BEATS[0] - 18 : BEATS[0] + 19]))
    expected = height * float(np.std(np.resize(noise(), len(added)))) * 10 ** ((12 - decibel) / 20)
    assert float(np.std(added)) == pytest.approx(expected, rel=0.1)


def test_qrs_height_is_the_median_of_whole_qrs() -> None:
    samples = np.zeros(1000)
    samples[[100, 300, 500, 999]] = (1, 2, 3, 9)
    assert qrs_height(samples, 100.0, np.array([100, 300, 500, 999])) == 2
    assert qrs_height(samples, 100.0, np.zeros(0, dtype=np.int64)) == 1


def test_motion_without_a_recording_of_it_is_refused() -> None:
    with pytest.raises(ValueError, match="recording"):
        CHANGES["motion 12 dB"](Changed(WHOLE, FS), chance("a"), BEATS, None)


def test_another_recording_is_changed_at_other_moments() -> None:
    here, there = (CHANGES["NaN gaps"](Changed(WHOLE, FS), chance(name), BEATS, None) for name in ("a", "b"))
    assert here.holes != there.holes
