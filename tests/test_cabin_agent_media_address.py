"""URLs of cameras: which are understood, which are simulated, and what a wrong one is told."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media.address import DEVICE, CameraSettings, check_url, file_path, local_path

GOOD = [
    ("/dev/video0", False),
    ("/dev/v4l/by-id/usb-Maker_Otoscope_1234-video-index0", False),
    ("/dev/video2?size=1280x720", False),
    ("file:///var/lib/cabin/room.avi", True),
    ("file://localhost/var/lib/cabin/room.avi", True),
    ("http://127.0.0.1:8080/camera", True),
    ("https://camera.cabin/stream?fps=10", True),
    ("synthetic:room", True),
    ("synthetic:hand", True),
]
BAD = [
    "",
    "/",
    "/var/lib/cabin/picture.jpg",
    "/dev/",
    "/dev/video0?size=big",
    "/dev/video0?size=1x1",
    "video0",
    "0",
    "file:",
    "file://elsewhere/room.avi",
    "http://",
    "http:///camera",
    "rtsp://127.0.0.1/camera",
    "synthetic:",
    "synthetic:garden",
    "synthetic",
]


@pytest.mark.parametrize(("url", "simulated"), GOOD)
def test_a_good_url_is_taken_and_only_devices_are_real(url: str, simulated: bool) -> None:
    assert check_url(url) == url
    assert CameraSettings("a", "A", url).simulated is simulated


@pytest.mark.parametrize("url", BAD)
def test_a_bad_url_is_told_in_one_sentence_which_ones_are_good(url: str) -> None:
    with pytest.raises(ValueError, match="synthetic:room") as told:
        check_url(url)
    assert "\n" not in str(told.value)


@given(st.text(max_size=40))
def test_any_text_is_a_url_or_a_value_error(text: str) -> None:
    try:
        assert check_url(text) == text
    except ValueError as error:
        assert str(error)


def test_a_file_url_may_hold_spaces_and_accents() -> None:
    assert file_path("file:///srv/salle%20d%27attente/%C3%A9t%C3%A9.avi") == "/srv/salle d'attente/été.avi"
    assert file_path("file://elsewhere/a.avi") == ""


def test_the_size_of_a_device_is_found() -> None:
    match = DEVICE.fullmatch("/dev/video0?size=1920x1080")
    assert match is not None
    assert (match["path"], match["width"], match["height"]) == ("/dev/video0", "1920", "1080")


def test_reading_settings_loads_nothing_heavy() -> None:
    code = (
        "import sys, cabin_agent.media.address;"
        "sys.exit(' '.join({'cv2', 'av', 'aiortc', 'sounddevice', 'numpy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/dev/video0", "/dev/video0"),
        (
            "/dev/v4l/by-id/usb-Maker_Otoscope-video-index0?size=1280x720",
            "/dev/v4l/by-id/usb-Maker_Otoscope-video-index0",
        ),
        ("file:///var/lib/cabin/the%20room.avi", "/var/lib/cabin/the room.avi"),
        ("http://127.0.0.1:8080/camera", None),
        ("synthetic:room", None),
    ],
)
def test_devices_and_recordings_have_a_path_on_this_machine(url: str, path: str | None) -> None:
    assert local_path(url) == path
