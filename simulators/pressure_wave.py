"""The pressure inside an artery, beat by beat: what a cuff around it is set against.

The wave of a beat climbs from its diastolic to its systolic pressure and runs off towards the next diastolic with a
dicrotic bump, so that its mean lies 0.3 to 0.45 of the pulse pressure above the diastolic, as in a brachial artery.
Breathing moves the systolic pressure, an early beat is small and the one after it large, and in a rhythm without
order the size of a beat follows the interval before it (clinical reference 1.6, 9.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from simulators.arteries import Array

Rhythm = Literal["regular", "ectopic", "irregular"]
FILLING_S = 0.4
"""Time constant with which an interval fills the ventricle."""
SHORTEST_S = 0.3


@dataclass(frozen=True, slots=True)
class Blood:
    """A person at rest: pressures in mmHg, rate per minute, and how they breathe."""

    systolic: float
    diastolic: float
    rate: float
    rhythm: Rhythm = "regular"
    breathing_mmhg: float = 0.0
    """Half of what breathing moves the systolic pressure by, peak to peak."""
    breathing_hz: float = 0.25
    upstroke_s: float = 0.13
    run_off_s: float = 0.45
    notch: float = 0.12
    """Height of the dicrotic bump, as part of the pulse pressure."""


@dataclass(frozen=True, slots=True)
class BloodBeats:
    """Beats in order: when each begins (s), and its pressures in mmHg; the diastolic is the one before the climb."""

    at: Array
    systolic: Array
    diastolic: Array


def beats(blood: Blood, seconds: float, rng: np.random.Generator) -> BloodBeats:
    """Beats from before 0 until after `seconds`."""
    intervals = _intervals(blood, seconds, rng)
    at = np.concatenate(([0.0], np.cumsum(intervals))) - 1.5
    before = np.concatenate(([60 / blood.rate], intervals))
    size = np.ones(len(at))
    if blood.rhythm != "regular":
        size = -np.expm1(-before / FILLING_S) / -np.expm1(-60 / blood.rate / FILLING_S)
    pulse = (blood.systolic - blood.diastolic) * np.clip(size, 0.25, 1.5)
    ran_off = -12.0 * (before - 60 / blood.rate) if blood.rhythm != "regular" else np.zeros(len(at))
    breath = blood.breathing_mmhg * np.sin(2 * np.pi * blood.breathing_hz * at + rng.uniform(0, 2 * np.pi))
    diastolic = blood.diastolic + np.clip(ran_off, -8.0, 8.0) + 0.5 * breath + rng.normal(0, 0.5, len(at))
    systolic = blood.diastolic + pulse + breath + rng.normal(0, 0.7, len(at))
    return BloodBeats(at, np.maximum(systolic, diastolic + 4.0), diastolic)


def _intervals(blood: Blood, seconds: float, rng: np.random.Generator) -> Array:
    """Seconds from beat to beat."""
    usual = 60 / blood.rate
    count = int((seconds + 4) / min(usual, 0.8 * usual)) + 8
    if blood.rhythm == "irregular":
        return np.maximum(SHORTEST_S, usual * rng.gamma(1 / 0.2**2, 0.2**2, count))
    sinus = usual * (1 + 0.02 * np.sin(2 * np.pi * 0.25 * usual * np.arange(count)) + rng.normal(0, 0.008, count))
    if blood.rhythm == "ectopic":
        early = np.flatnonzero(rng.random(count) < 0.08)
        early = early[np.diff(early, prepend=-3) > 2]
        early = early[early < count - 1]
        sinus[early], sinus[early + 1] = 0.62 * usual, 1.38 * usual
    return np.asarray(sinus)


def wave(blood: Blood, made: BloodBeats, t: Array) -> Array:
    """Arterial pressure in mmHg at the times `t` (s), which the beats must span."""
    n = np.clip(np.searchsorted(made.at, t, side="right") - 1, 0, len(made.at) - 2)
    since, lasts = t - made.at[n], made.at[n + 1] - made.at[n]
    climb = np.minimum(blood.upstroke_s, 0.35 * lasts)
    top, low, after = made.systolic[n], made.diastolic[n], made.diastolic[n + 1]
    rising = low + (top - low) * 0.5 * (1 - np.cos(np.pi * np.clip(since / climb, 0, 1)))
    falling = after + (top - after) * _run_off(blood, since - climb, lasts - climb)
    return np.asarray(np.where(since < climb, rising, falling))


def _run_off(blood: Blood, since: Array, lasts: Array) -> Array:
    """From 1 at the top to 0 at the end of the beat, with the bump; never above 1."""
    end = np.exp(-lasts / blood.run_off_s)
    fall = (np.exp(-np.maximum(since, 0) / blood.run_off_s) - end) / (1 - end)
    bump = blood.notch * np.exp(-0.5 * ((since / lasts - 0.4) / 0.1) ** 2) * np.clip(1 - since / lasts, 0, 1)
    return np.asarray(np.minimum(1.0, fall + bump))
