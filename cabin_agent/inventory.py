"""What this cabin knows of its instruments over the years: one small file that survives everything but its disk.

For each instrument, by kind and serial number: model, firmware, when it was seen first and last, for how long its
link was open, how often it was plugged in, measured and failed, its last self-test, and how wrong its clock was when
it was last read. No value of anybody is in it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

VERSION = 1


@dataclass(frozen=True, slots=True)
class Known:
    """One instrument; times are UTC milliseconds since 1970."""

    kind: str
    model: str
    serial: str
    """Empty where nobody knows it: then the instrument is known by its kind and its model."""
    firmware: str = ""
    first_seen_ms: int = 0
    last_seen_ms: int = 0
    open_s: float = 0.0
    """How long its link was open, seconds, all in all."""
    openings: int = 0
    measured: int = 0
    """Measures that gave a value."""
    failed: int = 0
    """Measures that gave none through the instrument."""
    self_test: str = ""
    """What its last self-test said, one word; empty: none was heard of."""
    self_test_ms: int = 0
    clock_offset_s: float | None = None
    """What its clock showed less what it should have, when it was last read."""
    clock_read_ms: int = 0

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return f"{self.kind}/{self.serial or self.model}"


class Inventory:
    """Every instrument that was ever plugged in here, kept in `file`.

    A file that cannot be read is moved aside, never deleted; one that cannot be written is logged and tried again at
    the next `save`: the cabin goes on.
    """

    def __init__(self, file: Path | None) -> None:
        """`file` None: what is learnt is kept in memory alone."""
        self._file = file
        self._known = {} if file is None else _load(file)
        self._changed = False
        self.on_other: Callable[[Known, bool], None] = lambda _known, _new: None
        """Told when another instrument of a kind is there than the last time, and whether it was never seen."""
        self._here = {each.kind: each.key for each in sorted(self._known.values(), key=lambda one: one.last_seen_ms)}

    def of(self, kind: str, model: str, serial: str) -> Known:
        """What is known of an instrument; a new one is new."""
        new = Known(kind, model, serial)
        return self._known.get(new.key, new)

    def all(self) -> tuple[Known, ...]:
        """Every one, in the order in which they were first seen."""
        return tuple(sorted(self._known.values(), key=lambda each: each.first_seen_ms))

    def seen(self, known: Known, at_ms: int, **change: Any) -> Known:
        """The instrument was there at `at_ms`: keep it with these fields changed."""
        first = known.first_seen_ms or at_ms
        kept = replace(known, first_seen_ms=first, last_seen_ms=max(at_ms, known.last_seen_ms), **change)
        new = kept.key not in self._known
        self._known[kept.key] = kept
        self._changed = True
        if self._here.get(kept.kind) != kept.key:
            self._here[kept.kind] = kept.key
            self.on_other(kept, new)
        return kept

    def save(self) -> None:
        """Write what changed, whole or not at all; to be called now and then, and at the end."""
        if not self._changed or self._file is None:
            return
        content = json.dumps({"version": VERSION, "instruments": [asdict(each) for each in self.all()]}, indent=1)
        try:
            _replace(self._file, content + "\n")
            self._changed = False
        except OSError as error:
            log.error("The inventory of instruments cannot be written (%s): free the disk.", error.strerror)


def _load(file: Path) -> dict[str, Known]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        found = [_known(each) for each in told["instruments"]]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        aside = file.with_suffix(".damaged")
        log.error("The inventory of instruments cannot be read: it is kept as %s and begun anew.", aside.name)
        try:
            file.replace(aside)
        except OSError:
            log.error("It could not be moved either: look at the disk.")
        return {}
    return {each.key: each for each in found}


def _known(told: Mapping[str, Any]) -> Known:
    """One entry; fields of a later version are left out. Raises `TypeError` where one is missing."""
    return Known(**{each.name: told[each.name] for each in fields(Known) if each.name in told})


def _replace(file: Path, content: str) -> None:
    """Write beside, sync, and put in place: a power cut leaves the old file or the new one."""
    new = file.with_suffix(".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
