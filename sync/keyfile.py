"""Keys as files: one JSON object each, private ones readable by their owner alone.

A private file that others may read is refused, not repaired: whoever could read it may hold a copy. Under systemd's
`LoadCredential=` the group bits only mirror an access list, so there only the bits of "others" count.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sync.errors import KeyFileError
from sync.keys import RecipientKey, RecipientPublic, SigningPair, SigningPublic

Key = RecipientKey | RecipientPublic | SigningPair | SigningPublic
_K = TypeVar("_K", bound=Key)
_MOST = 65536
_CREDENTIALS = Path("/run/credentials")
"""Where systemd puts the credentials of its units."""


def save_key(path: Path, key: Key) -> None:
    """Write a key to a new file, mode 0600 for a private key, 0644 for a public one; an existing file is kept."""
    private = isinstance(key, RecipientKey | SigningPair)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({**_fields(key), "made": made}, indent=1) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o644)
    except FileExistsError:
        raise KeyFileError(f"There is already a key at {path}: move it away first.") from None
    except OSError as error:
        raise KeyFileError(f"The key {path} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def load_key(path: Path, kind: type[_K]) -> _K:
    """The key in a file, of the class that is asked for; `KeyFileError` says what is wrong with the file."""
    private = kind in (RecipientKey, SigningPair)
    try:
        with path.open("rb") as file:
            if private:
                _refuse_loose(path, os.fstat(file.fileno()).st_mode)
            fields = json.loads(file.read(_MOST))
        key = _key(fields)
    except OSError as error:
        raise KeyFileError(f"The key {path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise KeyFileError(f"The key {path} is damaged: restore it from its copy.") from None
    if not isinstance(key, kind):
        raise KeyFileError(f"The key {path} is of another kind: a {kind.__name__} is needed here.")
    return key


def load_signers(paths: Iterable[Path], *, demo: bool) -> dict[bytes, SigningPublic]:
    """Public signing keys by key id; one marked as demo is refused unless `demo` is asked for."""
    keys = {}
    for path in paths:
        key = load_key(path, SigningPublic)
        if key.demo and not demo:
            raise KeyFileError(f"The key {path} is for demonstration only: production refuses it.")
        keys[key.kid] = key
    return keys


def clients_of(paths: Iterable[Path]) -> dict[bytes, str]:
    """Whose each public signing key is, by key id: "c-1" for `c-1.json` and for a later key, `c-1~1f2e3d4c.json`."""
    return {load_key(path, SigningPublic).kid: path.stem.partition("~")[0] for path in paths}


def load_recipients(path: Path, *, demo: bool) -> dict[bytes, RecipientKey]:
    """Private recipient keys by key id: of one file, or all that lie in a folder as `*.private`.

    Signing pairs in the same folder are left alone. `KeyFileError` where there is no recipient key, or where one is
    marked as demo although `demo` is not asked for.
    """
    files = sorted(path.glob("*.private")) if path.is_dir() else [path]
    found = {}
    for file in files:
        if path.is_dir() and kind_of(file) != "recipient":
            continue
        key = load_key(file, RecipientKey)
        if key.demo and not demo:
            raise KeyFileError(f"The key {file} is for demonstration only: production refuses it.")
        found[key.public.kid] = key
    if not found:
        raise KeyFileError(f"There is no recipient key in {path}: put the private keys there, as *.private.")
    return found


def kind_of(path: Path) -> str:
    """The kind that a key file says it has, "" where it says none; nothing of its key is looked at."""
    return _said(path, "kind")


def made_of(path: Path) -> str:
    """When a key file was made, UTC in ISO 8601; "" where it does not say."""
    return _said(path, "made")


def _said(path: Path, field: str) -> str:
    try:
        said = json.loads(path.read_bytes()[:_MOST])[field]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return said if isinstance(said, str) else ""


def _refuse_loose(path: Path, mode: int) -> None:
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    given = (credentials is not None and path.parent == Path(credentials)) or path.is_relative_to(_CREDENTIALS)
    if stat.S_IMODE(mode) & (0o007 if given else 0o077):
        raise KeyFileError(
            f"The private key {path} may be read or changed by others: make a new one and keep its mode at 600."
        )


def _fields(key: Key) -> dict[str, object]:
    match key:
        case RecipientKey():
            return {"kind": "recipient", "suite": key.suite, "demo": key.demo, "secret": key.secret.hex()}
        case RecipientPublic():
            return {"kind": "recipient-public", "suite": key.suite, "demo": key.demo, "key": key.raw.hex()}
        case SigningPair():
            seeds = {"ed25519": key.ed_seed.hex(), "ml-dsa-65": key.ml_seed.hex()}
            return {"kind": "signing", "demo": key.demo, **seeds}
        case SigningPublic():
            return {"kind": "signing-public", "demo": key.demo, "key": key.raw.hex()}


def _key(fields: dict[str, object]) -> Key:
    demo = fields["demo"]
    if not isinstance(demo, bool):
        raise ValueError("demo is not true or false")
    match fields:
        case {"kind": "recipient", "suite": int(suite), "secret": str(secret)}:
            return RecipientKey(suite, bytes.fromhex(secret), demo)
        case {"kind": "recipient-public", "suite": int(suite), "key": str(raw)}:
            return RecipientPublic(suite, bytes.fromhex(raw), demo)
        case {"kind": "signing", "ed25519": str(ed), "ml-dsa-65": str(ml)}:
            return SigningPair(bytes.fromhex(ed), bytes.fromhex(ml), demo)
        case {"kind": "signing-public", "key": str(raw)}:
            return SigningPublic(bytes.fromhex(raw), demo)
    raise ValueError("unknown kind of key")
