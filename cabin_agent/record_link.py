"""What lies between a cabin and its record, opened from the settings: keys, outbox, uplink, letter box."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cabin_agent.config import Config, Record
from cabin_agent.delivery import Delivery
from cabin_agent.posts.inbox import Inbox
from cabin_agent.room import most_of, room_of
from cabin_agent.trail import Trail
from sync.errors import KeyFileError
from sync.keyfile import load_key, load_recipients, load_signers
from sync.keys import RecipientPublic, SigningPair, SigningPublic
from sync.link import Tls
from sync.outbox import Outbox
from sync.record_keys import Known, RecordKeys, pinned_keys
from sync.sender import Sender
from sync.uplink import Uplink, UplinkSettings
from sync.whole_file import replace_file

log = logging.getLogger(__name__)

STATEMENT = "record.statement"
"""In the state folder: the newest statement of the record's keys that this cabin has taken."""


SIGNED_BY = "signed-by"
"""In the state folder: the id of the pair that signed last."""


@dataclass(frozen=True, slots=True)
class RecordLink:
    """The way up, and the way down where the cabin has a key for it."""

    delivery: Delivery
    inbox: Inbox | None


def open_record_link(
    config: Config, record: Record, trail: Trail, believed_ms: Callable[[], int | None]
) -> RecordLink:
    """Open everything with this cabin's keys; demonstration keys only where simulated is accepted.

    `believed_ms` gives UTC milliseconds, None where nobody knows the time. What happens is noted in the trail.
    Raises `KeyFileError`, `OutboxFailed` or `OutboxLocked`, each with one sentence.
    """
    demo = config.cabin.accept_simulated
    signer = load_key(record.signing, SigningPair)
    _refuse_demo(record.signing, signer.demo and not demo)
    keys = record_keys(record, config.cabin.state_dir / STATEMENT, demo=demo)
    posted = load_recipients(record.post, demo=demo) if record.post else None
    room = room_of(record.quota_mb, record.reserve_mb)
    outbox = Outbox(config.cabin.state_dir / "outbox.db", room, trail.now_ms)
    outbox.on_damage(trail.damage)
    outbox.watch(trail.letter)
    new_sender_id(config.cabin.state_dir / SIGNED_BY, signer.public.kid, outbox)
    sender = Sender(outbox, keys.recipient, signer, trail.stamp)

    def in_force(known: Known) -> None:
        sender.recipient = known.recipient
        signers = ",".join(sorted(kid.hex() for kid in known.signers))
        trail.keys(signing=signer.public.kid.hex(), recipient=known.recipient.kid.hex(), signers=signers)

    keys.on_change = in_force
    inbox = None if posted is None else Inbox(config, posted, keys, sender, believed_ms, trail.note)
    in_force(keys.known)
    tls = Tls(record.ca, record.cert, record.key) if record.broker.tls else None
    settings = UplinkSettings(
        host=record.broker.host,
        port=record.broker.port,
        client_id=record.client,
        tls=tls,
        mqtt5=record.mqtt5,
        letters_per_s=record.drain_per_s,
        bytes_per_s=record.drain_kib_per_s << 10,
    )
    hear = None if inbox is None else inbox.hear
    most = most_of(record.quota_mb << 20)
    delivery = Delivery(sender, lambda told: Uplink(outbox, settings, keys.signers, told, hear), most)
    return RecordLink(delivery, inbox)


def new_sender_id(file: Path, kid: bytes, outbox: Outbox) -> None:
    """Begin a new sender id where another pair signed before (DE1, "src"); letters already stored keep theirs."""
    before = file.read_text(encoding="ascii").strip() if file.exists() else ""
    if before and before != kid.hex():
        outbox.rotate()
    if before != kid.hex():
        # Not noted, on a full disk, costs one more sender id at the next start.
        with suppress(OSError):
            replace_file(file, f"{kid.hex()}\n".encode())


def record_keys(record: Record, kept: Path, *, demo: bool, keep: bool = True) -> RecordKeys:
    """The record's keys that this cabin believes: of the settings, or of the newest statement of its root.

    `kept` is the file of the newest statement; without `keep` it is only read. Raises `KeyFileError`.
    """
    first = _first(record, demo)
    if record.root is None:
        if first is None:
            raise KeyFileError("The settings name no key of the record: write recipient and signers in [record].")
        return RecordKeys(first)
    root = load_key(record.root, SigningPublic)
    _refuse_demo(record.root, root.demo and not demo)
    return pinned_keys(root, kept, record.statement, first, keep=keep)


def _first(record: Record, demo: bool) -> Known | None:
    """The keys that the settings name, None where they leave them to the statement."""
    if record.recipient is None or record.signers is None:
        return None
    recipient = load_key(record.recipient, RecipientPublic)
    _refuse_demo(record.recipient, recipient.demo and not demo)
    return Known(recipient, load_signers([record.signers], demo=demo))


def _refuse_demo(path: Path, refuse: bool) -> None:
    if refuse:
        raise KeyFileError(f"The key {path} is of a demonstration: make this cabin's own with 'cabin keys make'.")
