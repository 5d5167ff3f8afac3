"""Live values and waves for the screens: bounded in number, and marked as simulated in every frame.

Beside what the instruments say themselves there are two things of our own, once a second while a waveform flows and
somebody looks at it: the heart rate of the running ECG, and where the time of each waveform lies on the cabin's clock
(`wave-clock`), so that a page can draw waves and video on one clock.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from cabin_agent.broadcast import Broadcast
from cabin_agent.event_json import event_json
from cabin_agent.face import Json
from cabin_agent.frames import describe_wave, encode_wave
from cabin_agent.measuring.running_lead import RunningLead
from cabin_agent.wave_clock import WaveClock
from drivers.events import DeviceClock, Event, HearingRecord, NoValue, PressureResult, Reading, SelfTest, Wave

READING_GAP_S = 0.2
"""Real seconds between two values of one sort on a screen; a value that goes, or comes back, is never held up."""
CLOCK_GAP_S = 1.0
"""Real seconds between two words on where a waveform lies on the cabin's clock."""

ITS_OWN = {"ecg": frozenset({"heart_rate", "respiratory_rate"})}
"""Of a kind of instrument: what it may tell the screens. Some ECG boards carry a finger clip and a thermometer too;
their numbers must not stand where those of the oximeter and the thermometer are read."""

Sort = tuple[str, str | None, frozenset[str]]
"""Quantity, why there is no value, flags: readings of one sort differ in their number alone."""


class Live:
    """Turns what the instruments say into what the screens show."""

    def __init__(self, broadcast: Broadcast, simulated: Callable[[str], bool]) -> None:
        self._broadcast, self._simulated = broadcast, simulated
        self._shown: dict[Sort, float] = {}
        self._sent: Counter[str] = Counter()
        """Frames told of each stream."""
        self._described: dict[str, Json] = {}
        self._next: dict[str, int] = {}
        self._clocks: dict[str, WaveClock] = {}
        self._clock_told: dict[str, float] = {}
        self._lead: RunningLead | None = None
        """The analysis of the ECG; none while nobody watches."""

    def show(self, kind: str, event: Event, at: float) -> None:
        """Offer one event of an instrument, which arrived at `at` monotonic seconds, to whoever watches."""
        if isinstance(event, Wave):
            self._clocks.setdefault(event.stream, WaveClock()).heard(event, at)
            self._show_wave(kind, event, at)
        elif isinstance(event, Reading):
            self._show_reading(kind, event, at)
        elif isinstance(event, PressureResult | HearingRecord | SelfTest | DeviceClock):
            self._show_said(kind, event, at)

    def _show_wave(self, kind: str, wave: Wave, at: float) -> None:
        if not self._broadcast.waves_wanted:
            self._lead = None
            return
        if self._broadcast.newcomers():
            self._described.clear()
            self._clock_told.clear()
        description = describe_wave(wave)
        if self._described.get(wave.stream) != description:
            self._described[wave.stream] = description
            self._broadcast.tell(description)
        gap = self._next.get(wave.stream, wave.index) != wave.index
        self._next[wave.stream] = wave.index + len(wave.samples)
        t0_us = int(wave.index / wave.rate * 1e6)
        for frame in encode_wave(wave, self._sent[wave.stream], t0_us, simulated=self._simulated(kind), gap=gap):
            self._broadcast.tell(frame)
            self._sent[wave.stream] += 1
        self._show_clock(wave.stream)
        if wave.stream == "ecg":
            self._show_heart_rate(kind, wave, at)

    def _show_clock(self, stream: str) -> None:
        now = time.monotonic()
        if now - self._clock_told.get(stream, -CLOCK_GAP_S) < CLOCK_GAP_S:
            return
        self._clock_told[stream] = now
        self._broadcast.tell(
            {"type": "wave-clock", "stream": stream, "offset_us": self._clocks[stream].offset_us},
        )

    def _show_heart_rate(self, kind: str, wave: Wave, at: float) -> None:
        self._lead = self._lead or RunningLead()
        if self._lead.heard(wave) is not None:
            rate = self._lead.heart_rate
            self._tell(kind, "heart_rate", rate and round(rate, 1), "missing", "/min", frozenset(), at)

    def _show_said(self, kind: str, event: Event, at: float) -> None:
        """What only a technician's preview shows, between visits."""
        said = {"type": "said", "instrument": kind, "said": event_json(event)}
        self._broadcast.tell({**said, "simulated": self._simulated(kind), "at_us": round(at * 1e6)})

    def _show_reading(self, kind: str, reading: Reading, at: float) -> None:
        if reading.quantity not in ITS_OWN.get(kind, {reading.quantity}):
            return
        why = reading.value.why if isinstance(reading.value, NoValue) else None
        sort: Sort = (reading.quantity, why, reading.flags)
        now = time.monotonic()
        if now - self._shown.get(sort, -READING_GAP_S) < READING_GAP_S:
            return
        self._shown[sort] = now
        value = None if isinstance(reading.value, NoValue) else reading.value
        self._tell(kind, reading.quantity, value, why or "missing", reading.unit, reading.flags, at)

    def _tell(
        self, kind: str, quantity: str, value: float | None, why: str, unit: str, flags: frozenset[str], at: float
    ) -> None:
        self._broadcast.tell(
            {
                "type": "reading",
                "instrument": kind,
                "quantity": quantity,
                "value": value,
                "why": why if value is None else None,
                "unit": unit,
                "flags": sorted(flags),
                "simulated": self._simulated(kind),
                "at_us": round(at * 1e6),
            }
        )
