"""How much of the outbox one visit may take, and what has to be free before it begins."""

from __future__ import annotations

from sync.envelope import MAX_CONTENT, bucket
from sync.letter import Room

_AROUND = 8192
"""More bytes than stand around a content: signatures, what is signed, header, encapsulated key."""


def room_of(quota_mb: int, reserve_mb: int) -> Room:
    """The outbox's room by the settings.

    A visit is let in while the reserve is free. Should the reserve be less than the largest visit may need, the rest
    comes on top of the quota: never is a visit held up at its end for the outbox's own limit.
    """
    quota, reserve = quota_mb << 20, reserve_mb << 20
    letter = bucket(most_of(quota) + _AROUND) + _AROUND
    return Room(quota, reserve, max(0, 2 * letter - reserve))


def most_of(quota: int) -> int:
    """Bytes of a recording or a Bundle that an empty outbox of `quota` bytes takes both of, padded to whole MiB."""
    return min(MAX_CONTENT, quota // 2 - (2 << 20))
