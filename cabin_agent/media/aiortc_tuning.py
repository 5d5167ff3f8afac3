"""Every change that is made to aiortc and aioice, in this one module, applied by `apply`.

What aiortc does by itself is good for a fast link with time to spare; a cabin has neither. Its encoder starts anew,
with a key frame, whenever the rate changes; it resends without limit; it sends a key frame back to back; its Opus
cuts what a stethoscope is for. Private names are used where there is no other way: `apply` has `aiortc_names` check
the versions and that each of them is still there, and refuses in one sentence otherwise.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import aioice.ice
import aiortc.codecs.vpx
import aiortc.rtcpeerconnection
import aiortc.rtcsctptransport
from aiortc import MediaStreamTrack, RTCDtlsTransport, RTCRtpCodecCapability, RTCRtpSender, RTCSctpTransport
from aiortc.codecs.base import Encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpsender import RTCEncodedFrame
from aiortc.rtp import (
    RTCP_PSFB_APP,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from cabin_agent.media.aiortc_names import ENCODER, LSR, LSR_TIME, STAMP, check
from cabin_agent.media.encoders import TunedH264, TunedVp8
from cabin_agent.media.governor import START
from cabin_agent.media.losses import Losses
from cabin_agent.media.pacing import Bucket, Pacer

GATHER_S = 2
"""Seconds for STUN and TURN to answer; the answer to the browser waits for it."""
RTO_S = (1.0, 0.4, 2.0)
"""SCTP: first, least and longest seconds before a lost message is sent again (RFC 4960 has 3, 1 and 60)."""
FORWARD_S = 0.2
"""Seconds, at least, before the receiver is told once more that a wave frame was given up (FORWARD TSN, RFC 3758)."""
RTX_SHARE = 0.25
"""Of the video's rate, what may be spent on sending again."""
RTX_FREE_S = 1.0
"""Seconds from the first frame in which that is not limited: without its key frame there is no picture at all."""
RTX_AGAIN_S = 0.08
"""A packet is not sent again sooner than this, or than one round trip."""
KEY_GAP_S = 0.5
"""Seconds between two key frames, at least; requests in between are answered by the later one."""
KEY_BITS = 40_000
"""Of a small key frame: at a low rate, two of them are so far apart that one can pass in between."""
REMB_S = 5.0
"""Seconds for which an estimate of the other side holds."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the other side said in a second; None: nothing."""

    remb: int | None
    """bit/s that it estimates for the video."""
    loss: float | None
    """Share of packets lost (`media.losses`)."""
    rtt_s: float | None
    usual_s: float | None
    """Shortest and median round trip."""


MakeEncoder = Callable[[RTCRtpCodecParameters], Encoder]


class PacedTransport:
    """The part of a DTLS transport that a sender uses; the task that sends frames waits here, and no other."""

    def __init__(self, sender: TunedSender) -> None:
        self._sender = sender
        self._pacer = Pacer()
        self.owner: asyncio.Task[Any] | None = None

    def allow(self, bitrate: int) -> None:
        """From now on frames leave at no more than a little above `bitrate`."""
        self._pacer.rate = bitrate / 8

    @property
    def _stats_id(self) -> str:
        return self._sender.dtls._stats_id

    def _get_stats(self) -> Any:
        return self._sender.dtls._get_stats()

    async def _send_rtp(self, data: bytes) -> None:
        wait = self._pacer.sent(len(data), time.monotonic())
        if wait > 0 and asyncio.current_task() is self.owner:
            await asyncio.sleep(wait)
        await self._sender.dtls._send_rtp(data)


