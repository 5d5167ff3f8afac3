"""TLS identities of a small installation: a certificate authority of its own, requests, short-lived certificates.

ECDSA with P-256 and SHA-256 throughout: what every broker of Debian 12 speaks. Classical, as TLS there is; what the
link carries is protected by the envelope. The common name of a cabin's certificate is its opaque id, and nothing else
about it is in there.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cabin_agent.keyring.error import KeyringError

CA_DAYS = 3650
DAYS = 90
"""Of a cabin's certificate; it is renewed at two thirds of that."""
_SLACK = timedelta(hours=1)
"""A certificate is good from a little before it was made: clocks differ."""


def make_ca(folder: Path, name: str) -> list[Path]:
    """A new authority: `ca.key` and `ca.pem`; raises `KeyringError` where there is one already."""
    key, subject, now = ec.generate_private_key(ec.SECP256R1()), _name(name), datetime.now(UTC)
    certificate = (
        _blank(subject, subject, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_tls_key(folder / "ca.key", key)
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return [folder / "ca.key", folder / "ca.pem"]


def new_csr(path: Path) -> bytes:
    """A new TLS key at `path`, and the request for a certificate to it in DER; it names nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    write_tls_key(path, key)
    return csr.public_bytes(Encoding.DER)


def check_csr(csr: bytes) -> ec.EllipticCurvePublicKey:
    """The TLS public key that a request proves to have; `KeyringError` where it proves none that is taken here."""
    try:
        request = x509.load_der_x509_csr(csr)
        key = request.public_key()
        good = request.is_signature_valid
    except Exception:
        raise KeyringError("The request for a certificate is damaged: have the file sent again.") from None
    if not good or not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise KeyringError("The request proves no P-256 key for TLS: make it with 'cabin keys enrol'.")
    return key


def issue(folder: Path, key: ec.EllipticCurvePublicKey, client: str, days: int = DAYS) -> bytes:
    """A client's certificate in PEM, signed by the authority in `folder`."""
    ca_key, ca = _authority(folder)
    return (
        _blank(_name(client), ca.subject, key, datetime.now(UTC), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_issued_by(ca_key), critical=False)
        .sign(ca_key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def issue_server(folder: Path, path: Path, hosts: tuple[str, ...], days: int) -> list[Path]:
    """A key and a certificate for a broker that is reached under `hosts`: names or addresses."""
    ca_key, ca = _authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _blank(_name(hosts[0]), ca.subject, key.public_key(), datetime.now(UTC), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_issued_by(ca_key), critical=False)
        .add_extension(x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write_tls_key(path / "broker.key", key)
    (path / "broker.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return [path / "broker.key", path / "broker.pem"]


def write_tls_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """A private key of TLS in PEM, mode 0600, in a new file."""
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise KeyringError(f"There is already a key at {path}: move it away first.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    try:
        key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    except (OSError, ValueError, TypeError):
        raise KeyringError(
            f"{folder} holds no certificate authority: make one with 'cabin keys make ca {folder}'."
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyringError(f"{folder / 'ca.key'} is no key on an elliptic curve: use an authority made here.")
    return key, certificate


def _blank(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issued_by(ca_key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(host: str) -> x509.GeneralName:
    from ipaddress import ip_address

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
