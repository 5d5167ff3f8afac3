"""The synthetic person: one heart behind every stream, and the truth where it is said to be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.body import ARM_DELAY_S, FINGER_DELAY_S, RISE_S, Array, Body
from simulators.device import WrongUse
from simulators.heart import KEPT_S
from simulators.physiology import FREQUENCIES, LEADS, Physiology


def peaks(x: Array, t: Array, height: float, apart: float) -> Array:
    """Times of the local maxima of `x` above `height`, the highest within `apart` seconds: a plain test oracle."""
    top = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:]) & (x[1:-1] > height)) + 1
    kept: list[int] = []
    for n in top[np.argsort(-x[top])]:
        if all(abs(t[n] - t[k]) >= apart for k in kept):
            kept.append(int(n))
    return np.asarray(t[sorted(kept)])


@pytest.mark.parametrize("rate", [45, 68, 110, 160])
@pytest.mark.parametrize("premature_every", [0, 6])
def test_the_mean_rate_is_the_one_asked_for(rate: float, premature_every: int) -> None:
    body = Body(4, Physiology(heart_rate=rate, premature_every=premature_every))
    assert len(body.beats(0, 300)) / 5 == pytest.approx(rate, rel=0.02)


def test_irregular_intervals_keep_the_mean_rate_and_lose_their_order() -> None:
    beats = Body(4, Physiology(heart_rate=80, irregular=True)).beats(0, 300)
    rr = np.array([beat.rr for beat in beats[1:]])
    assert 60 / rr.mean() == pytest.approx(80, rel=0.05)
    assert rr.std() / rr.mean() > 0.15
    assert abs(np.corrcoef(rr[1:], rr[:-1])[0, 1]) < 0.15
    assert not any(beat.p_wave for beat in beats)


def test_ecg_finger_and_arm_beat_together() -> None:
    body = Body(2, Physiology(heart_rate=72))
    t = np.arange(0, 60, 1 / 500)
    truth = np.array([beat.at for beat in body.beats(1, 58)])
    r = peaks(body.ecg(t)[:, 1], t, 0.6, 0.3)
    pulse = peaks(body.pleth(t), t, 1.5, 0.4)
    arm = peaks(body.arterial(t), t, 110, 0.4)
    for found, delay in ((r, 0.0), (pulse, FINGER_DELAY_S + RISE_S), (arm, ARM_DELAY_S + RISE_S)):
        nearest = np.abs(found[None, :] - truth[:, None] - delay).min(axis=1)
        assert nearest.max() < 0.02
        assert abs(len(found) - len(body.beats(0, 60))) <= 1


@pytest.mark.parametrize("rate", [50, 75, 130])
def test_the_r_peak_of_lead_ii_lies_at_the_beat(rate: float) -> None:
    body = Body(9, Physiology(heart_rate=rate, premature_every=7))
    for beat in body.beats(2, 40):
        t = beat.at + np.arange(-0.04, 0.04, 1e-4)
        # A premature beat that falls on a T wave leans on its slope.
        assert t[np.argmax(body.ecg(t)[:, 1])] == pytest.approx(beat.at, abs=2e-3 if beat.wide else 5e-4)


def test_a_premature_beat_is_early_wide_small_and_followed_by_a_full_pause() -> None:
    body = Body(5, Physiology(heart_rate=66, premature_every=8))
    beats = body.beats(0, 90)
    early = [n for n, beat in enumerate(beats[:-1]) if beat.wide]
    assert len(early) == pytest.approx(90 * 66 / 60 / 8, abs=1.5)
    for n in early:
        normal = 60 / 66
        assert beats[n].rr < 0.7 * normal
        assert beats[n].rr + beats[n + 1].rr == pytest.approx(2 * normal, rel=0.02)
        assert _height(body, beats[n].at) < 0.7 * _height(body, beats[n + 2].at)
        assert beats[n].systolic < beats[n + 2].systolic - 15
        assert _width(body, beats[n].at) > 2 * _width(body, beats[n + 2].at)
        assert not beats[n].p_wave


def _height(body: Body, at: float) -> float:
    t = at + FINGER_DELAY_S + np.arange(0, 0.25, 0.005)
    return float(body.pleth(t).max() - body.pleth(t)[0])


def _width(body: Body, at: float) -> float:
    t = at + np.arange(-0.1, 0.1, 0.001)
    lead = body.ecg(t)[:, 1]
    return float((lead > lead.max() / 2).sum())


def test_arterial_pressure_runs_between_diastolic_and_systolic_with_its_mean_nearer_the_lower() -> None:
    body = Body(3, Physiology(heart_rate=64, systolic=150, diastolic=90))
    pressure = body.arterial(np.arange(5, 65, 0.01))
    assert pressure.max() == pytest.approx(150, abs=5)
    assert pressure.min() == pytest.approx(90, abs=2)
    assert 0.30 < (pressure.mean() - 90) / 60 < 0.42
    assert np.abs(np.diff(pressure)).max() < 8


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.floats(0.05, 7.0), max_size=8))
def test_any_cut_of_time_gives_the_same_person(seed: int, cuts: list[float]) -> None:
    physiology = Physiology(premature_every=5)
    t = np.arange(0, 10, 0.01)
    whole, cut = Body(seed, physiology), Body(seed, physiology)
    edges = [0, *sorted(int(c * 100) for c in cuts), len(t)]
    for signal in ("ecg", "pleth", "arterial"):
        parts = [getattr(cut, signal)(t[a:b]) for a, b in pairwise(edges)]
        assert np.allclose(np.concatenate(parts), getattr(whole, signal)(t))


def test_two_seeds_are_two_people() -> None:
    assert [b.at for b in Body(1).beats(0, 20)] == [b.at for b in Body(1).beats(0, 20)]
    assert [b.at for b in Body(1).beats(0, 20)] != [b.at for b in Body(2).beats(0, 20)]


def test_a_change_acts_from_its_moment_and_leaves_the_past_alone() -> None:
    body = Body(1)
    before = body.beats(0, 60)
    body.change(30.0, {"heart_rate": 120, "spo2": 91})
    assert body.beats(0, 30) == [b for b in before if b.at < 30]
    assert len(body.beats(35, 65)) / 30 * 60 == pytest.approx(120, rel=0.04)
    assert body.physiology.spo2 == 91
    t = np.arange(28, 34, 0.002)
    assert np.abs(np.diff(body.arterial(t))).max() < 3


def test_the_pulse_rate_needs_as_many_beats_as_it_averages() -> None:
    body = Body(1, Physiology(heart_rate=60))
    assert body.pulse_rate(2.0, over=4) is None
    rate = body.pulse_rate(20.0, over=4)
    assert rate is not None
    last = [b for b in body.beats(0, 20) if b.at <= 20 - FINGER_DELAY_S - RISE_S][-4:]
    assert rate == pytest.approx(240 / sum(b.rr for b in last))
    assert body.pulse_rate(20.0, over=4, since=18.0) is None
    assert body.pulse_rate(25.0, over=4, since=18.0) is not None


def test_memory_does_not_grow_with_age_and_a_forgotten_time_is_an_error() -> None:
    body = Body(1, Physiology(heart_rate=200))
    for now in range(0, 4000, 50):
        body.beats(now, now + 1)
    assert len(body.beats(4000 - KEPT_S, 4000)) > 1900
    assert len(body._heart._beats) < 3 * KEPT_S * 200 / 60
    with pytest.raises(ValueError, match="forgotten"):
        body.beats(10, 20)


def test_empty_times_give_empty_signals() -> None:
    none = np.zeros(0)
    assert Body().ecg(none).shape == (0, len(LEADS))
    assert Body().pleth(none).shape == Body().arterial(none).shape == (0,)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"heart_rate": 0}, "from 30 to 220"),
        ({"heart_rate": float("nan")}, "from 30 to 220"),
        ({"heart_rate": True}, "number"),
        ({"heart_rate": "90"}, "number"),
        ({"systolic": 80}, "10 mmHg above"),
        ({"premature_every": 1}, "0 for none"),
        ({"left": [10, 10]}, "11 thresholds"),
        ({"right": [10] * 10 + [None]}, "number"),
        ({"electrodes_on": ["V9"]}, "V1"),
        ({"finger_in": 1}, "true or false"),
        ({"irregular": "yes"}, "true or false"),
        ({"shoe_size": 42}, "no “shoe_size”"),
    ],
)
def test_a_bad_change_is_refused_in_one_sentence_and_changes_nothing(asked: dict[str, object], says: str) -> None:
    body = Body(1)
    physiology, presence = body.physiology, body.presence
    with pytest.raises(WrongUse, match=says) as refused:
        body.change(1.0, {"spo2": 90, **asked})
    assert str(refused.value).rstrip().endswith(".")
    assert (body.physiology, body.presence) == (physiology, presence)


def test_every_kind_of_field_can_be_changed() -> None:
    body = Body(1)
    asked = {"premature_every": 4, "irregular": True, "left": [20] * len(FREQUENCIES), "moving": True}
    body.change(0.0, {**asked, "electrodes_on": ["I", "II"], "systolic": 140, "diastolic": 88})
    assert (body.physiology.premature_every, body.physiology.irregular) == (4, True)
    assert body.physiology.left == (20,) * 11
    assert body.presence.moving
    assert body.presence.electrodes_on == {"I", "II"}
    assert (body.physiology.systolic, body.physiology.diastolic) == (140, 88)


@pytest.mark.parametrize("rate", [52, 68, 110])
def test_a_pulse_runs_off_until_the_next_so_that_few_levels_do_not_look_clipped(rate: int) -> None:
    t = np.arange(0.0, 60.0, 1 / 60)
    counts = np.rint(30 + 16 * Body(1, Physiology(heart_rate=rate)).pleth(t))[120:]
    looks = np.lib.stride_tricks.sliding_window_view(counts, 45)[::15]
    held = np.count_nonzero(looks == counts.min(), axis=1) / 45
    assert np.mean(held > 0.15) < 0.1
