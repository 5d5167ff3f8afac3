"""Live values and waves for the screens: bounded in number, and marked as simulated in every frame."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from cabin_agent.broadcast import Broadcast
from cabin_agent.face import Json
from cabin_agent.frames import describe_wave, encode_wave
from drivers.events import Event, NoValue, Reading, Wave

READING_GAP_S = 0.2
"""Real seconds between two values of one quantity on a screen."""


class Live:
    """Turns what the instruments say into what the screens show."""

    def __init__(self, broadcast: Broadcast, simulated: Callable[[str], bool]) -> None:
        self._broadcast, self._simulated = broadcast, simulated
        self._shown: dict[str, float] = {}
        self._sent: Counter[str] = Counter()
        """Frames told of each stream."""
        self._described: dict[str, Json] = {}
        self._next: dict[str, int] = {}

    def show(self, kind: str, event: Event, _: float) -> None:
        """Offer one event of an instrument to whoever watches."""
        if isinstance(event, Wave):
            self._show_wave(kind, event)
        elif isinstance(event, Reading):
            self._show_reading(kind, event)

    def _show_wave(self, kind: str, wave: Wave) -> None:
        if not self._broadcast.waves_wanted:
            return
        if self._broadcast.newcomers():
            self._described.clear()
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

    def _show_reading(self, kind: str, reading: Reading) -> None:
        now = time.monotonic()
        if now - self._shown.get(reading.quantity, -READING_GAP_S) < READING_GAP_S:
            return
        self._shown[reading.quantity] = now
        value = None if isinstance(reading.value, NoValue) else reading.value
        self._broadcast.tell(
            {
                "type": "reading",
                "instrument": kind,
                "quantity": reading.quantity,
                "value": value,
                "why": reading.value.why if isinstance(reading.value, NoValue) else None,
                "unit": reading.unit,
                "flags": sorted(reading.flags),
                "simulated": self._simulated(kind),
            }
        )
