"""DE1, the sealed envelope from cabin to record: seal and open, both pure.

Standard HPKE around deterministic CBOR: the content is signed twice, compressed, padded to a bucket and sealed to the
record's key; broker and disk thieves see the header only. The opener refuses with one of nine codes and nothing else.

Numbers of the page are unsigned without a limit of their own; those that the receiver's database counts with
(seq, created, length of the audit chain) are refused as malformed from 2^63 - 1 on.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sync import cbor
from sync.errors import Refused
from sync.keys import (
    ENC_LENGTH,
    SIGNATURE_LENGTH,
    TAG_LENGTH,
    XWING,
    RecipientKey,
    RecipientPublic,
    Signature,
    Signers,
    SigningPair,
    verified,
)

VERSION = 1
FHIR = "application/fhir+json"
RECEIPT = "application/vnd.cabin.receipt+cbor"
RECORDING = "application/vnd.cabin.recording+cbor"
CONFIG = "application/vnd.cabin.config+cbor"
APPOINTMENTS = "application/vnd.cabin.appointments+cbor"
CONTENT_TYPES = frozenset({FHIR, RECEIPT, RECORDING, CONFIG, APPOINTMENTS})

MAX_CONTENT = 32 << 20
"""A body inflates to at most this many bytes."""
NO_PREVIOUS = bytes(32)
"""`prev` of the first envelope of a sender."""
CLOCKS = ("ntp", "rtc", "unset")

_SEAL_INFO = b"DE1/seal\0"
_SIGN_INFO = b"DE1/sign\0"
_SMALLEST_BUCKET, _MIB = 2048, 1 << 20
_MAX_SIZE = MAX_CONTENT + _MIB
"""The largest bucket: an incompressible body of the largest content, and what stands around it."""
MAX_ENVELOPE = _MAX_SIZE + 4096
"""Bytes: no envelope is larger."""
_LIMIT = (1 << 63) - 1

Clock = Literal["ntp", "rtc", "unset"]


@dataclass(frozen=True, slots=True)
class Header:
    """The clear part: version 1, recipient, message and sender ids, sequence number, padding bucket in bytes."""

    suite: int
    rkid: bytes
    mid: bytes
    src: bytes
    seq: int
    size: int

    def encoded(self) -> bytes:
        """The deterministic map of the page; exactly these bytes are bound by HPKE and by the signatures."""
        return cbor.encode(
            {1: VERSION, 2: self.suite, 3: self.rkid, 4: self.mid, 5: self.src, 6: self.seq, 7: self.size}
        )


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the sender knows of itself when it seals: time, trust in the clock, boot, head of its audit chain."""

    created_ms: int
    """UTC, milliseconds."""
    clock: Clock
    boot: bytes
    """16 bytes, new at each start of the machine."""
    audit: tuple[int, bytes]
    """Number of entries and hash (32 bytes)."""


@dataclass(frozen=True, slots=True)
class Protected:
    """The signed part: what the content is, its hash, when and after which envelope it was made."""

    header_hash: bytes
    content_type: str
    zip: Literal["deflate", ""]
    content_hash: bytes
    stamp: Stamp
    prev: bytes

    def encoded(self) -> bytes:
        """The deterministic map of the page; exactly these bytes are signed and archived."""
        stamp = self.stamp
        head: dict[int, object] = {1: VERSION, 2: self.header_hash, 3: self.content_type, 4: self.zip}
        made = {5: self.content_hash, 6: stamp.created_ms, 7: stamp.clock, 8: stamp.boot}
        return cbor.encode({**head, **made, 9: self.prev, 10: list(stamp.audit)})


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored and sent, and the link for the next envelope of the same sender."""

    envelope: bytes = field(repr=False)
    prot_hash: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was opened and verified; `prot` and `signatures` are its provenance, to be archived."""

    header: Header
    protected: Protected
    prot: bytes = field(repr=False)
    signatures: tuple[Signature, ...]
    content: bytes = field(repr=False)

    @property
    def prot_hash(self) -> bytes:
        """What the sender's next envelope names as its predecessor."""
        return hashlib.sha256(self.prot).digest()


