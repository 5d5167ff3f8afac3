"""Beats cut out of a deflation, the deflation itself, and whether the beats are even."""

from __future__ import annotations

import numpy as np
import pytest

from cabin_signal.cuff_beats import AIR_MMHG, PHASES, CuffBeats, beats
from cabin_signal.cuff_deflation import deflation, levelled, speed, valve_steps
from cabin_signal.cuff_rhythm import rhythm
from tests.cabin_signal_models import Arm, Array, inflate

FS = 100.0


def fall_of(arm: Arm, fs: float = FS, **more: float) -> tuple[Array, Array]:
    t, p = inflate(arm, fs, **more)  # type: ignore[arg-type]
    span = deflation(t, p)
    assert span is not None
    return t[span], p[span]


def cut(arm: Arm, fs: float = FS) -> CuffBeats:
    found = beats(fall_of(arm, fs)[1], fs)
    assert found is not None
    return found


@pytest.mark.parametrize("fs", [50.0, 100.0, 250.0])
def test_every_beat_is_found_with_its_height_over_its_feet(fs: float) -> None:
    found = cut(Arm(tremble=0.01), fs)
    clear = found.amplitude > 0.5
    assert np.diff(found.at_s[clear]) == pytest.approx(60 / 66, abs=0.06)
    assert found.amplitude.max() == pytest.approx(2.5, rel=0.08)
    assert found.accepted[clear].mean() > 0.9
    assert (np.diff(found.cuff) < 0).mean() > 0.9


def test_the_slope_of_the_fall_is_not_in_the_height() -> None:
    slow, fast = (cut(Arm(fall=fall, tremble=0.01)).amplitude.max() for fall in (2.0, 4.0))
    assert fast == pytest.approx(slow, rel=0.05)


def test_heights_are_volumes() -> None:
    found = cut(Arm())
    assert found.stiffness == pytest.approx((found.foot + AIR_MMHG) / 860)
    assert found.heights * found.stiffness == pytest.approx(found.amplitude)
    assert found.waves.shape == (len(found.at_s), PHASES)


def test_a_quiet_arm_and_a_trembling_one() -> None:
    t, p = fall_of(Arm(tremble=0.01))
    calm, shaken = beats(p, FS), beats(p + 0.5 * np.sin(2 * np.pi * 6 * t), FS)
    assert calm is not None and shaken is not None
    assert calm.tremor < 0.06
    assert shaken.tremor == pytest.approx(0.5 / np.sqrt(2), rel=0.2)
    assert shaken.amplitude.max() == pytest.approx(calm.amplitude.max(), rel=0.25)


def test_an_arm_that_is_bent_lifts_the_fall() -> None:
    t, p = fall_of(Arm())
    bent = beats(p + 12 / (1 + np.exp(-(t - 24) / 0.1)) - 12 / (1 + np.exp(-(t - 28) / 0.1)), FS)
    calm = beats(p, FS)
    assert calm is not None and bent is not None
    assert calm.rise < 1 and bent.rise > 5


def test_too_short_for_beats() -> None:
    assert beats(np.linspace(150, 140, 100), FS) is None


# --- the valve -------------------------------------------------------------------------------------------------


