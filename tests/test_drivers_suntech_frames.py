"""The SunTech frames: every vector of the protocol sheet, every sentinel, every error byte."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import suntech_frames
from drivers.events import Event, Identity, NoValue, PressureResult, Reading, Trouble
from drivers.suntech_frames import Decoder, Frame, Framer
from simulators import suntech as simulated
from simulators.body import Body
from tests.protocol_vectors import Vector, read_vectors

RESULT_115 = bytes.fromhex("3e 18 73 00 4a 00 1e 01 00 00 00 00 00 00 31 07 55 00 58 00 00 00 00 e9")
RESULT_142 = bytes.fromhex("3e 18 8e 00 5b 00 1b 01 00 00 00 00 00 00 00 00 44 00 6e 00 00 00 00 f3")


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        (suntech_frames.START_ADULT, "3a 20 a6"),
        (suntech_frames.inflate_to(160), "3a 17 a0 00 0f"),
        (suntech_frames.ABORT, "3a 79 01 00 4c"),
        (suntech_frames.READ_RESULT, "3a 79 03 00 4a"),
        (suntech_frames.READ_CUFF, "3a 79 05 00 48"),
        (suntech_frames.STATUS, "3a 79 10 03 3a"),
        (suntech_frames.RETURN_STRING, "3a 79 02 40 0b"),
        (suntech_frames.pneumatics(0, 1, 1), "3a 0c 00 01 01 b8"),
        (suntech_frames.START_PEDIATRIC, "3a 87 3f"),
        (suntech_frames.START_NEONATE, "3a 28 9e"),
        (suntech_frames.RESET, "3a 8a 3c"),
        (suntech_frames.RETURN_CODE, "3a 79 02 03 48"),
        (suntech_frames.MODULE_DATA, "3a 00 c6"),
    ],
)
def test_host_frames_are_those_of_the_sheet(command: bytes, frame: str) -> None:
    assert suntech_frames.encode_command(command) == bytes.fromhex(frame)


def test_the_wrong_checksums_of_public_code_are_never_made() -> None:
    sent = suntech_frames.encode_command(suntech_frames.STATUS)
    assert sent not in (bytes.fromhex("3a 79 10 03 4c"), bytes.fromhex("3a 79 10 03 3d"))


@pytest.mark.parametrize(
    ("letter", "frame"),
    [
        ("O", "3e 04 4f 6f"),
        ("K", "3e 04 4b 73"),
        ("A", "3e 04 41 7d"),
        ("B", "3e 04 42 7c"),
        ("E", "3e 04 45 79"),
        ("N", "3e 04 4e 70"),
        ("D", "3e 04 44 7a"),
        ("S", "3e 04 53 6b"),
        ("T", "3e 04 54 6a"),
    ],
)
def test_acknowledges(letter: str, frame: str) -> None:
    data = bytes.fromhex(frame)
    assert suntech_frames.encode_ack(letter) == data
    assert Framer().feed(data) == [Frame(suntech_frames.ACK, letter.encode())]
    told = Decoder().feed(data)
    assert told == ([] if letter in "OKA" else [Trouble("refused", suntech_frames.ACKS[letter])])


def test_an_unknown_letter_is_malformed() -> None:
    (told,) = Decoder().feed(suntech_frames.encode_ack("Q"))
    assert isinstance(told, Trouble) and told.code == "malformed"


@pytest.mark.parametrize(
    ("frame", "mmhg"),
    [
        ("3e 05 02 01 ba", 258.0),
        ("3e 05 00 00 bd", 0.0),
        ("3e 05 ff ff bf", NoValue("missing")),
    ],
)
def test_cuff_pressure(frame: str, mmhg: float | NoValue) -> None:
    data = bytes.fromhex(frame)
    assert Decoder().feed(data) == [Reading("cuff_pressure", mmhg, "mm[Hg]")]
    assert suntech_frames.encode_cuff(None if isinstance(mmhg, NoValue) else int(mmhg)) == data


def test_documented_result() -> None:
    assert Decoder().feed(RESULT_115) == [PressureResult(115.0, 74.0, 88.0, 85.0, 30)]
    codes = bytes.fromhex("00 00 00 00 00 00 31 07")
    assert suntech_frames.encode_result(115, 74, 88, 85, beats=30, test_codes=codes) == RESULT_115


def test_constructed_result() -> None:
    assert Decoder().feed(RESULT_142) == [PressureResult(142.0, 91.0, 110.0, 68.0, 27)]
    assert suntech_frames.encode_result(142, 91, 110, 68, beats=27) == RESULT_142


@pytest.mark.parametrize(
    ("error", "last", "word", "why"),
    [
        (1, 0xA9, "weak-signal", "device-error"),
        (2, 0xA8, "movement", "device-error"),
        (3, 0xA7, "out-of-range", "out-of-range"),
        (4, 0xA6, "time-exceeded", "device-error"),
        (85, 0x55, "blockage", "device-error"),
        (86, 0x54, "ended-by-user", "aborted"),
        (87, 0x53, "loose-cuff", "device-error"),
        (88, 0x52, "safety-timeout", "device-error"),
        (89, 0x51, "overpressure", "device-error"),
        (90, 0x50, "hardware", "device-error"),
        (91, 0x4F, "safety-link", "device-error"),
        (97, 0x49, "transducer", "device-error"),
        (99, 0x47, "memory", "device-error"),
    ],
)
def test_every_error_is_a_word_and_no_value(error: int, last: int, word: str, why: str) -> None:
    data = bytes([0x3E, 0x18, *bytes(18), error, 0, 0, last])
    (told,) = Decoder().feed(data)
    assert isinstance(told, PressureResult)
    assert told.error == word
    values = (told.systolic, told.diastolic, told.mean, told.pulse_rate)
    assert [value.why for value in values if isinstance(value, NoValue)] == [why] * 4
    assert data == suntech_frames.encode_result(0, 0, 0, 0, beats=0, error=error, status=0)


@given(st.integers(1, 255), st.integers(0, 300), st.integers(0, 300))
def test_no_number_leaves_with_an_error(error: int, systolic: int, diastolic: int) -> None:
    (told,) = Decoder().feed(suntech_frames.encode_result(systolic, diastolic, 90, 70, beats=20, error=error))
    assert isinstance(told, PressureResult) and told.error
    for value in (told.systolic, told.diastolic, told.mean, told.pulse_rate):
        assert isinstance(value, NoValue)
    assert told.error == suntech_frames.ERRORS.get(error, f"unknown-{error}")


@pytest.mark.parametrize("missing", [0, 0xFFFF])
def test_a_pressure_that_is_missing_is_no_value(missing: int) -> None:
    (told,) = Decoder().feed(suntech_frames.encode_result(missing, 74, 88, 70, beats=20))
    assert isinstance(told, PressureResult)
    assert told.systolic == told.diastolic == NoValue("missing")
    (told,) = Decoder().feed(suntech_frames.encode_result(115, missing, 88, 70, beats=20))
    assert isinstance(told, PressureResult) and told.systolic == NoValue("missing")
    (told,) = Decoder().feed(suntech_frames.encode_result(115, 74, missing, 0, beats=20))
    assert told == PressureResult(115.0, 74.0, NoValue("missing"), NoValue("missing"), 20)


def test_a_pressure_beyond_the_cuff_is_no_value() -> None:
    (told,) = Decoder().feed(suntech_frames.encode_result(301, 74, 88, 70, beats=20))
    assert isinstance(told, PressureResult) and told.systolic == NoValue("out-of-range")


@pytest.mark.parametrize(
    ("systolic", "diastolic", "mean"), [(74, 115, 88), (115, 74, 120), (115, 74, 70), (90, 90, 90)]
)
def test_pressures_out_of_order_are_no_values(systolic: int, diastolic: int, mean: int) -> None:
    (told,) = Decoder().feed(suntech_frames.encode_result(systolic, diastolic, mean, 70, beats=20))
    assert isinstance(told, PressureResult)
    assert told.systolic == told.pulse_rate == NoValue("out-of-range")
    assert told.flags == {"inconsistent"}


def test_swapped_bytes_pass_the_sum_and_not_the_range() -> None:
    swapped = bytearray(RESULT_115)
    swapped[2], swapped[3] = swapped[3], swapped[2]
    assert sum(swapped) & 0xFF == 0
    (told,) = Decoder().feed(bytes(swapped))
    assert isinstance(told, PressureResult) and told.systolic == NoValue("out-of-range")


@pytest.mark.parametrize(
    ("text", "model"),
    [("LX 2.14", "SunTech Advantage"), ("SB 1.07", "SunTech Advantage A+"), ("??", "SunTech module")],
)
def test_the_return_string_is_the_identity(text: str, model: str) -> None:
    data = suntech_frames.encode_text(text)
    assert (len(data), data[1]) == (67, 0x43)
    assert Decoder().feed(data) == [Identity(model, firmware=text)]


def test_a_zero_length_is_refused() -> None:
    assert Decoder().feed(bytes.fromhex("3e 00 02 01 ba")) == []
    told = Decoder().feed(bytes.fromhex("3e 00 02 01 ba 3e 05 00 00 bd"))
    assert told == [Trouble("resync", "bytes that belong to no frame", 5), Reading("cuff_pressure", 0.0, "mm[Hg]")]


def test_a_damaged_frame_is_told_and_the_next_one_read() -> None:
    told = Decoder().feed(bytes.fromhex("3e 05 02 02 ba 3e 05 02 01 ba"))
    assert [event.code for event in told if isinstance(event, Trouble)] == ["checksum", "resync"]
    assert told[-1] == Reading("cuff_pressure", 258.0, "mm[Hg]")


def test_a_frame_cut_short_hides_the_next_one_only_until_the_silence() -> None:
    decoder = Decoder()
    assert decoder.feed(RESULT_115[:10] + suntech_frames.encode_cuff(120)) == []
    assert decoder.flush()[-1] == Reading("cuff_pressure", 120.0, "mm[Hg]")
    assert decoder.flush() == []


STREAM = (
    b"\x3e\x3e"
    + suntech_frames.encode_ack("O")
    + suntech_frames.encode_cuff(120)
    + bytes.fromhex("3e 05 02 02 ba 00 3e 00")
    + RESULT_115
    + suntech_frames.encode_text("LX 2.14")
    + suntech_frames.encode_cuff(None)
    + suntech_frames.encode_ack("N")
)


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    edges = [0, *sorted(cuts), len(STREAM)]
    told = [event for start, end in pairwise(edges) for event in decoder.feed(STREAM[start:end])]
    whole = Decoder().feed(STREAM)
    assert told == whole
    assert sum(not isinstance(event, Trouble) for event in whole) == 4


@given(st.lists(st.sampled_from([b"\x3e", b"\x3e\x04", b"\x3e\x05", b"\x3e\x18", RESULT_142]) | st.binary()))
def test_no_soup_breaks_the_decoder(soup: list[bytes]) -> None:
    decoder = Decoder()
    told: list[Event] = [event for piece in soup for event in decoder.feed(piece)]
    for event in told + decoder.flush():
        if isinstance(event, PressureResult) and isinstance(event.systolic, float):
            assert 0 < event.systolic <= suntech_frames.HIGHEST_MMHG


@given(st.integers(0, 23), st.integers(1, 255))
def test_one_wrong_byte_never_gives_a_result(at: int, change: int) -> None:
    damaged = bytearray(RESULT_115)
    damaged[at] = (damaged[at] + change) & 0xFF
    decoder = Decoder()
    told = decoder.feed(bytes(damaged)) + decoder.flush()
    assert not [event for event in told if isinstance(event, PressureResult)]


COMMANDS = {
    "start adult BP": suntech_frames.START_ADULT,
    "start pediatric BP": suntech_frames.START_PEDIATRIC,
    "start neonate BP": suntech_frames.START_NEONATE,
    "set initial inflation 160 mmHg": suntech_frames.inflate_to(160),
    "abort BP": suntech_frames.ABORT,
    "get BP data": suntech_frames.READ_RESULT,
    "get cuff pressure": suntech_frames.READ_CUFF,
    "control pneumatics: pump 0, control valve 1, dump valve 1": suntech_frames.pneumatics(0, 1, 1),
    "reset module": suntech_frames.RESET,
    "status / self-test result": suntech_frames.STATUS,
    "read return code": suntech_frames.RETURN_CODE,
    "read return string (version)": suntech_frames.RETURN_STRING,
    "get module data": suntech_frames.MODULE_DATA,
}
MEANINGS = {
    1: "weak or no oscillometric signal",
    2: "artifact / erratic signal",
    3: "BP outside range",
    4: "measurement time exceeded",
    85: "pneumatic blockage",
    86: "reading ended by user",
    87: "inflate timeout, leak or loose cuff",
    88: "safety timeout",
    89: "cuff overpressure",
    90: "supply or hardware",
    91: "safety link fitted or auto-zero out of range",
    97: "transducer out of range",
    99: "calibration data failure",
}


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "suntech.txt")
    assert len(vectors) == 42
    for vector in vectors:
        (_sent if vector.direction == "host->device" else _received)(vector)


def _sent(vector: Vector) -> None:
    """What a host sends: the driver's bytes, which a module obeys; or bytes that no driver sends and N answers."""
    answers = simulated.Tensiometer(Body(1)).receive(vector.data, 1.0)
    if "reject" in vector.expect:
        assert vector.data not in {suntech_frames.encode_command(command) for command in COMMANDS.values()}
        assert answers == [simulated.acknowledge("N")]
        return
    assert set(vector.expect) == {"command"}
    assert suntech_frames.encode_command(COMMANDS[vector.expect["command"]]) == vector.data
    assert len(answers) == 1
    assert answers[0][2:3] not in (b"N", b"D", b"E") or len(answers[0]) != 4


