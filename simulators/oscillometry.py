"""One deflation of a cuff over an artery, with the truth beside it: generator B of the clinical reference (1.6).

The cuff is a closed volume of air at constant temperature (Boyle) in a bladder that stiffens as it fills; the artery
follows its law with the lag of the tissue around it. `simulators.cuff_faults` disturbs what the sensor then sees.
Everything is a function of the seed; nothing of the analysis is known here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from simulators import arteries, pressure_wave
from simulators.arteries import Array, Artery, Law
from simulators.cuff_faults import Fault, disturbed
from simulators.pressure_wave import Blood, BloodBeats, Rhythm

Deflation = Literal["linear", "bleed", "steps"]
"""Steady mmHg a second; in proportion to the pressure left; steps that are held for one to three beats."""
AIR_MMHG = 760.0
PUMP_S, OPEN_S = 6.0, 2.5
STEP_S = 0.25
CROSSING_MMHG = 10.0
"""Beats whose cuff pressure is this near to their own pressure are the ones that count as the truth."""
PASSES = 4
"""Of the fixed point between the artery and the air around it; each shrinks the rest tenfold."""


@dataclass(frozen=True, slots=True)
class Cuff:
    """The instrument: how it fills, empties and feels."""

    top: float
    """mmHg at which the pump stops."""
    lowest: float
    """mmHg at which the valve opens."""
    deflation: Deflation = "linear"
    rate: float = 3.0
    """mmHg a second, on average."""
    step_mmhg: float = 8.0
    step_s: float = 1.6
    oscillation: float = 2.5
    """Largest pulse in mmHg."""
    softness: float = 0.2
    """How much the bladder gives at 0 mmHg, as part of what the air gives; it stiffens over 60 mmHg."""
    lag_s: float = 0.06
    """Time constant of the tissue between artery and bladder."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the measurement should find: mmHg and beats per minute."""

    systolic: float
    diastolic: float
    mean: float
    pulse_rate: float
    systolic_range: tuple[float, float]
    """Lowest and highest of the beats that were averaged."""
    diastolic_range: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cycle:
    """One inflation and deflation: times in s, cuff pressure in mmHg as sampled, and what is known about it."""

    t: Array
    mmhg: Array
    truth: Truth
    law: Law | None
    blood: Blood
    cuff: Cuff
    beats: BloodBeats
    faults: tuple[Fault, ...] = field(default=())


def cycle(seed: int, law: Law, faults: tuple[Fault, ...] = (), fs: float = 100.0) -> Cycle:
    """A person, an arm and a cuff drawn from the seed, the artery obeying `law`, `fs` samples a second."""
    rng = np.random.default_rng((seed, arteries.LAWS.index(law), 81060))
    blood = draw_blood(rng, faults)
    cuff = draw_cuff(rng, blood, faults)
    return run(blood, cuff, arteries.draw(law, rng), rng, faults, fs, law)


def draw_blood(rng: np.random.Generator, faults: tuple[Fault, ...] = ()) -> Blood:
    """A person of the clinical reference's ranges; pulse pressure and pressure go together, as in people."""
    systolic = rng.uniform(90, 190)
    pulse = np.clip(rng.uniform(0.25, 0.5) * systolic, 22, 95)
    named: dict[Fault, Rhythm] = {"irregular": "irregular", "ectopic": "ectopic"}
    rhythm: Rhythm = next((each for fault, each in named.items() if fault in faults), "regular")
    return Blood(
        systolic, systolic - float(pulse), rng.uniform(48, 115), rhythm, rng.uniform(0.5, 3.0), rng.uniform(0.2, 0.3),
        rng.uniform(0.1, 0.16), rng.uniform(0.3, 0.6), rng.uniform(0.05, 0.15),
    )  # fmt: skip


def draw_cuff(rng: np.random.Generator, blood: Blood, faults: tuple[Fault, ...] = ()) -> Cuff:
    """A cuff that is pumped well above and let down well below, at 2 to 4 mmHg a second."""
    top = blood.systolic + rng.uniform(25, 45)
    lowest = max(25.0, blood.diastolic - rng.uniform(25, 40))
    kinds: tuple[Deflation, ...] = ("linear", "linear", "bleed", "steps")
    kind = kinds[int(rng.integers(len(kinds)))]
    rate, oscillation = rng.uniform(2.0, 4.0), rng.uniform(1.2, 4.0)
    held = next(beats for beats in (1, 2, 3) if beats == 3 or rate * beats * 60 / blood.rate >= 5)
    step_s = held * 60 / blood.rate
    step = float(np.clip(rate * step_s, 5, 10))
    loose = 0.1 if "loose" in faults else 1.0
    fast = 3.0 if "leak" in faults else 1.0
    return Cuff(
        top, lowest, "linear" if "leak" in faults else kind, fast * rate, step, max(0.3, step_s - STEP_S),
        loose * oscillation, rng.uniform(0, 0.4), rng.uniform(0.03, 0.15),
    )  # fmt: skip


