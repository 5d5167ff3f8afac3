"""Two feet on a scale: stepping on, standing still, shifting now and then, stepping off; and a scale that is wrong.

What the five simulated scales share is the person, not a wire: a weight settles in two seconds, and nobody stands for
ever without shifting their feet, after which it settles anew.
"""

from __future__ import annotations

from math import sin
from typing import Literal

from simulators.body import Body

LOCK_S = 2.0
"""Standing still for so long locks the weight."""
SHIFT_S = 45.0
"""So often the feet are shifted."""
TIPPED_KG = 3.2
"""What a scale that was tipped adds, until it is set to zero."""

Stand = Literal["empty", "moving", "still"]


class Feet:
    """The body's feet on one scale. Faults: "stuck-weight", "tipped"; times never go back."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._on_since: float | None = None
        self._wrong: set[str] = set()
        self._stuck: tuple[Stand, float] | None = None
        self._zero = 0.0

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """A scale that is stuck shows from now on what it last locked; one that was tipped has lost its zero."""
        if wrong and fault not in self._wrong:
            self._stuck = ("still", self._body.physiology.weight) if fault == "stuck-weight" else self._stuck
            self._zero += TIPPED_KG if fault == "tipped" else 0.0
        elif not wrong and fault in self._wrong:
            self._stuck = None if fault == "stuck-weight" else self._stuck
            self._zero = 0.0 if fault == "tipped" else self._zero
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}
        self.look(now)

    def look(self, now: float) -> None:
        """See whether somebody stepped on or off."""
        if not self._body.presence.on_scale:
            self._on_since = None
        elif self._on_since is None:
            self._on_since = now

    def stand(self, now: float) -> Stand:
        """What the scale makes of the feet."""
        self.look(now)
        if self._stuck is not None:
            return self._stuck[0]
        if self._on_since is None:
            return "empty"
        return "still" if self._settling(now) >= LOCK_S else "moving"

    def kg(self, now: float) -> float:
        """What the scale feels; a moving weight never says the same thing twice."""
        stand = self.stand(now)
        if self._stuck is not None:
            return self._stuck[1]
        if stand == "empty":
            return self._zero
        weight = self._body.physiology.weight
        if stand == "moving":
            weight *= 1.0 - 0.35 * (1.0 - self._settling(now) / LOCK_S) + 0.02 * sin(7.0 * now)
        return weight + self._zero

    def zero(self, now: float) -> None:
        """The zero key, or the host's command: what stands on the scale now is 0 from now on."""
        self._zero -= self.kg(now)

    def _settling(self, now: float) -> float:
        """Seconds since the feet last moved."""
        on_since = now if self._on_since is None else self._on_since
        return (now - on_since) % SHIFT_S
