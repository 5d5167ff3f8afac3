"""Reception as browsers do it, in place of aiortc's own: frames leave when complete, what is missing is asked again.

aiortc asks once for a lost packet, waits for it without end, and lets one frame go for each packet that comes; a
browser asks again each round trip, gives up after half a second and goes on with a key frame.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

AGAIN_S = 0.05
GIVE_UP_S = 0.5
SPS, STAP_A = 7, 24


class FrameBuffer:
    """Stands in for `aiortc.jitterbuffer.JitterBuffer`; complete frames go to `put` in order."""

    capacity = 1024

    def __init__(self, put: Callable[[JitterFrame], None]) -> None:
        self._put = put
        self._next: int | None = None
        self._packets: dict[int, RtpPacket] = {}
        self.moved_at = time.monotonic()

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take one packet; the frame is never given back here."""
        number = packet.sequence_number
        if self._next is None:
            if not _opens_key_frame(packet):
                return False, None
            self._next = number
        if (number - self._next) % 65536 < 32768:
            self._packets[number] = packet
            self._flow()
        return False, None

    def waits_for(self, missing: set[int]) -> list[int]:
        """Those of the missing packets that are still of use."""
        if self._next is None:
            return []
        return sorted(number for number in missing if (number - self._next) % 65536 < 32768)

    def skip(self) -> None:
        """Go on with the first key frame that is here."""
        keys = [number for number, packet in self._packets.items() if _opens_key_frame(packet)]
        if keys and self._next is not None:
            start = self._next
            self._next = min(keys, key=lambda number: (number - start) % 65536)
            self._flow()

    def _flow(self) -> None:
        while (last := self._complete()) is not None:
            parts = [self._packets.pop((self._next or 0) + each & 0xFFFF) for each in range(last + 1)]
            self._next = ((self._next or 0) + last + 1) & 0xFFFF
            self.moved_at = time.monotonic()
            self._put(JitterFrame(b"".join(vars(part)["_data"] for part in parts), parts[0].timestamp))
        if len(self._packets) > self.capacity:
            self._packets.clear()
            self._next = None

    def _complete(self) -> int | None:
        """Offset of the last packet of the next frame, when all of it is here."""
        for offset in range(self.capacity):
            packet = self._packets.get((self._next or 0) + offset & 0xFFFF)
            if packet is None:
                return None
            if packet.marker:
                return offset
        return None


def _opens_key_frame(packet: RtpPacket) -> bool:
    payload = packet.payload
    if len(payload) < 4:
        return False
    kind = payload[0] & 31
    return kind == SPS or (kind == STAP_A and payload[3] & 31 == SPS)


async def receive_like_a_browser(receiver: RTCRtpReceiver) -> None:
    """Change a video receiver that has a track, and look after it until cancelled."""
    inside: dict[str, Any] = vars(receiver)
    queue, codecs = inside["_RTCRtpReceiver__decoder_queue"], inside["_RTCRtpReceiver__codecs"]

    def put(frame: JitterFrame) -> None:
        queue.put((next(codec for codec in codecs.values() if codec.name == "H264"), frame))

    buffer = inside["_RTCRtpReceiver__jitter_buffer"] = FrameBuffer(put)
    asked_at = 0.0
    while True:
        await asyncio.sleep(AGAIN_S)
        sources = list(inside["_RTCRtpReceiver__remote_streams"])
        missing = buffer.waits_for(inside["_RTCRtpReceiver__nack_generator"].missing)
        now = time.monotonic()
        if not sources:
            continue
        if missing:
            await receiver._send_rtcp_nack(sources[0], missing)
        if now - buffer.moved_at > GIVE_UP_S:
            buffer.skip()
        if now - buffer.moved_at > GIVE_UP_S and now - asked_at > GIVE_UP_S:
            asked_at = now
            await receiver._send_rtcp_pli(sources[0])
