"""What waits for the record: how much, since when, and whether any of it was refused. Read beside a running core."""

from __future__ import annotations

import time
from pathlib import Path

from cabin_agent.checks.line import Line, ok, unknown, wrong
from sync.durable import asides
from sync.errors import SyncError
from sync.look import Waiting, look

PART = "outbox"
OLD_H = 72.0
"""A weekend with its link down is nothing; after it somebody has to look."""


def lines(state_dir: Path, quota_mb: int, reserve_mb: int, now_s: float | None = None) -> list[Line]:
    """Of the outbox in `state_dir`."""
    path = state_dir / "outbox.db"
    if not path.exists():
        return [unknown(PART, "No visit was handed over yet.")]
    try:
        waiting = look(path)
    except SyncError:
        return [
            wrong(PART, f"{path} cannot be read.", "Restart the cabin: it moves a damaged outbox aside, and call.")
        ]
    lines = [_line(waiting, quota_mb, reserve_mb, time.time() if now_s is None else now_s)]
    aside = [each.name for each in asides(path)]
    if aside:
        says = f"It was damaged and moved aside as {', '.join(aside)}; what could be read of it is delivered."
        lines.append(wrong(PART, says, "Keep these files, look at the disk, and call support before removing them."))
    return lines


def _line(waiting: Waiting, quota_mb: int, reserve_mb: int, now_s: float) -> Line:
    if waiting.quarantined:
        says = f"The record refused {waiting.quarantined} results; they are kept."
        return wrong(PART, says, "Call whoever runs the record, with the serial number of this cabin.")
    used_mb = waiting.used / (1 << 20)
    held = f"{waiting.pending} wait, {used_mb:.0f} of {quota_mb} MB"
    if used_mb > quota_mb - reserve_mb:
        return wrong(PART, f"It is too full for a new visit: {held}.", "Bring the link to the record up again.")
    hours = 0.0 if waiting.oldest_ms is None else max(0.0, now_s - waiting.oldest_ms / 1000) / 3600
    if hours > OLD_H:
        says = f"The oldest result has waited for {hours / 24:.0f} days: {held}."
        return wrong(PART, says, "Ask whoever runs the record whether its gateway works.")
    return ok(PART, f"{held}.")
