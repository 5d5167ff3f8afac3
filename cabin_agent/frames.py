"""Binary frames of live waveforms, as the local API sends them to a screen; written down in `docs/api.yaml`.

A frame is a header of 24 bytes, little-endian, then `int16[channels][samples]`:

    offset  type  field
    0       u16   magic, the bytes "CW"
    2       u8    version, 1
    3       u8    flags: 1 simulated, 2 replay, 4 lead-off, 8 gap, 16 test, 32 stale, 64 counts
    4       u16   stream: 1 ecg, 2 pleth, 3 cuff
    6       u8    channels, 1..255
    7       u8    samples per channel, 1..255
    8       u32   seq, one more for each frame of the stream, modulo 2^32
    12      u64   time of the first sample, in microseconds of the visit's monotonic clock
    20      u16   scale: millionths of the stream's unit per step (thousandths for pleth and counts), 1..65535
    22      u16   reserved, 0

ECG is in mV, so its scale is in nV per step; the cuff is in mm[Hg], so its scale is in 10^-6 mm[Hg] per step; the
pleth is in counts, so its scale is in 10^-3 counts per step, and so is an ECG of which nobody knows how many counts a
millivolt has: it has the flag "counts". -32768 stands for "no sample" and is never a value.
The frame is a view for the eye: the raw recording is the lossless copy.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from drivers.events import Wave

Stream = Literal["ecg", "pleth", "cuff"]
"""The waveforms that a cabin shows."""

Flag = Literal["simulated", "replay", "lead-off", "gap", "test", "stale", "counts"]
"""What a screen must show beside the samples of a frame."""

MAGIC = b"CW"
VERSION = 1
HEADER = struct.Struct("<2sBBHBBIQHH")
"""magic, version, flags, stream, channels, samples, seq, t0, scale, reserved: 24 bytes."""
NO_SAMPLE = -32768
LARGEST = 32767
MOST_SAMPLES = 255
MOST_CHANNELS = 255

STREAMS: Mapping[Stream, int] = {"ecg": 1, "pleth": 2, "cuff": 3}
FLAGS: Mapping[Flag, int] = {
    "simulated": 1,
    "replay": 2,
    "lead-off": 4,
    "gap": 8,
    "test": 16,
    "stale": 32,
    "counts": 64,
}
PER_UNIT: Mapping[Stream, int] = {"ecg": 1_000_000, "pleth": 1_000, "cuff": 1_000_000}
"""How many scale units make one unit of the stream."""
UNITS: Mapping[Stream, str] = {"ecg": "mV", "pleth": "1", "cuff": "mm[Hg]"}
"""The unit (UCUM) in which each stream is framed."""
COUNTS = "1"
"""The other unit of an ECG: the device's own steps, of no known size."""
PER_COUNT = 1_000
"""How many scale units make one count."""

_SCALES = np.array([m * 10**e for e in range(5) for m in (1, 2, 5)] + [65535], dtype=np.float64)
"""1-2-5 steps: up to 1000 they divide 1000, so counts up to 32767 cross unchanged."""
_MOST = 65535.0 * LARGEST
_OFF = frozenset({"lead-off", "finger-out", "sensor-disconnected", "railed"})
"""What drivers say, before any ":", of samples that no body stands behind."""
_NAMES: Mapping[int, Stream] = {number: name for name, number in STREAMS.items()}

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame."""

    stream: Stream
    flags: frozenset[Flag]
    seq: int
    t0_us: int
    scale: int
    steps: tuple[tuple[int, ...], ...]
    """One row per channel, as they crossed; -32768 is no sample."""

    @property
    def values(self) -> tuple[tuple[float | None, ...], ...]:
        """The samples in the stream's unit, or in counts, one row per channel; None where there is no sample."""
        step = self.scale / (PER_COUNT if "counts" in self.flags else PER_UNIT[self.stream])
        return tuple(tuple(None if n == NO_SAMPLE else n * step for n in row) for row in self.steps)


class BadFrame(ValueError):
    """Bytes that are not one whole frame; the text says which field was wrong, never a sample."""


