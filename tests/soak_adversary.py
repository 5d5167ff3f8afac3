"""Whoever sits on the broker: hears every topic, keeps all of it, and says what it likes.

It knows what is public (the record's recipient key, every topic), has keys of its own, and no private key of cabin
or record. It repeats, withholds and reorders what it heard, alters it, signs and seals in its own name, and answers
cabins with receipts that are old, altered, of a stranger, or of another envelope.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from sync.envelope import FHIR, peek, seal
from sync.errors import Refused
from sync.link import Link, LinkSettings, Message
from sync.receipt import Receipt, make_receipt
from tests.soak_children import CLIENT, Place, told_to_stop
from tests.soak_points import Slot
from tests.sync_parties import RECIPIENT, STAMP, STRANGER

UP, DOWN = f"dmst/v1/up/{CLIENT}", f"dmst/v1/down/{CLIENT}"
_KEPT = 400
"""Messages of either direction that it can still draw on."""


class Adversary:
    """What was heard, and the lies that can be made of it."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.envelopes: deque[bytes] = deque(maxlen=_KEPT)
        self.receipts: deque[bytes] = deque(maxlen=_KEPT)
        self.done: dict[str, int] = {}
        """Lies told, by kind."""

    def hear(self, topic: str, payload: bytes) -> None:
        """Keep a message for later."""
        if not payload:
            return
        if topic.startswith("dmst/v1/up/"):
            self.envelopes.append(payload)
        elif topic.startswith("dmst/v1/down/"):
            self.receipts.append(payload)

    def lie(self) -> list[tuple[str, bytes]]:
        """Topic and payload of the next messages to say; none where nothing was heard yet."""
        if not self.envelopes or not self.receipts:
            return []
        kind = self._dice.choice(list(_LIES))
        self.done[kind] = self.done.get(kind, 0) + 1
        return _LIES[kind](self, self._dice.choice(self.envelopes), self._dice.choice(self.receipts))

    def again(self, envelope: bytes, _receipt: bytes) -> list[tuple[str, bytes]]:
        """An old envelope once more."""
        return [(UP, envelope)]

    def backwards(self, _envelope: bytes, _receipt: bytes) -> list[tuple[str, bytes]]:
        """The last ten in reverse order."""
        return [(UP, each) for each in list(self.envelopes)[-10:][::-1]]

    def elsewhere(self, envelope: bytes, _receipt: bytes) -> list[tuple[str, bytes]]:
        """A cabin's envelope in another cabin's name, and on a topic that is nobody's."""
        return [("dmst/v1/up/cabin-2", envelope), ("dmst/v1/up/no body", envelope)]

    def flipped(self, envelope: bytes, _receipt: bytes) -> list[tuple[str, bytes]]:
        """The newest letter altered after its header: the record rejects it under the true letter's message id."""
        return [(UP, self._flip(self.envelopes[-1], from_byte=120)), (UP, self._flip(envelope))]

    def cut(self, envelope: bytes, _receipt: bytes) -> list[tuple[str, bytes]]:
        """An envelope that ends too early, and noise."""
        return [(UP, envelope[: self._dice.randrange(len(envelope))]), (UP, self._dice.randbytes(300))]

    def forged(self, envelope: bytes, _receipt: bytes) -> list[tuple[str, bytes]]:
        """A stranger's content under a true letter's message id, sender and number, properly sealed."""
        try:
            header = peek(envelope)
        except Refused:
            return []
        forgery = seal(
            b'{"forged": true}',
            FHIR,
            recipient=RECIPIENT.public,
            signer=STRANGER,
            mid=header.mid,
            src=header.src,
            seq=header.seq,
            prev=os.urandom(32),
            stamp=STAMP,
        )
        return [(UP, forgery.envelope)]

    def old_receipt(self, _envelope: bytes, receipt: bytes) -> list[tuple[str, bytes]]:
        """A true receipt a second time."""
        return [(DOWN, receipt)]

    def altered_receipt(self, _envelope: bytes, receipt: bytes) -> list[tuple[str, bytes]]:
        """A true receipt with one bit changed."""
        return [(DOWN, self._flip(receipt))]

    def stranger_receipt(self, envelope: bytes, _receipt: bytes) -> list[tuple[str, bytes]]:
        """ "stored" and "rejected" for a true letter with its true hash, signed by somebody else."""
        try:
            header = peek(envelope)
        except Refused:
            return []
        word = Receipt(header.mid, hashlib.sha256(envelope).digest(), "stored", "", 1, header.src, header.seq)
        rejected = replace(word, status="rejected", reason="decrypt")
        return [(DOWN, make_receipt(each, STRANGER)) for each in (word, rejected)]

    def envelope_down(self, envelope: bytes, receipt: bytes) -> list[tuple[str, bytes]]:
        """Each on the other's topic."""
        return [(DOWN, envelope), (UP, receipt)]

    def _flip(self, data: bytes, from_byte: int = 0) -> bytes:
        at = self._dice.randrange(min(from_byte, len(data) - 1), len(data))
        return data[:at] + bytes([data[at] ^ 1 << self._dice.randrange(8)]) + data[at + 1 :]


Lie = Callable[[Adversary, bytes, bytes], list[tuple[str, bytes]]]
_LIES: dict[str, Lie] = {
    "replayed envelope": Adversary.again,
    "reversed order": Adversary.backwards,
    "another's topic": Adversary.elsewhere,
    "altered envelope": Adversary.flipped,
    "cut envelope": Adversary.cut,
    "forged envelope": Adversary.forged,
    "replayed receipt": Adversary.old_receipt,
    "altered receipt": Adversary.altered_receipt,
    "stranger's receipt": Adversary.stranger_receipt,
    "swapped topics": Adversary.envelope_down,
}


def adversary(place: Place, slot: Slot) -> None:
    """The adversary as a child of the driver; writes all that it hears, and at its end the number of its lies."""
    stop = told_to_stop()
    evil = Adversary(random.Random(place.seed))
    settings = LinkSettings("127.0.0.1", place.broker, "observer", keepalive=1, backoff_first=0.02, backoff_most=0.2)
    link, dice = Link(settings, ["#"]), random.Random(place.seed + 1)
    next_lie, later = time.monotonic(), deque[tuple[float, str, bytes]]()
    with place.traffic.open("ab") as traffic:
        while not stop.is_set():
            for event in link.poll(0.02):
                if isinstance(event, Message):
                    traffic.write(event.topic.encode() + b"\n" + event.payload + b"\n")
                    evil.hear(event.topic, event.payload)
                    slot.steps += 1
                    link.ack(event)
            now = time.monotonic()
            if now >= next_lie and not slot.flag:
                next_lie = now + dice.uniform(0, 0.8)
                later.extend((now + dice.choice((0, 0, 0.2, 2.0)), *lie) for lie in evil.lie())
            while later and later[0][0] <= now:
                link.publish(*later.popleft()[1:])
        link.close()
    lies = "".join(f"{number} {kind}\n" for kind, number in sorted(evil.done.items()))
    place.lies.write_text(lies)
