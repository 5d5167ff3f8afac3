"""Who is expected at this cabin: the appointments, looked up by the six digits that the agent types.

They come from a file, and from the record in sealed posts (`posts/appointment_content.py`), which are never written
down in the clear; of two with one code that of the record counts. The file is TOML and may be replaced at any moment:

    [[appointment]]
    code = "246810"
    kind = "checkup"                                  # or "consultation"
    subject_system = "urn:oid:1.2.250.1.213.1.4.11"   # naming system of the identifier
    subject = "..."                                   # opaque identifier of the person
    measures = ["weight", "blood_pressure"]           # optional; without it, the whole check-up

Neither a code nor a subject ever stands in an error message.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, cast, get_args

from cabin_agent.results import MeasureName
from cabin_agent.toml_table import ConfigError, Table, read_toml

Kind = Literal["checkup", "consultation"]
KINDS: tuple[Kind, ...] = ("checkup", "consultation")
FOR_EVER = (1 << 63) - 1
SYSTEM = r"urn:(oid|uuid):[0-9A-Za-z.-]+|https?://\S+"


@dataclass(frozen=True, slots=True)
class Appointment:
    """One expected visit; its `repr` names nobody."""

    code: str = field(repr=False)
    """Six digits."""
    kind: Kind
    subject_system: str
    subject: str = field(repr=False)
    measures: tuple[MeasureName, ...] = ()
    """Empty: every measure of a check-up."""
    from_ms: int = 0
    until_ms: int = FOR_EVER
    """UTC milliseconds; those of the file are good for as long as they stand there."""

    def is_good(self, now_ms: int | None) -> bool:
        """Whether it may be used at `now_ms`, or at a time that nobody knows (None)."""
        return now_ms is None or self.from_ms <= now_ms < self.until_ms


KEYS = tuple(each.name for each in fields(Appointment) if not each.name.endswith("_ms"))
"""What a file may say of one."""


class Appointments:
    """Those of one file, read again whenever the file changes, and those that the record posted.

    A file that is not there holds none. `now_ms` gives UTC milliseconds, None where the clock is not to be believed:
    then none is too early or too late. `posted` may be replaced at any time, by any thread.
    """

    def __init__(self, path: Path, now_ms: Callable[[], int | None] = lambda: None) -> None:
        self._path, self.now_ms = path, now_ms
        self.posted: tuple[Appointment, ...] = ()
        self._seen: tuple[int, int, int] | None = None
        self._known: tuple[Appointment, ...] = ()

    def find(self, code: str) -> Appointment | None:
        """The appointment of `code`, or None.

        It takes as long for a code that is nearly right as for any other. Raises `ConfigError` while the file is
        not what it should be: a file half replaced by a hand must not pass for an empty one.
        """
        self._refresh()
        found, now = None, self.now_ms()
        for appointment in (*self._known, *self.posted):
            same = hmac.compare_digest(appointment.code.encode(), code.encode("utf-8", "replace"))
            if same and appointment.is_good(now):
                found = appointment
        return found

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            self._seen, self._known = None, ()
            return
        except OSError as error:
            raise ConfigError(f"{self._path}: the appointments cannot be read ({error.strerror}).") from None
        seen = (status.st_ctime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            self._known = read_appointments(self._path)
            self._seen = seen


def read_appointments(path: Path) -> tuple[Appointment, ...]:
    """Every appointment of a file; raises `ConfigError`."""
    data = read_toml(path)
    Table(path, "the file", data, ["appointment"], private=True)
    entries = data.get("appointment", [])
    if not isinstance(entries, list):
        raise ConfigError(f"{path}: each appointment has to be written as a table [[appointment]].")
    found: dict[str, Appointment] = {}
    for number, entry in enumerate(entries, start=1):
        name = f"[[appointment]] number {number}"
        appointment = read_appointment(Table(path, name, entry, KEYS, private=True))
        if appointment.code in found:
            raise ConfigError(f"{path}: {name} has the code of an earlier one; give each a code of its own.")
        found[appointment.code] = appointment
    return tuple(found.values())


def read_appointment(table: Table, from_ms: int = 0, until_ms: int = FOR_EVER) -> Appointment:
    """One appointment of a file; raises `ConfigError`, which says nothing of a person."""
    measures = cast(tuple[MeasureName, ...], get_args(MeasureName))
    return Appointment(
        code=table.matching("code", r"[0-9]{6}", "six digits in quotes"),
        kind=table.choice("kind", KINDS),
        subject_system=table.matching("subject_system", SYSTEM, 'a naming system such as "urn:oid:1.2.3"'),
        subject=table.text("subject", "the identifier of the person in that system"),
        measures=table.several("measures", measures),
        from_ms=from_ms,
        until_ms=until_ms,
    )
