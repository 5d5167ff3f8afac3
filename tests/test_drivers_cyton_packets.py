"""The Cyton's packets and texts: every vector of the protocol sheet, rails, gaps, and any cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS, cyton_packets
from drivers.cyton_packets import CHANNELS, RAILS, Blocks, Decoder, Framer, Packet, encode_packet, encode_text
from drivers.events import Event, Identity, Trouble, Wave
from simulators.body import Body
from simulators.cyton import Ecg
from tests.protocol_vectors import Vector, read_vectors

ZERO = bytes.fromhex("a0 00" + "00 00 00" * 8 + "00 00 00 00 00 00 c0")
ONES = bytes.fromhex(
    "a0 01 00 00 01 ff ff ff 00 00 02 ff ff fe 7f ff ff 80 00 00 00 00 64 ff ff 9c 00 00 00 00 20 00 c0"
)
ONE_MV = bytes.fromhex("a0 ff 00 ae c3 00 ae c3" + "00" * 18 + "00 00 00 00 00 00 c0")
ANALOG_AUX = bytes.fromhex("a0 07" + "00" * 24 + "02 00 03 ff 00 00 c1")
BAD_END = bytes.fromhex("a0 03" + "00" * 24 + "00 00 00 00 00 00 00")


def packets(data: bytes) -> list[Packet]:
    framer = Framer()
    return [item for item in framer.feed(data) + framer.flush() if isinstance(item, Packet)]


def decoded(data: bytes, gain: int = 24) -> list[Event]:
    decoder = Decoder(gain)
    return decoder.feed(data) + decoder.flush()


def waves(events: Sequence[Event]) -> list[Wave]:
    return [event for event in events if isinstance(event, Wave)]


def microvolts(data: bytes) -> list[float]:
    return [round(1000 * mv, 4) for mv in waves(decoded(data))[0].samples[0]]


def test_zero() -> None:
    assert packets(ZERO) == [Packet(0, (0,) * 8)]
    assert encode_packet(0, (0,) * 8) == ZERO
    (wave,) = decoded(ZERO)
    assert wave == Wave("ecg", 0, 250.0, "mV", ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), ((0.0,) * 8,))


def test_signs_and_rails() -> None:
    counts = (1, -1, 2, -2, 8388607, -8388608, 100, -100)
    assert packets(ONES) == [Packet(1, counts, bytes.fromhex("00 00 00 00 20 00"))]
    assert encode_packet(1, counts, bytes.fromhex("00 00 00 00 20 00")) == ONES
    assert microvolts(ONES) == [0.0224, -0.0224, 0.0447, -0.0447, 187500.0, -187500.0224, 2.2352, -2.2352]
    assert waves(decoded(ONES))[0].flags == {"railed:V3", "railed:V4"}


def test_one_millivolt() -> None:
    assert packets(ONE_MV)[0].number == 255
    assert microvolts(ONE_MV)[:3] == [999.9947, 999.9947, 0.0]
    assert encode_packet(255, (cyton_packets.counts(1.0, 24),) * 2 + (0,) * 6) == ONE_MV


@pytest.mark.parametrize("end", range(0xC0, 0xC7))
def test_every_end_byte(end: int) -> None:
    assert packets(encode_packet(7, (5,) * 8, end=end)) == [Packet(7, (5,) * 8, end=end)]
    assert packets(ANALOG_AUX) == [Packet(7, (0,) * 8, bytes.fromhex("0200 03ff 0000"), 0xC1)]


def stamped(number: int, milliseconds: int, axis: int = 0, end: int = 0xC4) -> bytes:
    aux = axis.to_bytes(2, "big", signed=True) + (milliseconds % 2**32).to_bytes(4, "big")
    return encode_packet(number, (0,) * 8, aux, end)


def test_auxiliary_bytes() -> None:
    (ones,) = packets(ONES)
    assert ones.acceleration == {"x": 0.0, "y": 0.0, "z": pytest.approx(1.024)}
    assert ones.board_ms is None
    (analog,) = packets(ANALOG_AUX)
    assert (analog.acceleration, analog.board_ms) == ({}, None)


@pytest.mark.parametrize("end", [0xC3, 0xC4])
@pytest.mark.parametrize(("number", "axis"), [(7, "x"), (18, "y"), (29, "z"), (30, None), (6, None)])
def test_a_stamped_packet_has_one_axis_in_its_turn(end: int, number: int, axis: str | None) -> None:
    (packet,) = packets(stamped(number, 123_456, -8000, end))
    assert packet.board_ms == 123_456
    assert packet.acceleration == ({axis: pytest.approx(-1.0)} if axis else {})


@pytest.mark.parametrize("end", [0xC5, 0xC6])
def test_a_stamped_packet_of_something_else_has_no_axis(end: int) -> None:
    (packet,) = packets(stamped(7, 5, 100, end))
    assert (packet.board_ms, packet.acceleration) == (5, {})


@pytest.mark.parametrize("lost", [0, 1, 255, 256, 300, 1000])
@pytest.mark.parametrize("first", [0, 2**32 - 4])
def test_the_board_s_time_tells_losses_longer_than_a_round(lost: int, first: int) -> None:
    data = stamped(10, first) + stamped(11 + lost, first + 4 * (1 + lost))
    told = decoded(data)
    assert sum(event.count for event in told if isinstance(event, Trouble)) == lost
    assert waves(told)[-1].index + len(waves(told)[-1].samples) == 2 + lost


def test_a_time_that_began_anew_is_no_loss_of_hours() -> None:
    told = decoded(stamped(10, 9_000_000) + stamped(11, 4))
    assert not [event for event in told if isinstance(event, Trouble)]


@pytest.mark.parametrize("end", [0x00, 0xBF, 0xC7, 0xA0])
def test_a_wrong_end_byte_is_refused(end: int) -> None:
    assert packets(BAD_END) == []
    told = decoded(encode_packet(3, (0,) * 8, end=end) + encode_packet(4, (0,) * 8))
    assert [event.code for event in told if isinstance(event, Trouble)] == ["resync"]
    assert len(waves(told)) == 1


def test_a_packet_counts_when_the_next_one_begins() -> None:
    framer = Framer()
    assert framer.feed(ZERO) == []
    assert framer.feed(ONES[:1]) == [Packet(0, (0,) * 8)]


def test_a_packet_with_two_lost_bytes_is_not_taken_for_whole() -> None:
    """Its last byte may fit by chance (here the next sample number is C1); the byte behind it does not."""
    short = encode_packet(0xC0, (1,) * 8)[:-2] + encode_packet(0xC1, (1,) * 8) + encode_packet(0xC2, (1,) * 8)
    assert [packet.number for packet in packets(short)] == [0xC1, 0xC2]


@pytest.mark.parametrize(
    ("gain", "count", "millivolt"),
    [
        (24, 44739, 1.0),
        (6, 11185, 1.0),
        (12, 22370, 1.0),
        (1, 1864, 1.0),
        (2, 3728, 1.0),
        (4, 7457, 1.0),
        (8, 14913, 1.0),
    ],
)
def test_gains(gain: int, count: int, millivolt: float) -> None:
    assert cyton_packets.counts(millivolt, gain) == count
    assert waves(decoded(encode_packet(0, (count,) * 8), gain))[0].samples[0][0] == pytest.approx(1.0, abs=4e-4)


def test_counts_stop_at_the_rails() -> None:
    assert cyton_packets.counts(1e6, 6) == RAILS[0] == 0x7FFFFF
    assert cyton_packets.counts(-1e6, 6) == RAILS[1] == -0x800000


@pytest.mark.parametrize("lead", range(8))
@pytest.mark.parametrize("rail", RAILS)
def test_a_railed_channel_is_named(lead: int, rail: int) -> None:
    counts = [0] * 8
    counts[lead] = rail
    assert waves(decoded(encode_packet(0, counts)))[0].flags == {f"railed:{CHANNELS[lead]}"}
    counts[lead] = rail - 1 if rail > 0 else rail + 1
    assert waves(decoded(encode_packet(0, counts)))[0].flags == frozenset()


def test_flags_hold_for_each_row_of_a_block() -> None:
    rows = [0, 0, RAILS[0], RAILS[0], RAILS[1], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    told = waves(decoded(b"".join(encode_packet(number, (row, *[0] * 7)) for number, row in enumerate(rows))))
    assert [(wave.index, len(wave.samples), set(wave.flags)) for wave in told] == [
        (0, 2, set()),
        (2, 3, {"railed:I"}),
        (5, 10, set()),
        (15, 1, set()),
    ]


@pytest.mark.parametrize("lost", [1, 2, 100, 255])
def test_a_gap_of_the_sample_number_is_lost_samples(lost: int) -> None:
    told = decoded(encode_packet(200, (0,) * 8) + encode_packet(201 + lost, (0,) * 8))
    assert [event for event in told if isinstance(event, Trouble)] == [
        Trouble("lost-samples", "packets did not arrive", lost)
    ]
    assert [wave.index for wave in waves(told)] == [0, 1 + lost]


def test_the_sample_number_wraps_without_a_loss() -> None:
    told = decoded(b"".join(encode_packet(number, (0,) * 8) for number in range(250, 520)))
    assert not [event for event in told if isinstance(event, Trouble)]
    assert sum(len(wave.samples) for wave in waves(told)) == 270
    assert waves(told)[-1].index == 260


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (cyton_packets.RESET, "76"),
        (cyton_packets.BEGIN, "62"),
        (cyton_packets.STOP, "73"),
        (cyton_packets.encode_channel(1, 6, srb2=True), "78 31 30 33 30 31 31 30 58"),
    ],
)
def test_commands_are_those_of_the_sheet(command: bytes, expected: str) -> None:
    assert command == bytes.fromhex(expected)


@pytest.mark.parametrize(("gain", "digit"), [(1, "0"), (2, "1"), (4, "2"), (6, "3"), (8, "4"), (12, "5"), (24, "6")])
def test_gain_digits(gain: int, digit: str) -> None:
    assert cyton_packets.encode_channel(8, gain) == f"x80{digit}0100X".encode()


def test_the_banner_is_the_identity() -> None:
    banner = "OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\nFirmware: v3.1.2\n"
    assert Decoder().feed(encode_text(banner)) == [Identity("OpenBCI Cyton", firmware="v3.1.2")]
    assert Decoder().feed(b"v3.1.1$$$") == [Identity("OpenBCI Cyton", firmware="v3.1.1")]
    assert Decoder().feed(b"Success: Channel set for 1$$$") == []


def test_texts_and_packets_mixed() -> None:
    told = decoded(b"v3.1.2$$$" + encode_packet(0, (1,) * 8) + encode_packet(1, (1,) * 8))
    assert told[0] == Identity("OpenBCI Cyton", firmware="v3.1.2")
    assert [len(wave.samples) for wave in waves(told)] == [2]


def test_a_packet_cut_short_hides_the_answer_only_until_the_silence() -> None:
    framer = Framer()
    assert framer.feed(ZERO[:20] + b"v3.1.2$$$") == []
    assert framer.flush() == [Trouble("resync", "bytes that belong to no packet", 20), "v3.1.2"]


def test_endless_text_is_dropped() -> None:
    told = decoded(b"x" * 5000 + b"v3.1.2$$$")
    assert isinstance(told[0], Trouble) and told[0].code == "resync"
    assert told[-1] == Identity("OpenBCI Cyton", firmware="v3.1.2")


def test_blocks_forget_the_stream_before() -> None:
    first, second = Blocks(6), Blocks(6)
    first.take([Packet(0, (0,) * 8), Packet(9, (0,) * 8)])
    second.take([Packet(99, (0,) * 8)])
    assert waves(second.close())[0].index == 0


STREAM = (
    encode_text("Firmware: v3.1.2\n")
    + b"".join(encode_packet(number, (number * 1000, *[-number] * 7)) for number in range(12))
    + encode_packet(12, (RAILS[0],) * 8)
    + BAD_END
    + b"\xff\x00"
    + encode_packet(15, (0xA0A0,) * 8)[:-3]
    + b"".join(encode_packet(number, (0,) * 8, end=0xC4) for number in range(16, 20))
    + encode_text("v3.1.2")
)


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    edges = [0, *sorted(cuts), len(STREAM)]
    told = [event for start, end in pairwise(edges) for event in decoder.feed(STREAM[start:end])]
    assert told + decoder.flush() == decoded(STREAM, 6)


def test_that_stream_loses_only_what_was_damaged() -> None:
    told = decoded(STREAM, 6)
    samples = [wave.index + at for wave in waves(told) for at in range(len(wave.samples))]
    # 13 and 14 never came, 15 was cut short, and behind 19 no packet began.
    assert samples == [*range(13), 16, 17, 18]


@given(st.lists(st.sampled_from([b"\xa0", b"\xc0", b"$$$", b"$", ZERO, ONES]) | st.binary()))
def test_no_soup_breaks_the_decoder(soup: list[bytes]) -> None:
    decoder = Decoder()
    told = [event for piece in soup for event in decoder.feed(piece)] + decoder.flush()
    last = -1
    for wave in waves(told):
        assert wave.index > last
        assert all(len(row) == 8 for row in wave.samples) and 1 <= len(wave.samples) <= cyton_packets.BLOCK
        last = wave.index + len(wave.samples) - 1


COMMANDS = {
    "soft reset; banner ends with $$$": (cyton_packets.RESET, True),
    "start stream": (cyton_packets.BEGIN, False),
    "stop stream": (cyton_packets.STOP, False),
    "all channels default": (cyton_packets.DEFAULTS, True),
    "print registers": (cyton_packets.REGISTERS, True),
    "set 250 Hz": (cyton_packets.SET_RATE, True),
    "read sample rate": (cyton_packets.ASK_RATE, True),
    "channel 1: power on (0), gain index 3 = x6, input 0 normal, bias 1, SRB2 1, SRB1 0": (
        cyton_packets.encode_channel(1, 6, srb2=True),
        True,
    ),
    "channel 1 lead-off: P on (1), N off (0), 6 nA 31.2 Hz": (
        cyton_packets.encode_lead_off(1, positive=True, negative=False),
        True,
    ),
}
"""What a record says of a command -> the bytes of the driver, and whether the board answers."""


def check_packet(vector: Vector) -> None:
    """A packet of the vector file through the decoder; a key that is not understood fails."""
    decoder = DECODERS["cyton"](24)  # type: ignore[call-arg]
    told = [*decoder.feed(vector.data), *decoder.flush()]  # type: ignore[attr-defined]
    if "reject" in vector.expect:
        assert waves(told) == []
        assert packets(vector.data) == []
        return
    (wave,), (packet,) = waves(told), packets(vector.data)
    said = {
        "counter": packet.number,
        "counts": list(packet.counts),
        "uV_gain24": [round(1000 * mv, 4) for mv in wave.samples[0]],
        "aux": [int.from_bytes(packet.aux[at : at + 2], "big") for at in (0, 2, 4)],
        "end": f"0x{packet.end:X}",
    }
    assert said == vector.expect


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    seen = read_vectors(maker_vectors / "cyton.txt")
    for vector in seen:
        if vector.direction == "device->host":
            check_packet(vector)
            continue
        command, answered = COMMANDS[vector.expect["command"]]
        assert command == vector.data
        answer = b"".join(Ecg(Body(1)).receive(vector.data, 0.0))
        assert answer.endswith(b"$$$") is answered and b"Failure" not in answer
    assert len(seen) == 14
