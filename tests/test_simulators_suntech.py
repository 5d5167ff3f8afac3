"""The simulated SunTech module against the sheet's vectors (suntech-nibp, sections 2 to 7) and the body's truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import cuff
from simulators.body import Body
from simulators.physiology import Physiology
from simulators.suntech import ERROR_FAULTS, Result, Tensiometer, acknowledge, packet

START, ABORT = bytes.fromhex("3a 20 a6"), bytes.fromhex("3a 79 01 00 4c")
READ_RESULT, READ_CUFF = bytes.fromhex("3a 79 03 00 4a"), bytes.fromhex("3a 79 05 00 48")
INFLATE_160, STATUS, VERSION = (
    bytes.fromhex("3a 17 a0 00 0f"),
    bytes.fromhex("3a 79 10 03 3a"),
    bytes.fromhex("3a 79 02 40 0b"),
)
RESET = bytes.fromhex("3a 8a 3c")


def letters(frames: list[bytes]) -> str:
    """The acknowledge letters among the replies."""
    return "".join(chr(f[2]) for f in frames if f[1] == 4)


def mmhg(module: Tensiometer, now: float) -> int:
    (frame,) = module.receive(READ_CUFF, now)
    assert frame[:2] == b"\x3e\x05"
    assert sum(frame) % 256 == 0
    return int.from_bytes(frame[2:4], "little")


def result(module: Tensiometer, now: float) -> dict[str, int]:
    """The BP data by the sheet's offsets, read by hand."""
    (frame,) = module.receive(READ_RESULT, now)
    assert (len(frame), frame[1], sum(frame) % 256) == (24, 0x18, 0)
    data = frame[2:]
    words = {"sys": data[0:2], "dia": data[2:4], "map": data[16:18]}
    bytes_ = {"beats": data[4], "status": data[5], "hr": data[14], "error": data[18]}
    return {**{name: int.from_bytes(raw, "little") for name, raw in words.items()}, **bytes_}


def measure(module: Tensiometer, start: float, step: float = 0.25) -> tuple[float, list[int]]:
    """Start, poll until K; when K came, and the pressures polled."""
    assert letters(module.receive(START, start)) == "O"
    pressures: list[int] = []
    now = start
    while True:
        now += step
        if said := module.produce(now):
            assert said == [acknowledge("K")]
            return now, pressures
        assert now - start < 120
        pressures.append(mmhg(module, now))


@pytest.mark.parametrize(
    ("frame", "vector"),
    [
        (acknowledge("O"), "3e 04 4f 6f"),
        (acknowledge("K"), "3e 04 4b 73"),
        (acknowledge("A"), "3e 04 41 7d"),
        (acknowledge("B"), "3e 04 42 7c"),
        (acknowledge("E"), "3e 04 45 79"),
        (acknowledge("N"), "3e 04 4e 70"),
        (acknowledge("D"), "3e 04 44 7a"),
        (acknowledge("S"), "3e 04 53 6b"),
        (packet(b"\x02\x01"), "3e 05 02 01 ba"),
        (packet(b"\x00\x00"), "3e 05 00 00 bd"),
        (
            Result(142, 91, 110, 68, 27).packet(),
            "3e 18 8e 00 5b 00 1b 01 00 00 00 00 00 00 00 00 44 00 6e 00 00 00 00 f3",
        ),
        (Result(error=86).packet(), "3e 18 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 56 00 00 54"),
        (Result(error=1).packet(), "3e 18 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 a9"),
        (Result(error=87).packet(), "3e 18 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 57 00 00 53"),
    ],
)
def test_replies_are_the_sheets_bytes(frame: bytes, vector: str) -> None:
    assert frame == bytes.fromhex(vector)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (INFLATE_160, acknowledge("O")),
        (READ_CUFF, packet(b"\x00\x00")),
        (STATUS, packet(b"\x00\x00")),
        (bytes.fromhex("3a 79 10 03 4c"), acknowledge("N")),  # the wrong checksum found in public code
        (bytes.fromhex("3a 79 10 03 3d"), acknowledge("N")),
        (bytes.fromhex("3a 20 a7"), acknowledge("N")),
        (bytes.fromhex("3a 0c 00 01 01 b8"), acknowledge("K")),
        (bytes.fromhex("3a 00 c6"), acknowledge("K")),
        (bytes.fromhex("3a 79 02 03 48"), packet(b"\x00\x00")),
        (RESET, acknowledge("K")),
        (bytes.fromhex("3a 99 2d"), acknowledge("D")),
        (bytes.fromhex("3a 79 77 00 d6"), acknowledge("N")),
        (bytes.fromhex("3a 17 ff ff b1"), acknowledge("E")),
        (ABORT, acknowledge("A")),
    ],
)
def test_commands_and_their_answers(command: bytes, reply: bytes) -> None:
    assert Tensiometer(Body(1)).receive(command, 1.0) == [reply]


