"""From the record to a FHIR server: every Bundle is posted until the server has it, in a thread of its own.

The queue lies in the record and is written with the content. Killed between the server's answer and the note of it, a
Bundle is posted again, and its conditional creates find what is there. What the server refuses for a reason that lies
in the Bundle is put aside with an alarm; whatever lies in the server, the link or the permission is waited for.
"""

from __future__ import annotations

import http.client
import io
import logging
import random
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from sync.bundle_rows import Due
from sync.fhir_bundle import transaction
from sync.link import Backoff

log = logging.getLogger(__name__)

_DONE = (200, 201)
_LATER = frozenset({401, 403, 404, 405, 407, 408, 409, 410, 425, 429})
"""Refusals that a later attempt may not meet: permission, address, collision with another's transaction, haste."""
_IDLE = 1.0
_PATIENCE = 3600.0
"""Seconds: the longest pause that a server may ask for, and the longest between two attempts of one Bundle."""


@dataclass(frozen=True, slots=True)
class FhirSettings:
    """The FHIR server: `https://` anywhere, `http://` on this machine alone. Times in seconds."""

    base: str
    token: Path | None = None
    """File with a bearer token, read anew for each Bundle."""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    timeout: float = 30.0
    """For one Bundle, from the connection to the answer's head."""
    backoff_first: float = 1.0
    backoff_most: float = 300.0


class Bundles(Protocol):
    """The queue in the record. Every method may raise `StoreError`."""

    def bundle_due(self, lease_s: float) -> Due | None:
        """The Bundle that waits longest, which no other gateway gets for `lease_s` seconds."""
        ...

    def bundle_done(self, number: int) -> None:
        """The server has it."""
        ...

    def bundle_later(self, number: int, wait_s: float) -> None:
        """Not yet: it is due again after a while."""
        ...

    def bundle_aside(self, number: int, detail: str) -> None:
        """The server will not have it: an alarm with `detail`."""
        ...


@dataclass(frozen=True, slots=True)
class _Said:
    """The server's answer: its status, 0 for none, and the seconds that it asks to be left alone."""

    status: int
    pause: float = 0.0
    why: str = ""


class _Lines(io.BufferedReader):
    """What a server says, line by line: `http.client` takes a head that was cut off for one that has ended."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n"):
            raise ConnectionAbortedError("an answer that was cut off")
        return line


class _Answer(http.client.HTTPResponse):
    """An answer whose head is whole, or an `OSError`."""

    def __init__(self, sock: socket.socket, *details: Any, **more: Any) -> None:
        super().__init__(sock, *details, **more)
        self.fp = _Lines(self.fp.detach())


class FhirSink:
    """Takes Bundles from the record to one server; several may run beside each other on one record."""

    def __init__(self, settings: FhirSettings, bundles: Bundles) -> None:
        self._settings, self._bundles = settings, bundles
        self._backoff = Backoff(settings.backoff_first, settings.backoff_most)
        self._stopping = threading.Event()
        self._turned_at = time.monotonic()
        self._fault = ""
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="fhir", daemon=True)

    def start(self) -> None:
        """Begin to post; the server need not be there."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End the thread; a Bundle in hand is posted again another time."""
        self._stopping.set()
        self._cut()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def fault(self) -> str:
        """What last went wrong since a Bundle was last taken, without any content."""
        return self._fault

    def stalled_for(self) -> float:
        """Seconds since the thread last turned; one attempt may take the settings' `timeout`."""
        return time.monotonic() - self._turned_at

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            # In small steps: a long pause is no dead thread.
            self._turned_at = time.monotonic()
            if pause > 0:
                self._stopping.wait(min(pause, 1.0))
                pause -= 1.0
                continue
            try:
                pause = self._turn()
            except Exception as error:
                pause = self._trouble(type(error).__name__)

    def _turn(self) -> float:
        """Post one Bundle, and give the pause after it."""
        due = self._bundles.bundle_due(2 * self._settings.timeout + 30)
        if due is None:
            return _IDLE
        try:
            body = transaction(due.content)
        except ValueError:
            self._bundles.bundle_aside(due.number, "not-a-transaction")
            return 0.0
        said = self._post(body)
        if said.status in _DONE:
            self._bundles.bundle_done(due.number)
        elif 400 <= said.status < 500 and said.status not in _LATER:
            self._bundles.bundle_aside(due.number, str(said.status))
        else:
            own = random.uniform(0.0, min(_PATIENCE, 2.0 ** min(due.attempts, 20)))  # noqa: S311
            self._bundles.bundle_later(due.number, max(said.pause, own))
            return max(said.pause, self._trouble(said.why or f"HTTP {said.status}"))
        self._fault = ""
        self._backoff.reset()
        return 0.0

    def _trouble(self, why: str) -> float:
        if why != self._fault and not self._stopping.is_set():
            log.error("no Bundle reaches the FHIR server (%s): it is tried again", why)
        self._fault = why
        return self._backoff.next()

    def _post(self, body: bytes) -> _Said:
        cut = threading.Timer(self._settings.timeout, self._cut)
        cut.daemon = True
        try:
            connection = self._connection()
            connection.response_class = _Answer
            connection.connect()
            self._socket = connection.sock
            cut.start()
            connection.request("POST", urlsplit(self._settings.base).path or "/", body, self._headers())
            answer = connection.getresponse()
            return _Said(answer.status, _pause(answer.getheader("Retry-After")))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _Said(0, why=type(error).__name__)
        finally:
            cut.cancel()
            self._cut()

    def _cut(self) -> None:
        """End whatever waits for the server, in any thread: one that sends a byte an hour would hold it for ever."""
        held, self._socket = self._socket, None
        if held is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def _connection(self) -> http.client.HTTPConnection:
        settings, url = self._settings, urlsplit(self._settings.base)
        host = url.hostname or ""
        if url.scheme != "https":
            return http.client.HTTPConnection(host, url.port, timeout=settings.timeout)
        context = ssl.create_default_context(cafile=None if settings.ca is None else str(settings.ca))
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
        return http.client.HTTPSConnection(host, url.port, timeout=settings.timeout, context=context)

    def _headers(self) -> dict[str, str]:
        kind = "application/fhir+json"
        headers = {"Content-Type": kind, "Accept": kind, "Prefer": "return=minimal"}
        if self._settings.token is not None:
            headers["Authorization"] = f"Bearer {self._settings.token.read_text().strip()}"
        return headers


def _pause(retry_after: str | None) -> float:
    """The seconds of a Retry-After (RFC 9110, 10.2.3); a date is left to our own back-off."""
    if retry_after is None or not retry_after.strip().isdigit():
        return 0.0
    return min(float(retry_after), _PATIENCE)
