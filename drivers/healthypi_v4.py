"""ProtoCentral HealthyPi v4: one lead in counts with lead-off, saturation, heart and breathing rate, temperature.

Source: protocol sheet "ProtoCentral HealthyPi", v4; the frames are in `drivers.healthypi_frames`. A developers'
board, not a medical device; it sends 125 frames a second and takes no command. Bytes 17 and 18 of a payload hold the
constants 80 and 120, which its firmware names as a blood pressure: nobody measured one, and they are not read.

Unconfirmed, and said at each opening: how many counts a millivolt has, and which lead it is (its second channel, from
RA to LA, hence I, where the electrodes are put as its maker draws). The light of the finger is left out for the
reasons of `drivers.healthypi_v5`.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.events import Event, Reading, Trouble
from drivers.healthypi_frames import AROUND, SAMPLE, Frame, Framer, Item, Pong
from drivers.healthypi_v5 import HEART_RATE, RESPIRATORY_RATE, SPO2, TEMPERATURE
from drivers.instrument import Emit, listen
from drivers.one_lead import Agreed, OneLead, value
from drivers.stream import Line, Stream

RATE = 125.0
LEAD = "I"
ROWS = 5
LENGTH = 20
LEAD_OFF = 0x1F
"""Bits 0 to 4 of the amplifier's status: the electrodes that are off, of RLD, 2N, 2P, 1N, 1P."""
OFF = frozenset({f"lead-off:{LEAD}"})
UNCONFIRMED = "how many counts a millivolt has, and which lead it is"


class Decoder:
    """Bytes of the board, in any cut -> events; pure.

    `Wave` "ecg" of one channel, in counts, with the flag "lead-off:I" while any electrode is off; `Reading`s as those
    of `drivers.healthypi_v5.Decoder`, the heart rate being missing while an electrode is off.
    """

    def __init__(self) -> None:
        self._framer = Framer({SAMPLE: LENGTH})
        self._lead = OneLead(LEAD, RATE, ROWS)
        self._numbers = Agreed(int(RATE))

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        return [event for item in self._framer.feed(data) for event in self._item(item)]

    def flush(self) -> list[Event]:
        """What the end of a capture completes."""
        return [event for item in self._framer.flush() for event in self._item(item)] + self._lead.close()

    def _item(self, item: Item) -> list[Event]:
        if isinstance(item, Frame):
            return self._sample(item.payload)
        self._numbers.forget()
        if isinstance(item, Pong):
            return []
        frames, rest = divmod(item.count, AROUND + LENGTH)
        return [
            *self._lead.hole(None if rest else frames),
            Trouble("resync", "bytes that belong to no frame", item.count),
        ]

    def _sample(self, payload: bytes) -> list[Event]:
        off = bool(payload[19] & LEAD_OFF)
        events = self._lead.sample(int.from_bytes(payload[0:2], "little", signed=True), OFF if off else frozenset())
        hundredths = int.from_bytes(payload[12:14], "little")
        breath, spo2, heart = payload[14], payload[15], 0 if off else payload[16]
        if self._numbers.take((hundredths, breath, spo2, heart)):
            events += [
                Reading("spo2", value(spo2, SPO2), "%"),
                Reading("heart_rate", value(heart, HEART_RATE), "/min"),
                Reading("respiratory_rate", value(breath, RESPIRATORY_RATE), "/min"),
                Reading("temperature", value(hundredths / 100, TEMPERATURE), "Cel"),
            ]
        return events


class Ecg:
    """One board on one stream; it sends on its own. Its oldest firmware does so at 57600 baud, which is not tried."""

    kind: ClassVar[str] = "ecg"
    protocol: ClassVar[str] = "healthypi-v4"
    line: ClassVar[Line] = Line(115200)
    takes: ClassVar[tuple[str, ...]] = ()

    quiet_s: float | None = 1.0

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen; ends by `Unplugged` or by being cancelled."""
        emit(Trouble("unconfirmed", UNCONFIRMED))
        await listen(stream, Decoder(), emit)

    async def start(self) -> None:
        """The board always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
