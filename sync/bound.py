"""How large a message a broker takes, learnt from what happens to messages; pure.

MQTT 3.1.1 has no word for it: a broker that finds a message too large ends the connection, or acknowledges it and
throws it away. Either looks like a bad network, so the bound halves behind a suspect, and a size that the record has
answered is believed.
"""

from __future__ import annotations

MOST = 256 << 10
"""Bytes of the largest message that is sent at all."""
FLOOR = 16 << 10
"""Messages of this size are never suspected."""
_STRIKES = 3
"""Losses in a row before a size that has passed is doubted again."""


class Bound:
    """The largest message for one broker, kept from connection to connection."""

    def __init__(self) -> None:
        self.most = MOST
        """Bytes of a message."""
        self._proven = 0
        self._strikes = 0

    def passed(self, size: int) -> None:
        """The record has answered a letter whose largest message had `size` bytes."""
        if size > FLOOR:
            self._proven, self._strikes = max(self._proven, size), 0

    def doubt(self, size: int) -> None:
        """A connection was lost right behind a message of `size` bytes, or the message was never answered."""
        if size <= FLOOR:
            return
        self._strikes += 1
        if size > self._proven or self._strikes >= _STRIKES:
            self.refused(size)

    def refused(self, size: int) -> None:
        """A message of `size` bytes is too large: the broker said so, or there is little doubt."""
        if size <= self._proven:
            self._proven = 0
        self._strikes = 0
        self.most = min(self.most, max(FLOOR, self._proven, min(self.most, size) // 2))
