"""CBOR in core deterministic encoding (RFC 8949 section 4.2.1), and a decoder that takes nothing else.

The values are those that DE1 uses: integers, byte and text strings, arrays, and maps whose keys are all unsigned
integers or all text. What `decode` accepts has exactly one encoding, so a hash over bytes is a hash over meaning.
"""

from __future__ import annotations

from typing import TypeAlias

import cbor2

Plain: TypeAlias = "int | bytes | str | list[Plain] | dict[int | str, Plain]"
"""What may stand in a DE1 item."""

MAX_DEPTH = 8
MOST_ITEMS = 32
"""In one array or map: DE1 has at most ten fields, and a few signatures."""
_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = range(6)
_WIDTH = {24: 1, 25: 2, 26: 4, 27: 8}
_SMALLEST = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}


class MalformedCbor(ValueError):
    """The bytes are not one deterministic item of the accepted kinds."""


def encode(value: object) -> bytes:
    """The deterministic encoding of `value`, which is made of the `Plain` kinds.

    cbor2 sorts map keys by length first; for keys of one kind that is the bytewise order of RFC 8949.
    """
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, most: int = MOST_ITEMS) -> Plain:
    """The one item in `data`; `MalformedCbor` where it is not deterministic or bytes follow it.

    An array or a map in it has at most `most` items.
    """
    value, used = _item(data, 0, 0, most)
    if used != len(data):
        raise MalformedCbor("bytes follow the item")
    return value


def decode_first(data: bytes) -> tuple[Plain, int]:
    """The first item in `data` and the number of bytes it takes; `MalformedCbor` where it is not deterministic."""
    return _item(data, 0, 0, MOST_ITEMS)


def _item(data: bytes, at: int, depth: int, most: int) -> tuple[Plain, int]:
    if depth > MAX_DEPTH:
        raise MalformedCbor("nested too deep")
    major, number, at = _head(data, at)
    if major == _UINT:
        return number, at
    if major == _NEGATIVE:
        return -1 - number, at
    if major == _ARRAY:
        return _array(data, at, number, depth, most)
    if major == _MAP:
        return _map(data, at, number, depth, most)
    end = at + number
    if end > len(data):
        raise MalformedCbor("cut short")
    return (data[at:end] if major == _BYTES else _text(data[at:end])), end


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, argument and next position; the argument must be in its shortest form."""
    if at >= len(data):
        raise MalformedCbor("cut short")
    major, short = data[at] >> 5, data[at] & 0x1F
    at += 1
    if major > _MAP or short > 27:
        raise MalformedCbor("a kind that DE1 does not use")
    if short < 24:
        return major, short, at
    end = at + _WIDTH[short]
    if end > len(data):
        raise MalformedCbor("cut short")
    number = int.from_bytes(data[at:end], "big")
    if number < _SMALLEST[short]:
        raise MalformedCbor("not in the shortest form")
    return major, number, end


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedCbor("text is not UTF-8") from None


def _array(data: bytes, at: int, count: int, depth: int, most: int) -> tuple[Plain, int]:
    items: list[Plain] = []
    for _ in range(_bounded(count, data, at, most)):
        item, at = _item(data, at, depth + 1, most)
        items.append(item)
    return items, at


def _map(data: bytes, at: int, count: int, depth: int, most: int) -> tuple[Plain, int]:
    pairs: dict[int | str, Plain] = {}
    last = b""
    kind: type[int] | type[str] = int
    for _ in range(_bounded(count, data, at, most)):
        start = at
        key, at = _item(data, at, depth + 1, most)
        if not isinstance(key, int | str) or (pairs and not isinstance(key, kind)) or data[start] >> 5 == _NEGATIVE:
            raise MalformedCbor("map keys are not all unsigned or all text")
        if pairs and data[start:at] <= last:
            raise MalformedCbor("map keys are not in order")
        last, kind = data[start:at], type(key)
        pairs[key], at = _item(data, at, depth + 1, most)
    return pairs, at


def _bounded(count: int, data: bytes, at: int, most: int) -> int:
    """An announced number of items, refused where the bytes cannot hold so many."""
    if count > len(data) - at:
        raise MalformedCbor("cut short")
    if count > most:
        raise MalformedCbor("more items than DE1 uses")
    return count
