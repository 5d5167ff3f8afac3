"""Sound from a card to the doctor: the microphone or the stethoscope as a track, silence wherever there is none.

Blocks come in PortAudio's thread. They wait in a queue of 100 ms at most, of which the oldest goes first; the loop is
woken by one pending call; so a loop that is held up finds recent sound and no backlog.
"""

from __future__ import annotations

import asyncio
import fractions
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.media.cards import BLOCK, RATE, Card, Cards, NoCard
from cabin_agent.media.why import Why

BLOCK_S = BLOCK / RATE
PATIENCE_S = 0.06
"""How late a block may be before silence goes out in its place."""
LOST_S = 2.0
"""Without a block for so long, the card counts as gone."""
MOST_BLOCKS = 5
SILENCE = bytes(2 * BLOCK)
TIME_BASE = fractions.Fraction(1, RATE)


class ListeningTrack(MediaStreamTrack):
    """48 kHz mono of 16 bits in frames of 20 ms, until `stop`; `listening` says whether the card is listened to.

    The card is opened with the first `recv` and closed by `stop`, so that nobody listens outside a call. `card` gives
    the card of the moment; `told` is called with NONE when it was opened and with the reason when it failed.
    """

    kind = "audio"

    def __init__(self, cards: Cards, card: Callable[[], Card], listening: bool, told: Callable[[Why], None]) -> None:
        super().__init__()
        self._cards, self._card, self._listening, self._told = cards, card, listening, told
        self._own_loop = asyncio.get_running_loop()
        self._blocks: deque[bytes] = deque(maxlen=MOST_BLOCKS)
        self._came = asyncio.Event()
        self._pending = False
        self._stream: Any = None
        self._moving: asyncio.Task[None] | None = None
        self._due = self._heard = time.monotonic()
        """When silence goes out unless a block comes before, and when the last block came."""
        self._started = self._silent = False
        self._pts = 0

    @property
    def listening(self) -> bool:
        """Whether the card is listened to; when off, it is closed and silence goes out."""
        return self._listening

    @listening.setter
    def listening(self, on: bool) -> None:
        self._listening = on
        if self._started:
            self._move()

    def again(self) -> None:
        """The card may be another one, or there again."""
        if self._started:
            self._move()

    async def recv(self) -> AudioFrame:
        """The next 20 ms; raises MediaStreamError once stopped."""
        if self.readyState != "live":
            raise MediaStreamError
        if not self._started:
            self._started, self._due = True, time.monotonic()
            self._move()
        frame = AudioFrame(format="s16", layout="mono", samples=BLOCK)
        frame.planes[0].update(await self._next())
        frame.sample_rate, frame.time_base, frame.pts = RATE, TIME_BASE, self._pts
        self._pts += BLOCK
        return frame

    def stop(self) -> None:
        """End the track for good and close the card, without waiting for it."""
        self.listening = False
        super().stop()

    async def _next(self) -> bytes:
        """A block of the card, or silence when the time for one has passed."""
        while not self._blocks:
            now = time.monotonic()
            if now >= self._due:
                self._due = max(self._due, now - PATIENCE_S) + BLOCK_S
                self._silent = True
                self._check(now)
                return SILENCE
            self._came.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._due - now):
                    await self._came.wait()
        while self._silent and len(self._blocks) > 1:  # silence has taken the place of the older ones
            self._blocks.popleft()
        self._silent = False
        self._heard = time.monotonic()
        self._due = self._heard + PATIENCE_S
        return self._blocks.popleft()

    def _check(self, now: float) -> None:
        if self._stream is not None and now - self._heard > LOST_S:
            self._told(Why.CARD_FAILED)
            self._move()

    def _block(self, block: bytes) -> None:
        """In PortAudio's thread."""
        self._blocks.append(block)
        if not self._pending:
            self._pending = True
            with suppress(RuntimeError):  # the loop has ended
                self._own_loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._pending = False
        if not self._listening:
            self._blocks.clear()
        self._came.set()

    def _move(self) -> None:
        """Open or close the card as `listening` says, one after the other."""
        if self._moving is None or self._moving.done():
            self._moving = self._own_loop.create_task(self._settle())

    async def _settle(self) -> None:
        while (wanted := self._listening and self._card().why is Why.NONE) != (self._stream is not None):
            await (self._open() if wanted else self._close())

    async def _open(self) -> None:
        card = self._card()
        try:
            self._stream = await in_daemon_thread(lambda: self._cards.open_input(card, self._block), "open card")
        except NoCard:
            self._told(Why.CARD_FAILED)
        else:
            self._heard = time.monotonic()
            self._told(Why.NONE)

    async def _close(self) -> None:
        stream, self._stream = self._stream, None
        await in_daemon_thread(lambda: self._cards.close(stream), "close card")
        self._blocks.clear()
