"""How cameras and sound cards are named in the settings. Pure: OpenCV and PortAudio are not needed to read them.

A camera's URL is one of

    /dev/v4l/by-id/...  or  /dev/video0      a V4L2 device; `?size=1280x720` after it asks for less than its full size
    file:///var/lib/cabin/room.avi           a recording, at its own rate, again and again
    http://127.0.0.1:8080/camera             MJPEG over HTTP
    synthetic:room  or  synthetic:hand       a drawn picture with a clock that programs can read
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

DEVICE = re.compile(r"(?P<path>/dev/[^?]+)(\?size=(?P<width>\d{2,5})x(?P<height>\d{2,5}))?")
SCENES = ("room", "hand")
"""What `synthetic:` can draw."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera of the cabin: the name programs use, the words people read, and where its pictures come from."""

    name: str
    label: str
    url: str

    @property
    def simulated(self) -> bool:
        """Whether its pictures may show something else than the cabin now: all that is not a V4L2 device."""
        return not self.url.startswith("/dev/")


@dataclass(frozen=True, slots=True)
class SoundSettings:
    """Cards by any part of their name as PortAudio tells it; "default" is the system's choice, "" is none."""

    microphone: str = ""
    speaker: str = ""
    stethoscope: str = ""


def check_url(url: str) -> str:
    """The URL itself; raises ValueError with one sentence when no camera can be opened by it."""
    if url.startswith("synthetic:"):
        good = url.removeprefix("synthetic:") in SCENES
    elif url.startswith("file://"):
        good = len(file_path(url)) > 1
    elif url.startswith("/"):
        good = DEVICE.fullmatch(url) is not None
    else:
        good = urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    if not good:
        raise ValueError(
            "a camera's url must be /dev/v4l/by-id/..., file:///..., http://..., synthetic:room or synthetic:hand"
        )
    return url


def local_path(url: str) -> str | None:
    """The path on this machine without which no picture can come: a device's or a recording's; None for others."""
    if url.startswith("file:"):
        return file_path(url)
    match = DEVICE.fullmatch(url)
    return None if match is None else match["path"]


def file_path(url: str) -> str:
    """The absolute path that a file URL names, "" when it names none."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.netloc in ("", "localhost") else ""
