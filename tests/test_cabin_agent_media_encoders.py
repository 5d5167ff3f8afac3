"""The encoders: a rate that follows without key frames, a first picture that is not large, heart sounds that pass."""

from __future__ import annotations

import fractions
from typing import Any

import av
import numpy as np
import pytest
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from cabin_agent.media import aiortc_tuning, encoders
from cabin_agent.media.encoders import TunedH264, TunedOpus, TunedVp8
from cabin_agent.media.governor import CEILING

CLOCK = fractions.Fraction(1, 90_000)
SIZE = (320, 240)


def pictures(count: int, size: tuple[int, int] = SIZE, fps: int = 30) -> list[av.VideoFrame]:
    """Noise that moves over a slope: never still, never the same."""
    width, height = size
    random = np.random.default_rng(3)
    noise = random.integers(0, 90, (height * 3 // 2, width + count), dtype=np.uint8)
    slope = np.linspace(30, 140, width, dtype=np.uint8)
    frames = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, number : number + width] + slope), "yuv420p")
        frame.pts, frame.time_base = number * 90_000 // fps, CLOCK
        frames.append(frame)
    return frames


def kinds(payloads: list[bytes]) -> set[int]:
    """NAL types of a picture (RFC 6184): 5 is a key frame's slice, 7 and 8 its parameters."""
    found = set()
    for payload in payloads:
        kind = payload[0] & 31
        if kind == 24:
            place = 1
            while place < len(payload):
                found.add(payload[place + 2] & 31)
                place += 2 + int.from_bytes(payload[place : place + 2])
        else:
            found.add(payload[1] & 31 if kind == 28 else kind)
    return found


def test_the_rate_follows_in_place_without_a_key_frame() -> None:
    encoder, frames = TunedH264(), pictures(60)
    keys = 0
    for bitrate in (300_000, 900_000, 200_000):
        encoder.spend(bitrate, 30)
        sizes = []
        for frame in frames:
            payloads, _ = encoder.encode(frame)
            keys += 5 in kinds(payloads)
            sizes.append(sum(map(len, payloads)))
            frame.pts = (frame.pts or 0) + 60 * 3000
        assert sum(sizes[20:]) * 8 / (40 / 30) == pytest.approx(bitrate, rel=0.35)
    assert keys == 1


def test_half_the_speed_keeps_the_rate() -> None:
    encoder = TunedH264()
    encoder.spend(300_000, 15)
    sizes = [sum(map(len, encoder.encode(frame)[0])) for frame in pictures(60, fps=15)]
    assert sum(sizes[15:]) * 8 / 3 == pytest.approx(300_000, rel=0.4)


@pytest.mark.parametrize("size", [SIZE, (640, 480), (1280, 720)])
def test_the_first_picture_is_a_key_frame_and_not_large(size: tuple[int, int]) -> None:
    encoder = TunedH264()
    encoder.spend(300_000, 30)
    payloads, _ = encoder.encode(pictures(1, size)[0])
    assert {5, 7, 8} <= kinds(payloads)
    assert sum(map(len, payloads)) < 25_000
    assert max(map(len, payloads)) <= 1300


def test_another_size_opens_anew_with_a_key_frame() -> None:
    encoder = TunedH264()
    encoder.spend(300_000, 30)
    encoder.encode(pictures(1)[0])
    assert 5 in kinds(encoder.encode(pictures(2, (640, 480))[1])[0])


def test_a_key_frame_comes_when_it_is_asked_for_and_never_else() -> None:
    encoder = TunedH264()
    encoder.spend(300_000, 30)
    keys = [5 in kinds(encoder.encode(frame, number == 20)[0]) for number, frame in enumerate(pictures(40))]
    assert [number for number, key in enumerate(keys) if key] == [0, 20]


def test_profile_is_constrained_baseline() -> None:
    encoder = TunedH264()
    encoder.encode(pictures(1)[0])
    assert encoder.codec is not None
    payload = encoder.encode(pictures(2)[1], force_keyframe=True)[0][0]
    sps = payload[3:] if payload[0] & 31 == 24 else payload
    assert (sps[0] & 31, sps[1]) == (7, 66)
    assert sps[2] & 0x40, "constraint_set1: no tool that main lacks"


def test_rates_are_kept_in_limits() -> None:
    encoder = TunedH264()
    encoder.spend(50_000_000, 1)
    encoder.encode(pictures(1)[0])
    assert encoder.codec is not None
    assert encoder.codec.bit_rate == CEILING
    assert encoder.seconds > 0


async def test_vp8_goes_low_and_ignores_small_changes() -> None:
    aiortc_tuning.apply(["127.0.0.1"])
    encoder = TunedVp8()
    encoder.spend(120_000, 30)
    assert encoder.target_bitrate == 120_000
    encoder.spend(140_000, 30)
    assert encoder.target_bitrate == 120_000
    encoder.spend(400_000, 30)
    assert encoder.target_bitrate == 400_000
    payloads, _ = encoder.encode(pictures(1)[0])
    assert payloads
    assert encoder.seconds > 0


def gain_db(encoder: TunedOpus, hertz: float) -> float:
    """What a tone loses on its way through the encoder and back."""
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout, decoder.format = 48_000, "mono", "s16"
    heard = []
    for block in range(100):
        tone = 8000 * np.sin(2 * np.pi * hertz * (np.arange(960) + block * 960) / 48_000)
        frame = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, block * 960, fractions.Fraction(1, 48_000)
        for payload in encoder.encode(frame)[0]:
            heard += [out.to_ndarray().astype(float).ravel() for out in decoder.decode(av.Packet(payload))]
    steady = np.concatenate(heard)[24_000:]
    if np.abs(steady).max() <= 1.5:
        steady = steady * 32768
    return float(20 * np.log10(np.sqrt(np.mean(steady**2)) / (8000 / np.sqrt(2))))


@pytest.mark.parametrize("hertz", [20, 30, 40, 80, 200])
def test_heart_sounds_pass(hertz: float) -> None:
    assert gain_db(TunedOpus(encoders.HEART, encoders.HEART_RATE), hertz) == pytest.approx(0, abs=1.5)


def test_speech_would_have_lost_them() -> None:
    assert gain_db(TunedOpus(encoders.SPEECH, encoders.SPEECH_RATE), 20) < -10


def test_speech_is_small() -> None:
    encoder, random, octets = encoders.speech(opus()), np.random.default_rng(1), 0
    for block in range(100):
        frame = av.AudioFrame.from_ndarray(random.integers(-3000, 3000, (1, 960)).astype(np.int16), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, block * 960, fractions.Fraction(1, 48_000)
        octets += sum(map(len, encoder.encode(frame)[0]))
    assert octets * 8 / 2 < 40_000


def opus() -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=96)


def test_the_encoder_is_of_what_was_agreed() -> None:
    for mime, kind in (("video/H264", TunedH264), ("video/VP8", TunedVp8)):
        made = encoders.video(RTCRtpCodecParameters(mimeType=mime, clockRate=90_000, payloadType=97))
        assert type(made) is kind
