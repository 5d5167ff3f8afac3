"""Stepping on a scale: when the weight stands still, and whether the scale was at zero before.

Source: clinical reference 7: stable when the range is at most 0.1 kg over 2 s; two readings agree within 0.2 kg
(`spot.pair_spot`); nothing is taken off for clothes.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import ArrayLike

from cabin_signal.plausibility import judge

STABLE_S, STABLE_KG = 2.0, 0.1
EMPTY_KG = 5.0
"""Below this nobody stands on the scale; no adult weighs so little."""
ZERO_KG = 0.1
"""An empty scale that reads further from zero needs its tare."""
SLOWEST_HZ, FASTEST_HZ = 1.0, 200.0
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class StableWeight:
    """One weight of one stepping on."""

    kg: float
    sample: int
    """The sample at which it was known."""
    spread: float
    """Range of the two seconds behind it, kg."""
    empty_kg: float | None
    """What the scale read while it was empty just before; None where it was not seen empty and still."""

    @property
    def tared(self) -> bool | None:
        """Whether the empty scale stood at zero; None where that was not seen."""
        return None if self.empty_kg is None else abs(self.empty_kg) <= ZERO_KG + _EDGE


class StepOn:
    """A scale as its weight comes; one stable weight for each time somebody steps on it. Keeps two seconds."""

    def __init__(self, fs: float) -> None:
        """`fs` in Hz, 1 to 200; ValueError otherwise."""
        if not SLOWEST_HZ <= fs <= FASTEST_HZ:
            raise ValueError(f"a scale is sampled at {SLOWEST_HZ:g} to {FASTEST_HZ:g} Hz, not at {fs:g}")
        self._last: deque[float] = deque(maxlen=math.ceil(STABLE_S * fs) + 1)
        self._sample = 0
        self._empty_kg: float | None = None
        self._told = False

    def update(self, block: ArrayLike) -> tuple[StableWeight, ...]:
        """The newest weights in kg, NaN where lost; the weights that became stable in them."""
        found = [self._next(kg) for kg in np.asarray(block, dtype=np.float64).ravel().tolist()]
        return tuple(each for each in found if each is not None)

    def _next(self, kg: float) -> StableWeight | None:
        self._sample += 1
        if not math.isfinite(kg):
            self._last.clear()
            return None
        self._last.append(kg)
        if kg < EMPTY_KG:
            self._told = False
        if len(self._last) < (self._last.maxlen or 0) or self._spread() > STABLE_KG + _EDGE:
            return None
        return self._still(median(self._last))

    def _still(self, kg: float) -> StableWeight | None:
        if kg < EMPTY_KG:
            self._empty_kg = kg
            return None
        if self._told or judge("weight", kg) == "implausible":
            return None
        self._told = True
        empty, self._empty_kg = self._empty_kg, None
        return StableWeight(kg, self._sample, self._spread(), empty)

    def _spread(self) -> float:
        return max(self._last) - min(self._last)
