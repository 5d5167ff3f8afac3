"""The last time that this cabin was sure of, on disk: where a clock begins again whose battery is dead."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastTime:
    """UTC milliseconds; 0: not known yet."""

    ms: int = 0
    """The newest time that was plausible."""
    heard_ms: int = 0
    """The newest time while a time server was heard."""


def read_last_time(path: Path) -> LastTime:
    """What was kept; nothing known where the file is absent or damaged."""
    try:
        told = json.loads(path.read_bytes())
        kept = LastTime(int(told["ms"]), int(told["heard_ms"]))
    except FileNotFoundError:
        return LastTime()
    except (OSError, ValueError, KeyError, TypeError):
        log.error("the last known time in %s cannot be read: it is begun anew", path)
        return LastTime()
    return kept


def keep_last_time(path: Path, last: LastTime) -> None:
    """Put it in place whole; a disk that takes nothing keeps the older one, which is as good as a floor."""
    fresh = path.with_suffix(".new")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(json.dumps(asdict(last)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        log.error("the last known time cannot be kept (%s): free the disk", error.strerror)
