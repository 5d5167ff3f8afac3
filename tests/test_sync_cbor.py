"""The strict CBOR decoder against cbor2 and against the examples of RFC 8949."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import cbor

SCALARS = st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=60)
ITEMS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.integers(0, 2**64 - 1), inner, max_size=5)
        | st.dictionaries(st.text(max_size=30), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(ITEMS)
def test_what_is_encoded_is_decoded(item: cbor.Plain) -> None:
    data = cbor.encode(item)
    assert cbor.decode(data) == item
    assert cbor2.loads(data) == item


@given(ITEMS, st.binary(min_size=1, max_size=5))
def test_trailing_bytes_are_seen(item: cbor.Plain, tail: bytes) -> None:
    data = cbor.encode(item)
    assert cbor.decode_first(data + tail) == (item, len(data))
    with pytest.raises(cbor.MalformedCbor):
        cbor.decode(data + tail)


@given(st.binary(max_size=80))
def test_what_is_accepted_has_one_encoding(data: bytes) -> None:
    try:
        item = cbor.decode(data)
    except cbor.MalformedCbor:
        return
    assert cbor.encode(item) == data


@given(ITEMS, st.data())
def test_a_cut_item_is_refused(item: cbor.Plain, data: st.DataObject) -> None:
    whole = cbor.encode(item)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(cbor.MalformedCbor):
        cbor.decode(whole[:cut])


# RFC 8949 appendix A: the same values in forms that section 4.2.1 rules out, and kinds that DE1 does not use.
@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("1800", "0 in two bytes"),
        ("190017", "23 in three bytes"),
        ("1a000000ff", "255 in five bytes"),
        ("1b00000000ffffffff", "2^32 - 1 in nine bytes"),
        ("5f42010243030405ff", "byte string of indefinite length"),
        ("9f01ff", "array of indefinite length"),
        ("bf0101ff", "map of indefinite length"),
        ("a2020101 01".replace(" ", ""), "keys out of order"),
        ("a201010102", "the same key twice"),
        ("a20101616102", "keys of two kinds"),
        ("a12001", "a negative key"),
        ("a1410101", "a byte string as key"),
        ("a1800101", "an array as key"),
        ("f90000", "a float"),
        ("f4", "false"),
        ("f6", "null"),
        ("c11a514b67b0", "a tag"),
        ("61ff", "text that is not UTF-8"),
        ("5bffffffffffffffff", "a length beyond all memory"),
        ("9bffffffffffffffff", "an array beyond all memory"),
        ("1c", "a reserved length"),
        ("", "nothing"),
        ("81" * 200 + "01", "nested without end"),
    ],
)
def test_other_forms_are_refused(data: str, why: str) -> None:
    with pytest.raises(cbor.MalformedCbor):
        cbor.decode(bytes.fromhex(data))


def test_examples_of_the_rfc() -> None:
    assert cbor.decode(bytes.fromhex("1bffffffffffffffff")) == 2**64 - 1
    assert cbor.decode(bytes.fromhex("3bffffffffffffffff")) == -(2**64)
    assert cbor.decode(bytes.fromhex("a201020304")) == {1: 2, 3: 4}
    assert cbor.decode(bytes.fromhex("62c3bc")) == "ü"
    assert cbor.decode(bytes.fromhex("98190102030405060708090a0b0c0d0e0f101112131415161718181819")) == list(
        range(1, 26)
    )
