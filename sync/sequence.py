"""Where an envelope stands in its sender's sequence, and what is wrong there: pure, for any order of coming.

Numbers that are missing are kept as gaps, exact and disjoint; so the highest number without a hole is known without
counting, whatever the order in which thousands of letters come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sync.envelope import NO_PREVIOUS

Gap = tuple[int, int]
"""First and last of numbers that are missing."""
Head = tuple[int, bytes]
"""Of an audit chain: number of entries, hash."""


@dataclass(frozen=True, slots=True)
class Place:
    """One envelope in its sender's sequence: its number, its links, and the audit chain as its sender saw it."""

    seq: int
    prev: bytes
    prot_hash: bytes
    audit: Head


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit at number `at`; see `store.Alarm`."""

    kind: Literal["chain", "audit"]
    at: int


def findings(place: Place, below: Place | None, above: Place | None) -> Iterator[Finding]:
    """What does not fit between a new place and the nearest known ones of the same sender.

    Whatever the order of coming, each pair of neighbours is looked at once both are there.
    """
    if place.seq == 1 and place.prev != NO_PREVIOUS:
        yield Finding("chain", 1)
    for lower, upper in ((below, place), (place, above)):
        if lower is not None and upper is not None:
            if upper.seq == lower.seq + 1 and upper.prev != lower.prot_hash:
                yield Finding("chain", upper.seq)
            if went_back(lower.audit, upper.audit):
                yield Finding("audit", upper.seq)


def went_back(earlier: Head, later: Head) -> bool:
    """Whether an audit chain that only grows cannot have gone from one head to the other."""
    return later[0] < earlier[0] or (later[0] == earlier[0] and later[1] != earlier[1])


def opened_gap(highest: int, seq: int) -> Gap | None:
    """The numbers that are skipped when `seq` comes after `highest`."""
    return (highest + 1, seq - 1) if seq > highest + 1 else None


def rest_of_gap(gap: Gap, seq: int) -> list[Gap]:
    """What is still missing of a gap when `seq` in it has come."""
    return [(first, last) for first, last in ((gap[0], seq - 1), (seq + 1, gap[1])) if first <= last]


def without_hole(highest: int, lowest_missing: int | None) -> int:
    """The highest number below which none is missing."""
    return highest if lowest_missing is None else lowest_missing - 1
