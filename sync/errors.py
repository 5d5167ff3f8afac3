"""The small tree of errors that leave this room; every text is one sentence: what happened, and what to do."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    "malformed",
    "version",
    "suite",
    "unknown-recipient",
    "decrypt",
    "header-mismatch",
    "signature",
    "size",
    "content-hash",
]
"""The nine refusals of an envelope (DE1, "Refusals")."""


class SyncError(Exception):
    """Delivery cannot go on; the text is one sentence without any content."""


class Refused(SyncError):
    """An envelope or a receipt is refused with one of the nine codes; no byte of its content is told."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


class KeyFileError(SyncError):
    """A key file is missing, damaged, of another kind, or readable by others."""


class OutboxLocked(SyncError):
    """Another process holds this outbox."""


class OutboxFull(SyncError):
    """There is no room for another envelope; all earlier ones are kept."""


class OutboxFailed(SyncError):
    """The outbox could not be written for a reason other than room; nothing was stored."""


class AuditFailed(SyncError):
    """The audit log can neither be read nor begun."""


class StoreError(SyncError):
    """The record could not be reached, read or written; nothing was stored, and nothing may be acknowledged."""
