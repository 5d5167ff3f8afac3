"""Valid envelopes taken apart, as an attacker would like to have them, and put together again in any shape.

The pieces are encoded by hand (RFC 8949), so that they can also be encoded wrongly. Sealing needs the record's public
key alone, which everybody has; only the cabin's own signing keys can make a signature that verifies.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

from sync import cbor
from sync.envelope import Header, Stamp, bucket, seal
from sync.keys import RecipientKey
from tests.sync_parties import CABIN, RECIPIENT, STAMP

OLD_RECIPIENT = RecipientKey(RECIPIENT.suite, bytes(range(100, 132)), demo=True)
"""A second key of the record, whose letters it still opens."""
RECIPIENTS = {key.public.kid: key for key in (RECIPIENT, OLD_RECIPIENT)}
SEAL_INFO, SIGN_INFO = b"DE1/seal\0", b"DE1/sign\0"
Sigs = list[list[Any]]
"""Signatures as they travel: key id, algorithm, bytes."""


@dataclass(frozen=True)
class Valid:
    """One envelope of the cabin, and everything that it is made of."""

    envelope: bytes
    header: Header
    box: bytes
    prot: bytes
    body: bytes
    sigs: Sigs
    recipient: RecipientKey = field(repr=False)

    @cached_property
    def raw(self) -> bytes:
        """The header's bytes."""
        return self.header.encoded()

    def inner(self, prot: bytes | None = None, body: bytes | None = None, sigs: Sigs | None = None) -> bytes:
        """The inner part without its padding, with other pieces where they are given."""
        return cbor.encode(
            [
                self.prot if prot is None else prot,
                self.body if body is None else body,
                self.sigs if sigs is None else sigs,
            ]
        )

    def means_the_same(self, inner: bytes) -> bool:
        """Whether an inner part differs in its padding or compression alone: one content has many deflate streams."""
        try:
            item, used = cbor.decode_first(inner)
            prot, body, sigs = cast("list[Any]", item)
            same = zlib.decompress(body) == zlib.decompress(self.body) if self.fields()[4] else body == self.body
        except (ValueError, TypeError, zlib.error):
            return False
        return same and (prot, sigs) == (self.prot, self.sigs) and not any(inner[used:])

    def fields(self) -> dict[Any, Any]:
        """The protected map, to be changed."""
        found = cbor.decode(self.prot)
        assert isinstance(found, dict)
        return dict(found)

    def resealed(self, inner: bytes, raw: bytes | None = None, *, size: int | None = None) -> bytes:
        """Another inner part in a box of its own; the header is this one's where none is given."""
        size = self.header.size if size is None else size
        padded = inner.ljust(size, b"\0")
        raw = self.raw if raw is None else raw
        return cbor.encode([raw, self.recipient.public.seal(padded, SEAL_INFO + raw)])

    def signed_anew(self, fields: dict[Any, Any], body: bytes, keep: int = 0) -> bytes:
        """True signatures over other fields, with a header whose size fits; `keep` is a field not to be mended."""
        size = bucket(len(self.inner(cbor.encode(fields), body)))
        raw = replace(self.header, size=size).encoded()
        if keep != 2:
            fields[2] = digest(raw)
        prot = cbor.encode(fields)
        sigs = [[one.kid, one.alg, one.value] for one in CABIN.sign(SIGN_INFO + prot)]
        return self.resealed(self.inner(prot, body, sigs), raw, size=size)


def valid(number: int) -> Valid:
    """The cabin's envelope of that number: small and large, compressed and not, to either key of the record."""
    dice = random.Random(number)
    content = dice.randbytes(dice.randrange(10, 3_000)) if number % 2 else b"tension " * dice.randrange(10, 2_000)
    recipient = OLD_RECIPIENT if number % 5 == 0 else RECIPIENT
    stamp: Stamp = replace(STAMP, created_ms=STAMP.created_ms + number, audit=(number, dice.randbytes(32)))
    sealed = seal(
        content,
        "application/fhir+json",
        recipient=recipient.public,
        signer=CABIN,
        mid=dice.randbytes(16),
        src=b"sender-16-bytes!",
        seq=number + 1_000,
        prev=dice.randbytes(32),
        stamp=stamp,
    )
    return taken_apart(sealed.envelope, recipient)


def taken_apart(envelope: bytes, recipient: RecipientKey) -> Valid:
    """The pieces of an envelope for `recipient`."""
    outer = cbor.decode(envelope)
    assert isinstance(outer, list)
    raw, box = outer
    assert isinstance(raw, bytes)
    assert isinstance(box, bytes)
    fields: Any = cbor.decode(raw)
    header = Header(*(fields[number] for number in range(2, 8)))
    inner: Any = cbor.decode_first(recipient.open(box, SEAL_INFO + raw))[0]
    prot, body, sigs = inner
    return Valid(envelope, header, box, prot, body, sigs, recipient)


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()
