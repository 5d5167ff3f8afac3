"""Parts of envelopes until the whole is there: durable, and bounded for each client.

A set is one row that is locked while a part is added, so that of two gateways that each get half, one sees the whole.
"""

from __future__ import annotations

from sync.database import Rows
from sync.envelope import MAX_ENVELOPE
from sync.parts import Part

MOST_BYTES = 2 * MAX_ENVELOPE
"""Of the incomplete sets of one client: the largest envelope, and as much again."""
MOST_SETS = 256
"""Incomplete sets of one client; a cabin has a few under way at one time."""
MOST_OF_ALL = 1 << 30
"""Of the incomplete sets of all clients together: a broker must not fill the disk in the names of many."""
_AROUND = 512
"""Bytes that the database is taken to need for a part beside its own: tiny parts must not fill the disk either."""


def keep(rows: Rows, client: str, part: Part) -> bytes | None:
    """Keep one part; the whole in order of the parts, where none is missing any more. See `Store.keep_parts`."""
    parcel, size = _parcel(rows, client, part)
    inserted = rows.do(
        "INSERT INTO part VALUES (?, ?, ?) ON CONFLICT (parcel, place) DO NOTHING", parcel, part.index, part.data
    )
    if inserted:
        size += len(part.data) + _AROUND
        rows.do("UPDATE parcel SET size = ? WHERE id = ?", size, parcel)
        _bound(rows, client, parcel)
    there = rows.one("SELECT COUNT(*) FROM part WHERE parcel = ?", parcel)
    if there is None or there[0] < part.count:
        return None
    return b"".join(row[0] for row in rows.all("SELECT data FROM part WHERE parcel = ? ORDER BY place", parcel))


def _parcel(rows: Rows, client: str, part: Part) -> tuple[int, int]:
    """Number and bytes of the part's set, which is locked until the end of the transaction."""
    key = (client, part.mid, part.envelope_hash, part.count)
    row = rows.one(
        "INSERT INTO parcel (client, mid, hash, count, size) VALUES (?, ?, ?, ?, 0)"
        " ON CONFLICT (client, mid, hash, count) DO UPDATE SET size = parcel.size RETURNING id, size",
        *key,
    )
    assert row is not None  # noqa: S101
    return row[0], row[1]


def _bound(rows: Rows, client: str, newest: int) -> None:
    """Forget the client's oldest sets while all are too many or too large; the one in hand goes last."""
    sets = rows.all("SELECT id, size FROM parcel WHERE client = ? ORDER BY id DESC", client)
    room = MOST_BYTES
    for place, (number, size) in enumerate(sorted(sets, key=lambda row: (row[0] != newest, -row[0]))):
        room -= size
        if room < 0 or place >= MOST_SETS:
            rows.do("DELETE FROM parcel WHERE id = ?", number)


def forget(rows: Rows, client: str, part: Part) -> None:
    """See `Store.forget_parts`."""
    query = "DELETE FROM parcel WHERE client = ? AND mid = ? AND hash = ? AND count = ?"
    rows.do(query, client, part.mid, part.envelope_hash, part.count)


def bound_all(rows: Rows) -> None:
    """Forget the oldest sets of anybody while all clients' together take too much; another gateway's in hand stay."""
    total = rows.one("SELECT COALESCE(SUM(size), 0) FROM parcel")
    over = 0 if total is None else total[0] - MOST_OF_ALL
    while over > 0:
        oldest = rows.all(f"SELECT id, size FROM parcel ORDER BY id LIMIT 64{rows.dialect.lock_free}")  # noqa: S608
        if not oldest:
            return
        for number, size in oldest:
            if over > 0:
                rows.do("DELETE FROM parcel WHERE id = ?", number)
                over -= size
