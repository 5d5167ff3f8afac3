"""The parts that find pulses: jumps, polarity, upstrokes, the choice among them, their likeness and their rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.findings import Beat
from cabin_signal.jumps import Jumps
from cabin_signal.likeness import Likeness
from cabin_signal.polarity import Polarity, lean
from cabin_signal.ppg import PlethStream
from cabin_signal.pulse import PulseDetector, Smoother, mended
from cabin_signal.pulse_choice import PulseChoice
from cabin_signal.pulse_rate import PulseRate, robust_rate, unevenness
from cabin_signal.upstroke import Upstroke, Upstrokes
from tests.cabin_signal_models import Array, score
from tests.pleths import Shape, beats, peaks, pleth


def found(x: Array, fs: float) -> list[int]:
    stream = PlethStream(fs)
    return [b.sample for b in stream.update(x).beats + stream.finish().beats]


# --- whole detector, on a law that it does not assume --------------------------------------------------------------


@pytest.mark.parametrize("shape", ["excellent", "acceptable"])
@pytest.mark.parametrize("rate", [40, 65, 100, 150, 180])
def test_every_pulse_is_found_at_its_peak(shape: Shape, rate: float) -> None:
    starts = beats(rate, 40)
    judged = score(peaks(starts, 125, 40), found(pleth(starts, 125, 40, shape), 125), 12)
    assert judged.invented == 0 and judged.missed <= 1  # the last may have been cut off
    assert np.abs(judged.offsets).max() <= 3


@pytest.mark.parametrize("fs", [50, 75, 125, 250, 1000])
@pytest.mark.parametrize("sign", [1, -1])
def test_rate_and_polarity_make_no_difference(fs: int, sign: int) -> None:
    starts = beats(72, 30)
    judged = score(
        peaks(starts, fs, 29), [b for b in found(sign * pleth(starts, fs, 30), fs) if b < 29 * fs], 0.1 * fs
    )
    assert (judged.missed, judged.invented) == (0, 0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), rate=st.integers(45, 140))
def test_white_noise_over_the_pulses_costs_little(seed: int, rate: int) -> None:
    rng = np.random.default_rng(seed)
    starts = beats(rate, 30, seed)
    wave = pleth(starts, 75, 30) + 0.08 * rng.standard_normal(30 * 75)
    judged = score(peaks(starts, 75, 30), found(wave, 75), 0.15 * 75)
    assert judged.missed + judged.invented <= 2


def test_small_early_pulses_are_found_and_dicrotic_waves_are_not() -> None:
    """An extra beat after 60 % of the interval fills the heart to a third; the dicrotic wave has half that height."""
    starts = np.array([0.1 + 0.8 * k for k in range(40)])
    t = np.arange(32 * 125) / 125
    wave = pleth(starts, 125, 32)
    for start in starts:
        wave += 0.15 * np.exp(-0.5 * ((t - start - 0.5) / 0.05) ** 2)
    early = starts[10:35:8] + 0.6
    for start in early:
        wave += 0.5 * np.exp(-0.5 * ((t - start) / 0.05) ** 2)
    at = found(wave, 125)
    truth = sorted([*peaks(starts, 125, 31.9), *(round(e * 125) for e in early)])
    judged = score(truth, at, 19)
    assert judged.invented == 0
    assert judged.missed <= 1


@pytest.mark.parametrize("factor", [0.1, 0.3, 5, 10])
def test_a_gain_that_changes_is_followed(factor: float) -> None:
    starts = beats(70, 60)
    wave = pleth(starts, 125, 60)
    wave[30 * 125 :] *= factor
    after = [b for b in found(wave, 125) if b > 38 * 125]
    judged = score([p for p in peaks(starts, 125, 59.9) if p > 38 * 125], after, 19)
    assert judged.missed + judged.invented <= 1


def test_after_a_knock_a_hundred_times_the_pulse_it_begins_anew() -> None:
    starts = beats(70, 60)
    wave = pleth(starts, 125, 60)
    t = np.arange(4 * 125) / 125
    wave[: 4 * 125] += 100 * np.sin(2 * np.pi * 1.1 * t) ** 2
    at = [b for b in found(wave, 125) if b > 25 * 125]
    judged = score([p for p in peaks(starts, 125, 59.9) if p > 25 * 125], at, 19)
    assert judged.missed + judged.invented <= 1


def test_the_detector_is_fed_hops_of_one_length() -> None:
    starts = beats(70, 20)
    wave = pleth(starts, 100, 20)
    detector = PulseDetector(100)
    got = [b for i in range(0, 2000, 25) for b in detector.update(wave[i : i + 25])]
    assert [b.sample for b in got] == [b for b in found(wave, 100) if b <= got[-1].sample]
    assert all(b.announced % 25 == 0 for b in got)
    assert detector.sign == 1


# --- holes ----------------------------------------------------------------------------------------------------------


def test_a_short_hole_is_crossed_by_a_straight_line() -> None:
    nan = np.nan
    hop = np.array([nan, 1.0, nan, nan, 4.0, nan, nan, nan, 8.0, nan])
    line = mended(hop, np.isfinite(hop), 2)
    assert np.array_equal(line, [nan, 1, 2, 3, 4, nan, nan, nan, 8, nan], equal_nan=True)
    assert np.array_equal(mended(hop, np.isfinite(hop), 3)[1:9], np.arange(1.0, 9.0))
    empty = np.full(5, nan)
    assert np.isnan(mended(empty, np.isfinite(empty), 3)).all()


def test_short_holes_cost_no_pulse_and_no_pulse_is_in_a_hole() -> None:
    starts = beats(70, 60)
    wave = pleth(starts, 125, 60)
    for k in range(1, 50):
        wave[140 * k : 140 * k + 6 + k % 7] = np.nan
    at = found(wave, 125)
    judged = score(peaks(starts, 125, 60), at, 19)
    assert judged.missed + judged.invented <= 2
    assert np.isfinite(wave[at]).all()


# --- jumps ---------------------------------------------------------------------------------------------------------


def test_a_jump_is_taken_out_and_a_pulse_is_not() -> None:
    wave = pleth(beats(70, 10), 125, 10)
    stepped = wave + np.where(np.arange(1250) < 600, 0.0, 7.0)
    assert np.allclose(Jumps().update(wave, 1.0), wave)
    assert np.ptp(Jumps().update(stepped, 1.0) - wave) < 0.1


def test_a_spike_leaves_nothing() -> None:
    wave = np.zeros(100)
    wave[50] = 30.0
    assert not Jumps().update(wave, 2.0).any()


def test_jumps_of_one_hop_and_of_the_next_add_up() -> None:
    jumps = Jumps()
    wave = np.repeat([0.0, 5.0, 9.0, 2.0], 25)
    parts = [jumps.update(wave[i : i + 20], 2.0) for i in range(0, 100, 20)]
    assert not np.concatenate(parts).any()
    assert len(jumps.update(wave[:0], 2.0)) == 0


@pytest.mark.parametrize("height", [0.5, 3.0, 30.0])
def test_a_hum_however_high_is_no_jump(height: float) -> None:
    t = np.arange(1000) / 125
    hum = height * np.sin(2 * np.pi * 50 * t)
    jumps = Jumps()
    parts = [jumps.update(hum[i : i + 31], 1.0) for i in range(0, 1000, 31)]
    assert np.allclose(np.concatenate(parts), hum)


# --- polarity ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["excellent", "acceptable"])
@pytest.mark.parametrize("rate", [45, 75, 120])
def test_a_pulse_leans_to_its_crest(shape: Shape, rate: float) -> None:
    plain = pleth(beats(rate, 20), 100, 20, shape)
    smoothed = Smoother(100).update(plain)[1][500:]
    assert lean(smoothed, plain[500::4]) > 0.6
    assert lean(-smoothed, -plain[500::4]) == pytest.approx(-lean(smoothed, plain[500::4]))


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(2), np.zeros(300), np.full(300, 7.0), np.full(300, 1e-200)])
def test_nothing_leans_nowhere(wave: Array) -> None:
    assert lean(wave, wave) == 0


def test_upright_is_believed_until_the_contrary_lasts() -> None:
    plain = pleth(beats(70, 10), 100, 10)
    smoothed = Smoother(100).update(plain)[1]
    up, down = (smoothed[400:], plain[400::4]), (-smoothed[400:], -plain[400::4])
    polarity = Polarity()
    polarity.settle(np.sin(np.arange(400) / 10), np.sin(np.arange(100) / 2.5))
    assert polarity.sign == 1
    polarity.settle(*down)
    assert polarity.sign == -1
    polarity = Polarity()
    assert [polarity.look(*down) for _ in range(2)] == [False, False]
    assert [polarity.look(*down) for _ in range(4)].count(True) == 1
    assert polarity.sign == -1
    assert [polarity.look(*up) for _ in range(6)].count(True) == 1
    assert polarity.sign == 1


def test_a_wave_turned_over_half_way_is_found_again() -> None:
    starts = beats(70, 80)
    wave = pleth(starts, 100, 80)
    wave[4000:] = 1 - wave[4000:]
    judged = score(
        [p for p in peaks(starts, 100, 79) if p > 5500], [b for b in found(wave, 100) if 5500 < b < 7900], 10
    )
    assert judged.missed + judged.invented <= 1


# --- upstrokes -----------------------------------------------------------------------------------------------------


def rises(wave: Array, swing: float, ripple: float = 0.0, size: int = 200) -> list[Upstroke]:
    strokes = Upstrokes(100)
    parts = [strokes.update(wave[i : i + size], swing, ripple) for i in range(0, len(wave), size)]
    return [rise for part in parts for rise in part]


def test_an_upstroke_is_measured_from_foot_to_crest() -> None:
    wave = np.interp(np.arange(100), [0, 20, 40, 60, 80, 99], [0, -1, 2, 0, 0.5, -2])
    assert [(r.crest, r.height, r.level) for r in rises(wave, 0.3)] == [(40, 3.0, 2.0), (80, 0.5, 0.5)]
    assert [r.crest for r in rises(wave, 0.6)] == [40]


def test_a_slow_rise_counts_with_its_last_part_only() -> None:
    wave = np.interp(np.arange(300), [0, 200, 299], [0, 10, 0])
    (rise,) = rises(wave, 0.5)
    assert rise.height == pytest.approx(2.0, abs=0.1)


@given(size=st.integers(1, 50))
def test_upstrokes_do_not_depend_on_the_cuts(size: int) -> None:
    wave = np.sin(np.arange(1000) / 15) + 0.2 * np.sin(np.arange(1000) / 4)
    assert rises(wave, 0.3, size=size) == rises(wave, 0.3)


def test_small_turns_are_the_ripple() -> None:
    strokes = Upstrokes(100)
    t = np.arange(1000) / 100
    wave = np.sin(2 * np.pi * 0.1 * t) + 0.1 * np.sin(2 * np.pi * 3 * t)
    for i in range(0, 1000, 100):
        strokes.update(wave[i : i + 100], 0.5, 0.5)
    assert strokes.ripple() == pytest.approx(0.2, abs=0.05)


# --- the choice ----------------------------------------------------------------------------------------------------


def chosen(*rises: tuple[float, float]) -> list[bool]:
    """Seconds and heights, after eight pulses of height 1, one a second, the last at 8 s."""
    choice = PulseChoice(100)
    assert choice.learn([Upstroke(100 * k, 1.0, 0.5) for k in range(1, 4)])
    for k in range(1, 9):
        choice.is_pulse(Upstroke(100 * k, 1.0, 0.5), 0.0)
    return [choice.is_pulse(Upstroke(round(100 * s), h, 0.5), 0.0) for s, h in rises]


@pytest.mark.parametrize(
    ("second", "height", "pulse"),
    [
        (8.15, 1.0, False), (8.35, 0.5, False), (8.45, 0.6, True), (8.6, 0.35, True), (8.6, 0.25, False),
        (9.0, 0.25, True), (9.0, 0.15, False), (9.0, 3.9, True), (9.0, 4.5, False), (11.0, 0.1, True),
        (11.0, 10.0, True), (12.0, 0.03, False),
    ],
)  # fmt: skip
def test_height_and_time_make_a_pulse(second: float, height: float, pulse: bool) -> None:
    assert chosen((second, height)) == [pulse]


def test_a_pulse_must_stand_over_the_ripple() -> None:
    choice = PulseChoice(100)
    choice.learn([Upstroke(100, 1.0, 0.5), Upstroke(200, 1.0, 0.5)])
    assert choice.is_pulse(Upstroke(100, 1.0, 0.5), 0.2)
    assert not choice.is_pulse(Upstroke(200, 0.3, 0.5), 0.2)
    assert choice.is_pulse(Upstroke(201, 0.36, 0.5), 0.2)


def test_after_eight_seconds_of_refused_rises_nothing_is_known() -> None:
    choice = PulseChoice(100)
    choice.learn([Upstroke(100, 1.0, 0.5), Upstroke(200, 1.0, 0.5)])
    choice.is_pulse(Upstroke(200, 1.0, 0.5), 0.0)
    assert not choice.lost(2000)
    for k in range(8):
        assert not choice.is_pulse(Upstroke(230 + k, 1e-4, 0.5), 0.0)
    assert not choice.lost(1000) and choice.lost(1001)


def test_one_rise_is_too_few_to_learn_from() -> None:
    assert not PulseChoice(100).learn([])
    assert not PulseChoice(100).learn([Upstroke(50, 1.0, 0.5)])


# --- likeness ------------------------------------------------------------------------------------------------------


def test_equal_pulses_are_alike_and_others_are_not() -> None:
    likeness = Likeness(100)
    before, after = likeness.reach
    assert (before, after) == (30, 35)
    assert likeness.recent() is None
    pulse = np.exp(-0.5 * ((np.arange(before + after) - before) / 8) ** 2)
    assert likeness.add(pulse) == pytest.approx(1)
    assert likeness.add(30 * pulse + 4) == pytest.approx(1)
    assert likeness.add(-pulse) == pytest.approx(-1)
    ramp = np.linspace(0, 1, before + after)
    assert likeness.add(ramp) < 0.5
    assert -1 <= (likeness.recent() or 2) < 0.7


def test_a_flat_pulse_is_like_nothing() -> None:
    likeness = Likeness(100)
    assert likeness.add(np.zeros(65)) == 0
    assert likeness.add(np.ones(65)) == 0


# --- the rate ------------------------------------------------------------------------------------------------------


def test_a_lost_pulse_and_an_invented_one_do_not_move_the_rate() -> None:
    assert robust_rate([100, 100, 200, 100, 100], 100) == pytest.approx(60)
    assert robust_rate([100, 100, 40, 100, 100], 100) == pytest.approx(60)
    assert robust_rate([], 100) is None


@given(st.lists(st.integers(60, 120), min_size=1, max_size=20))
def test_the_rate_of_an_irregular_pulse_is_its_mean(intervals: list[int]) -> None:
    usual = float(np.median(intervals))
    kept = [i for i in intervals if 0.5 * usual < i < 1.6 * usual]
    assert robust_rate(intervals, 100) == pytest.approx(6000 / np.mean(kept))


def train(watch: PulseRate, scores: list[float | None], step: int = 80) -> list[bool]:
    return [watch.add(Beat(step * k, step * k + 40, k == 0), score) is not None for k, score in enumerate(scores)]


def test_six_pulses_make_a_rate_if_they_can_be_trusted() -> None:
    assert train(PulseRate(100), [1.0] * 7) == [False] * 5 + [True] * 2
    assert train(PulseRate(100), [0.4] * 7) == [False] * 7
    assert train(PulseRate(100), [None] * 7) == [False] * 7
    assert train(PulseRate(100), [None] * 5 + [0.9]) == [False] * 5 + [True]


def test_uneven_pulses_must_look_the_more_alike() -> None:
    def last(score: float) -> object:
        watch, at, found = PulseRate(100), 0, None
        for k in range(12):
            at += (60, 95, 80)[k % 3]
            found = watch.add(Beat(at, at + 40, k == 0), score)
        return found

    assert unevenness([60, 95, 80] * 4) > 0.1
    assert unevenness([80, 81, 160, 79, 80]) < 0.02
    assert last(0.7) is None
    assert last(0.85) is not None


def test_a_hole_and_a_pause_begin_the_rate_anew() -> None:
    watch = PulseRate(100)
    train(watch, [1.0] * 8)
    assert watch.add(Beat(640, 700), 1.0) is not None
    assert watch.add(Beat(720, 760, fresh=True), 1.0) is None
    later = PulseRate(100)
    train(later, [1.0] * 8)
    assert later.add(Beat(560 + 301, 900), 1.0) is None
