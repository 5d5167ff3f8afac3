"""The keys: there, whole, of the right kind, closed to others, and not those of a demonstration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cabin_agent.checks.line import Line, ok, wrong
from cabin_agent.config import BlackBoxSettings, Record
from sync.errors import KeyFileError
from sync.keyfile import load_key, load_signers
from sync.keys import RecipientPublic, SigningPair

PART, CERTIFICATE, BLACK_BOX = "keys", "certificate", "black box"
SOON = timedelta(days=30)
"""A certificate that ends within this time is renewed now."""
RESTORE = "Put the key there again from its copy, or make one with 'cabin keys make', with mode 600 if it is private."


def lines(record: Record, *, demo: bool, now: datetime | None = None) -> list[Line]:
    """The keys that seal and sign, and the certificate for the broker; `demo` accepts keys of a demonstration."""
    return [_keys(record, demo), *_certificate(record, now or datetime.now(UTC))]


def black_box(settings: BlackBoxSettings | None) -> list[Line]:
    """The workshop's key, without which a cabin that is to keep its bytes does not start."""
    if settings is None:
        return []
    try:
        load_key(settings.key, RecipientPublic)
    except KeyFileError as error:
        cure = "Put the workshop's support.public there ('cabin keys make support'), or leave [black_box] out."
        return [wrong(BLACK_BOX, str(error), cure)]
    return [ok(BLACK_BOX, "The workshop's key is there, and seals every byte of the instruments.")]


def _keys(record: Record, demo: bool) -> Line:
    try:
        recipient, signer = load_key(record.recipient, RecipientPublic), load_key(record.signing, SigningPair)
        signers = load_signers([record.signers], demo=demo)
    except KeyFileError as error:
        return wrong(PART, str(error), RESTORE)
    if (recipient.demo or signer.demo) and not demo:
        return wrong(
            PART, "A key of a demonstration is used in a real cabin.", "Make this cabin's own with 'cabin keys make'."
        )
    return ok(PART, f"{2 + len(signers)} keys are there and fit; the private one is closed to others.")


def _certificate(record: Record, now: datetime) -> list[Line]:
    if record.cert is None:
        return []
    try:
        ends = _end_of(record.cert)
    except (OSError, ValueError):
        return [wrong(CERTIFICATE, f"{record.cert} cannot be read as a certificate.", "Put the cabin's own there.")]
    if ends < now + SOON:
        says = f"The cabin's certificate for the broker ends on {ends:%Y-%m-%d}."
        return [wrong(CERTIFICATE, says, "Have it renewed by whoever runs the broker.")]
    return [ok(CERTIFICATE, f"The cabin's certificate is good until {ends:%Y-%m-%d}.")]


def _end_of(cert: Path) -> datetime:
    """Raises OSError or ValueError."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc
