"""Alarms of the record as rows: each is raised once, whatever comes again."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.database import Rows
from sync.store import Alarm, Kind


@dataclass(slots=True)
class Alarms:
    """Alarms raised in one transaction; those that were not known yet are kept, to be told after it."""

    rows: Rows
    now_ms: int
    raised: list[Alarm] = field(default_factory=list)

    def add(self, src: bytes, kind: Kind, first: int, last: int | None = None, detail: str = "") -> None:
        """Raise one alarm; a known one stays as it is."""
        values = (src, kind, first, first if last is None else last, detail, self.now_ms)
        row = self.rows.one(
            "INSERT INTO alarm (src, kind, first, last, detail, seen_ms) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (src, kind, first, last) DO NOTHING RETURNING id",
            *values,
        )
        if row is not None:
            self.raised.append(Alarm(row[0], src, kind, values[2], values[3], detail, self.now_ms, None))

    def again(self, src: bytes, kind: Kind, first: int, detail: str) -> None:
        """Raise an alarm that a human may have closed before: it is open again."""
        change = "UPDATE alarm SET closed_ms = NULL, detail = ?, seen_ms = ? WHERE src = ? AND kind = ? AND first = ?"
        query = f"{change} AND closed_ms IS NOT NULL RETURNING id, last"
        row = self.rows.one(query, detail, self.now_ms, src, kind, first)
        if row is None:
            self.add(src, kind, first, detail=detail)
        else:
            self.raised.append(Alarm(row[0], src, kind, first, row[1], detail, self.now_ms, None))


def every(rows: Rows) -> list[Alarm]:
    """See `Store.alarms`."""
    query = "SELECT id, src, kind, first, last, detail, seen_ms, closed_ms FROM alarm ORDER BY id"
    return [Alarm(*row) for row in rows.all(query)]


def close(rows: Rows, now_ms: int, alarm: int) -> Alarm | None:
    """Close one; None where no such alarm is open."""
    row = rows.one(
        "UPDATE alarm SET closed_ms = ? WHERE id = ? AND closed_ms IS NULL"
        " RETURNING id, src, kind, first, last, detail, seen_ms, closed_ms",
        *(now_ms, alarm),
    )
    return None if row is None else Alarm(*row)
