"""What the daemon needs of a driver; every driver is a plain class that happens to have these members."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NoReturn, Protocol, runtime_checkable

from drivers.events import Event, TonePlayed
from drivers.stream import BleLine, Line, Stream, UsbLine

Emit = Callable[[Event], None]
"""Where a driver puts its events."""


class Instrument(Protocol):
    """One instrument on one stream.

    `run` is started anew for each opened stream and ends only by an exception or by being cancelled: `Unplugged`, or
    `OtherLine` when nothing that it knows was heard in the time of a probe and another `line` is to be tried. It
    leaves the instrument safe (no cuff inflated, no stream running) when it is cancelled.

    Where nothing that is sent makes the instrument measure, its class says `started_by: ClassVar[str] = "person"`:
    the person presses its own button, and has to be told so. Without that it is "cabin". A scale that says so when
    nobody stands on it has `shows_empty: ClassVar[bool] = True`.
    """

    kind: ClassVar[str]
    """"oximeter", "tensiometer", "thermometer", "scale", "ecg", "audiometer"."""
    protocol: ClassVar[str]
    """Name of the wire format, as `cabin decode` knows it: "nonin", "suntech", ..."""
    takes: ClassVar[tuple[str, ...]]
    """The settings of an instrument that its constructor takes, by keyword: "site", "gain", "time_scale"."""

    @property
    def line(self) -> Line | UsbLine | BleLine:
        """How its port is to be opened next: a constant, unless the driver knows several generations of it."""
        ...

    @property
    def quiet_s(self) -> float | None:
        """Longest silence, in seconds, that the sheet calls healthy right now; None where silence is normal."""
        ...

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Speak with the instrument until the stream ends."""
        ...

    async def start(self) -> None:
        """Begin to measure; at once true for an instrument that always sends. Raises `DriverError` if refused."""
        ...

    async def stop(self) -> None:
        """Stop measuring and leave the person safe; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Presented:
    """What headphones are to play: a pause, then a tone or as much silence, then silence until the answers end."""

    ear: Literal["left", "right"]
    hz: int
    db: float | None
    """None: silence."""
    pause_s: float
    tone_s: float
    window_s: float
    """From the onset on."""
    pulsed: bool = False


@runtime_checkable
class TonePlayer(Protocol):
    """An instrument that plays single tones, and leaves it to others which."""

    async def present(self, wanted: Presented) -> TonePlayed:
        """Play it to its end; raises `DriverError` where it cannot."""
        ...

    def press(self, down: bool) -> None:
        """The response button on the screen was pressed, or let go, just now."""
        ...


class Codec(Protocol):
    """The pure half of a driver: a plain class named `Decoder` in the instrument's file."""

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept of earlier bytes; any cut gives the same events; never raises."""
        ...


async def listen(stream: Stream, decoder: Codec, emit: Emit) -> NoReturn:
    """Hand on what is decoded until the stream ends: the whole life of an instrument that only sends."""
    while True:
        for event in decoder.feed(await stream.read()):
            emit(event)
