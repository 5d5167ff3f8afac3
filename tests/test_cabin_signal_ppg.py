"""The pleth stream on fingers whose pulses are known, and beside a monitor and an ECG."""

from __future__ import annotations

import csv
import warnings
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.ecg import EcgStream
from cabin_signal.findings import merged
from cabin_signal.ppg import PlethFindings, PlethStream
from tests.cabin_signal_models import Array, Score, finger, score

FS = 75.0
FEET = 0.3 + np.cumsum(np.random.default_rng(9).uniform(0.78, 0.9, 70))


def together(parts: list[PlethFindings]) -> PlethFindings:
    return PlethFindings(*(sum((getattr(p, f.name) for p in parts), ()) for f in fields(PlethFindings)))


def run(x: Array, fs: float = FS, block: int | None = None, light: bool = False) -> PlethFindings:
    stream = PlethStream(fs, light)
    size = block or max(1, len(x))
    return together([stream.update(x[i : i + size]) for i in range(0, len(x), size)] + [stream.finish()])


def pleth(fs: float = FS, seconds: float = 50.0) -> Array:
    rng = np.random.default_rng(6)
    t = np.arange(round(seconds * fs)) / fs
    return finger(FEET, fs, seconds) + 0.3 * np.sin(2 * np.pi * 0.25 * t) + 0.01 * rng.standard_normal(len(t))


def peaks(fs: float = FS, seconds: float = 50.0) -> list[int]:
    return [round((f + 0.18) * fs) for f in FEET if f + 0.3 < seconds]


def assert_all_found(x: Array, fs: float = FS) -> None:
    judged = score(peaks(fs), [b.sample for b in run(x, fs).beats], 0.04 * fs)
    assert (judged.missed, judged.invented) == (0, 0)


@pytest.mark.parametrize("fs", [30.0, 60.0, 75.0, 125.0, 500.0])
def test_every_pulse_is_found_at_every_rate(fs: float) -> None:
    assert_all_found(pleth(fs), fs)


@pytest.mark.parametrize(("gain", "offset"), [(1000.0, 5000.0), (0.001, 0.0), (30.0, 128.0)])
def test_the_unit_does_not_matter(gain: float, offset: float) -> None:
    assert_all_found(gain * pleth() + offset)


def test_eight_bits_are_enough() -> None:
    assert_all_found(np.round(60 * pleth() + 100))


def test_announcements_come_in_order_after_the_fact_and_soon() -> None:
    beats = run(pleth()).beats
    late = np.array([(b.announced - b.sample) / FS for b in beats])
    assert (late > 0).all() and np.percentile(late[4:], 99) <= 0.6


def test_the_pulse_rate_needs_six_pulses_and_is_right() -> None:
    found = run(finger(np.arange(0.5, 50, 0.8), FS, 50))
    assert found.pulse_rate[0].t == pytest.approx(0.5 + 5 * 0.8 + 0.18, abs=0.05)
    assert found.pulse_rate[-1].bpm == pytest.approx(75, abs=0.7)


@pytest.mark.parametrize("level", ["hold", "top", "zero", "lost"])
def test_a_finger_that_leaves_is_seen_within_a_second(level: str) -> None:
    x = 100 * pleth() + 500
    gone, back = round(20 * FS), round(30 * FS)
    x[gone:back] = {"hold": x[gone - 1], "top": 1023.0, "zero": 0.0, "lost": np.nan}[level]
    found = run(x)
    out = [s for s in merged(found.quality) if "finger-out" in s.reasons]
    assert {s.grade for s in out} == {"bad"} and all(a.end == b.start for a, b in pairwise(out))
    assert gone <= out[0].start and out[-1].end <= back + 1.5 * FS
    assert out[0].start + 0.25 * FS <= gone + FS
    assert not [b for b in found.beats if gone + 0.1 * FS < b.sample < back - 1]
    assert ("saturation" in {r for s in found.quality for r in s.reasons}) == (level in ("top", "zero"))


