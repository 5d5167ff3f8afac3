"""What a card says: whole records, cut records, damaged ones, and what is between them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import ButtonPress, CardTime, Event, NoValue, RoomNoise, Trouble, Value
from drivers.headphone_records import Decoder, bands, button_record, card_record, noise_record
from drivers.phones import TONES
from drivers.tones import RATE

LEVELS: Mapping[int, Value] = dict.fromkeys(TONES, -90.5) | {125: NoValue("missing")}
RECORDS: list[tuple[bytes, Event]] = [
    (card_record(48000, 24000, None, 0), CardTime(1.0, 0.5, None, 0)),
    (card_record(96000, 24000, 72000, 3), CardTime(2.0, 0.5, 1.5, 3)),
    (button_record(12000, True), ButtonPress(0.25, True)),
    (button_record(14400, False), ButtonPress(0.3, False)),
    (noise_record(24000, LEVELS), RoomNoise(0.5, LEVELS, frozenset({"uncalibrated"}))),
]
BYTES = b"".join(data for data, _ in RECORDS)
EVENTS: list[Event] = [event for _, event in RECORDS]


def test_a_record_is_the_bytes_of_the_sheet() -> None:
    assert button_record(1, True)[:12].hex() == "a5500800" + "0100000000000000"
    assert card_record(1, 0, None, 0)[:4].hex() == "a5431c00"


def test_every_record_is_told() -> None:
    assert Decoder().feed(BYTES) == EVENTS


@given(st.lists(st.integers(0, len(BYTES)), max_size=12))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder, told = Decoder(), list[Event]()
    edges = [0, *sorted(cuts), len(BYTES)]
    for a, b in pairwise(edges):
        told += decoder.feed(BYTES[a:b])
    assert told == EVENTS


@given(st.binary(max_size=400))
def test_soup_before_a_record_hides_at_most_what_it_swallows(soup: bytes) -> None:
    told = Decoder().feed(soup + BYTES * 3)
    assert [event for event in told if not isinstance(event, Trouble)][-len(EVENTS) :] == EVENTS


@pytest.mark.parametrize("at", range(len(RECORDS[2][0])))
def test_a_damaged_record_is_refused_and_the_next_one_is_not(at: int) -> None:
    damaged = bytearray(RECORDS[2][0])
    damaged[at] ^= 0x01
    told = Decoder().feed(bytes(damaged) + BYTES)
    assert [event for event in told if not isinstance(event, Trouble)] == EVENTS
    assert any(isinstance(event, Trouble) for event in told)


def test_memory_is_bounded_whatever_comes() -> None:
    decoder = Decoder()
    for _ in range(1000):
        decoder.feed(b"\xa5C\x1c\x00" * 64)
    assert len(decoder._kept) < 64


# --- the room -----------------------------------------------------------------------------------------------------


def sine(hz: float, dbfs: float) -> bytes:
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz / RATE * np.arange(RATE // 4))
    return bytes(np.rint(wave * 32767).astype("<i2"))


@pytest.mark.parametrize("hz", TONES)
def test_a_sine_is_in_its_band_at_its_level(hz: int) -> None:
    told = bands(sine(hz, -30))
    assert told[hz] == pytest.approx(-30, abs=0.5)
    assert all(isinstance(level, NoValue) or level < -60 for other, level in told.items() if other != hz)


def test_a_microphone_that_says_the_same_all_along_is_not_a_silent_room() -> None:
    assert set(bands(bytes(24000)).values()) == {NoValue("missing")}
    assert set(bands(b"\x05\x00" * 12000).values()) == {NoValue("missing")}
    assert set(bands(b"").values()) == {NoValue("missing")}
    assert set(bands(sine(1000, -20)[:200]).values()) == {NoValue("missing")}
