"""The Detecto solo: its line in both units, units that cannot be known, agreement, and any cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.detecto import LONGEST_LINE, REQUEST, Decoder
from drivers.events import Event, NoValue, Reading, Trouble, Value
from simulators.detecto import line

METRIC = b"10:42,11/27/26,23.6,175.0,72.4\r"
IMPERIAL = b"10:42,11/27/26,23.6,68.9,159.6\r"
"""The same person by the order of the sheet (section 7): time, date, index, height, weight."""


def values(data: bytes) -> dict[str, Value]:
    return {event.quantity: event.value for event in Decoder().feed(data) if isinstance(event, Reading)}


def test_the_request_of_the_sheet() -> None:
    assert bytes.fromhex("0a 50 0d") == REQUEST


def test_the_index_tells_the_units() -> None:
    assert values(METRIC) == {"weight": 72.4, "height": 175.0, "bmi": 23.6}
    told = values(IMPERIAL)
    assert told["weight"] == pytest.approx(72.39, abs=0.01)
    assert told["height"] == pytest.approx(175.0, abs=0.1)


def test_a_unit_that_is_written_is_taken() -> None:
    assert values(b"10:42,11/27/26,0.0,0.0,72.4 kg\r")["weight"] == 72.4
    assert values(b"10:42,11/27/26,0.0,0.0,159.6lb\r")["weight"] == pytest.approx(72.39, abs=0.01)
    contradicts = Decoder().feed(b"10:42,11/27/26,0.0,68.9 in,72.4 kg\r")
    assert [event.value for event in contradicts if isinstance(event, Reading)] == [NoValue("out-of-range")]


@pytest.mark.parametrize("data", [b"a,b,0.0,175.0,72.4\r", b"a,b,23.6,0.0,72.4\r", b"a,b,30.0,175.0,72.4\r"])
def test_units_that_cannot_be_known_give_no_weight(data: bytes) -> None:
    (told,) = Decoder().feed(data)
    assert isinstance(told, Reading)
    assert told.value == NoValue("out-of-range")
    assert told.flags == {"unit-unknown"}


def test_an_empty_scale_has_no_weight() -> None:
    assert values(b"10:42,11/27/26,0.0,0.0,0.0\r") == {"weight": NoValue("missing")}


@pytest.mark.parametrize(
    "data", [b"72.4\r", b"a,b,c,d,e\r", b"a,b,23.6,175.0,-72.4\r", b"a,b,1,2,3,4\r", b"\r", b"x" * (LONGEST_LINE + 1)]
)
def test_what_is_refused(data: bytes) -> None:
    assert [event.code for event in Decoder().feed(data) if isinstance(event, Trouble)] == ["malformed"]


def test_two_answers_with_the_same_numbers_are_locked_whatever_the_clock_says() -> None:
    decoder = Decoder()
    told = [decoder.feed(data) for data in (METRIC, METRIC.replace(b":42", b":43"), IMPERIAL)]
    assert [next(set(e.flags) for e in events if isinstance(e, Reading)) for events in told] == [
        {"settling"}, {"locked"}, {"settling"},
    ]  # fmt: skip


def test_the_simulator_writes_that_line() -> None:
    assert line(72.4, 175.0, 23.64) == METRIC
    assert line(72.4, 175.0, 23.64, imperial=True) == IMPERIAL


STREAM = METRIC * 2 + b"\n" + IMPERIAL + b"noise\r" + METRIC[:12] + METRIC


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    pieces = [STREAM[a:b] for a, b in pairwise([0, *sorted(cuts), len(STREAM)])]
    assert [event for piece in pieces for event in decoder.feed(piece)] == Decoder().feed(STREAM)


@given(st.lists(st.sampled_from([b"a,b,", b"23.6,", b"175.0,", b"72.4", b"\r", b"\n"]) | st.binary(max_size=20)))
def test_no_soup_breaks_it(soup: list[bytes]) -> None:
    told: list[Event] = Decoder().feed(b"".join(soup))
    assert all(isinstance(event, Reading | Trouble) for event in told)


def test_a_tipped_scale_gives_no_weight_and_no_index() -> None:
    decoder = Decoder()
    for _ in range(2):
        decoder.feed(b"10:42,11/27/26,1.0 ,175.0 cm,3.2 kg\r")
    told = decoder.feed(b"10:42,11/27/26,24.7,175.0 cm,75.6 kg\r")
    found = {event.quantity: event.value for event in told if isinstance(event, Reading)}
    assert found == {"weight": NoValue("device-error"), "height": 175.0, "bmi": NoValue("device-error")}
