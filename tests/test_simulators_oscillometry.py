"""Generated cuff cycles: a function of the seed, true to what they say of themselves, disturbed as asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators import pressure_wave
from simulators.arteries import LAWS, Law, logistic
from simulators.cuff_faults import FAULTS, Fault
from simulators.oscillometry import Cuff, Cycle, cycle, draw_blood, emptying, run
from simulators.pressure_wave import Blood

BLOOD = Blood(125, 80, 66)
CUFF = Cuff(160, 45)


def made(cuff: Cuff = CUFF, blood: Blood = BLOOD, faults: tuple[Fault, ...] = (), seed: int = 1) -> Cycle:
    return run(blood, cuff, logistic(3, 9), np.random.default_rng(seed), faults)


@pytest.mark.parametrize("law", LAWS)
def test_one_seed_is_one_cycle(law: Law) -> None:
    a, b, other = cycle(7, law), cycle(7, law), cycle(8, law)
    assert (a.mmhg == b.mmhg).all() and a.truth == b.truth
    assert len(a.mmhg) != len(other.mmhg) or (a.mmhg != other.mmhg).any()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("law", LAWS)
def test_every_cycle_brackets_its_truth(law: Law, seed: int) -> None:
    found = cycle(seed, law)
    assert (np.diff(found.t) > 0).all() and np.isfinite(found.mmhg).all() and (found.mmhg >= 0).all()
    assert found.mmhg.max() > found.truth.systolic + 15
    assert found.truth.diastolic < found.truth.mean < found.truth.systolic
    assert found.truth.systolic == pytest.approx(found.blood.systolic, abs=6)
    assert found.truth.diastolic == pytest.approx(found.blood.diastolic, abs=6)
    assert found.truth.pulse_rate == pytest.approx(found.blood.rate, rel=0.04)
    low, high = found.truth.systolic_range
    assert low <= found.truth.systolic <= high


def test_the_largest_pulse_is_as_large_as_asked() -> None:
    still = made(replace(CUFF, lag_s=1e-4))
    t, base = emptying(CUFF, 100)
    fall = (t > 7) & (t < 40)
    swing = still.mmhg[fall] - base[fall]
    windows = [np.ptp(swing[k : k + 100]) for k in range(0, len(swing) - 100, 50)]
    assert max(windows) == pytest.approx(2.5, rel=0.25)
    lagged = made(replace(CUFF, lag_s=0.15))
    assert np.ptp((lagged.mmhg - base)[fall]) < np.ptp(swing) + 0.5


@pytest.mark.parametrize("kind", ["linear", "bleed", "steps"])
def test_how_the_cuff_empties(kind: str) -> None:
    t, base = emptying(replace(CUFF, deflation=kind, step_mmhg=8, step_s=2.4), 100)  # type: ignore[arg-type]
    assert base.max() == pytest.approx(160)
    assert base[-1] < 1
    top = int(np.argmax(base))
    assert (np.diff(base[top:]) <= 1e-9).all()
    slow = base[(base > 45) & (t > 7)]
    assert (160 - 45) / (len(slow) / 100) == pytest.approx(3.0, rel=0.15)
    if kind == "steps":
        assert (np.abs(np.diff(slow)) < 1e-9).mean() > 0.7


def test_the_wave_of_a_beat_lies_between_its_pressures() -> None:
    rng = np.random.default_rng(3)
    made_beats = pressure_wave.beats(BLOOD, 60, rng)
    t = np.arange(0, 60, 0.005)
    wave = pressure_wave.wave(BLOOD, made_beats, t)
    assert wave.max() == pytest.approx(125, abs=3) and wave.min() == pytest.approx(80, abs=3)
    form = (wave.mean() - 80) / 45
    assert 0.28 < form < 0.47
    assert np.abs(np.diff(wave)).max() < 5


def test_rhythms() -> None:
    cv = {}
    for rhythm in ("regular", "ectopic", "irregular"):
        found = pressure_wave.beats(replace(BLOOD, rhythm=rhythm), 120, np.random.default_rng(4))
        rr = np.diff(found.at)
        cv[rhythm] = float(rr.std() / rr.mean())
        assert rr.min() >= 0.29
        assert (found.systolic > found.diastolic).all()
    assert cv["regular"] < 0.04 < cv["ectopic"] < cv["irregular"]
    assert cv["irregular"] == pytest.approx(0.2, abs=0.06)
    irregular = pressure_wave.beats(replace(BLOOD, rhythm="irregular"), 120, np.random.default_rng(4))
    before, size = np.diff(irregular.at), irregular.systolic[1:] - irregular.diastolic[1:]
    assert np.corrcoef(before, size)[0, 1] > 0.6


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_changes_the_recording_and_is_named(fault: Fault) -> None:
    calm, disturbed = cycle(11, "logistic"), cycle(11, "logistic", (fault,))
    assert disturbed.faults == (fault,)
    assert np.isfinite(disturbed.mmhg).all()
    assert len(calm.mmhg) != len(disturbed.mmhg) or np.abs(calm.mmhg - disturbed.mmhg).max() > 0.05


def test_what_faults_do() -> None:
    calm = made()
    assert np.diff(made(faults=("dropped",)).t).max() > 0.55
    clipped = made(faults=("clipped",)).mmhg
    assert (clipped == clipped.max()).sum() > 200
    assert np.abs(made(faults=("bumps",)).mmhg - calm.mmhg).max() > 1.5
    assert np.abs(made(faults=("flexion",)).mmhg - calm.mmhg).max() > 4
    loose = draw_blood(np.random.default_rng(1))
    assert loose == draw_blood(np.random.default_rng(1))
    fast = cycle(3, "arctan", ("leak",))
    assert fast.cuff.rate > 5.9
