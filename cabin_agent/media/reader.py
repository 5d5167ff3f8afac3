"""The thread of an open camera: it opens the source, again and again if it must, and keeps the newest picture only.

Everything that may hang happens here. The thread is a daemon and is never waited for: `leave` asks it to end, and
whoever asked goes on at once. What it knows (`newest`, `why`, `beat`) are attributes that other threads may read.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from cabin_agent.media import mark
from cabin_agent.media.picture import Frame, Pixels, Shape, fit, to_i420
from cabin_agent.media.source import Source, Unusable, open_source
from cabin_agent.media.why import Why

RELEASE_S = 1.0
"""How long a camera waits for the one before it to give its device back."""
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Waits between two attempts to open; the last one is repeated."""
MOST_UNREADABLE = 30
"""Pictures in a row that cannot be decoded before the source is opened anew."""
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Wanted:
    """What all cameras are asked for now; changed on the event loop, read in the threads."""

    shape: Shape
    simulated: bool = False
    """Burn the words of simulation into the pictures of real devices too."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The newest picture: as it goes to the encoder, and as the camera gave it."""

    frame: Frame
    full: Pixels
    taken_us: int
    same_since_us: int
    """CLOCK_MONOTONIC of the first of the pictures that are equal to this one bit for bit."""


class Reader:
    """One thread with one source. `moved` is called in this thread after each change of `newest` or `why`."""

    def __init__(
        self, url: str, simulated: bool, wanted: Wanted, moved: Callable[[], None], after: Reader | None = None
    ) -> None:
        self.newest: Shot | None = None
        self.why = Why.OPENING
        """NONE while it is open."""
        self.beat = time.monotonic()
        """When the thread last came back from what may hang."""
        self.left_at: float | None = None
        """`time.monotonic()` of `leave`."""
        self._url, self._simulated, self._wanted, self._moved, self._after = url, simulated, wanted, moved, after
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs; after `leave` that means it hangs, or is about to end."""
        return self._thread.is_alive()

    def leave(self) -> None:
        """Ask the thread to end and give the device back; returns at once."""
        self.left_at = time.monotonic()
        self._leaving.set()

    def _run(self) -> None:
        if self._after is not None:
            self._after._thread.join(RELEASE_S)
            self._after = None
        waits = itertools.chain(BACK_OFF_S, itertools.repeat(BACK_OFF_S[-1]))
        while not self._leaving.is_set():
            before = self.newest
            self._tell(self._open_and_read())
            if self.newest is not before:
                waits = itertools.chain(BACK_OFF_S, itertools.repeat(BACK_OFF_S[-1]))
            self._leaving.wait(next(waits))
            self.beat = time.monotonic()
        self.newest = None  # it is megabytes, and nobody shows it any more

    def _tell(self, why: Why) -> None:
        self.why = why
        if not self._leaving.is_set():
            self._moved()

    def _open_and_read(self) -> Why:
        """Why it ended."""
        try:
            source = open_source(self._url, self._leaving.wait)
        except Unusable as error:
            return error.why
        except cv2.error:
            return Why.NOT_THERE
        try:
            return self._read(source)
        except cv2.error:
            log.warning("OpenCV refused a picture of a camera; the camera is opened again")
            return Why.LOST
        finally:
            source.close()

    def _read(self, source: Source) -> Why:
        due, number, unreadable = 0.0, 0, 0
        while source.grab() and not self._leaving.is_set():
            self.beat = now = time.monotonic()
            number += 1
            period = 1 / self._wanted.shape.fps
            if now < due - period / 2:
                continue
            due = max(due + period, now)
            picture = source.picture()
            if picture is not None:
                self.newest, unreadable = self._shot(picture, int(now * 1e6), number), 0
                self._tell(Why.NONE)
            elif (unreadable := unreadable + 1) == MOST_UNREADABLE:
                return Why.NO_PICTURE
        return Why.LOST if number else Why.NO_PICTURE

    def _shot(self, picture: Pixels, taken_us: int, number: int) -> Shot:
        before = self.newest
        same = before is not None and _equal(before.full, picture)
        i420 = to_i420(fit(picture, self._wanted.shape))
        if self._simulated or self._wanted.simulated:
            mark.burn_i420(i420)
        frame = Frame(i420, i420.shape[1], i420.shape[0] * 2 // 3, taken_us, number)
        return Shot(frame, picture, taken_us, before.same_since_us if before is not None and same else taken_us)


def _equal(one: Pixels, other: Pixels) -> bool:
    """Bit for bit; a few samples first, because pictures of a living camera differ almost everywhere."""
    return bool(np.array_equal(one[::16, ::16], other[::16, ::16]) and np.array_equal(one, other))
