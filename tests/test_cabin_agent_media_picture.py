"""Pictures are fitted and never stretched, and their planes are where encoders look for them."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.picture import Pixels, Shape, fit, place, planes, to_i420

even = st.integers(8, 1000).map(lambda half: 2 * half)


@given(st.integers(16, 4000), st.integers(16, 4000), even, even)
def test_a_picture_lies_inside_the_shape_centred_and_on_even_pixels(w: int, h: int, width: int, height: int) -> None:
    left, top, inner_width, inner_height = place(w, h, Shape(width, height, 30))
    assert left % 2 == top % 2 == inner_width % 2 == inner_height % 2 == 0
    assert left >= 0 and top >= 0 and left + inner_width <= width and top + inner_height <= height
    assert abs(width - inner_width - 2 * left) <= 2 and abs(height - inner_height - 2 * top) <= 2


@given(st.integers(320, 2000), st.integers(240, 1500), even, even)
def test_proportions_are_kept_to_the_pixel_and_one_side_is_full(w: int, h: int, width: int, height: int) -> None:
    _, _, inner_width, inner_height = place(w, h, Shape(width, height, 30))
    scale = min(width / w, height / h)
    assert inner_width == pytest.approx(w * scale, abs=2)
    assert inner_height == pytest.approx(h * scale, abs=2)
    assert width - inner_width <= 1 or height - inner_height <= 1


def disc(width: int, height: int) -> Pixels:
    picture = np.full((height, width, 3), 60, np.uint8)
    cv2.circle(picture, (width // 2, height // 2), height // 3, (255, 255, 255), -1)
    return picture


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (320, 240), (480, 640), (1920, 1080)])
def test_a_circle_stays_a_circle(size: tuple[int, int]) -> None:
    fitted = fit(disc(1280, 720), Shape(*size, 30))
    assert fitted.shape == (size[1], size[0], 3)
    rows, columns = np.nonzero(fitted[..., 0] > 150)
    assert np.ptp(columns) == pytest.approx(np.ptp(rows), rel=0.03, abs=2)


def test_bars_are_black_and_above_and_below_alike() -> None:
    fitted = fit(disc(1280, 720), Shape(640, 480, 30))
    dark = (fitted == 0).all(axis=(1, 2))
    assert dark[:60].all() and dark[-60:].all() and not dark[60:-60].any()


def test_a_picture_that_fits_is_not_copied() -> None:
    picture = disc(640, 480)
    assert fit(picture, Shape(640, 480, 30)) is picture


@pytest.mark.parametrize("size", [(64, 48), (62, 44), (320, 240), (18, 16), (1280, 720), (426, 240)])
def test_the_planes_are_views_that_an_encoder_sees(size: tuple[int, int]) -> None:
    width, height = size
    i420 = to_i420(np.zeros((height, width, 3), np.uint8))
    luma, blue, red = planes(i420)
    assert luma.shape == (height, width) and blue.shape == red.shape == (height // 2, width // 2)
    luma[1, 2], blue[1, 2], red[1, 2] = 11, 22, 33
    frame = av.VideoFrame.from_numpy_buffer(i420, format="yuv420p", width=width)
    seen = [np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size) for plane in frame.planes]
    assert [int(plane[1, 2]) for plane in seen] == [11, 22, 33]


@pytest.mark.parametrize(
    ("bgr", "yuv"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 255), (81, 90, 240)),
        ((255, 0, 0), (41, 240, 110)),
    ],
)
def test_colours_are_those_of_bt601(bgr: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    found = [int(plane[0, 0]) for plane in planes(to_i420(np.full((16, 16, 3), bgr, np.uint8)))]
    assert found == pytest.approx(yuv, abs=1)
