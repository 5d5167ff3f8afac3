"""`cabin access`: named technicians, and the kiosk's launch ticket."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cabin_agent.access import Access, AccessError
from cabin_agent.config import DEFAULT_FILE, ConfigError, load_config
from cabin_agent.runtime import NotRunning, kiosk_ticket, runtime_folders


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("action", choices=("list", "grant", "revoke", "kiosk"), help="kiosk: print its launch ticket")
    parser.add_argument("name", nargs="?", help="of the technician, to grant or revoke")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if (args.action in ("grant", "revoke")) != bool(args.name):
        print("cabin access: grant and revoke take a name, list and kiosk take none.", file=sys.stderr)
        return 2
    try:
        print(_done(args))
    except (ConfigError, AccessError, NotRunning) as error:
        print(f"cabin access: {error}", file=sys.stderr)
        return 3
    return 0


def _done(args: argparse.Namespace) -> str:
    config = load_config(args.config)
    if args.action == "kiosk":
        return kiosk_ticket(runtime_folders(os.environ, config.cabin.runtime_dir))
    access = Access(config.cabin.state_dir / "access.json")
    if args.action == "grant":
        token = access.grant(args.name, "technician")
        return f"{token}\nThis is shown once; its owner sets it as CABIN_TOKEN."
    if args.action == "revoke":
        access.revoke(args.name)
        return f"{args.name} has no access any more."
    return "\n".join(f"{each.name}  {each.role}" for each in access.accounts()) or "no accounts"
