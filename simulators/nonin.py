"""A Nonin OEM III finger oximeter in format 7: 75 five-byte frames a second, pushed without being asked.

Protocol sheet nonin, section 2 (maker's 4518-001 rev. 12): STATUS, pleth MSB, pleth LSB, FLOAT, CHK; 25 frames are a
packet that begins with SYNC. When the finger leaves, the recording values are missing at once (511, 127) while the
display values are held for 10 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.body import FINGER_DELAY_S, RISE_S, Body
from simulators.device import BodyFault, Frames, Wear

RATE = 75
PACKET = 25
HELD_S = 10.0
REFRESH_S = 1.5
"""Display values change no more often than that."""
PERFUSION_FRAMES = 12
"""How long the perfusion bits are shown for each pulse: 160 ms."""
FIRMWARE = 0x2D

ALWAYS, ARTIFACT, OUT_OF_TRACK, ALARM, RED, GREEN, SYNC = 0x80, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
NO_RATE, NO_SPO2 = 511, 127

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spot:
    """What the module has worked out at one moment; None for no value."""

    spo2: int | None = None
    rate: int | None = None
    slow_rate: int | None = None
    """Over 8 beats, as E-HR; `rate` is over 4."""


class Finger(Protocol):
    """What lies in the sensor: the body's finger, or a recording of one."""

    def start(self, now: float) -> int:
        """Index, at `RATE`, of the first sample for a host that comes at `now`."""
        ...

    def counts(self, first: int, count: int) -> Counts:
        """Pleth counts, 0 to 65535."""
        ...

    def spot(self, index: int, since: float) -> Spot:
        """The values at a sample, when the finger is in since the time `since` (of the same count of time)."""
        ...

    def perfused(self, first: int, count: int) -> NDArray[np.bool_]:
        """The samples at which the module shows a pulse."""
        ...

    def perfusion(self) -> float:
        """Pulse modulation, per cent: the colour of the perfusion light."""
        ...


class BodyFinger:
    """The finger of the synthetic person."""

    CENTRE = 24_000
    PER_PERCENT = 4_000

    def __init__(self, body: Body) -> None:
        self._body = body

    def start(self, now: float) -> int:
        """The body is where it is, most often in the middle of a packet."""
        return ceil(now * RATE)

    def counts(self, first: int, count: int) -> Counts:
        """The volume pulse, drifting with the breath."""
        t = np.arange(first, first + count) / RATE
        breath = 0.05 * np.sin(2 * np.pi * 0.25 * t) * self._body.physiology.perfusion
        pulse = self.CENTRE + self.PER_PERCENT * (self._body.pleth(t) + breath)
        return np.clip(np.rint(pulse), 0, 0xFFFF).astype(np.int64)

    def spot(self, index: int, since: float) -> Spot:
        """Averages over 4 and 8 beats; nothing before the first four pulses."""
        at = index / RATE
        rate = _code_rate(self._body.pulse_rate(at, 4, since))
        if rate is None:
            return Spot()
        slow = _code_rate(self._body.pulse_rate(at, 8, since))
        return Spot(round(self._body.physiology.spo2), rate, rate if slow is None else slow)

    def perfused(self, first: int, count: int) -> NDArray[np.bool_]:
        """From the top of each pulse, for `PERFUSION_FRAMES`."""
        shown = np.zeros(count, dtype=bool)
        lag = FINGER_DELAY_S + RISE_S
        for beat in self._body.beats(max(0.0, first / RATE - 1.0), (first + count) / RATE):
            top = round((beat.at + lag) * RATE) - first
            shown[max(0, top) : max(0, top + PERFUSION_FRAMES)] = True
        return shown

    def perfusion(self) -> float:
        """The body's own."""
        return self._body.physiology.perfusion


