"""How fast letters may leave, so that thousands of cabins that come back together drown nobody; pure.

Two limits are this cabin's own (letters and bytes a second), one is set by how fast the far end answers: the window
begins small on each connection, grows with each quick receipt, and shrinks with each late or missing one. So the
letters under way in all cabins together stay what the record can answer in some seconds. Time is the caller's own
monotonic clock, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_FIRST = 2
"""Letters under way when a connection begins."""
_QUICK = 2.0
_LATE = 5.0


@dataclass(slots=True)
class _Bucket:
    """At most `rate` in one second, and no more than one second's worth at once."""

    rate: float
    level: float = field(init=False)
    at: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self.level = self.rate

    def wait(self, now: float) -> float:
        if self.rate == float("inf"):
            return 0.0
        self.level = min(self.rate, self.level + max(0.0, now - self.at) * self.rate)
        self.at = now
        wait = -self.level / self.rate
        # Rounding must not leave a wait that no clock can show.
        return wait if wait > 1e-6 else 0.0

    def take(self, amount: float) -> None:
        # More than there is becomes a debt: a message larger than the rate may leave too.
        if self.rate != float("inf"):
            self.level -= amount


class Pace:
    """The window of one uplink and its rates; `window` is the most letters that may be under way at one time."""

    def __init__(self, window: int, letters_per_s: float, bytes_per_s: float) -> None:
        self._most = window
        self._letters, self._bytes = _Bucket(letters_per_s), _Bucket(bytes_per_s)
        self.window = min(_FIRST, window)
        """Letters that may be under way now."""

    def begin(self) -> None:
        """A connection begins."""
        self.window = min(_FIRST, self._most)

    def answered(self, after: float) -> None:
        """A receipt came `after` seconds."""
        if after <= _QUICK:
            self.window = min(self._most, self.window + 1)
        elif after >= _LATE:
            self.window = max(1, self.window - 1)

    def unanswered(self) -> None:
        """A letter got no receipt in its time, or nobody was there to get it."""
        self.window = 1

    def wait(self, now: float) -> float:
        """Seconds until the next message may leave."""
        return max(self._letters.wait(now), self._bytes.wait(now))

    def left(self, size: int, *, whole: bool) -> None:
        """A message of `size` bytes left; `whole` where it was the last of its letter."""
        self._bytes.take(size)
        if whole:
            self._letters.take(1)
