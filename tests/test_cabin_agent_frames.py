"""The binary waveform frame: bytes written by hand, limits, and round trips of anything a driver may say."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.frames import (
    FLAGS,
    HEADER,
    LARGEST,
    NO_SAMPLE,
    PER_UNIT,
    STREAMS,
    UNITS,
    BadFrame,
    Stream,
    decode_frame,
    describe_wave,
    encode_wave,
)
from drivers.events import Wave

GOLDEN = bytes.fromhex(
    "4357"  # "CW"
    "01"  # version
    "0d"  # simulated + lead-off + gap
    "0100"  # ecg
    "02"  # channels
    "03"  # samples
    "07000000"  # seq
    "40420f0000000000"  # 1 000 000 us
    "3200"  # 50 nV a step: 1.2 mV needs 36.6
    "0000"
    "0000" "204e" "c05d"  # I: 0, 1.0, 1.2 mV
    "f0d8" "0080" "0200"  # II: -0.5 mV, none, 0.0001 mV
)  # fmt: skip


def wave(stream: Stream = "ecg", samples: Any = ((0.0,),), rate: float = 500.0, flags: Any = ()) -> Wave:
    rows = tuple(tuple(row) for row in samples)
    channels = tuple(f"c{n}" for n in range(len(rows[0]) if rows else 1))
    return Wave(stream, 0, rate, UNITS[stream], channels, rows, frozenset(flags))


def test_golden_bytes() -> None:
    block = Wave(
        "ecg",
        0,
        500.0,
        "mV",
        ("I", "II"),
        ((0.0, -0.5), (1.0, math.nan), (1.2, 0.0001)),
        frozenset({"railed:II"}),
    )
    assert encode_wave(block, 7, 1_000_000, True, gap=True) == [GOLDEN]


def test_golden_bytes_decoded() -> None:
    frame = decode_frame(GOLDEN)
    assert (frame.stream, frame.seq, frame.t0_us, frame.scale) == ("ecg", 7, 1_000_000, 50)
    assert frame.flags == {"simulated", "lead-off", "gap"}
    assert frame.steps == ((0, 20000, 24000), (-10000, NO_SAMPLE, 2))
    assert frame.values[0] == pytest.approx((0.0, 1.0, 1.2))
    assert frame.values[1][1] is None


def test_header_is_24_bytes() -> None:
    assert HEADER.size == 24


def test_numbers_are_the_published_ones() -> None:
    assert STREAMS == {"ecg": 1, "pleth": 2, "cuff": 3}
    assert FLAGS == {"simulated": 1, "replay": 2, "lead-off": 4, "gap": 8, "test": 16, "stale": 32, "counts": 64}


def test_long_block_is_split_in_time() -> None:
    block = wave(samples=[(n / 1000.0,) for n in range(600)])
    frames = [decode_frame(f) for f in encode_wave(block, 2**32 - 1, 10, False, gap=True)]
    assert [len(f.steps[0]) for f in frames] == [255, 255, 90]
    assert [f.seq for f in frames] == [2**32 - 1, 0, 1]
    assert [f.t0_us for f in frames] == [10, 510_010, 1_020_010]
    assert [("gap" in f.flags) for f in frames] == [True, False, False]
    values = [v for f in frames for v in f.values[0]]
    assert values == pytest.approx([n / 1000.0 for n in range(600)], abs=1e-5)


def test_empty_block_has_no_frame() -> None:
    assert encode_wave(Wave("ecg", 0, 500.0, "mV", ("I",), ()), 0, 0, False) == []


def test_a_large_value_costs_resolution_but_is_not_clipped() -> None:
    (frame,) = encode_wave(wave("cuff", [(299.95,), (0.0,)]), 0, 0, False)
    assert decode_frame(frame).scale == 10_000
    assert decode_frame(frame).values[0][0] == pytest.approx(299.95, abs=0.005)


def test_counts_of_an_8_bit_pleth_cross_unchanged() -> None:
    (frame,) = encode_wave(wave("pleth", [(float(n),) for n in range(255)]), 0, 0, False)
    assert decode_frame(frame).values[0] == pytest.approx([float(n) for n in range(255)], abs=1e-9)


def test_a_15_bit_count_crosses_unchanged() -> None:
    (frame,) = encode_wave(wave("pleth", [(32767.0,), (12345.0,)]), 0, 0, False)
    assert decode_frame(frame).values[0] == (32767.0, 12345.0)


@pytest.mark.parametrize("absent", [math.nan, math.inf, -math.inf, 1e9])
def test_what_is_no_number_is_no_sample(absent: float) -> None:
    (frame,) = encode_wave(wave(samples=[(absent,), (0.25,)]), 0, 0, False)
    ((first, second),) = decode_frame(frame).values
    assert first is None
    assert second == pytest.approx(0.25)


def test_a_block_without_any_number_is_all_no_sample() -> None:
    (frame,) = encode_wave(wave(samples=[(math.nan,), (math.nan,)]), 0, 0, False)
    assert decode_frame(frame).values == ((None, None),)


@pytest.mark.parametrize(
    ("flags", "off"),
    [
        ((), False),
        (("artifact",), False),
        (("finger-out",), True),
        (("sensor-disconnected",), True),
        (("lead-off:LA",), True),
        (("artifact", "railed:V3"), True),
    ],
)
def test_lead_off_comes_from_the_wave(flags: tuple[str, ...], off: bool) -> None:
    (frame,) = encode_wave(wave(flags=flags), 0, 0, False)
    assert ("lead-off" in decode_frame(frame).flags) is off


def test_every_flag_has_its_own_bit() -> None:
    (frame,) = encode_wave(
        wave(flags=["lead-off"]), 0, 0, True, replay=True, gap=True, test=True, stale=True
    )  # fmt: skip
    assert frame[3] == 63
    assert decode_frame(frame).flags == set(FLAGS) - {"counts"}


def test_an_ecg_in_counts_says_so_and_is_never_in_millivolts() -> None:
    block = Wave("ecg", 0, 128.0, "1", ("I",), ((-1_500_000.0,), (64_010.0,), (math.nan,)))
    (frame,) = encode_wave(block, 0, 0, False)
    assert frame[3] == 64
    (row,) = decode_frame(frame).values
    assert row[:2] == pytest.approx((-1_500_000, 64_010), abs=50)
    assert row[2] is None
    with pytest.raises(ValueError, match="cuff is framed in"):
        encode_wave(Wave("cuff", 0, 128.0, "1", ("cuff",), ((1.0,),)), 0, 0, False)


def test_another_unit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"framed in mV, not in uV: convert it first"):
        encode_wave(Wave("ecg", 0, 500.0, "uV", ("I",), ((1.0,),)), 0, 0, False)


@pytest.mark.parametrize("channels", [0, 256])
def test_channel_count_is_refused(channels: int) -> None:
    names = tuple(str(n) for n in range(channels))
    with pytest.raises(ValueError, match="1 to 255 channels"):
        encode_wave(Wave("ecg", 0, 500.0, "mV", names, (tuple(0.0 for _ in names),)), 0, 0, False)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        GOLDEN[:23],
        GOLDEN[:-1],
        GOLDEN + b"\0",
        b"XX" + GOLDEN[2:],
        GOLDEN[:2] + b"\x02" + GOLDEN[3:],
        GOLDEN[:4] + b"\x09\x00" + GOLDEN[6:],
        GOLDEN[:6] + b"\x00" + GOLDEN[7:],
        GOLDEN[:7] + b"\x00" + GOLDEN[8:],
        GOLDEN[:20] + b"\x00\x00" + GOLDEN[22:],
    ],
)
def test_a_broken_frame_is_refused(broken: bytes) -> None:
    with pytest.raises(BadFrame):
        decode_frame(broken)


def test_the_announcement_names_channels_and_rate() -> None:
    told = describe_wave(Wave("ecg", 0, 500.0, "mV", ("I", "II"), ()))
    assert told == {
        "type": "wave",
        "stream": "ecg",
        "number": 1,
        "rate": 500.0,
        "unit": "mV",
        "channels": ["I", "II"],
    }


@st.composite
def blocks(draw: st.DrawFn) -> Wave:
    stream: Stream = draw(st.sampled_from(["ecg", "pleth", "cuff"]))
    channels = draw(st.integers(1, 12))
    peak = 65535 * LARGEST / PER_UNIT[stream]
    value = st.floats(-peak, peak) | st.floats(-1.0, 1.0) | st.just(math.nan)
    row = st.lists(value, min_size=channels, max_size=channels)
    return wave(stream, draw(st.lists(row, min_size=1, max_size=40)))


@given(blocks(), st.integers(0, 2**32 - 1), st.integers(0, 2**63), st.booleans(), st.booleans())
def test_round_trip(block: Wave, seq: int, t0_us: int, simulated: bool, stale: bool) -> None:
    (raw,) = encode_wave(block, seq, t0_us, simulated, stale=stale)
    frame = decode_frame(raw)
    assert (frame.stream, frame.seq, frame.t0_us) == (block.stream, seq, t0_us)
    assert ("simulated" in frame.flags, "stale" in frame.flags) == (simulated, stale)
    half_step = 0.5001 * frame.scale / PER_UNIT[block.stream]
    for channel, row in enumerate(frame.values):
        for sent, got in zip(block.samples, row, strict=True):
            if math.isnan(sent[channel]):
                assert got is None
            else:
                assert got is not None
                assert abs(got - sent[channel]) <= half_step


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: GOLDEN[:6] + tail))
def test_no_bytes_break_the_decoder(raw: bytes) -> None:
    try:
        frame = decode_frame(raw)
    except BadFrame:
        return
    assert len(raw) == HEADER.size + 2 * len(frame.steps) * len(frame.steps[0])
