"""What a page saw of a call, in milliseconds on the cabin's clock; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

FREEZE_MS = 500.0
"""Longer without a picture than this is a freeze."""
WRAP = 2**32
STREAMS = {1: "ecg", 2: "pleth", 3: "cuff"}


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds to add to the page's clock for the monotonic one, and to that for the system's clock."""

    page: float
    wall: float


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that was shown: when (monotonic ms), how late at the callback and at the expected display (ms)."""

    at: float
    late: float | None
    """None where the bar-code was damaged."""
    late_on_glass: float | None
    width: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Pictures, and lateness (ms) of the newest ECG sample of each frame of the channel `wave`."""

    pictures: tuple[Picture, ...]
    ecg: tuple[float, ...]

    @property
    def late(self) -> list[float]:
        """Of the pictures that could be read."""
        return [picture.late for picture in self.pictures if picture.late is not None]

    @property
    def late_on_glass(self) -> list[float]:
        """The same, at the time at which Chromium expects the picture to be visible."""
        return [picture.late_on_glass for picture in self.pictures if picture.late_on_glass is not None]

    @property
    def gaps(self) -> list[float]:
        """Milliseconds between one picture and the next."""
        return [after.at - before.at for before, after in pairwise(self.pictures)]

    @property
    def freezes(self) -> int:
        """Gaps that a person sees."""
        return sum(gap > FREEZE_MS for gap in self.gaps)

    @property
    def fps(self) -> float:
        """Pictures a second."""
        seconds = sum(self.gaps) / 1000
        return len(self.gaps) / seconds if seconds else 0.0


def told(raw: Mapping[str, Any], clocks: Clocks, rate: float = 250.0) -> Seen:
    """What `video_watch.js` noted; `rate` is that of an ECG whose rate nobody told."""
    offsets = dict[str, int](raw["clocks"])
    rates = {"ecg": rate, **raw["rates"]}
    waves = [(row[0], STREAMS.get(row[1], ""), row[2], row[3]) for row in raw["waves"]]
    return Seen(
        tuple(_picture(row, clocks) for row in raw["pictures"]),
        tuple(
            1000 * clocks.page + at - (t0 + offsets.get(stream, 0)) / 1000 - (count - 1) / rates[stream] * 1000
            for at, stream, t0, count in waves
            if stream == "ecg"
        ),
    )


def _picture(row: Sequence[Any], clocks: Clocks) -> Picture:
    at, expected, stamp, width = row[:4]
    return Picture(
        at + 1000 * clocks.page,
        None if stamp is None else _since(at, stamp, clocks),
        None if stamp is None else _since(max(at, expected), stamp, clocks),
        width,
    )


def _since(at: float, stamp: int, clocks: Clocks) -> float:
    """Milliseconds from a stamp of the system's clock, modulo 2**32, to a time of the page; it may be a little less
    than zero."""
    apart = (at + 1000 * (clocks.page + clocks.wall) - stamp) % WRAP
    return apart - WRAP if apart > WRAP / 2 else apart
