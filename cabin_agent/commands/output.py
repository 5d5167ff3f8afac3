"""What the commands that work on files print: JSON without surprises on stdout, one sentence on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from cabin_agent.event_json import plain

DONE: Final = 0
FOUND_WRONG: Final = 1
USED_WRONGLY: Final = 2
COULD_NOT_RUN: Final = 3


def print_json(thing: Any) -> None:
    """One line of JSON on stdout. NaN and infinity are no JSON and no value here: they raise ValueError."""
    print(json.dumps(plain(thing), ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def print_lines(lines: Sequence[tuple[str, str]]) -> None:
    """Names and values, aligned, on stdout."""
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name.ljust(width)}  {value}")


def complain(verb: str, sentence: object) -> None:
    """One sentence on stderr."""
    print(f"cabin {verb}: {sentence}", file=sys.stderr)
