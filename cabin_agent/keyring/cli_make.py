"""`cabin keys make`."""

from __future__ import annotations

import argparse
from pathlib import Path

from cabin_agent.commands.output import DONE
from cabin_agent.keyring import making
from cabin_agent.keyring.error import KeyringError
from cabin_agent.keyring.making import MAKE, private_folder, use_of


def add_make(parser: argparse.ArgumentParser) -> None:
    """What `make` takes."""
    whose = (*MAKE, "ca", "broker")
    parser.add_argument("whose", choices=whose, help="on whose machine the private parts stay")
    parser.add_argument("folder", type=Path, help="where to write them, as a folder that only this user may enter")
    parser.add_argument("--ca", type=Path, metavar="FOLDER", help="broker: the authority that signs its certificate")
    parser.add_argument("--host", action="append", default=[], help="broker: a name or address it is reached under")
    parser.add_argument(
        "--days", type=int, default=365, help="broker: days that the certificate is good (%(default)s)"
    )


def make(args: argparse.Namespace) -> int:
    """Make keys, or an authority, or a certificate of a broker."""
    private_folder(args.folder)
    say(*(making.make(args.whose, args.folder) if args.whose in MAKE else _make_certificates(args)))
    return DONE


def _make_certificates(args: argparse.Namespace) -> list[Path]:
    from cabin_agent.keyring.certificates import issue_server, make_ca

    if args.whose == "ca":
        return make_ca(args.folder, "cabin certificate authority")
    if args.ca is None or not args.host:
        raise KeyringError("A broker's certificate needs --ca FOLDER and at least one --host NAME.")
    return issue_server(args.ca, args.folder, tuple(args.host), args.days)


def say(*paths: Path) -> None:
    """Name each file and where it goes."""
    for path in paths:
        print(f"{path}  {use_of(path)}")
