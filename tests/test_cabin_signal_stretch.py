"""Memories of a stream: addressing, bridging and remembering holes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.maxima import Maxima
from cabin_signal.stretch import Bridge, Holes, Pending, Stretch

NAN = float("nan")


@given(sizes=st.lists(st.integers(0, 10), max_size=60))
def test_a_stretch_remembers_its_last_samples_by_absolute_index(sizes: list[int]) -> None:
    stretch = Stretch(10)
    total = 0
    for size in sizes:
        stretch.append(np.arange(total, total + size, dtype=float))
        total += size
        first = max(0, total - 10)
        assert stretch.end == total
        assert stretch.window(first, total).tolist() == list(range(first, total))


def test_a_window_beyond_what_is_kept_is_cut() -> None:
    stretch = Stretch(4)
    stretch.append(np.arange(4.0))
    assert stretch.window(-5, 2).tolist() == [0, 1]
    assert stretch.window(2, 99).tolist() == [2, 3]
    assert stretch.window(9, 12).tolist() == []
    assert stretch.first(-5) == 0


def test_a_window_is_a_copy() -> None:
    stretch = Stretch(4)
    stretch.append(np.arange(4.0))
    stretch.window(0, 4)[:] = 9
    assert stretch.window(0, 4).tolist() == [0, 1, 2, 3]


def test_the_bridge_begins_at_zero_and_takes_the_step_out_of_a_hole() -> None:
    x, real = Bridge().update(np.array([5, 6, NAN, NAN, 105, 107]))
    assert x.tolist() == [0, 1, 1, 1, 1, 3]
    assert real.tolist() == [True, True, False, False, True, True]


def test_a_stream_that_begins_with_a_hole() -> None:
    x, _ = Bridge().update(np.array([NAN, NAN, 40, 41]))
    assert x.tolist() == [0, 0, 0, 1]


@given(
    values=st.lists(st.one_of(st.just(NAN), st.integers(-50, 50).map(float)), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
def test_the_bridge_does_not_care_for_blocks(values: list[float], cuts: list[int]) -> None:
    x = np.array(values)
    whole, _ = Bridge().update(x)
    bridge = Bridge()
    edges = [0, *sorted(min(c, len(x)) for c in cuts), len(x)]
    parts = [bridge.update(x[a:b])[0] for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.isfinite(whole).all()


def test_only_long_holes_are_remembered() -> None:
    holes = Holes(3)
    for block in ([True, False, False, True], [True, False, False], [False, True, True]):
        holes.update(np.array(block))
    assert not holes.between(0, 5)
    assert holes.between(4, 9)


@given(
    heights=st.lists(st.integers(0, 20), min_size=3, max_size=120),
    dominance=st.integers(1, 12),
    size=st.integers(1, 50),
)
def test_maxima_do_not_care_for_blocks_and_dominate(heights: list[int], dominance: int, size: int) -> None:
    curve = np.array([*heights, *[0] * (dominance + 3)], dtype=float)
    whole = Maxima(dominance, 0).update(curve)
    pieces = Maxima(dominance, 0)
    parts = [top for i in range(0, len(curve), size) for top in pieces.update(curve[i : i + size])]
    assert parts == whole
    for at, height in whole:
        assert curve[at] == height
        near = range(at, min(at + dominance + 1, len(curve) - 1))
        tops = [curve[i] for i in near if curve[i] > curve[i - 1] and curve[i] >= curve[i + 1]]
        assert max(tops, default=height) == height
    positions = [at for at, _ in whole]
    assert positions == sorted(set(positions))


def test_the_highest_of_a_crowd_is_the_maximum() -> None:
    assert Maxima(3, 0).update(np.array([0, 2, 0, 5, 0, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0.0])) == [(3, 5.0), (10, 1.0)]


def test_what_is_below_the_floor_is_no_maximum() -> None:
    assert Maxima(2, 1.5).update(np.array([0, 1, 0, 0, 0, 2, 0, 0, 0, 0.0])) == [(5, 2.0)]


@pytest.mark.parametrize("level", [0.0, 3.0])
def test_a_flat_curve_has_no_maximum(level: float) -> None:
    assert len(Maxima(2, 0).update(np.full(50, level))) <= (level > 0)


@given(sizes=st.lists(st.integers(0, 10), max_size=40), taken=st.sets(st.integers(0, 39)))
def test_what_waits_is_taken_once_and_in_order(sizes: list[int], taken: set[int]) -> None:
    pending, total, out = Pending(25), 0, np.zeros(0)
    for number, size in enumerate(sizes):
        full = pending.add(np.arange(total, total + size, dtype=float))
        total += size
        assert full == (total - len(out) >= 25)
        if full or number in taken:
            out = np.concatenate((out, pending.take()))
    assert np.array_equal(np.concatenate((out, pending.take())), np.arange(total, dtype=float))
    assert len(pending.take()) == 0
