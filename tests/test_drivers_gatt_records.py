"""Records of a Bluetooth connection: any cut, and what is no record."""

from __future__ import annotations

from binascii import crc_hqx
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drivers import gatt_records as gatt
from drivers.gatt_records import LENGTHS, PATIENCE, Records, record

SOME = record(gatt.WEIGHT, bytes.fromhex("008638")) + record(gatt.MODEL, b"Scale") + record(gatt.SETTLED, b"")
READ = [(gatt.WEIGHT, bytes.fromhex("008638")), (gatt.MODEL, b"Scale"), (gatt.SETTLED, b"")]


def test_the_layout() -> None:
    assert record(gatt.WEIGHT, b"\x00\x86\x38") == bytes.fromhex("9d2a 0300 008638") + crc_hqx(
        bytes.fromhex("9d2a0300008638"), 0
    ).to_bytes(2, "little")


def test_what_was_written_is_read() -> None:
    assert Records().feed(SOME) == READ


def test_noise_is_slid_over_and_counted() -> None:
    assert Records().feed(b"noise" + SOME + b"!" + SOME) == [5, *READ, 1, *READ]


def test_noise_without_a_record_is_reported_now_and_then() -> None:
    assert Records().feed(b"x" * (3 * PATIENCE)) == [PATIENCE] * 2


def test_a_length_that_its_characteristic_cannot_have_is_no_record() -> None:
    assert Records().feed(record(gatt.BATTERY, b"\x10\x20") + SOME)[1:] == READ


@given(st.integers(0, len(SOME) - 1), st.integers(1, 255))
def test_one_wrong_byte_costs_one_record(at: int, wrong: int) -> None:
    worn = bytearray(SOME + SOME)
    worn[at] ^= wrong
    found = [each for each in Records().feed(bytes(worn)) if isinstance(each, tuple)]
    assert len(found) == 5
    assert set(found) <= set(READ)


@given(st.integers(0, len(SOME) - 1))
def test_one_lost_byte_costs_one_record(at: int) -> None:
    found = [each for each in Records().feed(SOME[:at] + SOME[at + 1 :] + SOME) if isinstance(each, tuple)]
    assert len(found) == 5
    assert set(found) <= set(READ)


def test_a_long_text_is_cut() -> None:
    (found,) = Records().feed(record(gatt.MODEL, b"m" * 200))
    assert found == (gatt.MODEL, b"m" * gatt.LONGEST_TEXT)


@given(st.binary(max_size=300), st.lists(st.integers(0, 500)))
def test_any_cut_gives_the_same_and_little_is_kept(soup: bytes, cuts: list[int]) -> None:
    data = soup + SOME
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    records = Records()
    apart = [found for a, b in pairwise(edges) for found in records.feed(data[a:b])]
    assert apart == Records().feed(data)
    assert len(records._pending) < 6 + max(high for _, high in LENGTHS.values())
