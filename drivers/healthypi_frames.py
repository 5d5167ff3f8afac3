"""HealthyPi v4 and v5: the frames of their USB stream and their commands, pure.

A frame is `0A FA | length u16 LE | type | payload | 00 0B`; a command, and its answer, `AA 55 | type | length |
payload | XOR of the payload`. The stream has no checksum and its two header bytes may stand in a payload: a frame
counts when length and type belong together, the trailer is in its place, and a frame or an answer begins right
behind it. Source: protocol sheet "ProtoCentral HealthyPi" (firmware of v4, of v5 and its Zephyr edition).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import xor

HEADER, TRAILER = b"\x0a\xfa", b"\x00\x0b"
HEAD = 5
"""Bytes before the payload: two of the header, two of the length, the type."""
AROUND = HEAD + len(TRAILER)
SYNC = b"\xaa\x55"
PONG = b"\xaa\x55\x81\x00\x00"
PING, STREAM_START, STREAM_STOP, SET_AUTOSTREAM = 0x01, 0x10, 0x11, 0x13

SAMPLE, ECG_BATCH, PPG_BATCH = 0x02, 0x03, 0x04
"""Types of a frame: one sample of everything; 8 of the ECG; 8 of the light with what is worked out of it."""


def encode_command(kind: int, payload: bytes = b"") -> bytes:
    """One command to a HealthyPi v5."""
    return SYNC + bytes([kind, len(payload)]) + payload + bytes([reduce(xor, payload, 0)])


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that fits."""

    kind: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes that belong to no frame."""

    count: int


Item = Frame | Pong | Skipped


class Framer:
    """Bytes, in any cut -> what they hold; pure. `lengths`: type of a frame -> bytes of its payload.

    A frame is given when the head of the next one has come; `flush` gives the last of a capture.
    """

    def __init__(self, lengths: Mapping[int, int]) -> None:
        self._heads = {_head(kind, length): AROUND + length for kind, length in lengths.items()}
        self._pending = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[Item]:
        """Take bytes; return what they complete."""
        self._pending += data
        found: list[Item] = []
        while len(self._pending) >= HEAD:
            size = self._size()
            if size is not None and len(self._pending) < size + HEAD:
                break
            found += self._take(size) if size is not None and self._fits(size) else self._slide()
        return found

    def flush(self) -> list[Item]:
        """Take what is there as all that comes."""
        found: list[Item] = []
        while self._pending:
            size = self._size()
            found += self._take(size) if size is not None and self._ends(size) else self._slide()
            found += self.feed(b"")
        return found + self._refused()

    def _size(self) -> int | None:
        """How long what begins here has to be; None where nothing does."""
        head = bytes(self._pending[:HEAD])
        return HEAD if head == PONG else self._heads.get(head)

    def _ends(self, size: int) -> bool:
        return len(self._pending) >= size and (size == HEAD or self._pending[size - 2 : size] == TRAILER)

    def _fits(self, size: int) -> bool:
        after = bytes(self._pending[size : size + HEAD])
        return self._ends(size) and (after in self._heads or after == PONG)

    def _slide(self) -> list[Item]:
        del self._pending[0]
        self._skipped += 1
        return []

    def _take(self, size: int) -> list[Item]:
        whole = bytes(self._pending[:size])
        del self._pending[:size]
        return [*self._refused(), Pong() if whole == PONG else Frame(whole[HEAD - 1], whole[HEAD : -len(TRAILER)])]

    def _refused(self) -> list[Item]:
        skipped, self._skipped = self._skipped, 0
        return [Skipped(skipped)] if skipped else []


def _head(kind: int, length: int) -> bytes:
    return HEADER + length.to_bytes(2, "little") + bytes([kind])