class Oximeter:
    """The module; `finger` replaces the body's finger by a recording."""

    kind: ClassVar[str] = "oximeter"
    wear: ClassVar[Wear] = Wear(drop_every=397, spoil_every=70)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("finger-out",)
    own_faults: ClassVar[tuple[str, ...]] = ()

    def __init__(self, body: Body, finger: Finger | None = None) -> None:
        self._body = body
        self._finger: Finger = finger or BodyFinger(body)
        self._start(0.0)

    def opened(self, now: float) -> None:
        """The module pushes anyway; a recording begins with its first sample."""
        self._start(now)

    def receive(self, data: bytes, now: float) -> Frames:  # noqa: ARG002
        """Nothing: the module's serial input is for future use."""
        return []

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """It has no faults of its own."""

    def produce(self, now: float) -> Frames:
        """Whole frames up to `now`."""
        due = self._first + int((now - self._began) * RATE) - self._next
        if due <= 0:
            return []
        self._look(self._next)
        rows = self._rows(self._next, due)
        self._next += due
        data = rows.tobytes()
        return [data[i : i + 5] for i in range(0, len(data), 5)]

    def _start(self, now: float) -> None:
        self._first = self._next = self._finger.start(now)
        self._began = now
        self._in_since = float("-inf")
        self._out_since: int | None = None
        self._held, self._held_at = Spot(), float("-inf")

    def _look(self, index: int) -> None:
        """See whether the finger came or went since the last look."""
        inside = self._body.presence.finger_in
        if inside and self._out_since is not None:
            self._out_since, self._in_since = None, index / RATE
        elif not inside and self._out_since is None:
            self._out_since = index

    def _rows(self, first: int, count: int) -> NDArray[np.uint8]:
        index = np.arange(first, first + count)
        rows = np.zeros((count, 5), dtype=np.uint8)
        pleth = self._finger.counts(first, count) if self._out_since is None else _dark(index)
        rows[:, 0] = self._status(first, count) | (index % PACKET == 0)
        rows[:, 1], rows[:, 2] = pleth >> 8, pleth & 0xFF
        rows[:, 3] = self._floats(first, count)
        rows[:, 4] = rows[:, :4].sum(axis=1, dtype=np.int64) & 0xFF
        return rows

    def _status(self, first: int, count: int) -> NDArray[np.uint8]:
        status = np.full(count, ALWAYS, dtype=np.uint8)
        if self._out_since is not None:
            return status | np.uint8(ALARM | OUT_OF_TRACK)
        if self._body.presence.moving:
            status |= np.uint8(ARTIFACT)
        status[self._finger.perfused(first, count)] |= _colour(self._finger.perfusion())
        return status

    def _floats(self, first: int, count: int) -> NDArray[np.uint8]:
        """The FLOAT byte of each frame: one table of 25 bytes for each packet touched."""
        packets = range(first // PACKET, (first + count - 1) // PACKET + 1)
        table = b"".join(self._table(packet * PACKET) for packet in packets)
        skipped = first - packets[0] * PACKET
        return np.frombuffer(table, dtype=np.uint8)[skipped : skipped + count]

    def _table(self, index: int) -> bytes:
        seen = Spot() if self._out_since is not None else self._finger.spot(index, self._in_since)
        shown = self._display(index, seen)
        rate, slow, spo2 = _pair(seen.rate), _pair(seen.slow_rate), _saturation(seen.spo2)
        shown_rate, shown_slow, shown_spo2 = _pair(shown.rate), _pair(shown.slow_rate), _saturation(shown.spo2)
        return bytes((*rate, spo2, FIRMWARE, *bytes(4), shown_spo2, spo2, spo2, *bytes(2))) + bytes(
            (*slow, spo2, shown_spo2, *bytes(2), *shown_rate, *shown_slow, *bytes(2))
        )

    def _display(self, index: int, seen: Spot) -> Spot:
        """Display values: refreshed every 1.5 s, held for 10 s after the finger went."""
        if self._out_since is not None:
            return self._held if index - self._out_since < HELD_S * RATE else Spot()
        if index / RATE - self._held_at >= REFRESH_S or self._held.rate is None:
            self._held, self._held_at = seen, index / RATE
        return self._held


def _dark(index: Counts) -> Counts:
    """An empty sensor: a flat line with the last bit toggling."""
    return 32_768 + index % 2


def _colour(percent: float) -> np.uint8:
    """Green for a good pulse, both bits (yellow) for a marginal one, red for a low one."""
    if percent >= 0.5:
        return np.uint8(GREEN)
    return np.uint8(GREEN | RED) if percent >= 0.3 else np.uint8(RED)


def _code_rate(rate: float | None) -> int | None:
    """The module states rates from 18 to 321 per minute."""
    return None if rate is None or not 18 <= rate <= 321 else round(rate)


def _pair(rate: int | None) -> tuple[int, int]:
    """MSB and LSB of seven bits each (the maker's rule, not a shift by eight)."""
    value = NO_RATE if rate is None else rate
    return value >> 7, value & 0x7F


def _saturation(spo2: int | None) -> int:
    return NO_SPO2 if spo2 is None else spo2
