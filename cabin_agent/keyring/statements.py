"""The next key statement: what the last one said, with the new keys of the record's folder and new revocations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from cabin_agent.keyring.error import KeyringError
from sync.errors import Refused
from sync.keyfile import kind_of, load_key, made_of
from sync.keys import RecipientKey, RecipientPublic, SigningPair, SigningPublic
from sync.statement import Recipient, Statement, make_statement, read_statement
from sync.whole_file import replace_file

NAME = "record.statement"
"""Of the newest statement, in the record's folder."""
ROOT = "root.private"


def load_root(folder: Path) -> SigningPair:
    """The root's private keys in their folder; `KeyFileError` where they are not there."""
    return load_key(folder / ROOT, SigningPair)


def read_last(folder: Path, root: SigningPublic) -> Statement | None:
    """The statement that lies in the record's folder, None where none was made yet."""
    try:
        return read_statement((folder / NAME).read_bytes(), root)
    except FileNotFoundError:
        return None
    except Refused as refusal:
        raise KeyringError(
            f"{folder / NAME} is refused ({refusal.code}): use the root that signed it, or put its copy back."
        ) from None


def write_next(
    folder: Path, root: SigningPair, revoke: Mapping[bytes, int] | None = None, now_ms: int | None = None
) -> Statement:
    """Make the next statement of the record's keys and put it into their folder; raises `KeyringError`."""
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    last = read_last(folder, root.public)
    statement = _next(last, folder, root, {**(last.revoked if last else {}), **(revoke or {})}, now)
    try:
        data = make_statement(statement, root)
    except ValueError:
        raise KeyringError(
            f"No recipient key or no signing key of {folder} would be left: make a new one with"
            " 'cabin keys rotate record' before the last one is revoked."
        ) from None
    replace_file(folder / NAME, data, 0o644)
    return statement


def _next(
    last: Statement | None, folder: Path, root: SigningPair, revoked: Mapping[bytes, int], now: int
) -> Statement:
    recipients = list(last.recipients) if last else []
    signing = list(last.signing) if last else []
    since = max([now, *(each.since_ms for each in recipients)])
    known = {each.key.kid for each in recipients} | {each.kid for each in signing} | {root.public.kid}
    for key in _own(folder, root):
        if key.kid not in known and isinstance(key, RecipientPublic):
            recipients.append(Recipient(key, since))
        elif key.kid not in known and isinstance(key, SigningPublic):
            signing.append(key)
    return Statement((last.number if last else 0) + 1, now, tuple(recipients), tuple(signing), revoked)


def _own(folder: Path, root: SigningPair) -> list[RecipientPublic | SigningPublic]:
    """The public halves of the private keys in the record's folder, the oldest first."""
    found: list[RecipientPublic | SigningPublic] = []
    for path in sorted(folder.glob("*.private"), key=lambda path: (made_of(path), path.name)):
        key: RecipientPublic | SigningPublic
        if kind_of(path) == "recipient":
            key = load_key(path, RecipientKey).public
        else:
            key = load_key(path, SigningPair).public
        if key.demo is not root.demo:
            raise KeyringError(f"{path} and the root are not both of a demonstration: make a root of your own.")
        found.append(key)
    return found
