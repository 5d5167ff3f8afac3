"""What every simulated instrument is: its end of a wire as a plain object, driven by a clock that it does not own.

A device is pure: bytes and body time in, whole frames out. It holds no port, no task and no clock, so that a test can
run ten minutes of it in a millisecond, and so that time is always `index / rate` and never a sum of sleeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:  # the body refuses with this file's errors
    from simulators.body import Body
    from simulators.usb_description import UsbDescription

Frames = list[bytes]
"""Whole frames or messages, in the order in which they leave the instrument."""

LONGEST_GAP_S = 2.0
"""Seconds of the wall between two looks at a clock."""


class SimulatorError(Exception):
    """A simulator cannot run; the text is one sentence that says what happened and what to do."""


class WrongUse(SimulatorError):
    """The simulator was asked for something that does not exist; the sentence names what does."""


BodyFault = Literal["finger-out", "loose-cuff", "electrode-off"]


@dataclass(frozen=True, slots=True)
class Wear:
    """How a worn link spoils one instrument's bytes: often enough to be met, seldom enough to be survived."""

    drop_every: int
    """One byte is lost in so many."""
    spoil_every: int = 0
    """One frame is spoilt in so many; 0 where the protocol has no checksum to find it."""
    spoil_at: int = -1
    """Index of the byte that is changed."""


class Device(Protocol):
    """One instrument's end of the wire. `now` is body time in seconds and never goes back."""

    kind: ClassVar[str]
    """The instrument, as the drivers name it: "oximeter", "ecg", ..."""
    wear: ClassVar[Wear]
    """How a worn link spoils its bytes."""
    body_faults: ClassVar[tuple[BodyFault, ...]]
    """What of the person can be wrong at this instrument."""
    own_faults: ClassVar[tuple[str, ...]]
    """What can be wrong in this instrument itself, by name; `fail` makes it so."""

    def __init__(self, body: Body) -> None: ...

    def opened(self, now: float) -> None:
        """The host has just opened the port."""
        ...

    def receive(self, data: bytes, now: float) -> Frames:
        """Take what the host wrote, in any chunking; return what the instrument answers at once."""
        ...

    def produce(self, now: float) -> Frames:
        """Return everything that falls due up to `now` and was not returned yet."""
        ...

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Begin (`wrong`) or end one of `own_faults`; again is no different from once."""
        ...


def usb_of(device: Device | type[Device]) -> UsbDescription | None:
    """What a device with a class variable `usb: UsbDescription` is on the bus; None for one on a serial line."""
    return getattr(device, "usb", None)


class Clock:
    """Body time: seconds since the simulation began, `speed` times faster than the wall.

    A process that was held up for more than `LONGEST_GAP_S` has slept, and its body with it: nobody could have read
    what would have been sent meanwhile.
    """

    def __init__(self, speed: float = 1.0, wall: Callable[[], float] = time.monotonic) -> None:
        self._speed, self._wall = speed, wall
        self._began = self._looked = wall()

    def now(self) -> float:
        """Body time in seconds; to be asked every few milliseconds."""
        wall = self._wall()
        self._began += max(0.0, wall - self._looked - LONGEST_GAP_S)
        self._looked = wall
        return (wall - self._began) * self._speed
