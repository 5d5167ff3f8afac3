"""The keys of DE1: who may open (X-Wing, or ML-KEM-1024 with P-384) and who signs (Ed25519 and ML-DSA-65).

Raw forms and key ids follow the DE1 page. It fixes the raw public key of suite 1; for the rest the same pattern is
used: a raw public key is its two parts one after the other, the post-quantum one first in a recipient key (suite 3:
ML-KEM-1024 key, 1568 bytes, then the uncompressed P-384 point, 97 bytes), the Ed25519 one first in a signing pair
(32 and 1952 bytes). Both signatures of a pair therefore carry one key id.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

XWING = 1
LEVEL5 = 3
ED25519 = -19
"""COSE algorithm number of Ed25519 (RFC 9864)."""
ML_DSA_65 = -49
"""COSE algorithm number of ML-DSA-65 (RFC 9964)."""
BOTH = frozenset({ED25519, ML_DSA_65})
ML_DSA_CONTEXT = b"DE1"

SIGNATURE_LENGTH: Mapping[int, int] = {ED25519: 64, ML_DSA_65: 3309}
ENC_LENGTH: Mapping[int, int] = {XWING: 1120, LEVEL5: 1568 + 97}
"""Bytes of HPKE's `enc` per suite."""
TAG_LENGTH = 16

_HPKE: Mapping[int, hpke.Suite] = {
    XWING: hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM),
    LEVEL5: hpke.Suite(hpke.KEM.MLKEM1024_P384, hpke.KDF.HKDF_SHA384, hpke.AEAD.AES_256_GCM),
}
_MLKEM768, _MLKEM1024, _P384_SCALAR, _ED25519 = 1184, 1568, 48, 32
_SECRET_LENGTH = {XWING: 32, LEVEL5: 64 + _P384_SCALAR}

_Private = hpke.MLKEM768X25519PrivateKey | hpke.MLKEM1024P384PrivateKey
_Public = hpke.MLKEM768X25519PublicKey | hpke.MLKEM1024P384PublicKey


def key_id(raw: bytes) -> bytes:
    """The 16-byte id of a raw public key (DE1, "Outer")."""
    return hashlib.sha256(b"DE1/kid\0" + raw).digest()[:16]


@dataclass(frozen=True, slots=True)
class RecipientPublic:
    """A public key to seal to. `ValueError` where the raw bytes are not a key of the suite."""

    suite: int
    raw: bytes
    demo: bool = False
    kid: bytes = field(init=False)
    _key: _Public = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", key_id(self.raw))
        object.__setattr__(self, "_key", _load_public(self.suite, self.raw))

    def seal(self, plain: bytes, info: bytes) -> bytes:
        """HPKE base mode with an empty aad: enc and ciphertext, one after the other."""
        return _HPKE[self.suite].encrypt(plain, self._key, info=info)


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A private key that opens envelopes.

    `secret` is the 32-byte X-Wing seed in suite 1; in suite 3 the 64-byte ML-KEM-1024 seed and the 48-byte P-384
    scalar. `ValueError` where it is not.
    """

    suite: int
    secret: bytes = field(repr=False)
    demo: bool = False
    public: RecipientPublic = field(init=False)
    _key: _Private = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _SECRET_LENGTH.get(self.suite):
            raise ValueError("the private key has not the length of its suite")
        key, raw = _expand_xwing(self.secret) if self.suite == XWING else _expand_level5(self.secret)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "public", RecipientPublic(self.suite, raw, self.demo))

    @classmethod
    def generate(cls, suite: int = XWING, *, demo: bool = False) -> RecipientKey:
        """A new key of the suite; `demo` marks keys that production must refuse."""
        if suite == XWING:
            return cls(suite, os.urandom(_SECRET_LENGTH[XWING]), demo)
        scalar = ec.generate_private_key(ec.SECP384R1()).private_numbers().private_value
        return cls(suite, os.urandom(64) + scalar.to_bytes(_P384_SCALAR, "big"), demo)

    def open(self, box: bytes, info: bytes) -> bytes:
        """What was sealed to this key under `info`; `cryptography` raises `InvalidTag` or `ValueError` where not."""
        return _HPKE[self.suite].decrypt(box, self._key, info=info)


def _load_public(suite: int, raw: bytes) -> _Public:
    if suite == XWING and len(raw) == _MLKEM768 + 32:
        return hpke.MLKEM768X25519PublicKey(
            mlkem.MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM768]),
            x25519.X25519PublicKey.from_public_bytes(raw[_MLKEM768:]),
        )
    if suite == LEVEL5 and len(raw) == _MLKEM1024 + 97:
        return hpke.MLKEM1024P384PublicKey(
            mlkem.MLKEM1024PublicKey.from_public_bytes(raw[:_MLKEM1024]),
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), raw[_MLKEM1024:]),
        )
    raise ValueError("the public key is not of a known suite or has not its length")


def _expand_xwing(seed: bytes) -> tuple[_Private, bytes]:
    """The X-Wing expansion: SHAKE256 gives ML-KEM's d and z (64 bytes) and the X25519 scalar (32 bytes)."""
    wide = hashlib.shake_256(seed).digest(96)
    lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(wide[:64])
    curve = x25519.X25519PrivateKey.from_private_bytes(wide[64:])
    raw = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    return hpke.MLKEM768X25519PrivateKey(lattice, curve), raw


