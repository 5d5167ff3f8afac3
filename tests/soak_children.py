"""The processes that die: a cabin with its producer, and a gateway. Forked by the driver, killed by SIGKILL.

Everything in them is the product's own: outbox, sender with both signatures, uplink; link, receiver, store, gateway.
Around it stand the soak's points (`soak_points`), nothing inside.
"""

from __future__ import annotations

import ctypes
import logging
import os
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.errors import StoreError
from sync.gateway import Gateway
from sync.link import Link, LinkSettings
from sync.outbox import Outbox
from sync.receiver import Receiver
from sync.store_postgres import PostgresStore
from sync.store_sql import SqlStore
from sync.store_sqlite import SqliteStore
from sync.uplink import Uplink, UplinkSettings
from tests.soak_documents import KIND, Documents, Truth
from tests.soak_points import Points, Slot
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, RECORDS, sender

CLIENT = "cabin-1"
BACKLOG = 150
"""Letters that wait before the producer does."""
QUIET, COUNTED = 1, 2
"""Flags of a slot: be quiet; and the answer, that `waiting` was counted since."""
_PR_SET_PDEATHSIG = 1
"""prctl(2): this process ends when the driver is gone, however that ended."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parties of one seed meet."""

    seed: int
    folder: Path
    broker: int
    """Port of the broker."""
    relay: int
    """Port at which the cabin believes the broker to be."""
    pace: float
    """Mean seconds between two documents."""
    postgres: str = ""
    """Address of the record; the file `record` where it is empty."""

    def open_record(self) -> SqlStore:
        """The record's store."""
        if not self.postgres:
            return SqliteStore(self.record)
        while True:
            try:
                return PostgresStore(self.postgres)
            except StoreError:
                # The database is away just now: systemd would start the gateway again and again.
                time.sleep(0.05)

    @property
    def mqtt5(self) -> bool:
        """Whether MQTT 5 is tried in this seed; in every third it is 3.1.1."""
        return self.seed % 3 != 0

    @property
    def outbox(self) -> Path:
        return self.folder / "cabin" / "outbox.db"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.log"

    @property
    def record(self) -> Path:
        return self.folder / "record" / "record.db"

    @property
    def traffic(self) -> Path:
        return self.folder / "traffic.bin"

    @property
    def lies(self) -> Path:
        """What the adversary says at its end that it did."""
        return self.folder / "lies.log"

    @property
    def store(self) -> Path:
        """The broker's own folder."""
        return self.folder / "broker"

    def points(self, role: str) -> Path:
        return self.folder / f"points-{role}"


def fork(role: str, place: Place, slot: Slot, work: Callable[[Place, Slot], None]) -> int:
    """Start a child that does `work` and never returns here; its process id."""
    slot.reset()
    pid = os.fork()
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        logging.disable()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        random.seed(os.urandom(8))
        work(place, slot)
        os._exit(0)
    except BaseException:
        with (place.folder / f"{role}.err").open("a") as file:
            traceback.print_exc(file=file)
        os._exit(1)


def told_to_stop() -> threading.Event:
    """Set by SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    return stop


def _topic(_link: Any, topic: str, *_args: Any, **_more: Any) -> str:
    return f"publish {topic.split('/')[2]}" if topic.startswith("dmst/") else "publish status"


def cabin(place: Place, slot: Slot) -> None:
    """One cabin: puts what an earlier life left open, then new documents, until it is told to be quiet."""
    stop = told_to_stop()
    points = Points(slot, place.points("cabin"))
    points.watch_sqlite()
    points.around(Link, "publish", _topic)
    points.around(Link, "ack", "ack")
    points.around(Outbox, "mark_sent", "mark_sent")
    points.around(Outbox, "settle", "settle")
    outbox = Outbox(place.outbox)
    if outbox.damaged is not None:
        raise RuntimeError("the outbox was found damaged")
    settings = UplinkSettings(
        "127.0.0.1",
        place.relay,
        CLIENT,
        keepalive=1,
        backoff_first=0.02,
        backoff_most=0.3,
        resend_after=1.5,
        resend_most=5.0,
        mqtt5=place.mqtt5,
    )
    uplink = Uplink(outbox, settings, RECORDS)
    uplink.start()
    _produce(place, slot, points, outbox, stop)
    uplink.stop()
    outbox.close()


def _produce(place: Place, slot: Slot, points: Points, outbox: Outbox, stop: threading.Event) -> None:
    documents, truth, letters = Documents(place.seed), Truth(place.truth), sender(outbox)

    def put(number: int) -> None:
        letters.send(documents.mid(number), KIND, documents.content(number))
        points.reach("after put")
        truth.acknowledge(number)
        points.reach("after acknowledgement")

    for number in truth.open_ones():
        put(number)
    while not stop.is_set():
        quiet = slot.flag
        counts = outbox.counts()
        slot.waiting = counts.pending + counts.quarantined
        if quiet:
            slot.flag = COUNTED
        if quiet or counts.pending > BACKLOG:
            stop.wait(0.02)
            continue
        number = len(truth.intended)
        truth.intend(number)
        points.reach("after intention")
        put(number)
        stop.wait(random.uniform(0, 2 * place.pace))


def gateway(number: int) -> Callable[[Place, Slot], None]:
    """One gateway on the common store, under its own name."""

    def work(place: Place, slot: Slot) -> None:
        points = Points(slot, place.points("gateway"))
        points.watch_sqlite()
        points.watch_postgres()
        points.around(Link, "publish", _topic)
        points.around(Link, "ack", "ack")
        points.around(Receiver, "receive", "receive")

        def check(_kind: str, _content: bytes) -> None:
            points.reach("after open")

        store = place.open_record()
        link = LinkSettings(
            "127.0.0.1", place.broker, f"gateway-{number}", keepalive=1, backoff_first=0.02, backoff_most=0.3,
            mqtt5=place.mqtt5,
        )  # fmt: skip
        # Every other pair of seeds deals the letters out; in the rest each gateway gets all of them.
        group = "record" if place.seed % 4 > 1 else ""
        served = Gateway(link, Receiver(RECIPIENTS, POLICY, RECORD, store, check), group=group)
        signal.signal(signal.SIGTERM, lambda _number, _frame: served.stop())
        served.run()
        store.close()

    return work
