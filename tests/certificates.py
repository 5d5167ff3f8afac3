"""A certificate authority for tests: servers and cabins, in time or expired, and a list of those revoked."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sync.tls import Tls

_DAY = datetime.timedelta(days=1)
_PEM = serialization.Encoding.PEM


class Authority:
    """One root in a folder, which mosquitto may read after it has left root's rights behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._serials: dict[str, int] = {}
        root = self._signed("root", self._key, ca=True, host=None, days=(-9, 9))
        self.root = self._write("ca.pem", root.public_bytes(_PEM))
        self.revoke()

    def issue(self, name: str, *, host: str | None = None, expired: bool = False) -> Tls:
        """A certificate for `name`, written over one of that name; `host` makes it a server's."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(name, key, ca=False, host=host, days=(-9, -1) if expired else (-1, 9))
        self._serials[name] = certificate.serial_number
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Tls(
            self.root,
            self._write(f"{name}.pem", certificate.public_bytes(_PEM)),
            self._write(f"{name}.key", private),
        )

    def revoke(self, *names: str) -> Path:
        """The list of revoked certificates, with exactly these in it."""
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateRevocationListBuilder().issuer_name(_named("root"))
        made = made.last_update(now - _DAY).next_update(now + 9 * _DAY)
        for name in names:
            one = x509.RevokedCertificateBuilder().serial_number(self._serials[name]).revocation_date(now - _DAY)
            made = made.add_revoked_certificate(one.build())
        return self._write("crl.pem", made.sign(self._key, hashes.SHA256()).public_bytes(_PEM))

    def _signed(self, name: str, key: Any, *, ca: bool, host: str | None, days: tuple[int, int]) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named("root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if host is not None:
            address = x509.IPAddress(ipaddress.ip_address(host))
            made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return made.sign(self._key, hashes.SHA256())

    def _write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(0o644)
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