def _received(vector: Vector) -> None:
    told = Decoder().feed(vector.data)
    match vector.expect:
        case {"ack": letter, "meaning": _}:
            refused = [Trouble("refused", suntech_frames.ACKS[letter])]
            assert told == (refused if letter in suntech_frames.REFUSALS else [])
            assert suntech_frames.encode_ack(letter) == simulated.acknowledge(letter) == vector.data
        case {"cuff_mmHg": mmhg, **rest}:
            assert set(rest) <= {"note"}
            value = NoValue("missing") if mmhg is None else float(mmhg)
            assert told == [Reading("cuff_pressure", value, "mm[Hg]")]
        case {"error": 0, "sys": systolic, "dia": diastolic, "map": mean, "hr": rate, "beats": beats, **rest}:
            assert set(rest) <= {"bp_status", "test_codes"}
            assert told == [PressureResult(systolic, diastolic, mean, rate, beats)]
            _layout(vector, rest.get("bp_status", 1), rest.get("test_codes"))
        case {"error": error, "meaning": meaning, "values": None}:
            assert MEANINGS[error] == meaning
            (result,) = told
            assert isinstance(result, PressureResult) and result.error == suntech_frames.ERRORS[error]
            assert all(isinstance(each, NoValue) for each in (result.systolic, result.diastolic, result.mean))
            assert simulated.Result(error=error).packet() == vector.data
        case {"reject": "length 0"}:
            assert told == []
        case other:
            raise AssertionError(f"{vector.ident} expects {other}")


def _layout(vector: Vector, status: object, codes: object) -> None:
    """The bytes that no event carries; `codes` are printed as the last eight before the spare one of the pulse."""
    assert vector.data[7] == status
    if codes is not None:
        assert list(vector.data[8:16]) == codes


def test_every_error_of_the_table_is_in_the_driver_and_in_the_simulator() -> None:
    assert set(MEANINGS) == set(suntech_frames.ERRORS)
    assert set(simulated.ERROR_FAULTS.values()) == set(MEANINGS) - {86}, "86 is the host's own abort"
