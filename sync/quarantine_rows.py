"""Refused envelopes as rows, for a human: bounded, so that whoever is refused fills neither the disk nor the time.

The bounds are looked at once in a transaction, not for each envelope.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.database import Rows
from sync.store import Rejected

MOST_BYTES = 64 << 20
"""Refused envelopes are kept whole up to this sum, beyond it by hash alone."""
MOST_ROWS, MOST_OF_CLIENT = 10_000, 1_000
"""Rows of all clients, and of one: the oldest go."""


@dataclass(slots=True)
class Quarantine:
    """What is refused in one transaction."""

    rows: Rows
    now_ms: int
    _room: int | None = None
    """Bytes of envelopes that may still be kept whole, once they were counted."""
    _clients: set[str] = field(default_factory=set)

    def keep(self, arrival: Rejected, digest: bytes) -> None:
        """Keep one refused envelope under its SHA-256; the same again changes nothing."""
        if self.rows.one("SELECT 1 FROM quarantine WHERE hash = ?", digest) is not None:
            return
        header, size = arrival.header, len(arrival.envelope)
        self._clients.add(arrival.client)
        room = self._left()
        self.rows.do(
            "INSERT INTO quarantine (hash, client, mid, reason, received_ms, size, envelope)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",
            *(digest, arrival.client, header.mid if header else None, arrival.reason, self.now_ms, size),
            arrival.envelope if size <= room else None,
        )
        self._room = room - size if size <= room else room

    def _left(self) -> int:
        if self._room is not None:
            return self._room
        held = self.rows.one("SELECT COALESCE(SUM(size), 0) FROM quarantine WHERE envelope IS NOT NULL")
        return MOST_BYTES - (0 if held is None else int(held[0]))

    def bound(self) -> None:
        """Forget the oldest rows of clients that were refused now, and the oldest of all, beyond what is kept."""
        beyond = "SELECT id FROM quarantine{of} ORDER BY id DESC LIMIT 1 OFFSET ?"
        for client in sorted(self._clients):
            oldest = self.rows.one(beyond.format(of=" WHERE client = ?"), client, MOST_OF_CLIENT)
            if oldest is not None:
                self.rows.do("DELETE FROM quarantine WHERE client = ? AND id <= ?", client, oldest[0])
        oldest = self.rows.one(beyond.format(of=""), MOST_ROWS) if self._clients else None
        if oldest is not None:
            self.rows.do("DELETE FROM quarantine WHERE id <= ?", oldest[0])
