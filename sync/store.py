"""What the gateway needs of a record, and the words for it: a small interface with two databases behind it.

A message id names one content of a signer for ever: the same id again is a duplicate, the same id with other content
a conflict that is refused. What another signer sends under it is kept beside it: nobody can keep another's letter
out. Content, place in its sender's sequence, alarms and receipt are one transaction, of as many letters
as came together. A receipt is kept as the facts that it states and signed when it goes out, so that nobody holds a
lock of the database while signing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sync.envelope import Header, Opened
from sync.parts import Part
from sync.receipt import Receipt, Status

CONFLICT = "mid-conflict"
"""Reason code: the message id already names another content of the same signer."""
UNSTORABLE = "unstorable"
"""Reason code: the database takes the letter's neighbours and not the letter; a fault of this software."""

EVERY = 1 << 31
"""More rows than a database has."""

Kind = Literal["hole", "chain", "reuse", "audit", "stranger", "rival", "post", "fhir"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """An envelope of `client` that was opened and is to be filed."""

    client: str
    envelope: bytes = field(repr=False)
    opened: Opened
    answer: Receipt | None = None
    """What the cabin says of a post, where that is the content."""
    signer: str = ""
    """The client that the signing key belongs to, "" where nobody says."""

    @property
    def owner(self) -> str:
        """Whose letter it is: of its signer, whatever topic the broker brought it on."""
        return self.signer or self.client


@dataclass(frozen=True, slots=True)
class Rejected:
    """An envelope of `client` that is refused with a reason code; `header` where it can be named."""

    client: str
    envelope: bytes = field(repr=False)
    header: Header | None
    reason: str


Arrival = Accepted | Rejected


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of one envelope: the record's identifier, and the receipt to send, kept until it was sent."""

    status: Status
    record: str | None
    receipt_id: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Unsent:
    """A receipt that waits to be sent to a client."""

    receipt_id: int
    client: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Record:
    """One stored content with its provenance: the signed part and the signatures, as they travelled."""

    record: str
    mid: bytes
    src: bytes
    seq: int
    content_type: str
    received_ms: int
    content: bytes = field(repr=False)
    prot: bytes = field(repr=False)
    signatures: bytes = field(repr=False)
    """Deterministic CBOR: an array of [kid, alg, signature]."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something about a sender that a human must look at.

    "hole": numbers `first` to `last` are not in the record, closed when the last of them arrives; "chain": envelope
    `first` does not name its predecessor; "reuse": two messages bear the number `first`; "audit": at envelope
    `first` the sender's audit chain went back or was rewritten; "stranger": envelope `first` came from the client
    `detail`, its signer or the sender's earlier ones belong to another; "rival": envelope `first` bears the message
    id of another signer's content, `detail` is the record's identifier of that; "post": the client refuses post
    `first`, `detail` names it and its reason; "fhir": the FHIR server refuses the Bundle of envelope `first`,
    `detail` is its status. All but holes wait for a human.
    """

    alarm: int
    src: bytes
    kind: Kind
    first: int
    last: int
    detail: str
    seen_ms: int
    closed_ms: int | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A refused envelope: its SHA-256, where it came from, its message id where it has one, and why."""

    hash: bytes
    client: str
    mid: bytes | None
    reason: str
    received_ms: int
    size: int
    kept: bool
    """Whether the envelope itself was kept, or its hash alone."""


@dataclass(frozen=True, slots=True)
class Post:
    """A sealed envelope for a client, sent until the client's receipt has come."""

    client: str
    mid: bytes
    envelope: bytes = field(repr=False)


class Store(Protocol):
    """A record. Any thread may ask; every method may raise `StoreError`, and then nothing was changed."""

    def close(self) -> None:
        """Release the database; everything in it is already durable."""
        ...

    def file(self, arrivals: Sequence[Arrival]) -> list[Filed | None]:
        """Store what is new, and the receipts that say so, in one transaction; an answer for each arrival.

        None for a refused envelope that no receipt can name. What the database does not take although it is in order
        with the others is refused with `UNSTORABLE`.
        """
        ...

    def keep_parts(self, parts: Sequence[tuple[str, Part]]) -> list[bytes | None]:
        """Keep parts of envelopes with their clients; the whole (unchecked) for each that completes one.

        A set is forgotten when `forget_parts` says so, or when its client's parts take too much room: the oldest go,
        and the cabin sends them again.
        """
        ...

    def forget_parts(self, sets: Sequence[tuple[str, Part]]) -> None:
        """The sets that these parts belong to are dealt with."""
        ...

    def unsent(self, most: int = EVERY) -> list[Unsent]:
        """At most `most` receipts that were made and not yet sent, the oldest first."""
        ...

    def sent(self, receipt_ids: Sequence[int]) -> None:
        """Receipts went out; should one be lost on its way, the letter comes again and with it a new receipt."""
        ...

    def post(self, client: str, envelope: bytes) -> bytes:
        """Keep a sealed envelope to be sent to `client` until its receipt has come; gives the message id.

        The same message again changes nothing. `ValueError` where it is no envelope or larger than a post may be.
        """
        ...

    def posts_due(self, client: str | None = None) -> list[Post]:
        """Posts to send now, the next pause longer each time; those of `client` are sent before their time."""
        ...

    def hasten_posts(self) -> None:
        """All posts are due at once: the broker may have forgotten what was sent."""
        ...

    def settle_post(self, client: str, receipt: Receipt) -> bool:
        """Believe a client's (verified) receipt of a post: it is not sent again. False where it speaks of none.

        "rejected" raises an alarm; the post is not sent again either.
        """
        ...

    def posts(self) -> list[tuple[Post, str]]:
        """All posts and the client's word on each: "" while it is awaited, else the receipt's status."""
        ...

    def record_of(self, mid: bytes, content_hash: bytes | None = None) -> str | None:
        """The record identifier of a message, or None where it (with this content) is not in the record."""
        ...

    def find(self, mid: bytes) -> Record | None:
        """The stored content of a message with its provenance; of several signers' the first."""
        ...

    def records(self) -> list[Record]:
        """All stored contents in the order of their coming."""
        ...

    def alarms(self) -> list[Alarm]:
        """All alarms in the order of their coming, closed ones included."""
        ...

    def close_alarm(self, alarm: int) -> bool:
        """A human has looked at an alarm; a Bundle that it kept from the FHIR server is tried again.

        False where no such alarm is open.
        """
        ...

    def quarantined(self) -> list[Quarantined]:
        """Refused envelopes in the order of their coming."""
        ...

    def quarantined_envelope(self, name: bytes) -> bytes | None:
        """A refused envelope as it arrived, by message id or hash; None where it was not kept."""
        ...
