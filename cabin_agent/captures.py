"""Captures of an instrument's bytes: read from binary or hex text, and told whether they were cut short."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

from drivers.events import Event, Trouble
from drivers.instrument import Codec

Form = Literal["auto", "binary", "hex"]
NewCodec = Callable[[], Codec]

_WINDOW = 512
"""Bytes at the end of a capture that are searched for a cut; no frame of a known instrument is longer."""
_HEX_WORD = re.compile(r"(0[xX])?[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2})*")
_PRINTABLE = re.compile(rb"[\t\n\r\x20-\x7e]*")


class CaptureError(Exception):
    """A capture is no hex text although it looks like one; the text is one sentence."""


@runtime_checkable
class Ending(Protocol):
    """A decoder that holds back what only the end of the bytes completes."""

    def flush(self) -> list[Event]:
        """What the end completes."""
        ...


def capture_bytes(content: bytes, form: Form = "auto") -> bytes:
    """The bytes that a capture file holds; raises `CaptureError` with the line that is not hex.

    Hex text is pairs of digits, with or without 0x, parted by blanks, commas, colons or nothing; `#` begins a
    comment. "auto" takes a printable file for hex text if most of its words are. A word that begins with a colon is
    none: a record of the audiometer begins so.
    """
    if form == "binary" or (form == "auto" and not _looks_like_hex(content)):
        return content
    found = bytearray()
    for number, line in enumerate(content.decode("ascii", "replace").splitlines(), start=1):
        for word in _words(line):
            if not _HEX_WORD.fullmatch(word):
                raise CaptureError(
                    f"Line {number} is not hex text: {word[:20]!r} is not a row of pairs of hex digits."
                )
            found += bytes.fromhex(word.lower().removeprefix("0x").replace(":", ""))
    return bytes(found)


def decode(new: NewCodec, data: bytes) -> list[Event]:
    """Every event of a whole capture, what its end completes included."""
    codec = new()
    return codec.feed(data) + _flushed(codec)


def unfinished(new: NewCodec, data: bytes) -> bytes:
    """What stands behind the last event of a capture that does not end with a whole frame; empty if it does.

    Decoders do not tell what they hold, so this looks for the last byte that changed what was decoded. Whole frames
    behind it that say nothing (an acknowledge, a repetition) are told from a cut by trying them on a new decoder.
    """
    codec = new()
    start = max(0, len(data) - _WINDOW)
    codec.feed(data[:start])
    last, said, known = start, list[Event](), _flushed(copy.deepcopy(codec))
    for place in range(start, len(data)):
        said += codec.feed(data[place : place + 1])
        now = said + _flushed(copy.deepcopy(codec))
        if now != known:
            last, known = place + 1, now
    rest = data[last:]
    return b"" if _is_silent(new, rest, data[:last][:4096]) else rest


def _is_silent(new: NewCodec, rest: bytes, example: bytes) -> bool:
    """Whether `rest` is whole frames without events: fit to stand before a good `example`, but not a byte shorter.

    A frame that only repeats the one before it is no repetition to a new decoder, which then has an event for it.
    """
    if not rest or not example:
        return not rest
    if any(not isinstance(event, Trouble) for event in decode(new, rest)):
        return not unfinished(new, rest)
    alone = decode(new, example)
    return decode(new, rest + example) == alone != decode(new, rest[:-1] + example)


def _flushed(codec: Codec) -> list[Event]:
    return codec.flush() if isinstance(codec, Ending) else []


def _looks_like_hex(content: bytes) -> bool:
    if not _PRINTABLE.fullmatch(content):
        return False
    words = [word for line in content.decode("ascii").splitlines() for word in _words(line)]
    return 2 * sum(1 for word in words if _HEX_WORD.fullmatch(word)) > len(words)


def _words(line: str) -> list[str]:
    return re.findall(r"[^\s,;]+", line.partition("#")[0])
