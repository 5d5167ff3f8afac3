"""The audit chain: what happened in a cabin, each entry bound to all before it, every hundredth signed. Pure.

    h_n = SHA-256(0x00 || h_(n-1) || n as 8 bytes || event)          h_0 = 32 zero bytes, n from 1

An event is a deterministic CBOR map with text keys. A checkpoint signs `n` and `h_n` with both algorithms of the
cabin's signing pair, right after each entry whose number `EVERY` divides, and whenever the log is closed. So nobody
without the keys can alter, insert or remove an entry before the last checkpoint; cutting entries off the end cannot
be seen in the chain itself, which is why its head travels in every envelope and the record keeps it.

The bytes are frames, one after the other, in segments that each begin with the head that they continue:

    frame = kind (1 byte: "B", "E" or "C") || length of body (4 bytes) || n (8 bytes) || hash (32 bytes) || body

"B" begins a segment (n and hash of the entry before it, no body), "E" is an entry (body: the event), "C" a checkpoint
(n and hash that are signed; body: deterministic CBOR of [[kid, alg, sig], ...]). Numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sync import cbor
from sync.keys import Signature, Signers, SigningPair, verified

EVERY = 100
"""Entries between two checkpoints."""
MOST_TORN = 32768
"""Bytes that one write may leave behind unfinished: more is no torn tail."""
_HEAD = struct.Struct(">cIQ32s")
_SIGN_INFO = b"DE1/audit\0"
_SECTOR = 512
"""Bytes that reach a disk whole or not at all; a frame may have any few bytes of one."""

Why = Literal["torn", "frame", "order", "hash", "signature", "unsigned", "join"]
Value = int | str | bytes
Each = Callable[["Head", bytes], None]
"""Gets the head after an entry, and the entry's event."""


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries a chain has, and the hash of the last one."""

    count: int = 0
    hash: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain stops being whole: the number of the first entry that cannot be trusted, and why."""

    entry: int
    why: Why


@dataclass(frozen=True, slots=True)
class Walked:
    """How far some bytes are a whole chain."""

    head: Head
    length: int
    """Bytes up to there."""
    signed: int
    """Number of the last entry under a checkpoint (proven or, where no signers were given, present)."""
    strangers: frozenset[bytes]
    """Key ids of checkpoints that no known key could prove."""
    fault: Fault | None


def link(before: Head, event: bytes) -> Head:
    """The head after one more entry."""
    number = before.count + 1
    return Head(number, hashlib.sha256(b"\0" + before.hash + number.to_bytes(8, "big") + event).digest())


def begin(before: Head) -> bytes:
    """The frame that a segment begins with."""
    return _frame(b"B", before, b"")


def append(before: Head, event: Mapping[str, Value]) -> tuple[Head, bytes]:
    """One more entry: the new head, and the frame to write."""
    body = cbor.encode(dict(event))
    head = link(before, body)
    return head, _frame(b"E", head, body)


def checkpoint(head: Head, signer: SigningPair) -> bytes:
    """The frame that signs everything up to `head`."""
    signatures = signer.sign(_signed(head))
    return _frame(b"C", head, cbor.encode([[one.kid, one.alg, one.value] for one in signatures]))


def _frame(kind: bytes, head: Head, body: bytes) -> bytes:
    return _HEAD.pack(kind, len(body), head.count, head.hash) + body


def _signed(head: Head) -> bytes:
    return _SIGN_INFO + cbor.encode([head.count, head.hash])


def walk(
    data: bytes,
    before: Head | None,
    signers: Signers | None,
    each: Each = lambda _head, _event: None,
) -> Walked:
    """Follow one segment as far as it is whole; `each` gets the head after an entry, and the entry's event.

    `before` is the head that it has to continue, None where nobody knows. With `signers` every checkpoint of a known
    key must verify; those of others are told in `strangers`.
    """
    steps = _Steps(before, signers, each)
    at, why = 0, None
    while at < len(data):
        at, why = steps.step(data, at)
        if why is not None:
            break
    head = steps.head or Head()
    if why is None:
        return Walked(head, at, steps.signed, frozenset(steps.strangers), None)
    why = "torn" if why != "join" and is_torn(data, at) else why
    entry = head.count if why in ("signature", "unsigned") else head.count + 1
    return Walked(head, at, steps.signed, frozenset(steps.strangers), Fault(entry, why))


class _Steps:
    """One frame after the other: each either moves on or says why it does not fit."""

    def __init__(self, before: Head | None, signers: Signers | None, each: Each) -> None:
        self.head, self.signed, self.strangers = before, 0, set[bytes]()
        self._signers, self._each = signers, each
        self._unsigned = False

    def step(self, data: bytes, at: int) -> tuple[int, Why | None]:
        """The position behind the frame at `at`, or that position and what is wrong with it."""
        if len(data) - at < _HEAD.size:
            return at, "frame"
        kind, length, number, digest = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + length
        if end > len(data):
            return at, "frame"
        why: Why | None = "frame"
        if kind == b"E" and self.head is not None:
            why = self._entry(self.head, number, digest, data[at + _HEAD.size : end])
        elif kind == b"C" and self.head is not None:
            why = self._checkpoint(self.head, Head(number, digest), data[at + _HEAD.size : end])
        elif kind == b"B" and at == 0 and not length:
            why = self._begin(Head(number, digest))
        return (end, None) if why is None else (at, why)

    def _begin(self, said: Head) -> Why | None:
        if self.head is not None and self.head != said:
            return "join"
        self.head = said
        return None

    def _entry(self, head: Head, number: int, digest: bytes, event: bytes) -> Why | None:
        if self._unsigned:
            return "unsigned"
        following = link(head, event)
        if following.count != number:
            return "order"
        if following.hash != digest:
            return "hash"
        self.head, self._unsigned = following, number % EVERY == 0
        self._each(following, event)
        return None

    def _checkpoint(self, head: Head, said: Head, body: bytes) -> Why | None:
        signatures = _signatures(body)
        if said != head or not signatures:
            return "signature"
        self.signed, self._unsigned = head.count, False
        if self._signers is None:
            return None
        unknown = {one.kid for one in signatures} - self._signers.keys()
        self.strangers |= unknown
        proven = unknown or verified(signatures, _signed(head), self._signers)
        return None if proven else "signature"


def _signatures(body: bytes) -> list[Signature]:
    try:
        item = cbor.decode(body)
    except cbor.MalformedCbor:
        return []
    match item:
        case [[bytes(), int(), bytes()], *_] as rows:
            return [Signature(row[0], row[1], row[2]) for row in rows]  # type: ignore[index,arg-type]
    return []


def is_torn(data: bytes, at: int) -> bool:
    """Whether what stands at `at`, behind the last whole frame, is what a power cut leaves of one write.

    Either the file ends within a frame, or a sector of it never reached the disk and reads as zeros.
    """
    left = len(data) - at
    if left > MOST_TORN:
        return False
    edges = [at, *range((at // _SECTOR + 1) * _SECTOR, len(data), _SECTOR), len(data)]
    if left < _HEAD.size or any(not any(data[begin:end]) for begin, end in pairwise(edges)):
        return True
    kind, length, _, _ = _HEAD.unpack_from(data, at)
    return kind in (b"B", b"E", b"C") and _HEAD.size + length > left


def read_event(event: bytes) -> dict[str, Value]:
    """What an entry says; empty where it is no map of plain values."""
    try:
        item = cbor.decode(event)
    except cbor.MalformedCbor:
        return {}
    if not isinstance(item, dict):
        return {}
    return {str(key): value for key, value in item.items() if isinstance(value, int | str | bytes)}
