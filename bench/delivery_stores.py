"""Durable puts, one store in a process of its own: `python -m bench.delivery_stores NAME FOLDER PUTS SIZE`.

Prints one JSON list: seconds of each put. It runs under the interpreter that has the store (the peers' have their own
environment), and under strace where the writes to the disk are counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

Put = Callable[[int, bytes], object]


def bare(folder: Path) -> Put:
    """The least that is durable: append, then `fdatasync`."""
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def put(_number: int, data: bytes) -> None:
        os.write(file, data)
        os.fdatasync(file)

    return put


def outbox(folder: Path) -> Put:
    """Ours, with a sealer that does nothing: the store alone."""
    from sync.envelope import Sealed
    from sync.outbox import Outbox

    box = Outbox(folder / "outbox.db")
    return lambda number, data: box.put(number.to_bytes(16, "big"), lambda _seq, _prev: Sealed(data, bytes(32)))


def sealed(folder: Path) -> Put:
    """Ours as it is used: sealed and signed twice, numbered and stored in one transaction."""
    from sync.envelope import FHIR, Stamp
    from sync.keys import RecipientKey, SigningPair
    from sync.outbox import Outbox
    from sync.sender import Sender

    stamp = Stamp(1_763_683_200_000, "ntp", bytes(16), (0, bytes(32)))
    recipient, signer = RecipientKey.generate(demo=True), SigningPair.generate(demo=True)
    sender = Sender(Outbox(folder / "outbox.db"), recipient.public, signer, lambda: stamp)
    return lambda number, data: sender.send(number.to_bytes(16, "big"), FHIR, data)


def litequeue(folder: Path) -> Put:
    """The queue of that name, as it comes."""
    from litequeue import LiteQueue

    queue = LiteQueue(str(folder / "queue.db"))
    return lambda _number, data: queue.put(data.hex())


def persistqueue(folder: Path) -> Put:
    """persist-queue's SQLite queue with acknowledgements, committing each put."""
    from persistqueue import SQLiteAckQueue

    queue = SQLiteAckQueue(str(folder / "queue"), auto_commit=True)
    return lambda _number, data: queue.put(data)


STORES = {"bare": bare, "outbox": outbox, "sealed": sealed, "litequeue": litequeue, "persist-queue": persistqueue}


def main(name: str, folder: str, puts: str, size: str) -> None:
    """Put, and print what each took."""
    put = STORES[name](Path(folder))
    taken = []
    for number in range(int(puts)):
        data = os.urandom(int(size))
        began = time.perf_counter()
        put(number, data)
        taken.append(time.perf_counter() - began)
    print(json.dumps(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
