"""`python -m bench.stock`: what aiortc does by itself, as its examples use it: the peer of the cabin's own call.

The pictures, the waveform (8 leads at 250 Hz, 25 frames a second, without a look at what is queued) and the sound are
the cabin's; encoder, rates, retransmission and queues are aiortc's. The page chooses the codec: `/#H264` or `/#VP8`.
"""

from __future__ import annotations

import asyncio
import time
from itertools import count
from pathlib import Path

import aioice.ice
from aiohttp import web
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from av import VideoFrame

from cabin_agent.frames import encode_wave
from cabin_agent.media import synthetic
from drivers.events import Wave

PAGE = Path(__file__).with_name("stock.html")
RATE, BATCH = 250.0, 10
LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
ROWS = tuple(tuple(0.1 * lead for lead in range(len(LEADS))) for _ in range(BATCH))


class Drawn(VideoStreamTrack):
    """The cabin's synthetic room, 720 lines at 30 pictures a second."""

    def __init__(self) -> None:
        super().__init__()
        self._counter = 0

    async def recv(self) -> VideoFrame:
        """The next picture when it is due."""
        pts, time_base = await self.next_timestamp()
        self._counter += 1
        drawn = synthetic.picture("room", time.monotonic(), int(time.time() * 1000), self._counter)
        frame = VideoFrame.from_ndarray(drawn, format="bgr24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Calls:
    """One call after the other; a new one ends the one before."""

    def __init__(self) -> None:
        self._peer: RTCPeerConnection | None = None
        self._waves: asyncio.Task[None] | None = None

    async def offer(self, request: web.Request) -> web.Response:
        """Answer an offer."""
        await self.end()
        self._peer = peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        sink = MediaBlackhole()
        peer.on("datachannel", self._channel)

        async def heard(track: MediaStreamTrack) -> None:
            sink.addTrack(track)
            await sink.start()

        peer.on("track", heard)
        await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        peer.addTrack(Drawn())
        peer.addTrack(AudioStreamTrack())
        await peer.setLocalDescription(await peer.createAnswer())
        return web.Response(text=peer.localDescription.sdp)

    async def end(self) -> None:
        """End the call."""
        if self._waves is not None:
            self._waves.cancel()
        if self._peer is not None:
            await self._peer.close()
        self._peer = self._waves = None

    def _channel(self, channel: RTCDataChannel) -> None:
        self._waves = asyncio.create_task(_flow(channel))


async def _flow(channel: RTCDataChannel) -> None:
    """Frames whose newest sample is of the moment they are sent; device time is the system's monotonic clock."""
    due = time.monotonic()
    for number in count():
        due += BATCH / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if channel.readyState != "open":
            return
        wave = Wave("ecg", number * BATCH, RATE, "mV", LEADS, ROWS)
        first_us = round((time.monotonic() - (BATCH - 1) / RATE) * 1e6)
        for frame in encode_wave(wave, number, first_us, simulated=True):
            channel.send(frame)


async def main() -> None:
    """Serve until killed."""
    # aioice offers no loopback address by itself.
    aioice.ice.get_host_addresses = _loopback
    calls = Calls()
    app = web.Application()
    app.router.add_get("/", _page)
    app.router.add_post("/offer", calls.offer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"ready at http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def _loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: ARG001
    return ["127.0.0.1"]


async def _page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE)


if __name__ == "__main__":
    asyncio.run(main())
