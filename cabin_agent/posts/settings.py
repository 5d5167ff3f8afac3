"""Settings that may be changed from afar, and how they are laid over those of the file.

They go through the same reading as the file, so a value out of its range, or one that does not fit to the others, is
refused as it would be there. Whatever could cut the road itself (broker, certificates, keys), and how a measure is
made, is changed by hand alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from cabin_agent.toml_table import ConfigError

Posted = Mapping[str, int | str]
"""Settings by dotted name, such as "visit.idle_s"; a day is text, "2026-03-31"."""

PLAIN = (
    "record.quota_mb",
    "record.reserve_mb",
    "visit.code_attempts",
    "visit.idle_s",
    "visit.idle_grace_s",
    "visit.notice_version",
)
"""Keys of the file with their section. Beside these there is "instruments.KIND.calibrated", by kind of instrument."""


def laid_over(data: Mapping[str, object], posted: Posted) -> dict[str, object]:
    """The content of a file of settings with the posted ones in place; `ConfigError` for one that may not be."""
    merged = {name: dict(part) if isinstance(part, Mapping) else part for name, part in data.items()}
    for name, value in posted.items():
        section, _, key = name.partition(".")
        if name in PLAIN:
            _put(merged, section, key, value)
        else:
            _put_day(merged, name, value)
    return merged


def _put(merged: dict[str, object], section: str, key: str, value: object) -> None:
    part = merged.setdefault(section, {})
    if not isinstance(part, dict):
        raise ConfigError(f"The posted settings name [{section}], which is no table here.")
    part[key] = value


def _put_day(merged: dict[str, object], name: str, value: object) -> None:
    """The day of a calibration, for the one instrument of that kind."""
    instruments = merged.get("instruments")
    match name.split("."):
        case ["instruments", kind, "calibrated"] if isinstance(instruments, dict):
            for called, table in instruments.items():
                if isinstance(table, Mapping) and table.get("driver") == kind:
                    instruments[called] = {**table, "calibrated": _day(value)}
                    return
            raise ConfigError(f"The posted settings name an instrument of kind '{kind}', which this cabin has not.")
    raise ConfigError(f"The posted settings name '{name}', which is changed in the file alone.")


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ConfigError("The posted settings have a day of calibration that is none.") from None
