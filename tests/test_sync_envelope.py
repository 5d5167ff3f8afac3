"""DE1: round trips, every refusal, nothing else ever raised, and an opener written from the page alone."""

from __future__ import annotations

import hashlib
import hmac
import zlib
from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import envelope as de1
from sync.cbor import decode_first
from sync.envelope import FHIR, MAX_CONTENT, Header, Policy, Protected, Stamp, bucket, open_envelope, peek, seal
from sync.errors import Refused
from sync.keys import ENC_LENGTH, RecipientKey, Signature, SigningPair
from tests.sync_parties import (
    BOTH_SUITES,
    CABIN,
    CABINS,
    POLICY,
    RECIPIENT,
    RECIPIENT5,
    RECIPIENTS,
    SRC,
    STAMP,
    STRANGER,
    content,
    mid,
    reopened,
    sealed,
)
from tests.test_sync_keys import xwing_decapsulate

CODES = {
    "malformed",
    "version",
    "suite",
    "unknown-recipient",
    "decrypt",
    "header-mismatch",
    "signature",
    "size",
    "content-hash",
}
ONE = sealed(1).envelope
ALL_RECIPIENTS = {**RECIPIENTS, RECIPIENT5.public.kid: RECIPIENT5}


def code_of(envelope: bytes, policy: Policy = POLICY) -> str:
    with pytest.raises(Refused) as caught:
        open_envelope(envelope, ALL_RECIPIENTS, policy)
    assert caught.value.__context__ is None  # nothing of the content in a traceback
    assert str(caught.value) == caught.value.code
    return caught.value.code


# round trips


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=5000),
    st.sampled_from([RECIPIENT, RECIPIENT5]),
    st.integers(1, 2**63 - 2),
    st.booleans(),
    st.text(max_size=40),
)
def test_what_is_sealed_is_opened(body: bytes, key: RecipientKey, seq: int, compress: bool, kind: str) -> None:
    made = seal(
        body,
        kind,
        recipient=key.public,
        signer=CABIN,
        mid=mid(3),
        src=SRC,
        seq=seq,
        prev=bytes(32),
        stamp=STAMP,
        compress=compress,
    )
    opened = open_envelope(made.envelope, ALL_RECIPIENTS, BOTH_SUITES)
    assert opened.content == body
    assert opened.header == Header(key.suite, key.public.kid, mid(3), SRC, seq, opened.header.size)
    assert opened.header == peek(made.envelope)
    assert (opened.protected.content_type, opened.protected.stamp, opened.protected.prev) == (kind, STAMP, bytes(32))
    assert opened.prot_hash == made.prot_hash
    assert {one.alg for one in opened.signatures} == {-19, -49}


def test_two_seals_of_one_content_share_nothing_but_the_header() -> None:
    again = sealed(1).envelope
    (header, box), (header2, box2) = cbor2.loads(ONE), cbor2.loads(again)
    assert header == header2
    assert box[:1120] != box2[:1120]


@pytest.mark.parametrize(
    ("length", "padded"),
    [
        (1, 2048),
        (2048, 2048),
        (2049, 4096),
        (524_289, 1 << 20),
        (1 << 20, 1 << 20),
        ((1 << 20) + 1, 2 << 20),
        ((5 << 20) - 1, 5 << 20),
        (5 << 20, 5 << 20),
    ],
)
def test_padding_buckets(length: int, padded: int) -> None:
    assert bucket(length) == padded


@given(st.integers(1, 40 << 20))
def test_a_bucket_is_the_smallest_of_the_page(length: int) -> None:
    buckets = [2048 << n for n in range(10)] + [n << 20 for n in range(2, 42)]
    assert bucket(length) == min(one for one in buckets if one >= length)


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 500, 600, 601, 602, 65535, 65536, 1_040_000])
def test_the_envelope_is_as_long_as_its_bucket_says(length: int) -> None:
    body = hashlib.shake_256(b"noise").digest(length)
    header = peek(sealed(1, body=body).envelope)
    box = cbor2.loads(sealed(1, body=body).envelope)[1]
    assert len(box) == ENC_LENGTH[1] + header.size + 16
    assert reopened(sealed(1, body=body).envelope) == body


def test_the_largest_content_fits_and_one_byte_more_does_not() -> None:
    zeros = bytes(MAX_CONTENT)
    assert len(reopened(sealed(1, body=zeros).envelope)) == MAX_CONTENT
    with pytest.raises(ValueError, match="larger than 32 MiB"):
        sealed(1, body=zeros + b"\0")


