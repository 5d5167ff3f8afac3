"""The clock of the simulators, and what every simulated instrument has in common."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.body import Body
from simulators.device import LONGEST_GAP_S, Clock
from simulators.rack import INSTRUMENTS


class Wall:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@given(st.lists(st.floats(0.0, LONGEST_GAP_S), max_size=50), st.floats(0.1, 50))
def test_body_time_is_wall_time_times_the_speed(steps: list[float], speed: float) -> None:
    wall = Wall()
    clock = Clock(speed, wall)
    for step in steps:
        wall.time += step
        clock.now()
    assert clock.now() == pytest.approx((wall.time - 1000.0) * speed, abs=1e-6)


def test_a_process_that_slept_does_not_owe_its_sleep() -> None:
    wall = Wall()
    clock = Clock(20.0, wall)
    wall.time += 1.0
    assert clock.now() == pytest.approx(20.0)
    wall.time += 3600.0
    assert clock.now() == pytest.approx(20.0 + 20.0 * LONGEST_GAP_S)
    wall.time += 1.0
    assert clock.now() == pytest.approx(40.0 + 20.0 * LONGEST_GAP_S)


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=50))
def test_it_never_goes_back(steps: list[float]) -> None:
    wall = Wall()
    clock = Clock(3.0, wall)
    seen = [clock.now()]
    for step in steps:
        wall.time += step
        seen.append(clock.now())
    assert seen == sorted(seen)


@settings(max_examples=40, deadline=None)
@given(
    writes=st.lists(st.tuples(st.floats(0.0, 5.0), st.binary(max_size=40)), max_size=20),
    name=st.sampled_from(sorted(INSTRUMENTS)),
)
def test_whatever_the_host_writes_an_instrument_lives_and_forgets_it(
    writes: list[tuple[float, bytes]], name: str
) -> None:
    device = INSTRUMENTS[name](Body(1))
    now = 0.0
    for step, data in writes:
        now += step
        frames = device.receive(data, now) + device.produce(now)
        assert all(isinstance(frame, bytes) and frame for frame in frames)
    pending = getattr(device, "_pending", b"")
    assert len(pending) <= 40


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_every_instrument_knows_its_name(name: str) -> None:
    assert INSTRUMENTS[name](Body(1)).kind == name


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_asking_twice_at_one_time_gives_nothing_new(name: str) -> None:
    device = INSTRUMENTS[name](Body(1))
    device.opened(0.0)
    device.receive(b"b", 0.0)
    assert device.produce(200.0) != [] or name == "tensiometer"
    assert device.produce(200.0) == []
