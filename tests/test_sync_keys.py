"""Keys: the X-Wing expansion against its published answer, signatures, key ids."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from sync.keys import (
    ED25519,
    LEVEL5,
    ML_DSA_65,
    XWING,
    RecipientKey,
    RecipientPublic,
    Signature,
    SigningPair,
    SigningPublic,
    key_id,
    verified,
)
from tests.sync_parties import CABIN, CABINS, RECIPIENT, RECIPIENT5, STRANGER

VECTOR = tomllib.loads((Path(__file__).parent / "vectors" / "sync_xwing.toml").read_text())
SEED = bytes.fromhex(VECTOR["seed"])


def test_the_seed_expands_to_the_published_public_key() -> None:
    raw = RecipientKey(XWING, SEED).public.raw
    first, last = bytes.fromhex(VECTOR["pk_first"]), bytes.fromhex(VECTOR["pk_last"])
    assert (len(raw), raw[: len(first)], raw[-len(last) :]) == (VECTOR["pk_length"], first, last)


def xwing_decapsulate(seed: bytes, ct: bytes) -> bytes:
    """X-Wing of the draft, written here from its text: SHA3-256(ss_M, ss_X, ct_X, pk_X, label)."""
    wide = hashlib.shake_256(seed).digest(96)
    curve = x25519.X25519PrivateKey.from_private_bytes(wide[64:])
    lattice_secret = mlkem.MLKEM768PrivateKey.from_seed_bytes(wide[:64]).decapsulate(ct[:1088])
    curve_secret = curve.exchange(x25519.X25519PublicKey.from_public_bytes(ct[1088:]))
    label = bytes.fromhex("5c2e2f2f5e5c")
    mixed = lattice_secret + curve_secret + ct[1088:] + curve.public_key().public_bytes_raw() + label
    return hashlib.sha3_256(mixed).digest()


def test_the_published_ciphertext_gives_the_published_secret() -> None:
    assert xwing_decapsulate(SEED, bytes.fromhex(VECTOR["ct"])).hex() == VECTOR["ss"]


def test_key_id_is_the_one_of_the_page() -> None:
    raw = RECIPIENT.public.raw
    assert RECIPIENT.public.kid == hashlib.sha256(b"DE1/kid\x00" + raw).digest()[:16] == key_id(raw)
    assert len(CABIN.public.raw) == 32 + 1952


@pytest.mark.parametrize("key", [RECIPIENT, RECIPIENT5], ids=["suite 1", "suite 3"])
def test_what_is_sealed_to_a_key_only_that_key_opens(key: RecipientKey) -> None:
    box = RecipientPublic(key.suite, key.public.raw).seal(b"text", b"info")
    assert key.open(box, b"info") == b"text"
    for other, info in ((key, b"other"), (RecipientKey.generate(key.suite), b"info")):
        with pytest.raises(Exception):  # noqa: B017
            other.open(box, info)


@pytest.mark.parametrize("suite", [XWING, LEVEL5])
def test_generated_keys_differ_and_come_back_from_their_secret(suite: int) -> None:
    one, two = RecipientKey.generate(suite), RecipientKey.generate(suite, demo=True)
    assert one.public.kid != two.public.kid
    assert RecipientKey(suite, one.secret).public == one.public
    assert two.public.demo


@pytest.mark.parametrize(("suite", "length"), [(1, 31), (1, 33), (3, 32), (2, 32), (0, 32)])
def test_a_secret_of_the_wrong_length_or_suite_is_no_key(suite: int, length: int) -> None:
    with pytest.raises(ValueError, match="length of its suite"):
        RecipientKey(suite, bytes(length))


def test_public_bytes_of_the_wrong_length_are_no_key() -> None:
    for suite, raw in ((1, RECIPIENT.public.raw[:-1]), (3, RECIPIENT.public.raw), (2, b"")):
        with pytest.raises(ValueError, match="public key"):
            RecipientPublic(suite, raw)
    with pytest.raises(ValueError, match="32"):
        SigningPublic(b"short")


def test_secrets_stay_out_of_repr() -> None:
    for key in (RECIPIENT, RECIPIENT5, CABIN):
        text = repr(key)
        assert "secret" not in text
        assert "seed" not in text


def test_both_algorithms_sign_and_verify() -> None:
    ed, ml = CABIN.sign(b"message")
    assert (ed.alg, len(ed.value), ml.alg, len(ml.value)) == (ED25519, 64, ML_DSA_65, 3309)
    assert CABIN.public.verifies(ed, b"message")
    assert CABIN.public.verifies(ml, b"message")
    for wrong in (
        Signature(ed.kid, ed.alg, ml.value),
        Signature(ed.kid, ml.alg, ed.value),
        Signature(STRANGER.public.kid, ed.alg, ed.value),
        Signature(ed.kid, -8, ed.value),
    ):
        assert not CABIN.public.verifies(wrong, b"message")
    assert not CABIN.public.verifies(ed, b"massage")
    assert not CABIN.public.verifies(ml, b"massage")


def test_ml_dsa_is_bound_to_its_context() -> None:
    from cryptography.hazmat.primitives.asymmetric import mldsa

    bare = mldsa.MLDSA65PrivateKey.from_seed_bytes(CABIN.ml_seed).sign(b"message")
    assert not CABIN.public.verifies(Signature(CABIN.public.kid, ML_DSA_65, bare), b"message")


def test_who_signed_is_proven_by_both_signatures_or_not_at_all() -> None:
    ed, ml = CABIN.sign(b"m")
    other_ed, other_ml = STRANGER.sign(b"m")
    assert verified([ed, ml], b"m", CABINS) == (ed, ml)
    assert verified([ml, ed, other_ed], b"m", CABINS) == (ml, ed)  # a stranger's is not handed on
    for bad in ([], [ed], [ml], [ed, ed], [ed, ml, ml], [other_ed, other_ml], [ed, other_ml]):
        assert verified(bad, b"m", CABINS) is None
    assert verified([ed, ml], b"n", CABINS) is None
    both = {**CABINS, STRANGER.public.kid: STRANGER.public}
    assert verified([ed, ml, other_ed], b"m", both) is None
    assert SigningPair.generate().public.kid != SigningPair.generate().public.kid
