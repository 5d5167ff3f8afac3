"""The changes to aiortc: they refuse another aiortc aloud, and each does what it is there for."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSctpTransport
from aiortc.rtcsctptransport import ForwardTsnChunk
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtpPacket,
    pack_remb_fci,
)

from cabin_agent.media import aiortc_tuning, encoders
from cabin_agent.media.aiortc_tuning import TunedSender


class Transport:
    """A DTLS transport that keeps what it is given."""

    state = "new"
    _stats_id = "t"

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def _send_rtp(self, data: bytes) -> None:
        self.sent.append(data)

    def _get_stats(self) -> dict[str, Any]:
        return {}


@pytest.fixture
async def sender() -> TunedSender:
    """A sender of ours that has sent packets 0 to 127 and may resend 10 of them a second."""
    aiortc_tuning.apply(["127.0.0.1"])
    made = TunedSender("video", Transport())  # type: ignore[arg-type]
    made.make = encoders.video
    made.spend(round(10 * 1300 * 8 / aiortc_tuning.RTX_SHARE), 30)
    history = vars(made)["_RTCRtpSender__rtp_history"]
    for number in range(128):
        history[number] = RtpPacket(payload_type=97, sequence_number=number)
    return made


def sent(sender: TunedSender) -> int:
    """How many packets have left."""
    transport: Any = sender.dtls
    return len(transport.sent)


# --- addresses and codecs


async def test_only_the_addresses_of_the_settings_are_offered() -> None:
    aiortc_tuning.apply(["127.0.0.1", "::1"])
    assert aioice.ice.get_host_addresses(True, True) == ["127.0.0.1", "::1"]
    assert aioice.ice.get_host_addresses(True, False) == ["127.0.0.1"]
    aiortc_tuning.apply(["127.0.0.1"])
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.createDataChannel("x")
    await peer.setLocalDescription(await peer.createOffer())
    candidates = [line.split()[4] for line in peer.localDescription.sdp.splitlines() if "candidate:" in line]
    assert candidates == ["127.0.0.1"]
    await peer.close()


async def test_a_stun_server_that_is_silent_is_waited_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    aiortc_tuning.apply(["127.0.0.1"])

    async def silent(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(aioice.ice, "server_reflexive_candidate", silent)
    connection = aioice.ice.Connection(ice_controlling=True, stun_server=("127.0.0.1", 9))
    began = time.monotonic()
    await connection.gather_candidates()
    assert 1.5 < time.monotonic() - began < 4.5
    await connection.close()


def test_h264_constrained_baseline_is_preferred_and_vp8_is_left() -> None:
    order = [(each.mimeType, each.parameters.get("profile-level-id")) for each in aiortc_tuning.preferred_video()]
    assert order == [
        ("video/H264", "42e01f"), ("video/H264", "42001f"), ("video/VP8", None), ("video/rtx", None),
    ]  # fmt: skip


async def test_connections_get_our_sender_and_without_an_encoder_it_is_aiortcs() -> None:
    aiortc_tuning.apply(["127.0.0.1"])
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    made = peer.addTransceiver("video").sender
    assert isinstance(made, TunedSender)
    assert made.transport is made.dtls
    await peer.close()


# --- sending again


async def test_resending_keeps_to_its_budget_and_does_not_repeat_itself(sender: TunedSender) -> None:
    sender._first_at = time.monotonic() - 5
    for number in range(40):
        await sender._retransmit(number)
    assert sent(sender) == sender.resent == 10
    assert sender.refused == 30
    await asyncio.sleep(0.25)
    await sender._retransmit(50)
    await sender._retransmit(50)
    assert sender.resent == 11


async def test_the_first_second_is_free_since_it_carries_the_key_frame(sender: TunedSender) -> None:
    sender._first_at = time.monotonic()
    for number in range(40):
        await sender._retransmit(number)
    assert sent(sender) == 40


async def test_a_packet_may_be_asked_for_again_after_a_round_trip(sender: TunedSender) -> None:
    sender._first_at = time.monotonic()
    for _ in range(3):
        await sender._retransmit(5)
        await asyncio.sleep(aiortc_tuning.RTX_AGAIN_S + 0.02)
    assert sender.resent == 3


# --- what the other side says


def estimate(sender: TunedSender, bitrate: int, ssrc: int) -> RtcpPsfbPacket:
    return RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=pack_remb_fci(bitrate, [ssrc]))


async def test_the_estimate_is_kept_for_the_governor_and_not_given_to_the_encoder(sender: TunedSender) -> None:
    await sender._handle_rtcp_packet(estimate(sender, 750_000, sender._ssrc))
    await sender._handle_rtcp_packet(estimate(sender, 1_000, sender._ssrc ^ 1))
    await sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=b"REMBx"))
    assert sender.heard(deque()).remb == pytest.approx(750_000, rel=0.01)
    sender._remb_at -= 60
    assert sender.heard(deque()).remb is None


def report(ssrc: int, highest: int, lost: int) -> RtcpRrPacket:
    info = RtcpReceiverInfo(
        ssrc=ssrc, fraction_lost=255, packets_lost=lost, highest_sequence=highest, jitter=0, lsr=0, dlsr=0
    )
    return RtcpRrPacket(ssrc=1, reports=[info])


async def test_the_loss_of_this_stream_is_told_once(sender: TunedSender) -> None:
    await sender._handle_rtcp_packet(report(sender._ssrc, 1000, 10))
    await sender._handle_rtcp_packet(report(sender._ssrc ^ 1, 1100, 110))
    await sender._handle_rtcp_packet(report(sender._ssrc, 1200, 60))
    assert sender.heard(deque()).loss == 0.25
    assert sender.heard(deque()).loss is None


async def test_the_shortest_and_the_usual_round_trip_are_told(sender: TunedSender) -> None:
    trips = deque([0.5, 0.02, 0.04])
    heard = sender.heard(trips)
    assert (heard.rtt_s, heard.usual_s) == (0.02, 0.04)
    assert not trips
    assert (sender.heard(trips).rtt_s, sender.rtt_s) == (None, 0.02)


async def test_requests_for_key_frames_are_answered_by_one(sender: TunedSender) -> None:
    pli = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=sender._ssrc)
    wanted = "_RTCRtpSender__force_keyframe"
    await sender._handle_rtcp_packet(pli)
    await asyncio.sleep(0.01)
    assert vars(sender)[wanted] is True
    vars(sender)[wanted] = False
    for _ in range(20):
        await sender._handle_rtcp_packet(pli)
    await asyncio.sleep(0.05)
    assert vars(sender)[wanted] is False
    await asyncio.sleep(aiortc_tuning.KEY_GAP_S)
    assert vars(sender)[wanted] is True
    sender.close()


# --- what waves leave behind


class Waves:
    """An association that has given up everything to `point` and is not believed yet, as far as is needed here."""

    def __init__(self) -> None:
        self.point = 7
        self._rto = 0.4
        self._forward_tsn_chunk: ForwardTsnChunk | None = None

    def acknowledged(self) -> bool:
        """An acknowledgement has come; whether it is answered."""
        self._forward_tsn_chunk = None
        RTCSctpTransport._update_advanced_peer_ack_point(self)  # type: ignore[arg-type]
        return self._forward_tsn_chunk is not None


def test_not_each_acknowledgement_is_answered_that_waves_were_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Since each answer is acknowledged again, a narrow link would soon carry nothing else."""

    def stock(waves: Waves) -> None:
        waves._forward_tsn_chunk = ForwardTsnChunk()
        waves._forward_tsn_chunk.cumulative_tsn = waves.point

    aiortc_tuning.apply(["127.0.0.1"])
    monkeypatch.setattr(aiortc_tuning, "_stock_given_up", stock)
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    waves = Waves()
    assert [waves.acknowledged() for _ in range(20)] == [True] + [False] * 19
    waves.point = 9
    assert [waves.acknowledged() for _ in range(3)] == [True, False, False]
    now += 0.41
    assert [waves.acknowledged() for _ in range(3)] == [True, False, False], "it may have been lost"
