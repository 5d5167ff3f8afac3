"""The TM 262 record: vectors of the protocol sheet, its codes for "no value", retransmission, and every cable."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import fipp
from drivers.errors import Unplugged
from drivers.events import Event, HearingRecord, Identity, NoValue, Trouble, Value
from drivers.pipe import CABLES, DRIP, LATE, WHOLE, Cable, pipe
from drivers.tm262 import FREQUENCIES, NOT_TESTED, UNCONFIRMED, Audiometer, Decoder, encode_record
from simulators import tm262 as simulated
from simulators.body import Body
from tests.protocol_vectors import read_vectors

# Constructed from the manual by the protocol sheet; 0096 = 75 dB is the maker's own example.
LEFT_NORMAL = b":y011-----010014001400" + b"0A000A0000000A00140014001E0028001E44\r\n"
RIGHT_NOTCH = b":y011-----02001E00140014001400140" + b"01E00280046006E005A003252\r\n"
LEFT_CODES = b":y011-----018000009600288000003280000050" + b"0078012C00B4012C53\r\n"
LEFT_NEGATIVE = b":y011-----01FFF6FFECFFF60000000000000000000A0000000A000A5E\r\n"

NT, NR = NoValue("not-tested"), NoValue("no-response")


def record(data: bytes) -> HearingRecord:
    (event,) = Decoder().feed(data)
    assert isinstance(event, HearingRecord)
    return event


@pytest.mark.parametrize(
    ("data", "ear", "levels"),
    [
        (LEFT_NORMAL, "left", [10, 10, 5, 5, 0, 5, 10, 10, 15, 20, 15]),
        (RIGHT_NOTCH, "right", [15, 10, 10, 10, 10, 15, 20, 35, 55, 45, 25]),
        (LEFT_CODES, "left", [NT, 75, 20, NT, 25, NT, 40, 60, NR, 90, NR]),
        (LEFT_NEGATIVE, "left", [-5, -10, -5, 0, 0, 0, 0, 5, 0, 5, 5]),
    ],
)
def test_vectors(data: bytes, ear: str, levels: list[Value]) -> None:
    told = record(data)
    assert told.ear == ear
    assert told.thresholds == dict(zip(FREQUENCIES, levels, strict=True))
    assert (told.sequence, told.index, told.total) == (0, 1, 1)


def test_no_response_keeps_its_raw_value_and_no_level() -> None:
    assert record(LEFT_CODES).flags == {"no-response:4000:300", "no-response:8000:300"}
    assert record(LEFT_NORMAL).flags == frozenset()


@pytest.mark.parametrize(
    ("raw", "level"),
    [
        (0x8000, NT),
        (230, 115.0),
        (231, NR),
        (450, NR),
        (451, NoValue("out-of-range")),
        (0x7FFF, NoValue("out-of-range")),
        (-40, -20.0),
        (-41, NoValue("out-of-range")),
        (1, 0.5),
        (0, 0.0),
    ],
)
def test_every_raw_value_is_a_level_or_a_reason(raw: int, level: Value) -> None:
    assert record(encode_record("left", (raw,) * 11)).thresholds == dict.fromkeys(FREQUENCIES, level)


def test_the_encoder_writes_the_vectors() -> None:
    assert encode_record("left", (20, 20, 10, 10, 0, 10, 20, 20, 30, 40, 30)) == LEFT_NORMAL
    assert encode_record("left", (-10, -20, -10, 0, 0, 0, 0, 10, 0, 10, 10)) == LEFT_NEGATIVE
    coded = (NOT_TESTED, 150, 40, NOT_TESTED, 50, NOT_TESTED, 80, 120, 300, 180, 300)
    assert encode_record("left", coded) == LEFT_CODES


def test_both_readings_of_the_checksum_are_accepted() -> None:
    seven = encode_record("left", (-10, -20, -10, 0, 0, 0, 0, 10, 0, 10, 10))
    eight = encode_record("left", (-10, -20, -10, 0, 0, 0, 0, 10, 0, 10, 10), top_bit=True)
    assert (seven[56:58], eight[56:58]) == (b"5E", b"DE")
    assert record(seven).thresholds == record(eight).thresholds


def test_both_start_characters_are_accepted() -> None:
    assert record(encode_record("right", (20,) * 11, start=".")).ear == "right"


def test_lower_case_digits_are_read() -> None:
    levels = LEFT_NORMAL[12:56].lower()
    body = LEFT_NORMAL[:12] + levels
    assert record(body + b"%02X\r\n" % (sum(body) & 0x7F)).thresholds == record(LEFT_NORMAL).thresholds


def test_a_retransmission_is_told_once() -> None:
    first = encode_record("left", (20,) * 11, sequence=3, index=1, total=2)
    second = encode_record("right", (20,) * 11, sequence=4, index=2, total=2)
    told = Decoder().feed(first + first + second + second)
    assert [event.ear for event in told if isinstance(event, HearingRecord)] == ["left", "right"]
    assert len(told) == 2


def test_a_whole_transfer_that_is_sent_again_is_told_once() -> None:
    both = [encode_record(ear, (20,) * 11, sequence=3, index=n, total=2) for n, ear in ((1, "left"), (2, "right"))]  # type: ignore[arg-type]
    decoder = Decoder()
    assert len(decoder.feed(b"".join(both) * 3)) == 2
    assert len(decoder.feed(encode_record("left", (20,) * 11, sequence=4, index=1, total=2))) == 1
    assert len(decoder.feed(both[0])) == 1, "after another digit it is the record of another test"


def test_the_same_digit_over_another_content_is_another_record() -> None:
    assert len(Decoder().feed(LEFT_NORMAL + RIGHT_NOTCH)) == 2


def test_a_damaged_record_is_no_original_of_its_retransmission() -> None:
    damaged = LEFT_NORMAL[:20] + b"8" + LEFT_NORMAL[21:]
    told = Decoder().feed(damaged + LEFT_NORMAL)
    assert told[0] == Trouble("checksum", "a record was damaged")
    assert told[1:] == [record(LEFT_NORMAL)]


def sealed(body: bytes) -> bytes:
    return body + b"%02X\r\n" % (sum(body) & 0x7F)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (sealed(LEFT_NORMAL[:1] + b"x" + LEFT_NORMAL[2:56]), "refused"),  # tympanometry
        (sealed(LEFT_NORMAL[:2] + b"A" + LEFT_NORMAL[3:56]), "malformed"),  # sequence
        (sealed(LEFT_NORMAL[:3] + b"9" + LEFT_NORMAL[4:56]), "malformed"),  # index
        (sealed(LEFT_NORMAL[:3] + b"21" + LEFT_NORMAL[5:56]), "malformed"),  # 2 of 1
        (sealed(LEFT_NORMAL[:10] + b"00" + LEFT_NORMAL[12:56]), "malformed"),  # no ear
        (sealed(LEFT_NORMAL[:10] + b"03" + LEFT_NORMAL[12:56]), "malformed"),  # both ears
        (sealed(LEFT_NORMAL[:12] + b"00G4" + LEFT_NORMAL[16:56]), "malformed"),  # not hexadecimal
        (LEFT_NORMAL[:30] + LEFT_NORMAL[31:], "malformed"),  # one character short
        (LEFT_NORMAL[:58] + b"\n\r", "malformed"),
    ],
)
def test_what_is_refused(data: bytes, code: str) -> None:
    (told,) = Decoder().feed(data)
    assert isinstance(told, Trouble) and told.code == code


def test_a_record_that_was_cut_short_gives_way_to_the_next() -> None:
    told = Decoder().feed(LEFT_NORMAL[:40] + RIGHT_NOTCH)
    assert told == [Trouble("resync", "characters that belong to no record", 40), record(RIGHT_NOTCH)]


def test_flow_control_inside_a_record_is_no_part_of_it() -> None:
    assert record(LEFT_NORMAL[:30] + b"\x13\x11" + LEFT_NORMAL[30:]) == record(LEFT_NORMAL)


STREAM = LEFT_NORMAL + b"noise" + LEFT_NORMAL[:33] + RIGHT_NOTCH + RIGHT_NOTCH + LEFT_CODES[:-3] + LEFT_NEGATIVE


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    assert [event for piece in pieces for event in decoder.feed(piece)] == Decoder().feed(STREAM)


@given(st.lists(st.sampled_from([LEFT_NORMAL, LEFT_CODES[:30], b":y", b"\r\n", b"."]) | st.binary()))
def test_no_soup_breaks_the_decoder(soup: list[bytes]) -> None:
    decoder = Decoder()
    for event in [event for piece in soup for event in decoder.feed(piece)]:
        assert isinstance(event, HearingRecord | Trouble)


@given(st.integers(0, 57), st.binary(min_size=1, max_size=1))
def test_one_wrong_character_never_changes_a_level(at: int, wrong: bytes) -> None:
    data = LEFT_NORMAL[:at] + wrong + LEFT_NORMAL[at + 1 :]
    for event in Decoder().feed(data):
        if isinstance(event, HearingRecord):
            assert event.thresholds == record(LEFT_NORMAL).thresholds


async def transferred(cable: Cable, data: bytes, count: int) -> list[Event]:
    here, there = pipe(cable)
    heard: asyncio.Queue[Event] = asyncio.Queue()
    job = asyncio.create_task(Audiometer().run(here, heard.put_nowait))
    await there.write(data)
    assert await asyncio.wait_for(heard.get(), 5) == Trouble("unconfirmed", UNCONFIRMED)
    try:
        return [await asyncio.wait_for(heard.get(), 5) for _ in range(count)]
    finally:
        job.cancel()


@pytest.mark.parametrize("cable", [WHOLE, DRIP, LATE])
async def test_driver_on_a_sound_cable(cable: Cable) -> None:
    assert await transferred(cable, LEFT_NORMAL + RIGHT_NOTCH, 2) == [record(LEFT_NORMAL), record(RIGHT_NOTCH)]


async def test_driver_on_a_cable_that_loses_bytes() -> None:
    records = [encode_record("left", (20 + number,) * 11, sequence=number) for number in range(10)]
    told = await transferred(CABLES["lossy"], b"".join(records), 3)
    whole = [event for event in told if isinstance(event, HearingRecord)]
    assert whole and set(map(repr, whole)) <= {repr(record(data)) for data in records}


async def test_a_new_person_with_the_same_record_is_told() -> None:
    here, there = pipe()
    heard: asyncio.Queue[Event] = asyncio.Queue()
    audiometer = Audiometer()
    job = asyncio.create_task(audiometer.run(here, heard.put_nowait))
    await there.write(LEFT_NORMAL + LEFT_NORMAL)
    assert await asyncio.wait_for(heard.get(), 5) == Trouble("unconfirmed", UNCONFIRMED)
    assert await asyncio.wait_for(heard.get(), 5) == record(LEFT_NORMAL)
    await audiometer.start()
    await there.write(LEFT_NORMAL)
    assert await asyncio.wait_for(heard.get(), 5) == record(LEFT_NORMAL)
    assert heard.empty()
    await audiometer.stop()
    job.cancel()


async def test_it_sends_nothing_and_ends_with_the_port() -> None:
    here, there = pipe()
    there.close()
    with pytest.raises(Unplugged):
        await Audiometer().run(here, lambda event: None)
    assert Audiometer().quiet_s is None
    assert (Audiometer.line.baud, Audiometer.line.stop) == (9600, 2)


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "tm262.txt")
    assert len(vectors) == 7
    for vector in vectors:
        match vector.expect:
            case {"ear": ear, "hz": hz, "db_hl": levels, "raw_sum": raw, "checksum_sent": sent}:
                told = record(vector.data)
                words: dict[Any, Value] = {None: NT, "NR": NR}
                assert (told.ear, told.thresholds) == (
                    ear,
                    dict(zip(hz, (words.get(x, x) for x in levels), strict=True)),
                )
                assert int(raw, 16) == sum(vector.data[:56]) & 0xFF
                assert int(sent, 16) == int(vector.data[56:58], 16) == int(raw, 16) & 0x7F
                coded = tuple(int(vector.data[at : at + 4], 16) for at in range(12, 56, 4))
                assert encode_record(ear, coded) == vector.data
                known: list[Any] = ["not-tested" if x is None else None if x == "NR" else x for x in levels]
                assert simulated.record(0, 1, 1, ear, known) == vector.data
            case {"command": number, "words": 0, **rest}:
                assert set(rest) <= {"check"}
                (name,) = (name for name, each in fipp.COMMANDS.items() if each == number)
                assert fipp.encode(name) == vector.data
                assert fipp.Decoder().feed(vector.data + vector.data) == [], "the host's words are no answer"
            case {"response": 28, "software": software, "machine": 100, "machine_name": name}:
                assert fipp.Decoder().feed(vector.data) == [Identity(f"FONIX {name}", firmware=software)]
            case other:
                raise AssertionError(f"{vector.ident} expects {other}")


def transfers(fault: str) -> tuple[list[Event], list[bytes]]:
    """What is told of the first two tests of an audiometer with a fault, and the records of a sound one."""
    sound, faulty = simulated.Audiometer(Body(1)), simulated.Audiometer(Body(1))
    faulty.fail(fault, True, 0.0)
    decoder = Decoder()
    told = [event for at in (80.0, 165.0) for event in decoder.feed(b"".join(faulty.produce(at)))]
    return told, [frame for at in (80.0, 165.0) for frame in sound.produce(at)]


@pytest.mark.parametrize("fault", simulated.Audiometer.own_faults)
def test_no_fault_of_the_audiometer_makes_a_false_threshold(fault: str) -> None:
    told, sound = transfers(fault)
    records = [event for event in told if isinstance(event, HearingRecord)]
    truth = {(each.sequence, each.index): each for each in map(record, sound)}
    counts = {"cut-record": 2, "tympanometry": 0}
    assert len(records) == counts.get(fault, 4)
    for each in records:
        for hz, level in each.thresholds.items():
            assert isinstance(level, NoValue) or level == truth[each.sequence, each.index].thresholds[hz]
    whys = {level.why for each in records for level in each.thresholds.values() if isinstance(level, NoValue)}
    assert whys == {"no-response": {"no-response"}, "not-tested": {"not-tested"}}.get(fault, set())
    codes = {event.code for event in told if isinstance(event, Trouble)}
    assert codes == {"cut-record": {"resync"}, "tympanometry": {"refused"}}.get(fault, set())
