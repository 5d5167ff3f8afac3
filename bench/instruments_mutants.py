"""Bytes that were damaged on the way, any number of them, the same for the same seed; pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

PIECE = 4096
"""Bytes that are given to a decoder at once."""
EVERY = 200
"""One byte in so many is damaged, on average."""
SLICE = 2000
"""Bytes of the talk between two cuts, on average."""


def noise(count: int, seed: int) -> Iterator[bytes]:
    """`count` random bytes in pieces."""
    chance = random.Random(seed)
    for left in range(count, 0, -PIECE):
        yield chance.randbytes(min(PIECE, left))


def mutants(talks: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` bytes of the talks, cut out anywhere and damaged, in pieces of uneven size."""
    chance = random.Random(seed)
    sent = 0
    while sent < count:
        talk = chance.choice(talks)
        at = chance.randrange(len(talk))
        piece = damaged(talk[at : at + 1 + int(chance.expovariate(1 / SLICE))], chance)[: count - sent]
        sent += len(piece)
        cut = chance.randint(0, len(piece))
        yield from (part for part in (piece[:cut], piece[cut:]) if part)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Flipped, dropped, doubled, swapped and foreign bytes, about one in `EVERY`."""
    spoilt = bytearray(data)
    at = int(chance.expovariate(1 / EVERY))
    while at < len(spoilt):
        match chance.randrange(5):
            case 0:
                spoilt[at] ^= 1 << chance.randrange(8)
            case 1:
                del spoilt[at]
            case 2:
                spoilt.insert(at, spoilt[at])
            case 3:
                spoilt[at : at + 2] = spoilt[at : at + 2][::-1]
            case 4:
                spoilt[at] = chance.randrange(256)
        at += 1 + int(chance.expovariate(1 / EVERY))
    return bytes(spoilt)
