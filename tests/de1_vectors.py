"""The vectors of DE1 in tests/vectors/de1: `python -m tests.de1_vectors` makes them anew.

Fixed keys of the tests, good for nothing else. Neither HPKE's ephemeral key nor ML-DSA's randomness is fixed, so each
making gives other bytes with the same meaning; what is kept is one making of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sync import cbor
from sync.envelope import FHIR, NO_PREVIOUS, RECORDING, Header, Protected, Sealed, open_envelope, peek, seal
from sync.keys import RecipientKey, SigningPair
from sync.receipt import Receipt, make_receipt, verify_receipt
from tests.sync_parties import (
    BOTH_SUITES,
    CABIN,
    RECIPIENT,
    RECIPIENT5,
    RECORD,
    RECORDS,
    SRC,
    STAMP,
    STRANGER,
    content,
    mid,
    sealed,
)

FOLDER = Path(__file__).resolve().parent / "vectors" / "de1"
SIZE = 4096
RECIPIENTS = {key.public.kid: key for key in (RECIPIENT, RECIPIENT5)}


def b64(data: bytes) -> str:
    """Base64, as bytes of some length stand in the vectors; short ones are hex."""
    return base64.b64encode(data).decode()


def keys() -> dict[str, Any]:
    """Every key: secrets as they are kept, public keys raw, and key ids."""
    return {
        **{
            name: {"suite": key.suite, "secret": key.secret.hex(), **_public(key)}
            for name, key in (("record", RECIPIENT), ("record-level5", RECIPIENT5))
        },
        **{
            name: {"ed25519": pair.ed_seed.hex(), "ml-dsa-65": pair.ml_seed.hex(), **_public(pair)}
            for name, pair in (("cabin", CABIN), ("receipts", RECORD), ("stranger", STRANGER))
        },
    }


def _public(key: RecipientKey | SigningPair) -> dict[str, str]:
    return {"public": b64(key.public.raw), "kid": key.public.kid.hex()}


def forge(
    *,
    body: bytes = b"body",
    signers: tuple[SigningPair, ...] = (CABIN,),
    keep: slice = slice(None),
    inner: bytes | None = None,
    tail: bytes = b"",
    protect: Mapping[int, object] | None = None,
    drop: int | None = None,
    size: int = SIZE,
) -> bytes:
    """An envelope that is well sealed by somebody who need not keep the page's rules."""
    header = Header(1, RECIPIENT.public.kid, mid(1), SRC, 1, size).encoded()
    hashes = hashlib.sha256(header).digest(), hashlib.sha256(body).digest()
    fields: dict[Any, Any] = {**_decoded(Protected(hashes[0], FHIR, "", hashes[1], STAMP, NO_PREVIOUS).encoded())}
    fields.update(protect or {})
    fields.pop(drop, None)
    prot = cbor.encode(fields)
    signatures = [[s.kid, s.alg, s.value] for pair in signers for s in pair.sign(b"DE1/sign\0" + prot)][keep]
    inner = cbor.encode([prot, body, signatures]) if inner is None else inner
    padded = inner + bytes(size - len(inner) - len(tail)) + tail
    return cbor.encode([header, RECIPIENT.public.seal(padded, b"DE1/seal\0" + header)])


def _decoded(raw: bytes) -> dict[int | str, cbor.Plain]:
    item = cbor.decode(raw)
    assert isinstance(item, dict)
    return item


def _outer(envelope: bytes) -> tuple[bytes, bytes]:
    match cbor.decode(envelope):
        case [bytes(raw), bytes(box)]:
            return raw, box
    raise AssertionError("no envelope")


def with_header(envelope: bytes, change: Mapping[int, object]) -> bytes:
    """The envelope with other values in its clear header, its box left alone."""
    raw, box = _outer(envelope)
    fields: dict[Any, Any] = {**_decoded(raw), **change}
    return cbor.encode([cbor.encode(fields), box])


