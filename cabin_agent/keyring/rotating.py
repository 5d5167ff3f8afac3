"""A new generation of a key beside the old ones, under a name that bears its id; nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

from cabin_agent.keyring.error import KeyringError
from cabin_agent.keyring.making import Named
from cabin_agent.keyring.statements import load_root, read_last, write_next
from sync.keyfile import kind_of, load_key, save_key
from sync.keys import RecipientKey, SigningPair
from sync.statement import Statement


def rotate_record(folder: Path, root_folder: Path, *, receipts: bool = False) -> tuple[list[Path], Statement]:
    """A new recipient key of the record, or a new pair that signs receipts and posts, and the next statement.

    The root and the last statement are looked at first, so nothing is made that could not be stated.
    """
    root = load_root(root_folder)
    suite, demo = _suite(folder), root.demo
    read_last(folder, root.public)
    if receipts:
        pair = SigningPair.generate(demo=demo)
        made = _save(folder, "receipts", {"private": pair, "public": pair.public}, pair.public.kid)
    else:
        key = RecipientKey.generate(suite, demo=demo)
        made = _save(folder, "record", {"private": key, "public": key.public}, key.public.kid)
    return made, write_next(folder, root)


def rotate_cabin(folder: Path) -> list[Path]:
    """A new signing pair of a cabin; it is used once the settings name it, and the record has its public half."""
    old = folder / "cabin.private"
    if not old.exists():
        raise KeyringError(f"There is no {old}: make the first keys with 'cabin keys make cabin {folder}'.")
    pair = SigningPair.generate(demo=load_key(old, SigningPair).demo)
    return _save(folder, "cabin", {"private": pair, "json": pair.public}, pair.public.kid)


def _save(folder: Path, stem: str, keys: Named, kid: bytes) -> list[Path]:
    made = []
    for ending, key in keys.items():
        path = folder / f"{stem}-{kid.hex()[:8]}.{ending}"
        save_key(path, key)
        made.append(path)
    return made


def _suite(folder: Path) -> int:
    """The suite of the record's keys so far; a folder without one is not the record's."""
    suites = [load_key(path, RecipientKey).suite for path in folder.glob("*.private") if kind_of(path) == "recipient"]
    if not suites:
        raise KeyringError(f"{folder} holds no recipient key: make the first with 'cabin keys make record {folder}'.")
    return max(suites)
