"""The simulated TM 262 against the sheet's records (audiometer, A), and the listener behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.body import Body
from simulators.listener import Listener, threshold
from simulators.physiology import Physiology
from simulators.tm262 import Audiometer, record

LEFT = "3a79303131 2d2d2d2d2d 3031 30303134 30303134 30303041 30303041 30303030 30303041 30303134 30303134"
LEFT += "30303145 30303238 30303145 3434 0d0a"


def levels(frame: bytes) -> list[int | None]:
    """Thresholds of a record by the sheet's columns, None for the no-response range."""
    text = frame.decode("ascii")
    assert (len(text), text[:2], text[5:10], text[58:]) == (60, ":y", "-----", "\r\n")
    assert int(text[56:58], 16) == sum(frame[:56]) & 0x7F
    raw = [int(text[n : n + 4], 16) for n in range(12, 56, 4)]
    signed = [value - 0x10000 if value >= 0x8000 else value for value in raw]
    return [None if 231 <= value <= 450 else value // 2 for value in signed]


def test_records_are_the_sheets_bytes() -> None:
    assert record(0, 1, 1, "left", [10, 10, 5, 5, 0, 5, 10, 10, 15, 20, 15]) == bytes.fromhex(LEFT)
    right = record(0, 1, 1, "right", [15, 10, 10, 10, 10, 15, 20, 35, 55, 45, 25])
    assert right == b":y011-----02001E0014001400140014001E00280046006E005A003252\r\n"
    negative = record(0, 1, 1, "left", [-5, -10, -5, 0, 0, 0, 0, 5, 0, 5, 5])
    assert negative == b":y011-----01FFF6FFECFFF600000000000000000000".replace(
        b"00000000000000000000", b"0000" * 4
    ) + (b"000A0000000A000A5E\r\n")


def test_no_response_is_a_code_of_its_own() -> None:
    frame = record(3, 1, 2, "left", [75, 20, 25, 40, 60, None, 90, None, 0, 5, 10])
    assert frame[32:36] == b"012C"
    assert levels(frame) == [75, 20, 25, 40, 60, None, 90, None, 0, 5, 10]


def test_both_ears_in_one_transfer_with_a_new_digit_for_each_test() -> None:
    device = Audiometer(Body(1))
    said = [(t, f) for t in range(1000) for f in device.produce(float(t))]
    assert [t for t, _ in said[:4]] == [80, 80, 165, 165]
    assert [f[2:5] for _, f in said[:4]] == [b"112", b"122", b"212", b"222"]
    assert [f[10:12] for _, f in said[:4]] == [b"01", b"02", b"01", b"02"]
    gaps = np.diff([t for t, f in said if f[3:4] == b"1"])
    assert gaps.max() <= 90
    assert said[20][1][2:3] == b"1"


def test_a_listener_who_comes_late_gets_the_next_whole_test() -> None:
    device = Audiometer(Body(1))
    frames = device.produce(500.0)
    assert [f[3:5] for f in frames] == [b"12", b"22"]
    assert device.produce(501.0) == []


def test_xoff_holds_a_transfer_and_six_seconds_of_it_lose_it() -> None:
    device = Audiometer(Body(1))
    device.receive(b"\x13", 79.0)
    assert device.produce(80.0) == []
    device.receive(b"\x11", 84.0)
    assert len(device.produce(84.0)) == 2
    device.receive(b"\x13", 164.0)
    assert device.produce(165.0) == []
    assert device.produce(171.0) == []
    device.receive(b"\x11", 172.0)
    assert device.produce(172.0) == []
    assert len(device.produce(250.0)) == 2


def test_thresholds_are_the_persons_within_a_step_of_the_grid() -> None:
    device = Audiometer(Body(1))
    truth = np.array([[*Physiology().left], [*Physiology().right]], dtype=float)
    errors = []
    for n in range(1, 11):
        left, right = (levels(f) for f in device.produce(85.0 * n - 5))
        assert None not in left + right
        found = np.array([left, right], dtype=float)
        assert (found % 5 == 0).all()
        errors.append(found - truth)
    assert np.abs(errors).max() <= 20
    # The grid reads some 2.6 dB above the half-way point by construction (clinical reference, finding 4).
    assert 0.5 < np.mean(errors) < 5.0
    assert np.std(errors) < 4.5
    assert not np.array_equal(errors[0], errors[1])


def test_the_same_seed_gives_the_same_test() -> None:
    assert Audiometer(Body(7)).produce(80.0) == Audiometer(Body(7)).produce(80.0)
    assert Audiometer(Body(7)).produce(80.0) != Audiometer(Body(8)).produce(80.0)


def test_a_deaf_ear_has_no_response() -> None:
    body = Body(1)
    body.change(0.0, {"left": [120] * 11, "false_alarm": 0.0})
    left, right = (levels(f) for f in Audiometer(body).produce(80.0))
    assert left == [None] * 11
    assert None not in right


def test_the_psychometric_function() -> None:
    person = replace(Physiology(), false_alarm=0.1, lapse=0.05, listening_sd=3.0)
    ear = Listener(30.0, person, np.random.default_rng(1))
    share = {level: np.mean([ear.hears(level) for _ in range(4000)]) for level in (0, 30, 60)}
    assert share[0] == pytest.approx(0.10, abs=0.02)
    assert share[30] == pytest.approx(0.10 + 0.85 * 0.5, abs=0.03)
    assert share[60] == pytest.approx(0.95, abs=0.02)


def test_a_listener_who_always_presses_has_the_lowest_threshold() -> None:
    person = replace(Physiology(), false_alarm=0.9, lapse=0.0)
    found = [threshold(Listener(-50.0, person, np.random.default_rng(n))) for n in range(5)]
    assert found == [-10] * 5
