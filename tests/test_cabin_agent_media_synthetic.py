"""Drawn pictures move, carry both clocks, and differ from each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cabin_agent.media import barcode, synthetic
from cabin_agent.media.address import SCENES


def test_what_settings_may_name_can_be_drawn() -> None:
    assert set(SCENES) == set(synthetic.SCENES)


@pytest.mark.parametrize("scene", SCENES)
def test_something_moves_between_any_two_pictures_of_a_second(scene: str) -> None:
    drawn = [synthetic.SCENES[scene](n / 10) for n in range(10)]
    for before, after in pairwise(drawn):
        assert (before != after).any(axis=2).sum() > 1000


@pytest.mark.parametrize("scene", SCENES)
def test_a_picture_is_full_size_and_its_clock_is_read(scene: str) -> None:
    picture = synthetic.picture(scene, 12.3, 1_700_000_000_123, 70_000)
    assert picture.shape == (synthetic.HEIGHT, synthetic.WIDTH, 3)
    assert barcode.read(picture[..., 1]) == (1_700_000_000_123 % 2**32, 70_000 % 2**16)


@pytest.mark.parametrize("scene", SCENES)
def test_the_clock_for_people_changes_too(scene: str) -> None:
    one, other = (synthetic.picture(scene, 0, ms, 0)[580:640, 850:] for ms in (1000, 2000))
    assert (one != other).any()


def test_drawing_does_not_spoil_the_background_it_starts_from() -> None:
    before = synthetic.picture("room", 0.5, 5, 5)
    synthetic.picture("room", 1.7, 99, 99)
    assert np.array_equal(before, synthetic.picture("room", 0.5, 5, 5))


def test_the_scenes_differ() -> None:
    assert (synthetic.room(0) != synthetic.hand(0)).any(axis=2).mean() > 0.5
