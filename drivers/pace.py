"""How soon a port is tried again, and how long what failed is left alone."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.probe import SHORTEST_S


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon a port is tried again, in seconds."""

    first_s: float = 0.2
    longest_s: float = 5.0
    glance_s: float = 0.25
    """How often a local path is looked at meanwhile: one that appears or changes is tried at once."""
    broken_s: float = 10.0
    """How long a broken driver stays failed, whatever happens to its path."""
    probe_s: float = SHORTEST_S
    """How long something may at least talk before it is refused as another instrument."""
    foreign_s: float = 10.0
    """How long another instrument stays refused, as long as it is not pulled out."""


def back_off(failures: int, pace: Pace, chance: float) -> float:
    """Seconds to wait after `failures` failures in a row; `chance` in 0..1 spreads them over the upper half."""
    full = min(pace.longest_s, pace.first_s * 2.0 ** min(failures, 30))
    return full * (0.5 + 0.5 * chance)


USUAL = Pace()
"""Of an installed cabin."""
