"""The two data channels of a call: `ctl` for everything that must arrive, `wave` for what is worthless when late.

SCTP keeps what is sent until there is room, whatever the channel promises about sending again: whoever wants fresh
waveforms has to look at what is still waiting before handing over more.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from typing import Any

from aiortc import RTCDataChannel

Json = dict[str, Any]

WAVE_WAITING = 1_000
"""Bytes that may wait in `wave`; more stays here, and only the newest frame of each stream."""
CTL_STUCK = 1 << 20
"""Bytes waiting in `ctl` at which the page counts as gone."""
LONGEST = 64 * 1024
"""Characters of a request."""
STILL_HEAD = struct.Struct("<2sHI")
"""Magic, number, offset."""
STILL_CHUNK = 8_000
"""Bytes of JPEG in one message (the contract allows 16 kB): at 300 kbit/s it passes in a fifth of a second."""
STILL_WAITING = 8_000
"""Bytes that may wait in `ctl` before the next chunk: a heartbeat is behind two chunks at the most."""
STREAM = slice(4, 6)
"""Where a waveform frame has its stream (`cabin_agent.frames`)."""


class WaveGate:
    """Sends waveform frames through `wave`, the newest of each stream, and drops what had to wait too long."""

    def __init__(self, channel: RTCDataChannel) -> None:
        self.dropped = self.frames = self.sent = 0
        """Frames that were left out, and frames and bytes that were sent."""
        self._channel = channel
        self._waiting: dict[bytes, bytes] = {}
        channel.bufferedAmountLowThreshold = WAVE_WAITING
        channel.on("bufferedamountlow", self._flush)

    def send(self, frame: bytes) -> None:
        """Send one frame, now or as soon as there is room and no newer one of its stream has come."""
        stream = frame[STREAM]
        self.dropped += stream in self._waiting
        self._waiting[stream] = frame
        self._flush()

    def _flush(self) -> None:
        while self._waiting and self._channel.readyState == "open" and self._channel.bufferedAmount <= WAVE_WAITING:
            frame = self._waiting.pop(next(iter(self._waiting)))
            self.frames, self.sent = self.frames + 1, self.sent + len(frame)
            self._channel.send(frame)


class Ctl:
    """JSON both ways over `ctl`, and still pictures to the page in pieces."""

    def __init__(self, channel: RTCDataChannel, heard: Callable[[Json | None], None]) -> None:
        """`heard` gets each message of the page, or None for one that is no object of JSON."""
        self._channel = channel
        self._heard = heard
        self._room = asyncio.Event()
        channel.bufferedAmountLowThreshold = STILL_WAITING
        channel.on("bufferedamountlow", self._room.set)
        channel.on("message", self._message)

    @property
    def stuck(self) -> bool:
        """Whether the page has stopped reading."""
        return self._channel.bufferedAmount > CTL_STUCK

    def send(self, message: Json) -> None:
        """Send one message; nothing happens where the channel is closed or the page has stopped reading."""
        if self._channel.readyState == "open" and not self.stuck:
            self._channel.send(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    async def still(self, number: int, jpeg: bytes, rate: Callable[[], float]) -> None:
        """Send a picture in pieces at `rate()` byte/s, so that heartbeats and answers pass in between."""
        for offset in range(0, len(jpeg), STILL_CHUNK):
            await self._until_room()
            if self._channel.readyState != "open":
                return
            piece = jpeg[offset : offset + STILL_CHUNK]
            self._channel.send(STILL_HEAD.pack(b"ST", number, offset) + piece)
            await asyncio.sleep(len(piece) / rate())

    async def _until_room(self) -> None:
        while self._channel.readyState == "open" and self._channel.bufferedAmount > STILL_WAITING:
            self._room.clear()
            await self._room.wait()

    def _message(self, content: str | bytes) -> None:
        if isinstance(content, bytes) or len(content) > LONGEST:
            return self._heard(None)
        try:
            message = json.loads(content)
        except (ValueError, RecursionError):
            message = None
        return self._heard(message if isinstance(message, dict) else None)
