"""The gateway as a process: its settings, its keys from their files, its record by name."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sync.envelope import Policy
from sync.errors import KeyFileError, Refused, StoreError
from sync.fhir_sink import FhirSettings, FhirSink
from sync.gateway import Gateway
from sync.keyfile import clients_of, load_key, load_recipients, load_signers
from sync.keys import XWING, SigningPair, SigningPublic
from sync.link import LinkSettings
from sync.receiver import Check, Receiver
from sync.statement import read_statement
from sync.store_sql import SqlStore

Age = Callable[[], float]
"""Seconds since a part of the process last turned."""
POSTGRES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """A gateway process: its broker, its store and its key files.

    `store` is a file, or the URL of a PostgreSQL database. `recipients` are private keys, or folders of them
    (`*.private`): what was sealed to an earlier key stays readable. `signers` is a folder of the cabins' public
    signing keys (`*.json`), each named after the client that it belongs to; `root` and `statement` say which of them
    are revoked, and since when. `demo` takes keys that are marked as such; without it they are refused. `group`
    names the subscription that the gateways share; "" for none. `fhir`: a FHIR server that Bundles are handed on to.
    """

    link: LinkSettings
    store: Path | str
    recipients: tuple[Path, ...]
    signing: Path
    signers: Path
    suites: frozenset[int] = frozenset({XWING})
    demo: bool = False
    group: str = ""
    root: Path | None = None
    statement: Path | None = None
    fhir: FhirSettings | None = None


def open_store(where: Path | str, *, make: bool = True) -> SqlStore:
    """The record in a file, or in the PostgreSQL database that a URL names. `StoreError` where it cannot be used.

    Without `make`, a file that is not there is no empty record.
    """
    # Loaded when it is asked for: one machine needs only one of them.
    if isinstance(where, str) and where.startswith(POSTGRES):
        from sync.store_postgres import PostgresStore

        return PostgresStore(where)
    from sync.store_sqlite import SqliteStore

    file = Path(where)
    if not file.parent.is_dir():
        raise StoreError(f"The folder of the record {file} is not there: make it, or mend 'store' in the settings.")
    if not make and not file.exists():
        raise StoreError(f"There is no record {file}: mend 'store' in the settings, or start the gateway.")
    return SqliteStore(file)


def run_gateway(
    settings: GatewaySettings,
    check: Check | None = None,
    on_up: Callable[[], None] | None = None,
    on_start: Callable[[Mapping[str, Age]], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `on_up` is called whenever the gateway is subscribed.

    `on_start` is called once before, with the parts that must turn for as long as the process lives.
    `KeyFileError` where a key cannot be used, `StoreError` where the record cannot.
    """
    recipients = {}
    for path in settings.recipients:
        recipients.update(load_recipients(path, demo=settings.demo))
    cabins = sorted(settings.signers.glob("*.json"))
    signers = load_signers(cabins, demo=settings.demo)
    signing = load_key(settings.signing, SigningPair)
    if signing.demo and not settings.demo:
        raise KeyFileError("A key of this gateway is for demonstration only: make the record's own keys.")
    revoked = _revoked(settings)
    if signing.public.kid in revoked:
        raise KeyFileError(
            f"The pair {settings.signing} is revoked, and no cabin believes it: name the newer one as 'signing'."
        )
    policy = Policy(signers, settings.suites, revoked)
    store = open_store(settings.store)
    receiver = Receiver(recipients, policy, signing, store, check, clients=clients_of(cabins))
    gateway = Gateway(settings.link, receiver, on_up, settings.group)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: gateway.stop())
    with closing(store), _handing_on(settings) as sink:
        if on_start is not None:
            on_start({"gateway": gateway.stalled_for, **({} if sink is None else {"fhir": sink.stalled_for})})
        gateway.run()


@contextmanager
def _handing_on(settings: GatewaySettings) -> Iterator[FhirSink | None]:
    """The way on to the FHIR server, with a connection of its own to the record."""
    if settings.fhir is None:
        yield None
        return
    with closing(open_store(settings.store)) as store:
        sink = FhirSink(settings.fhir, store)
        sink.start()
        try:
            yield sink
        finally:
            sink.stop()


def _revoked(settings: GatewaySettings) -> Mapping[bytes, int]:
    """Key ids that the newest statement revokes, and since when; none where no statement is named."""
    if settings.root is None or settings.statement is None:
        return {}
    root = load_key(settings.root, SigningPublic)
    if root.demo and not settings.demo:
        raise KeyFileError("The root of this gateway is for demonstration only: make the record's own.")
    try:
        return read_statement(settings.statement.read_bytes(), root).revoked
    except OSError as error:
        raise KeyFileError(f"The statement {settings.statement} cannot be read: {error.strerror}.") from None
    except Refused as refusal:
        why = f"is refused, {refusal.code}: fetch it again"
        raise KeyFileError(f"The statement {settings.statement} {why}.") from None
