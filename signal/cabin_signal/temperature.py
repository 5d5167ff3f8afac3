"""A temperature: when a contact probe has settled, what it is going to settle at, and whether the room lets it count.

Sources: clinical reference 4. A probe follows T(t) = Ts - (Ts - T0)·exp(-t / tau). Units are degrees Celsius.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cabin_signal.plausibility import judge
from cabin_signal.spot import NoSpot, Spot, temperature_spot

SLOWEST_HZ, FASTEST_HZ = 1.0, 100.0
STEP_S, WATCHED_S, STEP_C = 10, 20, 0.1
"""Settled: no two seconds 10 s apart differ by 0.1 degrees, over 20 s."""
FIT_S = 20
"""Seconds that a prediction is fitted to."""
BACK_S: NDArray[np.float64] = np.arange(1.0 - FIT_S, 1.0)
TAUS = np.geomspace(3.0, 45.0, 56)
"""Time constants tried, in seconds; probes have 5 to 30."""
SHAPES: NDArray[np.float64] = np.exp(-BACK_S / TAUS[:, None])
CENTRED: NDArray[np.float64] = SHAPES - SHAPES.mean(axis=1, keepdims=True)
"""exp(-t / tau) of each time constant over those seconds, and around its own mean."""
MOST_ERROR_C, MOST_MISFIT_C, MOST_RISE_C = 0.1, 0.05, 2.0
"""A prediction is told when its own uncertainty is this small, the curve fits, and little is left to rise."""
RESOLUTION_C = 0.005
"""Noise that is assumed of a curve that fits better than the probe can resolve."""
ROOM_LOW_C, ROOM_HIGH_C = 16.0, 40.0
"""Room that thermometers are made for."""
ROOM_CHANGE_C, ROOM_MINUTES = 2.0, 15

RoomReason = Literal["ambient-out-of-range", "ambient-changed"]
"""Why the room makes a temperature doubtful."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the body, and how the instrument made the value ("object", "adjusted"): never mixed."""

    site: str
    mode: str


def temperature_at(place: Place, readings: Sequence[tuple[Place, float]]) -> Spot | NoSpot:
    """What repeated readings amount to (`spot.temperature_spot`); "mixed" where one is of another site or mode."""
    if any(where != place for where, _ in readings):
        return NoSpot("mixed")
    return temperature_spot([celsius for _, celsius in readings])


@dataclass(frozen=True, slots=True)
class ProbeValue:
    """What a contact probe says."""

    celsius: float
    sample: int
    """The sample at which it was known."""
    how: Literal["settled", "predicted"]
    """"predicted" is always told as such."""
    error: float
    """Of a prediction, its standard error; of a settled value, its range in the last ten seconds."""


class ContactProbe:
    """A contact probe while it warms up, second by second; keeps 21 seconds.

    A second outside 30 to 43 degrees, or half lost (NaN), is not of a body: everything begins anew.
    """

    def __init__(self, fs: float) -> None:
        """`fs` in Hz, 1 to 100; ValueError otherwise."""
        if not SLOWEST_HZ <= fs <= FASTEST_HZ:
            raise ValueError(f"a probe is sampled at {SLOWEST_HZ:g} to {FASTEST_HZ:g} Hz, not at {fs:g}")
        self._fs = fs
        self._second: list[float] = []
        self._ended = 0
        self._sample = 0
        self._seconds: deque[float] = deque(maxlen=WATCHED_S + 1)
        self._guess: float | None = None
        self._told: set[str] = set()

    def update(self, block: ArrayLike) -> tuple[ProbeValue, ...]:
        """The newest samples in degrees, NaN where lost; what became known: at most one of each kind a contact."""
        known: list[ProbeValue] = []
        for celsius in np.asarray(block, dtype=np.float64).ravel().tolist():
            self._second.append(celsius)
            self._sample += 1
            if self._sample >= (self._ended + 1) * self._fs:
                known += self._complete()
        return tuple(known)

    def _complete(self) -> list[ProbeValue]:
        real = [celsius for celsius in self._second if math.isfinite(celsius)]
        mean = math.fsum(real) / len(real) if 2 * len(real) >= max(1, len(self._second)) else math.nan
        self._second, self._ended = [], self._ended + 1
        if judge("temperature", mean) == "implausible":
            self._seconds.clear()
            self._told.clear()
            self._guess = None
            return []
        self._seconds.append(mean)
        found = [("settled", settled(self._seconds)), ("predicted", self._predicted())]
        return [value for how, each in found if each is not None for value in self._new(how, *each)]

    def _new(self, how: str, celsius: float, error: float) -> list[ProbeValue]:
        if how in self._told or "settled" in self._told:
            return []
        self._told.add(how)
        return [ProbeValue(celsius, self._sample, "settled" if how == "settled" else "predicted", error)]

    def _predicted(self) -> tuple[float, float] | None:
        """A prediction that the one of the second before supports."""
        before, found = self._guess, predicted(list(self._seconds))
        self._guess = found and found[0]
        steady = before is not None and found is not None and abs(found[0] - before) <= MOST_ERROR_C
        return found if steady else None


