"""The whole way: outbox, TLS 1.3, mosquitto, gateways, record, signed receipts, purge; beside plain paho."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.delivery_site import answer, broker, folder, parties
from bench.figures import Chapter, Figure, number
from bench.machine import cpu_s
from bench.sealing import strip
from sync.envelope import FHIR
from sync.outbox import Outbox
from tests.postgres import Postgres
from tests.sync_parties import mid, sender

WINDOWS = (1, 20, 100)
GATEWAYS = (1, 2, 4)
LIMIT = 450.0
Gateways = list[tuple[object, ...]]


async def chapter(quick: bool) -> Chapter:
    """Every window with one gateway, then more gateways."""
    count = 200 if quick else 2000
    with folder() as where, broker(where, tls=True) as (running, certificates):
        letters, size = _letters(where, count)
        port = running.port
        plain = {
            window: count / answer("plain", port, count, size, window, certificates)["seconds"] for window in WINDOWS
        }
        figures = []
        for window in WINDOWS:
            done = _with_sqlite(letters, port, certificates, window)
            figures.append(_figure(f"window {window}, one gateway, SQLite", window, plain, done))
        figures += _with_postgres(letters, port, certificates, plain)
    return Chapter(
        "The whole chain",
        f"{count} letters of 5 kB ({size:,} bytes when sealed, which was done beforehand) in the outbox of one cabin."
        " Cabin, mosquitto and each gateway are processes of their own on this machine, with mutual TLS 1.3. From"
        " the accepted connection to the purge of the last letter: each was sent, opened, verified, filed durably,"
        " answered with a receipt of two signatures, and erased by it. PostgreSQL is Debian's, durable as by default;"
        " several gateways share a subscription. The peer is plain paho with the same payload, window and TLS: the"
        " broker's acknowledgement and nothing behind it.",
        tuple(figures),
    )


@dataclass(frozen=True, slots=True)
class Delivered:
    """One run: letters in a second, and milliseconds of processor for each in the cabin and in all gateways."""

    rate: float
    cabin_ms: float
    gateways_ms: float


def _figure(what: str, window: int, plain: dict[int, float], done: Delivered) -> Figure:
    limit = LIMIT if what == "window 20, one gateway, SQLite" else None
    peer = f"{number(plain[window])} a second: paho, PUBACK alone"
    remark = f"processor for each: cabin {number(done.cabin_ms)} ms, gateways {number(done.gateways_ms)} ms"
    return Figure(what, done.rate, "records/s", limit, peer, remark, at_least=True)


def _letters(where: Path, count: int) -> tuple[Path, int]:
    """An outbox with letters as a cabin makes them."""
    path = where / "letters"
    path.mkdir()
    box = Outbox(path / "outbox.db")
    body = strip(5000)
    for each in range(count):
        sender(box).send(mid(each), FHIR, body)
    size = box.counts().used // count
    box.close()
    return path, size


def _with_sqlite(letters: Path, port: int, certificates: str, window: int) -> Delivered:
    with folder() as where:
        gateway = ("gateway", port, where / "record.db", "one", "", certificates)
        return _delivered(letters, port, certificates, window, [gateway])


def _delivered(
    letters: Path, port: int, certificates: str, window: int, gateways: list[tuple[object, ...]]
) -> Delivered:
    """The letters of a copy of the prepared outbox."""
    with folder() as where, parties(gateways) as running:
        shutil.copytree(letters, where / "box")
        used = sum(map(cpu_s, running))
        done = answer("cabin", port, where / "box" / "outbox.db", window, certificates)
        used = sum(map(cpu_s, running)) - used
        count = done["count"]
        return Delivered(count / done["seconds"], 1000 * done["processor"] / count, 1000 * used / count)


def _with_postgres(letters: Path, port: int, certificates: str, plain: dict[int, float]) -> Iterator[Figure]:
    for many in GATEWAYS:
        with _postgres() as store:
            gateways: Gateways = [
                ("gateway", port, store, f"gateway-{each}", "record" if many > 1 else "", certificates)
                for each in range(many)
            ]
            done = _delivered(letters, port, certificates, 100, gateways)
        yield _figure(f"window 100, {many} gateway{'s' if many > 1 else ''}, PostgreSQL", 100, plain, done)


@contextmanager
def _postgres() -> Iterator[str]:
    with folder() as where:
        server = Postgres(where / "template")
        server.start()
        try:
            yield server.url()
        finally:
            server.close()
