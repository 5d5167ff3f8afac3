"""Which protocol some bytes are of: the one whose decoder makes the most of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.events import Trouble
from drivers.instrument import Codec

MOST = 4096
"""Bytes at most that are looked at."""
ENOUGH = 2
"""Events that a decoder has to find; a single one may be chance."""


def recognize(data: bytes, decoders: Mapping[str, type[Codec]]) -> str | None:
    """The name of the protocol that `data`, cut out of the middle of a talk, is likeliest of; None where none fits.

    A decoder fits that finds more events than it refuses. The best has the least to refuse, then the most to say.
    """
    fits = {name: fit for name, decoder in decoders.items() if (fit := _fit(decoder(), data[-MOST:])) is not None}
    return max(fits, key=lambda name: fits[name]) if fits else None


def _fit(decoder: Codec, data: bytes) -> tuple[float, int] | None:
    """How well a decoder understands `data`: the share of its events that are no `Trouble`, and how many they are."""
    events = decoder.feed(data)
    flush = getattr(decoder, "flush", None)
    if flush is not None:
        events += flush()
    good = sum(not isinstance(event, Trouble) for event in events)
    if good < ENOUGH or 2 * good <= len(events):
        return None
    return good / len(events), good
