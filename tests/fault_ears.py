"""What a case of the fault matrix waits for, counted as it is heard: values, odd things, and what is true now."""

from __future__ import annotations

from drivers.events import (
    ButtonPress,
    CardTime,
    Event,
    HearingRecord,
    NoValue,
    PressureResult,
    Reading,
    TonePlayed,
    Trouble,
    Wave,
)
from simulators.physiology import FREQUENCIES
from tests.truth import CLAIMS_NOTHING, HEARING_DB, PRESSURES, QUANTITIES, Limit, Truth, beats_per_minute

WATCHED = {"oximeter": "spo2", "scale": "weight", "thermometer": "temperature"}
"""Kind -> the quantity that is waited for."""
BEATS = Limit(lambda person: person.heart_rate, 12.0, 0.0)
"""Of a few beats, found in a lead."""
LEAD_S = 4.0


class Ears:
    """Counters of one instrument's events."""

    def __init__(self, kind: str, truth: Truth) -> None:
        self._kind, self._truth = kind, truth
        self.values = self.odd = self.true = 0
        """Values of any time; events that say that something is wrong; values of the body as it is now."""
        self.mmhg = self.top_mmhg = 0.0
        """Pressure in the cuff, and its highest since the start."""
        self.sounding = False
        self._lead: list[float] = []
        self._lead_end = -1
        self._tone: TonePlayed | None = None

    def begin(self) -> None:
        """A measurement is started."""
        self.mmhg = self.top_mmhg = 0.0

    def forget(self) -> None:
        """What was true until now is over."""
        self.true, self._tone = 0, None
        self._lead.clear()

    def hear(self, event: Event) -> None:
        """Count one event."""
        self.odd += _is_odd(event)
        match event:
            case Reading():
                self._take_reading(event)
            case PressureResult(error=None) if not event.flags & CLAIMS_NOTHING:
                self.true += all(self._truth.is_now(PRESSURES[each], getattr(event, each)) for each in PRESSURES)
            case HearingRecord():
                self.true += self._hears_now(event)
            case Wave(stream="ecg"):
                self.values += 1
                self._take_lead(event)
            case CardTime():
                self.sounding = event.ended_s is None
            case TonePlayed():
                self._tone = event if event.whole else None
            case ButtonPress(down=True):
                self.true += self._tone is not None or self.sounding

    def _take_reading(self, reading: Reading) -> None:
        if isinstance(reading.value, NoValue):
            return
        if reading.quantity == "cuff_pressure":
            self.mmhg = reading.value
            self.top_mmhg = max(self.top_mmhg, self.mmhg)
        if reading.quantity == WATCHED.get(self._kind) and not reading.flags & CLAIMS_NOTHING:
            self.values += 1
            self.true += self._truth.is_now(QUANTITIES[reading.quantity], reading.value)

    def _take_lead(self, wave: Wave) -> None:
        """A few seconds of one lead without a hole have the heart rate of the body."""
        number = wave.channels.index("II") if "II" in wave.channels else 0
        lead = wave.channels[number]
        if wave.index != self._lead_end or any(flag.endswith(f":{lead}") for flag in wave.flags):
            self._lead.clear()
        self._lead_end = wave.index + len(wave.samples)
        self._lead += [row[number] for row in wave.samples]
        if len(self._lead) < LEAD_S * wave.rate:
            return
        rate = beats_per_minute(self._lead, wave.rate)
        self._lead.clear()
        self.true += rate is not None and self._truth.is_now(BEATS, rate)

    def _hears_now(self, record: HearingRecord) -> bool:
        told = [record.thresholds.get(hz, NoValue("missing")) for hz in FREQUENCIES]
        levels = getattr(self._truth.history[-1][1], record.ear)
        numbers = [each for each in told if not isinstance(each, NoValue)]
        return len(numbers) == len(levels) and all(
            abs(number - level) <= HEARING_DB for number, level in zip(numbers, levels, strict=True)
        )


def _is_odd(event: Event) -> bool:
    """Whether an event says that something is wrong."""
    match event:
        case Trouble():
            return event.code != "unconfirmed"
        case Reading():
            return isinstance(event.value, NoValue) or bool(event.flags & CLAIMS_NOTHING)
        case Wave():
            return bool(event.flags)
        case PressureResult():
            return event.error is not None
        case TonePlayed():
            return not event.whole
    return False
