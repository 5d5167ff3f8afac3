"""The words of the outbox: a letter, what becomes of it, how many there are, and the room that they have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sync.envelope import Sealed

Sealer = Callable[[int, bytes], Sealed]
"""Seals one content for a sequence number and the hash of the previous envelope (`seq`, `prev`)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A letter that is safe: its sender id and sequence number, and whether it was already there."""

    src: bytes
    seq: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a letter, once it is durable."""

    what: Literal["sealed", "purged", "quarantined", "requeued"]
    mid: bytes
    seq: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One sealed envelope to send."""

    id: int
    mid: bytes
    seq: int
    envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many letters wait, how many the record refused, and the bytes that all take."""

    pending: int
    quarantined: int
    used: int

    def moved(self, before: str | None, after: str | None, size: int = 0) -> Counts:
        """After one letter of `size` bytes went from one state to another; None is outside of the outbox."""
        return Counts(
            self.pending + (after == "pending") - (before == "pending"),
            self.quarantined + (after == "quarantined") - (before == "quarantined"),
            self.used + size * ((before is None) - (after is None)),
        )


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of envelopes that the outbox may hold."""

    quota: int = 512 << 20
    reserve: int = 32 << 20
    """Of the quota, what has to be free for a new visit to begin."""
    over: int = 0
    """Above the quota, what a visit that was let in may still take: none is held up at its end."""
