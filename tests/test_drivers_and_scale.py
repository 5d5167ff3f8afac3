"""The A&D standard format: the sheet's line, every header, units, signs, agreement, and any cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.and_scale import LONGEST_LINE, Decoder, Scale, encode
from drivers.events import Event, NoValue, Reading, Trouble
from simulators.and_scale import beyond, line

GRAMS = b"ST,+00123.45  g\r\n"
"""Printed in the protocol sheet, section 7."""
PERSON = b"ST,+00072.40 kg\r\n"


def one(data: bytes) -> Reading:
    (told,) = Decoder().feed(data)
    assert isinstance(told, Reading)
    return told


def test_the_line_of_the_sheet() -> None:
    told = one(GRAMS)
    assert len(GRAMS) == 17
    assert told.detail == {"shown": "+00123.45", "shown_unit": "g", "decimals": 2}
    assert told.value == NoValue("out-of-range"), "0.12 kg is no person"


@pytest.mark.parametrize(
    ("data", "kg"),
    [
        (PERSON, 72.4),
        (b"ST,+00159.60 lb\r\n", 72.393),
        (b"ST,+72400.00  g\r\n", 72.4),
        (b"ST,+0002560. oz\r\n", None),
        (b"US,+00072.40 kg\r\n", 72.4),
    ],
)
def test_weights(data: bytes, kg: float | None) -> None:
    (told,) = Decoder().feed(data)
    if kg is None:
        assert isinstance(told, Trouble) and told.code == "malformed"
    else:
        assert isinstance(told, Reading) and told.value == pytest.approx(kg, abs=0.001)
        assert told.flags == {"settling"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"ST,+00000.00 kg\r\n", "missing"),
        (b"ST,-00000.00 kg\r\n", "missing"),
        (b"ST,-00072.40 kg\r\n", "out-of-range"),
        (b"ST,+00351.00 kg\r\n", "out-of-range"),
        (b"OL,+9999999E+19\r\n", "overload"),
        (b"OL,-9999999E+19\r\n", "overload"),
    ],
)
def test_what_is_no_value(data: bytes, why: str) -> None:
    told = one(data)
    assert isinstance(told.value, NoValue) and told.value.why == why
    assert told.flags == frozenset()


def test_the_sign_of_an_overload_is_kept() -> None:
    assert (one(beyond("+")).detail["shown"], one(beyond("-")).detail["shown"]) == ("+", "-")


@pytest.mark.parametrize(
    "data",
    [
        b"QT,+00000012 PC\r\n",
        b"ST,+00072.40 st\r\n",
        b"ST,+0072.40 kg\r\n",
        b"ST,00072.400 kg\r\n",
        b"ST,+0007 2.4 kg\r\n",
        b"XX,+00072.40 kg\r\n",
        b"ST,+00a72.40 kg\r\n",
        b"\r\n",
        b"x" * LONGEST_LINE,
    ],
)
def test_what_is_refused(data: bytes) -> None:
    (told,) = Decoder().feed(data)
    understood = data.startswith(b"QT") or b" st" in data
    assert isinstance(told, Trouble) and told.code == ("refused" if understood else "malformed")


def test_a_refused_command_is_the_scales_word() -> None:
    assert Decoder().feed(b"EC,E01\r\n") == [Trouble("refused", "the scale refused a command")]


def flags(*lines: bytes) -> list[str]:
    decoder = Decoder()
    events = [decoder.feed(data)[0] for data in lines]
    return ["".join(event.flags) if isinstance(event, Reading) else "refused" for event in events]


def test_two_stable_lines_that_agree_are_locked() -> None:
    unstable, other = line("US", 72.4), line("ST", 72.5)
    assert flags(PERSON, PERSON, PERSON) == ["settling", "locked", "locked"]
    assert flags(PERSON, other, PERSON) == ["settling"] * 3
    assert flags(unstable, unstable, PERSON) == ["settling"] * 3
    assert flags(PERSON, unstable, PERSON) == ["settling"] * 3
    assert flags(PERSON, b"ST,+0007\r\n", PERSON) == ["settling", "refused", "settling"]


def test_the_simulators_encoder_writes_the_sheets_line() -> None:
    assert line("ST", 123.45, "  g") == GRAMS
    assert line("ST", -3.2) == b"ST,-00003.20 kg\r\n"


def test_commands() -> None:
    assert [encode("Q"), encode("S"), encode("Z")] == [b"Q\r\n", b"S\r\n", b"Z\r\n"]
    assert (Scale.line.baud, Scale.line.bits, Scale.line.parity) == (2400, 7, "E")


STREAM = PERSON * 2 + GRAMS + b"noise\r\n" + beyond("+") + PERSON[:9] + line("US", 70.1) + b"EC,E01\r\n"


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    pieces = [STREAM[a:b] for a, b in pairwise([0, *sorted(cuts), len(STREAM)])]
    assert [event for piece in pieces for event in decoder.feed(piece)] == Decoder().feed(STREAM)


@given(st.lists(st.sampled_from([b"ST,+", b"00072.40", b" kg", b"\r\n", b"OL,", b"US"]) | st.binary(max_size=20)))
def test_no_soup_breaks_it(soup: list[bytes]) -> None:
    told: list[Event] = Decoder().feed(b"".join(soup))
    assert all(isinstance(event, Reading | Trouble) for event in told)
