"""Values of the Bluetooth health profiles -> events: thermometer, blood pressure, heart rate, weight, time.

Layouts: protocol sheet ble-gatt, after the profiles of the Bluetooth SIG (HTS, BLS, HRS, WSS, CTS). Each function
takes the bytes of one value and returns its events without a word on how old they are; it raises `Malformed` where
the value is not of its layout. Fahrenheit, kilopascal and pounds are converted, and what was shown is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from drivers.events import BeatIntervals, Event, NoValue, PressureResult, Reading, Value
from drivers.gatt_fields import Fields
from drivers.gatt_units import (
    UNKNOWN_USER,
    Detail,
    celsius,
    centimetres,
    kilograms,
    mmhg,
    shown,
    shown_pressures,
    user,
    within,
)

TEMPERATURE_C = (20.0, 45.0)
PRESSURE_MMHG = (10.0, 300.0)
CUFF_MMHG = (-5.0, 330.0)
PULSE_PER_MIN = (20.0, 300.0)
WEIGHT_KG = (10.0, 350.0)
HEIGHT_CM = (50.0, 250.0)
BMI = (5.0, 150.0)
"""What these instruments measure on a person (our own limits); anything else is refused as out of range."""

SITES = ("armpit", "body", "ear", "finger", "gastro-intestinal", "mouth", "rectum", "toe", "eardrum")
"""Temperature types 1 to 9."""

_MOVEMENT, _LOOSE, _IRREGULAR, _POSITION = 0x01, 0x02, 0x04, 0x20
_PULSE_RANGE = {0: "", 1: "pulse-above-range", 2: "pulse-below-range", 3: "pulse-range-reserved"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time that stands in a measurement, by the instrument's own clock."""

    present: bool = False
    taken: datetime | None = None
    """None also where a time is present and the clock was never set."""


def temperature(value: bytes, usual_site: str | None) -> tuple[list[Event], Stamp]:
    """2A1C and 2A1E. `usual_site`: what the instrument says of all its measurements (2A1D), or None."""
    fields = Fields(value)
    flags = fields.flags(0x07)
    number = fields.float32()
    stamp = _stamp(fields, flags & 0x02)
    site = site_of(fields.unsigned(1)) if flags & 0x04 else usual_site
    fields.end()
    unit = "[degF]" if flags & 0x01 else "Cel"
    detail = {"site": site or "unstated", "mode": "adjusted", **shown(number, unit)}
    value_c = within(number, TEMPERATURE_C, celsius if flags & 0x01 else float)
    return [Reading("temperature", value_c, "Cel", detail=detail, taken=stamp.taken)], stamp


def site_of(code: int) -> str:
    """The part of the body of a temperature type; one that is reserved is not stated."""
    return SITES[code - 1] if 1 <= code <= len(SITES) else "unstated"


def pressure(value: bytes) -> tuple[list[Event], Stamp]:
    """2A35. A failed measurement is NaN in all three; one that the cuff itself doubts is refused as a whole."""
    fields = Fields(value)
    flags = fields.flags(0x1F)
    kpa = bool(flags & 0x01)
    numbers = [fields.sfloat() for _ in range(3)]
    stamp = _stamp(fields, flags & 0x02)
    pulse = fields.sfloat() if flags & 0x04 else NoValue("missing")
    whose = user(fields.unsigned(1) if flags & 0x08 else UNKNOWN_USER)
    status = fields.unsigned(2) if flags & 0x10 else 0
    fields.end()
    detail = {**whose, **shown_pressures(numbers, "kPa" if kpa else "mm[Hg]")}
    said, error = _status(status)
    values = [within(number, PRESSURE_MMHG, mmhg if kpa else float) for number in numbers]
    error = error or _failure(values)
    rate = within(pulse, PULSE_PER_MIN, float)
    if error:
        none = _why(error)
        return [PressureResult(none, none, none, none, 0, error, said, stamp.taken, detail)], stamp
    return [PressureResult(values[0], values[1], values[2], rate, 0, None, said, stamp.taken, detail)], stamp


def cuff_pressure(value: bytes) -> list[Event]:
    """2A36: the pressure in the cuff while it measures; of its three numbers only the first is one."""
    fields = Fields(value)
    flags = fields.flags(0x1F)
    number = fields.sfloat()
    fields.unsigned(4)
    _stamp(fields, flags & 0x02)
    # The rest repeats the fields of the measurement itself and says nothing of the cuff.
    fields.unsigned((2 if flags & 0x04 else 0) + (1 if flags & 0x08 else 0) + (2 if flags & 0x10 else 0))
    fields.end()
    pressed = within(number, CUFF_MMHG, mmhg if flags & 0x01 else float)
    return [Reading("cuff_pressure", pressed, "mm[Hg]", detail=shown(number, "kPa" if flags & 0x01 else "mm[Hg]"))]


