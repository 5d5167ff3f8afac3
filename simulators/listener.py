"""Somebody under headphones: hears or does not hear a tone, and the ascending method that finds the threshold.

Listener: P(yes) = FA + (1 - FA - lapse) * Phi((L - T) / sd) (clinical reference 9.5). Method: Hughson-Westlake after
ISO 8253-1, down 10, up 5, a threshold is the level that is answered twice in at most three ascents (reference 5.1).
"""

from __future__ import annotations

from collections import Counter
from math import erf, exp, isfinite, sqrt

import numpy as np

from simulators.physiology import Physiology

LOWEST_DB, HIGHEST_DB = -10, 100
FAMILIAR_DB = 40
ASCENTS = 12
"""Given up after so many: the listener has no threshold."""


class Listener:
    """One ear at one frequency; `threshold` in dB HL is heard half of the time."""

    def __init__(self, threshold: float, person: Physiology, rng: np.random.Generator) -> None:
        self._threshold, self._person, self._rng = threshold, person, rng

    def hears(self, level: float) -> bool:
        """Whether the button is pressed for a tone of `level` dB HL; of minus infinity for a silence."""
        clear = 0.5 * (1 + erf((level - self._threshold) / (self._person.listening_sd * sqrt(2))))
        yes = self._person.false_alarm + (1 - self._person.false_alarm - self._person.lapse) * clear
        return bool(self._rng.random() < yes)

    def takes_s(self, level: float) -> float:
        """Seconds from the onset of what was heard to the button: about 0.4, and longer for what is barely heard."""
        faint = exp(-max(0.0, level - self._threshold) / 8) if isfinite(level) else self._rng.random()
        return float(min(1.8, 0.25 + 0.3 * faint + self._rng.lognormal(-2.0, 0.4)))


def threshold(listener: Listener) -> int | None:
    """The threshold in dB HL on the 5 dB grid; None when even the loudest tone is not answered."""
    level = _familiarise(listener)
    answered: Counter[int] = Counter()
    for _ in range(ASCENTS):
        heard = _ascend(listener, level)
        if heard is None:
            return None
        answered[heard] += 1
        if answered[heard] == 2:
            return heard
        level = max(LOWEST_DB, heard - 10)
    return max(answered, key=lambda db: (answered[db], -db))


def _familiarise(listener: Listener) -> int:
    """From a clearly audible tone down by 20 until it is lost; where the first ascent begins."""
    level = FAMILIAR_DB
    while level > LOWEST_DB and listener.hears(level):
        level = max(LOWEST_DB, level - 20)
    return level


def _ascend(listener: Listener, level: int) -> int | None:
    """Up by 5 until an answer."""
    while not listener.hears(level):
        level += 5
        if level > HIGHEST_DB:
            return None
    return level