class TunedSender(RTCRtpSender):
    """A sender whose encoder is ours, which listens to the estimate, and which spends on loss only what it may.

    Without `make` it behaves as aiortc's own. Times in seconds, rates in bit/s.
    """

    def __init__(self, track_or_kind: MediaStreamTrack | str, transport: RTCDtlsTransport) -> None:
        super().__init__(track_or_kind, transport)
        self.make: MakeEncoder | None = None
        self.remb: int | None = None
        self.losses = Losses()
        self.rtt_s: float | None = None
        self.round_trips: deque[float] = deque(maxlen=64)
        self.origin: int | None = None
        self.muted = False
        """Whether what the track gives is read and not sent."""
        self.frames = 0
        self.sent = 0
        self.resent = 0
        self.refused = 0
        self._spending: tuple[int, float] = (START, 30.0)
        self._remb_at = 0.0
        self._last_stamp: int | None = None
        self._first_at: float | None = None
        self._key_at = 0.0
        self._key_later: asyncio.TimerHandle | None = None
        self._again: dict[int, float] = {}
        self._rtx = Bucket()
        self._paced = PacedTransport(self)

    @property
    def dtls(self) -> RTCDtlsTransport:
        """The transport itself."""
        return super().transport

    @property
    def transport(self) -> RTCDtlsTransport:
        """The transport as this sender's tasks see it."""
        return super().transport if self.make is None else self._paced  # type: ignore[return-value]

    @property
    def encoder(self) -> Encoder | None:
        """The encoder, once there was a frame."""
        found: Encoder | None = vars(self)[ENCODER]
        return found

    def stream_of_its_own(self, name: str) -> None:
        """Another stream than the sound's, so that the browser does not hold the picture back for the sound."""
        self._stream_id = name

    def spend(self, bitrate: int, fps: float) -> None:
        """What the encoder, frames and what is sent again may take from now on."""
        self._spending = (bitrate, fps)
        self._paced.allow(bitrate)
        self._rtx.allow(max(aiortc.codecs.vpx.PACKET_MAX, bitrate * RTX_SHARE / 8))
        if isinstance(self.encoder, TunedH264 | TunedVp8):
            self.encoder.spend(bitrate, fps)

    def heard(self, other_trips: deque[float]) -> Heard:
        """What the other side said since this was last asked; `other_trips` are those of the data channels."""
        if time.monotonic() - self._remb_at > REMB_S:
            self.remb = None
        trips = sorted([*self.round_trips, *other_trips])
        self.round_trips.clear()
        other_trips.clear()
        loss = self.losses.share()
        if not trips:
            return Heard(self.remb, loss, None, None)
        self.rtt_s = trips[0]
        return Heard(self.remb, loss, trips[0], trips[len(trips) // 2])

    def close(self) -> None:
        """Forget what is still to come."""
        if self._key_later is not None:
            self._key_later.cancel()

    async def _next_encoded_frame(self, codec: RTCRtpCodecParameters) -> RTCEncodedFrame | None:
        self._paced.owner = asyncio.current_task()
        if self.origin is None and self._last_stamp is not None:
            self.origin = (vars(self)[STAMP] - self._last_stamp) % 2**32
        if self.make is not None and self.encoder is None:
            vars(self)[ENCODER] = self.make(codec)
            self.spend(*self._spending)
        if self.muted:
            await self.track.recv()
            return None
        frame = await super()._next_encoded_frame(codec)
        if frame is not None:
            self._last_stamp = frame.timestamp
            self.frames += 1
            self.sent += sum(map(len, frame.payloads))
            self._first_at = self._first_at or time.monotonic()
        return frame

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if self.make is not None and isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._estimated(packet)
            return
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self.losses.told(report.highest_sequence, report.packets_lost)
                    self._timed(report)
        await super()._handle_rtcp_packet(packet)

    def _timed(self, report: RtcpReceiverInfo) -> None:
        """Note a round trip as it was; aiortc only keeps a mean of many seconds (RFC 3550, 6.4.1)."""
        if report.dlsr and report.lsr == vars(self)[LSR]:
            self.round_trips.append(max(0.0, time.time() - vars(self)[LSR_TIME] - report.dlsr / 65536))

    def _estimated(self, packet: RtcpPsfbPacket) -> None:
        try:
            bitrate, ssrcs = unpack_remb_fci(packet.fci)
        except ValueError:
            return
        if self._ssrc in ssrcs:
            self.remb, self._remb_at = bitrate, time.monotonic()

    async def _retransmit(self, sequence_number: int) -> None:
        now = time.monotonic()
        if self.make is not None and not self._may_resend(sequence_number, now):
            self.refused += 1
            return
        self.resent += 1
        await super()._retransmit(sequence_number)

    def _may_resend(self, sequence_number: int, now: float) -> bool:
        free = self._first_at is None or now - self._first_at < RTX_FREE_S
        gap = max(RTX_AGAIN_S, self.rtt_s or 0.0)
        if now - self._again.get(sequence_number, -gap) < gap:
            return False
        if not self._rtx.take(aiortc.codecs.vpx.PACKET_MAX, now) and not free:
            return False
        if len(self._again) > 1000:
            self._again = {seq: at for seq, at in self._again.items() if now - at < gap}
        self._again[sequence_number] = now
        return True

    def _send_keyframe(self) -> None:
        if self.make is None:
            super()._send_keyframe()
        elif self._key_later is None:
            gap = max(KEY_GAP_S, KEY_BITS / self._spending[0])
            wait = max(0.0, self._key_at + gap - time.monotonic())
            self._key_later = asyncio.get_running_loop().call_later(wait, self._key_now)

    def _key_now(self) -> None:
        self._key_later, self._key_at = None, time.monotonic()
        super()._send_keyframe()


def apply(addresses: Sequence[str]) -> None:
    """Make the changes, for connections opened from now on that are offered at `addresses` and nowhere else.

    May be called again with other addresses. Raises `aiortc_names.TuningError`.
    """
    check()
    aioice.ice.get_host_addresses = partial(_offered, tuple(addresses))
    aioice.ice.Connection.get_component_candidates = _gathered  # type: ignore[method-assign, assignment]
    vars(aiortc.rtcpeerconnection)["RTCRtpSender"] = TunedSender
    aiortc.codecs.vpx.MIN_BITRATE = 100_000
    RTCSctpTransport._update_rto = _timed  # type: ignore[method-assign, assignment]
    RTCSctpTransport._update_advanced_peer_ack_point = _given_up  # type: ignore[method-assign, assignment]
    sctp = aiortc.rtcsctptransport
    sctp.SCTP_RTO_INITIAL, sctp.SCTP_RTO_MIN, sctp.SCTP_RTO_MAX = RTO_S  # type: ignore[assignment]


def preferred_video() -> list[RTCRtpCodecCapability]:
    """H.264 constrained baseline, then baseline, then VP8; for `setCodecPreferences` before the offer is set."""
    known = RTCRtpSender.getCapabilities("video").codecs
    order = {"42e01f": 0, "42001f": 1}
    h264 = sorted(
        (each for each in known if each.mimeType == "video/H264"),
        key=lambda each: order.get(str(each.parameters.get("profile-level-id")), 2),
    )
    return h264 + [each for each in known if each.mimeType in ("video/VP8", "video/rtx")]


def round_trips(transport: RTCSctpTransport | None) -> deque[float]:
    """The last round trips of the data channels, in seconds, to be emptied by whoever reads them."""
    found: deque[float] = vars(transport).setdefault("round_trips", deque(maxlen=64)) if transport else deque()
    return found


# Where they are gone this module can still be imported, and `apply` says so.
_stock_rto: Any = vars(RTCSctpTransport).get("_update_rto")
_stock_given_up: Any = vars(RTCSctpTransport).get("_update_advanced_peer_ack_point")
_stock_gather: Any = vars(aioice.ice.Connection).get("get_component_candidates")


def _timed(transport: RTCSctpTransport, trip_s: float) -> None:
    round_trips(transport).append(trip_s)
    _stock_rto(transport, trip_s)


def _given_up(transport: RTCSctpTransport) -> None:
    """Say once in a while what was given up, and not at each acknowledgement.

    Each saying is acknowledged, so on a link that loses and has a queue, aiortc's own way is a storm that feeds on
    itself and takes all of it, waves, speech and picture included.
    """
    _stock_given_up(transport)
    chunk, now = transport._forward_tsn_chunk, time.monotonic()
    if chunk is not None:
        said, at = vars(transport).get("given_up", (None, 0.0))
        if said == chunk.cumulative_tsn and now - at < max(FORWARD_S, transport._rto):
            transport._forward_tsn_chunk = None
        else:
            vars(transport)["given_up"] = (chunk.cumulative_tsn, now)


async def _gathered(
    connection: aioice.ice.Connection, component: int, addresses: list[str]
) -> list[aioice.Candidate]:
    found: list[aioice.Candidate] = await _stock_gather(connection, component, addresses, GATHER_S)
    return found


def _offered(addresses: tuple[str, ...], use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return [each for each in addresses if (use_ipv6 if ":" in each else use_ipv4)]
