"""The doctor's voice in the cabin. What arrives is always consumed, card or no card: unread sound would pile up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, AudioResampler

from cabin_agent.daemon_thread import in_daemon_thread
from cabin_agent.media.cards import RATE, Card, Cards, NoCard
from cabin_agent.media.why import Why

FIRST, MOST = RATE * 2 * 40 // 1000, RATE * 2 * 120 // 1000
"""Bytes that wait before playing begins, 40 ms against an uneven link, and that wait at most, 120 ms."""


class Waiting:
    """Mono sound between the link, which puts, and the card, which takes in its own thread."""

    def __init__(self) -> None:
        self._sound = bytearray()
        self._playing = False
        self._lock = threading.Lock()

    def put(self, sound: bytes) -> None:
        """Add to what waits; when that is too much, the oldest is left out."""
        with self._lock:
            self._sound += sound
            if len(self._sound) > MOST:
                del self._sound[: len(self._sound) - FIRST]

    def take(self, size: int) -> bytes:
        """So many bytes, with silence where there is not enough."""
        with self._lock:
            if not self._playing and len(self._sound) < FIRST:
                return bytes(size)
            taken = bytes(self._sound[:size])
            del self._sound[:size]
            self._playing = len(taken) == size
        return taken.ljust(size, b"\0")


class Speaker:
    """The card of one call. `card` gives the card of the moment; `told` is called with NONE when it was opened and
    with the reason when it failed.
    """

    def __init__(self, cards: Cards, card: Callable[[], Card], told: Callable[[Why], None]) -> None:
        self._cards, self._card, self._told = cards, card, told
        self._waiting = Waiting()
        self._opening: asyncio.Future[Any | None] | None = None

    def again(self) -> None:
        """Open the card, where there is one and none is open."""
        failed = self._opening is not None and self._opening.done() and self._opening.result() is None
        if self._card().why is Why.NONE and (self._opening is None or failed):
            self._opening = asyncio.ensure_future(self._open())

    async def play(self, track: MediaStreamTrack) -> None:
        """Play the track until it ends or the task is cancelled; without a card it is read and dropped."""
        self.again()
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        try:
            while True:
                frame = await track.recv()
                if self._opening is not None and isinstance(frame, AudioFrame):
                    for part in resampler.resample(frame):
                        self._waiting.put(bytes(part.planes[0])[: part.samples * 2])
        except MediaStreamError:
            pass
        finally:
            if self._opening is not None:
                self._opening.add_done_callback(partial(_close, self._cards))

    async def _open(self) -> Any | None:
        card, take = self._card(), self._waiting.take
        try:
            stream = await in_daemon_thread(lambda: self._cards.open_output(card, take), "open card")
        except NoCard:
            self._told(Why.CARD_FAILED)
            return None
        self._told(Why.NONE)
        return stream


def _close(cards: Cards, opened: asyncio.Future[Any | None]) -> None:
    """Close the card in a thread that nobody waits for."""
    if not opened.cancelled() and (stream := opened.result()) is not None:
        threading.Thread(target=cards.close, args=(stream,), name="close card", daemon=True).start()
