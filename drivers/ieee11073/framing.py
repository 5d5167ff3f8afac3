"""Bytes in any cut -> whole messages, by the length that each begins with; pure.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", section 1. One transfer of USB holds one message or a part of
one, and any other stream cuts where it likes: only the length counts. There is no checksum, so a header is believed
only where its parts agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from drivers.events import Trouble
from drivers.ieee11073.apdu import AARE, AARQ, ABRT, PRST, RLRE, RLRQ

LONGEST = 63 * 1024
"""Bytes of the longest message in practice."""
HEADER = 4
LENGTHS: Mapping[int, range] = {
    AARQ: range(12, 513),
    AARE: range(6, 513),
    RLRQ: range(2, 3),
    RLRE: range(2, 3),
    ABRT: range(2, 3),
    PRST: range(8, LONGEST - HEADER + 1),
}
"""Type -> lengths that it can have."""
_HEADER = re.compile(rb"[\xe2-\xe7](?:\x00|\Z)")
"""A message's first byte, with its second or at the end of what is there."""


class Framer:
    """Bytes in any cut -> whole messages; keeps less than one of them.

    Where no message can begin, bytes are skipped to the next place where one can; how many is told once it is found.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[bytes | Trouble]:
        """Take bytes; return the messages that they complete."""
        found: list[bytes | Trouble] = []
        # In pieces, so that a flood is no more to keep than a message.
        for at in range(0, len(data), LONGEST):
            self._pending += data[at : at + LONGEST]
            found += self._cut()
        return found

    def flush(self) -> list[Trouble]:
        """Nothing more comes: what was skipped. A message that was cut short says nothing."""
        skipped, self._skipped = self._skipped, 0
        self._pending.clear()
        return [Trouble("resync", "bytes that belong to no message", skipped)] if skipped else []

    def _cut(self) -> list[bytes | Trouble]:
        found: list[bytes | Trouble] = []
        at = 0
        while (size := _size(self._pending, at)) is not None:
            if size == 0:
                begin = _next_header(self._pending, at + 1)
                self._skipped += begin - at
                at = begin
                continue
            if self._skipped:
                found.append(Trouble("resync", "bytes that belong to no message", self._skipped))
                self._skipped = 0
            found.append(bytes(self._pending[at : at + size]))
            at += size
        del self._pending[:at]
        return found


def _next_header(pending: bytearray, at: int) -> int:
    """Where the next message could begin, `at` or later; the end where none can."""
    found = _HEADER.search(pending, at)
    return len(pending) if found is None else found.start()


def _size(pending: bytearray, at: int) -> int | None:
    """Bytes of the message that begins at `at`; 0 where none can begin, None while too little of it is there."""
    have = len(pending) - at
    if have and _HEADER.match(pending, at) is None:
        return 0
    if have < HEADER:
        return None
    kind, length = int.from_bytes(pending[at : at + 2]), int.from_bytes(pending[at + 2 : at + 4])
    if length not in LENGTHS.get(kind, ()):
        return 0
    if kind == PRST and have >= HEADER + 2 and int.from_bytes(pending[at + 4 : at + 6]) != length - 2:
        return 0
    return HEADER + length if have >= HEADER + length else None
