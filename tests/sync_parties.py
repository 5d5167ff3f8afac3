"""The parties of the delivery tests: a cabin, a record and a stranger with fixed keys, and letters between them."""

from __future__ import annotations

import hashlib

from sync.envelope import FHIR, Policy, Sealed, Stamp, open_envelope, seal
from sync.keys import LEVEL5, XWING, RecipientKey, SigningPair
from sync.outbox import Outbox, Sealer
from sync.receipt import Receipt, Status, make_receipt
from sync.sender import Sender

CABIN = SigningPair(bytes(range(32)), bytes(range(32, 64)), demo=True)
RECORD = SigningPair(bytes(range(64, 96)), bytes(range(96, 128)), demo=True)
STRANGER = SigningPair(bytes(range(128, 160)), bytes(range(160, 192)), demo=True)
RECIPIENT = RecipientKey(XWING, bytes(range(192, 224)), demo=True)
RECIPIENT5 = RecipientKey(LEVEL5, bytes(range(64)) + bytes([1]) + bytes(range(47)), demo=True)

RECIPIENTS = {RECIPIENT.public.kid: RECIPIENT}
CABINS = {CABIN.public.kid: CABIN.public}
RECORDS = {RECORD.public.kid: RECORD.public}
POLICY = Policy(CABINS)
BOTH_SUITES = Policy(CABINS, frozenset({XWING, LEVEL5}))
STAMP = Stamp(1_763_683_200_000, "ntp", b"boot-id-16-bytes", (7, bytes(range(32))))
SRC = b"sender-16-bytes!"


def mid(number: int) -> bytes:
    """The message id of the test document `number`."""
    return hashlib.sha256(f"document {number}".encode()).digest()[:16]


def content(number: int) -> bytes:
    """A small content that only document `number` has."""
    return b'{"resourceType": "Bundle", "total": %d}' % number


def sealed(number: int = 1, *, seq: int | None = None, prev: bytes = bytes(32), body: bytes | None = None) -> Sealed:
    """One envelope from the cabin to the record."""
    return seal(
        content(number) if body is None else body,
        FHIR,
        recipient=RECIPIENT.public,
        signer=CABIN,
        mid=mid(number),
        src=SRC,
        seq=number if seq is None else seq,
        prev=prev,
        stamp=STAMP,
    )


def sender(outbox: Outbox) -> Sender:
    """The cabin's own way into its outbox."""
    return Sender(outbox, RECIPIENT.public, CABIN, lambda: STAMP)


def blank_sealer(number: int, size: int = 100) -> Sealer:
    """A sealer without cryptography: the outbox does not look into what it keeps."""

    def seal_blank(seq: int, prev: bytes) -> Sealed:
        text = mid(number) + seq.to_bytes(8, "big") + prev
        return Sealed(text + bytes(size), hashlib.sha256(text).digest())

    return seal_blank


def receipt(
    message: bytes,
    envelope: bytes,
    src: bytes,
    status: Status = "stored",
    *,
    reason: str = "",
    signer: SigningPair = RECORD,
) -> bytes:
    """A receipt of the record, or of somebody who would like to be it."""
    digest = hashlib.sha256(envelope).digest()
    return make_receipt(Receipt(message, digest, status, reason, 1, src, 0), signer)


def reopened(envelope: bytes) -> bytes:
    """The content, as the record opens it."""
    return open_envelope(envelope, RECIPIENTS, POLICY).content
