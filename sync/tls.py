"""This end of mutual TLS 1.3: whom to believe, and who this end is.

TLS 1.3 alone, so that the certificates themselves are encrypted. Its key exchange is classical where OpenSSL is older
than 3.5, which has no X25519MLKEM768: the content is post-quantum by its envelope all the same, but topics, sizes and
times of a recorded connection are not.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from pathlib import Path


class _Socket(ssl.SSLSocket):
    """Closed by itself where the handshake fails; whoever asked for it has no hold of it yet."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Tls:
    """Trust anchor of the broker, and this end's certificate and key where the broker asks for them.

    The files are read anew for each connection: a renewed certificate needs no restart.
    """

    ca: Path | None
    """None: the certificate authorities that the machine trusts."""
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A client context that checks chain and host name; `OSError` or `ValueError` where a file cannot be used."""
        context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.sslsocket_class = _Socket
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def expired(self) -> bool:
        """Whether this end's certificate is past its time by this machine's clock; False where it cannot be read."""
        if self.certificate is None:
            return False
        from cryptography.x509 import load_pem_x509_certificate

        try:
            end = load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc
        except (OSError, ValueError):
            return False
        return end.timestamp() < time.time()


def why_not(error: Exception) -> str:
    """What a failed connection is called in a status: the kind of the error, or what is wrong with a certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not accepted: {error.verify_message.rstrip('.')}"
    return type(error).__name__
