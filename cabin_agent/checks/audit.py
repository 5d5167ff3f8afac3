"""The audit log: whole, signed by keys that are kept beside it, and never moved aside. Read beside a running core."""

from __future__ import annotations

from pathlib import Path

from cabin_agent.audit_notes import FOLDER
from cabin_agent.checks.line import Line, ok, unknown, wrong
from sync.audit_reading import known_signers, segments, verify
from sync.errors import SyncError

PART = "audit"


def lines(state_dir: Path) -> list[Line]:
    """Of the audit log in `state_dir`."""
    folder = state_dir / FOLDER
    aside = sorted(path.name for path in state_dir.glob(f"{FOLDER}.damaged-*"))
    if aside:
        says = f"It was broken and moved aside as {', '.join(aside)}."
        return [wrong(PART, says, "Keep it, and call whoever is responsible for this cabin's security.")]
    if not segments(folder):
        return [unknown(PART, "Nothing was written yet.")]
    try:
        verdict = verify(folder, known_signers(folder))
    except (OSError, SyncError):
        return [wrong(PART, f"{folder} cannot be read.", "Look at the disk, then restart the cabin.")]
    if not verdict.whole:
        says = f"It is broken after entry {verdict.head.count}."
        return [wrong(PART, says, "'cabin audit verify' says more; keep a copy and call this cabin's security.")]
    return [ok(PART, f"{verdict.head.count} entries, whole; signed up to {verdict.signed}.")]
