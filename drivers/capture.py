"""A capture: everything that went over one instrument's wire, as text that a technician can read and a test can keep.

The first line is a JSON object, the head; each other line is one entry, `seconds way hex`:

    {"capture": 1, "protocol": "suntech", "settings": {"time_scale": 1.0}, "simulated": true}
    0.000000 open
    0.001210 out 3a79052863
    0.104377 in 3e044f6f
    7.250000 start

Seconds count from any moment on a clock that never goes back. `in` is what the host read at once, `out` what it wrote
at once; `control` is a USB control transfer, the eight bytes of its set-up and then its data. `start` and `stop` are
the host's orders to its driver, `gap` marks bytes that were not kept, `close` the end of a port's life.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Way = Literal["open", "in", "out", "control", "start", "stop", "gap", "close"]
WAYS: tuple[Way, ...] = get_args(Way)
VERSION = 1
_ENTRY = re.compile(r"(\d{1,12}\.\d{6}) ([a-z]+)(?: ((?:[0-9a-f]{2})+))?")


class CaptureError(Exception):
    """A file is not a capture; the text is one sentence that says where and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened on the wire."""

    at_us: int
    """Microseconds."""
    way: Way
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """Whose wire it was."""

    protocol: str
    """As `drivers.DRIVERS` names it."""
    settings: Mapping[str, str | float | None] = field(default_factory=dict)
    """What the driver's constructor took."""
    simulated: bool = True


@dataclass(frozen=True, slots=True)
class Capture:
    """One instrument's wire over some time."""

    head: Head
    entries: tuple[Entry, ...]


def encode_head(head: Head) -> str:
    """The first line, without its end."""
    told = {"capture": VERSION, "protocol": head.protocol, "settings": head.settings, "simulated": head.simulated}
    return json.dumps(told)


def encode_entry(entry: Entry) -> str:
    """One entry's line, without its end."""
    seconds, rest = divmod(entry.at_us, 1_000_000)
    return f"{seconds}.{rest:06d} {entry.way} {entry.data.hex()}".rstrip()


def encode(capture: Capture) -> str:
    """The whole file."""
    return "\n".join([encode_head(capture.head), *map(encode_entry, capture.entries)]) + "\n"


def decode(text: str) -> Capture:
    """Read a capture; raises `CaptureError` naming the first line that is none."""
    first, *lines = text.splitlines() or [""]
    return Capture(decode_head(first), tuple(decode_entries(lines, first_line=2)))


def decode_head(line: str) -> Head:
    """Read the first line; raises `CaptureError`."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    match told:
        case {"capture": 1, "protocol": str(protocol), "settings": dict(settings), "simulated": bool(simulated)}:
            return Head(protocol, settings, simulated)
    raise CaptureError("This is not a capture: its first line has to be the head that `cabin monitor` writes.")


def decode_entries(lines: Iterable[str], first_line: int) -> Iterable[Entry]:
    """Read entries, in order of time; raises `CaptureError`."""
    before = 0
    for number, line in enumerate(lines, first_line):
        found = _ENTRY.fullmatch(line)
        if found is None or found[2] not in WAYS:
            raise CaptureError(f"Line {number} of the capture is not “seconds way hex”: correct or remove it.")
        seconds, _, rest = found[1].partition(".")
        at_us = int(seconds) * 1_000_000 + int(rest)
        if at_us < before:
            raise CaptureError(f"Line {number} of the capture is earlier than the line before it: put them in order.")
        before = at_us
        yield Entry(at_us, next(way for way in WAYS if way == found[2]), bytes.fromhex(found[3] or ""))