def test_content_that_does_not_shrink_travels_as_it_is() -> None:
    noise = hashlib.shake_256(b"noise").digest(3000)
    assert open_envelope(sealed(1, body=noise).envelope, RECIPIENTS, POLICY).protected.zip == ""
    assert open_envelope(sealed(1, body=bytes(3000)).envelope, RECIPIENTS, POLICY).protected.zip == "deflate"


# an opener from the page alone


def labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    text, block = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, b""
    out = b""
    for number in range(1, 2 + length // 32):
        block = hmac.digest(prk, block + text + bytes([number]), "sha256")
        out += block
    return out[:length]


def rfc9180_open(box: bytes, info: bytes) -> bytes:
    """HPKE base mode of RFC 9180 for X-Wing, HKDF-SHA256, AES-256-GCM: sections 4.1 and 5.1, written out."""
    suite = b"HPKE" + bytes.fromhex("647a00010002")
    secret = xwing_decapsulate(RECIPIENT.secret, box[:1120])
    context = (
        b"\0" + labeled_extract(suite, b"", b"psk_id_hash", b"") + labeled_extract(suite, b"", b"info_hash", info)
    )
    prk = labeled_extract(suite, secret, b"secret", b"")
    key = labeled_expand(suite, prk, b"key", context, 32)
    nonce = labeled_expand(suite, prk, b"base_nonce", context, 12)
    return AESGCM(key).decrypt(nonce, box[1120:], b"")


def test_another_hpke_opens_the_envelope() -> None:
    raw, box = cbor2.loads(ONE)
    header = cbor2.loads(raw)
    assert list(header) == [1, 2, 3, 4, 5, 6, 7]
    inner = rfc9180_open(box, b"DE1/seal\0" + raw)
    assert len(inner) == header[7]
    prot, body, signatures = cbor2.loads(_first(inner))
    fields = cbor2.loads(prot)
    assert fields[2] == hashlib.sha256(raw).digest()
    text = zlib.decompress(body) if fields[4] else body
    assert text == content(1)
    assert fields[5] == hashlib.sha256(text).digest()
    assert (fields[3], fields[6], fields[7]) == (FHIR, STAMP.created_ms, "ntp")
    assert (fields[8], fields[9], fields[10]) == (STAMP.boot, bytes(32), [7, bytes(range(32))])
    assert [alg for _, alg, _ in signatures] == [-19, -49]
    assert all(CABIN.public.verifies(Signature(*one), b"DE1/sign\0" + prot) for one in signatures)


def _first(inner: bytes) -> bytes:
    """The inner item without its padding: the array's length is found by encoding it again."""
    return inner[: decode_first(inner)[1]]


# refusals


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(ONE) * 8 - 1))
def test_every_bit_counts(bit: int) -> None:
    altered = bytearray(ONE)
    altered[bit // 8] ^= 1 << bit % 8
    assert code_of(bytes(altered)) in CODES


def test_every_bit_of_the_head_counts() -> None:
    for bit in range(110 * 8):
        altered = bytearray(ONE)
        altered[bit // 8] ^= 1 << bit % 8
        assert code_of(bytes(altered)) in CODES


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(ONE) - 1), st.binary(min_size=1, max_size=20))
def test_cut_and_lengthened_envelopes_are_refused(length: int, tail: bytes) -> None:
    assert code_of(ONE[:length]) == "malformed"
    assert code_of(ONE + tail) == "malformed"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    assert code_of(noise) in CODES
    assert code_of(b"\x82\x40" + noise) in CODES


def rebuilt(change: dict[int, object], *, keys: dict[int, object] | None = None) -> bytes:
    """The first envelope with fields of its clear header changed, its box left alone."""
    raw, box = cbor2.loads(ONE)
    header = {**cbor2.loads(raw), **change} if keys is None else keys
    return cbor2.dumps([cbor2.dumps(header, canonical=True), box], canonical=True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({1: 2}, "version"),
        ({1: 0}, "version"),
        ({1: "1"}, "malformed"),
        ({2: 2}, "suite"),
        ({2: 3}, "suite"),
        ({2: 0}, "suite"),
        ({3: bytes(16)}, "unknown-recipient"),
        ({3: RECIPIENT5.public.kid}, "suite"),
        ({3: bytes(15)}, "malformed"),
        ({4: bytes(16)}, "decrypt"),
        ({4: bytes(17)}, "malformed"),
        ({5: bytes(16)}, "decrypt"),
        ({6: 2}, "decrypt"),
        ({6: 0}, "malformed"),
        ({6: 2**63 - 1}, "malformed"),
        ({6: -1}, "malformed"),
        ({7: 2048}, "size"),
        ({7: 8191}, "size"),
        ({7: 0}, "size"),
        ({7: 64 << 20}, "size"),
        ({8: 1}, "malformed"),
    ],
)
def test_an_altered_header_is_refused(change: dict[int, object], code: str) -> None:
    assert code_of(rebuilt(change)) == code


