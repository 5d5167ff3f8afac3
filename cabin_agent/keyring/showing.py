"""What keys lie in a folder: ids, kinds, age, use. Private parts are neither shown nor, where avoidable, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cabin_agent.keyring.making import use_of
from sync.errors import SyncError
from sync.keyfile import Key, kind_of, load_key, made_of
from sync.keys import RecipientKey, RecipientPublic, SigningPair, SigningPublic

KINDS: dict[str, type[Key]] = {
    "recipient": RecipientKey,
    "recipient-public": RecipientPublic,
    "signing": SigningPair,
    "signing-public": SigningPublic,
}
_ENDINGS = (".private", ".public", ".json", ".key", ".pub")


@dataclass(frozen=True, slots=True)
class Shown:
    """One file."""

    file: str
    kind: str
    """"recipient" or "signing", with "-public" where only the public half is there; "certificate"; "damaged"."""
    kid: str
    """Key id in hex, empty where there is none."""
    suite: int | None
    made: str
    """UTC, ISO 8601; of a certificate, from when it is good."""
    use: str
    demo: bool = False
    note: str = ""


def shown(folder: Path) -> list[Shown]:
    """Every key and certificate of a folder by name; a file that is neither is left out."""
    return [each for path in sorted(folder.iterdir()) if path.is_file() for each in _shown(path)]


def _shown(path: Path) -> list[Shown]:
    if path.suffix == ".pem":
        return _certificate(path)
    kind = kind_of(path) if path.suffix in _ENDINGS else ""
    if kind not in KINDS:
        return []
    made = made_of(path) or _written(path)
    try:
        key: Key = load_key(path, KINDS[kind])
    except SyncError as error:
        return [Shown(path.name, "damaged", "", None, made, use_of(path), note=str(error))]
    public = key.public if isinstance(key, RecipientKey | SigningPair) else key
    suite = public.suite if isinstance(public, RecipientPublic) else None
    return [Shown(path.name, kind, public.kid.hex(), suite, made, use_of(path), key.demo)]


def _certificate(path: Path) -> list[Shown]:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        return []
    name = found.subject.rfc4514_string()
    until = found.not_valid_after_utc.strftime("%Y-%m-%d")
    since = found.not_valid_before_utc.isoformat(timespec="seconds")
    use = use_of(path) or "public: certificate"
    return [Shown(path.name, "certificate", "", None, since, use, note=f"{name}, good until {until}")]


def _written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def public_parts(folder: Path) -> dict[str, str]:
    """The public files of a folder, name to content: what may be handed to the other side, in one JSON file."""
    found = {}
    for path in sorted(folder.iterdir()):
        is_public = kind_of(path).endswith("-public") if path.suffix in _ENDINGS else path.suffix == ".pem"
        if path.is_file() and is_public:
            found[path.name] = path.read_text(encoding="ascii")
    statement = folder / "record.statement"
    if statement.exists():
        found[statement.name] = statement.read_bytes().hex()
    return found
