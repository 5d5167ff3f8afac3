"""A scenario: what happens when, so that an afternoon in the booth can be had again in the workshop.

One line each, in the words of `simulators.words`; `#` begins a comment:

    at 12 s unplug
    at 15 s replug
    from 20 s finger cold
    from 30 s to 40 s oximeter low-battery

Seconds are those of the body, counted from the start. `from ... to` is for faults, which end by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulators.device import SimulatorError, WrongUse
from simulators.physiology import Physiology
from simulators.words import Command, command

_LINE = re.compile(r"(?:at|from)\s+(\d+(?:\.\d+)?)\s*s?(?:\s+to\s+(\d+(?:\.\d+)?)\s*s?)?\s+(\S.*)")


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens."""

    at: float
    """Seconds of the body."""
    words: str
    ends: bool = False
    """It is the end of a fault that `words` names."""


class Scenario:
    """Happenings in order of time; each is given out once."""

    def __init__(self, happenings: Sequence[Happening]) -> None:
        self.left = sorted(happenings, key=lambda each: each.at)
        """What is still to come."""

    def due(self, now: float) -> Iterator[Happening]:
        """What has fallen due by `now`."""
        while self.left and self.left[0].at <= now:
            yield self.left.pop(0)


def command_of(happening: Happening, instruments: Sequence[str], body: Physiology) -> Command:
    """The command of a happening; raises `WrongUse`."""
    asked = command(happening.words, instruments, body)
    if not happening.ends:
        return asked
    if "fault" not in asked:
        raise WrongUse(f"“{happening.words}” does not end by itself: write another line for what comes after it.")
    return {"clear": asked["fault"], "instrument": asked["instrument"]}


def read_scenario(file: Path, instruments: Sequence[str]) -> Scenario:
    """Read a scenario for these instruments; raises `SimulatorError` naming the first line that is wrong."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SimulatorError(f"The scenario {file} cannot be read ({error.strerror}); correct the path.") from None
    except UnicodeDecodeError:
        raise SimulatorError(f"The scenario {file} is not text in UTF-8: save it as such.") from None
    found: list[Happening] = []
    for number, line in enumerate(lines, 1):
        try:
            found += _happenings(line.partition("#")[0].strip(), instruments)
        except WrongUse as error:
            raise WrongUse(f"Line {number} of {file.name}: {error}") from None
    return Scenario(found)


def _happenings(line: str, instruments: Sequence[str]) -> list[Happening]:
    if not line:
        return []
    match = _LINE.fullmatch(line)
    if match is None:
        raise WrongUse("Write when and what, as in “at 12 s unplug” or “from 20 s to 30 s finger-out”.")
    begin, end, words = float(match[1]), match[2], match[3]
    happenings = [Happening(begin, words)]
    if end is not None:
        if float(end) <= begin:
            raise WrongUse("It ends before it begins: write the later time second.")
        happenings.append(Happening(float(end), words, ends=True))
    for each in happenings:
        command_of(each, instruments, Physiology())
    return happenings
