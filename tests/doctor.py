"""The doctor's browser played by plain aiortc: it offers, pings, reads the pictures' clock, and measures what comes.

`Call` puts it, a cabin's cameras and calls (`cabin_agent.media`) and a `relay.Relay` together in one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import statistics
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

from cabin_agent.media import aiortc_tuning, barcode
from cabin_agent.media.address import CameraSettings, SoundSettings
from cabin_agent.media.calls import Calls
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.rig import Rig
from cabin_agent.media.session import Session
from cabin_agent.media.sound import Sound
from cabin_agent.media.wire import Item
from tests.frame_buffer import receive_like_a_browser
from tests.relay import Relay

Json = dict[str, Any]
FREEZE_S = 0.5
"""Longer between two pictures than this is a freeze."""
PING_S = 1.0
WAVE_HZ = 25
WAVE_SIZE = 504
"""A frame of 12 channels and 20 samples: ECG at 500 Hz."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the doctor had in some seconds; times in ms."""

    fps: float
    freezes: int
    frozen_s: float
    picture_p50: float
    picture_p95: float
    wave_p50: float
    wave_p95: float
    waves: int
    unreadable: int


@dataclass(slots=True)
class Doctor:
    """One browser; `frames` are (arrival, lateness in s or None), `waves` are (arrival, lateness in s)."""

    microphone: bool = True
    codec: str = "video/H264"
    """The only one that this browser knows."""
    sections: Sequence[str] = ("video", "audio", "heart")
    said: list[Json] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    frames: list[tuple[float, float | None]] = field(default_factory=list)
    stamps: list[tuple[int, int]] = field(default_factory=list)
    """RTP timestamp on the wire and the picture's own clock (ms, modulo 2^32)."""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    waves: list[tuple[float, float]] = field(default_factory=list)
    peer: RTCPeerConnection = field(init=False)
    ctl: Any = None
    _sink: MediaBlackhole = field(default_factory=MediaBlackhole)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _next: int = 0
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.peer.on("track", self._track)

    async def offer(self) -> str:
        video = self.peer.addTransceiver("video", direction="recvonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        video.setCodecPreferences([each for each in known if each.mimeType in (self.codec, "video/rtx")])
        if self.microphone:
            self.peer.addTransceiver(AudioStreamTrack(), direction="sendrecv")
        else:
            self.peer.addTransceiver("audio", direction="recvonly")
        if "heart" in self.sections:
            self.peer.addTransceiver("audio", direction="recvonly")
        self.ctl = self.peer.createDataChannel("ctl")
        wave = self.peer.createDataChannel("wave", ordered=False, maxRetransmits=0)
        self.ctl.on("message", self._message)
        wave.on("message", self._wave)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await self._sink.start()
        self._tasks.append(asyncio.create_task(self._pings()))

    def ask(self, do: str, to: str = "media", **fields: object) -> int:
        """Send a request; gives its number."""
        self._next += 1
        self.ctl.send(json.dumps({"id": self._next, "to": to, "do": do, **fields}))
        return self._next

    async def answered(self, number: int, seconds: float = 5) -> Json:
        return await self.until(lambda each: each.get("re") == number, seconds)

    async def event(self, name: str, seconds: float = 5) -> Json:
        return await self.until(lambda each: each.get("event") == name, seconds)

    async def until(self, wanted: Callable[[Json], bool], seconds: float = 5) -> Json:
        """The newest message that is wanted, as soon as there is one."""
        async with asyncio.timeout(seconds):
            while not (found := [each for each in self.said if wanted(each)]):
                await self._news()
        return found[-1]

    async def pictures(self, count: int, seconds: float = 10) -> None:
        """Wait for so many more pictures."""
        wanted = len(self.frames) + count
        async with asyncio.timeout(seconds):
            while len(self.frames) < wanted:
                await self._news()

    async def _news(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sink.stop()
        await self.peer.close()

    def figures(self, since: float, until: float) -> Figures:
        """What came between two times of `time.monotonic()`."""
        frames = [each for each in self.frames if since <= each[0] <= until]
        times = [since, *(at for at, _ in frames), until]
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        frozen = [gap for gap in gaps if gap > FREEZE_S]
        late = [lateness for _, lateness in frames if lateness is not None]
        waves = [lateness for at, lateness in self.waves if since <= at <= until]
        return Figures(
            fps=round(len(frames) / (until - since), 1), freezes=len(frozen), frozen_s=round(sum(frozen), 2),
            picture_p50=_ms(late, 0.5), picture_p95=_ms(late, 0.95), wave_p50=_ms(waves, 0.5),
            wave_p95=_ms(waves, 0.95), waves=len(waves), unreadable=len(frames) - len(late),
        )  # fmt: skip

    def _track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            receiver = next(each for each in self.peer.getReceivers() if each.track is track)
            if self.codec == "video/H264":
                self._tasks.append(asyncio.create_task(receive_like_a_browser(receiver)))
            self._tasks.append(asyncio.create_task(self._watch(track)))
        else:
            self._sink.addTrack(track)

    async def _watch(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                grey = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, frame.planes[0].line_size)
                read = barcode.read(grey[:, : frame.width])
                late = None if read is None else ((int(time.time() * 1000) - read[0] + 2**31) % 2**32 - 2**31) / 1000
                self.frames.append((time.monotonic(), late))
                if read is not None:
                    self.stamps.append((frame.pts % 2**32, read[0]))
                self.sizes.append((frame.width, frame.height))
                self._moved.set()

    def _message(self, content: str | bytes) -> None:
        if isinstance(content, bytes):
            self.pieces.append(content)
        else:
            self.said.append(json.loads(content))
        self._moved.set()

    def _wave(self, content: bytes) -> None:
        (sent_us,) = struct.unpack_from("<Q", content, 12)
        self.waves.append((time.monotonic(), time.monotonic() - sent_us / 1e6))

    async def _pings(self) -> None:
        while True:
            if self.ctl.readyState == "open":
                self.ask("ping", t=1)
            await asyncio.sleep(PING_S)


def wave_frame(stream: int = 1, size: int = WAVE_SIZE) -> bytes:
    """A waveform frame whose time is now."""
    head = struct.pack("<2sBBHBBIQHH", b"CW", 1, 1, stream, 12, 20, 0, time.monotonic_ns() // 1000, 1, 0)
    return head + bytes(size - len(head))


def rig(url: str = "synthetic:room", changed: Callable[[], None] = lambda: None) -> Rig:
    """Two drawn cameras and no sound card; the first is open already, so that tests need not wait for it."""
    aiortc_tuning.apply(["127.0.0.1"])
    other = "synthetic:hand"
    cameras = Cameras([CameraSettings("room", "Room", url), CameraSettings("hand", "Hand", other)], changed)
    cameras.choose("room")
    return Rig(cameras, "room", Sound(SoundSettings(), changed), lambda: 0.0)


class Call:
    """A booth and a doctor who has joined through a relay, and may join again; waves flow all the time."""

    session: Session
    """The call that was answered last."""

    def __init__(self, relay: Relay | None = None, doctor: Doctor | None = None) -> None:
        self.relay = relay or Relay()
        self.told: list[Item] = []
        self.core_up = True
        self.ended = asyncio.Event()
        """The call that was answered last is over."""
        self._news = asyncio.Event()
        self.rig = rig()
        self.calls = Calls(self.rig, self._tell)
        self.doctor = doctor or Doctor()
        self._joined = 0
        self._waving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Call:
        await self._join()
        self._waving = asyncio.create_task(self._waves())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._waving is not None
        self._waving.cancel()
        await self.calls.close()
        await self.doctor.close()
        self.rig.cameras.close()
        self.relay.close()

    async def rejoin(self) -> None:
        """The doctor's page makes another call, over the same link into the same booth."""
        before, self.doctor = self.doctor, Doctor()
        await before.close()
        self.ended.clear()
        await self._join()

    async def _join(self) -> None:
        self._joined += 1
        number, sdp = self._joined, await self.relay.offer(await self.doctor.offer())
        self.calls.heard({"type": "offer", "re": number, "session": f"s{number}", "sdp": sdp, "language": "en"})
        answer = await self.told_that(lambda each: each.get("re") == number)
        self.session = vars(self.calls)["_session"]
        await self.doctor.accept(self.relay.answer(answer["sdp"]))

    async def told_that(self, wanted: Callable[[Json], bool], seconds: float = 8) -> Json:
        """The newest message to the core that is wanted, as soon as there is one."""
        async with asyncio.timeout(seconds):
            while not (found := [each for each in self.told if isinstance(each, dict) and wanted(each)]):
                self._news.clear()
                await self._news.wait()
        return found[-1]

    def states(self) -> list[str]:
        """What the core was told of the call."""
        return [each["state"] for each in self.told if isinstance(each, dict) and each["type"] == "session"]

    async def measure(self, seconds: float) -> Figures:
        """Let it run, and say what the doctor had."""
        since = time.monotonic()
        await asyncio.sleep(seconds)
        return self.doctor.figures(since, time.monotonic())

    def _tell(self, item: Item) -> bool:
        self.told.append(item)
        if isinstance(item, dict) and item.get("state") == "closed" and item["session"] == f"s{self._joined}":
            self.ended.set()
        self._news.set()
        return self.core_up

    async def _waves(self) -> None:
        while True:
            self.calls.wave(wave_frame())
            await asyncio.sleep(1 / WAVE_HZ)


def _ms(values: Sequence[float], share: float) -> float:
    if not values:
        return float("nan")
    ordered = sorted(values)
    return round(1000 * (statistics.median(ordered) if share == 0.5 else ordered[int(share * (len(ordered) - 1))]), 1)
