"""Three thousand cabins come back after an outage: nothing is lost, and how long it takes until all is filed."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from bench.cabin import BenchError
from bench.delivery_site import broker, folder, party
from bench.figures import Chapter, Figure
from sync.store_sqlite import SqliteStore
from tests.broker import Broker

LETTERS = 2
OUTAGE_S = 5.0


async def chapter(quick: bool) -> Chapter:
    """Connect all, kill the broker, give every cabin its letters, let the broker come back."""
    cabins = 200 if quick else 3000
    with folder() as where, broker(where, tls=False) as (running, _):
        gateway = ("gateway", running.port, where / "record.db", "one", "", "-")
        with party(*gateway), party("herd", running.port, cabins, LETTERS) as herd:
            done = _outage(running, herd)
        arrived, twice = _record(where / "record.db")
    missing, total = cabins * LETTERS - arrived, cabins * LETTERS
    return Chapter(
        "A herd of cabins",
        f"{cabins:,} cabins, each with a connection, a pace and a back-off as an uplink has (1 s to 300 s), in one"
        f" process and with their {LETTERS} letters in memory, connected to one mosquitto without TLS; one gateway"
        f" with SQLite. The broker is killed, forgets everything and is away for {OUTAGE_S:.0f} s, in which every"
        " letter is put. From the broker's return until the last receipt was verified. Cabins, broker and gateway"
        " share the cores.",
        (
            Figure("letters that are not in the record", missing, "", 0, decimals=0, remark=f"of {total:,}"),
            Figure("letters that are in it twice", twice, "", 0, decimals=0),
            Figure(
                "until every letter was in the record and receipted",
                done["seconds"],
                "s",
                remark=f"{total / done['seconds']:.0f} letters/s; {done['sent']:,} were sent for {total:,};"
                f" {done['lost']:,} attempts to connect failed",
            ),
        ),
    )


def _outage(running: Broker, herd: subprocess.Popen[str]) -> dict[str, Any]:
    assert herd.stdin is not None
    assert herd.stdout is not None
    running.kill()
    herd.stdin.write("now\n")
    herd.stdin.flush()
    time.sleep(OUTAGE_S)
    running.start()
    back = time.monotonic()
    line = herd.stdout.readline()
    if not line:
        raise BenchError("The herd of cabins ended before its time.")
    return {**json.loads(line), "seconds": time.monotonic() - back}


def _record(path: Path) -> tuple[int, int]:
    """How many different letters are in the record, and how many more than once."""
    store = SqliteStore(path)
    mids = [record.mid for record in store.records()]
    store.close()
    return len(set(mids)), len(mids) - len(set(mids))
