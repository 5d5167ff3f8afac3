"""How often somebody may guess a sign-in code: five wrong ones lock a name, for longer each time.

Time comes in as an argument, in seconds of any clock that only goes forward. Names that exist and names that do not
are counted alike, so that a lock does not tell them apart; memory is bounded, because names fall into a fixed number
of places by a secret of this process.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

ALLOWED = 5
"""The wrong code in a row that locks."""
LOCK_S = 60.0
"""The first lock; each further wrong code doubles it."""
LONGEST_LOCK_S = 3600.0
_PLACES = 1024


@dataclass(frozen=True, slots=True)
class _Place:
    wrong: int = 0
    until: float = 0.0


_FRESH = _Place()


class Guesses:
    """The wrong codes of this process's life."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._places: dict[int, _Place] = {}

    def locked_s(self, name: str, now: float) -> float:
        """Seconds until this name may be tried again; 0 if it may now."""
        return max(0.0, self._of(name).until - now)

    def wrong(self, name: str, now: float) -> int:
        """Count one wrong code; how many there were in a row."""
        count = self._of(name).wrong + 1
        self._places[self._place(name)] = _Place(count, now + lock_s(count))
        return count

    def right(self, name: str) -> None:
        """Forget the wrong codes of somebody who knew the right one."""
        self._places.pop(self._place(name), None)

    def _of(self, name: str) -> _Place:
        return self._places.get(self._place(name), _FRESH)

    def _place(self, name: str) -> int:
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") % _PLACES


def lock_s(count: int) -> float:
    """For how long the wrong code number `count` in a row locks a name."""
    return min(LOCK_S * 2 ** min(count - ALLOWED, 20), LONGEST_LOCK_S) if count >= ALLOWED else 0.0