def encode_wave(
    wave: Wave,
    seq: int,
    t0_us: int,
    simulated: bool,
    *,
    replay: bool = False,
    gap: bool = False,
    test: bool = False,
    stale: bool = False,
) -> list[bytes]:
    """The frames of one block: several where it is longer than 255 samples, none where it is empty.

    The next block's `seq` is this one's plus the number of frames. `t0_us` is the time of the block's first sample.
    `gap` says that samples were lost just before the block, so only its first frame carries it. "lead-off" comes from
    the wave's own flags. The scale is the finest that clips nothing; what is not finite, or beyond 65535 x 32767,
    becomes "no sample". Raises ValueError for a unit or a channel count that cannot be framed.
    """
    _check(wave)
    said: dict[Flag, bool] = {
        "simulated": simulated,
        "replay": replay,
        "lead-off": any(flag.partition(":")[0] in _OFF for flag in wave.flags),
        "test": test,
        "stale": stale,
        "counts": _is_counted(wave),
    }
    flags = sum(FLAGS[name] for name, on in said.items() if on)
    per_unit = PER_COUNT if said["counts"] else PER_UNIT[wave.stream]
    samples = np.asarray(wave.samples, dtype=np.float64).reshape(-1, len(wave.channels)).T * per_unit
    frames = []
    for number, start in enumerate(range(0, samples.shape[1], MOST_SAMPLES)):
        missing = FLAGS["gap"] if gap and number == 0 else 0
        t0 = t0_us + round(start * 1e6 / wave.rate)
        part = samples[:, start : start + MOST_SAMPLES]
        frames.append(_frame(wave.stream, flags | missing, seq + number, t0, part))
    return frames


def decode_frame(frame: bytes) -> Frame:
    """The frame in these bytes, which hold exactly one. Raises `BadFrame`."""
    if len(frame) < HEADER.size:
        raise BadFrame(f"a frame has at least {HEADER.size} bytes, not {len(frame)}: the message was cut")
    magic, version, flags, stream, channels, count, seq, t0_us, scale, _ = HEADER.unpack_from(frame)
    if magic != MAGIC or version != VERSION:
        raise BadFrame("not a waveform frame of version 1: the server and this reader differ")
    if stream not in _NAMES or not channels or not count or not scale:
        raise BadFrame(
            "a frame needs a known stream, channels, samples and a scale: the server and this reader differ"
        )
    if len(frame) != HEADER.size + 2 * channels * count:
        raise BadFrame(f"the header announces {channels} x {count} samples, the message has another size")
    steps = struct.iter_unpack(f"<{count}h", frame[HEADER.size :])
    return Frame(_NAMES[stream], frozenset(_flags(flags)), seq, t0_us, scale, tuple(steps))


def describe_wave(wave: Wave) -> dict[str, Any]:
    """The event of type "wave" that a watcher needs before the first frame: channels, rate and unit."""
    return {
        "type": "wave",
        "stream": wave.stream,
        "number": STREAMS[wave.stream],
        "rate": wave.rate,
        "unit": wave.unit,
        "channels": list(wave.channels),
    }


def _is_counted(wave: Wave) -> bool:
    return wave.stream == "ecg" and wave.unit == COUNTS


def _check(wave: Wave) -> None:
    if wave.unit != UNITS[wave.stream] and not _is_counted(wave):
        raise ValueError(f"{wave.stream} is framed in {UNITS[wave.stream]}, not in {wave.unit}: convert it first")
    if not 1 <= len(wave.channels) <= MOST_CHANNELS:
        raise ValueError(f"a frame holds 1 to {MOST_CHANNELS} channels, not {len(wave.channels)}")


def _frame(stream: Stream, flags: int, seq: int, t0_us: int, samples: Array) -> bytes:
    """One frame of `samples`, in scale units, channels by time."""
    within = np.abs(np.rint(samples)) <= _MOST  # False for NaN too
    kept = np.clip(np.where(within, samples, 0.0), -_MOST, _MOST)
    scale = int(_SCALES[np.searchsorted(_SCALES, np.max(np.abs(kept)) / LARGEST)])
    steps = np.where(within, np.rint(kept / scale), NO_SAMPLE).astype("<i2")
    channels, count = samples.shape
    header = HEADER.pack(
        MAGIC, VERSION, flags, STREAMS[stream], channels, count, seq % 2**32, t0_us, scale, 0
    )  # fmt: skip
    return header + steps.tobytes()


def _flags(bits: int) -> Iterator[Flag]:
    return (name for name, bit in FLAGS.items() if bits & bit)
