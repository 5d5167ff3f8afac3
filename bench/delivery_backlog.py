"""A backlog of a hundred thousand letters leaves through an uplink whose memory stays flat."""

from __future__ import annotations

import os
from pathlib import Path

from bench.delivery_site import answer, broker, folder, party
from bench.figures import Chapter, Figure
from sync import cbor
from sync.envelope import Header, Sealed
from sync.outbox import Outbox, Room
from tests.sync_parties import mid

LIMIT_MB = 60.0
BOX = 5000


async def chapter(quick: bool) -> Chapter:
    """Prepare, deliver, and read the uplink's memory."""
    count = 5_000 if quick else 100_000
    with folder() as where, broker(where, tls=False) as (running, _):
        _prepare(where / "outbox.db", count)
        with party("stub", running.port):
            done = answer("cabin", running.port, where / "outbox.db", 100, "-")
    rate = done["count"] / done["seconds"]
    return Chapter(
        "A long backlog",
        f"{count:,} letters of {BOX:,} bytes wait in an outbox; a process with nothing but outbox and uplink (window"
        " 100) delivers them through mosquitto. The letters have a header and random bytes behind it, and the record"
        " is a stand-in that signs true receipts without opening: sealing so many would take minutes, and it is the"
        " uplink that is measured. Memory is resident, in 10^6 bytes.",
        (
            Figure("uplink, most resident", done["peak_mb"], "MB", LIMIT_MB, remark=_before(done["before_mb"])),
            Figure("letters delivered and purged", rate, "records/s", remark=f"{done['seconds']:.0f} s for all"),
        ),
    )


def _before(resident: float) -> str:
    return f"{resident:.1f} MB when the outbox was open and nothing was sent"


def _prepare(path: Path, count: int) -> None:
    box = Outbox(path, Room(quota=8 << 30))
    # What is only prepared need not survive a power cut.
    box._db.execute("PRAGMA synchronous=OFF")
    src = box.src
    for number in range(count):

        def seal(seq: int, _prev: bytes, number: int = number) -> Sealed:
            header = Header(1, bytes(16), mid(number), src, seq, 4096).encoded()
            return Sealed(cbor.encode([header, os.urandom(BOX)]), bytes(32))

        box.put(mid(number), seal)
    box.close()