def _expand_level5(secret: bytes) -> tuple[_Private, bytes]:
    lattice = mlkem.MLKEM1024PrivateKey.from_seed_bytes(secret[:64])
    curve = ec.derive_private_key(int.from_bytes(secret[64:], "big"), ec.SECP384R1())
    point = curve.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return hpke.MLKEM1024P384PrivateKey(lattice, curve), lattice.public_key().public_bytes_raw() + point


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature as it travels: key id, COSE algorithm number, bytes."""

    kid: bytes
    alg: int
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningPublic:
    """The public half of a signing pair: Ed25519 key (32 bytes), then ML-DSA-65 key (1952 bytes)."""

    raw: bytes
    demo: bool = False
    kid: bytes = field(init=False)
    _ed: ed25519.Ed25519PublicKey = field(init=False, repr=False, compare=False)
    _ml: mldsa.MLDSA65PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", key_id(self.raw))
        object.__setattr__(self, "_ed", ed25519.Ed25519PublicKey.from_public_bytes(self.raw[:_ED25519]))
        object.__setattr__(self, "_ml", mldsa.MLDSA65PublicKey.from_public_bytes(self.raw[_ED25519:]))

    def verifies(self, signature: Signature, message: bytes) -> bool:
        """Whether this key made `signature` over `message`, with the algorithm that it names."""
        if signature.kid != self.kid:
            return False
        try:
            if signature.alg == ED25519:
                self._ed.verify(signature.value, message)
            elif signature.alg == ML_DSA_65:
                self._ml.verify(signature.value, message, ML_DSA_CONTEXT)
            else:
                return False
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningPair:
    """A sender's or the record's signing keys: two 32-byte seeds, always used together."""

    ed_seed: bytes = field(repr=False)
    ml_seed: bytes = field(repr=False)
    demo: bool = False
    public: SigningPublic = field(init=False)
    _ed: ed25519.Ed25519PrivateKey = field(init=False, repr=False, compare=False)
    _ml: mldsa.MLDSA65PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ed = ed25519.Ed25519PrivateKey.from_private_bytes(self.ed_seed)
        ml = mldsa.MLDSA65PrivateKey.from_seed_bytes(self.ml_seed)
        object.__setattr__(self, "_ed", ed)
        object.__setattr__(self, "_ml", ml)
        raw = ed.public_key().public_bytes_raw() + ml.public_key().public_bytes_raw()
        object.__setattr__(self, "public", SigningPublic(raw, self.demo))

    @classmethod
    def generate(cls, *, demo: bool = False) -> SigningPair:
        """A new pair; `demo` marks keys that production must refuse."""
        return cls(os.urandom(32), os.urandom(32), demo)

    def sign(self, message: bytes) -> tuple[Signature, Signature]:
        """Both signatures over `message`, Ed25519 first."""
        kid = self.public.kid
        return (
            Signature(kid, ED25519, self._ed.sign(message)),
            Signature(kid, ML_DSA_65, self._ml.sign(message, ML_DSA_CONTEXT)),
        )


Signers = Mapping[bytes, SigningPublic]
"""Known signers by key id."""


def verified(signatures: list[Signature], message: bytes, signers: Signers) -> tuple[Signature, ...] | None:
    """The signatures of known signers over `message`, or None where they do not suffice.

    Every known signer that appears must have signed once with each algorithm, and each must verify. Signatures of
    unknown keys or algorithms prove nothing: they are neither trusted nor handed on.
    """
    known = [one for one in signatures if one.kid in signers and one.alg in BOTH]
    wanted = {(kid, alg) for kid in {one.kid for one in known} for alg in BOTH}
    if not known or len(known) != len(wanted) or {(one.kid, one.alg) for one in known} != wanted:
        return None
    if not all(signers[one.kid].verifies(one, message) for one in known):
        return None
    return tuple(known)
