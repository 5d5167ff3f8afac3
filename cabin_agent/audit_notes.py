"""How other commands of this machine get something into the audit log, which one process alone may write."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cabin_agent.private_file import AccessError, write_private

FOLDER = "audit"
"""Of the audit log, in the state folder."""
NOTES = "audit-notes"
"""In the state folder: what other commands of this machine did, until the core writes it down."""


def leave_note(state: Path, what: str, **fields: str) -> None:
    """Have the core of this state folder write an event down, now or when it starts; without one, nothing is done."""
    with suppress(OSError, AccessError):
        if (state / FOLDER).is_dir():
            (state / NOTES).mkdir(mode=0o700, exist_ok=True)
            write_private(state / NOTES / f"{time.time_ns():020d}.json", json.dumps({"what": what, **fields}))


def notes_left(state: Path) -> Iterator[dict[str, str]]:
    """The notes, the oldest first, each removed once it was taken; what is no note is removed too."""
    for file in sorted((state / NOTES).glob("*.json")):
        with suppress(OSError, ValueError):
            said = json.loads(file.read_bytes())
            if isinstance(said, dict):
                yield {str(name): str(value) for name, value in said.items()}
        with suppress(OSError):
            file.unlink()
