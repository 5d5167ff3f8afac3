"""One camera of the cabin: its state, with the reason, and a watch over the thread that reads it.

    closed    there, but not chosen           opening   being opened for the first time
    live      a new picture not long ago      frozen    open, but no new picture, or always the same one
    missing   not there, or it went away      failed    cannot be used until somebody does something

All of it runs on the event loop; the thread (`cabin_agent.media.reader`) may hang without it noticing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from cabin_agent.media.address import CameraSettings
from cabin_agent.media.picture import Frame
from cabin_agent.media.reader import RELEASE_S, Reader, Shot, Wanted
from cabin_agent.media.why import Why

STALL_S = 1.5
"""Without a new picture for so long, a camera counts as frozen."""
SAME_S = 4.0
"""With bit for bit the same picture for so long, too: the noise of a real sensor never repeats."""
HUNG_S = 12.0
"""Silence of a thread after which it is given up and another is started; V4L2's own time limit is 10 s."""
MOST_HUNG = 3
"""Threads given up and still not ended, beyond which a camera is left alone."""


class State(Enum):
    """What a camera is doing."""

    CLOSED = "closed"
    OPENING = "opening"
    LIVE = "live"
    FROZEN = "frozen"
    MISSING = "missing"
    FAILED = "failed"


STATES: dict[Why, State] = {
    Why.NONE: State.LIVE,
    Why.NOT_CHOSEN: State.CLOSED,
    Why.OPENING: State.OPENING,
    Why.STALLED: State.FROZEN,
    Why.SAME: State.FROZEN,
    Why.NOT_THERE: State.MISSING,
    Why.LOST: State.MISSING,
    Why.NO_PICTURE: State.MISSING,
    Why.BAD_URL: State.FAILED,
    Why.HUNG: State.FAILED,
}


class Camera:
    """A camera that is closed until it is opened. `moved` is called in the reading thread at each picture."""

    def __init__(self, settings: CameraSettings, wanted: Wanted, moved: Callable[[], None]) -> None:
        self.settings = settings
        self.why = Why.NOT_CHOSEN
        self._wanted, self._moved = wanted, moved
        self._gone = False
        """Whether there was nothing at its path when that was looked at last."""
        self._reader: Reader | None = None
        self._left: list[Reader] = []
        """Threads that were asked to end and may still run."""

    @property
    def state(self) -> State:
        """What `why` amounts to."""
        return STATES[self.why]

    @property
    def simulated(self) -> bool:
        """Whether its pictures carry the words of simulation."""
        return self.settings.simulated or self._wanted.simulated

    def open(self, after: Reader | None = None) -> None:
        """Start reading, once the thread `after` has given its device back or has hung for a moment."""
        now = time.monotonic()
        self._left = [reader for reader in self._left if reader.alive]
        if sum(now - (reader.left_at or now) > RELEASE_S for reader in self._left) >= MOST_HUNG:
            self.why = Why.HUNG
            return
        self.why = Why.OPENING
        self._reader = Reader(self.settings.url, self.settings.simulated, self._wanted, self._moved, after)

    def close(self) -> Reader | None:
        """Stop reading; returns at once with the thread that is ending, if there is one."""
        reader, self._reader, self.why = self._reader, None, self._closed()
        if reader is not None:
            reader.leave()
            self._left.append(reader)
        return reader

    def seen(self, there: bool) -> bool:
        """Note whether its device or file is there, which counts while it is closed; True when the state changed."""
        before, self._gone = self.why, not there
        if self._reader is None and self.why is not Why.HUNG:
            self.why = self._closed()
        return self.why is not before

    def shot(self) -> Shot | None:
        """The newest picture, None unless the camera is live."""
        return self._reader.newest if self._reader is not None and self.why is Why.NONE else None

    def frame(self) -> Frame | None:
        """The newest picture for the encoder, None unless the camera is live."""
        shot = self.shot()
        return None if shot is None else shot.frame

    def look(self) -> bool:
        """Bring the state up to date; True when it changed."""
        before, now = self.why, time.monotonic()
        if self._reader is not None and now - self._reader.beat > HUNG_S:
            self.open(self.close())
            self.why = self.why if self._reader is None else Why.STALLED
        elif self._reader is not None:
            self.why = self._now(self._reader, now)
        elif self.why is Why.HUNG:
            self.open()
        return self.why is not before

    def _closed(self) -> Why:
        return Why.NOT_THERE if self._gone else Why.NOT_CHOSEN

    def _now(self, reader: Reader, now: float) -> Why:
        shot, why = reader.newest, reader.why
        if why is Why.OPENING and self.why is Why.STALLED:  # it hung, and is being opened again
            return Why.STALLED
        if why is not Why.NONE or shot is None:
            return why
        if now - shot.taken_us / 1e6 > STALL_S:
            return Why.STALLED
        return Why.SAME if now - shot.same_since_us / 1e6 > SAME_S else Why.NONE
