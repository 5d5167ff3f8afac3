"""`cabin keys enrol` at the cabin and `accept` at the record."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from cabin_agent.commands.output import DONE, FOUND_WRONG, complain
from cabin_agent.config import CLIENT, CLIENTS
from cabin_agent.keyring import enrolment
from cabin_agent.keyring.error import KeyringError


def add_enrol(parser: argparse.ArgumentParser) -> None:
    """What `enrol` takes."""
    parser.add_argument("folder", type=Path, help="the cabin's folder, of 'cabin keys make cabin'")
    parser.add_argument("--out", type=Path, help="the request (default: request.enrol in FOLDER)")
    parser.add_argument("--signing", type=Path, help="a new pair, for which cabin.private vouches")


def enrol(args: argparse.Namespace) -> int:
    """Write the request and say its fingerprint."""
    out = args.out or args.folder / "request.enrol"
    print(f"fingerprint  {enrolment.enrol(args.folder, out, signing=args.signing)}")
    print(f"{out}  to the record: 'cabin keys accept'; compare the fingerprint by voice")
    return DONE


def add_accept(parser: argparse.ArgumentParser) -> None:
    """What `accept` takes."""
    parser.add_argument("request", type=Path, help="the file that the cabin made with 'cabin keys enrol'")
    parser.add_argument("--ca", type=Path, required=True, metavar="FOLDER", help="of 'cabin keys make ca'")
    parser.add_argument("--allow", type=Path, required=True, metavar="FOLDER", help="[gateway] allow")
    parser.add_argument("--fingerprint", help="as it was read out at the cabin; then nothing is asked")
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
            print(f"The cabin {renewed} vouches for it with a key that is known.")
            return True
        if args.fingerprint is not None:
            return _plain(args.fingerprint) == _plain(fingerprint)
        return input("Is that what the cabin shows? Type yes: ").strip().lower() in ("yes", "oui")

    enrolled = enrolment.accept(
        args.request, args.ca, args.allow, confirm=confirm, client=args.client, days=args.days, out=args.out
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


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.lower().split())
