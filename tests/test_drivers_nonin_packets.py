"""Formats 2 and 7: values, sentinels and time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import Event, Identity, NoValue, Reading, Trouble, Wave
from drivers.nonin_frames import (
    ARTF,
    GPRF,
    LOW_BATTERY,
    NO_HR,
    NO_SPO2,
    OOT,
    RPRF,
    SNSA,
    SNSD,
    SPA,
    encode_packet,
)
from drivers.nonin_packets import Format7 as Decoder
from drivers.nonin_packets import flags
from tests.nonin_packets import CALM, EMPTY, FAST, FORMAT_2

NUMBERS = {"hr": 72, "spo2": 97, "srev": 48}


def packet(status: int = 0, **numbers: int) -> bytes:
    """A packet with the same status in each frame, and these values."""
    return encode_packet([status] * 25, range(0, 2500, 100), NUMBERS | numbers)


def readings(events: list[Event]) -> list[Reading]:
    return [event for event in events if isinstance(event, Reading)]


def waves(events: list[Event]) -> list[Wave]:
    return [event for event in events if isinstance(event, Wave)]


def troubles(events: list[Event]) -> list[Trouble]:
    return [event for event in events if isinstance(event, Trouble)]


def indices(events: list[Event]) -> list[int]:
    """The index of every sample."""
    return [wave.index + place for wave in waves(events) for place in range(len(wave.samples))]


def samples(events: list[Event]) -> list[float]:
    return [value for wave in waves(events) for (value,) in wave.samples]


def last(data: bytes) -> tuple[Reading, Reading]:
    """The last SpO2 and pulse of a stream."""
    spo2, rate = readings(Decoder().feed(data))[-2:]
    assert (spo2.quantity, spo2.unit, rate.quantity, rate.unit) == ("spo2", "%", "pulse_rate", "/min")
    return spo2, rate


def test_a_calm_packet() -> None:
    events = Decoder().feed(CALM)
    assert samples(events) == [float(count) for count in range(1000, 3500, 100)]
    assert indices(events) == [*range(25)]
    assert {(wave.stream, wave.rate, wave.unit, wave.channels) for wave in waves(events)} == {
        ("pleth", 75.0, "1", ("pleth",))
    }
    averaged = {"averaging": "4-beat"}
    assert events[-3:] == [
        Identity("Nonin, serial format 7", firmware="48"),
        Reading("spo2", 97.0, "%", detail=averaged),
        Reading("pulse_rate", 72.0, "/min", detail=averaged),
    ]


def test_waves_end_at_every_fifth_frame_and_where_the_flags_change() -> None:
    found = [(wave.index, len(wave.samples), sorted(wave.flags)) for wave in waves(Decoder().feed(CALM))]
    pulse = ["pulse"]
    assert found == [
        (0, 4, []),
        (4, 1, pulse),
        (5, 5, pulse),
        (10, 5, pulse),
        (15, 1, pulse),
        (16, 4, []),
        (20, 5, []),
    ]


def test_an_empty_sensor_gives_no_value_although_the_display_values_are_held() -> None:
    events = Decoder().feed(EMPTY)
    said = frozenset({"finger-out", "out-of-track"})
    assert [(reading.value, reading.flags) for reading in readings(events)] == [(NoValue("finger-out"), said)] * 2
    assert {wave.flags for wave in waves(events)} == {said}


def test_the_highest_pulse_is_read_with_a_shift_of_seven() -> None:
    spo2, rate = last(FAST)
    assert (spo2.value, rate.value) == (100.0, 321.0)
    assert samples(Decoder().feed(FAST))[0] == 65535.0


@pytest.mark.parametrize(
    ("numbers", "spo2", "rate"),
    [
        ({"hr": NO_HR}, 97.0, NoValue("missing")),
        ({"spo2": NO_SPO2}, NoValue("missing"), 72.0),
        ({"hr": 18, "spo2": 0}, 0.0, 18.0),
        ({"hr": 17, "spo2": 101}, NoValue("out-of-range"), NoValue("out-of-range")),
        ({"hr": 0}, 97.0, NoValue("out-of-range")),
        ({"hr": 322, "spo2": 126}, NoValue("out-of-range"), NoValue("out-of-range")),
        ({"hr": 510}, 97.0, NoValue("out-of-range")),
    ],
)
def test_every_sentinel_and_limit(numbers: dict[str, int], spo2: float | NoValue, rate: float | NoValue) -> None:
    assert [reading.value for reading in last(packet(**numbers))] == [spo2, rate]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (SNSA, "finger-out"),
        (OOT, "out-of-track"),
        (SNSD, "sensor-disconnected"),
        (SNSA | OOT, "finger-out"),
        (SNSA | OOT | SNSD, "sensor-disconnected"),
    ],
)
@pytest.mark.parametrize("place", [0, 12, 24])
def test_one_frame_with_an_alarm_takes_the_values_of_its_packet(status: int, why: Any, place: int) -> None:
    marks = [status if number == place else 0 for number in range(25)]
    spo2, rate = last(encode_packet(marks, [0] * 25, NUMBERS))
    assert spo2.value == rate.value == NoValue(why)
    assert why in spo2.flags


@pytest.mark.parametrize(
    ("status", "wave", "reading"),
    [
        (0, set(), set()),
        (GPRF, {"pulse"}, set()),
        (RPRF, {"pulse", "low-perfusion"}, {"low-perfusion"}),
        (RPRF | GPRF, {"pulse", "marginal-perfusion"}, {"marginal-perfusion"}),
        (ARTF, {"artifact"}, {"artifact"}),
    ],
)
def test_what_the_device_says_of_quality_is_kept_with_the_value(
    status: int, wave: set[str], reading: set[str]
) -> None:
    events, kept = Decoder().feed(packet(status)), frozenset(reading)
    assert {found.flags for found in waves(events)} == {frozenset(wave)}
    assert [(found.value, found.flags) for found in readings(events)] == [(97.0, kept), (72.0, kept)]


def test_every_status_byte_has_its_words() -> None:
    for status in range(256):
        said = flags(status)
        assert ("sensor-disconnected" in said) == bool(status & 0x40)
        assert ("artifact" in said) == bool(status & 0x20)
        assert ("out-of-track" in said) == bool(status & 0x10)
        assert ("finger-out" in said) == bool(status & 0x08)
        assert ("pulse" in said) == bool(status & 0x06)


def test_the_firmware_is_said_once_and_again_when_it_changes() -> None:
    events = Decoder().feed(packet() * 3 + packet(srev=45) * 2)
    assert [event.firmware for event in events if isinstance(event, Identity)] == ["48", "45"]


def test_a_damaged_frame_takes_its_packets_values_and_leaves_a_hole_of_one_sample() -> None:
    data = bytearray(CALM * 4)
    data[125 + 52] ^= 0x01
    events = Decoder().feed(bytes(data))
    assert [trouble.code for trouble in troubles(events)] == ["checksum", "lost-samples"]
    assert troubles(events)[1].count == 1
    assert indices(events) == [*range(35), *range(36, 100)]
    assert len(readings(events)) == 3 * 2


def test_a_lost_byte_starts_the_index_again() -> None:
    data = CALM * 4
    events = Decoder().feed(data[:177] + data[178:])
    assert [trouble.code for trouble in troubles(events)] == ["checksum", "lost-samples"]
    # Frame 11 of the second packet is gone; what follows is held until the next SYNC proves it.
    assert indices(events) == [*range(35), *range(14 + 50)]
    assert len(readings(events)) == 3 * 2


def test_lost_frames_drop_the_values_of_both_halves() -> None:
    events = Decoder().feed(CALM + packet(spo2=90)[:60] + packet(spo2=80))
    assert [found.value for found in readings(events)] == [97.0, 72.0, 80.0, 72.0]
    assert indices(events) == [*range(25 + 12), *range(25)]


def timed(first: int, count: int, **numbers: int) -> list[bytes]:
    """Packets of the 9560 family: their timer counts thirds of a second."""
    return [packet(tmr=timer % 2**14, **numbers) for timer in range(first, first + count)]


@pytest.mark.parametrize("first", [1, 5000, 2**14 - 4])
def test_the_timer_tells_how_much_was_lost(first: int) -> None:
    packets = timed(first, 10)
    stream = b"".join(packets[:3]) + packets[3][:61] + packets[7][33:] + b"".join(packets[8:])
    events = Decoder().feed(stream)
    # 12 frames of packet 3 arrived; packet 7 is joined at its frame 8.
    assert indices(events) == [*range(3 * 25 + 12), *range(7 * 25 + 7, 10 * 25)]
    (lost,) = (trouble for trouble in troubles(events) if trouble.code == "lost-samples")
    assert lost.count == 7 * 25 + 7 - (3 * 25 + 12)


def test_the_timer_finds_whole_packets_that_nobody_missed() -> None:
    packets = timed(100, 8)
    events = Decoder().feed(b"".join(packets[:3] + packets[5:]))
    assert indices(events) == [*range(3 * 25 + 6), *range(5 * 25 + 6, 8 * 25)]
    assert troubles(events) == [Trouble("lost-samples", "by the timer", 50)]


def test_the_timer_is_right_again_after_a_damaged_frame() -> None:
    packets = timed(100, 8)
    damaged = bytearray(packets[3])
    damaged[20] ^= 0x01
    stream = b"".join([*packets[:3], bytes(damaged), packets[4], packets[5][:63], *packets[7:]])
    events = Decoder().feed(stream)
    assert indices(events)[-25:] == [*range(7 * 25, 8 * 25)]


@pytest.mark.parametrize("timer", [0, 77])
def test_a_reserved_timer_that_stands_still_is_not_believed(timer: int) -> None:
    packets = [packet(tmr=timer)] * 6
    events = Decoder().feed(b"".join(packets[:3]) + packets[3][:60] + b"".join(packets[4:]))
    assert indices(events) == [*range(3 * 25 + 12), *range(2 * 25)]
    assert [trouble.code for trouble in troubles(events)] == ["lost-samples"]


def test_a_timer_that_was_restarted_starts_the_index_again() -> None:
    before, after = timed(9000, 3), timed(1, 3)
    events = Decoder().feed(b"".join(before) + before[0][:61] + b"".join(after))
    assert indices(events) == [*range(3 * 25 + 12), *range(3 * 25)]


def test_stat2_is_read_only_where_there_is_a_timer() -> None:
    stat2 = SPA | LOW_BATTERY
    assert not last(packet(stat2=stat2) * 3)[0].flags
    assert last(b"".join(timed(1, 3, stat2=stat2)))[0].flags == {"smartpoint", "low-battery"}


def test_a_second_loss_while_the_timer_is_awaited_invents_nothing() -> None:
    packets = timed(1, 12)
    stream = b"".join(packets[:3]) + packets[3][:61] + packets[5][:22] + packets[8] + b"".join(packets[9:])
    events = Decoder().feed(stream)
    assert indices(events) == [*range(3 * 25 + 12), *range(8 * 25, 12 * 25)]


def test_another_format_gives_no_value() -> None:
    events = Decoder().feed(FORMAT_2 * 30)
    assert troubles(events) == events
    assert {trouble.code for trouble in troubles(events)} == {"resync"}
    assert "format 7" in troubles(events)[0].detail


@given(st.lists(st.integers(0, 2000)), st.lists(st.integers(0, 1400), max_size=4), st.booleans())
def test_any_cut_gives_the_same_events(cuts: list[int], holes: list[int], clocked: bool) -> None:
    data = b"".join(timed(1, 8)) if clocked else CALM * 4 + EMPTY * 4
    for hole in holes:
        data = data[:hole] + data[hole + 3 :]
    decoder = Decoder()
    apart = [event for piece in pieces(data, cuts) for event in decoder.feed(piece)]
    assert apart == Decoder().feed(data)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    return (data[a:b] for a, b in pairwise([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]))


@given(st.binary(max_size=800), st.binary(max_size=300))
def test_no_soup_raises_and_no_sentinel_leaves_as_a_number(soup: bytes, more: bytes) -> None:
    decoder = Decoder()
    events = decoder.feed(soup + CALM) + decoder.feed(more + EMPTY * 2) + decoder.feed(CALM * 3)
    for reading in readings(events):
        assert isinstance(reading.value, NoValue) or reading.value not in (NO_SPO2, NO_HR)
    assert [reading.value for reading in readings(events)[-4:]] == [97.0, 72.0] * 2


@given(st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 40)), max_size=5), st.booleans())
def test_the_index_never_repeats_but_where_the_loss_says_so(holes: list[tuple[int, int]], clocked: bool) -> None:
    data = b"".join(timed(1, 12)) if clocked else packet() * 12
    for at, length in holes:
        data = data[:at] + data[at + length :]
    expected = 0
    for event in Decoder().feed(data):
        if isinstance(event, Trouble) and event.code == "lost-samples":
            expected = 0 if "again" in event.detail else expected + event.count
        if isinstance(event, Wave):
            assert event.index == expected
            expected += len(event.samples)


def records(vectors: Path) -> list[dict[str, str]]:
    """The records of the captured vectors, by their @ names."""
    text = (vectors / "nonin.txt").read_text()
    found = [dict(re.findall(r"^@(\w+) (.*)$", block, re.MULTILINE)) for block in text.split("\n\n")]
    return [record for record in found if record.get("kind") == "captured"]


def test_captured_packets(maker_vectors: Path) -> None:
    whole = [record for record in records(maker_vectors) if "packet" in record["id"]]
    assert len(whole) == 3
    colours = {"-": set(), "green": {"pulse"}}
    for record in whole:
        expected = json.loads(record["expect"])
        events = Decoder().feed(bytes.fromhex(record["hex"]))
        assert not troubles(events)
        assert samples(events) == expected["pleth"]
        assert [found.value for found in readings(events)] == [expected["spo2"], expected["hr"]]
        assert Identity("Nonin, serial format 7", firmware=str(expected["srev"])) in events
        marks = [wave.flags for wave in waves(events) for _ in wave.samples]
        assert marks == [colours[colour] for colour in expected["perfusion"]]


def test_a_captured_beginning_in_the_middle_of_a_frame(maker_vectors: Path) -> None:
    (cut,) = (record for record in records(maker_vectors) if "midstream" in record["id"])
    (whole, *_) = (record for record in records(maker_vectors) if "packet" in record["id"])
    events = Decoder().feed(bytes.fromhex(cut["hex"]) + bytes.fromhex(whole["hex"]))
    assert len(samples(events)) == json.loads(cut["expect"])["frames_after_resync"] + 25
    assert not troubles(events)
