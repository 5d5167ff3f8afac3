"""`cabin media`: cameras, sound and the call to the doctor, in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from cabin_agent.config import DEFAULT_FILE, ConfigError, load_config
from cabin_agent.notify import READY, notify

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""The linear algebra would start threads when it is imported; the keeper forks and may have none."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings (default {DEFAULT_FILE})")


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    # aioice and aiortc name the addresses of the two ends when they are asked for more than warnings.
    for name in ("aioice", "aiortc"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in THREADS:
        os.environ.setdefault(name, "1")
    from cabin_agent.media import aiortc_names

    try:
        config = load_config(args.config)
        aiortc_names.check()
    except (ConfigError, aiortc_names.TuningError) as error:
        print(f"cabin media: {error}", file=sys.stderr)
        return 3
    # Only now: with another aiortc than that one, this might end in the middle of an import.
    from cabin_agent.media.keeper import keep

    return keep(config, _ready)


def _ready() -> None:
    print("ready", flush=True)
    notify(**READY)