def test_a_header_of_other_fields_is_malformed() -> None:
    assert code_of(rebuilt({}, keys={})) == "malformed"
    assert code_of(rebuilt({}, keys={1: 1, 2: 1})) == "malformed"
    assert code_of(rebuilt({}, keys={1: 9})) == "version"
    assert code_of(cbor2.dumps([b"\x80", b""])) == "malformed"


def test_suite_3_needs_to_be_allowed() -> None:
    made = seal(
        b"x", FHIR, recipient=RECIPIENT5.public, signer=CABIN, mid=mid(1), src=SRC, seq=1, prev=bytes(32), stamp=STAMP
    )
    assert code_of(made.envelope) == "suite"
    assert open_envelope(made.envelope, ALL_RECIPIENTS, BOTH_SUITES).content == b"x"


# Envelopes that are well sealed by somebody who does not keep the page's rules.


def forged(
    *,
    prot: bytes | None = None,
    body: bytes = b"body",
    signers: tuple[SigningPair, ...] = (CABIN,),
    inner: bytes | None = None,
    padding: bytes | None = None,
    keep: slice = slice(None),
    protect: dict[int, object] | None = None,
    drop: int | None = None,
) -> bytes:
    header = Header(1, RECIPIENT.public.kid, mid(1), SRC, 1, 8192).encoded()
    if prot is None:
        fields = cbor2.loads(
            Protected(
                hashlib.sha256(header).digest(), FHIR, "", hashlib.sha256(body).digest(), STAMP, bytes(32)
            ).encoded()
        )
        fields.update(protect or {})
        fields.pop(drop, None)
        prot = cbor2.dumps(fields, canonical=True)
    signatures = [[s.kid, s.alg, s.value] for pair in signers for s in pair.sign(b"DE1/sign\0" + prot)][keep]
    if inner is None:
        inner = cbor2.dumps([prot, body, signatures], canonical=True)
    padded = inner + (bytes(8192 - len(inner)) if padding is None else padding)
    return cbor2.dumps([header, RECIPIENT.public.seal(padded, b"DE1/seal\0" + header)], canonical=True)


def test_the_forger_can_also_do_it_right() -> None:
    assert reopened(forged()) == b"body"
    assert reopened(forged(body=zlib.compress(b"text"), protect={4: "deflate", 5: hashlib.sha256(b"text").digest()}))


@pytest.mark.parametrize("signers", [(), (STRANGER,), (CABIN, CABIN)])
def test_who_does_not_sign_properly_is_refused(signers: tuple[SigningPair, ...]) -> None:
    assert code_of(forged(signers=signers)) == "signature"


@pytest.mark.parametrize("keep", [slice(0, 1), slice(1, 2), slice(0, 0)])
def test_half_a_signature_is_none(keep: slice) -> None:
    assert code_of(forged(keep=keep)) == "signature"


def test_an_unknown_signature_beside_is_not_archived() -> None:
    opened = open_envelope(forged(signers=(CABIN, STRANGER)), RECIPIENTS, POLICY)
    assert {one.kid for one in opened.signatures} == {CABIN.public.kid}
    both = {**CABINS, STRANGER.public.kid: STRANGER.public}
    assert code_of(forged(signers=(CABIN, STRANGER), keep=slice(0, 3)), Policy(both)) == "signature"


@pytest.mark.parametrize(
    ("protect", "code"),
    [
        ({1: 2}, "version"),
        ({2: bytes(32)}, "header-mismatch"),
        ({2: bytes(31)}, "malformed"),
        ({3: b"bytes"}, "malformed"),
        ({4: "gzip"}, "malformed"),
        ({4: "deflate"}, "malformed"),
        ({5: bytes(32)}, "content-hash"),
        ({6: -1}, "malformed"),
        ({6: 2**63 - 1}, "malformed"),
        ({7: "gps"}, "malformed"),
        ({8: bytes(15)}, "malformed"),
        ({9: bytes(31)}, "malformed"),
        ({10: [1]}, "malformed"),
        ({10: [-1, bytes(32)]}, "malformed"),
        ({10: [1, bytes(31)]}, "malformed"),
        ({11: 1}, "malformed"),
    ],
)
def test_a_signed_part_against_the_page_is_refused(protect: dict[int, object], code: str) -> None:
    assert code_of(forged(protect=protect)) == code


