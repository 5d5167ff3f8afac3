"""Still pictures: at the camera's full size whatever the stream is, marked when simulated, or refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from cabin_agent.media import barcode
from cabin_agent.media.address import CameraSettings
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.mark import AMBER
from cabin_agent.media.picture import Pixels
from cabin_agent.media.still import NoPicture, develop
from cabin_agent.media.why import Why, sentence
from tests.mjpeg import ROOM, clocked, until, wait_for_threads


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    wait_for_threads(0)


def opened(jpeg: bytes) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def amber(picture: Pixels) -> float:
    """The share of the picture's top that is amber."""
    top = picture[: len(picture) // 8].astype(int)
    return float((np.abs(top - np.array(AMBER)) < 40).all(axis=2).mean())


def test_a_real_camera_is_developed_as_it_is() -> None:
    picture = clocked(3, 1920, 1080)
    kept = picture.copy()
    still = develop(picture, "otoscope", 1_700_000_000_000, simulated=False)
    assert (still.width, still.height, still.camera, still.simulated) == (1920, 1080, "otoscope", False)
    again = opened(still.jpeg)
    assert again.shape == picture.shape and amber(again) == 0
    assert np.abs(again.astype(int) - picture.astype(int)).mean() < 2.5
    assert np.array_equal(picture, kept)


def test_a_simulated_one_carries_the_words_and_the_picture_of_the_stream_does_not_change() -> None:
    picture = clocked(3, 1280, 720)
    kept = picture.copy()
    still = develop(picture, "room", 0, simulated=True)
    assert amber(opened(still.jpeg)) > 0.2 and still.simulated
    assert np.array_equal(picture, kept)


def test_no_metadata_is_in_the_file() -> None:
    """JFIF and the tables of the picture only: no EXIF, no XMP, no comment."""
    jpeg = develop(clocked(1), "room", 0, simulated=True).jpeg
    place, markers = 2, []
    while jpeg[place + 1] != 0xDA:
        markers.append(jpeg[place + 1])
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    assert jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9"
    assert set(markers) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDD}
    assert b"Exif" not in jpeg and b"xap" not in jpeg


async def test_a_still_has_the_full_size_while_the_stream_is_small() -> None:
    cameras = Cameras([ROOM], lambda: None)
    cameras.shape(320, 240, 10)
    cameras.choose("room")
    await until(lambda: cameras.newest() is not None)
    frame = cameras.newest()
    assert frame is not None and (frame.width, frame.height) == (320, 240)
    still = await cameras.still()
    cameras.close()
    picture = opened(still.jpeg)
    assert (still.width, still.height) == (1280, 720) and picture.shape == (720, 1280, 3)
    assert amber(picture) > 0.2 and (still.camera, still.simulated) == ("room", True)
    assert abs(still.taken_ms - time.time() * 1000) < 1500
    read = barcode.read(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8))
    assert read is not None and abs(read[0] - still.taken_ms % 2**32) < 100


async def test_without_a_living_camera_there_is_no_still_and_the_reason_is_told() -> None:
    cameras = Cameras([ROOM, CameraSettings("lost", "Perdue", "/dev/video-that-is-not-there")], lambda: None)
    with pytest.raises(NoPicture) as told:
        await cameras.still()
    assert told.value.why is Why.NOT_CHOSEN and told.value.sentence("fr") == sentence(Why.NOT_CHOSEN, "fr")
    cameras.choose("lost")
    await until(lambda: cameras.why is not Why.OPENING)
    with pytest.raises(NoPicture, match="not there"):
        await cameras.still()
    cameras.close()


async def test_the_loop_goes_on_while_a_still_is_developed() -> None:
    cameras = Cameras([ROOM], lambda: None)
    cameras.choose("room")
    await until(lambda: cameras.newest() is not None)
    stills = asyncio.gather(*(cameras.still() for _ in range(5)))
    turns = 0
    while not stills.done():
        await asyncio.sleep(0)
        turns += 1
    cameras.close()
    assert turns > 10 and len({still.width for still in await stills}) == 1
