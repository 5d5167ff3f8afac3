"""What crosses the socket between core and media process: whole, in any pieces, and refused when it is no frame."""

from __future__ import annotations

import itertools
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.wire import HEAD, MOST, BadWire, Decoder, Item, Picture, encode

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
messages = st.dictionaries(st.text(), values, max_size=5)
items = messages | st.binary(max_size=300) | st.builds(Picture, messages, st.binary(max_size=300))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data cut at these places."""
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(st.lists(items, max_size=5), st.lists(st.integers(0, 2000), max_size=12))
def test_what_goes_in_comes_out_in_whatever_pieces(sent: list[Item], cuts: list[int]) -> None:
    decoder, got = Decoder(), []
    for piece in pieces(b"".join(map(encode, sent)), cuts):
        got += decoder.feed(piece)
    assert got == sent


def test_a_frame_is_laid_out_as_it_is_written_down() -> None:
    assert encode({"type": "beat"}) == b'\x0f\x00\x00\x00\x01{"type":"beat"}'
    assert encode(b"CW..") == b"\x04\x00\x00\x00\x02CW.."
    assert encode(Picture({"a": 1}, b"\xff\xd8")) == b'\x0b\x00\x00\x00\x03\x07\x00{"a":1}\xff\xd8'


def test_a_frame_that_is_not_whole_waits() -> None:
    whole = encode({"type": "beat"})
    decoder = Decoder()
    for octet in whole[:-1]:
        assert decoder.feed(bytes([octet])) == []
    assert decoder.feed(whole[-1:]) == [{"type": "beat"}]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        HEAD.pack(3, 0) + b"abc",
        HEAD.pack(3, 4) + b"abc",
        HEAD.pack(MOST + 1, 2),
        HEAD.pack(0xFFFFFFFF, 1),
        HEAD.pack(2, 1) + b"[]",
        HEAD.pack(2, 1) + b'"x'[:2],
        HEAD.pack(4, 1) + b"null",
        HEAD.pack(2, 1) + b"\xff\xfe",
        HEAD.pack(1, 3) + b"\x01",
        HEAD.pack(4, 3) + struct.pack("<H", 9) + b"{}",
    ],
)
def test_what_is_no_frame_ends_the_connection(data: bytes) -> None:
    with pytest.raises(BadWire):
        Decoder().feed(data)


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waits_and_never_breaks(noise: bytes) -> None:
    try:
        found = Decoder().feed(noise)
    except BadWire:
        return
    assert all(isinstance(each, bytes | dict | Picture) for each in found)


def test_what_is_too_long_or_no_json_is_not_sent() -> None:
    with pytest.raises(ValueError, match="bytes"):
        encode(bytes(MOST + 1))
    with pytest.raises(ValueError, match="JSON"):
        encode({"value": float("nan")})


def test_a_nest_that_is_too_deep_is_refused() -> None:
    deep: Any = b"[" * 100_000
    with pytest.raises(BadWire):
        Decoder().feed(HEAD.pack(len(deep), 1) + deep)
    assert json.loads("[]") == []
