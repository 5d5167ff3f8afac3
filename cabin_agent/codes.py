"""Sign-in codes of people: ten digits, written down only as a salted scrypt hash (RFC 7914).

A code has 33 bits of chance, so a thief of the file must not try many a second: one check costs about 50 ms and
16 MB. A hash reads `scrypt:<log2 n>:<salt>:<hash>`, both in hex.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

DIGITS = 10
HASH = re.compile(r"scrypt:(1[0-9]):([0-9a-f]{32}):([0-9a-f]{64})")
"""A stored code; the cost is between 2^10 and 2^19."""

_COST = 14
_BLOCK = 8
_SALT_BYTES = 16
_MEMORY = 1 << 30


def new_code() -> str:
    """Ten random digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def hashed(code: str) -> str:
    """What is stored of a code, with a salt of its own; takes about 50 ms."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt:{_COST}:{salt.hex()}:{_scrypt(code, salt, _COST).hex()}"


NOBODYS = f"scrypt:{_COST}:{secrets.token_hex(_SALT_BYTES)}:{secrets.token_hex(32)}"
"""A hash that no code has: an unknown name is checked against it, and takes as long as a known one."""


def fits(code: str, stored: str) -> bool:
    """Whether `code` is the one of `stored`; takes as long as `hashed`. Raises ValueError for what is no hash."""
    parts = HASH.fullmatch(stored)
    if parts is None:
        raise ValueError("not the hash of a code")
    cost, salt, known = int(parts[1]), bytes.fromhex(parts[2]), bytes.fromhex(parts[3])
    return hmac.compare_digest(_scrypt(code, salt, cost), known)


def _scrypt(code: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(
        code.encode("utf-8", "replace"), salt=salt, n=1 << cost, r=_BLOCK, p=1, maxmem=_MEMORY, dklen=32
    )
