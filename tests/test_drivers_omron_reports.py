"""Reports, commands and records of the HEM-790IT, byte for byte, and the decoder that reads a capture of them."""

# ruff: noqa: DTZ001 - the device's clock has no zone

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import omron_reports as wire
from drivers.events import Event, Identity, NoValue, PressureResult, Trouble
from drivers.omron import Decoder
from simulators.body import Body
from simulators.omron import Stored, Tensiometer, accept, cut
from simulators.usb_setup import Setup
from tests.protocol_vectors import Vector, read_vectors

# Captured and documented bytes: github openyou/libomron, doc/logs/hem790it and doc/omron_protocol_notes (BSD-3).
READING = bytes.fromhex("07 4f 4b 00 07 01 01 00  07 06 26 00 00 7b 4e 57  03 00 00 45 00 7b 4e 57")
VERSION = bytes.fromhex("07 4f 4b 00 4d 37 30 38  07 30 49 54 20 32 30 37  01 4a 49 54 20 32 30 37")
PROFILE = bytes.fromhex("07 4f 4b 00 30 30 31 30  07 31 30 30 30 30 30 00")
COUNT = bytes.fromhex("07 4f 4b 00 00 14 00 02  01 16 4b 00 00 14 00 02")
WEEK = bytes.fromhex("07 4f 4b 00 80 01 09 04  05 13 71 69 70 f7 00 00")
NOT_READY = bytes.fromhex("02 4e 4f 45 00 7b 4e 57")
AWAKE = bytes.fromhex("02 4f 4b 98 e1 ff ff ff")
ASLEEP = bytes.fromhex("08 60 00 00 00 00 00 00")
OFF = bytes.fromhex("05 4f 46 46 0d 0a 00 00")

RESULT = PressureResult(
    123.0, 78.0, NoValue("missing"), 87.0, 0, flags=frozenset({"from-memory"}), taken=datetime(2007, 1, 1, 0, 6, 38)
)
REFUSED = Trouble("refused", "the device was not ready")


def decoded(data: bytes) -> list[Event]:
    return Decoder().feed(data)


def test_a_captured_reading() -> None:
    assert decoded(READING) == [RESULT]


def test_a_whole_conversation() -> None:
    said = AWAKE + VERSION + PROFILE + ASLEEP + bytes(8) + AWAKE + COUNT + NOT_READY + READING + WEEK + OFF
    assert decoded(said) == [Identity("Omron M7080IT", "207"), REFUSED, RESULT]


def test_what_the_replies_say() -> None:
    assert wire.read_count(bytes.fromhex("00 14 00 02")) == 2
    assert wire.read_count(b"") is None
    assert wire.body(b"OK\x00" + bytes.fromhex("00 14 00 02 16")) == bytes.fromhex("00 14 00 02")
    assert wire.body(b"OK\x00" + bytes.fromhex("00 14 00 02 17")) is None
    assert wire.body(b"OK\x00") is wire.body(b"NO") is None
    assert wire.read_identity(b"M7080IT 207", b"\x06\x00") == Identity("Omron M7080IT", "207", "0600")
    assert wire.read_identity(b"\x00\x01") is wire.read_identity(b"") is None


def test_commands() -> None:
    assert wire.reports(wire.VERSION) == [bytes.fromhex("05 56 45 52 30 30 00 00")]
    assert wire.reports(wire.END) == [bytes.fromhex("05 45 4e 44 ff ff 00 00")]
    assert b"".join(wire.reports(wire.record(1))) == bytes.fromhex("07 47 4d 45 00 00 00 01 01 01 00 00 00 00 00 00")
    assert b"".join(wire.reports(wire.count())) == bytes.fromhex("07 47 44 43 00 00 00 00 01 00 00 00 00 00 00 00")
    zeros = wire.reports(wire.CLEAR)
    assert zeros == [bytes.fromhex("07 00 00 00 00 00 00 00")] * 4 + [bytes.fromhex("02 00 00 00 00 00 00 00")]


def reading(**changes: int) -> list[Event]:
    """What is made of the captured reading with some of its fields changed, and its checksum right."""
    names = (
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "a",
        "b",
        "systolic",
        "diastolic",
        "pulse",
        "c",
        "status",
    )
    fields = dict(zip(names, bytes.fromhex("07 01 01 00 06 26 00 00 7b 4e 57 00 00"), strict=True))
    return decoded(b"".join(accept(bytes({**fields, **changes}.values()))))


@pytest.mark.parametrize(
    "changes",
    [
        {"month": 0}, {"month": 13}, {"day": 0}, {"day": 32}, {"hour": 24}, {"minute": 0x60}, {"second": 0x60},
        {"year": 100}, {"systolic": 0}, {"diastolic": 0}, {"systolic": 78}, {"systolic": 60}, {"diastolic": 15},
    ],
)  # fmt: skip
def test_what_is_no_reading_is_refused(changes: dict[str, int]) -> None:
    (refused,) = reading(**changes)
    assert isinstance(refused, Trouble) and refused.code == "malformed"


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"status": 0x10}, {"truread-1"}), ({"status": 0x30}, {"truread-3"}), ({"status": 0x21}, {"truread-2", "?"}),
        ({"status": 0x40}, {"?"}), ({"a": 1}, {"?"}), ({"b": 1}, {"?"}), ({"c": 1}, {"?"}), ({}, set()),
    ],
)  # fmt: skip
def test_what_nobody_has_explained_is_flagged(changes: dict[str, int], flags: set[str]) -> None:
    (found,) = reading(**changes)
    assert isinstance(found, PressureResult)
    told = {"status-unconfirmed" if flag == "?" else flag for flag in flags}
    assert found.flags == told | {"from-memory"}


