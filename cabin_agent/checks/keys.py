"""The keys: there, whole, of the right kind, closed to others, and not those of a demonstration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cabin_agent.checks.line import Line, ok, wrong
from cabin_agent.config import BlackBoxSettings, Record
from cabin_agent.record_link import STATEMENT, record_keys
from sync.errors import KeyFileError
from sync.keyfile import load_key, load_recipients
from sync.keys import RecipientPublic, SigningPair

PART, CERTIFICATE, BLACK_BOX = "keys", "certificate", "black box"
SOON = timedelta(days=30)
"""A certificate that ends within this time is renewed now."""
RESTORE = "Put the key there again from its copy, or make one with 'cabin keys make', with mode 600 if it is private."


def lines(
    record: Record, *, demo: bool, now: datetime | None = None, state_dir: Path = Path("/nonexistent")
) -> list[Line]:
    """The keys that seal, sign and open, and the certificate for the broker; `demo` accepts those of a demonstration.

    In `state_dir` lies the newest statement of the record's keys, if there is one.
    """
    return [_keys(record, demo, state_dir), *_certificate(record, now or datetime.now(UTC))]


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


def _keys(record: Record, demo: bool, state_dir: Path) -> Line:
    try:
        signer = load_key(record.signing, SigningPair)
        keys = record_keys(record, state_dir / STATEMENT, demo=demo, keep=False)
        posts = load_recipients(record.post, demo=demo) if record.post else {}
    except KeyFileError as error:
        return wrong(PART, str(error), RESTORE)
    if signer.demo and not demo:
        return wrong(
            PART, "A key of a demonstration is used in a real cabin.", "Make this cabin's own with 'cabin keys make'."
        )
    number = keys.known.number
    stated = f", the record's by its statement number {number}" if number else ""
    count = 2 + len(keys.signers) + len(posts)
    return ok(PART, f"{count} keys are there and fit{stated}; the private ones are closed to others.")


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