@pytest.mark.parametrize("field", range(1, 11))
def test_no_field_of_the_signed_part_may_be_missing(field: int) -> None:
    assert code_of(forged(drop=field)) == "malformed"


@pytest.mark.parametrize(
    "inner",
    [
        b"",
        b"\x00",
        b"\x80",
        b"\xff",
        cbor2.dumps([b"", b""]),
        cbor2.dumps([b"", b"", b""]),
        cbor2.dumps([1, b"", []]),
        cbor2.dumps([b"", b"", [[bytes(16), -19]]]),
        cbor2.dumps([b"", b"", [[bytes(3), -19, b""]]]),
        cbor2.dumps([b"", b"", [1]]),
        cbor2.dumps([b"\x01", b"", [[bytes(16), -19, b""]]]),
    ],
)
def test_an_inner_part_of_another_shape_is_malformed(inner: bytes) -> None:
    assert code_of(forged(inner=inner)) == "malformed"


def test_padding_is_zero() -> None:
    whole = len(cbor2.loads(forged())[1]) - ENC_LENGTH[1] - 16
    assert whole == 8192
    inner = _first(rfc9180_open(*_box_and_info(forged())))
    assert code_of(forged(inner=inner, padding=bytes(8191 - len(inner)) + b"\1")) == "malformed"
    assert code_of(forged(inner=inner, padding=b"")) == "size"


def _box_and_info(envelope: bytes) -> tuple[bytes, bytes]:
    raw, box = cbor2.loads(envelope)
    return box, b"DE1/seal\0" + raw


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (zlib.compress(b"text")[:-1], "malformed"),
        (zlib.compress(b"text") + b"\0", "malformed"),
        (zlib.compress(b"text")[:2], "malformed"),
        (b"", "malformed"),
        (zlib.compress(bytes(MAX_CONTENT + 1), 9)[:3000], "malformed"),
    ],
)
def test_a_broken_stream_is_malformed(body: bytes, code: str) -> None:
    assert code_of(forged(body=body, protect={4: "deflate"})) == code


def test_a_body_that_would_not_stop_growing_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(de1, "MAX_CONTENT", 100_000)
    bomb = zlib.compress(bytes(3_000_000), 9)
    assert code_of(forged(body=bomb, protect={4: "deflate"})) == "size"
    exact = zlib.compress(bytes(100_000), 9)
    good = forged(body=exact, protect={4: "deflate", 5: hashlib.sha256(bytes(100_000)).digest()})
    assert len(reopened(good)) == 100_000


def test_a_message_cannot_be_aimed_anew() -> None:
    """The signed part names its header: re-sealed under another one, a genuine letter is refused."""
    raw, box = cbor2.loads(ONE)
    inner = RECIPIENT.open(box, b"DE1/seal\0" + raw)
    other = replace(peek(ONE), mid=mid(2)).encoded()
    moved = cbor2.dumps([other, RECIPIENT.public.seal(inner, b"DE1/seal\0" + other)], canonical=True)
    assert code_of(moved) == "header-mismatch"


def test_too_long_for_any_envelope() -> None:
    assert code_of(bytes(MAX_CONTENT + (2 << 20))) == "size"


def test_a_fault_nobody_foresaw_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError("secret content")

    monkeypatch.setattr(de1, "verified", stumble)
    assert code_of(ONE) == "malformed"


def test_peek_says_what_is_wrong() -> None:
    for bad, code in ((b"", "malformed"), (rebuilt({1: 2}), "version"), (bytes(40 << 20), "size")):
        with pytest.raises(Refused, match=f"^{code}$"):
            peek(bad)


def test_clock_and_chain_travel() -> None:
    stamp = Stamp(0, "unset", bytes(16), (0, bytes(32)))
    first = seal(
        b"", FHIR, recipient=RECIPIENT.public, signer=CABIN, mid=mid(1), src=SRC, seq=1, prev=bytes(32), stamp=stamp
    )
    second = open_envelope(sealed(2, prev=first.prot_hash).envelope, RECIPIENTS, POLICY)
    assert open_envelope(first.envelope, RECIPIENTS, POLICY).protected.stamp == stamp
    assert second.protected.prev == first.prot_hash
