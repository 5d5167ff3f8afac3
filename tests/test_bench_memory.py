"""What counts as flat memory: a jump and some wandering do, a little more with each call does not."""

from __future__ import annotations

import random

import pytest

from bench.video_memory import CALL_MB, CALLS, trend


def run(leak_mb: float, wander_mb: float = 3.0) -> list[float]:
    """Megabytes after each call: warm after fifty, then what leaks, with what the allocator keeps for a while."""
    chance = random.Random(5)
    kept, found = 0.0, []
    for call in range(CALLS):
        kept = chance.uniform(-wander_mb, wander_mb) if chance.random() < 0.02 else kept
        found.append(150 - 30 * max(0.0, 1 - call / 50) + kept + leak_mb * call)
    return found


def test_the_first_half_and_a_jump_do_not_count() -> None:
    warm = [*range(100, 100 + CALLS // 2), *[400.0] * (CALLS // 4), *[408.0] * (CALLS // 4)]
    found = trend(range(CALLS), warm)
    assert found.slope < CALL_MB
    assert (found.first, found.middle, found.last, found.wander) == (100, 400, 408, 8)


def test_memory_that_wanders_is_flat() -> None:
    found = trend(range(CALLS), run(0.0))
    assert abs(found.slope) < CALL_MB
    assert found.low <= found.slope <= found.high
    assert found.wander > 1


@pytest.mark.parametrize("leak_mb", [0.1, 0.25])
def test_a_leak_in_each_call_is_found(leak_mb: float) -> None:
    found = trend(range(CALLS), run(leak_mb))
    assert found.slope == pytest.approx(leak_mb, abs=0.03)
    assert found.slope > CALL_MB
