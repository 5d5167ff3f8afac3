"""The receipt: the record's signed word that allows a cabin to forget an envelope (DE1, "Receipt").

Signed, not sealed: it names a message, the hash of the envelope and a status, and no content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sync import cbor
from sync.errors import Refused
from sync.keys import Signature, Signers, SigningPair, verified

Status = Literal["stored", "duplicate", "rejected"]

VERSION = 1
MAX_LENGTH = 16384
_SIGN_INFO = b"DE1/receipt\0"
_LIMIT = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the record says of one envelope."""

    mid: bytes
    envelope_hash: bytes
    """SHA-256 of the envelope as it arrived."""
    status: Status
    reason: str
    """A code where the status is "rejected", else empty."""
    created_ms: int
    """UTC, milliseconds."""
    src: bytes
    highest: int
    """The highest sequence number of the sender below which the record misses none."""


def make_receipt(receipt: Receipt, signer: SigningPair) -> bytes:
    """The receipt as it travels, signed with both algorithms."""
    rprot = cbor.encode(
        {
            1: VERSION,
            2: receipt.mid,
            3: receipt.envelope_hash,
            4: receipt.status,
            5: receipt.reason,
            6: receipt.created_ms,
            7: receipt.src,
            8: receipt.highest,
        }
    )
    signatures = signer.sign(_SIGN_INFO + rprot)
    return cbor.encode([rprot, [[one.kid, one.alg, one.value] for one in signatures]])


def verify_receipt(data: bytes, signers: Signers) -> Receipt:
    """The receipt in `data`, once both signatures of a known record key verify.

    `Refused` with "malformed", "version" or "signature" otherwise. Whether it speaks of an envelope that was really
    sent is the outbox's question.
    """
    rprot, signatures = _split(data)
    receipt = _receipt(rprot)
    if verified(signatures, _SIGN_INFO + rprot, signers) is None:
        raise Refused("signature")
    return receipt


def is_receipt(data: bytes) -> bool:
    """Whether `data` has the outer shape of a receipt; sealed envelopes share its topic."""
    try:
        _split(data)
    except Refused:
        return False
    return True


def _decode(data: bytes) -> cbor.Plain:
    try:
        return cbor.decode(data)
    except cbor.MalformedCbor:
        raise Refused("malformed") from None


def _split(data: bytes) -> tuple[bytes, list[Signature]]:
    if len(data) > MAX_LENGTH:
        raise Refused("malformed")
    match _decode(data):
        case [bytes(rprot), list(signatures)]:
            return rprot, [_signature(one) for one in signatures]
    raise Refused("malformed")


def _signature(item: cbor.Plain) -> Signature:
    match item:
        case [bytes(kid), int(alg), bytes(value)]:
            return Signature(kid, alg, value)
    raise Refused("malformed")


def _receipt(rprot: bytes) -> Receipt:
    item = _decode(rprot)
    if not isinstance(item, dict) or not isinstance(item.get(1), int):
        raise Refused("malformed")
    if item[1] != VERSION:
        raise Refused("version")
    if list(item) != list(range(1, 9)):
        raise Refused("malformed")
    match item:
        case {
            2: bytes(mid),
            3: bytes(envelope),
            4: ("stored" | "duplicate" | "rejected") as status,
            5: str(reason),
            6: int(made),
            7: bytes(src),
            8: int(highest),
        }:
            ids_fit = len(mid) == len(src) == 16 and len(envelope) == 32
            if ids_fit and 0 <= made < _LIMIT and 0 <= highest < _LIMIT:
                return Receipt(mid, envelope, status, reason, made, src, highest)
    raise Refused("malformed")
