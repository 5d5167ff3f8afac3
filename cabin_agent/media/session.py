"""One doctor's call: it answers one offer, sends picture, sound and waveforms, and ends once.

aiortc knows no ICE restart and notices a cut after half a minute, so a call is cheap and ends early: the page says it
is there each second, five seconds of silence close the call, and coming back is a new one. The messages are written
down in `docs/call.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, Literal, cast

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from cabin_agent.media import encoders, wire
from cabin_agent.media.aiortc_tuning import MakeEncoder, TunedSender, preferred_video
from cabin_agent.media.answers import Answers, Call
from cabin_agent.media.channels import Ctl, Json, WaveGate
from cabin_agent.media.governor import Governor
from cabin_agent.media.offer import checked
from cabin_agent.media.refusal import Refused
from cabin_agent.media.rig import Rig
from cabin_agent.media.steering import Steering
from cabin_agent.media.track import SwitchTrack

log = logging.getLogger(__name__)

State = Literal["new", "connected", "lost", "closed"]

SECOND_S = 1.0
"""Real seconds between two looks at the call, each with a heartbeat to the page."""
LOST_S = 2.5
"""Seconds of silence of the page after which the core is told that it may be lost."""
SILENT_S = 5.0
"""Seconds of silence after which the call is closed."""
CONNECT_S = 12.0
"""Seconds from the answer to the first word of the page."""
ANSWER_S = 4.0
CLOSE_S = 3.0


class Session:
    """A call under the name that the core gave it. `tell` sends to the core and says whether one is there.

    `ended` is called once, when the call is over for whatever reason; `close` has then to be awaited as well.
    """

    def __init__(
        self, name: str, language: str, rig: Rig, tell: Callable[[wire.Item], bool], ended: Callable[[], None]
    ) -> None:
        self.name = name
        self.state: State = "new"
        self._rig = rig
        self._tell = tell
        self._ended = ended
        # An explicit empty list: without one aiortc asks a STUN server on the internet. One transport from the start:
        # with its own policy aiortc leaves the second of two sounds on a transport that it throws away.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._track = SwitchTrack(rig.cameras, language)
        self._steering = Steering(rig, self._peer)
        call = Call(
            name, language, tell, lambda: self._core_up, self._start, self._auscultate, self._steering.still_rate
        )
        self._answers = Answers(call, rig)
        self._wave: WaveGate | None = None
        self._core_up = True
        self._heard_at = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._heart = rig.sound.stethoscope()
        self._peer.on("datachannel", self._channel)
        self._peer.on("track", self._doctor_speaks)
        self._peer.on("connectionstatechange", self._peer_moved)

    @property
    def sender(self) -> TunedSender:
        """What sends the video."""
        return self._steering.sender

    @property
    def governor(self) -> Governor:
        """What the video may spend now."""
        return self._steering.governor

    async def answer(self, sdp: str) -> str:
        """The answer to an offer; raises `Refused` with "bad-offer", and the call has then to be closed."""
        offer, sounds = checked(sdp)
        self._give_tracks(sounds)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
                await self._peer.setLocalDescription(await self._peer.createAnswer())
        # aiortc refuses what it cannot use with many kinds of error.
        except Exception as error:
            log.info("an offer was refused: %s", type(error).__name__)
            raise Refused("bad-offer") from None
        self._heard_at = time.monotonic() + CONNECT_S - SILENT_S
        self._start(self._seconds())
        return self._peer.localDescription.sdp

    def core(self, up: bool) -> None:
        """Whether the core is there now: the page is told, and a new core is told of the call."""
        if up is self._core_up:
            return
        self._core_up = up
        self._answers.event("core", up=up)
        if not up:
            self._answers.core_gone()
        elif self.state != "new":
            self._tell_state()

    def event(self, event: Json) -> None:
        """Pass on an event of the core."""
        fields = {key: value for key, value in event.items() if key != "type"}
        self._answers.send({"event": event.get("type"), **fields})

    def wave(self, frame: bytes) -> None:
        """Pass on a waveform frame of the core, or drop it when a newer one comes before there is room."""
        if self._wave is not None:
            self._wave.send(frame)

    def reply(self, message: Json) -> None:
        """Pass on the core's answer to a question of the page."""
        self._answers.replied(message)

    def media(self) -> None:
        """Tell the page which cameras and cards there are."""
        self._answers.event("media", **self._answers.media())

    async def close(self) -> None:
        """End the call and release everything; a second time nothing happens."""
        self._move("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sender in self._peer.getSenders():
            cast(TunedSender, sender).close()
            if sender.track is not None:
                sender.track.stop()
        self._track.stop()
        self._heart.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._peer.close()

    # --- tracks and channels

    def _give_tracks(self, sounds: int) -> None:
        """Tracks, codecs and encoders, before the offer is set: preferences given later are ignored."""
        video = self._peer.addTransceiver(self._track, "sendonly")
        video.setCodecPreferences(preferred_video())
        room = self._peer.addTransceiver(self._rig.sound.microphone())
        tuned: list[tuple[RTCRtpTransceiver, MakeEncoder]] = [(video, encoders.video), (room, encoders.speech)]
        if sounds > 1:
            tuned.append((self._peer.addTransceiver(self._heart, "sendonly"), encoders.heart))
        for transceiver, make in tuned:
            sender = cast(TunedSender, transceiver.sender)
            sender.make = make
            # Picture, speech and heart are three streams: in one, a browser delays each to the slowest.
            sender.stream_of_its_own(str(uuid.uuid4()))
        self._mute(True)
        self._steering.apply()

    def _auscultate(self, on: bool) -> None:
        """Listen to the stethoscope or not; while it is off, nothing of it is sent at all."""
        if on and not self._heart.listening:
            self._steering.heart_begins()
        self._heart.listening = on
        self._mute(not on)

    def _mute(self, muted: bool) -> None:
        for sender in self._peer.getSenders():
            if sender.track is self._heart:
                cast(TunedSender, sender).muted = muted

    def _channel(self, channel: RTCDataChannel) -> None:
        if channel.label == "ctl" and self._answers.ctl is None:
            self._answers.ctl = Ctl(channel, self._page_says)
            self._heard_at = time.monotonic()
            self._move("connected")
            self._answers.event("core", up=self._core_up)
            self.media()
        elif channel.label == "wave" and self._wave is None:
            self._steering.wave = self._wave = WaveGate(channel)

    def _page_says(self, message: Json | None) -> None:
        self._heard_at = time.monotonic()
        self._answers.heard(message)

    def _doctor_speaks(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._start(self._rig.sound.play(track))

    def _peer_moved(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._move("closed")

    # --- once a second

    async def _seconds(self) -> None:
        beat = 0
        while self.state != "closed":
            await asyncio.sleep(SECOND_S)
            beat += 1
            self._watch()
            self._answers.event("heartbeat", n=beat)
            self._answers.event("quality", **self._steering.second())
            self._tell_clock()

    def _watch(self) -> None:
        """Judge the silence of the page."""
        silent = time.monotonic() - self._heard_at
        if silent > SILENT_S or (self._answers.ctl is not None and self._answers.ctl.stuck):
            self._move("closed")
        elif self.state in ("connected", "lost"):
            self._move("lost" if silent > LOST_S else "connected")

    def _tell_clock(self) -> None:
        """Which capture time an RTP timestamp of the video means; the sender adds a random origin to the track's."""
        if self._track.last is not None and self.sender.origin is not None:
            pts, captured_us = self._track.last
            self._answers.event("clock", rtp=(self.sender.origin + pts) % 2**32, mono_us=captured_us)

    # --- its state

    def _move(self, state: State) -> None:
        """Take a state, tell the core, and say the end once; nothing follows "closed"."""
        if state == self.state or self.state == "closed":
            return
        self.state = state
        self._tell_state()
        if state == "closed":
            self._ended()

    def _tell_state(self) -> None:
        self._tell({"type": "session", "session": self.name, "state": self.state})

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        if self.state == "closed":
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a part of the call failed: %s", type(task.exception()).__name__)
