"""Samples between who writes them and the card that takes them: what was played, from when to when, and what was not.

Two threads meet here, the event loop and PortAudio's; nothing waits for longer than a copy.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from drivers.tones import FRAME, RATE

TELL = RATE // 10
"""Frames between two words of a card that has nothing new to say."""


@dataclass(frozen=True, slots=True)
class Played:
    """Where the card is, in frames since it was opened."""

    now: int = 0
    began: int = 0
    """When it last went from silence to sound."""
    ended: int | None = 0
    """When it had played all that it was given; None while it plays."""
    underruns: int = 0
    """How often the card itself said that it ran dry."""


class Playing:
    """What waits to be played."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._lock = threading.Lock()
        self._played = Played()
        self._told = 0

    @property
    def now(self) -> int:
        """Frames that the card has taken."""
        return self._played.now

    def put(self, sound: bytes) -> None:
        """Add whole frames."""
        with self._lock:
            self._waiting += sound

    def take(self, count: int, *, dry: bool = False) -> tuple[bytes, Played | None]:
        """So many frames, silence where nothing waits; and where the card is, when that is worth telling.

        `dry`: the card reports an underrun.
        """
        with self._lock:
            sound = bytes(self._waiting[: count * FRAME])
            del self._waiting[: len(sound)]
        before, had = self._played, len(sound) // FRAME
        # A card that begins may say so of its first block; of silence it does not matter.
        lost = dry and before.ended is None
        after = replace(before, now=before.now + count, underruns=before.underruns + lost)
        if had and before.ended is not None:
            after = replace(after, began=before.now, ended=None)
        if after.ended is None and had < count:
            after = replace(after, ended=before.now + had)
        self._played = after
        return sound.ljust(count * FRAME, b"\0"), self._news(before, after)

    def _news(self, before: Played, after: Played) -> Played | None:
        same = (before.began, before.ended, before.underruns) == (after.began, after.ended, after.underruns)
        if same and after.now - self._told < TELL:
            return None
        self._told = after.now
        return after
