"""What the local API shows and asks of the core: the seam between the web server and the daemon.

All dictionaries are JSON objects as `docs/api.yaml` writes them down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

Json = dict[str, Any]
Wanted = Callable[[Json | bytes], bool]
"""Whether a watcher may have an item; asked when it is told, not when the watcher comes to read it."""


class Refusal(Exception):
    """A request that the state of the cabin does not allow; the text is one sentence, `code` is stable.

    Codes: "not-now", "unknown-event", "bad-value", "unknown-instrument", "busy", "not-ready"; of a consultation also
    "taken", "bad-token", "media-down", "bad-offer".
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Face(Protocol):
    """The core, as its screens and its technicians see it."""

    def status(self) -> Json:
        """Version, readiness, simulated or not, speed, and the delivery: connected, pending, quarantined, damaged."""
        ...

    def visit(self) -> Json:
        """The state of the visit, what may be said now, the progress of the plan and the time left."""
        ...

    async def tell(self, message: Json) -> Json:
        """One event of the visit, as `{"event": ..., ...}`; gives the visit after it. Raises `Refusal`."""
        ...

    def results(self) -> Json:
        """The outcomes of the open visit with their evidence; raises `Refusal` unless they may be seen now."""
        ...

    def instruments(self) -> list[Json]:
        """Every instrument: name, kind, protocol, url, state, reason, age of the last sample, identity, simulated."""
        ...

    async def command(self, instrument: str, verb: str) -> Json:
        """A technician's "start" or "stop" of one instrument outside a visit. Raises `Refusal`."""
        ...

    def deliveries(self, limit: int) -> list[Json]:
        """What was handed to the record and what it answered: message id, type, state, receipt; newest first."""
        ...

    async def requeue(self, mid: str) -> Json:
        """Send an envelope again that the record refused; the delivery after it. Raises `Refusal` "bad-value"."""
        ...

    def cabin(self) -> Json:
        """The cabin as its staff sees it: state, what is to clean, instruments; nothing of a person."""
        ...

    def consultation(self, doctor: str) -> Json:
        """Whether an agent waits for a doctor, and whose the consultation is, as the account `doctor` sees it."""
        ...

    async def join(self, doctor: str, language: str = "fr") -> Json:
        """A token for one offer, as `{"token", "expires_s"}`; `language` is what the doctor reads.

        Raises `Refusal` "not-now" where nobody waits, "taken" where another doctor is, "bad-value".
        """
        ...

    async def offer(self, token: str, sdp: str) -> tuple[str, str]:
        """Redeem a token for a call: its session and the answer to the browser's offer.

        Raises `Refusal` "bad-token", "not-now", "media-down" or "bad-offer"; the token is used up in every case.
        """
        ...

    async def end(self, doctor: str) -> None:
        """End the consultation of this doctor for both sides, with or without a call.

        Raises `Refusal` "not-now" where there is none of this doctor, "taken" where another one has it, "not-ready".
        """
        ...

    async def hang_up(self, doctor: str, session: str) -> None:
        """End one call of this doctor; the consultation goes on and may be joined again. Raises `Refusal`."""
        ...

    def watch(self, waves: bool, wanted: Wanted) -> AbstractContextManager[AsyncIterator[Json | bytes]]:
        """What is `wanted` of all that changes from now on: JSON events, and binary wave frames if `waves`.

        A watcher that does not keep up loses the oldest wave frames first and is told how many.
        """
        ...
