"""The readable clock: against its definition, through scaling, letterbox and encoders, never where it is not."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media import barcode, synthetic
from cabin_agent.media.picture import Pixels, Shape, fit, to_i420


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE bit by bit, as its definition has it; b"123456789" gives 0x29B1."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def by_hand(ms: int, counter: int, width: int, height: int) -> Pixels:
    """A grey picture whose cells are drawn from the definition, with nothing of the product."""
    content = ms.to_bytes(4, "big") + counter.to_bytes(2, "big")
    bits = f"{int.from_bytes(content + crc16(content).to_bytes(2, 'big'), 'big'):064b}"
    grey = np.full((height, width), 128, np.uint8)
    row = height // 18
    for place, bit in enumerate(bits):
        top, left = height - (2 - place // 32) * row, place % 32 * width // 32
        grey[top : top + row, left : left + width // 32] = 235 if bit == "1" else 16
    return grey


def grey_of(picture: Pixels, width: int, height: int) -> Pixels:
    return to_i420(fit(picture, Shape(width, height, 30)))[:height]


def test_the_checksum_of_the_test_is_the_published_one() -> None:
    assert crc16(b"123456789") == 0x29B1


@pytest.mark.parametrize(("ms", "counter"), [(0, 0), (0xFFFFFFFF, 0xFFFF), (0x12345678, 0x9ABC), (1, 0x8000)])
def test_cells_drawn_by_hand_are_read(ms: int, counter: int) -> None:
    assert barcode.read(by_hand(ms, counter, 1280, 720)) == (ms, counter)


def test_what_is_drawn_is_what_the_definition_says() -> None:
    picture = np.full((720, 1280, 3), 128, np.uint8)
    barcode.draw(picture, 0xDEADBEEF, 4711)
    assert np.array_equal(picture[..., 1], by_hand(0xDEADBEEF, 4711, 1280, 720))


@given(st.integers(0, 2**48), st.integers(0, 2**20))
def test_any_clock_and_counter_come_back_cut_to_their_bits(ms: int, counter: int) -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    barcode.draw(picture, ms, counter)
    assert barcode.read(picture[..., 0]) == (ms % 2**32, counter % 2**16)


@pytest.mark.parametrize(
    "size", [(1280, 720), (960, 540), (640, 480), (640, 360), (320, 240), (320, 180), (480, 640)]
)
def test_it_is_read_at_every_size_and_in_every_letterbox(size: tuple[int, int]) -> None:
    picture = synthetic.picture("room", 1.5, 987654321, 55)
    assert barcode.read(grey_of(picture, *size)) == (987654321, 55)


def encoded(codec: str, options: dict[str, str], pictures: list[Pixels]) -> list[Pixels]:
    """The grey pictures after the encoder at 120 kbit/s and ten pictures per second."""
    encoder, decoder = av.CodecContext.create(codec, "w"), av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(encoder, av.VideoCodecContext) and isinstance(decoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.time_base, encoder.bit_rate, encoder.options = Fraction(1, 10), 120_000, options
    seen: list[Pixels] = []
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    for packet in [*packets, *encoder.encode(None)]:
        seen += [np.asarray(frame.to_ndarray()[:240], np.uint8) for frame in decoder.decode(packet)]
    seen += [np.asarray(frame.to_ndarray()[:240], np.uint8) for frame in decoder.decode(None)]
    return seen


DECODERS = {"libx264": "h264", "libvpx": "vp8"}
X264 = {"preset": "superfast", "tune": "zerolatency", "maxrate": "120000", "bufsize": "60000"}
VPX = {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0", "minrate": "120000", "maxrate": "120000"}


@pytest.mark.parametrize(("codec", "options"), [("libx264", X264), ("libvpx", VPX)])
def test_it_survives_120_kbit_per_second_at_320_by_240(codec: str, options: dict[str, str]) -> None:
    wanted, shape = 30, Shape(320, 240, 10)
    pictures = [to_i420(fit(synthetic.picture("hand", n / 10, n * 100, n), shape)) for n in range(wanted)]
    read = [barcode.read(grey) for grey in encoded(codec, options, pictures)]
    assert len(read) == wanted
    assert sum(value == (n * 100, n) for n, value in enumerate(read)) >= wanted - 2
    assert all(value in ((n * 100, n), None) for n, value in enumerate(read))


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_it_survives_jpeg(quality: int) -> None:
    small = fit(synthetic.picture("room", 0, 123456, 9), Shape(320, 240, 10))
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    again = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)
    assert again is not None
    assert barcode.read(np.asarray(again, np.uint8)) == (123456, 9)


@given(st.integers(0, 2**32 - 1))
def test_noise_is_not_a_clock(seed: int) -> None:
    assert barcode.read(np.random.default_rng(seed).integers(0, 256, (180, 320), np.uint8)) is None


@pytest.mark.parametrize("size", [(1, 1), (17, 31), (40, 64), (180, 320)])
def test_a_flat_or_tiny_picture_is_not_a_clock(size: tuple[int, int]) -> None:
    assert barcode.read(np.full(size, 99, np.uint8)) is None


@given(st.integers(0, 63))
def test_one_wrong_cell_is_noticed(cell: int) -> None:
    grey = by_hand(0xCAFEBABE, 77, 640, 360)
    top, left = 360 - (2 - cell // 32) * 20, cell % 32 * 20
    grey[top : top + 20, left : left + 20] = 251 - grey[top, left]
    assert barcode.read(grey) is None
