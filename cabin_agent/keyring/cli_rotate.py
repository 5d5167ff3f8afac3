"""`cabin keys rotate`, `revoke` and `statement`: what changes which keys are believed."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from cabin_agent.commands.output import DONE
from cabin_agent.keyring.cli_make import say
from cabin_agent.keyring.error import KeyringError
from cabin_agent.keyring.rotating import rotate_cabin, rotate_record
from cabin_agent.keyring.showing import shown
from cabin_agent.keyring.statements import load_root, write_next
from sync.statement import Statement


def add_rotate(parser: argparse.ArgumentParser) -> None:
    """What `rotate` takes."""
    parser.add_argument("whose", choices=("record", "cabin"))
    parser.add_argument("folder", type=Path, help="the folder with its keys so far; they stay")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="record: the offline root, which signs")
    parser.add_argument("--receipts", action="store_true", help="record: the pair that signs, not the key that opens")


def rotate(args: argparse.Namespace) -> int:
    """Make the new key, and say in which order it comes into use."""
    if args.whose == "cabin":
        private, public = rotate_cabin(args.folder)
        say(private, public)
        print(
            f"First have the record accept it ('cabin keys enrol {args.folder} --signing {private}'), then write it"
            " as [record] signing and restart the core: letters stored before keep their signature."
        )
        return DONE
    made, statement = rotate_record(args.folder, _root(args), receipts=args.receipts)
    say(*made, args.folder / "record.statement")
    print(_told(statement))
    print(AFTER_RECEIPTS if args.receipts else AFTER_RECIPIENT.format(folder=args.folder))
    return DONE


AFTER_RECIPIENT = (
    'Now, in this order: name the folder itself in [gateway] (recipient = "{folder}"), so that what was sealed to the'
    " earlier key stays readable; restart every gateway; give the statement to the cabins ('cabin post CLIENT"
    " --statement FILE')."
)
AFTER_RECEIPTS = (
    "Now, in this order: give the statement to the cabins ('cabin post CLIENT --statement FILE'); once each has"
    " answered, write the new pair as [gateway] signing and restart every gateway."
)


AFTER_REVOKED = "Give it to the cabins ('cabin post CLIENT --statement FILE') and restart every gateway."
AFTER_REVOKED_RECEIPTS = (
    "This pair signs receipts and posts, and no cabin believes it once it has this statement. So, in this order:"
    " write a pair that the cabins know already as [gateway] signing; restart every gateway; give the statement to"
    " the cabins ('cabin post CLIENT --statement FILE')."
)


def add_revoke(parser: argparse.ArgumentParser) -> None:
    """What `revoke` takes."""
    parser.add_argument("kid", help="id of the key, as 'cabin keys show' prints it, or its beginning")
    parser.add_argument("folder", type=Path, help="the record's folder, with the last statement")
    parser.add_argument("--root", type=Path, metavar="FOLDER", required=True, help="the offline root, which signs")
    parser.add_argument("--allow", type=Path, metavar="FOLDER", help="the gateway's folder of cabins, to find KID in")
    parser.add_argument(
        "--date",
        metavar="DAY",
        help="only of an orderly retirement: letters of before that day stay welcome (default: none does)",
    )


def revoke(args: argparse.Namespace) -> int:
    """Write the statement that revokes a key."""
    kid = _kid(args.kid, [args.folder, *([args.allow] if args.allow else [])])
    statement = write_next(args.folder, load_root(args.root), {kid: _date_ms(args.date)})
    say(args.folder / "record.statement")
    print(_told(statement))
    print(AFTER_REVOKED if kid not in {each.kid for each in statement.signing} else AFTER_REVOKED_RECEIPTS)
    return DONE


def add_statement(parser: argparse.ArgumentParser) -> None:
    """What `statement` takes."""
    parser.add_argument("folder", type=Path, help="the record's folder")
    parser.add_argument("--root", type=Path, metavar="FOLDER", required=True, help="the offline root, which signs")


def statement(args: argparse.Namespace) -> int:
    """Write a statement of the keys as they are."""
    statement = write_next(args.folder, load_root(args.root))
    say(args.folder / "record.statement")
    print(_told(statement))
    return DONE


def _root(args: argparse.Namespace) -> Path:
    if args.root is None:
        raise KeyringError("The record's keys are stated by the root: name its folder with --root.")
    root: Path = args.root
    return root


def _told(statement: Statement) -> str:
    """What a statement says, for people."""
    revoked = f", {len(statement.revoked)} revoked" if statement.revoked else ""
    keys = f"{len(statement.recipients)} to open with, {len(statement.signing)} to sign with{revoked}"
    return f"Statement number {statement.number}: {keys}; sealed to {statement.recipient.kid.hex()}."


def _kid(text: str, folders: list[Path]) -> bytes:
    """The one key id that begins so, in these folders; a whole one need not be there."""
    found = {each.kid for folder in folders for each in shown(folder) if each.kid and each.kid.startswith(text)}
    if len(text) == 32 and not found:
        found = {text}
    if len(found) != 1:
        raise KeyringError(f"{len(found)} keys have an id that begins with '{text}': write more of it, or all of it.")
    try:
        return bytes.fromhex(found.pop())
    except ValueError:
        raise KeyringError(f"'{text}' is no key id: copy it from 'cabin keys show'.") from None


def _date_ms(text: str | None) -> int:
    """UTC ms; 0 without a day, for a thief dates his letters as he likes."""
    if text is None:
        return 0
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise KeyringError(f"'{text}' is no day: write it as 2026-11-30.") from None
