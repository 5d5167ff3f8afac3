"""`cabin keys enrol` at the cabin and `accept` at the record."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from cabin_agent.commands.output import DONE, FOUND_WRONG, complain
from cabin_agent.config import CLIENT, CLIENTS
from cabin_agent.keyring import enrolment
from cabin_agent.keyring.error import KeyringError
from sync.errors import Refused
from sync.keyfile import load_key
from sync.keys import SigningPublic
from sync.statement import read_statement


def add_enrol(parser: argparse.ArgumentParser) -> None:
    """What `enrol` takes."""
    parser.add_argument("folder", type=Path, help="the cabin's folder, of 'cabin keys make cabin'")
    parser.add_argument("--out", type=Path, help="the request (default: request.enrol in FOLDER)")
    parser.add_argument("--signing", type=Path, help="the pair in use, or the next one (default: cabin.private)")


def enrol(args: argparse.Namespace) -> int:
    """Write the request and say its fingerprint."""
    out = args.out or args.folder / "request.enrol"
    mark, tls = enrolment.enrol(args.folder, out, signing=args.signing)
    print(f"fingerprint  {mark}")
    print(f"{tls}  private: [record] key of the cabin, from when its certificate is there")
    print(f"{out}  to the record: 'cabin keys accept'; compare the fingerprint by voice")
    return DONE


def add_accept(parser: argparse.ArgumentParser) -> None:
    """What `accept` takes."""
    parser.add_argument("request", type=Path, help="the file that the cabin made with 'cabin keys enrol'")
    parser.add_argument("--ca", type=Path, required=True, metavar="FOLDER", help="of 'cabin keys make ca'")
    parser.add_argument("--allow", type=Path, required=True, metavar="FOLDER", help="[gateway] allow")
    parser.add_argument("--fingerprint", help="as it was read out at the cabin; then nothing is asked")
    parser.add_argument("--statement", type=Path, metavar="FILE", help="the newest: a known cabin vouches for itself")
    parser.add_argument("--root", type=Path, metavar="FILE", help="root.public, which signed the statement")
    parser.add_argument("--client", help="the opaque id of the cabin (default: a new one)")
    parser.add_argument("--days", type=int, default=90, help="how long its certificate is good (%(default)s)")
    parser.add_argument("--out", type=Path, help="the certificate (default: CLIENT.pem beside the request)")


def accept(args: argparse.Namespace) -> int:
    """File the keys and the certificate of a cabin once somebody has compared the fingerprint."""
    if args.client and not re.fullmatch(CLIENT, args.client):
        raise KeyringError(f"'{args.client}' cannot be the id of a cabin: it has {CLIENTS}.")

    def confirm(fingerprint: str, renewed: str | None) -> bool:
        print(f"fingerprint  {fingerprint}")
        if renewed:
            print(f"The cabin {renewed} vouches for it with a key that is known and not revoked.")
        if args.fingerprint is not None:
            return _plain(args.fingerprint) == _plain(fingerprint)
        return renewed is not None or _said_yes()

    enrolled = enrolment.accept(
        args.request,
        args.ca,
        args.allow,
        confirm=confirm,
        revoked=_revoked(args),
        client=args.client,
        days=args.days,
        out=args.out,
    )
    if enrolled is None:
        complain("keys", "The fingerprint is another one: nothing was written; have the request made again.")
        return FOUND_WRONG
    for path in enrolled.files:
        print(f"{path}  public: {'signs' if path.suffix == '.json' else 'posts are sealed to it'}")
    print(f"{enrolled.certificate}  to the cabin as tls.pem, with {args.ca / 'ca.pem'}")
    print(f'From now on its name is [record] client = "{enrolled.client}".')
    print("Restart every gateway, so that it knows the cabin.")
    return DONE


def _said_yes() -> bool:
    try:
        return input("Is that what the cabin shows? Type yes: ").strip().lower() in ("yes", "oui")
    except EOFError:
        raise KeyringError("Nobody is here to compare the fingerprint: give it with --fingerprint.") from None


def _revoked(args: argparse.Namespace) -> frozenset[bytes] | None:
    """Key ids that the newest statement revokes; None where none is named."""
    if args.statement is None and args.root is None:
        return None
    if args.statement is None or args.root is None:
        raise KeyringError("A statement counts with the root that signed it: give both --statement and --root.")
    try:
        return frozenset(read_statement(args.statement.read_bytes(), load_key(args.root, SigningPublic)).revoked)
    except Refused as refusal:
        raise KeyringError(f"The statement {args.statement} is refused ({refusal.code}): fetch it again.") from None


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.lower().split())
