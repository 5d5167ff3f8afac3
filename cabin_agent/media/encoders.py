"""The encoders of the call: H.264 whose rate changes in place, VP8 beside it, Opus for speech and for heart sounds.

x264 changes its rate without a key frame only when it was opened at a constant rate, and never above that rate. So it
is opened at the ceiling, one flat picture is encoded and thrown away (the first picture would otherwise take what the
ceiling allows), the wanted rate is set, and the first real picture is a key frame.
"""

from __future__ import annotations

import fractions
import time
from collections.abc import Iterator

import av
import numpy as np
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import SAMPLE_RATE, SAMPLES_PER_FRAME, TIME_BASE, OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.audio.codeccontext import AudioCodecContext
from av.frame import Frame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from cabin_agent.media.governor import CEILING, START

NOMINAL_FPS = 30
"""What the encoder divides its rate by, whatever the camera does."""
BUFFER = 120_000
"""Bits that one picture may take at most, about: a key frame is then some 10 kB."""
THREADS = 1
VP8_STEP = 0.25
"""VP8 starts anew, with a key frame, at each change of its rate: only changes larger than this share are made."""
SPEECH, HEART = "voip", "audio"
"""Opus applications: the first cuts below 80 Hz (-19 dB at 20 Hz), where heart sounds are."""
SPEECH_RATE, HEART_RATE = 28_000, 64_000
"""bit/s, one channel."""


class TunedH264(H264Encoder):
    """x264 superfast without delay, constrained baseline. `spend` and `seconds` may be used from another thread."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        """Of one picture in the encoder, smoothed."""
        self._rate = START

    def spend(self, bitrate: int, fps: float) -> None:
        """From the next picture on: `bitrate` bit/s at `fps` pictures a second."""
        self._rate = min(CEILING, round(bitrate * NOMINAL_FPS / max(1.0, fps)))

    def _encode_frame(self, frame: av.VideoFrame, force_keyframe: bool) -> Iterator[bytes]:
        began = time.perf_counter()
        codec = self.codec
        if codec is None or (codec.width, codec.height) != (frame.width, frame.height):
            codec = self.codec = opened(frame.width, frame.height)
            force_keyframe = True
        if codec.bit_rate != self._rate:
            codec.bit_rate = self._rate
        frame.pict_type = PictureType.I if force_keyframe else PictureType.NONE
        data = b"".join(bytes(packet) for packet in codec.encode(frame))
        self.seconds += 0.1 * (time.perf_counter() - began - self.seconds)
        return self._split_bitstream(data)


def opened(width: int, height: int) -> VideoCodecContext:
    """x264 at the ceiling, with one flat picture behind it."""
    codec = VideoCodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.framerate = fractions.Fraction(NOMINAL_FPS, 1)
    codec.time_base = fractions.Fraction(1, 90_000)
    codec.bit_rate, codec.thread_count, codec.gop_size = CEILING, THREADS, 3000
    codec.options = {
        "preset": "superfast", "tune": "zerolatency", "level": "31", "maxrate": str(CEILING), "bufsize": str(BUFFER),
        "x264-params": "scenecut=0:sliced-threads=0:force-cfr=1",
    }  # fmt: skip
    codec.profile = "Baseline"
    flat = av.VideoFrame.from_ndarray(np.full((height * 3 // 2, width), 128, np.uint8), format="yuv420p")
    flat.pts, flat.time_base = 0, fractions.Fraction(1, 90_000)
    codec.encode(flat)
    return codec


class TunedVp8(Vp8Encoder):
    """aiortc's VP8 with a low floor and few changes of rate."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.target_bitrate = START

    def spend(self, bitrate: int, fps: float) -> None:
        """See `TunedH264.spend`."""
        wanted = round(bitrate * NOMINAL_FPS / max(1.0, fps))
        if abs(wanted - self.target_bitrate) > VP8_STEP * self.target_bitrate:
            self.target_bitrate = wanted

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """See `aiortc.codecs.base.Encoder`."""
        began = time.perf_counter()
        found = super().encode(frame, force_keyframe)
        self.seconds += 0.1 * (time.perf_counter() - began - self.seconds)
        return found


VideoEncoder = TunedH264 | TunedVp8


class TunedOpus(OpusEncoder):
    """One channel, 20 ms a packet."""

    def __init__(self, application: str, bitrate: int) -> None:
        codec = AudioCodecContext.create("libopus", "w")
        codec.bit_rate, codec.format, codec.layout = bitrate, "s16", "mono"
        codec.options = {"application": application}
        codec.sample_rate, codec.time_base = SAMPLE_RATE, TIME_BASE
        self.codec = codec
        self.resampler = av.AudioResampler(
            format="s16", layout="mono", rate=SAMPLE_RATE, frame_size=SAMPLES_PER_FRAME
        )
        self.first_packet_pts = None


def video(codec: RTCRtpCodecParameters) -> Encoder:
    """The video encoder of what was agreed."""
    return TunedH264() if codec.mimeType.lower() == "video/h264" else TunedVp8()


def speech(_codec: RTCRtpCodecParameters) -> Encoder:
    """The encoder of the room's microphone."""
    return TunedOpus(SPEECH, SPEECH_RATE)


def heart(_codec: RTCRtpCodecParameters) -> Encoder:
    """The encoder of the stethoscope."""
    return TunedOpus(HEART, HEART_RATE)
