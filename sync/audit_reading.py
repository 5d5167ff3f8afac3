"""The audit log as anybody reads and checks it, also beside the cabin that writes it: nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sync.audit import Each, Fault, Head, Value, Walked, read_event, walk
from sync.keyfile import load_signers
from sync.keys import Signers

KEYS = "keys"
"""Folder of the public keys that signed, beside the segments."""
_WRITING_S = 0.3
"""Seconds after which a frame that was just being written is whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its head, and what happened."""

    head: Head
    event: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of a whole log found."""

    head: Head
    """Of the part that is whole."""
    signed: int
    """Number of the last entry under a checkpoint."""
    fault: Fault | None
    file: str
    """Name of the segment in which the fault is, else empty."""
    torn: int
    """Bytes of an entry that a power cut left unfinished; the next start cuts them off."""
    strangers: frozenset[bytes]
    """Keys that signed and are not known."""
    pinned: bool | None
    """Whether the chain has the head that was asked for; None where none was."""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None and not self.strangers and self.pinned is not False


def segments(folder: Path) -> list[Path]:
    """The files of a log, the oldest first."""
    return sorted(folder.glob("[0-9]*.log"))


def read_segment(path: Path) -> list[Entry]:
    """The entries of one file, as far as it is whole; signatures are not looked at."""
    entries: list[Entry] = []
    walk(path.read_bytes(), None, None, lambda head, event: entries.append(Entry(head, read_event(event))))
    return entries


def read_log(folder: Path) -> Iterator[Entry]:
    """Every entry, the oldest first, each file as far as it is whole."""
    for path in segments(folder):
        yield from read_segment(path)


def known_signers(folder: Path) -> Signers:
    """The public keys that a log keeps beside itself. Raises `KeyFileError`."""
    return load_signers(sorted((folder / KEYS).glob("*.json")), demo=True)


def verify(folder: Path, signers: Signers, pinned: Head | None = None) -> Verdict:
    """Check a whole log, and whether it has the head `pinned` that somebody else kept. Raises `OSError`."""
    head, signed, strangers, found = Head(), 0, frozenset[bytes](), pinned == Head()

    def look(now: Head, _event: bytes) -> None:
        nonlocal found
        found = found or now == pinned

    def verdict(fault: Fault | None = None, file: str = "", torn: int = 0) -> Verdict:
        return Verdict(head, signed, fault, file, torn, strangers, None if pinned is None else found)

    paths = segments(folder)
    for path in paths:
        walked, rest = _walked(path, head, signers, look, growing=path == paths[-1])
        head, signed = walked.head, max(signed, walked.signed)
        strangers |= walked.strangers
        if walked.fault is not None:
            torn = walked.fault.why == "torn" and path == paths[-1]
            return verdict(torn=rest) if torn else verdict(walked.fault, path.name)
    return verdict()


def _walked(path: Path, before: Head, signers: Signers, look: Each, *, growing: bool) -> tuple[Walked, int]:
    """One segment, and the bytes behind what is whole; one that is being written is looked at again."""
    data = path.read_bytes()
    walked = walk(data, before, signers, look)
    if growing and walked.fault is not None and walked.fault.why == "torn":
        time.sleep(_WRITING_S)
        data = path.read_bytes()
        walked = walk(data, before, signers, look)
    return walked, len(data) - walked.length
