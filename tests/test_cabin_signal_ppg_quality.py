"""Why a quarter of a second of a pleth is not better: each reason on raw light or a display wave that has it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.findings import QualitySpan
from cabin_signal.ppg import PlethStream
from cabin_signal.stray_light import StrayLight, folded
from tests.cabin_signal_models import Array
from tests.pleths import beats, light, pleth

FS = 125.0
SECONDS = 40.0
FINGER = pleth(beats(70, SECONDS), FS, SECONDS)
FROM, TO = 20.0, 28.0
PART = slice(int(FROM * FS), int(TO * FS))


def spans(x: Array, fs: float = FS, is_light: bool = False) -> list[QualitySpan]:
    stream = PlethStream(fs, is_light)
    return [*stream.update(x).quality, *stream.finish().quality]


def within(found: list[QualitySpan], start: float, end: float, fs: float = FS) -> list[QualitySpan]:
    return [s for s in found if start * fs <= s.start and s.end <= end * fs]


def part_with(found: list[QualitySpan], reason: str) -> float:
    return sum(reason in s.reasons for s in found) / len(found)


@pytest.mark.parametrize("is_light", [False, True])
@pytest.mark.parametrize("rate", [45, 70, 130])
def test_a_good_finger_is_good(is_light: bool, rate: float) -> None:
    wave = pleth(beats(rate, 40), FS, 40)
    found = within(spans(light(wave, 2.0) if is_light else wave, is_light=is_light), 5, 38)
    assert all((s.grade, s.reasons) == ("good", ()) for s in found)
    assert min(s.score or 0.0 for s in found) > 0.8


def test_a_finger_out_of_the_light_is_seen_within_a_second() -> None:
    """An open sensor takes all the light and rails."""
    raw = light(FINGER, 2.0)
    raw[PART] = 65_535.0
    found = spans(raw, is_light=True)
    first = next(s for s in found if "finger-out" in s.reasons)
    assert FROM * FS <= first.start < first.end <= (FROM + 1) * FS
    assert part_with(within(found, FROM + 1, TO), "finger-out") == 1
    assert all(s.grade == "bad" and s.score == 0 for s in within(found, FROM + 1, TO))
    assert part_with(within(found, TO + 2, SECONDS - 1), "finger-out") == 0


def test_an_open_sensor_that_sees_the_room_is_finger_out() -> None:
    raw = light(FINGER, 2.0)
    rng = np.random.default_rng(5)
    raw[PART] = 120_000 + 8 * rng.standard_normal(len(raw[PART]))
    assert part_with(within(spans(raw, is_light=True), FROM + 1, TO), "finger-out") == 1


@pytest.mark.parametrize("fs", [75.0, 125.0, 250.0, 500.0])
@pytest.mark.parametrize("mains", [50.0, 100.0])
def test_flicker_of_a_lamp_is_ambient_light(fs: float, mains: float) -> None:
    raw = light(pleth(beats(70, 40), fs, 40), 2.0)
    t = np.arange(len(raw)) / fs
    lamp = (t >= FROM) & (t < TO)
    raw += 300 * lamp * np.sin(2 * np.pi * mains * t + 0.4)
    found = spans(raw, fs, True)
    assert part_with(within(found, FROM + 1, TO, fs), "ambient-light") == 1
    assert part_with(within(found, 4, FROM, fs), "ambient-light") == 0
    assert {s.grade for s in within(found, FROM + 1, TO, fs)} == {"usable"}


def test_strong_flicker_spoils() -> None:
    raw = light(FINGER, 1.0)
    t = np.arange(len(raw)) / FS
    raw += 1000 * (t >= FROM) * np.sin(2 * np.pi * 50 * t)
    assert {s.grade for s in within(spans(raw, is_light=True), FROM + 1, TO)} == {"bad"}


@pytest.mark.parametrize("step", [8000.0, -8000.0])
def test_a_lamp_that_is_switched_is_ambient_light_and_no_movement(step: float) -> None:
    raw = light(FINGER, 2.0)
    raw[PART] += step
    found = spans(raw, is_light=True)
    for edge in (FROM, TO):
        near = within(found, edge - 0.1, edge + 1.5)
        assert sum("ambient-light" in s.reasons for s in near) >= 3
        assert not any("movement" in s.reasons for s in near)
    assert part_with(within(found, FROM + 3, TO), "ambient-light") == 0


def test_the_same_step_of_a_display_wave_is_movement() -> None:
    wave = FINGER.copy()
    wave[PART] += 8
    near = within(spans(wave), FROM - 0.1, FROM + 1.5)
    assert any("movement" in s.reasons for s in near)
    assert not any("ambient-light" in s.reasons for s in near)


def test_a_hand_that_moves_spoils_and_says_so() -> None:
    rng = np.random.default_rng(2)
    wave = FINGER.copy()
    t = np.arange(len(wave[PART])) / FS
    wave[PART] += 2 * sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in (0.7, 1.3, 2.1, 3.2))
    found = within(spans(wave), FROM + 1, TO)
    assert part_with(found, "movement") > 0.9
    assert np.mean([s.score or 0.0 for s in found]) < 0.5


def test_pulses_unlike_each_other_are_movement_however_small() -> None:
    rng = np.random.default_rng(3)
    wave = np.concatenate((FINGER[: int(20 * FS)], np.zeros(int(20 * FS))))
    walk = np.convolve(rng.standard_normal(int(20 * FS)), np.hanning(30), "same")
    wave[int(20 * FS) :] = 0.5 * walk / np.std(walk)
    found = within(spans(wave), 24, 39)
    assert part_with(found, "movement") + part_with(found, "finger-out") > 0.8


@pytest.mark.parametrize(("percent", "low"), [(5.0, False), (0.5, False), (0.2, True), (0.05, True)])
def test_low_perfusion_is_told_where_the_light_is_known(percent: float, low: bool) -> None:
    found = within(spans(light(FINGER, percent), is_light=True), 5, 38)
    assert (part_with(found, "low-perfusion") == 1) is low
    assert {s.grade for s in found} == ({"usable"} if low else {"good"})


def test_a_wave_at_its_rail_is_saturated() -> None:
    wave = np.round(1000 * FINGER)
    found = within(spans(np.minimum(wave, 500)), 10, 30)
    assert part_with(found, "saturation") > 0.5


def test_the_flat_foot_of_a_wave_of_seven_bits_is_no_rail() -> None:
    """A display wave of 60 Hz in 0..127 that comes down to its foot softly."""
    since = np.arange(int(60 * SECONDS)) / 60 % 0.8823
    upstroke = np.exp(-0.5 * ((since - 0.12) / np.where(since < 0.12, 0.05, 0.1)) ** 2)
    wave = np.round(48 * (upstroke + 0.3 * np.exp(-0.5 * ((since - 0.38) / 0.11) ** 2))) + 30
    found = within(spans(wave, fs=60.0), 10, 38, fs=60.0)
    assert part_with(found, "saturation") == 0


def test_a_score_is_not_known_before_pulses_could_be_compared() -> None:
    found = spans(FINGER)
    assert found[0].score is None
    known = [s.score for s in found if s.score is not None]
    assert len(known) > 130
    assert all(0 <= score <= 1 for score in known)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    fs=st.sampled_from([25.0, 62.5, 100.0, 333.3]),
    is_light=st.booleans(),
    kind=st.sampled_from(["noise", "huge", "tiny", "holes", "inf", "steps", "clipped"]),
)
def test_bad_input_gives_no_error_and_no_false_good(seed: int, fs: float, is_light: bool, kind: str) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(round(12 * fs))
    x = {
        "noise": x,
        "huge": 1e300 * x,
        "tiny": 1e-300 * x,
        "holes": np.where(rng.random(len(x)) < 0.5, np.nan, x),
        "inf": np.where(rng.random(len(x)) < 0.1, np.inf, x),
        "steps": np.cumsum(rng.standard_normal(len(x)) * (rng.random(len(x)) < 0.01)),
        "clipped": np.clip(x, -0.1, 0.1),
    }[kind]
    stream = PlethStream(fs, is_light)
    parts = [stream.update(x[:0]), stream.update(x[:1]), stream.update(x[1:]), stream.finish()]
    for part in parts:
        assert all(0 <= b.sample <= b.announced <= len(x) for b in part.beats)
        assert all(np.isfinite(p.bpm) and 20 <= p.bpm <= 300 for p in part.pulse_rate)
        assert all(np.isfinite(p.percent) for p in part.perfusion_index)
    graded = [s for part in parts for s in part.quality]
    assert graded[0].start == 0 and graded[-1].end == len(x)
    assert all(a.end == b.start for a, b in pairwise(graded))


@pytest.mark.parametrize("seed", range(6))
def test_no_rate_is_stated_of_noise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stream = PlethStream(100)
    found = stream.update(rng.standard_normal(60 * 100))
    late = [s for s in found.quality if s.start > 1000]
    assert len(found.pulse_rate) <= 0.1 * len(found.beats)
    assert np.mean([s.grade == "good" for s in late]) < 0.1


@pytest.mark.parametrize("fs", [4.0, 24.9, 10_001.0, float("nan"), float("inf"), -100.0])
def test_rates_out_of_range_are_refused_with_a_sentence(fs: float) -> None:
    with pytest.raises(ValueError, match="a pleth has 25 to 10000 samples a second"):
        PlethStream(fs)


# --- stray light ------------------------------------------------------------------------------------------------


def test_where_the_mains_shows_at_slow_rates() -> None:
    assert folded(100, 75) == 25
    assert folded(100, 500) == 100
    assert folded(50, 50) == 0
    assert StrayLight(56, 75).seen_hz == (15.0, 25.0, 30.0)
    assert StrayLight(37, 50).seen_hz == (20.0,)


def test_flicker_is_measured_peak_to_peak() -> None:
    stray = StrayLight(187, 250)
    t = np.arange(187) / 250
    assert stray.flicker(3 * np.sin(2 * np.pi * 100 * t) + 900) == pytest.approx(6, rel=0.05)
    assert stray.flicker(3 * np.sin(2 * np.pi * 2 * t)) < 0.1
    assert stray.flicker(np.zeros(20)) == 0


def test_a_step_is_sudden_and_lasting() -> None:
    stray = StrayLight(90, 120)
    t = np.arange(90)
    assert stray.stepped(np.where(t < 45, 1000.0, 1200.0), 20)
    assert not stray.stepped(np.interp(t, [0, 20, 70, 90], [1000.0, 1000.0, 1200.0, 1200.0]), 20)
    assert not stray.stepped(np.where((t > 40) & (t < 45), 1500.0, 1000.0), 20)
    assert not stray.stepped(np.where(t < 45, 1000.0, 1200.0), 100)
    assert not stray.stepped(np.ones(3), 1)
