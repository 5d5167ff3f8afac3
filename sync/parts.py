"""An envelope that is larger than a broker takes at once travels in parts, on the same topic; a pure codec.

`part = det [ mid: bstr16, H(envelope): bstr32, index: u, count: u, bytes: bstr ]`, index from 0, count from 2: five
items where an envelope and a receipt have two, so that neither is taken for another. A part proves nothing by itself:
the whole is an envelope, and is opened and refused as one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sync import cbor
from sync.envelope import MAX_ENVELOPE

LEAST = 4096
"""Bytes of the smallest message that an envelope is split for."""
MOST_PARTS = 1 << 14
"""More than the largest envelope in the smallest parts."""
_AROUND = 1 + 17 + 34 + 3 + 3 + 5
"""Most bytes that stand around those of the envelope: the array, both ids, index and count, the head of the bytes."""
_FIVE = 0x85
"""How an array of five items begins."""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of an envelope; pieces of one `mid`, `envelope_hash` and `count` make the whole, in order of `index`.

    The same envelope may come again in another number of parts, if the sender's limit has changed: the two sets do
    not mix. With the same number of parts the pieces are the same, byte for byte.
    """

    mid: bytes
    envelope_hash: bytes
    """SHA-256 of the whole."""
    index: int
    count: int
    data: bytes = field(repr=False)


def split(mid: bytes, envelope: bytes, most: int) -> list[bytes]:
    """The messages of at most `most` bytes that carry an envelope: itself where it fits, else its parts.

    `ValueError` where `most` is less than `LEAST`.
    """
    if most < LEAST:
        raise ValueError(f"A part has room for {LEAST} bytes at least.")
    if len(envelope) <= most:
        return [envelope]
    count = _ceil(len(envelope), most - _AROUND)
    # Equal steps, and the count that they really make: so the count alone says where the pieces begin.
    count = _ceil(len(envelope), _ceil(len(envelope), count))
    step = _ceil(len(envelope), count)
    digest = hashlib.sha256(envelope).digest()
    pieces = [envelope[at : at + step] for at in range(0, len(envelope), step)]
    return [cbor.encode([mid, digest, index, count, piece]) for index, piece in enumerate(pieces)]


def _ceil(number: int, by: int) -> int:
    return -(-number // by)


def read_part(data: bytes) -> Part | None:
    """The part in `data`; None where there is none, or one that no sender makes."""
    if data[:1] != bytes([_FIVE]) or len(data) > MAX_ENVELOPE:
        return None
    try:
        item = cbor.decode(data)
    except cbor.MalformedCbor:
        return None
    match item:
        case [bytes(mid), bytes(digest), int(index), int(count), bytes(piece)]:
            ids_fit = len(mid) == 16 and len(digest) == 32
            if ids_fit and 2 <= count <= MOST_PARTS and 0 <= index < count and piece:
                return Part(mid, digest, index, count, piece)
    return None