def aimed_anew(envelope: bytes) -> bytes:
    """A genuine inner part, sealed under another header."""
    raw, box = _outer(envelope)
    other = replace(peek(envelope), mid=mid(2)).encoded()
    return cbor.encode(
        [other, RECIPIENT.public.seal(RECIPIENT.open(box, b"DE1/seal\0" + raw), b"DE1/seal\0" + other)]
    )


HEADERS: Mapping[str, tuple[Mapping[int, object], str]] = {
    "version 2": ({1: 2}, "version"),
    "suite 2": ({2: 2}, "suite"),
    "suite of another level": ({2: 3}, "suite"),
    "stranger's recipient": ({3: bytes(16)}, "unknown-recipient"),
    "recipient of another suite": ({3: RECIPIENT5.public.kid}, "suite"),
    "short recipient id": ({3: bytes(15)}, "malformed"),
    "another message id": ({4: bytes(16)}, "decrypt"),
    "another sender": ({5: bytes(16)}, "decrypt"),
    "another number": ({6: 2}, "decrypt"),
    "number 0": ({6: 0}, "malformed"),
    "negative number": ({6: -1}, "malformed"),
    "another bucket": ({7: 2048}, "size"),
    "no bucket": ({7: 5000}, "size"),
    "too large": ({7: 64 << 20}, "size"),
    "a field too many": ({8: 1}, "malformed"),
}
PROTECTED: Mapping[str, tuple[Mapping[int, object], str]] = {
    "signed part of version 2": ({1: 2}, "version"),
    "another header's hash": ({2: bytes(32)}, "header-mismatch"),
    "type as bytes": ({3: b"bytes"}, "malformed"),
    "unknown compression": ({4: "gzip"}, "malformed"),
    "no zlib stream": ({4: "deflate"}, "malformed"),
    "another content's hash": ({5: bytes(32)}, "content-hash"),
    "time before 1970": ({6: -1}, "malformed"),
    "unknown clock": ({7: "gps"}, "malformed"),
    "audit head without hash": ({10: [1]}, "malformed"),
    "signed field too many": ({11: 1}, "malformed"),
}
FORGED: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "no signature": ({"signers": ()}, "signature"),
    "a stranger's signatures": ({"signers": (STRANGER,)}, "signature"),
    "signed twice": ({"signers": (CABIN, CABIN), "size": 8192}, "signature"),
    "Ed25519 alone": ({"keep": slice(0, 1)}, "signature"),
    "ML-DSA-65 alone": ({"keep": slice(1, 2)}, "signature"),
    "padding that is not zero": ({"tail": b"\1"}, "malformed"),
    "inner part of two": ({"inner": cbor.encode([b"", b""])}, "malformed"),
    "signature of two": ({"inner": cbor.encode([b"", b"", [[bytes(16), -19]]])}, "malformed"),
    "signed field missing": ({"drop": 9}, "malformed"),
    "bytes after the stream": ({"body": zlib.compress(b"text") + b"\0", "protect": {4: "deflate"}}, "malformed"),
    "stream cut short": ({"body": zlib.compress(b"text")[:-1], "protect": {4: "deflate"}}, "malformed"),
}


