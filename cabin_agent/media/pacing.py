"""What may leave when: two small counts of bytes against time. Pure; time comes in as an argument."""

from __future__ import annotations

PACE = 1.3
"""Times the video's rate: a key frame spreads out, and the frames after it catch up."""
PACE_LEAST = 150_000 / 8
"""byte/s: so that a key frame at the lowest rate is not late for good."""
BURST = 4_000
"""Bytes that leave without waiting: any ordinary frame."""


class Pacer:
    """Spreads what is sent in bursts. A wait is asked of the caller, who may be one that cannot wait."""

    def __init__(self) -> None:
        self.rate = 0.0
        """byte/s of the video; 0: no limit."""
        self._debt = 0.0
        self._at = 0.0

    def sent(self, size: int, now: float) -> float:
        """Note that `size` bytes leave; the seconds to wait before."""
        if self.rate <= 0:
            return 0.0
        rate = max(PACE_LEAST, self.rate * PACE)
        self._debt = max(0.0, self._debt - rate * (now - self._at)) + size
        self._at = now
        return max(0.0, self._debt - BURST) / rate


class Bucket:
    """A budget that fills with time, up to one second of it."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._left = 0.0
        self._at: float | None = None

    def allow(self, rate: float) -> None:
        """From now on it fills by so many bytes a second."""
        self._rate = rate
        self._left = min(self._left, rate)

    def take(self, size: int, now: float) -> bool:
        """Whether `size` bytes are there; then they are gone."""
        since = 1.0 if self._at is None else now - self._at
        self._left, self._at = min(self._rate, self._left + self._rate * since), now
        if self._left < size:
            return False
        self._left -= size
        return True
