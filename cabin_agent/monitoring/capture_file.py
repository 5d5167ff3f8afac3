"""A capture that is written while it happens, for this user's eyes alone: `cabin replay` plays it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from drivers.capture import Entry, Head, Way, encode_entry, encode_head


class CaptureFile:
    """One instrument's wire into the new file at `path`; raises `OSError` where there is one already.

    A disk that takes nothing more costs the rest of the capture: `failed` says so, and the instrument goes on.
    """

    def __init__(self, path: Path, protocol: str) -> None:
        self._file = open(  # noqa: SIM115
            path, "x", encoding="ascii", buffering=1, opener=lambda name, flags: os.open(name, flags, 0o600)
        )
        self._protocol = protocol
        self._began: float | None = None
        self.failed: OSError | None = None

    def note(self, way: Way, data: bytes, *, simulated: bool) -> None:
        """Write one entry; the first one is preceded by the head."""
        if self.failed is not None:
            return
        try:
            now = time.monotonic()
            if self._began is None:
                self._began = now
                print(encode_head(Head(self._protocol, {}, simulated)), file=self._file)
            print(encode_entry(Entry(round((now - self._began) * 1e6), way, data)), file=self._file)
        except OSError as error:
            self.failed = error

    def close(self) -> None:
        """Nothing more is to come."""
        try:
            self._file.close()
        except OSError as error:
            self.failed = self.failed or error
