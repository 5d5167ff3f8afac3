"""Request and reply with an Omron HEM-790IT, over one open USB interface.

What an aborted session left in the pipe is cleared away before the first request and dropped before each other one; a
reply is taken only with its own length and checksum. `NO` and a wrong checksum are answered by asking again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from drivers import omron_reports as wire
from drivers.events import Trouble
from drivers.instrument import Emit
from drivers.stream import UsbPort

SET_REPORT, FEATURE = 9, 0x0300
"""HID class request, and wValue for feature report 0."""
TO_INTERFACE = 0x21
CLEAR_S = 0.3
"""The device answers a cleared pipe after 40 to 190 ms, or not at all (six real sessions)."""
CLEARINGS = 8
REPLY_S = 1.0
RETRY_S = 0.2
TRIES, SILENT_TRIES = 5, 2


class Exchange:
    """One conversation; `listen` runs beside whoever asks."""

    def __init__(self, port: UsbPort, emit: Emit) -> None:
        self._port, self.emit = port, emit
        self._framer = wire.Reports()
        self._heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.awake = False
        """Whether a session was begun that is not ended yet."""

    async def listen(self) -> None:
        """Read reports until the stream ends."""
        while True:
            for report in self._framer.feed(await self._port.read()):
                if isinstance(report, Trouble):
                    self.emit(report)
                else:
                    self._heard.put_nowait(report)

    async def wake(self, mode: bytes) -> bool:
        """Begin a session; False when the device does not say OK."""
        await self._port.control(TO_INTERFACE, SET_REPORT, FEATURE, self._port.interface, mode)
        for _ in range(CLEARINGS):
            self._drain()
            await self._send(wire.CLEAR)
            if await self._hears(wire.OK, CLEAR_S):
                self.awake = True
                return True
        return False

    async def ask(self, command: bytes, length: int | None = None) -> bytes | None:
        """What the device replies, without OK and checksum; None when it does not, and a `Trouble` says why."""
        silent = 0
        for _ in range(TRIES):
            self._drain()
            await self._send(command)
            reply = await self._reply(length)
            if not reply:
                silent += 1
                if silent == SILENT_TRIES:
                    self.emit(Trouble("no-reply", "the device did not answer a request"))
                    return None
                continue
            said = wire.body(reply)
            if said is not None and (length is None or len(reply) == length):
                return said
            if reply != wire.NO:
                self.emit(Trouble("checksum", "a reply was damaged and is asked for again"))
            await asyncio.sleep(RETRY_S)
        self.emit(Trouble("refused", "the device was not ready, however often it was asked"))
        return None

    async def end(self) -> None:
        """End the session, if one was begun: the device turns itself off and can be used."""
        if self.awake:
            self._drain()
            await self.send_end()
            await self._hears(wire.OFF, REPLY_S)

    async def send_end(self) -> None:
        """Let the device turn off, without waiting for its word."""
        if self.awake:
            self.awake = False
            await self._send(wire.END)

    async def _send(self, message: bytes) -> None:
        for report in wire.reports(message):
            await self._port.write(report)

    async def _reply(self, length: int | None) -> bytes:
        """The next whole reply, b"" when none comes in time."""
        reply = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(REPLY_S):
                while True:
                    report = await self._heard.get()
                    if wire.begins(report):
                        reply = report
                    elif reply:
                        reply += report
                    if reply and wire.is_whole(reply, report, length):
                        return reply
        return b""

    async def _hears(self, wanted: bytes, wait_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while await self._heard.get() != wanted:
                    pass
                return True
        return False

    def _drain(self) -> None:
        """What came before a request is no answer to it; a piece of a report would shift all that follow."""
        self._framer = wire.Reports()
        while not self._heard.empty():
            self._heard.get_nowait()
