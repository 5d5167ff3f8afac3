"""How an artery under a cuff gives way: volume against transmural pressure, by laws that no analysis here assumes.

Clinical reference 1.5 and 1.6. A law says how the volume of the artery follows the pressure inside less the pressure
outside (mmHg); only its shape counts, its unit does not. `two-exponential` is the one law that the analysis also
fits, shifted away from zero here, which no oscillogram can show; the others are nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Law = Literal["arctan", "logistic", "two-exponential", "buckling"]
LAWS: tuple[Law, ...] = get_args(Law)

Artery = Callable[[Array], Array]
"""Transmural pressures in mmHg -> volumes, rising, in any unit."""

STIFFEST_MMHG, COLLAPSED_MMHG = 400.0, -400.0
"""The buckling law is tabulated between these."""


def arctan(middle: float, width: float) -> Artery:
    """Langewouters (1984): softest at `middle`, half as soft `width` mmHg away from it on either side."""
    return lambda p: np.arctan((p - middle) / width)


def logistic(middle: float, width: float) -> Artery:
    """A symmetric sigmoid whose flanks fall faster than the arctan's; `width` is its scale in mmHg."""
    return lambda p: 1.0 / (1.0 + np.exp(-np.clip((p - middle) / width, -60.0, 60.0)))


def two_exponential(collapsed: float, open_: float, middle: float = 0.0) -> Artery:
    """Babbs (2012): exponential on both sides of `middle`, with a scale in mmHg of its own on each."""

    def volume(p: Array) -> Array:
        x = p - middle
        closed = collapsed * np.exp(np.minimum(x, 0.0) / collapsed)
        return np.asarray(closed + open_ * -np.expm1(-np.maximum(x, 0.0) / open_))

    return volume


def buckling(wall: float, stiffening: float, bending: float, power: float, middle: float = 0.0) -> Artery:
    """Drzewiecki (1994): a wall that stiffens as it opens and buckles as it closes.

    `P = wall (e^(stiffening (x - 1)) - 1) - bending (x^-power - 1)`, x the area relative to the area at which the
    wall buckles; solved by a table. `wall` and `bending` in mmHg.
    """
    area = np.geomspace(1e-4, 12.0, 6000)
    pressure = wall * np.expm1(np.minimum(stiffening * (area - 1.0), 60.0)) - bending * (area**-power - 1.0)
    inside = (pressure > COLLAPSED_MMHG) & (pressure < STIFFEST_MMHG)
    at, opened = pressure[inside] + middle, area[inside]
    return lambda p: np.interp(p, at, opened)


def _any_arctan(rng: np.random.Generator) -> Artery:
    return arctan(rng.uniform(-5, 15), rng.uniform(10, 30))


def _any_logistic(rng: np.random.Generator) -> Artery:
    return logistic(rng.uniform(-5, 15), rng.uniform(6, 15))


def _any_two_exponential(rng: np.random.Generator) -> Artery:
    return two_exponential(rng.uniform(8, 20), rng.uniform(15, 40), rng.uniform(-5, 15))


def _any_buckling(rng: np.random.Generator) -> Artery:
    """Softest near zero, where the law by itself puts it a little below, and moved as the others are."""
    shape = (rng.uniform(5, 14), rng.uniform(1.2, 2.6), rng.uniform(4, 12), rng.uniform(0.9, 1.6))
    p = np.arange(-60.0, 60.0, 0.5)
    softest = float(p[int(np.argmax(np.diff(buckling(*shape)(p))))])
    return buckling(*shape, middle=rng.uniform(-5, 10) - softest)


_ANY: Mapping[Law, Callable[[np.random.Generator], Artery]] = {
    "arctan": _any_arctan,
    "logistic": _any_logistic,
    "two-exponential": _any_two_exponential,
    "buckling": _any_buckling,
}


def draw(law: Law, rng: np.random.Generator) -> Artery:
    """An artery of this law, its parameters drawn from the ranges of the clinical reference."""
    return _ANY[law](rng)
