"""The words of simulation are in every picture, large, legible when small, and never over the readable clock."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cabin_agent.media import barcode, mark, synthetic
from cabin_agent.media.lettering import BOLD, lines, text_width, write
from cabin_agent.media.picture import Pixels, Shape, fit, planes, to_i420

SIZES = [(1280, 720), (960, 540), (640, 480), (640, 360), (426, 240), (320, 240), (320, 180), (160, 120)]


def marked(width: int, height: int) -> Pixels:
    """The luma of a grey picture of this size with the words in it."""
    i420 = to_i420(np.full((height, width, 3), 90, np.uint8))
    mark.burn_i420(i420)
    return planes(i420)[0]


@pytest.mark.parametrize("size", SIZES)
def test_the_words_fill_most_of_the_width_at_the_top(size: tuple[int, int]) -> None:
    width, height = size
    luma = marked(width, height)
    rows, columns = np.nonzero(np.abs(luma.astype(int) - int(luma[-1, -1])) > 10)
    assert np.ptp(columns) > 0.5 * width
    assert abs((columns.min() + columns.max()) / 2 - width / 2) < 4
    assert 0.06 * height < np.ptp(rows) < 0.2 * height
    assert rows.max() < 0.25 * height


def glyphs(luma: Pixels) -> int:
    """Dark shapes that stand alone inside the light patch: letters, the dot, the accent."""
    light = luma > 120
    rows, columns = np.nonzero(light)
    inside = luma[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    count, _, stats, _ = cv2.connectedComponentsWithStats((inside < 80).astype(np.uint8), connectivity=4)
    return sum(stats[n, cv2.CC_STAT_AREA] >= 3 for n in range(1, count))


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (320, 240)])
def test_each_letter_stands_alone_so_that_it_can_be_read(size: tuple[int, int]) -> None:
    letters = len(mark.WORDS.replace(" ", ""))
    assert letters <= glyphs(marked(*size)) <= letters + 1, "the accent may or may not touch its letter"


def test_the_accent_is_there() -> None:
    with_accent, without = (np.full((120, 700, 3), 255, np.uint8) for _ in range(2))
    write(with_accent, "SIMULÉ", (10, 100), 60, (0, 0, 0), BOLD)
    write(without, "SIMULE", (10, 100), 60, (0, 0, 0), BOLD)
    extra = (with_accent < 128).any(axis=2) & ~(without < 128).any(axis=2)
    assert extra.sum() > 50
    assert np.nonzero(extra)[0].max() < np.nonzero((without < 128).any(axis=2))[0].min() + 5
    assert "?" not in mark.WORDS and mark.WORDS.startswith("SIMULÉ") and mark.WORDS.endswith("SIMULATED")


@pytest.mark.parametrize("size", SIZES)
def test_both_ways_of_burning_give_the_same_picture(size: tuple[int, int]) -> None:
    width, height = size
    picture = synthetic.picture("room", 0, 1, 1)
    fitted = np.ascontiguousarray(fit(picture, Shape(width, height, 30)))
    i420 = to_i420(fitted)
    mark.burn_i420(i420)
    if fitted is picture:
        fitted = picture.copy()
    mark.burn(fitted)
    assert np.abs(i420.astype(int) - to_i420(fitted).astype(int)).max() <= 2


@pytest.mark.parametrize("size", SIZES[:-1])
@pytest.mark.parametrize("scene", ["room", "hand"])
def test_the_readable_clock_stays_free(size: tuple[int, int], scene: str) -> None:
    i420 = to_i420(fit(synthetic.picture(scene, 0.3, 424242, 17), Shape(*size, 30)))
    mark.burn_i420(i420)
    assert barcode.read(planes(i420)[0]) == (424242, 17)


def test_the_words_are_written_into_a_copy_of_the_cached_patch_never_into_it() -> None:
    first = marked(640, 480).copy()
    marked(640, 480)[:] = 0
    assert np.array_equal(marked(640, 480), first)


def test_lines_are_broken_between_words_and_fit() -> None:
    text = "La caméra n’envoie plus d’image : vérifiez son câble, ou attendez qu’elle reprenne."
    broken = lines(text, 300, 20)
    assert len(broken) > 2 and " ".join(broken) == text
    assert all(text_width(line, 20) <= 300 for line in broken)
    assert lines("unbreakable", 3, 20) == ["unbreakable"] and lines("", 100, 20) == []