def test_the_version_string_is_a_67_byte_packet() -> None:
    (frame,) = Tensiometer(Body(1)).receive(VERSION, 1.0)
    assert (len(frame), frame[1], sum(frame) % 256) == (67, 0x43, 0)
    assert frame[2:4] == b"LX"


@given(st.lists(st.integers(1, 12), max_size=12))
def test_commands_are_read_in_any_cut_and_between_noise(cuts: list[int]) -> None:
    data = b"\x00\xff" + READ_CUFF + b"\x55" + INFLATE_160 + STATUS + b"\x11\x22" + ABORT
    module, got, at = Tensiometer(Body(1)), [], 0
    for size in [*cuts, len(data)]:
        got += module.receive(data[at : at + size], 1.0)
        at += size
    assert got == [packet(b"\x00\x00"), acknowledge("O"), packet(b"\x00\x00"), acknowledge("A")]


def test_half_a_command_is_forgotten_after_a_second() -> None:
    module = Tensiometer(Body(1))
    assert module.receive(b"\x3a\x79", 1.0) == []
    assert module.receive(READ_CUFF, 3.0) == [packet(b"\x00\x00")]


@pytest.mark.parametrize(
    ("systolic", "diastolic", "rate", "premature"),
    [(124, 78, 68, 0), (105, 62, 90, 0), (148, 95, 55, 0), (130, 80, 70, 6)],
)
def test_a_measurement_gives_the_bodys_own_pressures(
    systolic: int, diastolic: int, rate: int, premature: int
) -> None:
    physiology = Physiology(systolic=systolic, diastolic=diastolic, heart_rate=rate, premature_every=premature)
    module = Tensiometer(Body(1, physiology))
    module.receive(INFLATE_160, 5.0)
    done, pressures = measure(module, 10.0)
    read = result(module, done)
    assert 20 < done - 10 < 50
    assert read["error"] == 0
    assert read["status"] == 1
    assert read["sys"] == pytest.approx(systolic, abs=6)
    assert read["dia"] == pytest.approx(diastolic, abs=4)
    assert read["dia"] < read["map"] < read["sys"]
    assert read["hr"] == pytest.approx(rate, abs=6)
    assert read["beats"] >= 6
    assert max(pressures) <= 300


def test_the_cuff_rises_in_five_seconds_falls_four_a_second_and_pulses_in_between() -> None:
    body = Body(1, Physiology(heart_rate=60))
    module = Tensiometer(body)
    _, pressures = measure(module, 100.0, step=0.02)
    p = np.array(pressures)
    top = int(np.argmax(p))
    assert p[top] == pytest.approx(160, abs=2)
    assert 4.5 < top * 0.02 < 6.0
    fall = p[300:]
    slope = np.polyfit(np.arange(1000) * 0.02, fall[:1000], 1)[0]
    assert slope == pytest.approx(-4.0, abs=0.15)
    swing = fall - (fall[0] - 4.0 * 0.02 * np.arange(len(fall)))
    assert np.ptp(swing[:1000]) > 2


def test_it_pumps_on_while_the_artery_still_beats() -> None:
    module = Tensiometer(Body(1, Physiology(systolic=190, diastolic=110)))
    done, pressures = measure(module, 10.0)
    assert max(pressures) >= 205
    assert result(module, done)["sys"] == pytest.approx(190, abs=6)


def test_the_artery_law_peaks_between_the_two_pressures() -> None:
    body = Body(1, Physiology(systolic=120, diastolic=80))
    levels = np.arange(40, 160, 4.0)
    t = np.arange(20, 24, 0.01)
    swings = [float(np.ptp(cuff.pulses(body, t, np.full_like(t, level)))) for level in levels]
    best = levels[int(np.argmax(swings))]
    assert 80 < best < 112
    assert max(swings) > 2.0
    assert swings[0] < 0.7 * max(swings)
    assert swings[-1] < 0.3 * max(swings)


def test_busy_while_measuring_but_the_cuff_can_be_read_and_the_abort_is_obeyed() -> None:
    module = Tensiometer(Body(1))
    module.receive(START, 10.0)
    assert letters(module.receive(START + READ_RESULT + STATUS + INFLATE_160, 12.0)) == "BBBB"
    assert mmhg(module, 13.0) > 80
    assert letters(module.receive(ABORT, 14.0)) == "A"
    assert letters(module.receive(START, 14.5)) == "B"
    assert mmhg(module, 15.0) > 20
    assert mmhg(module, 19.0) <= 5
    assert module.produce(60.0) == []
    assert result(module, 60.0) == {"sys": 0, "dia": 0, "map": 0, "beats": 0, "status": 0, "hr": 0, "error": 86}
    assert letters(module.receive(START, 61.0)) == "O"


