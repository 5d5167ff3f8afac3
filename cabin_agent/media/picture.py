"""A picture on its way to the encoder: fitted into the wanted size, never stretched, as planes that encoders take.

All of this runs in a camera's own thread, with OpenCV, which is several times cheaper than PyAV's `reformat`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3) blue-green-red as OpenCV has it, or (height, width) grey."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the link can carry now: a width of whole pairs of pixels, a height of whole fours, pictures per second.

    PyAV finds the chroma planes of a NumPy array only where the height can be divided by four.
    """

    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture as I420 planes, (height * 3 / 2, width) bytes: Y, then U, then V; nobody writes to it any more."""

    i420: Pixels
    width: int
    height: int
    captured_us: int
    """CLOCK_MONOTONIC, microseconds."""
    number: int
    """Of the pictures of this camera since it was opened."""


def place(width: int, height: int, shape: Shape) -> tuple[int, int, int, int]:
    """Left, top, width and height, all even, of a picture centred in the shape with its proportions kept."""
    scale = min(shape.width / width, shape.height / height)
    inner_width = min(shape.width, 2 * round(width * scale / 2))
    inner_height = min(shape.height, 2 * round(height * scale / 2))
    left, top = (shape.width - inner_width) // 4 * 2, (shape.height - inner_height) // 4 * 2
    return left, top, max(2, inner_width), max(2, inner_height)


def fit(picture: Pixels, shape: Shape) -> Pixels:
    """The BGR picture in the shape's size, with black bars where proportions differ; itself if it fits already."""
    height, width = picture.shape[:2]
    if (width, height) == (shape.width, shape.height):
        return picture
    left, top, inner_width, inner_height = place(width, height, shape)
    method = cv2.INTER_AREA if inner_width < width else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(picture, (inner_width, inner_height), interpolation=method), np.uint8)
    if (inner_width, inner_height) == (shape.width, shape.height):
        return scaled
    canvas = np.zeros((shape.height, shape.width, 3), np.uint8)
    canvas[top : top + inner_height, left : left + inner_width] = scaled
    return canvas


def to_i420(picture: Pixels) -> Pixels:
    """The planes of a BGR picture of even size, studio range (16 to 235), BT.601."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


def planes(i420: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Y, U and V of an I420 picture as views: what is written to them is written to the picture."""
    rows, width = i420.shape
    height = rows * 2 // 3
    flat, luma, chroma = i420.reshape(-1), height * width, height * width // 4
    half = (height // 2, width // 2)
    return (
        i420[:height],
        flat[luma : luma + chroma].reshape(half),
        flat[luma + chroma : luma + 2 * chroma].reshape(half),
    )
