"""Intervals of whole strips against hearts whose intervals are known; and when there are none to state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_signal.ecg import EcgStream
from cabin_signal.intervals import Interval, Intervals, NotMeasured, measure
from tests.cabin_signal_models import Array, recording
from tests.interval_models import Heart, Strip

HEART = Heart(seconds=14, leads=4)
TWELVE = Heart(seconds=14)
Name = Literal["pr", "qrs", "qt"]


def read(heart: Heart) -> tuple[Intervals, Strip]:
    strip = heart.record()
    found = measure(strip.leads, strip.fs, strip.beats)
    assert isinstance(found, Intervals), found
    return found, strip


def assert_true(heart: Heart, within: dict[Name, float]) -> None:
    found, strip = read(heart)
    for name, ms in within.items():
        interval = getattr(found, name)
        assert isinstance(interval, Interval), (name, interval)
        assert interval.ms == pytest.approx(getattr(strip.truth, name), abs=ms), name


@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0, 1000.0])
def test_twelve_leads_at_every_rate_of_sampling(fs: float) -> None:
    assert_true(replace(TWELVE, fs=fs, noise=0.01), {"pr": 10, "qrs": 12, "qt": 14})


@pytest.mark.parametrize("rate", [45.0, 60.0, 80.0, 100.0])
def test_twelve_leads_at_every_heart_rate(rate: float) -> None:
    assert_true(replace(TWELVE, rate=rate, noise=0.01), {"pr": 10, "qrs": 12, "qt": 16})


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
def test_noise_moves_them_by_a_few_milliseconds(noise: float) -> None:
    assert_true(replace(HEART, noise=noise), {"pr": 12, "qrs": 12, "qt": 16})


def test_breathing_and_hum_move_nothing() -> None:
    calm, _ = read(HEART)
    troubled, _ = read(replace(HEART, wander=0.4, hum=0.2))
    for name in ("pr", "qrs", "qt"):
        assert getattr(troubled, name).ms == pytest.approx(getattr(calm, name).ms, abs=4), name


@pytest.mark.parametrize(("leads", "indicative"), [(1, True), (2, False), (12, False)])
def test_one_lead_alone_is_indicative(leads: int, indicative: bool) -> None:
    found, strip = read(replace(HEART, leads=leads))
    assert found.indicative == indicative
    assert isinstance(found.qt, Interval)
    assert found.qt.leads == leads
    assert (found.qt.spread_ms is None) == indicative
    assert found.qt.ms == pytest.approx(strip.truth.qt, abs=16)


def test_leads_turned_over_change_nothing() -> None:
    strip = HEART.record()
    straight, turned = (measure(s * strip.leads, strip.fs, strip.beats) for s in (1, -1))
    assert isinstance(straight, Intervals)
    assert isinstance(turned, Intervals)
    assert (straight.pr, straight.qrs, straight.qt) == (turned.pr, turned.qrs, turned.qt)


def test_a_longer_pr_is_longer() -> None:
    short, long = (read(replace(HEART, pr_shift=s))[0].pr for s in (0.0, 0.08))
    assert isinstance(short, Interval)
    assert isinstance(long, Interval)
    assert long.ms - short.ms == pytest.approx(80, abs=4)


def test_a_wider_qrs_is_wider() -> None:
    assert_true(replace(HEART, stretch=1.6), {"qrs": 16})


def test_one_lead_gone_astray_does_not_move_the_others() -> None:
    strip = TWELVE.record()
    leads = strip.leads.copy()
    leads[4] = np.roll(leads[4], 60)
    straight, astray = (measure(x, strip.fs, strip.beats) for x in (strip.leads, leads))
    assert isinstance(straight, Intervals)
    assert isinstance(astray, Intervals)
    assert isinstance(straight.qt, Interval)
    assert isinstance(astray.qt, Interval)
    assert astray.qt.ms == pytest.approx(straight.qt.ms, abs=8)


def test_leads_that_are_off_are_left_out_and_counted() -> None:
    strip = TWELVE.record()
    leads = strip.leads.copy()
    leads[[0, 5]] = np.nan
    found = measure(leads, strip.fs, strip.beats)
    assert isinstance(found, Intervals)
    assert found.leads == 10


def test_corrected_qt_belongs_to_the_rate_of_the_strip() -> None:
    found, strip = read(replace(HEART, rate=90))
    assert isinstance(found.qt, Interval)
    assert not isinstance(found.qtc, NotMeasured)
    assert found.qtc.fridericia == pytest.approx(found.qt.ms / (strip.rr_ms / 1000) ** (1 / 3), rel=0.01)


# What is not stated, and why


def test_a_t_wave_that_is_too_small_gives_no_qt_and_no_corrected_qt() -> None:
    found, _ = read(replace(HEART, t_mv=0.05))
    assert (found.qt, found.qtc) == (NotMeasured("t-small"), NotMeasured("t-small"))
    assert isinstance(found.pr, Interval)


@pytest.mark.parametrize("leads", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_fibrillation_has_no_pr_and_no_corrected_qt(leads: int, seed: int) -> None:
    found, _ = read(Heart(leads=leads, seed=seed, fibrillating=True, noise=0.01))
    assert found.pr == NotMeasured("no-p")
    assert isinstance(found.qtc, NotMeasured)


def test_a_rate_that_is_not_steady_corrects_nothing() -> None:
    found, _ = read(replace(HEART, uneven=0.2, seconds=30, leads=2))
    assert isinstance(found.qt, Interval)
    assert found.qtc == NotMeasured("rate-unstable")


def test_too_few_beats_or_none_of_one_shape() -> None:
    strip = HEART.record()
    assert measure(strip.leads, strip.fs, strip.beats[:5]) == NotMeasured("few-beats")
    assert measure(strip.leads, strip.fs, []) == NotMeasured("few-beats")


def test_too_much_noise_is_refused_and_never_measured() -> None:
    rng = np.random.default_rng(3)
    strip = HEART.record()
    loud = measure(strip.leads + 0.25 * rng.standard_normal(strip.leads.shape), strip.fs, strip.beats)
    assert loud == NotMeasured("noise")
    noise_alone = measure(rng.standard_normal((3, 10_000)), 500, list(range(500, 9500, 400)))
    assert isinstance(noise_alone, NotMeasured)


@pytest.mark.parametrize("shape", [(1000,), (2, 3, 100)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="leads"):
        measure(np.zeros(shape), 500, [])


def test_beats_outside_the_strip_are_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        measure(np.zeros((1, 1000)), 500, [999, 1000])


BAD = st.sampled_from(["nan", "flat", "rail", "noise", "steps", "holes", "tiny"])


def spoiled(kind: str, strip: Strip, rng: np.random.Generator) -> Array:
    x = strip.leads.copy()
    n = x.shape[1]
    if kind == "nan":
        x[:] = np.nan
    elif kind == "flat":
        x[:] = rng.normal()
    elif kind == "rail":
        x = np.clip(8 * x, -0.5, 0.5)
    elif kind == "noise":
        x = rng.standard_normal(x.shape)
    elif kind == "steps":
        x += 5 * np.cumsum(rng.random(n) > 0.999)
    elif kind == "holes":
        x[:, rng.random(n) > 0.999] = np.nan
    else:
        x *= 1e-4
    return x


@settings(max_examples=20, deadline=None)
@given(BAD, st.integers(0, 5), st.integers(1, 3), st.sampled_from([125.0, 250.0, 500.0]))
def test_bad_input_gives_a_reason_or_a_value_in_range(kind: str, seed: int, leads: int, fs: float) -> None:
    strip = Heart(leads=leads, fs=fs, seconds=12, seed=seed).record()
    found = measure(spoiled(kind, strip, np.random.default_rng(seed)), fs, strip.beats)
    if isinstance(found, Intervals):
        for interval, (low, high) in ((found.pr, (60, 450)), (found.qrs, (40, 250)), (found.qt, (180, 700))):
            assert isinstance(interval, NotMeasured) or low <= interval.ms <= high
    if kind in ("nan", "flat", "noise"):
        assert isinstance(found, NotMeasured)


def strip_of(file: Path, start: int, channel: int = 0) -> tuple[Array, float, list[int]]:
    """Thirty seconds of a real record, and the beats that we find in them."""
    record = recording(file, channel)
    x = record.samples[start : start + round(30 * record.fs)]
    stream = EcgStream(record.fs)
    return x[None], record.fs, [b.sample for b in (*stream.update(x).beats, *stream.finish().beats)]


@pytest.mark.parametrize(("name", "pr", "qrs"), [("112", (140, 210), (70, 110)), ("118", (170, 250), (110, 160))])
def test_real_hearts_have_plausible_intervals(
    cabin_data: Path, name: str, pr: tuple[float, float], qrs: tuple[float, float]
) -> None:
    """112 conducts normally; 118 has a right bundle branch block, whose QRS is wide (MIT-BIH directory).

    No reference of these databases tells QT: there is nothing to hold it against.
    """
    found = measure(*strip_of(cabin_data / "mitdb" / name, 0))
    assert isinstance(found, Intervals)
    for interval, (low, high) in ((found.pr, pr), (found.qrs, qrs)):
        assert isinstance(interval, Interval)
        assert low < interval.ms < high


def test_real_fibrillation_has_no_pr(cabin_data: Path) -> None:
    """219 fibrillates for most of its half hour."""
    minutes = [measure(*strip_of(cabin_data / "mitdb" / "219", m * 60 * 360)) for m in range(8, 14)]
    stated = [each for each in minutes if isinstance(each, Intervals) and isinstance(each.pr, Interval)]
    assert not stated
