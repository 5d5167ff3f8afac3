"""The beats on an oscillogram: where each begins, how high it stands over the line between its two feet.

The line between the feet takes the deflation out of the height (clinical reference 1.1). The height is then put in
proportion to the artery's volume: the air in the cuff is a spring that stiffens with its own pressure (Boyle), by
8 % from 80 to 140 mmHg.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cabin_signal.cuff_deflation import levelled, valve_steps
from cabin_signal.filters import Samples, high_pass, low_pass, zero_phase
from cabin_signal.oscillogram import plausible_beats

AIR_MMHG, REFERENCE_MMHG = 760.0, 100.0
SHORTEST_INTERVAL_S = 0.3
PHASES = 40
"""Points of a beat's wave from foot to foot."""
STEP_MARGIN_S = 0.05
WANDER_HZ, SMOOTH_HZ, TREMBLING_HZ = 0.5, 12.0, 5.0
CALM_MMHG = 0.1
"""A tremor above this is smoothed out, and some of each pulse with it."""
TREMOR_HZ, BASE_HZ = 3.5, 0.3


@dataclass(frozen=True, slots=True)
class CuffBeats:
    """The beats of one deflation in the order of time; every array has one entry (row) a beat."""

    at_s: Samples
    """When it peaks, from the start of the fall."""
    foot: Samples
    """Cuff pressure at its foot, mmHg."""
    peak: Samples
    """Cuff pressure at its peak, mmHg."""
    amplitude: Samples
    """Height over the line between its feet, mmHg."""
    lasts: Samples
    """Seconds from foot to foot."""
    climb: Samples
    """Part of the beat that passes until its peak."""
    waves: Samples
    """Shape (beats, PHASES): mmHg over the line, from foot to foot."""
    accepted: NDArray[np.bool_]
    """Which of them fit their neighbours, and no valve step cut."""
    stepped: bool
    rise: float
    """Most that the fall without its pulses ever climbed, mmHg."""
    tremor: float
    """RMS of what is too fast for a pulse where pulses are smallest, mmHg."""

    @property
    def cuff(self) -> Samples:
        """Cuff pressure half-way up each beat, mmHg."""
        return np.asarray((self.foot + self.peak) / 2)

    @property
    def stiffness(self) -> Samples:
        """mmHg of the cuff for one unit of volume, 1 at 100 mmHg."""
        return np.asarray((self.foot + AIR_MMHG) / (REFERENCE_MMHG + AIR_MMHG))

    @property
    def heights(self) -> Samples:
        """Amplitudes in proportion to the artery's volume."""
        return np.asarray(self.amplitude / self.stiffness)


def beats(p: Samples, fs: float) -> CuffBeats | None:
    """The beats in an evenly sampled fall of cuff pressure in mmHg, `fs` above 20 Hz; None for fewer than three."""
    steps = valve_steps(p, fs)
    level, pad = levelled(p, steps), int(3 * fs)
    fast = level - zero_phase(low_pass(2, min(TREMOR_HZ, 0.4 * fs), fs), level, pad)
    tremor = _least_rms(fast, max(1, int(2 * fs)))
    highest = SMOOTH_HZ if tremor < CALM_MMHG else TREMBLING_HZ
    slow = low_pass(2, min(highest, 0.4 * fs), fs)
    smooth = zero_phase(slow, level, pad)
    wave = zero_phase(high_pass(2, WANDER_HZ, fs) + slow, level, pad)
    tops = _peaks(wave, max(1, int(SHORTEST_INTERVAL_S * fs)))
    if len(tops) < 4:
        return None
    feet = np.array([a + int(np.argmin(wave[a:b])) for a, b in pairwise(tops.tolist())])
    total = zero_phase(slow, p, pad) if steps.any() else smooth
    base = zero_phase(low_pass(2, BASE_HZ, fs), p, pad)
    return _cut(smooth, total, steps, feet, fs, _climbed(base), tremor)


def _cut(
    smooth: Samples, total: Samples, steps: NDArray[np.bool_], feet: NDArray[np.int64], fs: float,
    rise: float, tremor: float,
) -> CuffBeats:  # fmt: skip
    """The fall cut into beats at its feet."""
    peaks, waves = [], []
    for a, b in pairwise(feet.tolist()):
        over = smooth[a : b + 1] - np.linspace(smooth[a], smooth[b], b - a + 1)
        peaks.append(a + int(np.argmax(over)))
        waves.append(np.interp(np.arange(PHASES) / PHASES, np.arange(b - a + 1) / (b - a), over))
    at, shapes = np.array(peaks), np.stack(waves)
    a, b = feet[:-1], feet[1:]
    chord = smooth[a] + (at - a) / (b - a) * (smooth[b] - smooth[a])
    amplitude = smooth[at] - chord
    margin, passed = round(STEP_MARGIN_S * fs), np.concatenate(([0], np.cumsum(steps)))
    cut = passed[np.minimum(at + margin, len(steps))] > passed[np.maximum(a - margin, 0)]
    sound = ~cut & (amplitude > 0)
    accepted = sound.copy()
    accepted[sound] = plausible_beats(amplitude[sound])
    return CuffBeats(
        at / fs, total[a], total[at], amplitude, (b - a) / fs, (at - a) / (b - a), shapes, accepted,
        bool(steps.any()), rise, tremor,
    )  # fmt: skip


def _peaks(wave: Samples, distance: int) -> NDArray[np.int64]:
    """Local maxima above zero of which none within `distance` is higher."""
    inner = wave[1:-1]
    tops = np.flatnonzero((inner > wave[:-2]) & (inner >= wave[2:]) & (inner > 0)) + 1
    kept = [i for i in tops if wave[i] >= wave[max(0, i - distance) : i + distance + 1].max()]
    return np.array(kept, dtype=np.int64)


def _climbed(base: Samples) -> float:
    """Most that a curve climbs from any of its values to a later one."""
    return float((base - np.minimum.accumulate(base)).max())


def _least_rms(x: Samples, window: int) -> float:
    """RMS of the quietest whole window."""
    whole = x[: len(x) // window * window].reshape(-1, window)
    return float(np.sqrt((whole**2).mean(axis=1).min())) if len(whole) else 0.0