def test_an_idle_abort_keeps_the_last_result() -> None:
    module = Tensiometer(Body(1))
    done, _ = measure(module, 10.0)
    before = result(module, done)
    module.receive(ABORT, done + 1)
    assert result(module, done + 1) == before


def test_a_loose_cuff_never_rises() -> None:
    body = Body(1)
    body.change(0.0, {"cuff_on": False})
    module = Tensiometer(body)
    done, pressures = measure(module, 10.0)
    assert max(pressures) < 20
    assert 10 < done - 10 < 20
    assert result(module, done)["error"] == 87
    assert result(module, done)["sys"] == 0


def test_a_cuff_that_comes_off_in_the_middle_ends_the_measurement() -> None:
    body = Body(1)
    module = Tensiometer(body)
    module.receive(START, 10.0)
    body.change(15.0, {"cuff_on": False})
    said = [f for t in np.arange(15, 30, 0.25) for f in module.produce(float(t))]
    assert said == [acknowledge("K")]
    assert result(module, 30.0)["error"] == 87


@pytest.mark.parametrize(
    ("asked", "error"), [({"perfusion": 0.1}, 1), ({"moving": True}, 2), ({"systolic": 279, "diastolic": 180}, 3)]
)
def test_what_the_module_cannot_measure_is_an_error_without_values(asked: dict[str, object], error: int) -> None:
    body = Body(1)
    body.change(0.0, asked)
    module = Tensiometer(body)
    done, _ = measure(module, 10.0)
    read = result(module, done)
    assert read["error"] == error
    assert read["sys"] == read["dia"] == read["map"] == read["hr"] == 0


def test_asleep_until_reset() -> None:
    module = Tensiometer(Body(1))
    sleep = bytes.fromhex("3a 81 00 00 00 00")
    assert letters(module.receive(sleep + bytes([-sum(sleep) & 0xFF]), 1.0)) == "K"
    assert letters(module.receive(START + RESET + START, 2.0)) == "SKO"


def test_reset_lets_the_air_out() -> None:
    module = Tensiometer(Body(1))
    module.receive(START, 10.0)
    assert letters(module.receive(RESET, 14.0)) == "K"
    assert mmhg(module, 20.0) <= 5
    assert module.produce(60.0) == []


def test_calibration_answers_six_bytes() -> None:
    head = bytes.fromhex("3a 04 01")
    (frame,) = Tensiometer(Body(1)).receive(head + bytes([-sum(head) & 0xFF]), 1.0)
    assert (len(frame), frame[1], sum(frame) % 256) == (6, 6, 0)


@pytest.mark.parametrize(("fault", "error"), ERROR_FAULTS.items())
def test_a_fault_of_the_table_ends_the_measurement_without_values(fault: str, error: int) -> None:
    module = Tensiometer(Body(1))
    module.fail(fault, True, 1.0)
    done, _ = measure(module, 10.0)
    assert result(module, done) == {"sys": 0, "dia": 0, "map": 0, "beats": 0, "status": 0, "hr": 0, "error": error}
    module.fail(fault, False, done)
    done, _ = measure(module, done + 60)
    assert result(module, done)["error"] == 0


def test_asleep_and_busy_as_faults() -> None:
    module = Tensiometer(Body(1))
    module.fail("asleep", True, 1.0)
    assert letters(module.receive(START + ABORT + RESET, 2.0)) == "SSS"
    module.fail("asleep", False, 3.0)
    module.fail("busy", True, 3.0)
    assert letters(module.receive(START + ABORT + RESET, 4.0)) == "BAB"
    module.fail("busy", False, 5.0)
    assert letters(module.receive(START, 6.0)) == "O"


def test_a_done_that_never_comes() -> None:
    module = Tensiometer(Body(1))
    module.fail("no-done", True, 1.0)
    module.receive(START, 10.0)
    assert module.produce(200.0) == []
    assert letters(module.receive(START + ABORT, 201.0)) == "BA"


def test_late_answers_come_in_their_order() -> None:
    module = Tensiometer(Body(1))
    module.fail("late-reply", True, 1.0)
    assert module.receive(STATUS + ABORT, 2.0) == []
    assert module.produce(2.5) == []
    assert module.produce(2.8) == [packet(b"\x00\x00"), acknowledge("A")]
    assert module.produce(2.9) == []


def test_a_self_test_that_failed() -> None:
    module = Tensiometer(Body(1))
    module.fail("abnormal-self-test", True, 1.0)
    assert module.receive(STATUS, 2.0) == [packet(b"\x01\x00")]
