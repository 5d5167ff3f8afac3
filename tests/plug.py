"""A pseudo-terminal behind a link, as an instrument that a test can plug in, speak through and pull out."""

from __future__ import annotations

import asyncio
import os
import tty
from pathlib import Path


class Plug:
    """The instrument's end of a pty; `path` is the link that a driver opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master: int | None = None

    @property
    def url(self) -> str:
        return str(self.path)

    def plug(self) -> None:
        """Make the port appear."""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)
        os.set_blocking(self._master, False)

    def unplug(self) -> None:
        """Make the port go away under its reader; idempotent."""
        if self._master is not None:
            os.close(self._master)
            self.path.unlink()
            self._master = None

    def send(self, data: bytes) -> None:
        """Send from the instrument."""
        assert self._master is not None
        assert os.write(self._master, data) == len(data)

    async def receive(self, count: int) -> bytes:
        """Wait for `count` bytes that the driver wrote."""
        assert self._master is not None
        master, data, loop = self._master, b"", asyncio.get_running_loop()
        while len(data) < count:
            ready = asyncio.Event()
            loop.add_reader(master, ready.set)
            try:
                await asyncio.wait_for(ready.wait(), 5)
            finally:
                loop.remove_reader(master)
            data += os.read(master, count - len(data))
        return data
