"""How much of what was sent is lost, over enough packets to mean something. Pure.

A receiver report (RFC 3550, 6.4.1) gives the fraction lost since the report before it, often of a dozen packets: at a
steady 5 % every fifth of those says 15 % and more, and whoever believes the worst of them takes chance for a full
link. The running counts in the same report are of any stretch that one likes.
"""

from __future__ import annotations

from collections import deque

ENOUGH = 100
"""Packets over which a share is taken: at 5 % lost it then lies below 12 % in all but three of a thousand looks."""
FEW = 20
"""Packets below which nothing is said."""


class Losses:
    """The loss of one stream, from the running counts of its receiver."""

    def __init__(self) -> None:
        self._told: deque[tuple[int, int]] = deque(maxlen=64)
        """(highest sequence number, packets lost), as they came."""
        self._new = False

    def told(self, highest: int, lost: int) -> None:
        """One report: extended highest sequence number received, and packets lost since the beginning."""
        self._told.append((highest, lost))
        self._new = True

    def share(self) -> float | None:
        """Lost of the last `ENOUGH` packets or a few more, 0 to 1; None where nothing new was told, or too little."""
        if not self._new:
            return None
        self._new = False
        newest, lost = self._told[-1]
        before = next((each for each in reversed(self._told) if newest - each[0] >= ENOUGH), self._told[0])
        expected = newest - before[0]
        return None if expected < FEW else min(1.0, max(0, lost - before[1]) / expected)