@pytest.mark.parametrize(("pulse", "value"), [(0, NoValue("missing")), (20, NoValue("out-of-range")), (60, 60.0)])
def test_a_pulse_that_is_none(pulse: int, value: object) -> None:
    (found,) = reading(pulse=pulse)
    assert isinstance(found, PressureResult) and found.pulse_rate == value


@given(st.integers(0, 23), st.integers(0, 7))
def test_one_wrong_bit_never_gives_another_reading(place: int, bit: int) -> None:
    wrong = bytearray(READING)
    wrong[place] ^= 1 << bit
    assert all(event == RESULT or isinstance(event, Trouble) for event in decoded(bytes(wrong)))


@given(st.lists(st.integers(0, 1000)))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    said = AWAKE + VERSION + PROFILE + b"\xff\xfe" + NOT_READY + READING + OFF
    edges = [0, *sorted(cut % (len(said) + 1) for cut in cuts), len(said)]
    decoder = Decoder()
    assert [event for a, b in pairwise(edges) for event in decoder.feed(said[a:b])] == decoded(said)


@given(st.binary(max_size=600))
def test_soup_is_survived_and_forgotten(soup: bytes) -> None:
    decoder = Decoder()
    decoder.feed(soup)
    assert len(decoder._reply) <= wire.LONGEST + wire.MOST and len(decoder._framer._pending) < wire.REPORT


@given(st.binary(max_size=40))
def test_reports_carry_what_was_put_into_them(message: bytes) -> None:
    framed = b"".join(wire.reports(message))
    assert b"".join(report for report in wire.Reports().feed(framed) if isinstance(report, bytes)) == message
    assert (
        b"".join(report for report in wire.Reports().feed(b"".join(cut(message))) if isinstance(report, bytes))
        == message
    )


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)), st.integers(60, 255), st.integers(20, 59),
    st.integers(30, 240), st.integers(0, 3),
)  # fmt: skip
def test_every_reading_comes_out_as_it_was_stored(at: datetime, high: int, low: int, pulse: int, place: int) -> None:
    (found,) = decoded(b"".join(accept(Stored(at, high, low, pulse, place).coded())))
    assert isinstance(found, PressureResult)
    assert (found.taken, found.systolic, found.diastolic, found.pulse_rate) == (
        at.replace(microsecond=0),
        high,
        low,
        pulse,
    )


# --- the maker's vectors ------------------------------------------------------------------------------------------

COMMANDS = {
    "VER00 (read version)": wire.VERSION,
    "GME bank 0 index 0": wire.record(0),
    "GME bank 0 index 1 (older of two; index 0 = newest)": wire.record(1),
    "END": wire.END,
}
NO_READING = ({"count"}, {"text"}, {"status"}, {"status", "rule"}, {"sys_raw", "sys", "dia", "pulse", "checksum"},
              {"year", "month", "day", "sys", "note"}, {"count", "checksum"})  # fmt: skip


def heard_by_the_simulator(data: bytes) -> list[bytes]:
    """What an awake device of ours answers."""
    device = Tensiometer(Body(1), datetime(2026, 3, 2))
    device.control(Setup(0x21, 9, 0x0300, 0, 2), b"\x12\x34", 0.0)
    for report in wire.reports(wire.CLEAR) * 2:
        device.receive(report, 0.0)
    return device.receive(data, 0.0)


def check_command(vector: Vector) -> None:
    told = vector.expect["command"]
    if told.startswith("GDC bank 0 (count); the doc prints checksum 01"):
        assert vector.data[:9] == b"".join(wire.reports(wire.count()))[:9]
        assert vector.data[9] == 1
    else:
        assert vector.data == b"".join(wire.reports(COMMANDS[told]))
    assert heard_by_the_simulator(vector.data)


def expected(expect: dict[str, Any]) -> list[Event]:
    """The events of a reply by what its record says; raises for a record that is not understood."""
    if "time" in expect or "hour" in expect:
        if "time" in expect:
            taken = datetime.fromisoformat(expect["time"])
        else:
            clock = f"{expect['hour']:02}:{expect['minute']:02}:{expect['second']:02}"
            taken = datetime.fromisoformat(f"{expect['date']}T{clock}")
        assert set(expect) <= {
            "time", "date", "hour", "minute", "second", "sys", "dia", "pulse", "checksum", "checksum_ok",
            "ground_truth",
        }  # fmt: skip
        pressures = expect["sys"], expect["dia"], NoValue("missing"), expect["pulse"]
        return [PressureResult(*pressures, 0, flags=frozenset({"from-memory"}), taken=taken)]
    if set(expect) == {"reports", "text", "checksum"}:
        model, firmware = expect["text"].split()
        return [Identity(f"Omron {model}", firmware)]
    assert set(expect) in NO_READING, f"nobody has said what {sorted(expect)} means"
    return [REFUSED] if expect.get("status") == "NO" else []


def test_every_vector(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "omron_hid.txt")
    assert len(vectors) == 20
    for vector in vectors:
        if vector.direction == "host->device":
            check_command(vector)
            continue
        assert decoded(vector.data) == expected(vector.expect), vector.ident
        if "count" in vector.expect:
            message = b"".join(report for report in wire.Reports().feed(vector.data) if isinstance(report, bytes))
            said = wire.body(message)
            assert said is not None and wire.read_count(said) == vector.expect["count"]
