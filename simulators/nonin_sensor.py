"""The sensor of a Nonin oximeter: whether a finger is in it, what is worked out of it, what the display holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.body import Body
from simulators.nonin_finger import RATE, Counts, Finger, Spot
from simulators.nonin_formats import ALARM, ALWAYS, ARTIFACT, DISCONNECTED, GREEN, OUT_OF_TRACK, RED, Moment

HELD_S = 10.0
"""How long display values outlive their finger."""
REFRESH_S = 1.5
"""Display values change no more often than that."""
SETTLED_S = 10.0
"""A finger that is in so long has reached SmartPoint."""


class Sensor:
    """One sensor on one finger; everything is by sample index, at `RATE`.

    `faults` are those of the oximeter that are its sensor's: "low-perfusion", "artifact", "sensor-disconnected",
    "held-display" (nobody's finger, and the last values stay on the display for ever), "low-battery".
    """

    def __init__(self, body: Body, finger: Finger, faults: set[str]) -> None:
        self._body, self._finger, self._faults = body, finger, faults
        self.start(0)

    def start(self, index: int) -> None:
        """Nothing is known of what was before this sample."""
        self._began = index
        self.in_since = float("-inf")
        self.out_since: int | None = None
        self._held, self._held_at = Spot(), float("-inf")

    def look(self, index: int) -> None:
        """See whether the finger came or went since the last look."""
        inside = self._body.presence.finger_in and not self._faults & {"sensor-disconnected", "held-display"}
        if inside and self.out_since is not None:
            self.out_since, self.in_since = None, index / RATE
        elif not inside and self.out_since is None:
            self.out_since = index

    def pleth(self, first: int, count: int) -> Counts:
        """Counts, 0 to 65535; an empty sensor gives a flat line with the last bit toggling."""
        if self.out_since is None:
            return self._finger.counts(first, count)
        return 32_768 + np.arange(first, first + count) % 2

    def status(self, first: int, count: int) -> NDArray[np.uint8]:
        """STATUS of formats 2 and 7 for each sample, without SYNC."""
        status = np.full(count, ALWAYS | self._alarms(), dtype=np.uint8)
        if self.out_since is None:
            status[self._finger.perfused(first, count)] |= np.uint8(self._colour())
        return status

    def moment(self, index: int) -> Moment:
        """Everything that is known at one sample."""
        seen = Spot() if self.out_since is not None else self._finger.spot(index, self.in_since)
        status = self._alarms() | (self._colour() if self.out_since is None else 0)
        ready = seen.rate is not None and index / RATE - max(self.in_since, self._began / RATE) >= SETTLED_S
        return Moment(seen, self._display(index, seen), status, "low-battery" in self._faults, ready)

    def _alarms(self) -> int:
        if "sensor-disconnected" in self._faults:
            return DISCONNECTED | OUT_OF_TRACK
        if self.out_since is not None:
            return ALARM | OUT_OF_TRACK
        return ARTIFACT if self._body.presence.moving or "artifact" in self._faults else 0

    def _colour(self) -> int:
        """Green for a good pulse, both bits (yellow) for a marginal one, red for a low one."""
        percent = self._finger.perfusion()
        if percent < 0.3 or "low-perfusion" in self._faults:
            return RED
        return GREEN if percent >= 0.5 else GREEN | RED

    def _display(self, index: int, seen: Spot) -> Spot:
        """Display values: refreshed every 1.5 s, held for 10 s after the finger went."""
        if self.out_since is not None:
            held = "held-display" in self._faults or index - self.out_since < HELD_S * RATE
            return self._held if held else Spot()
        if index / RATE - self._held_at >= REFRESH_S or self._held.rate is None:
            self._held, self._held_at = seen, index / RATE
        return self._held
