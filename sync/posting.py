"""The record's side of a post: numbers and seals a content for one cabin, and hands it to the store to be sent.

Each cabin is written to under a sender id of its own, numbered without holes, and new with each key that signs. A
post is sealed and noted here in one transaction before the store gets it, so a crash between the two repeats the
hand-over and never a number. The content also bears a number, which rises with the clock and never falls: a new
sender id, after this file was lost, is then no reason for a cabin to take something old for new, or new for old.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sync.durable import connect, sqlite_errors, transaction
from sync.envelope import NO_PREVIOUS, Stamp, seal
from sync.keys import RecipientPublic, SigningPair
from sync.post_rows import MOST_BYTES

_SCHEMA = """
CREATE TABLE IF NOT EXISTS addressee (
    client TEXT PRIMARY KEY, signer BLOB NOT NULL, src BLOB NOT NULL, seq INTEGER NOT NULL, prev BLOB NOT NULL,
    number INTEGER NOT NULL, envelope BLOB
) WITHOUT ROWID;
"""


class Posts(Protocol):
    """Where posts wait until the cabin has answered."""

    def post(self, client: str, envelope: bytes) -> bytes:
        """Keep an envelope for a client durably and give its message id; the same one again changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Posted:
    """One post that is on its way: its message id, and the number that its content bears."""

    mid: bytes
    number: int
    envelope: bytes = field(repr=False)


class Posting:
    """Posts of one record, numbered in the SQLite file at `path`. Raises `OutboxFailed` where that fails."""

    def __init__(self, path: Path, posts: Posts, signer: SigningPair, stamp: Callable[[], Stamp]) -> None:
        self._posts, self._signer, self._stamp = posts, signer, stamp
        with sqlite_errors():
            self._db = connect(path, _SCHEMA)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def post(
        self, client: str, recipient: RecipientPublic, content_type: str, content: Callable[[int], bytes]
    ) -> Posted:
        """Seal what `content` makes for its number, and hand it on; when this returns it survives a power cut.

        `ValueError` where it is too large to be posted; then no number was used up.
        """
        self._hand_over(client)
        stamp, mid = self._stamp(), os.urandom(16)
        with sqlite_errors(), transaction(self._db):
            src, seq, prev, last = self._addressee(client)
            number = max(last + 1, stamp.created_ms)
            sealed = seal(
                content(number),
                content_type,
                recipient=recipient,
                signer=self._signer,
                mid=mid,
                src=src,
                seq=seq + 1,
                prev=prev,
                stamp=stamp,
            )
            if len(sealed.envelope) > MOST_BYTES:
                raise ValueError(f"A post has at most {MOST_BYTES} bytes when it is sealed: post less at once.")
            row = (client, self._signer.public.kid, src, seq + 1, sealed.prot_hash, number, sealed.envelope)
            self._db.execute("INSERT OR REPLACE INTO addressee VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self._hand_over(client)
        return Posted(mid, number, sealed.envelope)

    def _addressee(self, client: str) -> tuple[bytes, int, bytes, int]:
        """Sender id, last sequence number, its link and last number; a new id where another key signed before."""
        query = "SELECT signer, src, seq, prev, number FROM addressee WHERE client = ?"
        row = self._db.execute(query, (client,)).fetchone()
        if row is None or row[0] != self._signer.public.kid:
            return os.urandom(16), 0, NO_PREVIOUS, row[4] if row else 0
        return row[1], row[2], row[3], row[4]

    def _hand_over(self, client: str) -> None:
        """Give the store what it may not have: the last post, noted here and not yet known to be there."""
        query = "SELECT envelope FROM addressee WHERE client = ? AND envelope NOT NULL"
        with sqlite_errors():
            row = self._db.execute(query, (client,)).fetchone()
        if row is None:
            return
        self._posts.post(client, row[0])
        with sqlite_errors(), transaction(self._db):
            self._db.execute("UPDATE addressee SET envelope = NULL WHERE client = ?", (client,))
