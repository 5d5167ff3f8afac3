"""What is posted, as files for people: appointments and settings in TOML."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

from cabin_agent.appointments import FOR_EVER, KEYS, Appointment, read_appointment
from cabin_agent.config import check_posted
from cabin_agent.posts.settings import Posted, laid_over
from cabin_agent.toml_table import ConfigError, Table, read_toml


def appointments_to_post(path: Path) -> tuple[Appointment, ...]:
    """The appointments of a file, each with its hours; raises `ConfigError`, which names no person and no code."""
    data = read_toml(path)
    Table(path, "the file", data, ["appointment"], private=True)
    entries = data.get("appointment", [])
    if not isinstance(entries, list):
        raise ConfigError(f"{path}: each appointment has to be written as a table [[appointment]].")
    return tuple(_appointment(path, number, entry) for number, entry in enumerate(entries, start=1))


def _appointment(path: Path, number: int, entry: object) -> Appointment:
    table = Table(path, f"[[appointment]] number {number}", entry, [*KEYS, "day", "from", "until"], private=True)
    return read_appointment(table, *_hours(table))


def _hours(table: Table) -> tuple[int, int]:
    """From and until in UTC milliseconds: a day of this machine's time zone, or two times; without, from now on."""
    day, begins, ends = table.day("day"), table.moment("from"), table.moment("until")
    if day is not None:
        return _ms(datetime.combine(day, time())), _ms(datetime.combine(day + timedelta(days=1), time()))
    found = (_ms(begins) if begins else 0, _ms(ends) if ends else FOR_EVER - 1)
    if found[0] >= found[1]:
        raise table.error("until", "a time after 'from'")
    return found


def _ms(moment: datetime) -> int:
    return int(moment.astimezone().timestamp() * 1000)


def settings_to_post(path: Path) -> Posted:
    """The settings of a file by dotted name; raises `ConfigError` for one that is not changed from afar.

    A value that no cabin takes is refused here; whether they fit to the rest is for the cabin to judge.
    """
    posted: dict[str, int | str] = {}
    for section, part in read_toml(path).items():
        if not isinstance(part, dict):
            raise ConfigError(f"{path}: {section} has to stand in a section, such as [visit].")
        posted.update(_flat(path, section, part))
    kinds = {name.split(".")[1] for name in posted if name.startswith("instruments.")}
    laid_over({"instruments": {kind: {"driver": kind} for kind in kinds}}, posted)
    check_posted(path, posted)
    return posted


def _flat(path: Path, prefix: str, part: dict[str, object]) -> Posted:
    found: dict[str, int | str] = {}
    for key, value in part.items():
        name = f"{prefix}.{key}"
        if isinstance(value, dict):
            found.update(_flat(path, name, value))
        elif isinstance(value, date):
            found[name] = value.isoformat()
        elif isinstance(value, int | str) and not isinstance(value, bool):
            found[name] = value
        else:
            raise ConfigError(f"{path}: {name} is neither a whole number, a text nor a day.")
    return found
