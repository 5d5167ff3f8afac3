"""Room kept back on the disk, given up when it is full, so that erasing can go on where nothing can be added.

Even a deletion writes first: SQLite notes it in the WAL. On a disk without one free block an outbox could otherwise
never empty itself again.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class Ballast:
    """A file of `size` bytes that says nothing and only takes up room."""

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size

    def fill(self) -> bool:
        """Take the room, if it is there."""
        try:
            with self._path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Give the room back."""
        with contextlib.suppress(OSError):
            self._path.unlink()
