"""`cabin access`: accounts of technicians, nurses and doctors, and the address with which the kiosk is launched."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cabin_agent.access import PEOPLE, Access, AccessError, Role
from cabin_agent.commands.running import folders_of
from cabin_agent.config import DEFAULT_FILE, ConfigError, load_config
from cabin_agent.runtime import NotRunning, kiosk_address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument(
        "action", choices=("list", "grant", "revoke", "kiosk"), help="kiosk: print the address that launches it"
    )
    parser.add_argument("name", nargs="?", help="of the account, to grant or revoke")
    parser.add_argument("--role", choices=PEOPLE, help="of the account to grant (default technician)")
    parser.add_argument("--config", type=Path, help=f"settings (default {DEFAULT_FILE})")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if (args.action in ("grant", "revoke")) != bool(args.name):
        print("cabin access: grant and revoke take a name, list and kiosk take none.", file=sys.stderr)
        return 2
    if args.role and args.action != "grant":
        print("cabin access: --role goes with grant.", file=sys.stderr)
        return 2
    try:
        print(_done(args))
    except (ConfigError, AccessError, NotRunning) as error:
        print(f"cabin access: {error}", file=sys.stderr)
        return 3
    return 0


def _done(args: argparse.Namespace) -> str:
    if args.action == "kiosk":
        return kiosk_address(folders_of(args.config))
    config = load_config(args.config or DEFAULT_FILE)
    access = Access(config.cabin.state_dir / "access.json")
    if args.action == "grant":
        return _granted(access, args)
    if args.action == "revoke":
        access.revoke(args.name)
        return f"{args.name} has no access any more."
    return "\n".join(f"{each.name}  {each.role}" for each in access.accounts()) or "no accounts"


def _granted(access: Access, args: argparse.Namespace) -> str:
    role: Role = args.role or "technician"
    granted = access.grant(args.name, role)
    return (
        f"{granted.token}\n{granted.code}\n"
        "These are shown once. The first is the token for commands and programs (CABIN_TOKEN); "
        f"the second is the code with which {args.name} signs in on the page /{role}/."
    )
