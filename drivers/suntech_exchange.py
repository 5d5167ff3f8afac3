"""Requests and replies of the SunTech module: one at a time, paced, each reply matched to its request.

Nothing in a reply names its request. So a request that was not answered in time is followed by a short wait, in which
whatever arrives is dropped: a late cuff pressure must not be taken for the answer to a status request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from drivers import suntech_frames
from drivers.errors import Unplugged
from drivers.events import Trouble
from drivers.instrument import Emit
from drivers.stream import Stream
from drivers.suntech_frames import Frame, Framer

LATE_S = 0.3
"""How long the reply to a lost request may still come in, and is dropped."""


def now() -> float:
    """The running loop's clock, in seconds."""
    return asyncio.get_running_loop().time()


class Exchange:
    """The wire to one module. `listen` must run beside `ask`; a spontaneous K goes to `heard_done`.

    `heard_done` returns False where no K was due; that one, and each reply that nobody waits for, is dropped with
    `Trouble("unexpected-reply")`.
    """

    def __init__(
        self, stream: Stream, emit: Emit, *, gap_s: float, reply_s: float, heard_done: Callable[[], bool]
    ) -> None:
        self.emit = emit
        self._stream = stream
        self._gap_s = gap_s
        self._reply_s = reply_s
        self._heard_done = heard_done
        self._framer = Framer()
        self._not_before = 0.0
        self._reply: asyncio.Future[Frame] | None = None
        self._fits: Callable[[Frame], bool] = _anything

    async def listen(self) -> None:
        """Read until the stream ends."""
        while True:
            self._sort(self._framer.feed(await self._stream.read()))

    async def ask(self, command: bytes, kind: int, letters: str = "") -> Frame | None:
        """Send `command`; return its reply, of `kind` (one of `letters` for an acknowledge), or a refusal.

        None, with `Trouble("no-reply")`, when nothing came. A refusal is an acknowledge and `Trouble("refused")`.
        """
        await self._send(command)
        frame = await self._awaited(lambda frame: _answers(frame, kind, letters), self._reply_s)
        if frame is None:
            self.emit(Trouble("no-reply", "the module did not answer a request"))
            await self._let_late_reply_pass()
        elif frame.letter in suntech_frames.REFUSALS:
            self.emit(Trouble("refused", suntech_frames.ACKS[frame.letter]))
        return frame

    def leave_alone(self, seconds: float) -> None:
        """Send nothing for that long."""
        self._not_before = now() + seconds

    async def last_abort(self) -> bool:
        """When `listen` has ended: abort, reading the answer here; True when the module confirmed it."""
        with suppress(Unplugged):
            for _ in range(2):
                await self._send(suntech_frames.ABORT)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._reply_s):
                        await self._read_confirmation()
                        return True
        return False

    async def _read_confirmation(self) -> None:
        confirmed = False
        while not confirmed:
            frames = self._framer.feed(await self._stream.read())
            confirmed = any(isinstance(frame, Frame) and frame.letter in ("A", "K") for frame in frames)

    async def _send(self, command: bytes) -> None:
        await asyncio.sleep(self._not_before - now())
        self._not_before = now() + self._gap_s
        await self._stream.write(suntech_frames.encode_command(command))

    async def _awaited(self, fits: Callable[[Frame], bool], seconds: float) -> Frame | None:
        self._fits = fits
        reply = self._reply = asyncio.get_running_loop().create_future()
        await asyncio.wait([reply], timeout=seconds)
        if not reply.done():
            # The rest of a frame that began will not come now: it may hide the reply behind it.
            self._sort(self._framer.flush())
        self._reply = None
        return reply.result() if reply.done() else None

    async def _let_late_reply_pass(self) -> None:
        late = await self._awaited(_anything, LATE_S)
        if late is not None:
            self.emit(Trouble("unexpected-reply", "a reply came too late and was dropped"))

    def _sort(self, frames: list[Frame | Trouble]) -> None:
        for frame in frames:
            if isinstance(frame, Trouble):
                self.emit(frame)
            elif self._reply is not None and not self._reply.done() and self._fits(frame):
                self._reply.set_result(frame)
            elif frame.letter != "K" or not self._heard_done():
                self.emit(Trouble("unexpected-reply", "a reply that nothing asked for was dropped"))


def _answers(frame: Frame, kind: int, letters: str) -> bool:
    if frame.kind == suntech_frames.ACK:
        return frame.letter in suntech_frames.REFUSALS or (kind == suntech_frames.ACK and frame.letter in letters)
    return frame.kind == kind


def _anything(frame: Frame) -> bool:
    return frame.letter != "K"
