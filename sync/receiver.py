"""The receiver: envelopes in, receipts out, the record in between. No broker here.

Messages that came together are opened beside each other, filed in one transaction and answered. A receiver with a
store that fails raises, and nothing of them is filed; everything that a message can be or hold ends in a receipt or,
where nothing can be named, in the quarantine alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sync.envelope import RECEIPT, Header, Opened, Policy, open_envelope, peek
from sync.errors import Refused
from sync.keys import RecipientKey, SigningPair
from sync.parts import Part, read_part
from sync.receipt import Receipt, Status, make_receipt, verify_receipt
from sync.store import EVERY, Accepted, Arrival, Filed, Rejected, Store, Unsent

Letter = tuple[str, bytes]
"""A client and a message of it."""
Check = Callable[[str, bytes], str | None]
"""Judges a content by its type and bytes: a reason code to refuse it, or None."""
Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Does something to many things, in their order, as `map` does: cryptography lets other threads run meanwhile."""

BAD_ANSWER = "post-receipt"
"""Reason code: the content is a receipt of a post, and not signed by who sends it."""
STRANGER = "stranger"
"""Reason code: a part from a client that no signer belongs to."""
_TYPE = re.compile(r"[!-~]{1,127}")


@dataclass(frozen=True, slots=True)
class Answer:
    """The receipt for a client, signed; kept in the store under `receipt_id` until it was sent."""

    client: str
    receipt_id: int
    status: Status
    record: str | None
    """The record's identifier of the content, where it is there."""
    receipt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receiver:
    """What it takes to receive: private keys by key id, a policy, the record's signing pair, a store and a check.

    `clients` says by key id whose each signer is: a letter is its signer's, whatever topic it came on, and only these
    clients may leave parts. None: nobody says, and the topic is believed.
    """

    recipients: Mapping[bytes, RecipientKey] = field(repr=False)
    policy: Policy
    signing: SigningPair
    store: Store
    check: Check | None = None
    spread: Spread = map
    clients: Mapping[bytes, str] | None = None

    def handle(self, client: str, message: bytes) -> Answer | None:
        """Take one message of `client`; see `receive`."""
        return self.receive([(client, message)])[0]

    def receive(self, messages: Sequence[Letter]) -> list[Answer | None]:
        """Open, check and file messages of clients; an answer for each, once it is safe.

        None where no receipt can name the message: a part of something larger, or malformed. What the store raises
        comes through: then nothing may be acknowledged.
        """
        wholes, sets = self._assemble(messages)
        known = [(at, client, envelope, sets.get(at)) for at, (client, envelope) in sorted(wholes.items())]
        arrivals = list(self.spread(self._judge, known))
        filed = self.store.file(arrivals) if arrivals else []
        if sets:
            self.store.forget_parts([(messages[at][0], part) for at, part in sets.items()])
        answers = self.spread(self._answer, zip(arrivals, filed, strict=True))
        by_message = dict(zip([at for at, *_ in known], answers, strict=True))
        return [by_message.get(at) for at in range(len(messages))]

    def unsent(self, most: int = EVERY) -> list[Answer]:
        """At most `most` receipts that were made and not yet sent, the oldest first, signed now."""
        return list(self.spread(self._sign_again, self.store.unsent(most)))

    def _assemble(self, messages: Sequence[Letter]) -> tuple[dict[int, tuple[str, bytes]], dict[int, Part]]:
        """The envelopes among the messages and those that their parts complete; and of these, the last part."""
        may = None if self.clients is None else set(self.clients.values())
        parts = {
            at: part
            for at, (client, message) in enumerate(messages)
            if (may is None or client in may) and (part := read_part(message)) is not None
        }
        wholes = {at: each for at, each in enumerate(messages) if at not in parts}
        kept = self.store.keep_parts([(messages[at][0], part) for at, part in parts.items()]) if parts else []
        done: dict[tuple[str, bytes, int], int] = {}
        for (at, part), whole in zip(parts.items(), kept, strict=True):
            name = (messages[at][0], part.mid + part.envelope_hash, part.count)
            if whole is not None and done.setdefault(name, at) == at:
                wholes[at] = (messages[at][0], whole)
        return wholes, {at: parts[at] for at in done.values()}

    def _judge(self, arrival: tuple[int, str, bytes, Part | None]) -> Arrival:
        _, client, envelope, part = arrival
        if part is not None and hashlib.sha256(envelope).digest() != part.envelope_hash:
            # No receipt that names this hash would be believed: the cabin sends all parts again.
            return Rejected(client, envelope, None, "malformed")
        try:
            opened = self._open(envelope)
        except Refused as refusal:
            stranger = part is None and read_part(envelope) is not None
            return Rejected(client, envelope, _named(envelope), STRANGER if stranger else refusal.code)
        answer = self._post_receipt(opened)
        reason = self._fault(opened, answer)
        if reason is not None:
            return Rejected(client, envelope, opened.header, reason)
        return Accepted(client, envelope, opened, answer, self._signer(client, opened))

    def _signer(self, client: str, opened: Opened) -> str:
        """The client whose key signed, `client` itself where one of its keys did; "" where nobody says."""
        owners = {(self.clients or {}).get(one.kid, "") for one in opened.signatures}
        return client if client in owners else min(owners)

    def _open(self, envelope: bytes) -> Opened:
        """Open by the policy; what is already in the record is a duplicate, though its signer was revoked since."""
        try:
            return open_envelope(envelope, self.recipients, self.policy)
        except Refused as refusal:
            if refusal.code != "signature" or not self.policy.revoked:
                raise
        opened = open_envelope(envelope, self.recipients, replace(self.policy, revoked={}))
        if self.store.record_of(opened.header.mid, opened.protected.content_hash) is None:
            raise Refused("signature")
        return opened

    def _post_receipt(self, opened: Opened) -> Receipt | None:
        """The receipt of a post, signed by the same keys as the letter that it came in."""
        signers = {one.kid: self.policy.signers[one.kid] for one in opened.signatures}
        try:
            return verify_receipt(opened.content, signers) if opened.protected.content_type == RECEIPT else None
        except Refused:
            return None

    def _fault(self, opened: Opened, answer: Receipt | None) -> str | None:
        if not _TYPE.fullmatch(opened.protected.content_type):
            return "content-type"
        if opened.protected.content_type == RECEIPT:
            return BAD_ANSWER if answer is None else None
        if self.check is None:
            return None
        try:
            return self.check(opened.protected.content_type, opened.content)
        except Exception:
            # A check that stumbles over a content must not stop the others' letters.
            return "check-failed"

    def _answer(self, pair: tuple[Arrival, Filed | None]) -> Answer | None:
        arrival, filed = pair
        if filed is None:
            return None
        data = make_receipt(filed.receipt, self.signing)
        return Answer(arrival.client, filed.receipt_id, filed.status, filed.record, data)

    def _sign_again(self, unsent: Unsent) -> Answer:
        data = make_receipt(unsent.receipt, self.signing)
        return Answer(unsent.client, unsent.receipt_id, unsent.receipt.status, None, data)


def _named(envelope: bytes) -> Header | None:
    try:
        return peek(envelope)
    except Refused:
        return None
