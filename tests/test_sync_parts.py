"""Parts: whatever the sizes, the whole comes back from its parts, and nothing else is taken for one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync import cbor
from sync.envelope import MAX_ENVELOPE
from sync.parts import LEAST, MOST_PARTS, Part, read_part, split
from sync.receipt import is_receipt
from tests.sync_parties import SRC, mid, receipt, sealed

MID = mid(1)


def parts_of(envelope: bytes, most: int) -> list[Part]:
    found = [read_part(message) for message in split(MID, envelope, most)]
    assert None not in found
    return [part for part in found if part is not None]


@given(st.integers(LEAST + 1, 60_000), st.integers(LEAST, 20_000))
@example(LEAST + 1, LEAST)
@example(2 * (LEAST - 63), LEAST)
def test_the_whole_comes_back_from_parts_that_fit(size: int, most: int) -> None:
    envelope = bytes(number % 251 for number in range(size))
    messages = split(MID, envelope, most)
    assert all(len(message) <= most for message in messages)
    if size <= most:
        assert messages == [envelope]
        return
    parts = parts_of(envelope, most)
    assert b"".join(part.data for part in parts) == envelope
    assert [part.index for part in parts] == list(range(len(parts)))
    digest = hashlib.sha256(envelope).digest()
    assert {(part.mid, part.envelope_hash, part.count) for part in parts} == {(MID, digest, len(parts))}
    assert len(parts) >= 2


@given(st.integers(LEAST, 4200), st.integers(0, 60), st.sampled_from([20_000, 2_000_000]))
def test_the_same_number_of_parts_has_the_same_pieces(one: int, more: int, size: int) -> None:
    envelope = bytes(range(250)) * (size // 250)
    parts, again = parts_of(envelope, one), parts_of(envelope, one + more)
    assert (len(parts) == len(again)) == (parts == again)
    assert parts[-1].index == parts[-1].count - 1


def test_the_largest_envelope_fits_the_smallest_parts() -> None:
    messages = split(MID, bytes(MAX_ENVELOPE), LEAST)
    assert len(messages) <= MOST_PARTS
    assert max(map(len, messages)) <= LEAST
    last = read_part(messages[-1])
    assert last is not None
    assert last.count == len(messages) == last.index + 1


def test_a_bound_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="4096"):
        split(MID, bytes(10), LEAST - 1)


def test_envelopes_and_receipts_are_no_parts_and_parts_are_no_receipts() -> None:
    envelope = sealed(1).envelope
    assert read_part(envelope) is None
    assert read_part(receipt(MID, envelope, SRC)) is None
    assert not is_receipt(split(MID, bytes(LEAST + 1), LEAST)[1])


DIGEST = bytes(32)


@pytest.mark.parametrize(
    "item",
    [
        [MID, DIGEST, 0, 1, b"x"],
        [MID, DIGEST, 2, 2, b"x"],
        [MID, DIGEST, -1, 2, b"x"],
        [MID, DIGEST, 0, MOST_PARTS + 1, b"x"],
        [MID, DIGEST, 0, 2, b""],
        [MID, DIGEST, 0, 2, "x"],
        [MID[1:], DIGEST, 0, 2, b"x"],
        [MID, DIGEST[1:], 0, 2, b"x"],
        [MID, DIGEST, 0, 2],
        [MID, DIGEST, 0, 2, b"x", b"x"],
        [[MID], DIGEST, 0, 2, b"x"],
    ],
)
def test_what_no_sender_makes_is_no_part(item: list[object]) -> None:
    assert read_part(cbor.encode([MID, DIGEST, 0, 2, b"x"])) == Part(MID, DIGEST, 0, 2, b"x")
    assert read_part(cbor.encode(item)) is None


def test_more_than_an_envelope_is_no_part() -> None:
    assert read_part(cbor.encode([MID, DIGEST, 0, 2, bytes(MAX_ENVELOPE)])) is None


@given(st.binary(max_size=80))
@example(b"\x85")
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    for message in (data, b"\x85" + data, cbor.encode([MID, DIGEST, 0, 2, b"x"]) + data[:1]):
        part = read_part(message)
        assert part is None or isinstance(part, Part)
