"""One synthetic person on one clock: every instrument of the simulated cabin looks at the same heart.

The beats are the truth (`heart.py`); the ECG, the pulse at the finger and the arterial pressure under the cuff are
functions of time drawn from them, so that their rates agree to the beat and a premature beat is seen everywhere.

ECG: one Gaussian per wave placed at the R time (after ECGSYN, McSharry et al. 2003; as sums of Gaussians the R peak
lies at the beat exactly). Pulse: two Gaussians (after Tang 2020). Nothing here is known to the analysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.heart import Beat, Heart
from simulators.physiology import (
    ALL_ON,
    AT_REST,
    LEADS,
    Physiology,
    Presence,
    change_physiology,
    change_presence,
    check_names,
)

Array = NDArray[np.float64]

FINGER_DELAY_S = 0.2
"""R peak to the foot of the pulse at the finger."""
ARM_DELAY_S = 0.1
"""R peak to the foot of the pressure under the cuff."""
RISE_S = 0.12
"""Foot to top, both pulses."""

WAVE_OFFSETS = np.array([-0.16, -0.03, 0.0, 0.03, 0.30])
WAVE_WIDTHS = np.array([0.022, 0.009, 0.010, 0.010, 0.050])
"""P, Q, R, S, T in seconds at 60 beats/min; P and T move with the square root of the interval."""

WAVE_MILLIVOLTS = np.array(
    [
        # P     Q      R     S      T
        [0.08, -0.05, 0.55, -0.10, 0.18],  # I
        [0.15, -0.08, 1.10, -0.20, 0.30],  # II
        [0.05, 0.00, 0.20, -0.90, -0.05],  # V1
        [0.06, 0.00, 0.40, -1.40, 0.35],  # V2
        [0.06, -0.02, 0.80, -0.90, 0.40],  # V3
        [0.07, -0.06, 1.40, -0.50, 0.40],  # V4
        [0.07, -0.10, 1.30, -0.25, 0.32],  # V5
        [0.06, -0.10, 1.00, -0.12, 0.25],  # V6
    ]
)

_REACH_BEFORE_S = 0.4
_REACH_AFTER_S = 1.4
"""How far from its R peak a beat may still be seen in any stream."""


class Body:
    """A person; deterministic for a seed and a history of changes. Times are seconds since the simulation began."""

    def __init__(self, seed: int = 1, physiology: Physiology = AT_REST, presence: Presence = ALL_ON) -> None:
        self.seed = seed
        self.physiology = physiology
        self.presence = presence
        self._heart = Heart(seed)

    def change(self, at: float, asked: Mapping[str, object]) -> None:
        """Change named fields of the physiology or the presence from `at` on; the beat under way is not disturbed.

        Raises `WrongUse` with one sentence, and changes nothing, when a name or a value is not accepted.
        """
        check_names(asked)
        physiology = change_physiology(self.physiology, asked)
        presence = change_presence(self.presence, asked)
        if physiology != self.physiology:
            self._heart.reconsider(at)
        self.physiology, self.presence = physiology, presence

    def beats(self, start: float, end: float) -> list[Beat]:
        """The beats with `start <= at < end`."""
        return [beat for beat in self._heart.beats(start, end, self.physiology) if beat.at < end]

    def pulse_rate(self, at: float, over: int = 4, since: float = float("-inf")) -> float | None:
        """Mean rate of the last `over` intervals up to `at`, per minute; None when there are fewer since `since`."""
        self._heart.beats(at, at, self.physiology)
        seen = self._heart.before(at - FINGER_DELAY_S - RISE_S, over)
        if len(seen) < over or seen[0].at - seen[0].rr < since:
            return None
        return 60.0 * over / sum(beat.rr for beat in seen)

    def ecg(self, t: Array) -> Array:
        """Leads `LEADS` in mV at the ascending times `t`, shape (len(t), 8), without noise or electrodes."""
        out = np.zeros((len(t), len(LEADS)))
        for beat, part in self._around(t):
            out[part] += _complex(beat, t[part] - beat.at)
        return out

    def pleth(self, t: Array) -> Array:
        """Volume pulse at the finger in per cent of the transmitted light, at the ascending times `t`."""
        out = np.zeros(len(t))
        for beat, part in self._around(t):
            out[part] += beat.strength * _volume_pulse(t[part] - beat.at - FINGER_DELAY_S, beat.rr)
        return out * self.physiology.perfusion

    def arterial(self, t: Array) -> Array:
        """Pressure in the artery under the cuff, mmHg, at the ascending times `t`."""
        if not len(t):
            return np.zeros(0)
        beats = self._heart.beats(t[0] - 4.0, t[-1] + 4.0, self.physiology)
        feet = np.array([beat.at + ARM_DELAY_S for beat in beats])
        low = np.array([beat.diastolic for beat in beats])
        top = np.array([beat.systolic for beat in beats])
        k = np.clip(np.searchsorted(feet, t, side="right") - 1, 0, len(beats) - 2)
        lasts = feet[k + 1] - feet[k]
        since = np.clip(t - feet[k], 0.0, None)
        pulse = _pressure_pulse(since, lasts)
        # The foot slides to the next beat's own, so that the pressure has no step when the person changes.
        return np.asarray(low[k] + (low[k + 1] - low[k]) * np.minimum(1.0, since / lasts) + (top - low)[k] * pulse)

    def _around(self, t: Array) -> list[tuple[Beat, Any]]:
        """Each beat that is seen in `t`, with the slice of `t` on which it is seen."""
        if not len(t):
            return []
        beats = self._heart.beats(max(0.0, t[0] - _REACH_AFTER_S), t[-1] + _REACH_BEFORE_S, self.physiology)
        times = np.array([beat.at for beat in beats])
        first = np.searchsorted(t, times - _REACH_BEFORE_S)
        last = np.searchsorted(t, times + _REACH_AFTER_S)
        return [(beat, slice(a, b)) for beat, a, b in zip(beats, first, last, strict=True) if b > a]


def _complex(beat: Beat, t: Array) -> Array:
    """The P, Q, R, S and T of one beat, shape (len(t), 8); `t` counts from its R peak."""
    pace = np.sqrt(np.clip(beat.rr, 0.3, 1.2))
    offsets = WAVE_OFFSETS * np.array([min(1.0, pace), 1, 1, 1, pace])
    widths = WAVE_WIDTHS * np.array([min(1.0, pace), 1, 1, 1, pace])
    size = np.array([1.0 if beat.p_wave else 0.0, 1, 1, 1, 1])
    if beat.wide:
        widths, offsets = widths * [1, 2.6, 2.6, 2.6, 1.2], offsets * [1, 2.6, 1, 2.6, 1.1]
        size = np.array([0.0, 1.0, 1.3, 1.5, -0.9])
    waves = np.exp(-0.5 * ((t[:, None] - offsets) / widths) ** 2)
    return np.asarray(waves @ (WAVE_MILLIVOLTS * size).T)


def _volume_pulse(t: Array, rr: float) -> Array:
    """One pulse of height 1; `t` counts from its foot. A steep rise, then a smaller and later wave.

    That one runs off until the next pulse, as blood does: a level that is held looks clipped in seven or eight bits.
    """
    pace = np.sqrt(np.clip(rr, 0.3, 1.2))
    first = np.exp(-0.5 * ((t - RISE_S) / np.where(t < RISE_S, 0.05, 0.11 * pace)) ** 2)
    since = t - 0.40 * pace
    second = 0.3 * np.exp(-0.5 * (since / (np.where(since < 0, 0.12, 0.28) * pace)) ** 2)
    return np.asarray(first + second)


def _pressure_pulse(t: Array, lasts: Array) -> Array:
    """Arterial pulse from 0 at the foot to 1 and back to 0 when the next beat comes; mean about 0.37 at rest."""
    rise = np.minimum(RISE_S, 0.3 * lasts)
    up = np.sin(0.5 * np.pi * np.minimum(1.0, t / rise)) ** 2
    left = np.maximum(0.0, lasts - rise)
    gone = np.clip(t - rise, 0.0, left)
    end = np.exp(-left / 0.32)
    down = (np.exp(-gone / 0.32) - end) / (1 - end)
    notch = 0.07 * np.exp(-0.5 * ((t - rise - 0.22) / 0.04) ** 2) * np.minimum(1.0, 8 * (left - gone))
    return np.asarray(np.where(t < rise, up, down + notch))
