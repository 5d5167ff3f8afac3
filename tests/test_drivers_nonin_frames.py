"""Frames of Nonin format 7 against bytes made by hand from the maker's table, and the framer on broken lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import Trouble
from drivers.nonin_frames import (
    FRAMES,
    GPRF,
    HR_RANGE,
    NO_HR,
    NO_SPO2,
    OOT,
    SLOTS,
    SNSA,
    SYNC,
    Frame,
    Framer,
    Item,
    Loss,
    encode_floats,
    encode_frame,
    encode_packet,
)
from tests.nonin_packets import CALM, EMPTY, FAST, FORMAT_2

STREAM = CALM * 6


def frames(items: list[Item]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def faults(items: list[Item]) -> list[Loss | Trouble]:
    return [item for item in items if not isinstance(item, Frame)]


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """`data` cut at these places."""
    return (data[a:b] for a, b in pairwise([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]))


def test_a_frame_is_status_pleth_float_and_the_sum_of_them() -> None:
    assert encode_frame(SYNC, 1000, 0) == bytes.fromhex("81 03 e8 00 6c")
    assert encode_frame(GPRF, 0x0578, 0) == bytes.fromhex("82 05 78 00 ff")
    assert encode_frame(SNSA | OOT, 0x8000, 0x7F) == bytes.fromhex("98 80 00 7f 97")


def test_packets_are_encoded_as_they_were_made_by_hand() -> None:
    beat = [GPRF if 4 <= place < 16 else 0 for place in range(25)]
    averages = dict.fromkeys(("hr", "e_hr", "hr_d", "e_hr_d"), 72)
    saturations = dict.fromkeys(("spo2", "spo2_d", "spo2_fast", "spo2_bb", "e_spo2", "e_spo2_d"), 97)
    assert encode_packet(beat, range(1000, 3500, 100), {**averages, **saturations, "srev": 48}) == CALM
    gone = dict.fromkeys(("hr", "e_hr"), NO_HR) | dict.fromkeys(("spo2", "spo2_fast", "spo2_bb", "e_spo2"), NO_SPO2)
    held = {"spo2_d": 98, "e_spo2_d": 98, "hr_d": 72, "e_hr_d": 72, "srev": 45}
    assert encode_packet([SNSA | OOT] * 25, [0x8000] * 25, gone | held) == EMPTY


@given(st.integers(0, NO_HR), st.integers(0, 127), st.integers(0, 2**14 - 1))
def test_numbers_of_two_bytes_are_shifted_by_seven(rate: int, spo2: int, timer: int) -> None:
    floats = encode_floats({"hr": rate, "spo2": spo2, "tmr": timer})
    assert (floats[0] & 0x03) << 7 | floats[1] & 0x7F == rate
    assert floats[2] == spo2
    assert floats[5] << 7 | floats[6] == timer
    assert len(floats) == FRAMES and max(floats) <= 127


def test_every_slot_belongs_to_one_number() -> None:
    slots = [slot for places in SLOTS.values() for slot in places]
    assert len(set(slots)) == len(slots)
    assert set(range(1, 26)) - set(slots) == {5, 12, 13, 18, 19, 24, 25}
    assert HR_RANGE[1] < NO_HR


@pytest.mark.parametrize("packet", [CALM, FAST])
def test_a_clean_line_gives_every_frame_and_nothing_else(packet: bytes) -> None:
    items = Framer().feed(packet * 3)
    assert [item.number for item in frames(items)] == [*range(1, 26)] * 3
    assert not faults(items)


def test_a_line_joined_in_the_middle_of_a_frame_is_no_trouble() -> None:
    items = Framer().feed(CALM[37:] + CALM)
    assert [item.number for item in frames(items)] == [*range(9, 26), *range(1, 26)]
    assert not faults(items)


def test_frames_are_believed_only_after_a_sync() -> None:
    framer = Framer()
    assert framer.feed(CALM[25:]) == []
    assert len(framer.feed(CALM[:5])) == 21
    assert framer.feed(CALM[5:10]) == [Frame(2, 0x80, 0x044C, 72)]


def test_one_sync_alone_is_not_enough() -> None:
    framer = Framer()
    assert framer.feed(CALM[:9]) == []
    assert len(framer.feed(CALM[9:10])) == 2


def test_an_empty_sensor_whose_frames_look_alike_at_every_byte_is_framed_by_its_sync() -> None:
    # 98 80 00 00 18 has a good sum when it is read one byte late, too.
    items = Framer().feed(EMPTY[26:] + EMPTY * 2)
    assert {item.status & ~SYNC for item in frames(items)} == {0x98}
    assert not faults(items)


@pytest.mark.parametrize("place", range(25))
@pytest.mark.parametrize("byte", range(5))
def test_a_damaged_byte_costs_one_frame_and_no_time(place: int, byte: int) -> None:
    damaged = bytearray(STREAM)
    damaged[3 * 125 + place * 5 + byte] ^= 0x40
    items = Framer().feed(bytes(damaged))
    assert len(frames(items)) == 6 * 25 - 1
    assert faults(items) == [Trouble("checksum"), Loss(1)]


def test_two_damaged_packets_are_counted_too() -> None:
    damaged = bytearray(STREAM)
    for at in range(126, 3 * 125, 20):
        damaged[at] ^= 0x40
    items = Framer().feed(bytes(damaged))
    lost = [item.frames for item in items if isinstance(item, Loss)]
    assert None not in lost
    assert sum(filter(None, lost)) == 6 * 25 - len(frames(items))


@pytest.mark.parametrize("place", [0, 1, 4, 62, 124])
def test_a_missing_byte_is_a_loss_of_which_nobody_knows_how_much(place: int) -> None:
    at = 2 * 125 + place
    items = Framer().feed(STREAM[:at] + STREAM[at + 1 :])
    assert Loss(None) in items
    assert len(frames(items)) >= 6 * 25 - 3


def test_missing_frames_are_noticed_by_a_sync_that_comes_too_early() -> None:
    items = Framer().feed(CALM + CALM[:50] + CALM)
    assert faults(items) == [Loss(None)]
    assert [item.number for item in frames(items)] == [*range(1, 26), *range(1, 11), *range(1, 26)]


def test_a_missing_sync_drops_to_the_hunt() -> None:
    items = Framer().feed(CALM + CALM[25:] + CALM)
    assert faults(items) == [Loss(None)]
    assert [item.number for item in frames(items)] == [*range(1, 26), *range(6, 26), *range(1, 26)]


def test_two_syncs_in_a_row_are_never_believed() -> None:
    assert not frames(Framer().feed(CALM[:5] * 60))


def test_more_than_a_packet_without_a_sync_is_never_believed() -> None:
    items = Framer().feed(CALM[25:30] * 200)
    assert not frames(items)
    assert [item.code for item in items if isinstance(item, Trouble)] == ["resync"] * 2


def test_another_format_is_reported_once_a_second_and_never_believed() -> None:
    items = Framer().feed(FORMAT_2 * 9)
    assert not frames(items)
    assert [item.code for item in items if isinstance(item, Trouble)] == ["resync"] * 2


@given(st.lists(st.integers(0, 2000)))
def test_any_cut_gives_the_same_frames(cuts: list[int]) -> None:
    damaged = bytearray(STREAM)
    damaged[200] ^= 0x10
    del damaged[500:507]
    framer = Framer()
    apart = [item for piece in pieces(bytes(damaged), cuts) for item in framer.feed(piece)]
    assert apart == Framer().feed(bytes(damaged))


@given(st.binary(max_size=600))
def test_no_soup_raises_and_the_next_packets_are_found(soup: bytes) -> None:
    framer = Framer()
    framer.feed(soup)
    found = frames(framer.feed(CALM * 4))
    assert [item.number for item in found[-50:]] == [*range(1, 26)] * 2
