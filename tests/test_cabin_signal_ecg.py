"""The ECG stream on hearts whose beats are known to the sample."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.ecg import EcgFindings, EcgStream
from cabin_signal.findings import merged
from tests.cabin_signal_models import Array, heart, recording, score

FS = 250.0
RHYTHM = np.cumsum(np.random.default_rng(5).uniform(0.75, 0.95, 70))


def together(parts: list[EcgFindings]) -> EcgFindings:
    """All findings of a stream in one."""
    return EcgFindings(*(sum((getattr(p, f.name) for p in parts), ()) for f in fields(EcgFindings)))


def run(x: Array, fs: float = FS, block: int | None = None) -> EcgFindings:
    stream = EcgStream(fs)
    size = block or max(1, len(x))
    return together([stream.update(x[i : i + size]) for i in range(0, len(x), size)] + [stream.finish()])


def r_samples(fs: float = FS, until: float = 60.0) -> list[int]:
    return [round(t * fs) for t in RHYTHM if t < until - 0.05]


def noisy(fs: float = FS, seconds: float = 60.0) -> Array:
    rng = np.random.default_rng(11)
    t = np.arange(round(seconds * fs)) / fs
    breath = 0.2 * np.sin(2 * np.pi * 0.25 * t)
    return heart(RHYTHM, fs, seconds) + breath + 0.02 * rng.standard_normal(len(t))


def assert_all_found(x: Array, fs: float = FS, within_s: float = 0.012) -> None:
    seconds = len(x) / fs
    judged = score(r_samples(fs, seconds), [b.sample for b in run(x, fs).beats], within_s * fs + 1)
    assert (judged.missed, judged.invented) == (0, 0)


@pytest.mark.parametrize("fs", [100.0, 110.0, 125.0, 128.0, 200.0, 250.0, 360.0, 500.0, 1000.0])
def test_every_r_peak_is_found_at_every_rate(fs: float) -> None:
    assert_all_found(noisy(fs, 30), fs)


def test_on_a_clean_heart_the_r_peak_is_the_very_sample() -> None:
    clean = heart(RHYTHM, 500, 30)
    true = [int(np.argmax(clean[r - 10 : r + 11])) + r - 10 for r in r_samples(500, 30)]
    assert [b.sample for b in run(clean, 500).beats] == true


@pytest.mark.parametrize("gain", [0.2, 0.5, 2.0, 5.0, -1.0, -0.2])
def test_gain_and_a_turned_lead_change_nothing(gain: float) -> None:
    assert_all_found(gain * noisy())


def test_the_turned_lead_has_its_peaks_at_the_same_samples() -> None:
    x = noisy()
    assert [b.sample for b in run(-x).beats] == [b.sample for b in run(x).beats]


@pytest.mark.parametrize("hum", [0.1, 0.3])
def test_mains_hum_hides_no_beat_and_is_named(hum: float) -> None:
    x = noisy() + hum * np.sin(2 * np.pi * 50 * np.arange(len(noisy())) / FS)
    assert_all_found(x, within_s=0.02)
    reasons = {r for span in run(x).quality for r in span.reasons}
    assert ("mains" in reasons) == (hum > 0.2)


def test_an_offset_of_the_electrodes_changes_nothing() -> None:
    assert [b.sample for b in run(noisy() + 120).beats] == [b.sample for b in run(noisy()).beats]


def test_steps_of_five_millivolts_make_no_beats() -> None:
    x = noisy()
    steps = [round(s * FS) for s in (20.4, 41.1)]
    for at in steps:
        x[at:] += 5
    judged = score(r_samples(), [b.sample for b in run(x).beats], 0.05 * FS)
    assert judged.missed <= 2 and judged.invented == 0


@pytest.mark.parametrize("level", [0.0, 1.7, -187.5])
def test_a_flat_line_has_no_beats_and_says_so(level: float) -> None:
    found = run(np.full(round(20 * FS), level))
    assert found.beats == () and found.heart_rate == ()
    assert {span.grade for span in found.quality} == {"bad"}
    assert {r for span in found.quality for r in span.reasons} == ({"flat"} if abs(level) < 3 else {"saturation"})


def test_a_nearly_flat_line_has_no_beats() -> None:
    rng = np.random.default_rng(2)
    assert run(0.005 * rng.standard_normal(5000)).beats == ()


def test_beats_stop_with_the_line_and_come_back_with_it() -> None:
    x = noisy()
    flat = slice(round(20 * FS), round(35 * FS))
    x[flat] = x[flat.start]
    beats = [b.sample for b in run(x).beats]
    assert not [b for b in beats if flat.start + 0.1 * FS < b < flat.stop - 0.1 * FS]
    outside = [r for r in r_samples() if r < flat.start - 25 or r > flat.stop + 25]
    assert score(outside, beats, 5).missed == 0


def test_a_hole_has_no_beats_breaks_the_interval_and_is_named() -> None:
    x = noisy() + np.where(np.arange(15000) > 6000, 80.0, 0.0)
    x[5000:7500] = np.nan
    found = run(x)
    assert not [b for b in found.beats if 5000 <= b.sample < 7500]
    assert score([r for r in r_samples() if r < 4980 or r > 7520], [b.sample for b in found.beats], 5).missed == 0
    assert [b.sample > 7500 for b in found.beats if b.fresh] == [False, True]
    off = [s for s in merged(found.quality) if "electrode-off" in s.reasons]
    assert [(s.start, s.end, s.grade) for s in off] == [(5000, 7500, "bad")]
    assert not [p for p in found.heart_rate if 20 <= p.t < 32]


def test_single_lost_samples_cost_nothing() -> None:
    x = noisy()
    x[np.array([r + 30 for r in r_samples()])] = np.nan
    assert_all_found(x)
    assert sum(b.fresh for b in run(x).beats) == 1


def test_nothing_but_holes() -> None:
    found = run(np.full(2000, np.nan))
    assert found.beats == () and {s.reasons for s in found.quality} == {("electrode-off",)}


def test_a_railed_amplifier_is_named() -> None:
    x = noisy()
    x[5000:7500] = 5.115
    railed = [s for s in merged(run(x).quality) if "saturation" in s.reasons]
    assert [(s.start, s.end, s.grade) for s in railed] == [(5000, 7500, "bad")]


def test_a_wandering_baseline_is_movement() -> None:
    x = noisy() + 3 * np.sin(2 * np.pi * 0.4 * np.arange(15000) / FS) * (np.arange(15000) > 7500)
    spans = run(x).quality
    assert all(s.grade == "good" for s in spans[2:29])
    assert sum("movement" in s.reasons for s in spans[31:]) > 20


def test_no_beats_for_three_seconds_is_bad_though_the_line_moves() -> None:
    x = noisy()
    t = np.arange(5000) / FS
    x[5000:10000] = 0.1 * np.sin(2 * np.pi * 0.7 * t)
    reasons = [s.reasons for s in run(x).quality if 5000 + 4 * FS <= s.start < 10000 - FS]
    assert reasons and all("no-beats" in r for r in reasons)


def test_beats_are_announced_in_order_after_the_fact_and_soon() -> None:
    beats = run(noisy()).beats
    delays = np.array([(b.announced - b.sample) / FS for b in beats])
    assert (delays > 0).all() and [b.sample for b in beats] == sorted(b.sample for b in beats)
    assert np.percentile(delays[3:], 99) <= 0.4 and delays.max() < 2.0


def test_a_small_beat_comes_by_search_back_within_a_second() -> None:
    times = np.arange(0.5, 30, 0.8)
    x = heart(np.delete(times, 20), FS, 30) + heart(times[20:21], FS, 30, 0.3)
    beats = {b.sample: b.announced for b in run(x).beats}
    small = min(beats, key=lambda s: abs(s - times[20] * FS))
    assert abs(small - times[20] * FS) <= 2
    assert (beats[small] - small) / FS <= 1.0


def test_a_tall_t_wave_is_no_beat() -> None:
    times = np.arange(0.5, 30, 0.9)
    t = np.arange(round(30 * FS)) / FS
    tall = sum(1.2 * np.exp(-0.5 * ((t - r - 0.28) / 0.045) ** 2) for r in times)
    beats = [b.sample for b in run(heart(times, FS, 30) + tall).beats]
    assert len(beats) == len(times)


def test_the_rate_follows_and_needs_four_beats() -> None:
    beats = np.concatenate((np.arange(0.5, 30, 1.0), np.arange(30.5, 60, 0.5)))
    points = run(heart(beats, FS, 60)).heart_rate
    assert points[0].t == pytest.approx(3.5, abs=0.02)
    assert points[10].bpm == pytest.approx(60, abs=0.5)
    assert points[-1].bpm == pytest.approx(120, abs=0.5)


def test_every_second_has_one_grade() -> None:
    spans = run(noisy()[: round(10.4 * FS)]).quality
    assert [s.start for s in spans] == [round(i * FS) for i in range(11)]
    assert [s.end for s in spans[:-1]] == [s.start for s in spans[1:]] and spans[-1].end == 2600


@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.3, 0.9, 1.6])
def test_very_short_streams_end_in_peace(seconds: float) -> None:
    x = heart([0.5], FS, 2.0)[: round(seconds * FS)]
    found = run(x)
    assert all(b.announced <= len(x) for b in found.beats)
    assert [b.sample for b in found.beats] == ([125] if seconds > 0.8 else [])


@pytest.mark.parametrize("fs", [0.0, -250.0, 50.0, 20_000.0, float("nan"), float("inf")])
def test_a_rate_out_of_range_is_refused_in_one_sentence(fs: float) -> None:
    with pytest.raises(ValueError, match="an ECG has 100 to 10000 samples a second, not "):
        EcgStream(fs)


def spoilt(seed: int) -> Array:
    """A recording with everything that has ever made an answer depend on the blocks."""
    rng = np.random.default_rng(seed)
    x = noisy(seconds=24)
    x[1000:1003] = np.nan
    x[2000:2600] = x[2000]
    x[3000:3100] = np.nan
    x[3500:] += rng.uniform(-5, 5)
    x[4000:4500] += 0.5 * rng.standard_normal(500)
    return x


@pytest.mark.parametrize("block", [1, 7, 250, 251])
def test_blocks_of_any_size_give_the_same_findings(block: int) -> None:
    x = spoilt(1)
    assert run(x, block=block) == run(x)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 50), cuts=st.lists(st.integers(0, 6000), max_size=10))
def test_any_cuts_give_the_same_findings(seed: int, cuts: list[int]) -> None:
    x = spoilt(seed)
    stream = EcgStream(FS)
    edges = [0, *sorted(cuts), len(x)]
    parts = [stream.update(x[a:b]) for a, b in pairwise(edges)]
    assert together([*parts, stream.finish()]) == run(x)


def test_a_short_hole_later_in_the_block_delays_no_announcement() -> None:
    x = noisy(seconds=30)
    for at in range(300, len(x), 97):
        x[at : at + 2] = np.nan
    assert run(x) == run(x, block=1)


def test_what_is_known_does_not_depend_on_what_comes() -> None:
    x = spoilt(3)
    early, late = EcgStream(FS), EcgStream(FS)
    changed = x.copy()
    changed[4000:] = 0.7
    assert early.update(x[:4000]) == late.update(changed[:4000])
    known = [b for b in run(x).beats if b.announced <= 4000]
    assert known == [b for b in run(changed).beats if b.announced <= 4000]


@pytest.mark.parametrize("block", [1, 7, 250])
def test_a_real_recording_does_not_depend_on_blocks(cabin_data: Path, block: int) -> None:
    real = recording(cabin_data / "mitdb" / "228")
    x = real.samples[: 25000 if block == 1 else 100000]
    assert run(x, real.fs, block) == run(x, real.fs)


def test_one_knock_and_then_quiet_is_no_crash() -> None:
    knock = np.zeros(2500)
    knock[1250:1260] = 1.0
    stream = EcgStream(250)
    spans = [*stream.update(knock).quality, *stream.finish().quality]
    assert len(spans) == 10


@pytest.mark.parametrize("millivolt", [0.003, 0.05, 0.1, 0.3, 1.0])
def test_an_open_lead_that_catches_noise_is_soon_without_beats_and_never_good(millivolt: float) -> None:
    found = run(millivolt * np.random.default_rng(2).standard_normal(round(60 * FS)))
    assert not [b for b in found.beats if b.sample > 20 * FS]
    assert {span.grade for span in found.quality[6:]} == {"bad"}
    assert {span.verdict for span in found.rhythm} <= {"unanalysable"}


@pytest.mark.parametrize("millivolt", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("hertz", [49.7, 50.0, 60.0])
def test_hum_alone_has_no_beats(millivolt: float, hertz: float) -> None:
    t = np.arange(round(30 * FS)) / FS
    found = run(millivolt * np.sin(2 * np.pi * hertz * t) + 0.002 * np.random.default_rng(1).standard_normal(len(t)))
    assert found.beats == ()
    assert {span.grade for span in found.quality[4:]} == {"bad"}


def test_a_heart_on_an_electrode_that_comes_on_late_is_found() -> None:
    rng = np.random.default_rng(6)
    x = noisy()
    x[: 20 * 250] = 0.1 * rng.standard_normal(20 * 250)
    late = [b.sample for b in run(x).beats if b.sample > 30 * FS]
    judged = score([r for r in r_samples() if r > 30 * FS], late, 0.02 * FS)
    assert (judged.missed, judged.invented) == (0, 0)


@pytest.mark.parametrize("gain", [1.0, -1.0, 3.0])
def test_what_came_before_the_first_beat_deafens_nobody(gain: float) -> None:
    """Small waves at first, as f waves are, and beats ten times as high only after two seconds."""
    t = np.arange(round(30 * FS)) / FS
    late = [at for at in RHYTHM if at > 2.0]
    x = gain * (heart(late, FS, 30) + 0.05 * np.sin(2 * np.pi * 5.5 * t))
    found = [b.sample for b in run(x).beats if b.sample > 4.5 * FS]
    judged = score([r for r in r_samples(FS, 30) if r > 4.5 * FS], found, 0.03 * FS)
    assert (judged.missed, judged.invented) == (0, 0)
    assert {span.grade for span in run(x).quality[9:]} == {"good"}
