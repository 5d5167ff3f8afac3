"""Bytes against time: a burst is spread, an ordinary frame is not held up, and a budget is a budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.pacing import BURST, PACE, PACE_LEAST, Bucket, Pacer


def pacer(rate: float) -> Pacer:
    made = Pacer()
    made.rate = rate
    return made


def test_without_a_rate_nothing_waits() -> None:
    assert [pacer(0).sent(100_000, 1.0) for _ in range(3)] == [0, 0, 0]


def test_an_ordinary_frame_leaves_at_once() -> None:
    paced = pacer(300_000 / 8)
    assert [paced.sent(1250, 1 + frame / 30) for frame in range(60)] == [0] * 60


def test_a_key_frame_is_spread() -> None:
    paced, now = pacer(300_000 / 8), 1.0
    for _ in range(9):
        now += paced.sent(1250, now)
    assert now - 1 == pytest.approx((9 * 1250 - BURST) / (PACE * 300_000 / 8), rel=0.05)


def test_at_the_lowest_rates_a_key_frame_is_not_late_for_good() -> None:
    paced, now = pacer(30_000 / 8), 1.0
    for _ in range(4):
        now += paced.sent(1250, now)
    assert now - 1 == pytest.approx((4 * 1250 - BURST) / PACE_LEAST, rel=0.3)


@given(st.floats(1e4, 1e6), st.lists(st.tuples(st.integers(1, 1400), st.floats(0, 0.1)), min_size=1, max_size=80))
def test_whoever_waits_never_exceeds_the_pace(rate: float, packets: list[tuple[int, float]]) -> None:
    paced, now, sent = pacer(rate), 1.0, 0
    for size, pause in packets:
        now += pause
        now += paced.sent(size, now)
        sent += size
    assert sent <= BURST + 1400 + max(PACE_LEAST, rate * PACE) * (now - 1) * 1.001


def test_a_budget_is_empty_when_it_is_spent_and_fills_again() -> None:
    bucket = Bucket()
    bucket.allow(10_000)
    assert [bucket.take(4_000, 1.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(4_000, 1.3)
    assert not bucket.take(4_000, 1.3)
    assert [bucket.take(5_000, 99.0) for _ in range(3)] == [True, True, False]


def test_a_budget_of_nothing_gives_nothing() -> None:
    assert not Bucket().take(1, 5.0)


@given(st.floats(100, 1e6), st.lists(st.tuples(st.integers(1, 1400), st.floats(0, 0.5)), min_size=1, max_size=80))
def test_no_more_is_given_than_a_second_and_the_time_since(rate: float, wishes: list[tuple[int, float]]) -> None:
    bucket, now, given_out = Bucket(), 1.0, 0
    bucket.allow(rate)
    for size, pause in wishes:
        now += pause
        given_out += size if bucket.take(size, now) else 0
    assert given_out <= rate * (1 + now - 1) * 1.001
