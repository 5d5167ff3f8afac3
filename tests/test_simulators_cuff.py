"""The air in the cuff: what is planned, what is let out, what the artery adds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import cuff
from simulators.body import Body
from simulators.physiology import Physiology

pressures = st.floats(60, 280)


@given(first=pressures, systolic=st.floats(80, 250), pulse=st.floats(15, 90), start=st.floats(0, 1e5))
def test_a_plan_brackets_both_pressures_and_never_passes_the_limit(
    first: float, systolic: float, pulse: float, start: float
) -> None:
    diastolic = max(35.0, systolic - pulse)
    air = cuff.plan(start, first, systolic, diastolic)
    top = float(air.base(np.array([air.top_at]))[0])
    end = float(air.base(np.array([air.dump_at]))[0])
    assert top <= cuff.HIGHEST_MMHG
    assert top >= min(systolic + cuff.ABOVE_SYSTOLIC, cuff.HIGHEST_MMHG) - 1e-6
    assert end == pytest.approx(max(20.0, diastolic - cuff.BELOW_DIASTOLIC))
    assert (top - end) / (air.dump_at - air.top_at) == pytest.approx(cuff.DEFLATE_MMHG_S, rel=1e-4)
    assert air.dump_at - start < 120
    assert list(air.times) == sorted(air.times)


@given(first=pressures, after=st.floats(0, 30))
def test_a_dump_begins_where_the_pressure_is_and_empties_within_five_seconds(first: float, after: float) -> None:
    air = cuff.plan(0.0, first, 120, 80)
    here = float(air.base(np.array([after]))[0])
    out = cuff.dumped(after, here)
    t = after + np.arange(0, 8, 0.1)
    base = out.base(t)
    assert base[0] == pytest.approx(here)
    assert (np.diff(base) <= 0).all()
    assert base[t > after + 5].max() <= 5.0


def test_a_cuff_that_does_not_close_stays_low_and_is_given_up() -> None:
    air = cuff.leak(10.0, 12.0)
    base = air.base(np.arange(10.0, 40.0, 0.1))
    assert base.max() < 20
    assert air.dump_at == pytest.approx(22.0)
    assert base[-1] < 0.1


def test_an_empty_cuff_feels_nothing() -> None:
    t = np.arange(10, 20, 0.01)
    assert np.abs(cuff.pulses(Body(1), t, np.zeros_like(t))).max() == 0.0


@settings(max_examples=25, deadline=None)
@given(systolic=st.floats(95, 200), pulse=st.floats(25, 80), rate=st.floats(45, 130))
def test_the_largest_pulse_lies_between_diastolic_and_systolic(systolic: float, pulse: float, rate: float) -> None:
    diastolic = systolic - pulse
    body = Body(1, Physiology(systolic=systolic, diastolic=diastolic, heart_rate=rate))
    t = np.arange(20, 26, 0.01)
    levels = np.linspace(diastolic - 25, systolic + 25, 40)
    swings = [float(np.ptp(cuff.pulses(body, t, np.full_like(t, level)))) for level in levels]
    assert diastolic - 6 < levels[int(np.argmax(swings))] < systolic + 3
    assert 1.5 < max(swings) < 4.5


def test_a_premature_beat_is_a_small_pulse_under_the_cuff_too() -> None:
    body = Body(5, Physiology(heart_rate=66, premature_every=8))
    t = np.arange(10, 70, 0.005)
    pulses = cuff.pulses(body, t, np.full_like(t, 95.0))
    heights = {True: [], False: []}  # type: dict[bool, list[float]]
    for beat in body.beats(11, 68):
        own = (t > beat.at + 0.1) & (t < beat.at + 0.4)
        heights[beat.wide].append(float(pulses[own].max() - pulses[own][0]))
    assert max(heights[True]) < 0.7 * min(heights[False])


@pytest.mark.parametrize("percent", [0.05, 0.5, 1.0, 8.0])
def test_a_weak_circulation_gives_weak_pulses_and_a_strong_one_no_giants(percent: float) -> None:
    t = np.arange(20, 30, 0.01)
    usual = np.ptp(cuff.pulses(Body(1), t, np.full_like(t, 95.0)))
    weak = np.ptp(cuff.pulses(Body(1, Physiology(perfusion=percent)), t, np.full_like(t, 95.0)))
    assert weak / usual == pytest.approx(min(1.0, percent))
