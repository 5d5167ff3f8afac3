"""Posts: sealed envelopes that wait for their cabin, and the cabin's word on each."""

from __future__ import annotations

import hashlib

from sync.alarm_rows import Alarms
from sync.database import Rows
from sync.envelope import peek
from sync.errors import Refused
from sync.receipt import Receipt
from sync.store import Post

MOST_BYTES = 128 << 10
"""Of one post: it travels whole, and brokers take at least so much."""
FIRST_MS, MOST_MS = 10_000, 900_000
"""A post without a receipt is sent again after ten seconds, which double each time, up to a quarter of an hour."""
_SPACING_MS = 5_000
"""A client that sends much is not sent its posts each time."""
_AT_ONCE = 100
_REASON = 64
"""Characters of a cabin's reason that are kept."""


def keep(rows: Rows, client: str, envelope: bytes) -> bytes:
    """See `Store.post`."""
    if len(envelope) > MOST_BYTES:
        raise ValueError(f"A post has at most {MOST_BYTES} bytes: send less at once.")
    try:
        header = peek(envelope)
    except Refused:
        raise ValueError("A post is a sealed envelope: seal it first.") from None
    rows.do(
        "INSERT INTO post (client, mid, seq, hash, envelope, attempts, sent_ms, due_ms, status)"
        " VALUES (?, ?, ?, ?, ?, 0, 0, 0, '') ON CONFLICT (mid) DO NOTHING",
        *(client, header.mid, header.seq, hashlib.sha256(envelope).digest(), envelope),
    )
    return header.mid


def due(rows: Rows, now_ms: int, client: str | None) -> list[Post]:
    """See `Store.posts_due`. A clock that was set back makes posts due early, never late.

    In the order of their making: a cabin takes none that is older than the last.
    """
    values: list[object] = [now_ms, now_ms]
    condition = "due_ms <= ? OR sent_ms > ?"
    if client is not None:
        condition, values = "client = ? AND (sent_ms <= ? OR sent_ms > ?)", [client, now_ms - _SPACING_MS, now_ms]
    chosen = rows.all(
        "SELECT id, client, mid, envelope, attempts FROM post"  # noqa: S608
        f" WHERE due_ms IS NOT NULL AND ({condition})"
        f" ORDER BY id LIMIT {_AT_ONCE}{rows.dialect.lock_free}",
        *values,
    )
    for number, _, _, _, attempts in chosen:
        change = "UPDATE post SET attempts = ?, sent_ms = ?, due_ms = ? WHERE id = ?"
        rows.do(change, attempts + 1, now_ms, now_ms + pause(attempts), number)
    return [Post(row[1], row[2], row[3]) for row in chosen]


def every(rows: Rows) -> list[tuple[Post, str]]:
    """See `Store.posts`."""
    listed = rows.all("SELECT client, mid, envelope, status FROM post ORDER BY id")
    return [(Post(row[0], row[1], row[2]), row[3]) for row in listed]


def pause(attempts: int) -> int:
    """Milliseconds until a post is sent again that was sent `attempts` times before this one."""
    return int(min(FIRST_MS << min(attempts, 20), MOST_MS))


def settle(rows: Rows, alarms: Alarms, client: str, receipt: Receipt) -> bool:
    """See `Store.settle_post`."""
    settled = rows.one(
        "UPDATE post SET status = ?, due_ms = NULL, envelope = ? WHERE client = ? AND mid = ? AND hash = ?"
        " AND status = '' RETURNING seq",
        *(receipt.status, b"", client, receipt.mid, receipt.envelope_hash),
    )
    if settled is not None and receipt.status == "rejected":
        alarms.add(receipt.src, "post", settled[0], detail=f"{client}: {_plain(receipt.reason)}")
    return settled is not None


def _plain(reason: str) -> str:
    """A cabin's words as one short line for logs and terminals, which must not do what they say."""
    return ascii(reason[:_REASON])[1:-1]
