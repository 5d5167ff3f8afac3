"""One transaction of arrivals: contents, places in their senders' sequences, alarms and receipts.

The rows of the senders concerned are locked first and in order, so that two gateways that have letters of one sender
go one after the other, and neither counts without the other's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sync import cbor
from sync.alarm_rows import Alarms
from sync.database import Rows
from sync.envelope import FHIR, Opened
from sync.post_rows import settle
from sync.quarantine_rows import Quarantine
from sync.receipt import Receipt, Status
from sync.sequence import Head, Place, findings, opened_gap, rest_of_gap, went_back, without_hole
from sync.store import CONFLICT, Accepted, Arrival, Filed, Rejected

_PLACE = "SELECT seq, prev, prot_hash, audit_count, audit_hash FROM sequence WHERE src = ?"


def record_name(number: int) -> str:
    """The record's identifier of a content."""
    return f"R-{number:08d}"


@dataclass(slots=True)
class _Sender:
    """What the record knows of a sender, kept for the time of one transaction."""

    client: str
    highest: int
    is_new: bool
    top: Place | None = None
    """The place of the highest number, once it was looked at."""
    whole: int | None = None
    """The highest number below which none is missing, while it is known."""


class Filing:
    """Arrivals within one transaction."""

    def __init__(self, rows: Rows, now_ms: int) -> None:
        self._rows, self._now_ms = rows, now_ms
        self.alarms = Alarms(rows, now_ms)
        self._senders: dict[bytes, _Sender] = {}
        self._quarantine = Quarantine(rows, now_ms)
        self._heads: dict[str, Head | None] = {}

    def file(self, arrivals: Sequence[Arrival]) -> list[Filed | None]:
        """An answer for each; see `Store.file`."""
        accepted = [one for one in arrivals if isinstance(one, Accepted)]
        clients = {one.opened.header.src: one.owner for one in reversed(accepted)}
        for src, client in sorted(clients.items()):
            self._senders[src] = self._lock(src, client)
        filed = [self._accept(one) if isinstance(one, Accepted) else self._reject(one) for one in arrivals]
        self._quarantine.bound()
        for src, sender in self._senders.items():
            self._rows.do("UPDATE sender SET highest = ? WHERE src = ?", sender.highest, src)
        return filed

    def _lock(self, src: bytes, client: str) -> _Sender:
        query = f"SELECT client, highest FROM sender WHERE src = ?{self._rows.dialect.lock}"  # noqa: S608
        row = self._rows.one(query, src)
        if row is None:
            self._rows.do("INSERT INTO sender VALUES (?, ?, 0) ON CONFLICT (src) DO NOTHING", src, client)
            row = self._rows.one(query, src) or (client, 0)
        return _Sender(row[0], row[1], is_new=row[1] == 0)

    def _accept(self, arrival: Accepted) -> Filed:
        header = arrival.opened.header
        number, status = self._insert(arrival.opened)
        if number is not None:
            self._follow(arrival)
        if arrival.answer is not None and number is not None:
            settle(self._rows, self.alarms, arrival.owner, arrival.answer)
        reason = CONFLICT if number is None else ""
        record = None if number is None else record_name(number)
        digest, whole = hashlib.sha256(arrival.envelope).digest(), self._whole(header.src)
        receipt = Receipt(header.mid, digest, status, reason, self._now_ms, header.src, whole)
        return Filed(status, record, self._keep(arrival.client, receipt), receipt)

    def _insert(self, opened: Opened) -> tuple[int | None, Status]:
        """The content's number, None where its message id names another content of its signer."""
        header, protected = opened.header, opened.protected
        number = self._add(opened, "")
        if number is not None:
            return number, "stored"
        query = "SELECT id, hash, content_type, signatures FROM content WHERE mid = ? ORDER BY id"
        known = self._rows.all(query, header.mid)
        for row in known:
            if row[1:3] == (protected.content_hash, protected.content_type):
                return row[0], "duplicate"
        kids = {one.kid for one in opened.signatures}
        if any(kids & _kids(row[3]) for row in known):
            return None, "rejected"
        number = self._add(opened, min(kids).hex())
        if number is None:
            # Another gateway was faster: now there is something to compare with.
            return self._insert(opened)
        self.alarms.add(header.src, "rival", header.seq, detail=record_name(known[0][0]))
        return number, "stored"

    def _add(self, opened: Opened, rival: str) -> int | None:
        """A new content's number; None where there is one of this message id and `rival`."""
        header, protected = opened.header, opened.protected
        signatures = cbor.encode([[one.kid, one.alg, one.value] for one in opened.signatures])
        row = self._rows.one(
            "INSERT INTO content (mid, src, seq, content_type, hash, content, prot, signatures, received_ms, rival)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mid, rival) DO NOTHING RETURNING id",
            *(header.mid, header.src, header.seq, protected.content_type, protected.content_hash),
            *(opened.content, opened.prot, signatures, self._now_ms, rival),
        )
        if row is not None and protected.content_type == FHIR:
            self._rows.do("INSERT INTO bundle VALUES (?, 0, 0)", row[0])
        return None if row is None else int(row[0])

    def _follow(self, arrival: Accepted) -> None:
        """Write the sequence row, and alarms where it does not continue what is known of the sender."""
        header, protected = arrival.opened.header, arrival.opened.protected
        src, sender = header.src, self._senders[header.src]
        place = Place(header.seq, protected.prev, arrival.opened.prot_hash, protected.stamp.audit)
        if self._rows.do(
            "INSERT INTO sequence VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (src, seq) DO NOTHING",
            *(src, place.seq, header.mid, place.prev, place.prot_hash, *place.audit),
        ):
            self._compare(src, sender, place)
            self._count(src, sender, place)
            self._watch_audit(arrival, sender)
        elif self._rows.one("SELECT mid FROM sequence WHERE src = ? AND seq = ?", src, place.seq) != (header.mid,):
            self.alarms.add(src, "reuse", place.seq)
        if not sender.client == arrival.owner == arrival.client:
            self._tell_stranger(src, place.seq, arrival.client)

    def _tell_stranger(self, src: bytes, seq: int, client: str) -> None:
        """Once for each sender and client: a letter that took a wrong way does not come alone."""
        query = "SELECT 1 FROM alarm WHERE src = ? AND kind = 'stranger' AND detail = ?"
        if self._rows.one(query, src, client) is None:
            self.alarms.add(src, "stranger", seq, detail=client)

    def _compare(self, src: bytes, sender: _Sender, place: Place) -> None:
        below, above = sender.top, None
        if below is None or below.seq > place.seq:
            below = self._place(f"{_PLACE} AND seq < ? ORDER BY seq DESC LIMIT 1", src, place.seq)
        if place.seq < sender.highest:
            above = self._place(f"{_PLACE} AND seq > ? ORDER BY seq LIMIT 1", src, place.seq)
        for finding in findings(place, below, above):
            self.alarms.add(src, finding.kind, finding.at)

    def _place(self, query: str, src: bytes, seq: int) -> Place | None:
        row = self._rows.one(query, src, seq)
        return None if row is None else Place(row[0], row[1], row[2], (row[3], row[4]))

    def _count(self, src: bytes, sender: _Sender, place: Place) -> None:
        """Open a gap or fill one, and close the hole that was filled by it."""
        seq = place.seq
        if seq > sender.highest:
            skipped = opened_gap(sender.highest, seq)
            if skipped is not None:
                self._rows.do("INSERT INTO gap VALUES (?, ?, ?)", src, *skipped)
                self.alarms.add(src, "hole", *skipped)
            at_end = skipped is None and sender.whole == sender.highest
            sender.whole = seq if at_end else None
            sender.highest, sender.top = seq, place
            return
        gap = self._rows.one("SELECT first, last FROM gap WHERE src = ? AND first <= ? AND last >= ?", src, seq, seq)
        if gap is not None:
            self._rows.do("DELETE FROM gap WHERE src = ? AND first = ?", src, gap[0])
            for rest in rest_of_gap((gap[0], gap[1]), seq):
                self._rows.do("INSERT INTO gap VALUES (?, ?, ?)", src, *rest)
            sender.whole = None
            self._close_holes(src, seq)

    def _close_holes(self, src: bytes, seq: int) -> None:
        self._rows.do(
            "UPDATE alarm SET closed_ms = ? WHERE src = ? AND kind = 'hole' AND closed_ms IS NULL AND first <= ?"
            " AND last >= ? AND NOT EXISTS (SELECT 1 FROM gap WHERE gap.src = alarm.src AND gap.first <= alarm.last"
            " AND gap.last >= alarm.first)",
            *(self._now_ms, src, seq, seq),
        )

    def _whole(self, src: bytes) -> int:
        """The highest number of a sender below which none is missing."""
        sender = self._senders.get(src)
        if sender is None:
            row = self._rows.one("SELECT highest FROM sender WHERE src = ?", src)
            sender = _Sender("", 0 if row is None else row[0], is_new=False)
        if sender.whole is None:
            lowest = self._rows.one("SELECT MIN(first) FROM gap WHERE src = ?", src)
            sender.whole = without_hole(sender.highest, lowest[0] if lowest else None)
        return sender.whole

    def _watch_audit(self, arrival: Accepted, sender: _Sender) -> None:
        """Compare the audit head with its owner's highest: a new sender id does not begin a new audit chain."""
        head, client, seq = arrival.opened.protected.stamp.audit, arrival.owner, arrival.opened.header.seq
        if client not in self._heads:
            query = f"SELECT count, hash FROM audit_head WHERE client = ?{self._rows.dialect.lock}"  # noqa: S608
            self._heads[client] = self._rows.one(query, client)
        known = self._heads[client]
        rewritten = known is not None and head[0] == known[0] and head[1] != known[1]
        if rewritten or (known is not None and sender.is_new and went_back(known, head)):
            self.alarms.add(arrival.opened.header.src, "audit", seq)
        if known is None or sender.is_new or head[0] > known[0]:
            self._rows.do(
                "INSERT INTO audit_head VALUES (?, ?, ?)"
                " ON CONFLICT (client) DO UPDATE SET count = excluded.count, hash = excluded.hash",
                *(client, *head),
            )
            self._heads[client] = head
        sender.is_new = False

    def _reject(self, arrival: Rejected) -> Filed | None:
        """Keep a refused envelope for a human; a receipt is made where the header can be named."""
        header, digest = arrival.header, hashlib.sha256(arrival.envelope).digest()
        self._quarantine.keep(arrival, digest)
        if header is None:
            return None
        whole = self._whole(header.src)
        receipt = Receipt(header.mid, digest, "rejected", arrival.reason, self._now_ms, header.src, whole)
        return Filed("rejected", None, self._keep(arrival.client, receipt), receipt)

    def _keep(self, client: str, receipt: Receipt) -> int:
        """Keep a receipt until it was sent; only the newest of a message waits."""
        row = self._rows.one(
            "INSERT INTO receipt (client, mid, hash, status, reason, created_ms, src, highest)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (client, mid) DO UPDATE SET hash = excluded.hash,"
            " status = excluded.status, reason = excluded.reason, created_ms = excluded.created_ms,"
            " src = excluded.src, highest = excluded.highest RETURNING id",
            *(client, receipt.mid, receipt.envelope_hash, receipt.status, receipt.reason, receipt.created_ms),
            *(receipt.src, receipt.highest),
        )
        return 0 if row is None else int(row[0])


def _kids(signatures: bytes) -> set[bytes]:
    """Key ids of the signatures of a stored content."""
    kept: Any = cbor.decode(signatures)
    return {kid for kid, *_ in kept}
