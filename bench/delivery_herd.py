"""Thousands of cabins in one process: each has its own connection and pace, as an uplink has, and letters in memory.

`python -m bench.delivery_herd PORT CABINS LETTERS` prints "ready" once all are connected, then waits for a line: each
cabin then has its letters, and the broker may come and go. At the end it prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import select
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from bench.sealing import strip
from sync.envelope import FHIR, NO_PREVIOUS, seal
from sync.flight import Flights
from sync.link import Down, Link, LinkSettings, Message, Returned, Up
from sync.outbox import Letter
from sync.receipt import verify_receipt
from sync.underway import Underway, UplinkSettings
from tests.sync_parties import CABIN, RECIPIENT, RECORDS, STAMP

BODY = strip(1500)


@dataclass(slots=True)
class Box:
    """What `Underway` needs of an outbox, in memory."""

    letters: OrderedDict[int, Letter] = field(default_factory=OrderedDict)
    flights: Flights = field(default_factory=Flights)

    def due(self, now: float, limit: int) -> list[Letter]:
        """See `Outbox.due`."""
        early, late = self.flights.expired(now, limit)
        fresh = [row for row in self.letters if row > self.flights.highest]
        return [self.letters[row] for row in [*early, *fresh, *late][:limit]]

    def mark_sent(self, letter: Letter, resend_at: float) -> None:
        """See `Outbox.mark_sent`."""
        if letter.id in self.letters:
            self.flights.sent(letter.id, len(letter.envelope), resend_at)

    def attempts(self, letter: Letter) -> int:
        """See `Outbox.attempts`."""
        return self.flights.attempts(letter.id)

    def release(self) -> None:
        """See `Outbox.release`."""
        self.flights.release()

    def load(self, now: float) -> tuple[int, int]:
        """See `Outbox.load`."""
        return self.flights.load(now)

    def next_due(self) -> float | None:
        """See `Outbox.next_due`."""
        return self.flights.next_due()


class Cabin:
    """One connection with its letters."""

    def __init__(self, port: int, number: int) -> None:
        name = f"cabin-{number}"
        settings = UplinkSettings("127.0.0.1", port, name, mqtt5=False)
        self.topic = f"dmst/v1/up/{name}"
        self.link = Link(LinkSettings("127.0.0.1", port, name), [f"dmst/v1/down/{name}"])
        self.box = Box()
        self.under_way = Underway(self.box, self._publish, settings)  # type: ignore[arg-type]
        self.sent = 0
        self.lost = 0

    def _publish(self, message: bytes) -> bool:
        taken = self.link.publish(self.topic, message)
        self.sent += taken
        return taken

    def turn(self) -> None:
        """As an uplink turns, without waiting."""
        now = time.monotonic()
        for event in self.link.poll(0.0):
            match event:
                case Up():
                    self.under_way.begin(None)
                case Down():
                    self.lost += 1
                    self.under_way.lost(now)
                case Returned(topic=self.topic, size=size):
                    self.under_way.returned(size, now, too_large=False)
                case Message(payload=payload):
                    self._settle(payload, now)
                    self.link.ack(event)
        if self.link.up and self.box.letters:
            self.under_way.send(now)

    def _settle(self, payload: bytes, now: float) -> None:
        receipt = verify_receipt(payload, RECORDS)
        for row, letter in self.box.letters.items():
            if letter.mid == receipt.mid and receipt.status in ("stored", "duplicate"):
                assert hashlib.sha256(letter.envelope).digest() == receipt.envelope_hash
                del self.box.letters[row]
                self.box.flights.forget(row)
                self.under_way.answered(receipt.mid, now)
                return


def main(port: int, count: int, each: int) -> None:
    """Connect, wait for the word, deliver."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cabins = [Cabin(port, number) for number in range(count)]
    letters = [_letters(number, each) for number in range(count)]
    while not all(cabin.link.up for cabin in cabins):
        for cabin in cabins:
            cabin.turn()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.0)[0]:
        for cabin in cabins:
            cabin.turn()
    for cabin, own in zip(cabins, letters, strict=True):
        cabin.box.letters.update((letter.id, letter) for letter in own)
    order = list(cabins)
    began = time.monotonic()
    while any(cabin.box.letters for cabin in cabins):
        random.shuffle(order)
        for cabin in order:
            cabin.turn()
    sent, lost = sum(cabin.sent for cabin in cabins), sum(cabin.lost for cabin in cabins)
    print(json.dumps({"sent": sent, "lost": lost, "seconds": time.monotonic() - began}), flush=True)
    for cabin in cabins:
        cabin.link.drop("done")


def _letters(cabin: int, count: int) -> list[Letter]:
    """What one cabin has to say: a chain of envelopes under a sender id of its own."""
    src, prev, made = hashlib.sha256(b"cabin %d" % cabin).digest()[:16], NO_PREVIOUS, []
    for seq in range(1, count + 1):
        mid = hashlib.sha256(src + bytes([seq])).digest()[:16]
        sealed = seal(
            BODY,
            FHIR,
            recipient=RECIPIENT.public,
            signer=CABIN,
            mid=mid,
            src=src,
            seq=seq,
            prev=prev,
            stamp=STAMP,
        )
        prev = sealed.prot_hash
        made.append(Letter(seq, mid, seq, sealed.envelope))
    return made


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
