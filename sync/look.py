"""A look into an outbox that another process holds: read-only, without its lock, without an envelope."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sync.durable import sqlite_errors

_BUSY_S = 2.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an outbox holds."""

    pending: int
    quarantined: int
    used: int
    """Bytes of all envelopes."""
    oldest_ms: int | None
    """When the oldest that waits was stored, UTC milliseconds by this machine's clock; None where none waits."""


def look(path: Path) -> Waiting:
    """What waits in the outbox at `path`; raises `OutboxFailed` where it cannot be read."""
    with sqlite_errors(), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as db:
        counts = dict(db.execute("SELECT state, COUNT(*) FROM letter GROUP BY state").fetchall())
        used, oldest = db.execute(
            "SELECT COALESCE(SUM(size), 0), MIN(CASE state WHEN 'pending' THEN stored_ms END) FROM letter"
        ).fetchone()
    return Waiting(counts.get("pending", 0), counts.get("quarantined", 0), used, oldest)
