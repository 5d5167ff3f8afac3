"""How long to wait before the next attempt; pure but for chance."""

from __future__ import annotations

import random

_MOST_DOUBLINGS = 40


class Backoff:
    """Full jitter: a random wait up to a bound that doubles from `first` to `most` seconds."""

    def __init__(self, first: float, most: float) -> None:
        self._first, self._most = first, most
        self._failures = 0

    def next(self) -> float:
        """The wait before the next attempt."""
        bound = min(self._most, self._first * 2.0**self._failures)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return random.uniform(0.0, bound)  # noqa: S311

    def reset(self) -> None:
        """What was attempted has worked."""
        self._failures = 0
