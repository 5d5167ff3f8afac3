"""The simulated infrared board against the sheet's vectors (mlx90614-gymcu)."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.body import Body
from simulators.gymcu import Thermometer, frame


@pytest.mark.parametrize(
    ("spot", "ambient", "vector"),
    [
        (31.92, 33.53, "5a 5a 45 04 0c 78 0d 19 a7"),
        (34.60, 24.15, "5a 5a 45 04 0d 84 09 6f 06"),
        (37.92, 23.80, "5a 5a 45 04 0e d0 09 4c 30"),
        (-5.25, -1.0, "5a 5a 45 04 fd f3 ff 9c 88"),
    ],
)
def test_frames_are_the_sheets_bytes(spot: float, ambient: float, vector: str) -> None:
    assert frame(spot, ambient) == bytes.fromhex(vector)


def spots(frames: list[bytes]) -> list[float]:
    assert all(len(f) == 9 and f[:4] == b"\x5a\x5a\x45\x04" and sum(f[:8]) % 256 == f[8] for f in frames)
    return [int.from_bytes(f[4:6], "big", signed=True) / 100 for f in frames]


def test_fourteen_a_second_of_the_face_or_of_the_wall() -> None:
    body = Body(1)
    board = Thermometer(body)
    face = spots(board.produce(10.0))
    assert len(face) == 140
    assert np.mean(face) == pytest.approx(36.2, abs=0.02)
    assert 0.005 < np.std(face) < 0.1
    body.change(10.0, {"facing": False})
    assert np.mean(spots(board.produce(20.0))) == pytest.approx(23.4, abs=0.02)


def test_one_reading_ends_the_flow_and_continuous_begins_it_again() -> None:
    board = Thermometer(Body(1))
    assert len(spots(board.receive(b"\xa5\x15\xba", 1.0))) == 1
    assert board.produce(5.0) == []
    assert board.receive(b"\xa5\x45", 6.0) == []
    assert board.receive(b"\xea", 6.0) == []
    assert len(board.produce(7.0)) == 14


def test_power_up_setting_counts_at_the_next_opening() -> None:
    board = Thermometer(Body(1))
    assert board.receive(b"\x00\xa5\x52\xf7\xa5\xae\x53", 1.0) == []
    assert len(board.produce(2.0)) == 28
    board.opened(2.0)
    assert board.produce(4.0) == []
    board.receive(b"\xa5\x51\xf6", 4.0)
    board.opened(5.0)
    assert len(board.produce(6.0)) == 14


def test_a_wrong_command_sum_is_ignored() -> None:
    board = Thermometer(Body(1))
    assert board.receive(b"\xa5\x15\xbb", 1.0) == []
    assert len(board.produce(2.0)) == 28
