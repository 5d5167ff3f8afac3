"""`cabin post`: the record writes to a cabin; the gateway carries it, sealed, until the cabin has answered."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cabin_agent.commands.output import COULD_NOT_RUN, DONE, USED_WRONGLY, complain, print_json
from cabin_agent.config import DEFAULT_FILE, Config, ConfigError, Gateway, load_config
from cabin_agent.kernel_clock import boot_bytes
from cabin_agent.posts.appointment_content import AppointmentList, encode_appointments
from cabin_agent.posts.config_content import ConfigContent, encode_config
from cabin_agent.posts.files import appointments_to_post, settings_to_post
from cabin_agent.tables import table
from sync.envelope import APPOINTMENTS, CONFIG, Stamp
from sync.errors import KeyFileError, Refused, SyncError
from sync.gateway_process import open_store
from sync.keyfile import load_key
from sync.keys import RecipientPublic, SigningPair, SigningPublic
from sync.posting import Posting
from sync.statement import read_statement, read_unverified

POSTING = "posting.db"
"""Beside the store, or in the state folder where that is no file: how each cabin was written to last."""

Make = Callable[[int], bytes]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("client", nargs="?", help="the cabin, by its opaque id")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--appointments", type=Path, metavar="FILE", help="everybody who is expected there (TOML)")
    what.add_argument("--settings", type=Path, metavar="FILE", help="all settings that are changed from afar (TOML)")
    what.add_argument("--statement", type=Path, metavar="FILE", help="the record's keys: record.statement")
    what.add_argument("--list", action="store_true", help="what was posted, and what each cabin said")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if args.client is None and not args.list:
        complain("post", "Say to which cabin: 'cabin post CLIENT --appointments FILE'.")
        return USED_WRONGLY
    try:
        config = load_config(args.config)
        if config.gateway is None:
            raise ConfigError(f"{config.file}: there is no [gateway]; posts are made where a gateway can be.")
        return _list(config.gateway, args) if args.list else _post(config, config.gateway, args)
    except (ConfigError, SyncError, OSError, ValueError) as error:
        complain("post", error)
        return COULD_NOT_RUN


def _post(config: Config, gateway: Gateway, args: argparse.Namespace) -> int:
    kind, content = _content(gateway, args)
    demo = config.cabin.accept_simulated
    signer = load_key(gateway.signing, SigningPair)
    recipient = load_key(gateway.allow / f"{args.client}.public", RecipientPublic)
    if (signer.demo or recipient.demo) and not demo:
        raise KeyFileError("A key of this post is for demonstration only: make keys of your own.")
    place = gateway.store.parent if isinstance(gateway.store, Path) else config.cabin.state_dir
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        closing(open_store(gateway.store)) as store,
        closing(Posting(place / POSTING, store, signer, stamp_now)) as posting,
    ):
        posted = posting.post(args.client, recipient, kind, content)
    if args.json:
        print_json({"schema": "cabin.post/1", "mid": posted.mid.hex(), "number": posted.number})
    else:
        print(f"Posted as {posted.mid.hex()}: the gateway sends it until {args.client} has answered.")
    return DONE


def _content(gateway: Gateway, args: argparse.Namespace) -> tuple[str, Make]:
    """Content type, and what makes the content for its number; raises `ConfigError`, `ValueError` or OSError."""
    if args.appointments:
        expected = appointments_to_post(args.appointments)
        return APPOINTMENTS, lambda number: encode_appointments(AppointmentList(number, expected))
    if args.settings:
        settings = settings_to_post(args.settings)
        return CONFIG, lambda number: encode_config(ConfigContent(number, settings))
    statement = args.statement.read_bytes()
    try:
        if gateway.root is None:
            read_unverified(statement)
        else:
            read_statement(statement, load_key(gateway.root, SigningPublic))
    except Refused as refusal:
        raise ConfigError(f"{args.statement} is no statement that a cabin takes ({refusal.code}).") from None
    return CONFIG, lambda number: encode_config(ConfigContent(number, None, statement))


def stamp_now() -> Stamp:
    """Of a post: the time of a server that asks a time server, and no audit chain."""
    return Stamp(time.time_ns() // 1_000_000, "ntp", boot_bytes(), (0, bytes(32)))


def _list(gateway: Gateway, args: argparse.Namespace) -> int:
    with closing(open_store(gateway.store)) as store:
        posts = [(post, word) for post, word in store.posts() if args.client in (None, post.client)]
    rows = [{"client": post.client, "mid": post.mid.hex(), "status": word or "waiting"} for post, word in posts]
    if args.json:
        print_json({"schema": "cabin.posts/1", "posts": rows})
    else:
        print(table(("client", "message", "status"), [tuple(row.values()) for row in rows]))
    return DONE
