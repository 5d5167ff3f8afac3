"""Format 13 and the commands of the 9560, against bytes of the maker's tables."""
# ruff: noqa: DTZ001 - the clocks of devices have no zone

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import DeviceClock, Event, Identity, NoValue, Reading, Trouble
from drivers.nonin_commands import (
    GET_CLOCK,
    GET_SERIAL,
    decode_answer,
    encode_clock,
    encode_format,
    encode_format_3150,
)
from drivers.nonin_spots import LOW_BATTERY, MEM, NOMS, SPA, Format13, Spot, encode_spot

PACKET = bytes.fromhex("00 02 00 0d 00 0e 20 26 11 21 22 30 05 00 02 00 00 48 00 61 7a 03")
"""72 /min and 97 % with SmartPoint, 2026-11-21 22:30:05 (layout of 6470-000-01, pages 6 and 7)."""
TAKEN = datetime(2026, 11, 21, 22, 30, 5)


def heard(data: bytes) -> tuple[Reading, Reading]:
    spo2, rate = [event for event in Format13().feed(data) if isinstance(event, Reading)]
    return spo2, rate


def test_a_packet_is_laid_out_as_documented() -> None:
    assert encode_spot(Spot(TAKEN, SPA, 0, 72, 97)) == PACKET


def test_a_spot_carries_the_devices_time() -> None:
    assert Format13().feed(PACKET) == [
        Identity("Nonin, serial format 13"),
        Reading("spo2", 97.0, "%", frozenset({"smartpoint"}), {"averaging": "spot"}, TAKEN),
        Reading("pulse_rate", 72.0, "/min", frozenset({"smartpoint"}), {"averaging": "spot"}, TAKEN),
    ]


def test_a_spot_out_of_the_memory_says_so() -> None:
    spo2, rate = heard(encode_spot(Spot(TAKEN, 0, MEM | LOW_BATTERY, 72, 97)))
    assert spo2.flags == rate.flags == {"from-memory", "low-battery"}


@pytest.mark.parametrize(
    ("spot", "spo2", "rate"),
    [
        (Spot(TAKEN, NOMS, 0, 72, 97), NoValue("missing"), NoValue("missing")),
        (Spot(TAKEN, 0, 0, 511, 127), NoValue("missing"), NoValue("missing")),
        (Spot(TAKEN, 0, 0, 322, 101), NoValue("out-of-range"), NoValue("out-of-range")),
        (Spot(TAKEN, 0, 0, 18, 100), 100.0, 18.0),
    ],
)
def test_every_sentinel_and_limit(spot: Spot, spo2: object, rate: object) -> None:
    assert [reading.value for reading in heard(encode_spot(spot))] == [spo2, rate]


def test_a_clock_that_was_lost_gives_no_time() -> None:
    assert {reading.taken for reading in heard(encode_spot(Spot(None, SPA, 0, 72, 97)))} == {None}


def test_a_longer_packet_is_read_where_it_is_known() -> None:
    data = PACKET[6:20] + b"\x01\x02"
    longer = PACKET[:4] + b"\x00\x10" + data + bytes((sum(data) & 0xFF, 3))
    assert [reading.value for reading in heard(longer)] == [97.0, 72.0]


@pytest.mark.parametrize("at", range(len(PACKET)))
def test_no_damaged_byte_is_believed(at: int) -> None:
    damaged = bytearray(PACKET)
    damaged[at] ^= 0x08
    events = Format13().feed(bytes(damaged) + PACKET)
    assert [event.value for event in events if isinstance(event, Reading)] == [97.0, 72.0]
    if 6 <= at <= 20:
        assert Trouble("checksum") in events


def test_strangers_are_reported() -> None:
    assert [event.code for event in Format13().feed(bytes(1000)) if isinstance(event, Trouble)] == ["resync"] * 3


@given(st.binary(max_size=200), st.lists(st.integers(0, 400)))
def test_any_cut_gives_the_same_events(soup: bytes, cuts: list[int]) -> None:
    data = PACKET + soup + PACKET * 2
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    decoder = Format13()
    apart: list[Event] = [event for a, b in pairwise(edges) for event in decoder.feed(data[a:b])]
    assert apart == Format13().feed(data)
    assert [event.value for event in apart if isinstance(event, Reading)][-2:] == [97.0, 72.0]


# --- commands -----------------------------------------------------------------------------------------------------


def test_commands_are_laid_out_as_documented() -> None:
    assert encode_format(13) == bytes.fromhex("02 70 02 02 0d 03")
    assert encode_format_3150(8) == bytes.fromhex("02 70 04 02 08 01 7f 03")
    assert encode_clock(datetime(2050, 12, 31, 14, 30, 15)) == bytes.fromhex("02 72 06 32 0c 1f 0e 1e 0f 03")
    assert bytes.fromhex("02 72 00 03") == GET_CLOCK
    assert bytes.fromhex("02 74 02 02 02 03") == GET_SERIAL


def test_a_format_that_does_not_exist_is_not_asked_for() -> None:
    for form in (1, 0, 256):
        with pytest.raises(ValueError, match="cannot be asked for"):
            encode_format(form)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("06", "done"),
        ("15", "refused"),
        ("02 f2 06 1a 0b 15 16 1e 00 03", DeviceClock(datetime(2026, 11, 21, 22, 30))),
        ("02 f2 06 00 00 00 00 00 00 03", DeviceClock(None)),
        ("02 f2 06 1a 0d 15 16 1e 00 03", None),
        ("02 f2 06 64 0b 15 16 1e 00 03", None),
        ("02 f2 05 1a 0b 15 16 1e 03", None),
        ("02 f4 0b 02 35 30 31 32 33 34 35 36 37 00 03", Identity("Nonin", serial="501234567")),
        ("02 f4 03 02 35 30 03", None),
        ("02 72 00 03", None),
        ("07", None),
        ("", None),
    ],
)
def test_answers(text: str, said: object) -> None:
    assert decode_answer(bytes.fromhex(text)) == said


def test_answers_between_spots_are_heard() -> None:
    events = Format13().feed(PACKET + bytes.fromhex("02 f2 06 1a 0b 15 16 1e 00 03") + PACKET)
    assert DeviceClock(datetime(2026, 11, 21, 22, 30)) in events
    assert len([event for event in events if isinstance(event, Reading)]) == 4
