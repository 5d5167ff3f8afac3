"""The simulated scale against the sheet's vectors and behaviour (healthometer-scale, sections 2 to 6)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulators.body import Body
from simulators.healthometer import Scale, message
from simulators.physiology import Physiology

REQUEST = bytes.fromhex("1b 52 1b 45")


def test_messages_are_the_sheets_bytes() -> None:
    metric = "1b52 1b49 30303030303030303030 1b57 37322e34 1b48 3137352e30 1b42 32332e36 1b4e6d 1b45"
    assert message(72.4, 175.0) == bytes.fromhex(metric)
    only = "1b52 1b49 30303030303030303030 1b57 37322e34 1b48 302e30 1b42 302e30 1b4e6d 1b45"
    assert message(72.4, 0.0) == bytes.fromhex(only)


def test_one_message_a_second_once_the_weight_is_locked() -> None:
    scale = Scale(Body(1, Physiology(weight=81.26, height=168.0)))
    said = [(t / 10, f) for t in range(200) for f in scale.produce(t / 10)]
    times = [t for t, _ in said]
    assert 2.0 <= times[0] <= 3.0
    assert [round(b - a, 6) for a, b in pairwise(times)] == [1.0] * (len(times) - 1)
    assert {f for _, f in said} == {message(81.3, 168.0)}


def test_an_empty_scale_is_silent_until_it_is_asked() -> None:
    body = Body(1)
    body.change(0.0, {"on_scale": False})
    scale = Scale(body)
    assert scale.produce(30.0) == []
    assert scale.receive(REQUEST[:2], 31.0) == []
    (zero,) = scale.receive(REQUEST[2:], 31.0)
    assert b"\x1bW0.0\x1bH0.0\x1bB0.0\x1bNm\x1bE" in zero


def test_stepping_on_and_off() -> None:
    body = Body(1)
    body.change(0.0, {"on_scale": False})
    scale = Scale(body)
    scale.produce(10.0)
    body.change(10.0, {"on_scale": True})
    assert scale.produce(10.5) == []
    assert scale.receive(REQUEST, 11.0) == []
    assert scale.produce(12.5) == [message(72.4, 175.0)] * 2
    body.change(12.6, {"on_scale": False})
    assert scale.produce(20.0) == []
    assert scale.receive(REQUEST, 21.0) == [message(0.0, 0.0)]


def test_a_locked_scale_answers_at_once() -> None:
    scale = Scale(Body(1))
    scale.produce(0.0)
    scale.produce(10.0)
    assert scale.receive(b"noise" + REQUEST, 10.1) == [message(72.4, 175.0)]


@pytest.mark.parametrize("late", [3.0, 47.3])
def test_a_pause_is_not_made_up_for(late: float) -> None:
    scale = Scale(Body(1))
    scale.produce(0.0)
    scale.produce(2.0)
    assert len(scale.produce(2.0 + late)) == 1
    assert scale.produce(2.0 + late + 0.01) == []
