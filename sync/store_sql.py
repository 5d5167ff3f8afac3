"""The record in a database of either kind: `store.Store` over the statements that they share.

Alarms are told to the log once, when they are raised: kind, sender and numbers, nothing of a content.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from sync import alarm_rows, bundle_rows, part_rows, post_rows
from sync.alarm_rows import Alarms
from sync.bundle_rows import Due
from sync.database import Database, Row, Rows
from sync.errors import StoreError
from sync.filing import Filing, record_name
from sync.outbox import wall_ms
from sync.parts import Part
from sync.receipt import Receipt
from sync.store import (
    EVERY,
    UNSTORABLE,
    Accepted,
    Alarm,
    Arrival,
    Filed,
    Post,
    Quarantined,
    Record,
    Rejected,
    Unsent,
)

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_RECORD = "SELECT id, mid, src, seq, content_type, received_ms, content, prot, signatures FROM content"


class SqlStore:
    """A record in one database. One connection and one lock: any thread may ask."""

    def __init__(self, database: Database, now_ms: Callable[[], int] = wall_ms) -> None:
        self._lock = threading.RLock()
        self._database, self._now_ms = database, now_ms

    def close(self) -> None:
        """See `Store.close`."""
        with self._lock:
            self._database.close()

    def file(self, arrivals: Sequence[Arrival]) -> list[Filed | None]:
        """See `Store.file`."""
        try:
            return self._file(arrivals)
        except (StoreError, OSError, MemoryError):
            raise
        except Exception as error:
            if len(arrivals) > 1:
                return [filed for arrival in arrivals for filed in self.file([arrival])]
            return self._unstorable(arrivals, error)

    def _unstorable(self, arrivals: Sequence[Arrival], error: Exception) -> list[Filed | None]:
        """One letter that the database does not take must not come again for ever, before all others."""
        match arrivals:
            case [Accepted(client=client, envelope=envelope, opened=opened)]:
                log.error("a letter cannot be stored (%s): it is in the quarantine", type(error).__name__)
                return self._file([Rejected(client, envelope, opened.header, UNSTORABLE)])
        raise error

    def _file(self, arrivals: Sequence[Arrival]) -> list[Filed | None]:
        def work(rows: Rows) -> tuple[list[Filed | None], list[Alarm]]:
            filing = Filing(rows, self._now_ms())
            return filing.file(arrivals), filing.alarms.raised

        filed, raised = self._write(work)
        _tell(raised)
        return filed

    def keep_parts(self, parts: Sequence[tuple[str, Part]]) -> list[bytes | None]:
        """See `Store.keep_parts`."""

        def work(rows: Rows) -> dict[int, bytes | None]:
            # In the same order everywhere, so that two gateways do not wait for each other.
            order = sorted(range(len(parts)), key=lambda at: (parts[at][0], parts[at][1].envelope_hash))
            wholes = {at: part_rows.keep(rows, *parts[at]) for at in order}
            part_rows.bound_all(rows)
            return wholes

        wholes = self._write(work)
        return [wholes[at] for at in range(len(parts))]

    def forget_parts(self, sets: Sequence[tuple[str, Part]]) -> None:
        """See `Store.forget_parts`."""

        def work(rows: Rows) -> None:
            for client, part in sets:
                part_rows.forget(rows, client, part)

        self._write(work)

    def unsent(self, most: int = EVERY) -> list[Unsent]:
        """See `Store.unsent`."""
        columns = "id, client, mid, hash, status, reason, created_ms, src, highest"
        query = f"SELECT {columns} FROM receipt ORDER BY id LIMIT ?"  # noqa: S608
        return [Unsent(row[0], row[1], Receipt(*row[2:])) for row in self._all(query, most)]

    def sent(self, receipt_ids: Sequence[int]) -> None:
        """See `Store.sent`."""
        self._write(lambda rows: [rows.do("DELETE FROM receipt WHERE id = ?", number) for number in receipt_ids])

    def post(self, client: str, envelope: bytes) -> bytes:
        """See `Store.post`."""
        return self._write(lambda rows: post_rows.keep(rows, client, envelope))

    def posts_due(self, client: str | None = None) -> list[Post]:
        """See `Store.posts_due`."""
        return self._write(lambda rows: post_rows.due(rows, self._now_ms(), client))

    def hasten_posts(self) -> None:
        """See `Store.hasten_posts`."""
        self._write(lambda rows: rows.do("UPDATE post SET due_ms = 0 WHERE due_ms IS NOT NULL"))

    def settle_post(self, client: str, receipt: Receipt) -> bool:
        """See `Store.settle_post`."""

        def work(rows: Rows) -> tuple[bool, list[Alarm]]:
            alarms = Alarms(rows, self._now_ms())
            return post_rows.settle(rows, alarms, client, receipt), alarms.raised

        settled, raised = self._write(work)
        _tell(raised)
        return settled

    def posts(self) -> list[tuple[Post, str]]:
        """See `Store.posts`."""
        return self._read(post_rows.every)

    def bundle_due(self, lease_s: float) -> Due | None:
        """See `fhir_sink.Bundles`."""
        return self._write(lambda rows: bundle_rows.claim(rows, self._now_ms(), int(1000 * lease_s)))

    def bundle_done(self, number: int) -> None:
        """See `fhir_sink.Bundles`."""
        self._write(lambda rows: bundle_rows.done(rows, number))

    def bundle_later(self, number: int, wait_s: float) -> None:
        """See `fhir_sink.Bundles`."""
        self._write(lambda rows: bundle_rows.later(rows, number, self._now_ms() + int(1000 * wait_s)))

    def bundle_aside(self, number: int, detail: str) -> None:
        """See `fhir_sink.Bundles`."""

        def work(rows: Rows) -> list[Alarm]:
            alarms = Alarms(rows, self._now_ms())
            bundle_rows.put_aside(rows, alarms, number, detail)
            return alarms.raised

        _tell(self._write(work))

    def bundles_waiting(self) -> tuple[int, int]:
        """Bundles that are to be handed to a FHIR server, and those that it refused."""
        return self._read(bundle_rows.waiting)

    def record_of(self, mid: bytes, content_hash: bytes | None = None) -> str | None:
        """See `Store.record_of`."""
        rows = self._all("SELECT id, hash FROM content WHERE mid = ? ORDER BY id", mid)
        found = [row[0] for row in rows if content_hash in (None, row[1])]
        return record_name(found[0]) if found else None

    def find(self, mid: bytes) -> Record | None:
        """See `Store.find`."""
        rows = self._all(f"{_RECORD} WHERE mid = ? ORDER BY id", mid)
        return Record(record_name(rows[0][0]), *rows[0][1:]) if rows else None

    def records(self) -> list[Record]:
        """See `Store.records`."""
        return [Record(record_name(row[0]), *row[1:]) for row in self._all(f"{_RECORD} ORDER BY id")]

    def alarms(self) -> list[Alarm]:
        """See `Store.alarms`."""
        return self._read(alarm_rows.every)

    def close_alarm(self, alarm: int) -> bool:
        """See `Store.close_alarm`."""

        def work(rows: Rows) -> bool:
            closed = alarm_rows.close(rows, self._now_ms(), alarm)
            if closed is not None and closed.kind == "fhir":
                bundle_rows.take_up(rows, closed.src, closed.first)
            return closed is not None

        return self._write(work)

    def quarantined(self) -> list[Quarantined]:
        """See `Store.quarantined`."""
        query = (
            "SELECT hash, client, mid, reason, received_ms, size, envelope IS NOT NULL FROM quarantine ORDER BY id"
        )
        return [Quarantined(*row) for row in self._all(query)]

    def quarantined_envelope(self, name: bytes) -> bytes | None:
        """See `Store.quarantined_envelope`."""
        query = (
            "SELECT envelope FROM quarantine WHERE (hash = ? OR mid = ?) AND envelope IS NOT NULL ORDER BY id DESC"
        )
        rows = self._all(query, name, name)
        return rows[0][0] if rows else None

    def _all(self, query: str, *values: object) -> list[Row]:
        return self._read(lambda rows: rows.all(query, *values))

    def _read(self, work: Callable[[Rows], _T]) -> _T:
        with self._lock:
            return self._database.read(work)

    def _write(self, work: Callable[[Rows], _T]) -> _T:
        with self._lock:
            return self._database.write(work)


def _tell(raised: Sequence[Alarm]) -> None:
    for alarm in raised:
        log.warning(
            "alarm %d: %s at numbers %d to %d of sender %s %s: see 'cabin gateway alarms'",
            *(alarm.alarm, alarm.kind, alarm.first, alarm.last, alarm.src.hex(), alarm.detail),
        )
