"""`make soak-brokers`: a cabin and a gateway on real clusters of three brokers; one node is killed, then all of them.

The verdict is counted from the cabin's own account of what it stored: nothing missing in the record, nothing twice.
`docs/soak/brokers.md` is what this command writes.

`python -m tests.soak_brokers [--brokers rabbitmq nats] [--kills N] [--all-kills N] [--seed N]`;
`python -m tests.soak_brokers cabin OUTBOX PORT | gateway RECORD PORT` are the children.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sync.envelope import FHIR
from sync.gateway import Gateway
from sync.gateway_process import open_store
from sync.link import LinkSettings
from sync.outbox import Outbox
from sync.receiver import Receiver
from sync.uplink import Uplink, UplinkSettings
from tests.clusters import CLUSTERS, NODES, Cluster, ClusterError, Entrance
from tests.rabbitmq_page import try_page
from tests.sync_parties import POLICY, RECIPIENTS, RECORD, RECORDS, mid, sender

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "soak" / "brokers.md"
DRAIN_S = 600.0
CALM_S = (2.0, 5.0)
"""Least and most seconds of undisturbed load between two kills."""
DOWN_S = (1.0, 4.0)
"""Least and most seconds that what was killed stays dead."""
PAUSE_S = 0.02
"""Between two letters of the cabin."""


def document(number: int) -> bytes:
    """About 3 kB that only this number has."""
    text = random.Random(number).randbytes(1500).hex()
    return b'{"resourceType": "Bundle", "total": %d, "text": "%s"}' % (number, text.encode())


# --- the cabin, a child -------------------------------------------------------------------------------------------


def cabin(path: Path, port: int) -> None:
    """Store letters and say each number once it is stored; after SIGTERM end as soon as all have their receipt."""
    outbox = Outbox(path)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    settings = UplinkSettings("127.0.0.1", port, "soak-cabin", backoff_first=0.2, backoff_most=5, resend_after=10)
    uplink = Uplink(outbox, settings, RECORDS)
    uplink.start()
    out, number = sender(outbox), 0
    while not stopping.wait(PAUSE_S):
        number += 1
        out.send(mid(number), FHIR, document(number))
        print(number, flush=True)
    while outbox.counts().pending:
        time.sleep(0.05)
    uplink.stop()
    outbox.close()


def gateway(path: Path, port: int) -> None:
    """Serve one record until SIGTERM, on a subscription of its own."""
    with closing(open_store(path)) as store:
        link = LinkSettings("127.0.0.1", port, "soak-gateway", backoff_first=0.2, backoff_most=5, keep_session=True)
        serving = Gateway(link, Receiver(RECIPIENTS, POLICY, RECORD, store))
        signal.signal(signal.SIGTERM, lambda *_: serving.stop())
        serving.run()


# --- the run ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one cluster came to."""

    broker: str
    version: str
    kills: int
    """Of one node."""
    all_kills: int
    stored: int
    """Letters that the cabin reported as durable."""
    missing: int
    twice: int
    refused: int
    integrity: bool
    load_s: float
    drain_s: float
    back_s: float
    """The longest time in which the cluster was whole again."""

    @property
    def good(self) -> bool:
        """Missing 0, twice 0, nothing refused, both databases whole."""
        return self.stored > 0 and not (self.missing or self.twice or self.refused) and self.integrity


class Reader:
    """Collects the numbers that the cabin says, in a thread, so that it never waits for us."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.numbers: list[int] = []
        self._stdout = child.stdout
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._stdout is not None
        for line in self._stdout:
            self.numbers.append(int(line))

    def join(self) -> None:
        """Wait for the child's last word."""
        self._thread.join(30)


def child(*words: str) -> subprocess.Popen[bytes]:
    """A Python process of this tree."""
    return subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE)


def soak(cluster: Cluster, folder: Path, kills: int, all_kills: int, dice: random.Random) -> Verdict:
    """One cluster under load and kills, then left in peace until the outbox is empty."""
    children: list[subprocess.Popen[bytes]] = []
    entrance: Entrance | None = None
    try:
        cluster.start()
        say(f"{cluster.name} {cluster.version()}: up after {cluster.wait():.0f} s")
        entrance = Entrance(cluster.mqtt)
        receiving = child("tests.soak_brokers", "gateway", str(folder / "record.db"), str(entrance.port))
        children.append(receiving)
        writer = child("tests.soak_brokers", "cabin", str(folder / "outbox.db"), str(entrance.port))
        children.append(writer)
        said, began = Reader(writer), time.monotonic()
        back = 0.0
        for turn in range(kills + all_kills):
            time.sleep(dice.uniform(*CALM_S))
            nodes = (dice.choice(NODES),) if turn < kills else NODES
            cluster.kill(*nodes)
            time.sleep(dice.uniform(*DOWN_S))
            cluster.start(*nodes)
            took = cluster.wait()
            back = max(back, took)
            say(f"  killed {len(nodes)}, whole again after {took:.1f} s; stored so far {len(said.numbers)}")
        time.sleep(CALM_S[0])
        load_s, stopped = time.monotonic() - began, time.monotonic()
        writer.terminate()
        try:
            writer.wait(DRAIN_S)
        except subprocess.TimeoutExpired:
            # What still waits counts as missing.
            writer.kill()
            writer.wait()
        drain_s = time.monotonic() - stopped
        said.join()
        if receiving.poll() is not None:
            raise ClusterError("The gateway ended during the run: nothing was tried.")
        receiving.terminate()
        receiving.wait(30)
        found = judge(folder, said.numbers)
        return Verdict(
            cluster.name, cluster.version(), kills, all_kills, len(said.numbers), *found,
            load_s=load_s, drain_s=drain_s, back_s=back,
        )  # fmt: skip
    finally:
        for each in children:
            each.kill()
            each.wait()
        if entrance is not None:
            entrance.close()
        cluster.stop()