def stepped(step: float = 7.0, held: float = 1.9) -> tuple[Array, Array]:
    """A fall in steps, with pulses of 2.5 mmHg at 66 a minute, which the steps do not wait for."""
    t = np.arange(0, 30, 1 / FS)
    base = 150 - step * np.clip((t % held - (held - 0.25)) / 0.25, 0, 1) - step * (t // held)
    phase = t * 1.1 % 1
    wave = np.where(phase < 0.15, phase / 0.15, np.exp(-(phase - 0.15) / 0.3))
    return t, base + 2.5 * np.exp(-0.5 * ((base - 95) / 22) ** 2) * wave


def test_steps_of_the_valve_are_taken_out_and_pulses_are_not() -> None:
    _, p = stepped()
    inside = valve_steps(p, FS)
    level = levelled(p, inside)
    assert 0.08 < inside.mean() < 0.35
    assert np.ptp(level) < 0.35 * np.ptp(p)
    smooth_fall = fall_of(Arm(tremble=0.01))[1]
    assert not valve_steps(smooth_fall, FS).any()
    assert levelled(smooth_fall, np.zeros(len(smooth_fall), dtype=bool)) == pytest.approx(smooth_fall)


def test_beats_between_steps_are_kept() -> None:
    found = beats(stepped()[1], FS)
    assert found is not None and found.stepped
    told = rhythm(found)
    assert told is not None and told.rate == pytest.approx(66, abs=6)
    assert 1.8 < found.amplitude[found.accepted].max() < 3.2


@pytest.mark.parametrize(
    ("fall", "rate", "pace"),
    [
        (3.0, 70.0, None),
        (2.0, 50.0, None),
        (8.0, 70.0, "deflation-fast"),
        (4.5, 40.0, "deflation-fast"),
        (1.0, 70.0, "deflation-slow"),
    ],
)
def test_how_fast_a_cuff_is_let_down(fall: float, rate: float, pace: str | None) -> None:
    t = np.arange(0, 100 / fall, 0.01)
    found = speed(t, 150 - fall * t, rate, False)
    assert found.mmhg_s == pytest.approx(fall, abs=0.02)
    assert found.mmhg_beat == pytest.approx(fall * 60 / rate, abs=0.05)
    assert found.pace == pace
    assert speed(t, 150 - fall * t, None, False).mmhg_beat is None


# --- even or uneven --------------------------------------------------------------------------------------------


def beating(intervals: Array, amplitude: Array | None = None, stepped: bool = False) -> CuffBeats:
    """Beats at these intervals; nothing else of them counts here."""
    at = np.cumsum(intervals)
    n = len(at)
    size = np.ones(n) if amplitude is None else amplitude
    cuff = np.linspace(150, 60, n)
    return CuffBeats(
        at,
        cuff,
        cuff,
        size,
        intervals,
        np.full(n, 0.2),
        np.ones((n, PHASES)),
        np.ones(n, dtype=bool),
        stepped,
        0.0,
        0.0,
    )


def test_breathing_is_even_and_no_order_is_not() -> None:
    rng = np.random.default_rng(2)
    breathing = 0.9 * (1 + 0.05 * np.sin(np.arange(30)))
    found = rhythm(beating(breathing))
    assert found is not None and found.irregular is False and found.rate == pytest.approx(67, abs=2)
    found = rhythm(beating(0.8 * rng.gamma(25, 1 / 25, 30)))
    assert found is not None and found.irregular is True


def test_beats_that_were_not_seen_do_not_make_it_uneven_nor_slow() -> None:
    intervals = np.full(30, 0.8)
    intervals[[5, 9, 14, 15, 20]] = (1.6, 1.6, 2.4, 1.6, 1.6)
    found = rhythm(beating(intervals))
    assert found is not None and found.irregular is False and found.rate == pytest.approx(75, abs=1)


def test_an_early_beat_now_and_then_is_not_uneven() -> None:
    intervals = np.full(30, 0.8)
    intervals[[6, 18]], intervals[[7, 19]] = 0.5, 1.1
    found = rhythm(beating(intervals))
    assert found is not None and found.irregular is False


def test_too_few_intervals_tell_nothing() -> None:
    assert rhythm(beating(np.full(2, 0.8))) is None
    found = rhythm(beating(np.full(7, 0.8)))
    assert found is not None and found.irregular is None


def test_a_valve_in_steps_makes_intervals_of_its_own() -> None:
    rng = np.random.default_rng(2)
    found = rhythm(beating(0.8 * rng.gamma(25, 1 / 25, 30), stepped=True))
    assert found is not None and found.irregular is None
