"""GY-MCU90614 / 90615 contact-free thermometer on a serial line: bytes -> object and ambient temperature.

Sources: the sellers' protocol sheets and the protocol sheet mlx90614-gymcu, sections 1 to 4. Frame `5A 5A 45 04`,
object and ambient as big-endian signed hundredths of a degree, sum of the first 8 bytes: about 14 frames a second.
The board has no error code: what cannot be a face, or a room, is recognised here. It is no medical device.
Unconfirmed: that a number below 0 is signed. Boards sold as CJMCU have other frames, unconfirmed, and are not read.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from typing import ClassVar

from drivers.errors import DriverError
from drivers.events import Event, NoValue, Reading, Trouble, Value
from drivers.instrument import Emit
from drivers.stream import Line, Stream

HEADER = bytes((0x5A, 0x5A, 0x45, 0x04))
FRAME = 9
RATE = 14.0
"""Frames per second, about."""
ASK_AGAIN_S = 1.0
"""After so long a silence."""

COMMAND = 0xA5
COMMANDS = {
    "continuous": 0x45,
    "one": 0x15,
    "9600": 0xAE,
    "115200": 0xAF,
    "send-at-power-up": 0x51,
    "silent-at-power-up": 0x52,
}
"""Name -> code. A new baud rate holds from the next power-up."""

OBJECT_RANGE, AMBIENT_RANGE, SENSOR_RANGE = (0, 5000), (1000, 4000), (-4000, 12500)
"""Hundredths of a degree: a face, the room in which a face is believed, and what the sensor itself can stand."""
STUCK = 20
"""Equal frames in a row after which the value is not the sensor's any more."""
PATIENCE = 126
"""Bytes (1 s) without a frame after which the decoder says so."""
UNCONFIRMED = "how this thermometer writes a temperature below 0; a CJMCU board has other frames and is not read"


def encode(command: str) -> bytes:
    """The three bytes of a command named in `COMMANDS`."""
    code = COMMANDS[command]
    return bytes((COMMAND, code, (COMMAND + code) & 0xFF))


def encode_frame(object_centi: int, ambient_centi: int) -> bytes:
    """One frame as the board sends it, from hundredths of a degree Celsius."""
    body = HEADER + struct.pack(">hh", object_centi, ambient_centi)
    return body + bytes((sum(body) & 0xFF,))


class Decoder:
    """Bytes of the board, in any cut -> events; pure.

    Each frame gives a `Reading` of temperature (what the sensor looks at: detail "mode" is "object", "site" as told)
    and of ambient_temperature, in Cel. The object is `NoValue("out-of-range")` outside 0..50 and in a room outside
    10..40, where both are flagged "ambient-out-of-range"; a room that the sensor itself cannot stand, outside
    -40..125, is that of a broken one: both are `NoValue("device-error")`. A value that stays the same to the
    hundredth for 20 frames is a dead sensor: `Trouble("malformed")` and no reading until it moves again, so that the
    link goes stale.
    """

    def __init__(self, site: str = "forehead") -> None:
        self._detail = {"mode": "object", "site": site}
        self._buffer = bytearray()
        self._discarded = 0
        self._last = b""
        self._same = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        self._buffer += data
        events: list[Event] = []
        while self._buffer:
            if not HEADER.startswith(self._buffer[: len(HEADER)]):
                events += self._slide()
            elif len(self._buffer) < FRAME:
                break
            elif sum(self._buffer[: FRAME - 1]) & 0xFF != self._buffer[FRAME - 1]:
                events += [Trouble("checksum"), *self._slide()]
            else:
                events += self._frame(bytes(self._buffer[:FRAME]))
                del self._buffer[:FRAME]
        return events

    def _slide(self) -> list[Event]:
        del self._buffer[0]
        self._discarded += 1
        if self._discarded % PATIENCE:
            return []
        return [Trouble("resync", "no frame of this thermometer: check the port and its speed", PATIENCE)]

    def _frame(self, frame: bytes) -> list[Event]:
        self._discarded = 0
        self._same = self._same + 1 if frame == self._last else 1
        self._last = frame
        if self._same >= STUCK:
            stuck = Trouble("malformed", "the value does not move: the sensor is stuck", STUCK)
            return [stuck] if self._same % STUCK == 0 else []
        return self._readings(*struct.unpack(">hh", frame[4:8]))

    def _readings(self, seen: int, room: int) -> list[Event]:
        flags = frozenset[str]() if _within(room, AMBIENT_RANGE) else frozenset({"ambient-out-of-range"})
        around: Value = room / 100 if _within(room, SENSOR_RANGE) else NoValue("device-error")
        value: Value = seen / 100 if _within(seen, OBJECT_RANGE) and not flags else NoValue("out-of-range")
        if isinstance(around, NoValue):
            value = around
        return [
            Reading("temperature", value, "Cel", flags, self._detail),
            Reading("ambient_temperature", around, "Cel", flags),
        ]


def _within(centi: int, limits: tuple[int, int]) -> bool:
    return limits[0] <= centi <= limits[1]


class Thermometer:
    """One thermometer on one stream; it sends on its own once it was told to.

    `site` is what it is mounted to look at, for the detail of each reading.
    """

    kind: ClassVar[str] = "thermometer"
    protocol: ClassVar[str] = "gymcu90614"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ("site",)

    quiet_s: float | None = 1.0
    """About 14 missing frames."""

    def __init__(self, site: str = "forehead") -> None:
        self._site = site
        self._stream: Stream | None = None

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Ask for continuous frames and listen; ends by `Unplugged` or by being cancelled."""
        self._stream = stream
        emit(Trouble("unconfirmed", UNCONFIRMED))
        decoder = Decoder(self._site)
        try:
            while True:
                await self.start()
                # A board that did not hear that, or lost its power since, is silent until it is asked again.
                with suppress(TimeoutError):
                    while True:
                        async with asyncio.timeout(ASK_AGAIN_S):
                            data = await stream.read()
                        for event in decoder.feed(data):
                            emit(event)
        finally:
            self._stream = None

    async def start(self) -> None:
        """Ask for continuous frames, again if need be: a board that lost power may be silent by default."""
        if self._stream is None:
            raise DriverError("The thermometer is not connected: plug it in and wait until it is ready.")
        await self._stream.write(encode("continuous"))

    async def stop(self) -> None:
        """Nothing to stop: it measures always, and touches nobody."""


class FastThermometer(Thermometer):
    """A GY-MCU90615, or a 90614 that was set to its speed: the same frames; silent until it is asked."""

    protocol: ClassVar[str] = "gymcu90615"
    line: ClassVar[Line] = Line(115200)
