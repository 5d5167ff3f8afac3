"""The clock of the body: when each beat comes, and how much blood it throws.

Sinus rhythm with breathing (0.25 Hz) and Mayer (0.1 Hz) waves, premature beats with a full compensatory pause, or
intervals without order (clinical reference 9.3). The n-th beat depends on the seed, on n and on the beats before,
never on who asks or how often: two bodies with one seed are the same body.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import exp, pi, sin

import numpy as np

from simulators.physiology import Physiology

BREATH_HZ = 0.25
MAYER_HZ = 0.1
FIRST_BEAT_S = 0.5
KEPT_S = 600.0
"""How long a beat is remembered; the memory of the body does not grow with its age."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One heart beat. `at` is the time of the R peak in seconds: the truth of every stream."""

    at: float
    rr: float
    """Interval before it, s."""
    wide: bool
    """Premature and ventricular: no P wave, a wide complex."""
    p_wave: bool
    strength: float
    """Pulse size relative to a regular beat at this rate."""
    systolic: float
    diastolic: float


class Heart:
    """Makes beats as they are needed, forgets them after `KEPT_S`."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made = 0
        self._beats: list[Beat] = []
        self._times: list[float] = []

    def beats(self, start: float, end: float, body: Physiology) -> list[Beat]:
        """The beats with `start <= at < end`, and the first one after; raise `ValueError` for a forgotten time."""
        if self._made > len(self._beats) and start < self._times[0]:
            raise ValueError(f"the beats before {self._times[0]:.1f} s are forgotten")
        while not self._times or self._times[-1] < end:
            self._append(body)
        return self._beats[bisect_left(self._times, start) : bisect_left(self._times, end) + 1]

    def before(self, at: float, count: int) -> list[Beat]:
        """The last `count` beats up to and including `at`, among those already made; fewer near the beginning."""
        last = bisect_right(self._times, at)
        return self._beats[max(0, last - count) : last]

    def reconsider(self, at: float) -> None:
        """Forget what was planned after `at`, save the beat under way: the body has changed."""
        keep = bisect_right(self._times, at) + 1
        self._made -= max(0, len(self._beats) - keep)
        del self._beats[keep:], self._times[keep:]

    def _append(self, body: Physiology) -> None:
        beat = self._next(body)
        self._made += 1
        self._beats.append(beat)
        self._times.append(beat.at)
        if self._times[0] < beat.at - 2 * KEPT_S:
            old = bisect_left(self._times, beat.at - KEPT_S)
            del self._beats[:old], self._times[:old]

    def _next(self, body: Physiology) -> Beat:
        # S311: these draws make a heart beat, not a key.
        rng = np.random.default_rng((self._seed, self._made))
        last = self._beats[-1] if self._beats else None
        came = last.at if last else FIRST_BEAT_S
        early = body.premature_every > 1 and self._made % body.premature_every == body.premature_every - 1
        rr = _interval(body, came, last, early, rng)
        at = came + rr if last else FIRST_BEAT_S
        strength = _filling(rr) / _filling(60.0 / body.heart_rate) * (0.55 if early else 1.0)
        return Beat(at, rr, early, not (early or body.irregular), strength, *_pressures(body, at, strength))


def _interval(body: Physiology, at: float, last: Beat | None, early: bool, rng: np.random.Generator) -> float:
    base = 60.0 / body.heart_rate
    if body.irregular:
        return max(0.28, float(rng.gamma(25.0, base / 25.0)))
    slow = 0.03 * sin(2 * pi * BREATH_HZ * at) + 0.015 * sin(2 * pi * MAYER_HZ * at)
    sinus = base * (1 + slow) + min(0.01, base / 60) * float(rng.standard_normal())
    if early:
        return max(0.25, 0.6 * sinus)
    if last is not None and last.wide:
        return max(0.25, 2 * base - last.rr)
    return max(0.25, sinus)


def _filling(rr: float) -> float:
    """Share of a full ventricle after `rr` seconds."""
    return max(0.02, 1 - exp(-(rr - 0.22) / 0.2))


def _pressures(body: Physiology, at: float, strength: float) -> tuple[float, float]:
    """Systolic and diastolic pressure of one beat, mmHg: breathing moves them by 2, a small stroke lifts less."""
    breath = sin(2 * pi * BREATH_HZ * at)
    diastolic = body.diastolic + 1.0 * breath
    return diastolic + (body.systolic - body.diastolic) * min(1.15, strength) + 1.0 * breath, diastolic