def refusals(one: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Name, code and envelope of everything that must be refused; `one` is a good envelope to start from."""
    for name, (change, code) in HEADERS.items():
        yield name, code, with_header(one, change)
    for name, (protect, code) in PROTECTED.items():
        yield name, code, forge(protect=protect)
    for name, (how, code) in FORGED.items():
        yield name, code, forge(**how)
    yield "aimed anew", "header-mismatch", aimed_anew(one)
    yield "last bit turned", "decrypt", one[:-1] + bytes([one[-1] ^ 1])
    yield "cut short", "malformed", one[:-1]
    yield "lengthened", "malformed", one + b"\0"
    yield "nothing", "malformed", b""
    # The same envelope, its outer array announced with one byte more than it takes.
    yield "not deterministic", "malformed", b"\x98\x02" + one[1:]


def envelopes() -> Iterator[tuple[str, Sealed, bytes]]:
    """Name, envelope and content of a chain of three, one of every padding and compression, and one of suite 3."""
    first = sealed(1)
    yield "first", first, content(1)
    second = sealed(2, prev=first.prot_hash, body=b'{"resourceType": "Bundle"}' * 40)
    yield "second, compressed", second, b'{"resourceType": "Bundle"}' * 40
    yield "third, empty", sealed(3, prev=second.prot_hash, body=b""), b""
    level5 = seal(
        content(4), RECORDING, recipient=RECIPIENT5.public, signer=CABIN, mid=mid(4), src=SRC, seq=4,
        prev=NO_PREVIOUS, stamp=STAMP,
    )  # fmt: skip
    yield "suite 3", level5, content(4)


def described(name: str, made: Sealed, body: bytes) -> dict[str, Any]:
    """One good envelope with what an opener must find in it."""
    opened = open_envelope(made.envelope, RECIPIENTS, BOTH_SUITES)
    assert opened.content == body
    raw, _ = _outer(made.envelope)
    return {
        "name": name, "suite": opened.header.suite, "header": raw.hex(), "prot": opened.prot.hex(),
        "content": body.hex(), "prot_hash": made.prot_hash.hex(), "envelope": b64(made.envelope),
    }  # fmt: skip


def receipts(one: bytes) -> Iterator[dict[str, Any]]:
    """Receipts for an envelope: the three good ones, and what must be refused."""
    digest = hashlib.sha256(one).digest()
    for status, reason in (("stored", ""), ("duplicate", ""), ("rejected", "signature")):
        receipt = Receipt(mid(1), digest, status, reason, STAMP.created_ms, SRC, 1)  # type: ignore[arg-type]
        made = make_receipt(receipt, RECORD)
        assert verify_receipt(made, RECORDS) == receipt
        fields = {"mid": mid(1).hex(), "hash": digest.hex(), "status": status, "reason": reason}
        more = {"created": STAMP.created_ms, "src": SRC.hex(), "highest": 1}
        yield {"name": status, "receipt": b64(made), "fields": fields | more}
        if status == "stored":
            good = made, receipt
    raw, signatures = _receipt_parts(good[0])
    bad = {
        "a stranger's": (make_receipt(good[1], STRANGER), "signature"),
        "half signed": (cbor.encode([raw, signatures[:1]]), "signature"),
        "altered": (cbor.encode([cbor.encode({**_decoded(raw), 2: mid(2)}), signatures]), "signature"),
        "of version 2": (cbor.encode([cbor.encode({**_decoded(raw), 1: 2}), signatures]), "version"),
        "of unknown status": (cbor.encode([cbor.encode({**_decoded(raw), 4: "kept"}), signatures]), "malformed"),
        "cut": (good[0][:-1], "malformed"),
    }
    for name, (data, code) in bad.items():
        yield {"name": name, "receipt": b64(data), "code": code}


def _receipt_parts(data: bytes) -> tuple[bytes, list[Any]]:
    match cbor.decode(data):
        case [bytes(raw), list(signatures)]:
            return raw, signatures
    raise AssertionError("no receipt")


def read(name: str) -> Any:
    """One file of the vectors."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def main() -> None:
    """Make all four files anew."""
    made = list(envelopes())
    one = made[0][1].envelope
    files = {
        "keys": keys(),
        "envelopes": [described(*each) for each in made],
        "refusals": [{"name": name, "code": code, "envelope": b64(data)} for name, code, data in refusals(one)],
        "receipts": list(receipts(one)),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, what in files.items():
        (FOLDER / f"{name}.json").write_text(json.dumps(what, indent=1) + "\n")


if __name__ == "__main__":
    main()