def settled(seconds: Sequence[float]) -> tuple[float, float] | None:
    """The value of a probe at rest and the range behind it, from one value a second; None while it moves.

    The value is that of the last three seconds. The rule is the curve's own slope, so that a slow probe has something
    left to go when it is first met: 0.2 degrees at tau 30 s, 0.05 at 15 s.
    """
    watched = list(seconds)[-(WATCHED_S + 1) :]
    steps = [abs(b - a) for a, b in zip(watched, watched[STEP_S:], strict=False)]
    if len(watched) <= WATCHED_S or max(steps) >= STEP_C:
        return None
    return median(watched[-3:]), max(watched[-STEP_S:]) - min(watched[-STEP_S:])


def predicted(seconds: Sequence[float]) -> tuple[float, float] | None:
    """Where the exponential through the last 20 values, one a second, is going, and its standard error.

    Three parameters by least squares: the end and the way to it for each time constant, and the best of those. None
    where there are too few values, the curve does not fit, or the end is too uncertain or too far.
    """
    y = np.asarray(list(seconds)[-FIT_S:], dtype=np.float64)
    if len(y) < FIT_S:
        return None
    ways = -(CENTRED @ y) / np.sum(CENTRED**2, axis=1)
    ends = y.mean() + ways * SHAPES.mean(axis=1)
    misfits = np.sqrt(np.mean((y - ends[:, None] + ways[:, None] * SHAPES) ** 2, axis=1))
    best = int(np.argmin(misfits))
    end, misfit = float(ends[best]), float(misfits[best])
    error = _error_of_end(best, float(ways[best]), max(misfit, RESOLUTION_C))
    rising = 0 <= end - float(y[-1]) <= MOST_RISE_C
    sure = misfit <= MOST_MISFIT_C and error <= MOST_ERROR_C and 0 < best < len(TAUS) - 1
    return (end, error) if rising and sure else None


def _error_of_end(which: int, way: float, noise: float) -> float:
    """Standard error of the end from the three derivatives of the curve; infinite where they cannot be told apart."""
    shape, tau = SHAPES[which], TAUS[which]
    slopes = np.stack([np.ones(FIT_S), -shape, -way * shape * BACK_S / tau**2])
    normal = slopes @ slopes.T
    if np.linalg.cond(normal) > 1e12:
        return math.inf
    return noise * math.sqrt(max(0.0, float(np.linalg.inv(normal)[0, 0])))


class RoomWatch:
    """The room beside a measurement: within the thermometer's limits, and steady. Keeps a quarter of an hour."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, float, float]] = deque(maxlen=ROOM_MINUTES + 1)

    def update(self, times_s: Sequence[float], celsius: Sequence[float]) -> tuple[RoomReason, ...]:
        """The newest room temperatures with their times in seconds, rising; what is wrong as of the last."""
        for at, value in zip(times_s, celsius, strict=True):
            if math.isfinite(at) and math.isfinite(value):
                self._add(int(at // 60), value)
        return self.reasons()

    def _add(self, minute: int, value: float) -> None:
        if self._minutes and self._minutes[-1][0] == minute:
            _, low, high = self._minutes.pop()
            self._minutes.append((minute, min(low, value), max(high, value)))
        else:
            self._minutes.append((minute, value, value))
        while self._minutes[0][0] < minute - ROOM_MINUTES:
            self._minutes.popleft()

    def reasons(self) -> tuple[RoomReason, ...]:
        """What is wrong now; nothing where no room was seen."""
        if not self._minutes:
            return ()
        _, low, high = self._minutes[-1]
        span = max(each[2] for each in self._minutes) - min(each[1] for each in self._minutes)
        out: list[RoomReason] = ["ambient-out-of-range"] if not ROOM_LOW_C <= low <= high <= ROOM_HIGH_C else []
        return (*out, "ambient-changed") if span > ROOM_CHANGE_C else tuple(out)