def judge(folder: Path, numbers: list[int]) -> tuple[int, int, int, bool]:
    """Missing, twice, refused and integrity, from both databases as they lie there."""
    with closing(open_store(folder / "record.db")) as store:
        held = Counter(each.mid for each in store.records())
        contents = Counter(each.content for each in store.records())
        refused = len(store.quarantined())
    missing = sum(held[mid(number)] == 0 for number in numbers)
    twice = sum(count - 1 for counts in (held, contents) for count in counts.values() if count > 1)
    with closing(Outbox(folder / "outbox.db")) as outbox:
        waiting = outbox.counts().pending + outbox.counts().quarantined
    return max(missing, waiting), twice, refused, all(whole(folder / f"{name}.db") for name in ("record", "outbox"))


def whole(path: Path) -> bool:
    """SQLite's own full check."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def say(line: str) -> None:
    """One line of progress."""
    print(line, flush=True)


# --- the log ------------------------------------------------------------------------------------------------------

PAGE = """# A cabin on clusters of brokers

Written by `make soak-brokers{words}` on {day}, {cores} cores shared with other work, seed {seed}.
Three nodes of Debian's packages on one machine, MQTT 3.1.1, every MQTT session on three replicas. One cabin (outbox,
both signatures, uplink) stores letters of 3 kB without a pause beside one gateway (SQLite) on a plain subscription;
both reach the cluster through one address that goes to the next node that listens. Nodes are killed with SIGKILL
under load: first one at a time, then all three at once.

| broker | one killed | all killed | stored | missing | twice | refused | databases | load | whole again | drained |
|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Missing and twice are counted from what the cabin reported as durable: its message id is not in the record, or its
letter still waits; or the record holds a message id or a content more than once. What a broker lost or repeated in
between does not show: the cabin sends again until the record's receipt has come. "Whole again" is the longest time
from the start of what was killed until all three nodes are one cluster, "drained" the time from the last letter
stored to the last receipt.

A SIGKILL leaves the operating system's cache alone. NATS syncs to its disk every two minutes by default
(`sync_interval`, a setting from 2.10 on): a power cut may cost it what it acknowledged, and costs nobody a letter.
"""


def report(verdicts: list[Verdict], seed: int, words: str) -> str:
    """The page."""
    rows = "\n".join(_row(verdict) for verdict in verdicts)
    return PAGE.format(words=words, day=datetime.now(UTC).date(), cores=os.cpu_count(), seed=seed, rows=rows)


def _row(v: Verdict) -> str:
    found = f"**{v.missing}** | **{v.twice}** | {v.refused} | {'ok' if v.integrity else 'broken'}"
    times = f"{v.load_s:.0f} s | {v.back_s:.0f} s | {v.drain_s:.0f} s"
    return f"| {v.broker} {v.version} | {v.kills} | {v.all_kills} | {v.stored} | {found} | {times} |"


def main(arguments: list[str]) -> int:
    """Run the child, or the soak; exit code 1 where a letter is missing or there twice."""
    if arguments[:1] == ["cabin"]:
        cabin(Path(arguments[1]), int(arguments[2]))
        return 0
    if arguments[:1] == ["gateway"]:
        gateway(Path(arguments[1]), int(arguments[2]))
        return 0
    parser = argparse.ArgumentParser(prog="make soak-brokers")
    parser.add_argument("--brokers", nargs="+", choices=CLUSTERS, default=list(CLUSTERS))
    parser.add_argument("--kills", type=int, default=12, help="of one node (default 12)")
    parser.add_argument("--all-kills", type=int, default=3, help="of all nodes at once (default 3)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the folders where they are")
    args = parser.parse_args(arguments)
    verdicts = []
    if "rabbitmq" in args.brokers:
        with tempfile.TemporaryDirectory(prefix="cabin-soak-page-") as place:
            try_page(Path(place))
            say("docs/operations/rabbitmq.md carried out: who may do what is as it says")
    for name in args.brokers:
        folder = Path(tempfile.mkdtemp(prefix=f"cabin-soak-{name}-"))
        try:
            dice = random.Random(f"{args.seed} {name}")
            verdict = soak(CLUSTERS[name](folder / "cluster"), folder, args.kills, args.all_kills, dice)
        except ClusterError as error:
            print(error, file=sys.stderr)
            return 3
        finally:
            if not args.keep:
                shutil.rmtree(folder, ignore_errors=True)
        verdicts.append(verdict)
        say(f"  {'good' if verdict.good else 'BAD'}: {verdict}")
    REPORT.parent.mkdir(exist_ok=True)
    words = f' ARGS="{" ".join(arguments)}"' if arguments else ""
    REPORT.write_text(report(verdicts, args.seed, words))
    return 0 if all(verdict.good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
