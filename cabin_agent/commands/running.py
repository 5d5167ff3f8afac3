"""What commands on a running cabin share: finding it, and one sentence when that does not work."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cabin_agent.access import AccessError
from cabin_agent.client import CoreClient, CoreError
from cabin_agent.config import DEFAULT_FILE, ConfigError, load_config
from cabin_agent.runtime import Found, NotRunning, find_core, runtime_folders


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """The option that says where the running cabin published itself."""
    parser.add_argument("--config", type=Path, help=f"settings of the cabin (default {DEFAULT_FILE}, if it exists)")
    parser.add_argument("--url", help="of a core of another user, with your token in CABIN_TOKEN")


def running_core(args: argparse.Namespace) -> CoreClient:
    """A client of this user's running cabin, or of the one at `--url`.

    Raises `NotRunning`, `AccessError` or `ConfigError`.
    """
    if args.url:
        if not os.environ.get("CABIN_TOKEN"):
            raise AccessError("A core of another user asks for your token: set CABIN_TOKEN ('cabin access grant').")
        return CoreClient(args.url.rstrip("/"), os.environ["CABIN_TOKEN"])
    found = find_core(folders_of(args.config))
    return CoreClient(found.url, found.token)


def folders_of(file: Path | None) -> tuple[Path, ...]:
    """Where a cabin of this user may have published itself: settings are read only where there are any.

    Raises `ConfigError`.
    """
    file = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    return runtime_folders(os.environ, load_config(file).cabin.runtime_dir if file else None)


def core_here(file: Path | None) -> Found | None:
    """This user's running cabin with these settings, None where none runs. Raises `AccessError` or `ConfigError`."""
    try:
        found = find_core(folders_of(file))
    except NotRunning:
        return None
    other = file is not None and found.config is not None and found.config != file.absolute()
    return None if other else found


def state_folder(file: Path | None) -> Path:
    """The state folder of the cabin with these settings, else of the running one. Raises as `core_here`."""
    if file is None and (found := core_here(None)) is not None:
        file = found.config
    return load_config(file or DEFAULT_FILE).cabin.state_dir


def told(verb: str, work: Callable[[], int]) -> int:
    """Do the work of a verb; an expected failure is one sentence on standard error and exit code 3."""
    try:
        return work()
    except (NotRunning, AccessError, ConfigError, CoreError) as error:
        print(f"cabin {verb}: {error}", file=sys.stderr)
        return 3