def test_pulses_come_back_with_the_finger() -> None:
    x = pleth()
    x[round(20 * FS) : round(30 * FS)] = np.nan
    beats = run(x).beats
    after = [b for b in beats if b.sample > 30 * FS]
    assert len(after) >= 21 and after[0].fresh and not any(b.fresh for b in after[1:])


@pytest.mark.parametrize("x", [np.zeros(1500), np.full(1500, 77.0), np.full(1500, np.nan)])
def test_without_a_finger_there_is_nothing(x: Array) -> None:
    found = run(x)
    assert found.beats == () and found.pulse_rate == ()
    assert {s.grade for s in found.quality} == {"bad"}
    assert all("finger-out" in s.reasons for s in found.quality)


def test_noise_without_pulses_for_three_seconds_is_no_finger() -> None:
    x = pleth()
    x[round(20 * FS) : round(32 * FS)] = 0.06 * np.sin(2 * np.pi * 0.2 * np.arange(round(12 * FS)) / FS) + 0.1
    spans = [s for s in run(x).quality if 24.5 * FS <= s.start < 31.5 * FS]
    assert spans and all("finger-out" in s.reasons for s in spans)


def test_a_hand_that_moves_is_named() -> None:
    x = pleth()
    t = np.arange(round(8 * FS)) / FS
    x[round(20 * FS) : round(28 * FS)] += 3 * np.sin(2 * np.pi * 0.9 * t)
    spans = run(x).quality
    assert sum("movement" in s.reasons for s in spans if 20.5 * FS < s.start < 27.5 * FS) >= 14
    assert all(s.grade == "good" for s in spans if 3 * FS < s.start < 19.5 * FS)


def test_a_clipped_wave_is_saturated() -> None:
    x = np.round(1000 * pleth())
    x[round(25 * FS) :] = np.clip(x[round(25 * FS) :], None, 600)
    x = np.minimum(x, 600)
    assert sum("saturation" in s.reasons for s in run(x).quality) > 20


@pytest.mark.parametrize(("percent", "low"), [(2.0, False), (0.2, True)])
def test_the_perfusion_index_is_known_where_the_light_is(percent: float, low: bool) -> None:
    light = 50_000 * (1 - percent / 100 * finger(FEET, FS, 50))
    found = run(light, light=True)
    values = [p.percent for p in found.perfusion_index]
    assert np.median(values) == pytest.approx(percent, rel=0.06)
    assert score(peaks(), [b.sample for b in found.beats], 4).missed == 0
    assert any("low-perfusion" in s.reasons for s in found.quality) == low


def test_without_the_light_there_is_no_perfusion_index() -> None:
    assert run(pleth()).perfusion_index == ()


def test_too_slow_a_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="25 to 10000 samples a second, not 4"):
        PlethStream(4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 30), cuts=st.lists(st.integers(0, 1500), max_size=10))
def test_any_cuts_give_the_same_findings(seed: int, cuts: list[int]) -> None:
    x = spoilt(seed)
    stream = PlethStream(FS)
    edges = [0, *sorted(cuts), len(x)]
    parts = [stream.update(x[a:b]) for a, b in pairwise(edges)]
    assert together([*parts, stream.finish()]) == run(x)


@pytest.mark.parametrize("block", [1, 7, 250])
def test_blocks_of_any_size_give_the_same_findings(block: int) -> None:
    light = 900 - 20 * spoilt(2)
    assert run(light, block=block, light=True) == run(light, light=True)


def test_what_is_known_does_not_depend_on_what_comes() -> None:
    x = spoilt(4)
    changed = np.concatenate((x[:1000], np.zeros(500)))
    assert PlethStream(FS).update(x[:1000]) == PlethStream(FS).update(changed[:1000])
    assert [b for b in run(x).beats if b.announced <= 1000] == [b for b in run(changed).beats if b.announced <= 1000]


