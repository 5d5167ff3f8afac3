"""The gateway: opens envelopes, files them in the record and answers with signed receipts.

Order of one message: open, store and receipt in one transaction, publish the receipt, acknowledge to the broker. It
may be killed between any two steps: unacknowledged or unreceipted, the letter comes again and is a duplicate. A
store that fails costs the connection, so nothing is acknowledged that is not safe.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sync.envelope import Policy
from sync.errors import KeyFileError
from sync.keyfile import load_key, load_signers
from sync.keys import XWING, RecipientKey, SigningPair
from sync.link import Down, Event, Link, LinkSettings, Message, Up
from sync.receiver import Check, Receiver
from sync.store import SqliteStore

_CLIENT = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Common names of cabins."""
_UP = "dmst/v1/up/"
_DOWN = "dmst/v1/down/"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """A gateway process: its broker, its store and its key files.

    `signers` is a folder of the cabins' public signing keys (`*.json`). `demo` takes keys that are marked as such;
    without it they are refused.
    """

    link: LinkSettings
    store: Path
    recipients: tuple[Path, ...]
    signing: Path
    signers: Path
    suites: frozenset[int] = frozenset({XWING})
    demo: bool = False


class Gateway:
    """Broker on one side, record on the other; any number may run beside each other on one store.

    Either `start` it, in a thread of its own, or `run` it in the caller's.
    """

    def __init__(self, link: LinkSettings, receiver: Receiver, on_up: Callable[[], None] | None = None) -> None:
        self._settings, self._receiver, self._on_up = link, receiver, on_up
        self._running = False
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._fault = ""
        self._link = Link(link, [f"{_UP}+"])
        self._thread = threading.Thread(target=self.run, name="gateway", daemon=True)

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End `run` after the message in hand; may be called from a signal handler."""
        self._stopping.set()
        self._link.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        elif not self._running:
            self._link.close()

    def wait_connected(self, timeout: float) -> bool:
        """Wait until the gateway is subscribed; False where that takes longer than `timeout` seconds."""
        return self._connected.wait(timeout)

    @property
    def fault(self) -> str:
        """What last went wrong since the connection was last up, without any content."""
        return self._fault

    def run(self) -> None:
        """Serve until `stop`; nothing but that ends it."""
        self._running = True
        while not self._stopping.is_set():
            try:
                for event in self._link.poll(1.0):
                    self._take(event)
            except Exception as error:
                self._fault = type(error).__name__
                self._link.drop("fault in the gateway")
                self._stopping.wait(self._settings.backoff_first)
        self._link.close()

    def _take(self, event: Event) -> None:
        match event:
            case Up():
                self._fault = ""
                for number, client, data in self._receiver.store.unsent():
                    self._answer(client, number, data)
                self._connected.set()
                if self._on_up is not None:
                    self._on_up()
            case Down(why):
                self._fault = why
                self._connected.clear()
            case Message(topic=topic, payload=payload):
                client = topic.removeprefix(_UP)
                if not _CLIENT.fullmatch(client):
                    # No cabin has such a name, and no answer could be addressed to it.
                    self._link.ack(event)
                    return
                filed = self._receiver.handle(client, payload)
                if filed is not None:
                    self._answer(client, filed.receipt_id, filed.receipt)
                self._link.ack(event)

    def _answer(self, client: str, number: int, data: bytes) -> None:
        if self._link.publish(_DOWN + client, data):
            self._receiver.store.sent(number)


def run_gateway(
    settings: GatewaySettings, check: Check | None = None, on_up: Callable[[], None] | None = None
) -> None:
    """The gateway as a process: serve until SIGTERM or SIGINT; `on_up` is called whenever it is subscribed.

    `KeyFileError` where a key cannot be used.
    """
    keys = [load_key(path, RecipientKey) for path in settings.recipients]
    signers = load_signers(sorted(settings.signers.glob("*.json")), demo=settings.demo)
    signing = load_key(settings.signing, SigningPair)
    if not settings.demo and (signing.demo or any(key.demo for key in keys)):
        raise KeyFileError("A key of this gateway is for demonstration only: make the record's own keys.")
    policy = Policy(signers, settings.suites)
    store = SqliteStore(settings.store)
    recipients = {key.public.kid: key for key in keys}
    gateway = Gateway(settings.link, Receiver(recipients, policy, signing, store, check), on_up)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: gateway.stop())
    try:
        gateway.run()
    finally:
        store.close()
