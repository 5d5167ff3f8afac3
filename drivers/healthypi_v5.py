"""ProtoCentral HealthyPi v5: one lead in counts, with saturation, heart and breathing rate and temperature.

Source: protocol sheet "ProtoCentral HealthyPi", v5; the frames are in `drivers.healthypi_frames`. A developers'
board, not a medical device. It streams only while DTR is on, which `drivers.stream` sees to by opening the port.

Unconfirmed, and said at each opening: how many counts a millivolt has, which lead it is (the two electrodes are LA
and RA, hence I, where they are put as its maker draws), and whether a second has 128 samples (present firmware) or
125. The stream does not carry whether an electrode is off, so that no sample is flagged for it.

Left out: the light of the finger. The stream repeats each of its samples to fill the ECG's rate and tells of no
finger and no alarm, as a `Wave` "pleth" does.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import ClassVar

from drivers.errors import Unplugged
from drivers.events import Event, Identity, NoValue, Reading, Trouble
from drivers.healthypi_frames import (
    AROUND,
    ECG_BATCH,
    PING,
    PPG_BATCH,
    SAMPLE,
    STREAM_START,
    STREAM_STOP,
    Frame,
    Framer,
    Item,
    Pong,
    encode_command,
)
from drivers.instrument import Emit
from drivers.one_lead import Agreed, OneLead, value
from drivers.stream import Line, Stream
from drivers.together import together

RATE = 128.0
LEAD = "I"
ROWS = 5
"""Samples of a block: 40 ms."""
LENGTHS = {SAMPLE: 22, ECG_BATCH: 50, PPG_BATCH: 19}
BATCH = 8
"""ECG samples of a batch."""
BATCHES_A_SECOND = 16

SPO2 = (50, 100)
"""Percent. The firmware's "invalid", -999, arrives as its low byte, 25."""
HEART_RATE = (30, 240)
"""Per minute. 255 is the low byte of the firmware's 0xFFFF."""
RESPIRATORY_RATE = (4, 60)
TEMPERATURE = (20.0, 45.0)
"""Celsius, of skin."""
UNCONFIRMED = "how many counts a millivolt has, which lead it is, and whether it has 128 samples a second or 125"


class Decoder:
    """Bytes of the board, in any cut -> events; pure.

    `Wave` "ecg" of one channel, in counts. `Reading`s of heart_rate, respiratory_rate, spo2 and temperature when two
    frames in a row agree on them, and then once a second; 0 is `NoValue`. The batches of the Zephyr firmware (types 3
    and 4) are read too; it sends the high byte of its temperature twice, so that there the temperature is never one.
    Damaged frames are counted where their bytes still came; else the index starts again.
    """

    def __init__(self) -> None:
        self._framer = Framer(LENGTHS)
        self._lead = OneLead(LEAD, RATE, ROWS)
        self._numbers = {kind: Agreed(int(RATE) if kind == SAMPLE else BATCHES_A_SECOND) for kind in LENGTHS}
        self._batches = False

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        return [event for item in self._framer.feed(data) for event in self._item(item)]

    def flush(self) -> list[Event]:
        """What the end of a capture completes."""
        return [event for item in self._framer.flush() for event in self._item(item)] + self._lead.close()

    def _item(self, item: Item) -> list[Event]:
        if isinstance(item, Frame):
            self._batches = item.kind != SAMPLE
            return _READ[item.kind](self, item.payload)
        if isinstance(item, Pong):
            return [Identity("ProtoCentral HealthyPi 5")]
        for numbers in self._numbers.values():
            numbers.forget()
        frames, rest = divmod(item.count, AROUND + LENGTHS[SAMPLE])
        known = None if rest or self._batches else frames
        return [*self._lead.hole(known), Trouble("resync", "bytes that belong to no frame", item.count)]

    def _sample(self, payload: bytes) -> list[Event]:
        events = self._lead.sample(_signed(payload[0:4]))
        spo2, heart, breath = payload[19], payload[20], payload[21]
        hundredths = _signed(payload[17:19])
        if self._numbers[SAMPLE].take((hundredths, spo2, heart, breath)):
            warm = Reading("temperature", value(hundredths / 100, TEMPERATURE), "Cel")
            events += [_saturation(spo2), *_rates(heart, breath), warm]
        return events

    def _ecg_batch(self, payload: bytes) -> list[Event]:
        events: list[Event] = []
        for at in range(0, 4 * BATCH, 4):
            events += self._lead.sample(_signed(payload[at : at + 4]))
        heart, breath = payload[48], payload[49]
        return events + (_rates(heart, breath) if self._numbers[ECG_BATCH].take((heart, breath)) else [])

    def _ppg_batch(self, payload: bytes) -> list[Event]:
        if not self._numbers[PPG_BATCH].take((payload[16],)):
            return []
        return [_saturation(payload[16]), Reading("temperature", NoValue("device-error"), "Cel")]


_READ = {SAMPLE: Decoder._sample, ECG_BATCH: Decoder._ecg_batch, PPG_BATCH: Decoder._ppg_batch}


def _signed(field: bytes) -> int:
    return int.from_bytes(field, "little", signed=True)


def _saturation(spo2: int) -> Event:
    return Reading("spo2", value(spo2, SPO2), "%")


def _rates(heart: int, breath: int) -> list[Event]:
    return [
        Reading("heart_rate", value(heart, HEART_RATE), "/min"),
        Reading("respiratory_rate", value(breath, RESPIRATORY_RATE), "/min"),
    ]


class Ecg:
    """One board on one stream. It streams as soon as it has power, unless it was told not to.

    `ask_s`: every so often a board that was silent is asked to stream and to answer a ping; older firmware knows
    neither, and streams anyway. Its settings, which it keeps in its flash, are left as they are.
    """

    kind: ClassVar[str] = "ecg"
    protocol: ClassVar[str] = "healthypi-v5"
    line: ClassVar[Line] = Line(115200)
    takes: ClassVar[tuple[str, ...]] = ()

    quiet_s: float | None = 1.0
    """128 frames a second; the rest is for a busy host."""

    def __init__(self, *, ask_s: float = 1.0) -> None:
        self._ask_s = ask_s
        self._heard = False

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen, and ask while nothing is heard; the board is told to stop at the end."""
        emit(Trouble("unconfirmed", UNCONFIRMED))
        self._heard = False
        try:
            await together(self._listen(stream, emit), self._ask(stream))
        finally:
            with suppress(Unplugged):
                await stream.write(encode_command(STREAM_STOP))

    async def start(self) -> None:
        """The board always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def _listen(self, stream: Stream, emit: Emit) -> None:
        decoder = Decoder()
        while True:
            for event in decoder.feed(await stream.read()):
                self._heard = True
                emit(event)

    async def _ask(self, stream: Stream) -> None:
        # The ping shows which firmware it is, so that it goes out once even where the stream flows already.
        await stream.write(encode_command(PING))
        while True:
            if not self._heard:
                await stream.write(encode_command(STREAM_START) + encode_command(PING))
            self._heard = False
            await asyncio.sleep(self._ask_s)
