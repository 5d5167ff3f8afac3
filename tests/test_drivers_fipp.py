"""FIPP words: the maker's commands, the version, damage, and any cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import Event, Identity, Trouble
from drivers.fipp import COMMANDS, MOST_WORDS, Decoder, encode, encode_answer

VERSION = bytes.fromhex("1c 90 06 00 e0 00 00 00 00 00 00 00 00 00 64 00 99 6e")
"""Constructed by the protocol sheet (audiometer, B)."""


@pytest.mark.parametrize(
    ("command", "data"), [("get-registers", "01 10 00 00 fe ef"), ("version", "1c 10 00 00 e3 ef")]
)
def test_commands_of_the_maker(command: str, data: str) -> None:
    assert encode(command) == bytes.fromhex(data)


def test_the_version_is_an_identity() -> None:
    assert Decoder().feed(VERSION) == [Identity("FONIX FA10", firmware="2.24")]
    assert encode_answer(28, 224, 0, 0, 0, 0, 100) == VERSION
    assert Decoder().feed(encode_answer(28, 224, 0, 0, 0, 0, 102)) == [Identity("FONIX FA12", firmware="2.24")]
    assert Decoder().feed(encode_answer(28, 224, 0, 0, 0, 0, 7)) == [Identity("Frye audiometer", firmware="2.24")]


def test_an_answer_whose_meaning_is_not_public_is_passed_over() -> None:
    for number in COMMANDS.values():
        assert Decoder().feed(encode_answer(number, 1, 2, 3)) == []


def test_a_damaged_answer_is_told_and_the_next_one_read() -> None:
    damaged = bytearray(VERSION)
    damaged[4] ^= 1
    told = Decoder().feed(bytes(damaged) + VERSION)
    assert told[0] == Trouble("checksum", "an answer was damaged")
    assert told[-1] == Identity("FONIX FA10", firmware="2.24")


def test_more_words_than_there_are_is_no_answer() -> None:
    long = encode_answer(28, *range(MOST_WORDS + 1))
    assert Decoder().feed(long + VERSION)[-1] == Identity("FONIX FA10", firmware="2.24")


STREAM = VERSION + b"noise" + VERSION[:7] + encode_answer(1, *range(14)) + VERSION[:-1] + b"\x00" + VERSION * 2


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    pieces = [STREAM[a:b] for a, b in pairwise([0, *sorted(cuts), len(STREAM)])]
    assert [event for piece in pieces for event in decoder.feed(piece)] == Decoder().feed(STREAM)


@given(st.lists(st.sampled_from([b"\x1c\x90", b"\x06\x00", VERSION[:6]]) | st.binary(max_size=20)))
def test_no_soup_breaks_it(soup: list[bytes]) -> None:
    told: list[Event] = Decoder().feed(b"".join(soup))
    assert all(isinstance(event, Identity | Trouble) for event in told)
