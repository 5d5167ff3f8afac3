"""A cabin asks to be let in: one file with its three public keys, signed by the pair that will sign its letters.

    request = det [ req: bstr, sigs: [ 2* [kid: bstr16, alg: int, sig: bstr] ] ]
    req     = det { 1: 1, 2: csr bstr,             ; TLS: PKCS #10, DER, signed by its own key
                    3: signing bstr,               ; Ed25519 and ML-DSA-65 public keys, 1984 bytes
                    4: [suite u, key bstr],        ; what is posted to the cabin is sealed to this
                    5: made u }                    ; UTC ms

Signed over "DE1/enrol\\0" and req by the pair of 3, and at a renewal by the pair that the record knows too. The
fingerprint covers the whole file; two people compare it by voice: nothing else ties a first request to a booth.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sync import cbor
from sync.errors import Refused
from sync.keys import RecipientPublic, Signature, Signers, SigningPair, SigningPublic, verified

VERSION = 1
_INFO = b"DE1/enrol\0"
_MOST_BYTES = 64 << 10
_LIMIT = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Request:
    """Public keys of one cabin; possession of each signing key is proved."""

    csr: bytes
    signing: SigningPublic
    post: RecipientPublic
    made_ms: int


def make_request(request: Request, pairs: tuple[SigningPair, ...]) -> bytes:
    """The file to hand over, signed by `pairs`: the request's own, and the one before at a renewal."""
    item = {
        1: VERSION,
        2: request.csr,
        3: request.signing.raw,
        4: [request.post.suite, request.post.raw],
        5: request.made_ms,
    }
    req = cbor.encode(item)
    signatures = [one for pair in pairs for one in pair.sign(_INFO + req)]
    return cbor.encode([req, [[one.kid, one.alg, one.value] for one in signatures]])


def read_request(data: bytes, known: Signers) -> tuple[Request, bytes | None]:
    """A request, and the id of the `known` key that vouches for it; None where it is a first one.

    Raises `Refused` with "size", "malformed", "version" or "signature", and nothing else.
    """
    try:
        return _read(data, known)
    except Refused as refusal:
        code = refusal.code
    except Exception:
        code = "malformed"
    raise Refused(code)


def fingerprint(data: bytes) -> str:
    """Eighty bits of a request to compare by voice: "1a2b 3c4d 5e6f 7081 92a3"."""
    digest = hashlib.sha256(b"DE1/enrol-fingerprint\0" + data).hexdigest()[:20]
    return " ".join(digest[at : at + 4] for at in range(0, 20, 4))


def _read(data: bytes, known: Signers) -> tuple[Request, bytes | None]:
    if len(data) > _MOST_BYTES:
        raise Refused("size")
    match cbor.decode(data):
        case [bytes(req), list(listed)]:
            signatures = [_signature(one) for one in listed]
        case _:
            raise Refused("malformed")
    request = _request(req)
    if verified(signatures, _INFO + req, {request.signing.kid: request.signing}) is None:
        raise Refused("signature")
    by_others = [one for one in signatures if one.kid in known]
    if not by_others:
        return request, None
    proven = verified(by_others, _INFO + req, known)
    if proven is None:
        raise Refused("signature")
    return request, proven[-1].kid


def _signature(item: cbor.Plain) -> Signature:
    match item:
        case [bytes(kid), int(alg), bytes(value)]:
            return Signature(kid, alg, value)
    raise Refused("malformed")


def _request(req: bytes) -> Request:
    match cbor.decode(req):
        case {1: int(version)} if version != VERSION:
            raise Refused("version")
        case {2: bytes(csr), 3: bytes(signing), 4: [int(suite), bytes(post)], 5: int(made)} if 0 <= made < _LIMIT:
            return Request(csr, SigningPublic(signing), RecipientPublic(suite, post), made)
    raise Refused("malformed")