def heart_rate(value: bytes) -> list[Event]:
    """2A37: the rate of a chest belt, and the intervals between its beats, in units of 1/1024 s."""
    fields = Fields(value)
    flags = fields.flags(0x1F)
    rate = fields.unsigned(2 if flags & 0x01 else 1)
    detail: Detail = {"energy_kj": fields.unsigned(2)} if flags & 0x08 else {}
    intervals = tuple(fields.unsigned(2) / 1024 for _ in range(fields.left // 2)) if flags & 0x10 else ()
    fields.end()
    untouched = flags & 0x06 == 0x04
    stated = within(Decimal(rate), PULSE_PER_MIN, float) if rate else NoValue("missing")
    told = NoValue("sensor-disconnected") if untouched else stated
    events: list[Event] = [Reading("heart_rate", told, "/min", detail=detail)]
    return events + ([BeatIntervals(intervals)] if intervals and not untouched else [])


def weight(value: bytes) -> tuple[list[Event], Stamp]:
    """2A9D: steps of 0.005 kg or 0.01 lb; FFFF: the scale could not weigh. A scale sends what stands still."""
    fields = Fields(value)
    flags = fields.flags(0x0F)
    pounds = bool(flags & 0x01)
    raw = fields.unsigned(2)
    stamp = _stamp(fields, flags & 0x02)
    whose = user(fields.unsigned(1) if flags & 0x04 else UNKNOWN_USER)
    size = (fields.unsigned(2), fields.unsigned(2)) if flags & 0x08 else None
    fields.end()
    number = NoValue("device-error") if raw == 0xFFFF else raw * Decimal("0.01" if pounds else "0.005")
    kg = within(number, WEIGHT_KG, kilograms if pounds else float)
    detail = {**whose, **shown(number, "[lb_av]" if pounds else "kg")}
    steady = frozenset[str]() if isinstance(kg, NoValue) else frozenset({"locked"})
    events: list[Event] = [Reading("weight", kg, "kg", steady, detail, stamp.taken)]
    return events + (_size(*size, pounds, steady, stamp.taken, whose) if size else []), stamp


def clock(value: bytes) -> datetime | None:
    """2A2B or 2A08: what the instrument's clock shows; None where it was never set."""
    return Fields(value).time()


def encode_clock(now: datetime) -> bytes:
    """Current Time (2A2B) as a host writes it; the reason is "adjusted by hand"."""
    day = bytes([now.month, now.day, now.hour, now.minute, now.second, now.isoweekday()])
    return now.year.to_bytes(2, "little") + day + bytes([now.microsecond * 256 // 1_000_000, 0x01])


def _size(
    bmi: int, height: int, inches: bool, steady: frozenset[str], taken: datetime | None, whose: Detail
) -> list[Event]:
    """Height in steps of 0.001 m or 0.1 in, and the body-mass index in steps of 0.1."""
    tall = Decimal(height) * Decimal("0.1")
    index = Decimal(bmi) * Decimal("0.1")
    ratio = within(index, BMI, float)
    cm = within(tall, HEIGHT_CM, centimetres if inches else float)
    return [
        Reading("height", cm, "cm", _kept(steady, cm), {**whose, **shown(tall, "[in_i]" if inches else "cm")}, taken),
        Reading("bmi", ratio, "kg/m2", _kept(steady, ratio), whose, taken),
    ]


def _kept(flags: frozenset[str], value: Value) -> frozenset[str]:
    return frozenset() if isinstance(value, NoValue) else flags


def _stamp(fields: Fields, present: int) -> Stamp:
    return Stamp(True, fields.time()) if present else Stamp()


def _status(status: int) -> tuple[frozenset[str], str | None]:
    """What the cuff says of its measurement, and the error where it thereby takes it back."""
    names = {_MOVEMENT: "movement", _LOOSE: "loose-cuff", _IRREGULAR: "irregular-pulse", _POSITION: "position"}
    said = {name for bit, name in names.items() if status & bit} | {_PULSE_RANGE[status >> 3 & 3]}
    error = next((name for name in ("loose-cuff", "movement") if name in said), None)
    return frozenset(said - {""}), error or ("not-seated" if "position" in said else None)


def _failure(values: list[Value]) -> str | None:
    """Why three pressures are no result: not one of the first two may be missing."""
    reasons = [value.why for value in values[:2] if isinstance(value, NoValue)]
    if not reasons and isinstance(values[0], float) and isinstance(values[1], float) and values[0] <= values[1]:
        return "inconsistent"
    return None if not reasons else "no-result" if "missing" in reasons else "out-of-range"


def _why(error: str) -> NoValue:
    return NoValue("out-of-range") if error == "out-of-range" else NoValue("device-error")
