"""What the commands that work on files print: JSON without surprises on stdout, one sentence on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from drivers.events import NoValue

DONE: Final = 0
FOUND_WRONG: Final = 1
USED_WRONGLY: Final = 2
COULD_NOT_RUN: Final = 3


def plain(thing: Any) -> Any:
    """Dataclasses, sets, tuples and times as JSON has them; "no value" as `{"no_value": why}`."""
    if isinstance(thing, NoValue):
        return {"no_value": thing.why}
    if isinstance(thing, datetime):
        return thing.isoformat()
    if is_dataclass(thing):
        return {field.name: plain(getattr(thing, field.name)) for field in fields(thing)}
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, set | frozenset):
        return sorted(plain(item) for item in thing)
    return [plain(item) for item in thing] if isinstance(thing, list | tuple) else thing


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
