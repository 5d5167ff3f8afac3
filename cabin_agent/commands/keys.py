"""`cabin keys`: makes, shows, rotates, revokes, exports and enrols keys; what each action does is in `keyring`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from typing import cast

from cabin_agent.commands.output import COULD_NOT_RUN, complain
from cabin_agent.keyring.error import KeyringError
from cabin_agent.toml_table import ConfigError
from sync.errors import SyncError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (module, what) in ACTIONS.items():
        add = _function(module, f"add_{name}")
        add(actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}."))


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    try:
        return cast(int, _function(ACTIONS[args.action][0], args.action)(args))
    except (KeyringError, SyncError, ConfigError) as error:
        complain("keys", error)
    except BrokenPipeError:
        raise
    except OSError as error:
        complain("keys", f"{error.filename or 'A file'} cannot be made, read or written ({error.strerror}).")
    return COULD_NOT_RUN


def _function(module: str, name: str) -> Callable[..., object]:
    return cast(Callable[..., object], getattr(importlib.import_module(f"cabin_agent.keyring.{module}"), name))


ACTIONS: Mapping[str, tuple[str, str]] = {
    "make": ("cli_make", "make new keys; an existing file is never overwritten"),
    "show": ("cli_show", "the keys of a folder or of the settings: id, kind, age, use; never a private part"),
    "rotate": ("cli_rotate", "a new key beside the old one, and the next statement of the record's keys"),
    "revoke": ("cli_rotate", "a key is not to be believed any more: the next statement says so"),
    "statement": ("cli_rotate", "state the record's keys as they lie in its folder"),
    "export": ("cli_show", "the public parts of a folder in one file"),
    "enrol": ("cli_enrol", "ask the record to let this cabin in, or to renew its certificate"),
    "accept": ("cli_enrol", "let a cabin in: file its public keys, issue its certificate"),
    "inventory": ("cli_show", "the cryptographic inventory, as JSON (CycloneDX 1.6)"),
}
"""Every action: the file that has its arguments and its doing, and what it does."""
