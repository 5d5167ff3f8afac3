"""`cabin run`: the core, in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from cabin_agent.config import DEFAULT_FILE, ConfigError, load_config
from cabin_agent.visit_table import printed_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")
    parser.add_argument("--states", action="store_true", help="print the table of the visit and stop")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if args.states:
        print(printed_table())
        return 0
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    # aiohttp quotes the headers of a request that it cannot parse, tokens included.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    from cabin_agent.access import AccessError
    from cabin_agent.app import run_core
    from cabin_agent.journal import JournalError
    from sync.errors import SyncError

    try:
        asyncio.run(run_core(load_config(args.config), lambda url: print(f"ready at {url}", flush=True)))
    except (ConfigError, AccessError, JournalError, SyncError) as error:
        print(f"cabin run: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        where = f"{error.filename} cannot be used: " if error.filename else ""
        print(f"cabin run: {where}{error.strerror or error}; 'cabin check' says more.", file=sys.stderr)
        return 3
    return 0
