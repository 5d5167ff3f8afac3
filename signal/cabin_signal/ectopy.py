"""Which beats of a window look unlike the usual one: extra beats from elsewhere in the heart.

A beat that begins in a ventricle spreads another way and is wide. Two QRS are compared by 2ab / (aa + bb), one for
equals, which falls with a difference of shape and of height; the usual beat is the one that most others resemble.
Comparing whole complexes with templates: Feldman 1977; the measure is Dice's, on samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cabin_signal.filters import Samples
from cabin_signal.rhythm_waves import BEFORE

ALIKE = 0.85
"""Two beats so similar are of one kind."""
FROM, TO = BEFORE - 10, BEFORE + 29
"""The QRS and the beginning of what follows: 80 ms before R to 224 ms after it."""
SHIFT = 3
"""The R peak of another shape lies up to 24 ms elsewhere."""
KIN = 2
"""A beat that fewer others resemble than this is a stranger."""

Likeness = NDArray[np.bool_]
"""(n, n): whether beat j, shifted, is alike beat i."""


def likeness(waves: Samples) -> Likeness:
    """Every wave (n, values) against every other."""
    shifts = range(-SHIFT, SHIFT + 1)
    moved = np.stack([_level(waves[:, FROM + k : TO + k]) for k in shifts])
    still = moved[SHIFT]
    energy = (moved * moved).sum(axis=2)[:, None, :] + (still * still).sum(axis=1)[None, :, None]
    similarity = 2 * np.matmul(still, moved.transpose(0, 2, 1)) / np.maximum(energy, 1e-12)
    alike: Likeness = similarity.max(axis=0) > ALIKE
    return alike


def _level(waves: Samples) -> Samples:
    level: Samples = waves - waves.mean(axis=1, keepdims=True)
    return level


def usual(alike: Likeness) -> list[bool]:
    """Which beats are of the most frequent kind."""
    kind: list[bool] = alike[int(np.argmax(alike.sum(axis=1)))].tolist()
    return kind


def strangers(alike: Likeness) -> float:
    """The part of beats that hardly any other resembles: no heart beats so, but noise and flutter look like it."""
    others = (alike | alike.T).sum(axis=1) - 1
    return float(np.mean(others < KIN))