@dataclass(frozen=True, slots=True)
class Policy:
    """What a receiver takes: its allow-list of suites, and the signers it knows (both signatures are required).

    A revoked signer is unknown for what it made from a time on (key id -> UTC milliseconds; 0: for everything, since
    a thief can set any date). What the record already has of it stays there.
    """

    signers: Signers
    suites: frozenset[int] = frozenset({XWING})
    revoked: Mapping[bytes, int] = field(default_factory=dict)

    def signers_at(self, created_ms: int) -> Signers:
        """Whose signatures count on something that says it was made then (UTC milliseconds)."""
        if not self.revoked:
            return self.signers
        return {kid: key for kid, key in self.signers.items() if created_ms < self.revoked.get(kid, created_ms + 1)}


def bucket(length: int) -> int:
    """The padding bucket of an inner part: 2048 times a power of two up to 1 MiB, then whole MiB."""
    if length > _MIB:
        return -(-length // _MIB) * _MIB
    return max(_SMALLEST_BUCKET, 1 << (length - 1).bit_length())


def seal(
    content: bytes,
    content_type: str,
    *,
    recipient: RecipientPublic,
    signer: SigningPair,
    mid: bytes,
    src: bytes,
    seq: int,
    prev: bytes,
    stamp: Stamp,
    compress: bool = True,
) -> Sealed:
    """Sign, compress, pad and seal `content`. `ValueError` where the content is larger than 32 MiB."""
    if len(content) > MAX_CONTENT:
        raise ValueError("The content is larger than 32 MiB: send it in parts.")
    body = zlib.compress(content) if compress else content
    if len(body) >= len(content):
        body, compress = content, False

    def protect(header_hash: bytes) -> bytes:
        digest = hashlib.sha256(content).digest()
        return Protected(header_hash, content_type, "deflate" if compress else "", digest, stamp, prev).encoded()

    # Every field that depends on the header has a fixed length, so the bucket is known before the header is.
    blank = tuple(Signature(bytes(16), alg, bytes(length)) for alg, length in SIGNATURE_LENGTH.items())
    size = bucket(len(_inner(protect(bytes(32)), b"", blank)) + len(body) + len(cbor.encode(len(body))) - 1)
    header = Header(recipient.suite, recipient.kid, mid, src, seq, size).encoded()
    prot = protect(hashlib.sha256(header).digest())
    inner = _inner(prot, body, signer.sign(_SIGN_INFO + prot))
    box = recipient.seal(inner + bytes(size - len(inner)), _SEAL_INFO + header)
    return Sealed(cbor.encode([header, box]), hashlib.sha256(prot).digest())


def _inner(prot: bytes, body: bytes, signatures: tuple[Signature, ...]) -> bytes:
    return cbor.encode([prot, body, [[one.kid, one.alg, one.value] for one in signatures]])


def open_envelope(envelope: bytes, recipients: Mapping[bytes, RecipientKey], policy: Policy) -> Opened:
    """Open and verify one envelope; `Refused` with one of the nine codes is all that is ever raised."""
    try:
        return _open(envelope, recipients, policy)
    except Refused as refusal:
        code = refusal.code
    except Exception:
        # A fault that no check foresaw must not become a way to stop the receiver or to leak content by a traceback.
        code = "malformed"
    raise Refused(code)


def peek(envelope: bytes) -> Header:
    """The unverified header, to route or to name an envelope; `Refused` where there is none."""
    return _header(_split(envelope)[0])


def _open(envelope: bytes, recipients: Mapping[bytes, RecipientKey], policy: Policy) -> Opened:
    raw, box = _split(envelope)
    header = _header(raw)
    if header.suite not in policy.suites or header.suite not in ENC_LENGTH:
        raise Refused("suite")
    key = recipients.get(header.rkid)
    if key is None:
        raise Refused("unknown-recipient")
    if key.suite != header.suite:
        raise Refused("suite")
    _check_size(header, box)
    prot, body, signatures = _unpack(_decrypt(key, box, raw))
    protected = _protected(prot)
    if protected.header_hash != hashlib.sha256(raw).digest():
        raise Refused("header-mismatch")
    proven = verified(signatures, _SIGN_INFO + prot, policy.signers_at(protected.stamp.created_ms))
    if proven is None:
        raise Refused("signature")
    content = _inflate(body) if protected.zip else body
    if len(content) > MAX_CONTENT:
        raise Refused("size")
    if hashlib.sha256(content).digest() != protected.content_hash:
        raise Refused("content-hash")
    return Opened(header, protected, prot, proven, content)


def _decrypt(key: RecipientKey, box: bytes, raw_header: bytes) -> bytes:
    try:
        return key.open(box, _SEAL_INFO + raw_header)
    except Exception:
        raise Refused("decrypt") from None


def _decode(data: bytes) -> cbor.Plain:
    try:
        return cbor.decode(data)
    except cbor.MalformedCbor:
        raise Refused("malformed") from None


def _split(envelope: bytes) -> tuple[bytes, bytes]:
    if len(envelope) > MAX_ENVELOPE:
        raise Refused("size")
    match _decode(envelope):
        case [bytes(raw), bytes(box)]:
            return raw, box
    raise Refused("malformed")


def _header(raw: bytes) -> Header:
    match _versioned(raw, 7):
        case {2: int(suite), 3: bytes(rkid), 4: bytes(mid), 5: bytes(src), 6: int(seq), 7: int(size)}:
            ids_fit = len(rkid) == len(mid) == len(src) == 16
            if ids_fit and 1 <= seq < _LIMIT and suite >= 0 and size >= 0:
                return Header(suite, rkid, mid, src, seq, size)
    raise Refused("malformed")


def _versioned(raw: bytes, fields: int) -> dict[int | str, cbor.Plain]:
    """A map with the keys 1 to `fields`, of the version that is spoken here."""
    item = _decode(raw)
    if not isinstance(item, dict) or not isinstance(item.get(1), int):
        raise Refused("malformed")
    if item[1] != VERSION:
        raise Refused("version")
    if list(item) != list(range(1, fields + 1)):
        raise Refused("malformed")
    return item


def _check_size(header: Header, box: bytes) -> None:
    announced = ENC_LENGTH[header.suite] + header.size + TAG_LENGTH
    if header.size > _MAX_SIZE or header.size != bucket(header.size) or len(box) != announced:
        raise Refused("size")


def _unpack(inner: bytes) -> tuple[bytes, bytes, list[Signature]]:
    try:
        item, used = cbor.decode_first(inner)
    except cbor.MalformedCbor:
        raise Refused("malformed") from None
    if any(inner[used:]):
        raise Refused("malformed")
    match item:
        case [bytes(prot), bytes(body), [_, *_] as signatures]:
            return prot, body, [_signature(one) for one in signatures]
        case [bytes(), bytes(), []]:
            raise Refused("signature")
    raise Refused("malformed")


def _signature(item: cbor.Plain) -> Signature:
    match item:
        case [bytes(kid), int(alg), bytes(value)] if len(kid) == 16:
            return Signature(kid, alg, value)
    raise Refused("malformed")


def _protected(raw: bytes) -> Protected:
    item = _versioned(raw, 10)
    stamp = _stamp(item)
    match item:
        case {2: bytes(header), 3: str(kind), 4: ("deflate" | "") as method, 5: bytes(content), 9: bytes(prev)}:
            if len(header) == len(content) == len(prev) == 32:
                return Protected(header, kind, "deflate" if method else "", content, stamp, prev)
    raise Refused("malformed")


def _stamp(item: dict[int | str, cbor.Plain]) -> Stamp:
    match item:
        case {6: int(made), 7: ("ntp" | "rtc" | "unset") as clock, 8: bytes(boot), 10: [int(count), bytes(head)]}:
            if 0 <= made < _LIMIT and 0 <= count < _LIMIT and len(boot) == 16 and len(head) == 32:
                return Stamp(made, clock, boot, (count, head))
    raise Refused("malformed")


def _inflate(body: bytes) -> bytes:
    """The whole of one zlib stream and nothing after it; never more than the limit and one byte."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(body, MAX_CONTENT + 1)
    except zlib.error:
        raise Refused("malformed") from None
    if len(content) > MAX_CONTENT:
        raise Refused("size")
    if not stream.eof or stream.unused_data:
        raise Refused("malformed")
    return content
