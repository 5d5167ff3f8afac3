"""The gateway as a process: its settings, its keys from their files, its record by name."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sync.envelope import Policy
from sync.errors import KeyFileError
from sync.gateway import Gateway
from sync.keyfile import load_key, load_signers
from sync.keys import XWING, RecipientKey, SigningPair
from sync.link import LinkSettings
from sync.receiver import Check, Receiver
from sync.store_sql import SqlStore

POSTGRES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """A gateway process: its broker, its store and its key files.

    `store` is a file, or the URL of a PostgreSQL database. `recipients` are private keys, or folders of them
    (`*.private`): what was sealed to an earlier key stays readable. `signers` is a folder of the cabins' public
    signing keys (`*.json`). `demo` takes keys that are marked as such; without it they are refused. `group` names the
    subscription that the gateways share; "" for none.
    """

    link: LinkSettings
    store: Path | str
    recipients: tuple[Path, ...]
    signing: Path
    signers: Path
    suites: frozenset[int] = frozenset({XWING})
    demo: bool = False
    group: str = ""


def open_store(where: Path | str) -> SqlStore:
    """The record in a file, or in the PostgreSQL database that a URL names. `StoreError` where it cannot be used."""
    # Loaded when it is asked for: one machine needs only one of them.
    if isinstance(where, str) and where.startswith(POSTGRES):
        from sync.store_postgres import PostgresStore

        return PostgresStore(where)
    from sync.store_sqlite import SqliteStore

    return SqliteStore(Path(where))


def run_gateway(
    settings: GatewaySettings, check: Check | None = None, on_up: Callable[[], None] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; `on_up` is called whenever the gateway is subscribed.

    `KeyFileError` where a key cannot be used, `StoreError` where the record cannot.
    """
    keys = [load_key(path, RecipientKey) for path in _each(settings.recipients)]
    signers = load_signers(sorted(settings.signers.glob("*.json")), demo=settings.demo)
    signing = load_key(settings.signing, SigningPair)
    if not settings.demo and (signing.demo or any(key.demo for key in keys)):
        raise KeyFileError("A key of this gateway is for demonstration only: make the record's own keys.")
    policy = Policy(signers, settings.suites)
    store = open_store(settings.store)
    recipients = {key.public.kid: key for key in keys}
    receiver = Receiver(recipients, policy, signing, store, check)
    gateway = Gateway(settings.link, receiver, on_up, settings.group)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: gateway.stop())
    try:
        gateway.run()
    finally:
        store.close()


def _each(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that are named, and for a folder the private keys in it."""
    for path in paths:
        found = sorted(path.glob("*.private")) if path.is_dir() else [path]
        if not found:
            raise KeyFileError(f"The folder {path} holds no private key (*.private): put the record's keys into it.")
        yield from found
