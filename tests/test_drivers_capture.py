"""Captures as text: what is written is read again, and what is no capture is refused in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.capture import WAYS, Capture, CaptureError, Entry, Head, decode, encode

HEAD = '{"capture": 1, "protocol": "suntech", "settings": {"time_scale": 1.0}, "simulated": true}'

entries = st.lists(st.builds(Entry, st.integers(0, 10**12), st.sampled_from(WAYS), st.binary(max_size=40))).map(
    lambda found: tuple(sorted(found, key=lambda entry: entry.at_us))
)
heads = st.builds(
    Head,
    st.sampled_from(["suntech", "nonin"]),
    st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8) | st.floats(allow_nan=False), max_size=3),
    st.booleans(),
)


@given(heads, entries)
def test_what_is_written_is_read_again(head: Head, entries: tuple[Entry, ...]) -> None:
    capture = Capture(head, entries)
    assert decode(encode(capture)) == capture


def test_a_line_is_seconds_way_hex() -> None:
    capture = decode(f"{HEAD}\n0.000000 open\n0.104377 in 3e044f6f\n12.000001 start\n")
    assert capture.entries == (
        Entry(0, "open"),
        Entry(104_377, "in", bytes.fromhex("3e044f6f")),
        Entry(12_000_001, "start"),
    )
    assert capture.head == Head("suntech", {"time_scale": 1.0}, simulated=True)


@pytest.mark.parametrize("first", ["", "{}", "3e 04", '{"capture": 2, "protocol": "x", "settings": {}}', "[1]"])
def test_without_its_head_it_is_no_capture(first: str) -> None:
    with pytest.raises(CaptureError, match="not a capture"):
        decode(f"{first}\n0.000000 open\n")


@pytest.mark.parametrize("line", ["0.0 open", "0.000000 shout 00", "x", "0.000000 in 0", "1.000000 in 3E", " ", "-1"])
def test_a_wrong_line_is_named(line: str) -> None:
    with pytest.raises(CaptureError, match="Line 3"):
        decode(f"{HEAD}\n0.000000 open\n{line}\n")


def test_time_does_not_go_back() -> None:
    with pytest.raises(CaptureError, match="Line 3 of the capture is earlier"):
        decode(f"{HEAD}\n2.000000 open\n1.999999 close\n")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        decode(f"{HEAD}\n{text}")
    except CaptureError as error:
        assert str(error).endswith(".")
