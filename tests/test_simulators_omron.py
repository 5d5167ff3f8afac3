"""The simulated HEM-790IT, by its bytes alone: what it says to a host that no driver of ours drives."""

# ruff: noqa: DTZ001 - the device's clock has no zone

from __future__ import annotations

from datetime import datetime

from simulators.body import Body
from simulators.omron import LOOKS, MEASURE_S, Stored, Tensiometer, accept, cut
from simulators.usb_setup import Setup

ZEROS = [bytes.fromhex("07 00 00 00 00 00 00 00")] * 4 + [bytes.fromhex("02 00 00 00 00 00 00 00")]
COUNT = bytes.fromhex("07 47 44 43 00 00 00 00  01 00 00 00 00 00 00 00")
NEWEST = bytes.fromhex("07 47 4d 45 00 00 00 00  01 00 00 00 00 00 00 00")
VERSION = bytes.fromhex("05 56 45 52 30 30 00 00")
END = bytes.fromhex("05 45 4e 44 ff ff 00 00")
SHOWS = datetime(2026, 3, 2, 10, 15)


def device(body: Body | None = None) -> Tensiometer:
    return Tensiometer(body or Body(1), SHOWS)


def wake(it: Tensiometer, now: float = 0.0, mode: bytes = b"\x01\x01") -> list[bytes]:
    assert it.control(Setup(0x21, 9, 0x0300, 0, 2), mode, now) == b""
    return [answer for report in ZEROS * 2 for answer in it.receive(report, now)]


def test_its_frames_are_those_of_the_captures() -> None:
    stored = Stored(datetime(2007, 1, 1, 0, 6, 38), 123, 78, 87)
    assert [report[: 1 + report[0]] for report in accept(stored.coded())] == [
        bytes.fromhex("07 4f 4b 00 07 01 01 00"), bytes.fromhex("07 06 26 00 00 7b 4e 57"),
        bytes.fromhex("03 00 00 45"),
    ]  # fmt: skip
    assert cut(b"NO") == [bytes.fromhex("02 4e 4f 00 00 00 00 00")]


def test_it_is_woken_by_any_two_bytes_and_thirty_zeros() -> None:
    for mode in (b"\x01\x01", b"\x48\xd8", b"\x00\x04"):
        it = device()
        assert it.receive(VERSION, 0.0) == []
        assert wake(it, 0.0, mode) == [
            bytes.fromhex("08 60 00 00 00 00 00 00"),
            bytes.fromhex("02 4f 4b 00 00 00 00 00"),
        ]
        assert it.receive(VERSION, 0.0)[0] == bytes.fromhex("07 4f 4b 00 4d 37 30 38")
        assert it.receive(END, 0.0)[-1] == bytes.fromhex("05 4f 46 46 0d 0a 00")[:6] + b"\x00\x00"
        assert it.receive(VERSION, 0.0) == []


def test_requests_that_it_does_not_know_stall() -> None:
    it = device()
    assert it.control(Setup(0x21, 10, 0, 0, 0), b"", 0.0) == b""
    assert it.control(Setup(0x21, 9, 0x0300, 0, 3), b"abc", 0.0) is None
    assert it.control(Setup(0xA1, 1, 0x0100, 0, 8), b"", 0.0) is None


def test_the_person_presses_when_somebody_waits_and_it_is_deaf_meanwhile() -> None:
    body = Body(1)
    it = device(body)
    for look in range(LOOKS):
        wake(it, float(look))
        assert it.receive(COUNT, float(look))[0] == bytes.fromhex("07 4f 4b 00 00 11 00 02")
        it.receive(END, float(look))
    assert wake(it, 10.0) == []
    done = LOOKS - 1 + MEASURE_S
    assert wake(it, done)
    assert it.receive(COUNT, done)[0][-1] == 3
    first, second, _ = it.receive(NEWEST, done)
    assert first[4:] + second[1:3] == bytes([26, 3, 2, 10, 15, 37])
    assert abs(second[5] - body.physiology.systolic) < 5


def test_nobody_presses_where_there_is_no_cuff_on_an_arm() -> None:
    body = Body(1)
    it = device(body)
    body.change(0.0, {"cuff_on": False})
    for look in range(20):
        wake(it, float(look * 10))
        assert it.receive(COUNT, float(look * 10))[0][-1] == 2
        it.receive(END, float(look * 10))
