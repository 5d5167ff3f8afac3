"""Medlab EG01010 in protocol 1: one lead in counts and the pulse, 9600 baud.

Source: protocol sheet "Medlab EG01010", protocol 1; the bytes are in `drivers.medlab_frames`. A medical module of one
lead. There is no check and no counter: a byte lost on the line is a sample that nobody misses.

The stream does not say how fast it is, and commands are not answered. The driver asks for 300 samples a second and
counts them against its clock: samples at another rate would give another heart rate, and are not told.

Unconfirmed, and said at each opening: how many counts a millivolt has (the manual names three stages of 32, 64 and
128, and numbers them from 1 on one page and from 0 on another), and how the module says that a lead is on again.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from drivers.events import Event, NoValue, Reading, Trouble, Value, Wave
from drivers.instrument import Emit
from drivers.medlab_frames import (
    INFO,
    LEAD_OFF,
    LEADS,
    MAINS,
    NORMAL,
    RESPIRATION,
    SHOW_ECG,
    SPEEDS,
    Number,
    Sample,
    Token,
    Tokens,
)
from drivers.one_lead import OneLead, Trust, value
from drivers.stream import Line, Stream

RATE = 300
LEAD = "II"
ROWS = 12
"""Samples of a block: 40 ms."""
SET_UP = NORMAL + SHOW_ECG + LEADS[LEAD] + MAINS[50] + SPEEDS[RATE]
"""The person's own heart and not the module's simulation, the ECG and not the breathing, which lead, how fast."""
SURE = 1000
"""Bytes in a row, 3 s of them, that only this module sends: another instrument's hold one that is not defined."""
OFF = frozenset({f"lead-off:{LEAD}"})
PULSES = (25, 240)
BREATHS = (4, 60)
NEAR = 5
"""Per minute: two averages in a row that differ by no more agree."""
WINDOW_S = 2.0
"""Seconds over which the rate is counted,"""
LEAST_S = 0.4
"""and how many of them the wall must have seen: a busy host reads in gulps."""
OFF_BY = 0.15
"""Part by which the rate may seem wrong; the next possible rate is a third of it."""
UNCONFIRMED = "how many counts a millivolt has, and how it says that a lead is on again"


class Decoder:
    """Bytes of the module, in any cut -> events; pure. Samples are taken to come at 300 a second.

    `Wave` "ecg" of one channel in counts, 0 to 246, 128 being zero. After LEAD OFF its samples have the flag
    "lead-off:II" until the module finds a pulse again. A `Reading` heart_rate at each beat, with the flag "settling"
    while it stands alone and "locked" when the one before was near; respiratory_rate where there is the board for it.
    Nothing is told before so much came that it can be no other instrument's.
    """

    def __init__(self) -> None:
        self._tokens = Tokens()
        self._lead = OneLead(LEAD, float(RATE), ROWS)
        self._off = False
        self._last: dict[int, int] = {}
        self._trust = Trust(SURE)
        self.seen = 0
        """Samples that came, told or not."""

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        return [event for token in self._tokens.feed(data) for event in self._token(token)]

    def flush(self) -> list[Event]:
        """The samples that wait for their block to be full, at the end of a capture."""
        return [*self._trust.flush(), *self._lead.close()]

    def _token(self, token: Token) -> list[Event]:
        if isinstance(token, Sample):
            self.seen += 1
            return self._trust.good(self._lead.sample(token.count, OFF if self._off else frozenset()))
        if isinstance(token, Number):
            return self._trust.good(self._number(token))
        self._last.clear()
        self._trust.bad()
        if not self._trust.sure:
            self._lead = OneLead(LEAD, float(RATE), ROWS)
        return [Trouble("malformed", "a marker without its byte, or one that is not defined")]

    def _number(self, token: Number) -> list[Event]:
        if token.marker == INFO:
            if token.number != LEAD_OFF:
                return [Trouble("malformed", "an info byte that is not defined")]
            self._off = True
            self._last.clear()
            return [Reading("heart_rate", NoValue("sensor-disconnected"), "/min")]
        if token.marker == RESPIRATION:
            found = value(token.number, BREATHS)
            return [Reading("respiratory_rate", found, "/min", self._steadiness(token, found))]
        self._off = False
        found = value(token.number, PULSES)
        return [Reading("heart_rate", found, "/min", self._steadiness(token, found))]

    def _steadiness(self, token: Number, found: Value) -> frozenset[str]:
        last = self._last.get(token.marker)
        self._last[token.marker] = token.number
        if isinstance(found, NoValue):
            return frozenset()
        return frozenset({"settling" if last is None or abs(token.number - last) > NEAR else "locked"})


class RateWatch:
    """Whether samples come as fast as they should, by a clock that is given."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._since, self._count = now, 0
        self.right: bool | None = None
        """None until the first window is over."""

    def count(self, samples: int, now: float, least_s: float, scale: float) -> bool:
        """Take so many samples at `now`; True when a window ended with it. `scale`: seconds of the module in one."""
        self._count += samples
        passed = now - self._since
        if passed < max(least_s, WINDOW_S / scale):
            return False
        found = self._count / (passed * scale)
        self.right = abs(found - self._rate) <= OFF_BY * self._rate
        self._since, self._count = now, 0
        return True


class Ecg:
    """One module on one stream. `time_scale`: how much faster than life a simulated one runs."""

    kind: ClassVar[str] = "ecg"
    protocol: ClassVar[str] = "medlab-1"
    line: ClassVar[Line] = Line(9600)
    takes: ClassVar[tuple[str, ...]] = ("time_scale",)

    quiet_s: float | None = 5.0
    """Until so much came that it is known to be this module, and a busy host's time."""

    def __init__(self, *, time_scale: float = 1.0) -> None:
        self._scale = time_scale

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Set the module up and listen; while its rate is not what was asked for, again, and no sample is told."""
        emit(Trouble("unconfirmed", UNCONFIRMED))
        loop = asyncio.get_running_loop()
        await stream.write(SET_UP)
        watch, decoder = RateWatch(RATE, loop.time()), Decoder()
        while True:
            before, events = decoder.seen, decoder.feed(await stream.read())
            over = watch.count(decoder.seen - before, loop.time(), LEAST_S, self._scale)
            for event in events:
                if watch.right or not isinstance(event, Wave):
                    emit(event)
            if over and not watch.right:
                emit(Trouble("unexpected-reply", f"the module does not send {RATE} samples a second"))
                decoder = Decoder()
                await stream.write(SET_UP)

    async def start(self) -> None:
        """The module always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""
