"""The short binary form: the maker's examples, unconfirmed marks, agreement, resynchronising, and any cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import Event, NoValue, Reading, Trouble
from drivers.healthometer_2595kl import Decoder, Scale, encode_message
from simulators.healthometer_2595kl import message

KG = bytes.fromhex("02 82 d7 e4 31 32 33 2e 34 0d")
LB = bytes.fromhex("02 80 d7 e4 31 32 33 2e 34 0d")
BABY = bytes.fromhex("02 82 d7 e4 30 30 34 2e 39 39 30 0d")
"""Pelstar "Communication Protocols" REV 20230711."""


def one(data: bytes) -> Reading:
    (told,) = Decoder().feed(data)
    assert isinstance(told, Reading)
    return told


@pytest.mark.parametrize(
    ("data", "kg", "shown"),
    [(KG, 123.4, "123.4"), (LB, 55.973298, "123.4"), (BABY, 4.99, "004.990"), (b"\x01" + KG[1:], 123.4, "123.4")],
)
def test_examples_of_the_maker(data: bytes, kg: float, shown: str) -> None:
    told = one(data)
    assert told.value == pytest.approx(kg)
    assert told.detail["shown"] == shown


def test_encoders_write_the_makers_bytes() -> None:
    assert encode_message("123.4") == message(123.4) == KG
    assert encode_message("123.4", 0x80) == message(123.4, "lb") == LB
    assert encode_message("004.990") == BABY
    assert message(72.4, start=1)[:5] == b"\x01\x82\xd7\xe40"


@pytest.mark.parametrize("mark", [0xB0, 0xB2])
def test_an_unconfirmed_negative_is_no_value(mark: int) -> None:
    assert one(encode_message("072.4", mark)).value == NoValue("out-of-range")
    assert message(-72.4)[1] == 0xB2


@pytest.mark.parametrize(
    ("number", "why"), [("000.0", "missing"), ("001.9", "out-of-range"), ("350.1", "out-of-range")]
)
def test_what_is_no_value(number: str, why: str) -> None:
    value = one(encode_message(number)).value
    assert isinstance(value, NoValue) and value.why == why


@pytest.mark.parametrize("number", ["72.4", "abcde", "1.2.3", "     ", "-72.4"])
def test_what_is_refused(number: str) -> None:
    (told,) = Decoder().feed(encode_message(number))
    assert isinstance(told, Trouble) and told.code == "malformed"


def test_a_number_that_is_too_long_is_no_message() -> None:
    told = Decoder().feed(encode_message("00000072.4") + KG)
    assert isinstance(told[0], Trouble) and told[0].code == "resync"
    assert isinstance(told[1], Reading) and told[1].value == 123.4


def test_a_message_cut_short_gives_way_to_the_next() -> None:
    told = Decoder().feed(KG[:6] + LB)
    assert [event for event in told if isinstance(event, Reading)] in ([], [one(LB)])
    assert isinstance(Decoder().feed(KG[:6] + LB + KG)[-1], Reading)


def test_two_equal_messages_are_locked() -> None:
    decoder = Decoder()
    told = [decoder.feed(data)[-1] for data in (KG, KG, LB, b"\x00" + LB, LB)]
    assert [set(event.flags) for event in told if isinstance(event, Reading)] == [
        {"settling"}, {"locked"}, {"settling"}, {"settling"}, {"locked"},
    ]  # fmt: skip


def test_the_line_of_the_sheet() -> None:
    assert (Scale.line.baud, Scale.line.bits, Scale.line.parity, Scale.quiet_s) == (2400, 8, "N", None)


STREAM = KG * 2 + b"\x02\x82\xd7" + LB + b"noise\r" + encode_message("00000072.4") + BABY + KG[:8] + KG


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    pieces = [STREAM[a:b] for a, b in pairwise([0, *sorted(cuts), len(STREAM)])]
    assert [event for piece in pieces for event in decoder.feed(piece)] == Decoder().feed(STREAM)


@given(st.lists(st.sampled_from([b"\x02", b"\x82", b"\xd7\xe4", b"072.4", b"\r", KG[:5]]) | st.binary(max_size=20)))
def test_no_soup_breaks_it(soup: list[bytes]) -> None:
    told: list[Event] = Decoder().feed(b"".join(soup))
    assert all(isinstance(event, Reading | Trouble) for event in told)
