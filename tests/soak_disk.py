"""A disk that forgets: a folder's files as a log of system calls leaves them when the power goes.

Nothing is taken on trust but what was synced. Of the writes since a file's last fsync any sector may have any of its
states, in no order; the file may have any of its sizes. A name that was made, removed or changed since the folder was
synced may have any of its states too, whatever was done to the file it names (POSIX promises no more; most file
systems do better). A rename happens whole or not at all.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
"""Bytes that a disk writes whole."""


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that changed something: its kind, the file or files, and where and what was written."""

    kind: str
    """"create", "write", "size", "sync", "unlink", "rename", "sync-folder" or "mark"."""
    path: str = ""
    data: bytes = field(default=b"", repr=False)
    at: int = 0
    """Offset of a write; the new size."""
    to: str = ""
    """New name."""


class Inode:
    """One file: its bytes as the program sees them, those that are safe, and all states between."""

    def __init__(self) -> None:
        self.now = bytearray()
        self._safe = b""
        self._steps: list[tuple[int, bytes] | int] = []
        """Writes (offset, data) and new sizes since the last sync."""

    def write(self, at: int, data: bytes) -> None:
        """A write that nobody has synced yet."""
        self._steps.append((at, data))
        _apply(self.now, (at, data))

    def resize(self, size: int) -> None:
        """A truncation that nobody has synced yet."""
        self._steps.append(size)
        _apply(self.now, size)

    def sync(self) -> None:
        """All of it is safe."""
        self._safe, self._steps = bytes(self.now), []

    def after_cut(self, dice: random.Random) -> bytes:
        """The bytes that a power cut at this moment may leave."""
        kind = dice.randrange(4)
        if kind == 0 or not self._steps:
            return self._safe
        if kind == 1:
            return self._sectors(dice)
        # In order, up to any step, which may itself be torn.
        content, count = bytearray(self._safe), dice.randrange(1, len(self._steps) + 1)
        for step in self._steps[: count - 1]:
            _apply(content, step)
        last = self._steps[count - 1]
        if kind == 2 and isinstance(last, tuple):
            last = (last[0], last[1][: dice.randrange(len(last[1]) // SECTOR + 1) * SECTOR])
        _apply(content, last)
        return bytes(content)

    def _sectors(self, dice: random.Random) -> bytes:
        """Each sector in any state it has had, the file in any size."""
        state = bytearray(self._safe)
        versions: dict[int, list[bytes]] = {}
        sizes = [len(state)]
        for step in self._steps:
            _apply(state, step)
            sizes.append(len(state))
            if isinstance(step, tuple):
                for sector in range(step[0] // SECTOR, -(-(step[0] + len(step[1])) // SECTOR)):
                    versions.setdefault(sector, []).append(bytes(state[sector * SECTOR : (sector + 1) * SECTOR]))
        content = bytearray(self._safe)
        for sector, found in versions.items():
            if dice.random() < 0.5:
                _apply(content, (sector * SECTOR, dice.choice(found)))
        _apply(content, dice.choice(sizes))
        return bytes(content)


def _apply(content: bytearray, step: tuple[int, bytes] | int) -> None:
    if isinstance(step, int):
        del content[step:]
        content.extend(bytes(step - len(content)))
        return
    at, data = step
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(data)] = data


class Disk:
    """The files of one folder, by name."""

    def __init__(self) -> None:
        self._now: dict[str, Inode | None] = {}
        self._safe: dict[str, Inode | None] = {}
        self._changes: list[dict[str, Inode | None]] = []
        """What happened to the names since the folder was synced; each entry happens whole or not at all."""

    def apply(self, call: Call) -> None:
        """One more system call has returned."""
        inode = self._now.get(call.path)
        match call.kind:
            case "create" if inode is None:
                self._name({call.path: Inode()})
            case "write" if inode is not None:
                inode.write(call.at, call.data)
            case "size" if inode is not None:
                inode.resize(call.at)
            case "sync" if inode is not None:
                inode.sync()
            case "unlink":
                self._name({call.path: None})
            case "rename":
                self._name({call.path: None, call.to: inode})
            case "sync-folder":
                self._safe, self._changes = dict(self._now), []

    def _name(self, change: dict[str, Inode | None]) -> None:
        self._changes.append(change)
        self._now.update(change)

    def after_cut(self, dice: random.Random) -> dict[str, bytes]:
        """The files that a power cut at this moment may leave, by name."""
        names = dict(self._safe)
        share = dice.choice((0.0, 0.5, 1.0))
        for change in self._changes:
            if dice.random() < share:
                names.update(change)
        return {name: inode.after_cut(dice) for name, inode in names.items() if inode is not None}

    def leave(self, folder: Path, dice: random.Random) -> None:
        """Write what a power cut may leave into an empty folder."""
        for name, data in self.after_cut(dice).items():
            (folder / name).write_bytes(data)
