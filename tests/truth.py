"""What an instrument may say of a body: how far each quantity may be from it, and for how long after a change.

The body is the simulated person, whose history is known; `Truth` compares every event of a driver with it, and knows
no wire. A value that carries the flag of what is wrong with it claims nothing, and is not compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drivers.events import Event, HearingRecord, NoValue, PressureResult, Reading, TonePlayed, Value, Wave
from simulators.physiology import FREQUENCIES, Physiology

Told = Callable[[Physiology], float]


@dataclass(frozen=True, slots=True)
class Limit:
    """How near a value must be to the body's, in its own unit, and how old it may be in seconds of the body."""

    of: Told
    near: float
    age_s: float


def _bmi(person: Physiology) -> float:
    return person.weight / (person.height / 100) ** 2


QUANTITIES: Mapping[str, Limit] = {
    "spo2": Limit(lambda person: person.spo2, 1.0, 6.0),
    # Four to eight beats are averaged, and the beat under way is not disturbed by a change.
    "pulse_rate": Limit(lambda person: person.heart_rate, 6.0, 15.0),
    "heart_rate": Limit(lambda person: person.heart_rate, 6.0, 15.0),
    "respiratory_rate": Limit(lambda _: 15.0, 1.0, 0.0),
    "perfusion_index": Limit(lambda person: person.perfusion, 0.2, 6.0),
    "temperature": Limit(lambda person: person.temperature, 0.2, 5.0),
    "ambient_temperature": Limit(lambda person: person.ambient, 0.2, 5.0),
    "weight": Limit(lambda person: person.weight, 0.15, 5.0),
    "height": Limit(lambda person: person.height, 0.4, 5.0),
    "bmi": Limit(_bmi, 0.15, 5.0),
}
"""Of a `Reading`; the pressure in the cuff is the pump's and not the body's."""
CUFF_MMHG = (-1.0, 300.0)
PRESSURES: Mapping[str, Limit] = {
    "systolic": Limit(lambda person: person.systolic, 8.0, 60.0),
    "diastolic": Limit(lambda person: person.diastolic, 8.0, 60.0),
    "pulse_rate": Limit(lambda person: person.heart_rate, 6.0, 60.0),
}
"""Of a `PressureResult`: a measurement takes a minute, in which the body may change."""
HEARING_DB, HEARING_S = 20.0, 400.0
"""Three steps of the audiometer and one of chance; a test of both ears takes minutes."""

CLAIMS_NOTHING = frozenset(
    {"settling", "from-memory", "test-data", "demonstration", "stuck", "not-zeroed", "relative"}
    | {"finger-out", "sensor-disconnected", "invalid", "unavailable", "calibrating", "probe-error", "searching"}
    | {"ambient-out-of-range"}
)
"""With one of these flags a number is no value of this body."""
UNLIKE_A_PULSE = CLAIMS_NOTHING | {"out-of-track", "artifact", "low-perfusion"}

MOST_MV = 4.0
"""No lead of a living heart with its electrodes on is further from the middle of the amplifier."""
FLAT_S = 2.5
"""Without a beat for so long, a lead or a finger shows nothing."""
LEAST_MV, LEAST_COUNTS = 0.25, 4.0
"""What a heart makes of a lead, and of the light through a finger, in `FLAT_S`, at least."""


@dataclass(slots=True)
class _Run:
    """Consecutive samples of one channel that no flag calls wrong."""

    end: int = -1
    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")


