"""New keys for each party, under the names that the settings' examples use; an existing file is never overwritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sync.keyfile import Key, save_key
from sync.keys import RecipientKey, SigningPair

Named = dict[str, Key]


def private_folder(folder: Path) -> None:
    """Make a folder that only this user may enter, if it is not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make(whose: str, folder: Path) -> list[Path]:
    """The files of new keys for one party; raises `KeyFileError` or OSError."""
    private_folder(folder)
    made = []
    for name, key in MAKE[whose]().items():
        save_key(folder / name, key)
        made.append(folder / name)
    return made


def _cabin() -> Named:
    signing, post = SigningPair.generate(), RecipientKey.generate()
    return {
        "cabin.private": signing,
        "cabin.json": signing.public,
        "post.private": post,
        "post.public": post.public,
    }


def _record() -> Named:
    recipient, receipts = RecipientKey.generate(), SigningPair.generate()
    return {
        "record.private": recipient,
        "record.public": recipient.public,
        "receipts.private": receipts,
        "receipts.public": receipts.public,
    }


def _support() -> Named:
    support = RecipientKey.generate()
    return {"support.private": support, "support.public": support.public}


def _root() -> Named:
    root = SigningPair.generate()
    return {"root.private": root, "root.public": root.public}


MAKE: Mapping[str, Callable[[], Named]] = {"cabin": _cabin, "record": _record, "support": _support, "root": _root}
"""Whose keys -> what makes them."""

USES: Mapping[str, str] = {
    "cabin.private": "private: [record] signing of the cabin",
    "cabin.json": "public: into the folder [gateway] allow, as CLIENT.json",
    "post.private": "private: [record] post of the cabin",
    "post.public": "public: into the folder [gateway] allow, as CLIENT.public",
    "record.private": "private: [gateway] recipient",
    "record.public": "public: [record] recipient of every cabin",
    "receipts.private": "private: [gateway] signing",
    "receipts.public": "public: [record] signers of every cabin",
    "record.statement": "public: [record] statement of every cabin, or by 'cabin post --statement'",
    "support.private": "private: stays in the workshop, for `cabin replay --key`",
    "support.public": "public: [black_box] key of every cabin",
    "root.private": "private: stays on a machine without a network, with a copy in a second safe",
    "root.public": "public: [record] root of every cabin",
    "tls.key": "private: [record] key of the cabin",
    "tls.pem": "public: [record] cert of the cabin",
    "broker.key": "private: keyfile of the broker",
    "broker.pem": "public: certfile of the broker",
    "ca.key": "private: stays where certificates are issued",
    "ca.pem": "public: [record] ca of every cabin, [gateway] ca, and the broker's",
}
"""Where each file goes in the settings (docs/cabin.toml)."""


def use_of(path: Path) -> str:
    """Where a file is used, by its name; later generations are called "record-1f2e3d4c.private"."""
    stem, _, ending = path.name.partition(".")
    return USES.get(f"{stem.partition('-')[0]}.{ending}", "")
