"""The cryptographic inventory: every algorithm with its parameters, library and use, and this installation's keys.

In the shape of a CycloneDX 1.6 "cryptography bill of materials": one component per algorithm, protocol and key. What
resists a quantum computer says so by `nistQuantumSecurityLevel` (0: it does not).
"""

from __future__ import annotations

import platform
import sqlite3
import ssl
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cabin_agent.keyring.showing import Shown, shown
from cabin_agent.version import VERSION

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm as it is used here; levels are those of NIST's five categories and of classical bits."""

    name: str
    primitive: str
    parameters: str
    level: int
    bits: int
    use: str
    library: str = "cryptography"


ALGORITHMS = (
    Algorithm("MLKEM768-X25519", "kem", "X-Wing, HPKE 0x647A, suite 1", 3, 128, "seals results, posts, black box"),
    Algorithm("MLKEM1024-P384", "kem", "HPKE 0x0051, suite 3", 5, 192, "the same, where level 5 is asked for"),
    Algorithm("HKDF-SHA256", "kdf", "HPKE 0x0001", 3, 256, "keys of suite 1"),
    Algorithm("HKDF-SHA384", "kdf", "HPKE 0x0002", 5, 384, "keys of suite 3"),
    Algorithm("AES-256-GCM", "ae", "256-bit key, 96-bit nonce, 128-bit tag", 5, 256, "envelopes; the open visit"),
    Algorithm("ML-DSA-65", "signature", "FIPS 204, context DE1, COSE -49", 3, 192, "envelopes, receipts, statements"),
    Algorithm("Ed25519", "signature", "RFC 8032, COSE -19", 0, 128, "always together with ML-DSA-65"),
    Algorithm("SHA-256", "hash", "FIPS 180-4", 2, 128, "key ids, contents, chains", "hashlib"),
    Algorithm("SHAKE256", "xof", "FIPS 202, 96 bytes", 5, 256, "expands the seed of an X-Wing key", "hashlib"),
    Algorithm("ECDSA-P256-SHA256", "signature", "secp256r1", 0, 128, "TLS certificates and their requests"),
)
"""What this software asks for by name. What TLS negotiates is the protocol's entry."""

HYBRID = "hybrid: a forger has to break Ed25519 and ML-DSA-65, a reader X25519 (or P-384) and ML-KEM"


def inventory(folders: Iterable[Path], libraries: Json | None = None) -> Json:
    """The whole of it, with the keys and certificates that lie in `folders`."""
    found = [(folder, each) for folder in folders for each in shown(folder)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "cabin", "version": VERSION}},
        "components": [
            *(_algorithm(each) for each in ALGORITHMS),
            _tls(),
            *(_key(folder, each) for folder, each in found),
            *_libraries(libraries or library_versions()),
        ],
    }


def library_versions() -> Json:
    """Name and version of everything that does cryptography here."""
    import cryptography
    from cryptography.hazmat.backends.openssl.backend import backend

    return {
        "cryptography": f"{cryptography.__version__} ({backend.openssl_version_text()})",
        "hashlib": f"Python {platform.python_version()} ({ssl.OPENSSL_VERSION})",
        "ssl": f"Python {platform.python_version()} ({ssl.OPENSSL_VERSION})",
        "sqlite3": sqlite3.sqlite_version,
    }


def _libraries(versions: Json) -> list[Json]:
    return [{"type": "library", "name": name, "version": version} for name, version in versions.items()]


def _algorithm(told: Algorithm) -> Json:
    properties = {
        "primitive": told.primitive,
        "parameterSetIdentifier": told.parameters,
        "implementationPlatform": "x86_64" if sys.maxsize > 1 << 32 else "x86_32",
        "classicalSecurityLevel": told.bits,
        "nistQuantumSecurityLevel": told.level,
    }
    if platform.machine() == "aarch64":
        properties["implementationPlatform"] = "armv8-a"
    return {
        **_asset("algorithm", told.name, {"algorithmProperties": properties}),
        "description": told.use,
        "properties": _properties(library=told.library, postQuantum=_yes(told.level > 0)),
    }


def _tls() -> Json:
    """The link: its certificates and key agreement are classical, so only what it carries is post-quantum."""
    return {
        **_asset("protocol", "TLS", {"protocolProperties": {"type": "tls", "version": "1.3"}}),
        "description": "cabin and gateway to the broker, with certificates; hides topics, sizes and times",
        "properties": _properties(library=ssl.OPENSSL_VERSION, postQuantum="no", content=HYBRID),
    }


def _key(folder: Path, each: Shown) -> Json:
    place = str(folder / each.file)
    if each.kind == "certificate":
        about = {"certificateProperties": {"subjectName": each.note, "notValidBefore": each.made}}
        return {**_asset("certificate", place, about), "properties": _properties(postQuantum="no", use=each.use)}
    material = {
        "type": "public-key" if each.kind.endswith("-public") else "private-key",
        "id": each.kid,
        "creationDate": each.made,
        "state": "active",
    }
    of = {"recipient": "MLKEM1024-P384" if each.suite == 3 else "MLKEM768-X25519", "signing": "Ed25519, ML-DSA-65"}
    algorithm = of.get(each.kind.removesuffix("-public"), "")
    return {
        **_asset("related-crypto-material", place, {"relatedCryptoMaterialProperties": material}),
        "properties": _properties(algorithm=algorithm, postQuantum=_yes(bool(algorithm)), use=each.use),
    }


def _asset(kind: str, name: str, about: Json) -> Json:
    return {"type": "cryptographic-asset", "name": name, "cryptoProperties": {"assetType": kind, **about}}


def _properties(**told: str) -> list[Json]:
    return [{"name": f"cabin:{name}", "value": value} for name, value in told.items() if value]


def _yes(whether: bool) -> str:
    return "yes" if whether else "no"
