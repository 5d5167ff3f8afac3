"""Formats 1 and 8: what stands alone is not believed, what is held for the display is not read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import Event, Identity, NoValue, Reading, Trouble
from drivers.nonin_seconds import AGREE_RATE, FORMAT_1, FORMAT_8, PROOF, Format1, Format8, Short, encode_second

DECODER = {FORMAT_1.form: Format1, FORMAT_8.form: Format8}
NORMAL_1, HIGH_1, MISSING_1 = (bytes.fromhex(text) for text in ("80 48 61", "81 34 60", "f3 7f 7f"))
"""Pulse 72 and 97 %; 180 and 96 %; nothing: disconnected, out of track, low perfusion (sheet sections 3 and 8)."""
NORMAL_8, REMOVED_8, NO_PULSE_8, FAST_8 = (
    bytes.fromhex(text) for text in ("80 39 62 20", "80 39 62 08", "8b 7f 62 00", "89 6b 62 00")
)
"""57 and 98 % with SmartPoint; the same held without a finger; no pulse; 235 and 98 % (opentele-client-android)."""

layouts = pytest.mark.parametrize("layout", [FORMAT_1, FORMAT_8], ids=["df1", "df8"])


def heard(layout: Short, data: bytes) -> list[Event]:
    return DECODER[layout.form]().feed(data)


def values(events: list[Event]) -> list[object]:
    return [event.value for event in events if isinstance(event, Reading)]


@layouts
def test_frames_are_laid_out_as_documented(layout: Short) -> None:
    if layout is FORMAT_1:
        assert encode_second(layout, 72, 97) == NORMAL_1
        assert encode_second(layout, 180, 96) == HIGH_1
        said = frozenset({"sensor-disconnected", "out-of-track", "low-perfusion"})
        assert encode_second(layout, 511, 127, said) == MISSING_1
    else:
        assert encode_second(layout, 57, 98, frozenset({"smartpoint"})) == NORMAL_8
        assert encode_second(layout, 57, 98, frozenset({"finger-out"})) == REMOVED_8
        assert encode_second(layout, 511, 98, frozenset({"marginal-perfusion"})) == NO_PULSE_8
        assert encode_second(layout, 235, 98, frozenset({"marginal-perfusion"})) == FAST_8


@pytest.mark.parametrize(
    ("layout", "frame", "spo2", "rate"),
    [
        (FORMAT_1, NORMAL_1, 97.0, 72.0),
        (FORMAT_1, HIGH_1, 96.0, 180.0),
        (FORMAT_1, MISSING_1, NoValue("sensor-disconnected"), NoValue("sensor-disconnected")),
        (FORMAT_8, NORMAL_8, 98.0, 57.0),
        (FORMAT_8, REMOVED_8, NoValue("finger-out"), NoValue("finger-out")),
        (FORMAT_8, NO_PULSE_8, 98.0, NoValue("missing")),
        (FORMAT_8, FAST_8, 98.0, 235.0),
    ],
)
def test_documented_frames(layout: Short, frame: bytes, spo2: object, rate: object) -> None:
    events = heard(layout, frame * (PROOF + 2))
    assert events[0] == Identity(f"Nonin, serial format {layout.form}")
    assert values(events)[-2:] == [spo2, rate]
    assert {event.unit for event in events if isinstance(event, Reading)} == {"%", "/min"}


@layouts
def test_fewer_frames_than_the_proof_are_not_believed(layout: Short) -> None:
    frame = encode_second(layout, 72, 97)
    assert heard(layout, frame * (PROOF - 1)) == []
    assert values(heard(layout, frame * PROOF)) == [97.0, 72.0] * (PROOF - 1)


@layouts
def test_a_number_that_stands_alone_is_not_said(layout: Short) -> None:
    calm, odd = encode_second(layout, 72, 97), encode_second(layout, 72 + AGREE_RATE + 1, 97)
    assert values(heard(layout, calm * 5 + odd + calm * 2)) == [97.0, 72.0] * 5
    assert values(heard(layout, calm * 5 + odd * 2))[-1] == 85.0


@layouts
def test_a_finger_that_left_is_said_at_once(layout: Short) -> None:
    calm, gone = encode_second(layout, 72, 97), encode_second(layout, 72, 97, frozenset({"out-of-track"}))
    assert values(heard(layout, calm * 5 + gone))[-2:] == [NoValue("out-of-track")] * 2


@layouts
def test_a_malformed_frame_needs_the_whole_proof_again(layout: Short) -> None:
    calm = encode_second(layout, 72, 97)
    events = heard(layout, calm * 5 + calm[:-1] + calm * (PROOF - 1))
    assert len(values(events)) == 2 * 4
    assert [event.code for event in events if isinstance(event, Trouble)] == ["malformed"]
    assert len(values(heard(layout, calm * 5 + calm[:-1] + calm * (PROOF + 1)))) > 2 * 4


@pytest.mark.parametrize(("rate", "spo2"), [(17, 97), (322, 97), (510, 97), (72, 101), (72, 126)])
@layouts
def test_impossible_numbers_are_no_frame(layout: Short, rate: int, spo2: int) -> None:
    assert values(heard(layout, encode_second(layout, rate, spo2) * 10)) == []


@layouts
@given(soup=st.binary(max_size=400), cuts=st.lists(st.integers(0, 500)))
def test_any_cut_gives_the_same_events_and_the_line_is_found_again(
    layout: Short, soup: bytes, cuts: list[int]
) -> None:
    calm = encode_second(layout, 72, 97)
    data = calm * 5 + soup + calm * 8
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    decoder = DECODER[layout.form]()
    apart = [event for a, b in pairwise(edges) for event in decoder.feed(data[a:b])]
    assert apart == heard(layout, data)
    assert values(apart)[-2:] == [97.0, 72.0]
    assert len(decoder._buffer) < 100
