"""The receiver: one envelope in, one receipt out, the record in between. No broker here.

A receiver with a store that fails raises; everything that an envelope can be or hold ends in a receipt or, where
nothing can be named, in the quarantine alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sync.envelope import Header, Opened, Policy, open_envelope, peek
from sync.errors import Refused
from sync.keys import RecipientKey, SigningPair
from sync.receipt import Receipt, make_receipt
from sync.store import Filed, Store

Check = Callable[[str, bytes], str | None]
"""Judges a content by its type and bytes: a reason code to refuse it, or None."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """What it takes to receive: private keys by key id, a policy, the record's signing pair, a store and a check."""

    recipients: Mapping[bytes, RecipientKey] = field(repr=False)
    policy: Policy
    signing: SigningPair
    store: Store
    check: Check | None = None

    def handle(self, client: str, envelope: bytes) -> Filed | None:
        """Open, check and file one envelope of `client`; what comes back holds the receipt to send.

        None where the envelope is so malformed that no receipt can name it. What the store raises comes through.
        """
        try:
            opened = open_envelope(envelope, self.recipients, self.policy)
        except Refused as refusal:
            return self.store.refuse(client, envelope, _named(envelope), refusal.code, self._sign)
        reason = self._judge(opened)
        if reason is not None:
            return self.store.refuse(client, envelope, opened.header, reason, self._sign)
        return self.store.file(client, hashlib.sha256(envelope).digest(), opened, self._sign)

    def _judge(self, opened: Opened) -> str | None:
        if self.check is None:
            return None
        try:
            return self.check(opened.protected.content_type, opened.content)
        except Exception:
            # A check that stumbles over a content must not stop the others' letters.
            return "check-failed"

    def _sign(self, receipt: Receipt) -> bytes:
        return make_receipt(receipt, self.signing)


def _named(envelope: bytes) -> Header | None:
    try:
        return peek(envelope)
    except Refused:
        return None
