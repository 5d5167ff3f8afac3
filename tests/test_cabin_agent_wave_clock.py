"""Where a waveform lies on the cabin's clock, from blocks that arrive late, in bursts, drifting, and anew."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.wave_clock import WINDOW_S, WaveClock
from drivers.events import Wave

RATE = 250.0
BLOCK = 10
TRUE_S = 1234.5
"""Monotonic second at which sample 0 was taken."""


def block(index: int, rate: float = RATE, count: int = BLOCK) -> Wave:
    return Wave("ecg", index, rate, "mV", ("I",), ((0.0,),) * count)


def taken(index: int, rate: float = RATE, count: int = BLOCK) -> float:
    """When the last sample of a block was there."""
    return TRUE_S + (index + count - 1) / rate


def jittered(blocks: int, latest_s: float, seed: int = 1) -> Iterator[tuple[Wave, float]]:
    """Blocks that arrive up to `latest_s` late, in order."""
    chance, arrived = random.Random(seed), 0.0
    for number in range(blocks):
        arrived = max(arrived, taken(number * BLOCK) + 0.002 + chance.uniform(0, latest_s))
        yield block(number * BLOCK), arrived


def test_before_the_first_block_nothing_is_known() -> None:
    assert WaveClock().offset_us is None


def test_the_last_sample_of_a_punctual_block_is_now() -> None:
    clock = WaveClock()
    clock.heard(block(0), taken(0))
    assert clock.offset_us == round(TRUE_S * 1e6)


@pytest.mark.parametrize("latest_s", [0.005, 0.02, 0.1])
def test_jitter_is_undercut(latest_s: float) -> None:
    clock, offsets = WaveClock(), []
    for wave, at in jittered(1000, latest_s):
        clock.heard(wave, at)
        offsets.append((clock.offset_us or 0) / 1e6 - TRUE_S)
    settled = offsets[100:]
    assert all(0.002 - 1e-6 <= offset <= 0.002 + latest_s / 5 for offset in settled)


@given(st.lists(st.floats(0.0, 0.5), min_size=1, max_size=200))
def test_the_offset_is_the_smallest_of_the_window_and_never_before_the_truth(late: list[float]) -> None:
    clock, arrived = WaveClock(), 0.0
    heard: list[tuple[float, float]] = []
    for number, lateness in enumerate(late):
        arrived = max(arrived, taken(number * BLOCK) + lateness)
        clock.heard(block(number * BLOCK), arrived)
        heard.append((arrived, arrived - (number * BLOCK + BLOCK - 1) / RATE))
        lowest = min(offset for at, offset in heard if at >= arrived - WINDOW_S)
        assert clock.offset_us == round(lowest * 1e6)
        assert lowest >= TRUE_S - 1e-9


def test_a_stall_and_its_burst_change_nothing() -> None:
    clock = WaveClock()
    for number in range(100):
        clock.heard(block(number * BLOCK), taken(number * BLOCK))
    stalled_until = taken(170 * BLOCK)
    for number in range(100, 170):  # nearly three seconds that all come at once
        clock.heard(block(number * BLOCK), stalled_until)
    assert clock.offset_us == round(TRUE_S * 1e6)
    clock.heard(block(170 * BLOCK), stalled_until)
    assert clock.offset_us == round(TRUE_S * 1e6)


@pytest.mark.parametrize("ppm", [-200, -50, 50, 200])
def test_a_crystal_that_is_not_ours_is_followed(ppm: int) -> None:
    clock, real = WaveClock(), RATE * (1 + ppm * 1e-6)
    for number in range(60 * 25):  # a minute
        at = TRUE_S + (number * BLOCK + BLOCK - 1) / real
        clock.heard(block(number * BLOCK), at)
    now = at - (number * BLOCK + BLOCK - 1) / RATE
    assert abs((clock.offset_us or 0) / 1e6 - now) <= abs(ppm) * 1e-6 * (WINDOW_S + 0.1) + 1e-6


def test_a_stream_that_begins_anew_forgets_the_old_time_at_once() -> None:
    clock = WaveClock()
    for number in range(100):
        clock.heard(block(number * BLOCK), taken(number * BLOCK))
    again = taken(100 * BLOCK)
    clock.heard(block(0), again)
    assert clock.offset_us == pytest.approx((again - (BLOCK - 1) / RATE) * 1e6, abs=1)


def test_another_rate_is_another_stream() -> None:
    clock = WaveClock()
    clock.heard(block(0), TRUE_S)
    clock.heard(block(1000, rate=500.0), TRUE_S + 0.1)
    assert clock.offset_us == pytest.approx((TRUE_S + 0.1 - 1009 / 500.0) * 1e6, abs=1)


def test_lost_samples_that_the_index_counts_change_nothing() -> None:
    clock = WaveClock()
    for number in (*range(50), *range(80, 130)):
        clock.heard(block(number * BLOCK), taken(number * BLOCK) + 0.001)
    assert clock.offset_us == round((TRUE_S + 0.001) * 1e6)


def test_a_pause_that_the_index_does_not_count_is_followed_within_the_window() -> None:
    clock, pause = WaveClock(), 1.5
    for number in range(100):
        clock.heard(block(number * BLOCK), taken(number * BLOCK))
    offsets = []
    for number in range(100, 100 + int((WINDOW_S + 1) * RATE / BLOCK)):
        clock.heard(block(number * BLOCK), taken(number * BLOCK) + pause)
        offsets.append(clock.offset_us)
    assert offsets[-1] == round((TRUE_S + pause) * 1e6)
    assert all(one <= other for one, other in pairwise(each or 0 for each in offsets))


def test_a_demonstration_that_runs_faster_is_followed() -> None:
    clock, speed = WaveClock(), 20.0
    for number in range(500):
        at = TRUE_S + (number * BLOCK + BLOCK - 1) / RATE / speed
        clock.heard(block(number * BLOCK), at)
        assert clock.offset_us == round((at - (number * BLOCK + BLOCK - 1) / RATE) * 1e6)


def test_memory_is_bounded() -> None:
    clock = WaveClock()
    for number in range(20_000):  # the worst case: each block is a little later than the one before
        clock.heard(block(number * BLOCK), taken(number * BLOCK) * (1 + 1e-4))
    assert len(clock._envelope) <= WINDOW_S * RATE / BLOCK + 2