def run(
    blood: Blood, cuff: Cuff, artery: Artery, rng: np.random.Generator,
    faults: tuple[Fault, ...] = (), fs: float = 100.0, law: Law | None = None,
) -> Cycle:  # fmt: skip
    """The cycle of this person, cuff and artery; `rng` draws the beats, the noise and the faults."""
    t, base = emptying(cuff, fs)
    made = pressure_wave.beats(blood, float(t[-1]), rng)
    pressure = base + swings(pressure_wave.wave(blood, made, t), base, artery, cuff, fs)
    truth = _truth(blood, made, t, pressure)
    seen_t, seen = disturbed(t, pressure, faults, rng)
    return Cycle(seen_t, seen, truth, law, blood, cuff, made, faults)


def emptying(cuff: Cuff, fs: float) -> tuple[Array, Array]:
    """Times (s) and the air's own pressure (mmHg): pumped up, let down, opened."""
    corners = [(0.0, 0.0), (PUMP_S, cuff.top), (PUMP_S + 0.5, cuff.top)]
    if cuff.deflation == "steps":
        level, at = cuff.top, PUMP_S + 0.5
        while level > cuff.lowest:
            level, at = level - cuff.step_mmhg, at + cuff.step_s
            corners += [(at, level + cuff.step_mmhg), (at + STEP_S, level)]
            at += STEP_S
    elif cuff.deflation == "linear":
        corners.append((PUMP_S + 0.5 + (cuff.top - cuff.lowest) / cuff.rate, cuff.lowest))
    else:
        lasts = (cuff.top - cuff.lowest) / cuff.rate
        fall = np.linspace(0, 1, 60)[1:]
        corners += [(PUMP_S + 0.5 + lasts * f, cuff.top * (cuff.lowest / cuff.top) ** f) for f in fall.tolist()]
    end = corners[-1][0]
    t = np.arange(0, end + OPEN_S + 1.5, 1 / fs)
    times, levels = zip(*corners, strict=True)
    line = np.interp(t, times, levels)
    return t, np.asarray(line * np.exp(-np.maximum(0.0, t - end) / (OPEN_S / 4)))


def swings(blood: Array, base: Array, artery: Artery, cuff: Cuff, fs: float) -> Array:
    """What the artery adds to the air's pressure (mmHg): its volume, lagging, times how stiff air and bladder are."""
    scale = cuff.oscillation / _largest(blood, base, artery, cuff)
    stiff, added = _stiffness(base, cuff), np.zeros(len(base))
    empty = artery(np.array([-AIR_MMHG]))[0]
    for _ in range(PASSES):
        opened = _lagged(artery(blood - base - added) - empty, cuff.lag_s * fs)
        added = scale * stiff * opened * np.clip(base / 20.0, 0, 1)
    return added


def _largest(blood: Array, base: Array, artery: Artery, cuff: Cuff) -> float:
    """Largest pulse that the median beat makes at any cuff pressure, before scaling."""
    high, low = np.percentile(blood, [98, 2])
    at = np.linspace(20, float(base.max()), 120)
    pulse = _stiffness(at, cuff) * (artery(high - at) - artery(low - at))
    return float(pulse.max())


def _stiffness(base: Array, cuff: Cuff) -> Array:
    """Pressure that a volume makes, relative to that at 100 mmHg in a bladder that does not give."""
    return np.asarray((base + AIR_MMHG) / (100 + AIR_MMHG) / (1 + cuff.softness * np.exp(-base / 60.0)))


def _lagged(x: Array, samples: float) -> Array:
    """A first-order lag, its memory cut after seven time constants."""
    taps = np.exp(-np.arange(int(7 * samples) + 1) / max(samples, 1e-9))
    padded = np.concatenate((np.full(len(taps) - 1, x[0]), x))
    return np.convolve(padded, taps / taps.sum(), mode="valid")


def _truth(blood: Blood, made: BloodBeats, t: Array, pressure: Array) -> Truth:
    """The beats at the two crossings during the fall; the set values where no beat crossed."""
    top = int(np.argmax(pressure))
    there = np.interp(made.at, t[top:], pressure[top:], left=np.inf, right=np.inf)
    high = made.systolic[np.abs(there - made.systolic) <= CROSSING_MMHG]
    low = made.diastolic[np.abs(there - made.diastolic) <= CROSSING_MMHG]
    high = high if len(high) else np.array([blood.systolic])
    low = low if len(low) else np.array([blood.diastolic])
    fall = (t >= t[top]) & (pressure > low.mean() - 10)
    mean = float(pressure_wave.wave(blood, made, t[fall]).mean())
    inside = np.diff(made.at[(there < np.inf) & (there > low.mean() - 15)])
    return Truth(
        float(high.mean()), float(low.mean()), mean, 60 / float(inside.mean() if len(inside) else 60 / blood.rate),
        (float(high.min()), float(high.max())), (float(low.min()), float(low.max())),
    )  # fmt: skip
