"""Back-off: chance within a bound that doubles, for as long as it takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.backoff import Backoff


@given(st.floats(0.01, 5), st.floats(5, 1000), st.integers(1, 60))
def test_back_off_is_full_jitter_with_a_doubling_bound(first: float, most: float, failures: int) -> None:
    backoff = Backoff(first, most)
    waits = [backoff.next() for _ in range(failures)]
    assert all(0 <= wait <= min(most, first * 2**number) for number, wait in enumerate(waits))
    backoff.reset()
    assert backoff.next() <= first


def test_a_month_of_failures_overflows_nothing() -> None:
    backoff = Backoff(1.0, 300.0)
    waits = [backoff.next() for _ in range(20_000)]
    assert max(waits) <= 300
    late = waits[-10_000:]
    # Full jitter: from nothing to the bound, half of it in the mean.
    assert min(late) < 1 < 299 < max(late)
    assert 140 < sum(late) / len(late) < 160
