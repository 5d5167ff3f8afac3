"""MT-SICS: the sheet's answers, every status, identity, errors, agreement, and any cut."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import Event, Identity, NoValue, Reading, Trouble
from drivers.mt_sics import LONGEST_LINE, Command, Decoder, encode
from simulators.mt_sics import weight_line

GRAMS = b"S S     125.67 g\r\n"
"""Printed in the protocol sheet, section 7."""
PERSON = b"S S      72.40 kg\r\n"


def one(data: bytes) -> Event:
    (told,) = Decoder().feed(data)
    return told


def test_the_line_of_the_sheet() -> None:
    told = one(GRAMS)
    assert isinstance(told, Reading) and told.value == NoValue("out-of-range"), "0.13 kg is no person"
    assert told.detail == {"shown": "125.67", "shown_unit": "g", "decimals": 2}
    assert weight_line("S", 125.67, "g") == GRAMS


@pytest.mark.parametrize(
    ("data", "kg"),
    [
        (PERSON, 72.4),
        (b"S D      72.40 kg\r\n", 72.4),
        (b"S S     159.60 lb\r\n", 72.393),
        (b"S S    72400.0 g\r\n", 72.4),
    ],
)
def test_weights(data: bytes, kg: float) -> None:
    told = one(data)
    assert isinstance(told, Reading) and told.value == pytest.approx(kg, abs=0.001)
    assert told.flags == {"settling"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"S S       0.00 kg\r\n", "missing"),
        (b"S S     -72.40 kg\r\n", "out-of-range"),
        (b"S S     351.00 kg\r\n", "out-of-range"),
        (b"S +\r\n", "overload"),
        (b"S -\r\n", "overload"),
    ],
)
def test_what_is_no_value(data: bytes, why: str) -> None:
    told = one(data)
    assert isinstance(told, Reading) and isinstance(told.value, NoValue) and told.value.why == why
    assert told.flags == frozenset()


@pytest.mark.parametrize("data", [b"S I\r\n", b"ES\r\n", b"ET\r\n", b"EL\r\n"])
def test_what_the_scale_refuses(data: bytes) -> None:
    told = one(data)
    assert isinstance(told, Trouble) and told.code == "refused"


@pytest.mark.parametrize(
    "data", [b"Z A\r\n", b"Z I\r\n", b"ZI S\r\n", b"T S      72.40 kg\r\n", b"I2 I\r\n", b'I0 B 0 "I0"\r\n']
)
def test_what_answers_a_command_and_is_no_weight(data: bytes) -> None:
    assert Decoder().feed(data) == []


@pytest.mark.parametrize(
    "data",
    [b"S S 72.40\r\n", b"S X 72.40 kg\r\n", b"S S 7e1 kg\r\n", b"S S 72.4 st\r\n", b"\r\n", b"x" * LONGEST_LINE],
)
def test_what_is_refused(data: bytes) -> None:
    told = one(data)
    assert isinstance(told, Trouble) and told.code == "malformed"


def test_identity_grows_with_each_answer() -> None:
    decoder = Decoder()
    assert decoder.feed(b'I4 A "B0123"\r\n') == [Identity("MT-SICS scale", None, "B0123")]
    assert decoder.feed(b'I2 A "ICS685 300 kg"\r\n') == [Identity("ICS685 300 kg", None, "B0123")]
    assert decoder.feed(b'I3 A "1.24"\r\n') == [Identity("ICS685 300 kg", "1.24", "B0123")]


def test_two_stable_lines_that_agree_are_locked() -> None:
    decoder = Decoder()
    lines = [PERSON, PERSON, b"S D      72.40 kg\r\n", PERSON, PERSON, b"S I\r\n", PERSON]
    told = [decoder.feed(data)[0] for data in lines]
    assert ["".join(event.flags) if isinstance(event, Reading) else "-" for event in told] == [
        "settling", "locked", "settling", "settling", "locked", "-", "settling",
    ]  # fmt: skip


def test_every_command_is_a_line() -> None:
    assert {encode(command) for command in get_args(Command)} == {
        f"{name}\r\n".encode() for name in ["S", "SI", "SIR", "Z", "ZI", "T", "@", "I0", "I1", "I2", "I3", "I4", "I5"]
    }


STREAM = PERSON * 2 + GRAMS + b"noise\r\n" + b"S +\r\n" + PERSON[:9] + b"S D   70.1 kg\r\n" + b'I4 A "B"\r\n'


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    pieces = [STREAM[a:b] for a, b in pairwise([0, *sorted(cuts), len(STREAM)])]
    assert [event for piece in pieces for event in decoder.feed(piece)] == Decoder().feed(STREAM)


@given(st.lists(st.sampled_from([b"S S ", b"72.40", b" kg", b"\r\n", b"S +", b'I4 A "']) | st.binary(max_size=20)))
def test_no_soup_breaks_it(soup: list[bytes]) -> None:
    assert all(isinstance(event, Reading | Trouble | Identity) for event in Decoder().feed(b"".join(soup)))
