"""Whether a scale was seen empty since it weighed somebody in an earlier visit; pure, and no weight outlives a visit.

Some firmware repeats its last weight for ever (protocols, section 3.9), and the next person must not get it. A scale
that says nothing while nobody stands on it cannot show this (`drivers.shows_empty`): it dates its weighings, or its
values say that they are not told apart.
"""

from __future__ import annotations

from drivers.events import NoValue, Reading, Value

BROKEN = NoValue("device-error")
"""What a scale that is stuck, or out of its zero, says instead of a weight: it was not seen empty."""
SILENCE_S = 1.5
"""Longer than between two messages of a weight that stays locked: somebody moved, or left."""


class Emptied:
    """The watch over one scale."""

    def __init__(self, speed: float = 1.0) -> None:
        """`speed`: how much faster than ours the time of a simulated person goes."""
        self._silence_s = SILENCE_S / speed
        self._weighed = False
        self._shown: Value | None = None
        self._heard_s = 0.0
        self.doubtful = False
        """Its weights may be those of an earlier visit."""

    def visit(self) -> None:
        """A visit began, or none is open."""
        self.doubtful = self.doubtful or self._weighed
        self._shown = None

    def weighed(self) -> None:
        """Somebody's weight was taken."""
        self._weighed = True

    def heard(self, weight: Reading, now_s: float) -> None:
        """Empty, moving, changed, or silent for a while: whoever was weighed before has left."""
        silent_s, self._heard_s = now_s - self._heard_s, now_s
        if weight.value == BROKEN:
            return
        changed = self._shown is not None and weight.value != self._shown
        if isinstance(weight.value, NoValue) or "settling" in weight.flags or changed or silent_s > self._silence_s:
            self._weighed = self.doubtful = False
        self._shown = weight.value
