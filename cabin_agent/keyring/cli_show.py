"""`cabin keys show`, `export` and `inventory`: what is there, without private parts."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from cabin_agent.commands.output import DONE, FOUND_WRONG, print_json
from cabin_agent.config import DEFAULT_FILE, load_config
from cabin_agent.keyring import inventory as bill
from cabin_agent.keyring.showing import public_parts, shown
from cabin_agent.posts.readers import kept_settings
from cabin_agent.record_link import STATEMENT, record_keys
from cabin_agent.tables import table


def add_show(parser: argparse.ArgumentParser) -> None:
    """What `show` takes."""
    parser.add_argument("folder", type=Path, nargs="?", help="a folder of keys (default: those of the settings)")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def show(args: argparse.Namespace) -> int:
    """List keys; 1 where one of them is damaged."""
    folders = [args.folder] if args.folder else _folders(args.config)
    rows = [{"folder": str(folder), **asdict(each)} for folder in folders for each in shown(folder)]
    force = None if args.folder else _in_force(args.config)
    if args.json:
        print_json({"schema": "cabin.keys/1", "keys": rows, "in_force": force})
    else:
        names = ("file", "kind", "kid", "made", "use", "note")
        print(table(names, [[str(row[name] or "") for name in names] for row in rows]))
        for name, value in (force or {}).items():
            print(f"{name.replace('_', ' ')}: {value}")
    return FOUND_WRONG if any(row["kind"] == "damaged" for row in rows) else DONE


def _in_force(file: Path) -> dict[str, object]:
    """What a cabin believes of its record, and what was posted to it; empty on a machine that is no cabin."""
    config = load_config(file)
    if config.record is None:
        return {}
    kept = config.cabin.state_dir / STATEMENT
    known = record_keys(config.record, kept, demo=config.cabin.accept_simulated, keep=False).known
    settings = kept_settings(config.cabin.state_dir)
    return {
        "statement": known.number,
        "sealed_to": known.recipient.kid.hex(),
        "believed": " ".join(sorted(kid.hex() for kid in known.signers)),
        "posted_settings": settings.number if settings else 0,
    }


def _folders(file: Path) -> list[Path]:
    """The folders in which the keys of the settings lie."""
    config = load_config(file)
    record, gateway = config.record, config.gateway
    named = [record.signing, record.post, record.root, record.recipient, record.cert] if record else []
    named += [gateway.recipient, gateway.signing, gateway.allow, gateway.cert] if gateway else []
    places = [path if path.is_dir() else path.parent for path in named if path]
    return list(dict.fromkeys(path for path in places if path.is_dir()))


def add_export(parser: argparse.ArgumentParser) -> None:
    """What `export` takes."""
    parser.add_argument("folder", type=Path, help="a folder of keys")
    parser.add_argument("--out", type=Path, help="a file to write (default: standard output)")


def export(args: argparse.Namespace) -> int:
    """Write the public parts."""
    text = json.dumps({"schema": "cabin.public-keys/1", "files": public_parts(args.folder)}, indent=1) + "\n"
    if args.out:
        args.out.write_text(text, encoding="ascii")
    else:
        sys.stdout.write(text)
    return DONE


def add_inventory(parser: argparse.ArgumentParser) -> None:
    """What `inventory` takes."""
    parser.add_argument("folder", type=Path, nargs="*", help="folders of keys (default: those of the settings)")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")


def inventory(args: argparse.Namespace) -> int:
    """Print the inventory."""
    folders = args.folder or (_folders(args.config) if args.config.exists() else [])
    print(json.dumps(bill.inventory(folders), indent=1))
    return DONE
