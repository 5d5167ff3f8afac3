"""The media process's end of the unix socket to the core: it connects, beats, and connects again when it is gone.

The core listens and may come later, go and come back; the call goes on meanwhile. Whoever is silent for `wire.DEAD_S`
is dead. What cannot be sent is dropped: after a reconnection everything is said anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from cabin_agent.media import wire

log = logging.getLogger(__name__)

BACK_OFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds before each further try; the last one is kept."""
MOST_WAITING = 4 << 20
"""Bytes that may wait for a core that does not read; over it the connection is given up."""


class CoreLink:
    """One connection after another. `heard` gets every item that arrives; `moved` is told whether the core is there.

    `hello` gives the first message of each connection.
    """

    def __init__(
        self,
        path: Path,
        hello: Callable[[], wire.Json],
        heard: Callable[[wire.Item], None],
        moved: Callable[[bool], None],
    ) -> None:
        self._path = path
        self._hello = hello
        self._heard = heard
        self._moved = moved
        self._writer: asyncio.StreamWriter | None = None
        self._said_waiting = False

    @property
    def up(self) -> bool:
        """Whether a core is connected."""
        return self._writer is not None

    def send(self, item: wire.Item) -> bool:
        """Send one item, or drop it where no core is; says which."""
        writer = self._writer
        if writer is None or writer.transport.is_closing():
            return False
        if writer.transport.get_write_buffer_size() > MOST_WAITING:
            writer.transport.abort()
            return False
        writer.write(wire.encode(item))
        return True

    async def run(self) -> None:
        """Stay connected, until cancelled."""
        tries = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                self._say_waiting()
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
                continue
            tries = 0
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, self._said_waiting = writer, False
        log.info("connected to the core")
        self.send(self._hello())
        self._moved(True)
        beats = asyncio.create_task(self._beat())
        try:
            await self._listen(reader)
        except (OSError, wire.BadWire, TimeoutError) as error:
            log.warning("the connection to the core is given up: %s", str(error) or type(error).__name__)
        finally:
            # Nothing is awaited here: a cancellation that came meanwhile would be taken for the end of the beats.
            self._writer = None
            beats.cancel()
            writer.transport.abort()
            self._moved(False)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        decoder = wire.Decoder()
        while True:
            async with asyncio.timeout(wire.DEAD_S):
                data = await reader.read(65536)
            if not data:
                return
            for item in decoder.feed(data):
                if not (isinstance(item, dict) and item.get("type") == "beat"):
                    self._heard(item)

    async def _beat(self) -> None:
        while True:
            self.send({"type": "beat"})
            await asyncio.sleep(wire.BEAT_S)

    def _say_waiting(self) -> None:
        if not self._said_waiting:
            self._said_waiting = True
            log.info("no core answers at its socket yet; waiting for it")
