"""The one video track of a call: whatever camera is chosen, its newest picture; a card when there is none.

It never queues, so its delay cannot grow; and it never ends before it is stopped, so that cameras may come, go and
change without a word of renegotiation. A sender stops the track it was given: make one for each session.
"""

from __future__ import annotations

import asyncio
import fractions
import time
from contextlib import suppress

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from cabin_agent.media.cameras import Cameras
from cabin_agent.media.card import card
from cabin_agent.media.picture import Frame, Pixels
from cabin_agent.media.why import Why

CLOCK_HZ = 90_000
"""RTP's clock for video (RFC 3551, 5)."""
TIME_BASE = fractions.Fraction(1, CLOCK_HZ)
CARD_S = 1.0
"""Real seconds between two cards: a browser sees life, the encoder hardly works."""

CARD_AGE_US = 100_000
"""A card is dated back, so that a picture which was captured before it but converted after it keeps its own time."""


class SwitchTrack(MediaStreamTrack):
    """Pictures of `cameras` until `stop`; the card is written in `language`, "fr" or "en"."""

    kind = "video"

    def __init__(self, cameras: Cameras, language: str = "en") -> None:
        super().__init__()
        self.last: tuple[int, int] | None = None
        """pts and capture time (CLOCK_MONOTONIC, microseconds) of the newest picture given out."""
        self._cameras, self._language = cameras, language
        self._origin_us = _now_us() - 10 * CARD_AGE_US
        self._pts = -1
        self._shown: Frame | None = None
        self._card: tuple[Why, float] | None = None
        """The card shown last and when; None after a picture."""
        self._moved = asyncio.Event()
        cameras.listeners.add(self._moved.set)

    async def recv(self) -> VideoFrame:
        """The next picture that was not given out yet, or a card; raises MediaStreamError once stopped."""
        while self.readyState == "live":
            self._moved.clear()
            frame = self._cameras.newest()
            if frame is not None and frame is not self._shown:
                return self._picture(frame)
            if frame is None and self._card_is_due():
                return self._no_picture()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience(frame)):
                    await self._moved.wait()
        raise MediaStreamError

    def stop(self) -> None:
        """End the track for good; a `recv` that waits ends too."""
        self._cameras.listeners.discard(self._moved.set)
        self._moved.set()
        super().stop()

    def captured_us(self, pts: int) -> int:
        """Capture time (CLOCK_MONOTONIC, microseconds) that a pts of this track means."""
        return self._origin_us + pts * 1_000_000 // CLOCK_HZ

    def _picture(self, frame: Frame) -> VideoFrame:
        self._shown, self._card = frame, None
        picture = self._stamped(frame.i420, frame.captured_us)
        self.last = (self._pts, frame.captured_us)
        return picture

    def _no_picture(self) -> VideoFrame:
        cameras = self._cameras
        self._card = (cameras.why, time.monotonic())
        return self._stamped(
            card(*cameras.size, cameras.why, self._language, cameras.marked), _now_us() - CARD_AGE_US
        )

    def _card_is_due(self) -> bool:
        return self._card is None or self._card[0] is not self._cameras.why or self._patience(None) == 0

    def _patience(self, frame: Frame | None) -> float | None:
        """Seconds to wait for news: for ever while pictures come, else until the next card."""
        if frame is not None or self._card is None:
            return None
        return max(0.0, self._card[1] + CARD_S - time.monotonic())

    def _stamped(self, i420: Pixels, captured_us: int) -> VideoFrame:
        """The planes as PyAV takes them, without a copy; its time always after the one before."""
        picture = VideoFrame.from_numpy_buffer(i420, format="yuv420p", width=i420.shape[1])
        self._pts = max(self._pts + 1, (captured_us - self._origin_us) * CLOCK_HZ // 1_000_000)
        picture.pts, picture.time_base = self._pts, TIME_BASE
        return picture


def _now_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
