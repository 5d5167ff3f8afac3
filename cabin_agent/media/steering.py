"""Once a second: what link and machine say goes to the governor, what it decides to the cameras and the sender."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

from aiortc import RTCPeerConnection

from cabin_agent.media.aiortc_tuning import TunedSender, round_trips
from cabin_agent.media.channels import STILL_CHUNK, Json, WaveGate
from cabin_agent.media.encoders import VideoEncoder
from cabin_agent.media.governor import HEART_BESIDE, Governor, Report, beside_still, still_rate
from cabin_agent.media.rig import Rig

SOUND_HEAD, WAVE_HEAD = 60, 95
"""Bytes that UDP, RTP and its encryption, and UDP, DTLS and SCTP, add to a packet."""
STILL_S = 0.5
"""Real seconds after the last piece of a still picture for which the video makes room."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Counted since the call began."""

    at: float
    """`time.monotonic()`."""
    frames: int = 0
    octets: int = 0
    """Of the video."""
    beside: int = 0
    """Bytes of sound and waves, with their headers."""


class Steering:
    """The governor of one call and what it moves; `wave` is set when the page has opened its channel."""

    def __init__(self, rig: Rig, peer: RTCPeerConnection) -> None:
        self.governor = Governor()
        self.wave: WaveGate | None = None
        self._rig, self._peer = rig, peer
        self._before = Spent(time.monotonic())
        self._still_until = 0.0

    @property
    def sender(self) -> TunedSender:
        """What sends the video."""
        return cast(TunedSender, self._peer.getSenders()[0])

    def still_rate(self) -> float:
        """byte/s at which the next piece of a still picture may be sent; the video makes room for it."""
        rate = still_rate(self.governor) / 8
        self._still_until = time.monotonic() + STILL_CHUNK / rate + STILL_S
        self.apply()
        return rate

    def apply(self) -> None:
        """Have cameras and sender follow the governor."""
        shape = self.governor.shape
        self._rig.cameras.shape(shape.width, shape.height, shape.fps)
        still = time.monotonic() < self._still_until
        self.sender.spend(beside_still(self.governor) if still else self.governor.bitrate, shape.fps)

    def heart_begins(self) -> None:
        """The stethoscope is about to be sent: the picture gives way before a queue would tell."""
        self.governor = self.governor.making_room(self.governor.beside + HEART_BESIDE)
        self.apply()

    def second(self) -> Json:
        """Let the governor look at the last second, and follow it; gives the fields of the event `quality`."""
        heard = self.sender.heard(round_trips(self._peer.sctp))
        fps, sent, beside = self._rates()
        encoder = cast(VideoEncoder | None, self.sender.encoder)
        seconds = encoder.seconds if encoder is not None else 0.0
        report = Report(
            remb=heard.remb, loss=heard.loss, rtt_s=heard.rtt_s, usual_s=heard.usual_s, sent=sent, beside=beside,
            encoder_s=seconds, lag_s=self._rig.lag(),
        )  # fmt: skip
        self.governor = self.governor.step(report)
        self.apply()
        shape, trip = self.governor.shape, self.sender.rtt_s
        return {
            "width": shape.width, "height": shape.height, "fps": fps, "kbps": round(sent / 1000), "loss": heard.loss,
            "rtt_ms": None if trip is None else round(trip * 1000),
        }  # fmt: skip

    def _rates(self) -> tuple[float, int, int]:
        """Frames a second, bit/s of video, and bit/s of what was beside it, since this was last asked."""
        before, now = self._before, self._spent()
        self._before = now
        since = max(0.001, now.at - before.at)
        video, beside = (now.octets - before.octets) * 8 / since, (now.beside - before.beside) * 8 / since
        return round((now.frames - before.frames) / since, 1), round(video), round(beside)

    def _spent(self) -> Spent:
        sounds = [cast(TunedSender, each) for each in self._peer.getSenders()[1:]]
        beside = sum(each.sent + each.frames * SOUND_HEAD for each in sounds)
        if self.wave is not None:
            beside += self.wave.sent + self.wave.frames * WAVE_HEAD
        return Spent(time.monotonic(), self.sender.frames, self.sender.sent, beside)
