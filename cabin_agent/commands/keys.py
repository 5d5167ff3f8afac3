"""`cabin keys`: make the keys of a cabin, of the record or of the workshop, each in a folder of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sync.errors import SyncError
from sync.keyfile import Key, save_key
from sync.keys import RecipientKey, SigningPair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("action", choices=("make",), help="make new keys; an existing file is never overwritten")
    parser.add_argument(
        "whose", choices=("cabin", "record", "support"), help="on whose machine the private parts stay"
    )
    parser.add_argument("folder", type=Path, help="where to write them, as a folder that only this user may enter")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    try:
        args.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, key in MAKE[args.whose]().items():
            save_key(args.folder / name, key)
            print(f"{args.folder / name}  {USES[name]}")
    except SyncError as error:
        print(f"cabin keys: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        why = f"The folder {args.folder} cannot be made or written ({error.strerror})"
        print(f"cabin keys: {why}: name another one.", file=sys.stderr)
        return 3
    return 0


def _cabin() -> dict[str, Key]:
    signing = SigningPair.generate()
    return {"cabin.private": signing, "cabin.json": signing.public}


def _record() -> dict[str, Key]:
    recipient, receipts = RecipientKey.generate(), SigningPair.generate()
    return {
        "record.private": recipient,
        "record.public": recipient.public,
        "receipts.private": receipts,
        "receipts.public": receipts.public,
    }


def _support() -> dict[str, Key]:
    support = RecipientKey.generate()
    return {"support.private": support, "support.public": support.public}


MAKE = {"cabin": _cabin, "record": _record, "support": _support}
"""Whose keys -> what makes them."""

USES = {
    "cabin.private": "private: [record] signing of the cabin",
    "cabin.json": "public: into the folder [gateway] allow, under a name of its own",
    "record.private": "private: [gateway] recipient",
    "record.public": "public: [record] recipient of every cabin",
    "receipts.private": "private: [gateway] signing",
    "receipts.public": "public: [record] signers of every cabin",
    "support.private": "private: stays in the workshop, for `cabin replay --key`",
    "support.public": "public: [black_box] key of every cabin",
}
"""Where each file goes in the settings (docs/cabin.toml)."""