def spoilt(seed: int) -> Array:
    rng = np.random.default_rng(seed)
    x = pleth(seconds=20)
    x[300:303] = np.nan
    x[500:600] = x[500]
    x[700:740] = np.nan
    x[800:] += rng.uniform(-3, 3)
    x[1000:1150] += rng.standard_normal(150)
    return x


@cache
def bidmc(folder: Path, record: str) -> tuple[Array, Array, Array]:
    """Pleth, lead II and the monitor's pulse rate each second (NaN where it has none)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb

        data = wfdb.rdrecord(str(folder / record))
    by_name = {name.strip(" ,"): data.p_signal[:, i] for i, name in enumerate(data.sig_name)}
    with (folder / f"{record}_numerics.csv").open() as file:
        rows = [{k.strip(): v.strip() for k, v in row.items()} for row in csv.DictReader(file)]
    pulse = np.array([float(r["PULSE"]) if r["PULSE"] not in ("", "NaN") else np.nan for r in rows])
    return by_name["PLETH"], by_name["II"], pulse


@cache
def hearts_beats(folder: Path, record: str) -> list[int]:
    _, lead, _ = bidmc(folder, record)
    stream = EcgStream(125)
    return [b.sample for b in stream.update(lead).beats + stream.finish().beats]


def lagging(beats: list[int], pulses: list[int]) -> Score:
    """The best score that one constant lag of the finger behind the heart gives."""
    return max((score([b + lag for b in beats], pulses, 18.75) for lag in range(0, 130, 5)), key=lambda s: s.f1)


RECORDS = ("bidmc05", "bidmc07", "bidmc15", "bidmc19", "bidmc25")
"""Artefacts, small pulses, early pulses, 63 to 125 a minute; in the others our ECG analysis is the less sure one."""


def test_pulses_beside_the_hearts_beats(cabin_data: Path) -> None:
    """The reference here is our own ECG analysis of lead II, a lag of the pulse behind it allowed for each record."""
    total = Score(0, 0, 0)
    for name in RECORDS:
        wave, _, _ = bidmc(cabin_data / "bidmc", name)
        total += lagging(hearts_beats(cabin_data / "bidmc", name), [b.sample for b in run(wave, 125, 125).beats])
    assert total.found > 3800
    assert total.f1 >= 98.7


@pytest.mark.parametrize("spoil", ["turned", "gain", "steps", "hum"])
def test_what_does_not_touch_the_pulses_does_not_touch_their_finding(cabin_data: Path, spoil: str) -> None:
    wave, _, _ = bidmc(cabin_data / "bidmc", "bidmc19")
    t = np.arange(len(wave))
    height = float(np.ptp(np.percentile(wave, [3, 97])))
    spoilt = {
        "turned": -wave,
        "gain": 5e4 * wave + 1e5,
        "steps": wave + 5 * height * (t // 5000 % 2),
        "hum": wave + 0.3 * height * np.sin(2 * np.pi * 50 * t / 125),
    }[spoil]
    beats = hearts_beats(cabin_data / "bidmc", "bidmc19")
    clean = lagging(beats, [b.sample for b in run(wave, 125, 125).beats])
    assert lagging(beats, [b.sample for b in run(spoilt, 125, 125).beats]).f1 >= clean.f1 - 0.2


def test_the_pulse_rate_beside_the_monitor(cabin_data: Path) -> None:
    errors: list[float] = []
    stated = asked = 0
    for name in RECORDS:
        wave, _, monitor = bidmc(cabin_data / "bidmc", name)
        seconds = {round(p.t): p.bpm for p in run(wave, 125, 125).pulse_rate}
        known = [s for s in range(12, len(monitor)) if np.isfinite(monitor[s])]
        stated += sum(any(s - d in seconds for d in range(3)) for s in known)
        asked += len(known)
        errors += [abs(seconds[s] - monitor[s]) for s in known if s in seconds]
    assert stated >= 0.95 * asked
    assert np.mean(errors) <= 1.5
    assert np.mean(np.array(errors) <= 5) >= 0.95
