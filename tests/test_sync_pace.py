"""The pace: rates are kept whatever is asked, the window follows the receipts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.pace import Pace

FREE = float("inf")


def test_the_window_begins_small_grows_with_quick_receipts_and_is_kept() -> None:
    pace = Pace(20, FREE, FREE)
    assert pace.window == 2
    for _ in range(50):
        pace.answered(0.1)
    assert pace.window == 20
    pace.begin()
    assert pace.window == 2


def test_late_receipts_shrink_the_window_and_a_missing_one_closes_it() -> None:
    pace = Pace(20, FREE, FREE)
    for _ in range(9):
        pace.answered(1.0)
    pace.answered(3.0)  # neither quick nor late
    assert pace.window == 11
    pace.answered(6.0)
    assert pace.window == 10
    pace.unanswered()
    assert pace.window == 1
    pace.answered(60.0)
    assert pace.window == 1


def test_a_window_of_one_stays_one() -> None:
    pace = Pace(1, FREE, FREE)
    pace.answered(0.1)
    assert pace.window == 1


@pytest.mark.parametrize(("letters", "octets"), [(10.0, FREE), (FREE, 10_000.0)])
def test_what_leaves_in_the_long_run_is_the_rate(letters: float, octets: float) -> None:
    pace = Pace(20, letters, octets)
    now, left = 0.0, 0
    while now < 100:
        wait = pace.wait(now)
        if wait:
            now += wait
            continue
        pace.left(1000, whole=True)
        left += 1
    assert 1000 <= left <= 1022  # one second's worth may leave at once when it begins


def test_a_message_larger_than_a_second_s_worth_leaves_and_is_paid_for() -> None:
    pace = Pace(20, FREE, 1000.0)
    assert pace.wait(5.0) == 0
    pace.left(10_000, whole=False)
    assert pace.wait(5.0) == pytest.approx(9.0)
    assert pace.wait(10.0) == pytest.approx(4.0)


@given(
    st.floats(0.5, 100),
    st.floats(100, 100_000),
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 50_000), st.booleans()), min_size=1),
)
def test_no_burst_exceeds_a_second_s_worth_and_one_message(
    letters: float, octets: float, steps: list[tuple[float, int, bool]]
) -> None:
    pace, now = Pace(20, letters, octets), 0.0
    count = size = 0
    largest = max(step[1] for step in steps)
    for later, amount, whole in steps:
        now += later
        if pace.wait(now) == 0:
            pace.left(amount, whole=whole)
            count, size = count + whole, size + amount
        assert count <= letters * (now + 1) + 1.001
        assert size <= octets * (now + 1) + largest + 0.001 * octets


def test_without_limits_nothing_waits() -> None:
    pace = Pace(20, FREE, FREE)
    for _ in range(1000):
        pace.left(1 << 20, whole=True)
    assert pace.wait(0.0) == 0
