"""The settings: readable, accepted, and no port named twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from cabin_agent.checks.line import Line, ok, wrong
from cabin_agent.config import Config, ConfigError, load_config
from drivers.binding import same_port

PART = "settings"


def read(file: Path) -> tuple[Config | None, list[Line]]:
    """The settings in `file`, or None; and the lines about them."""
    try:
        config = load_config(file)
    except ConfigError as error:
        return None, [wrong(PART, str(error), "Correct the settings where this says, then check again.")]
    return config, list(lines(config)) or [ok(PART, f"{file} is accepted.")]


def lines(config: Config) -> Iterator[Line]:
    """What is wrong with settings that can be read."""
    if config.record is None:
        yield wrong(
            PART, f"{config.file} has no [record], so that no visit can begin.", "Add the section [record] to it."
        )
    for one, other in combinations(config.instruments, 2):
        if same_port(one.url, other.url):
            yield wrong(
                PART,
                f"[instruments.{one.name}] and [instruments.{other.name}] name one port, by two links.",
                f"Write the port of the {other.driver} ('cabin devices --ports' lists what is plugged in).",
            )