@dataclass(slots=True)
class Truth:
    """The history of one body on the clock of the wall, `speed` times as fast; complaints are sentences."""

    speed: float
    late_s: float
    """Seconds of the wall that an event may be late because the machine is busy."""
    per_mv: float = 1.0
    """Counts of a millivolt, where a lead is told in counts."""
    history: list[tuple[float, Physiology]] = field(default_factory=list)
    _runs: dict[str, _Run] = field(default_factory=dict)

    def becomes(self, person: Physiology, now: float) -> None:
        """The body is like this from `now` on."""
        self.history.append((now, person))

    def complaint(self, event: Event, now: float) -> str | None:
        """What is false in an event that came at `now`; None where nothing is."""
        match event:
            case Reading():
                return self._reading(event, now)
            case PressureResult(error=None) if not event.flags & CLAIMS_NOTHING:
                return self._pressures(event, now)
            case PressureResult() if event.error is not None:
                return _numbers_beside_an_error(event)
            case HearingRecord():
                return self._hearing(event, now)
            case TonePlayed(whole=True, db=float(db)) if not -10 <= db <= 100:
                return "a tone of a level that nobody asked for"
            case Wave() if event.stream != "cuff":
                return self._wave(event)
        return None

    def agrees(self, limit: Limit, value: Value, now: float, age_s: float | None = None) -> bool:
        """Whether a value is the body's of the time in which it was measured."""
        if isinstance(value, NoValue):
            return True
        since = now - (limit.age_s if age_s is None else age_s) / self.speed - self.late_s
        truths = [limit.of(person) for person in self._persons(since)]
        return min(truths) - limit.near <= value <= max(truths) + limit.near

    def is_now(self, limit: Limit, value: Value) -> bool:
        """Whether it is a number, and the body's as it is."""
        return not isinstance(value, NoValue) and abs(value - limit.of(self.history[-1][1])) <= limit.near

    def _persons(self, since: float) -> list[Physiology]:
        """Who the body was since then."""
        ends = [began for began, _ in self.history[1:]] + [float("inf")]
        return [person for (_, person), end in zip(self.history, ends, strict=True) if end >= since]

    def _reading(self, reading: Reading, now: float) -> str | None:
        if isinstance(reading.value, NoValue) or reading.flags & CLAIMS_NOTHING:
            return None
        if reading.quantity == "cuff_pressure":
            return None if CUFF_MMHG[0] <= reading.value <= CUFF_MMHG[1] else "no pressure of a cuff"
        limit = QUANTITIES[reading.quantity]
        return None if self.agrees(limit, reading.value, now) else f"{reading.quantity} {reading.value:g} is not true"

    def _pressures(self, result: PressureResult, now: float) -> str | None:
        for name, limit in PRESSURES.items():
            value = getattr(result, name)
            if not self.agrees(limit, value, now):
                return f"{name} {value:g} is not true"
        inside = isinstance(result.systolic, NoValue) or isinstance(result.mean, NoValue)
        if not inside and not result.diastolic < result.mean < result.systolic:  # type: ignore[operator]
            return "a mean pressure outside the two others"
        return None

    def _hearing(self, record: HearingRecord, now: float) -> str | None:
        for number, hz in enumerate(FREQUENCIES):
            limit = Limit(lambda person, n=number: getattr(person, record.ear)[n], HEARING_DB, HEARING_S)  # type: ignore[misc]
            if not self.agrees(limit, record.thresholds.get(hz, NoValue("missing")), now):
                return f"{record.thresholds[hz]} dB at {hz} Hz is not true"
        return None

    def _wave(self, wave: Wave) -> str | None:
        wrong = bool(wave.flags & UNLIKE_A_PULSE)
        for number, channel in enumerate(wave.channels):
            column = [row[number] for row in wave.samples]
            if wrong or any(flag.endswith(f":{channel}") for flag in wave.flags):
                self._runs.pop(channel, None)
                continue
            if wave.unit == "mV" and max(map(abs, column)) > MOST_MV:
                return f"{max(map(abs, column)):.0f} mV at {channel}"
            if self._flat(wave, channel, column):
                return f"nothing beats in {channel}"
        return None

    def _flat(self, wave: Wave, channel: str, column: list[float]) -> bool:
        run = self._runs.setdefault(channel, _Run())
        if wave.index != run.end:
            run.count, run.low, run.high = 0, float("inf"), float("-inf")
        run.end = wave.index + len(column)
        run.count += len(column)
        run.low, run.high = min(run.low, *column), max(run.high, *column)
        if run.count < FLAT_S * wave.rate:
            return False
        swing = run.high - run.low
        run.count, run.low, run.high = 0, float("inf"), float("-inf")
        if wave.stream == "pleth":
            return swing < LEAST_COUNTS
        return swing < LEAST_MV * (1.0 if wave.unit == "mV" else self.per_mv)


def _numbers_beside_an_error(result: PressureResult) -> str | None:
    numbers = (result.systolic, result.diastolic, result.mean)
    return None if all(isinstance(value, NoValue) for value in numbers) else "a pressure beside an error"


def beats_per_minute(samples: list[float], rate: float) -> float | None:
    """Rate of the R peaks in an ECG of one lead; None where there are fewer than three."""
    middle = sorted(samples)[len(samples) // 2]
    tall = 0.6 * (max(samples) - middle)
    peaks: list[int] = []
    for n, (before, here, after) in enumerate(zip(samples, samples[1:], samples[2:], strict=False), 1):
        if here - middle > tall and here > before and here >= after and (not peaks or n - peaks[-1] > 0.25 * rate):
            peaks.append(n)
    if len(peaks) < 3:
        return None
    return 60 * rate * (len(peaks) - 1) / sum(b - a for a, b in itertools.pairwise(peaks))
