"""The shapes of beats: established by repetition, several at once, and forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from cabin_signal.shapes import ESTABLISHED, MOST, Shapes
from tests.cabin_signal_models import Array

FS = 360.0
DISTANCE = 300


def bump(kind: int) -> Array:
    """One of several unlike waves of 0.2 s."""
    t = np.arange(-36, 37) / FS
    if kind == 0:
        return np.exp(-0.5 * (t / 0.012) ** 2)
    if kind == 1:
        return -np.exp(-0.5 * (t / 0.035) ** 2)
    return np.sin(2 * np.pi * (6 + 3 * kind) * t) * np.exp(-0.5 * (t / 0.06) ** 2)


def train(kinds: list[int]) -> tuple[Array, list[int]]:
    x = np.zeros(DISTANCE * (len(kinds) + 2))
    middles = [DISTANCE * (i + 1) for i in range(len(kinds))]
    for at, kind in zip(middles, kinds, strict=True):
        x[at - 36 : at + 37] += bump(kind)
    return x, middles


def learnt(kinds: list[int], then: list[int]) -> tuple[Shapes, list[int]]:
    """Shapes that learnt the first waves, and where the following lie."""
    x, middles = train(kinds + then)
    shapes = Shapes(FS)
    shapes.update(x[:150])
    for i, at in enumerate(middles):
        shapes.update(x[at - DISTANCE + 150 : at + 150])
        if i < len(kinds):
            shapes.learn(at)
    return shapes, middles[len(kinds) :]


def test_a_wave_is_unknown_until_its_shape_has_come_often() -> None:
    shapes, (at,) = learnt([0] * (ESTABLISHED - 1), [0])
    assert shapes.likeness(at) == 0.0
    shapes, (at,) = learnt([0] * ESTABLISHED, [0])
    assert shapes.likeness(at) > 0.99


def test_another_shape_is_unlike() -> None:
    shapes, (same, other) = learnt([0] * 12, [0, 1])
    assert shapes.likeness(same) > 0.99 and shapes.likeness(other) < 0.5


def test_the_size_of_a_wave_is_no_shape() -> None:
    x, middles = train([0] * 12)
    shapes = Shapes(FS)
    shapes.update(x[:150])
    for i, at in enumerate(middles):
        shapes.update((1 + i) * x[at - DISTANCE + 150 : at + 150])
        shapes.learn(at)
    assert shapes.likeness(middles[-1]) > 0.99


def test_extra_beats_have_a_shape_of_their_own() -> None:
    shapes, (sinus, extra) = learnt([0, 1] * 10, [0, 1])
    assert shapes.likeness(sinus) > 0.99 and shapes.likeness(extra) > 0.99


def test_a_shifted_look_finds_the_same_shape() -> None:
    shapes, (at,) = learnt([0] * 12, [0])
    assert shapes.likeness(at + 6) > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_noise_fits_no_shape_and_takes_no_more_room(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes, _ = learnt([0] * 12, [])
    for _ in range(40):
        shapes.update(rng.standard_normal(360))
    shapes.learn(12 * DISTANCE + 39 * 360)
    assert shapes.likeness(12 * DISTANCE + 39 * 360 + 100) < 0.9
    assert len(shapes._templates) <= MOST


def test_what_is_no_longer_kept_is_like_nothing() -> None:
    shapes, (at,) = learnt([0] * 12, [0])
    for _ in range(20):
        shapes.update(np.zeros(360))
    assert shapes.likeness(at) == 0.0
    shapes.learn(at)
    assert shapes.likeness(at) == 0.0


def test_two_waves_are_compared_with_each_other() -> None:
    shapes, (first, second, other) = learnt([], [0, 0, 1])
    assert shapes.alike(first, second) > 0.99
    assert shapes.alike(first, other) < 0.5
    assert shapes.alike(first, 100_000) == -1.0
