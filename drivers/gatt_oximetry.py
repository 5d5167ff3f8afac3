"""Values of the Bluetooth pulse oximeter profile (2A5E, 2A5F) -> events.

Layout: protocol sheet ble-gatt; the names of the status bits are those of the profile (PLXS 1.0.1). What the oximeter
itself takes back is no value: data of a demonstration or a test, an invalid measurement, a sensor that is not on.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from drivers.events import Event, NoValue, Reading, Value, Why
from drivers.gatt_fields import Fields
from drivers.gatt_values import PULSE_PER_MIN, Stamp

SPO2_PERCENT = (30.0, 100.0)
PERFUSION_PERCENT = (0.0, 30.0)

MEASUREMENT: dict[int, str] = {
    5: "measuring",
    6: "early",
    7: "validated",
    8: "qualified",
    9: "from-memory",
    10: "demonstration",
    11: "test-data",
    12: "calibrating",
    13: "unavailable",
    14: "questionable",
    15: "invalid",
}
"""Bits of the measurement status; the first five are reserved."""
SENSOR: dict[int, str] = {
    0: "display-update",
    1: "malfunction",
    2: "irregular-signal",
    3: "inadequate-signal",
    4: "poor-signal",
    5: "low-perfusion",
    6: "erratic-signal",
    7: "no-pulse",
    8: "questionable-pulse",
    9: "analysing",
    10: "interference",
    11: "finger-out",
    12: "unknown-sensor",
    13: "sensor-displaced",
    14: "sensor-malfunction",
    15: "sensor-disconnected",
}
"""Bits of the device and sensor status."""

REFUSED: dict[str, Why] = {
    "finger-out": "finger-out",
    "sensor-displaced": "finger-out",
    "sensor-disconnected": "sensor-disconnected",
    "unknown-sensor": "device-error",
    "sensor-malfunction": "device-error",
    "malfunction": "device-error",
    "no-pulse": "out-of-track",
    "inadequate-signal": "out-of-track",
    "demonstration": "device-error",
    "test-data": "device-error",
    "calibrating": "device-error",
    "unavailable": "missing",
    "invalid": "device-error",
}
"""What makes a number none, the strongest first, and why."""

Averaging = Literal["normal", "fast", "slow", "spot"]


def spot(value: bytes) -> tuple[list[Event], Stamp]:
    """2A5E: one measurement, sent when it is done; "clock-unset" where the oximeter says so."""
    fields = Fields(value)
    flags = fields.flags(0x1F)
    pair = (fields.sfloat(), fields.sfloat())
    stamp = Stamp(True, fields.time()) if flags & 0x01 else Stamp()
    said = _status(fields, flags >> 1)
    perfusion = fields.sfloat() if flags & 0x08 else None
    fields.end()
    if flags & 0x10:
        stamp, said = Stamp(stamp.present), said | {"clock-unset"}
    events = _pair(pair, said, "spot") + _perfusion(perfusion, said)
    return events, stamp


def continuous(value: bytes) -> list[Event]:
    """2A5F: what the oximeter measures now, with the averages that it offers; the usual one comes first."""
    fields = Fields(value)
    flags = fields.flags(0x1F)
    pairs: list[tuple[Averaging, tuple[Decimal | NoValue, Decimal | NoValue]]]
    pairs = [("normal", (fields.sfloat(), fields.sfloat()))]
    pairs += [("fast", (fields.sfloat(), fields.sfloat()))] if flags & 0x01 else []
    pairs += [("slow", (fields.sfloat(), fields.sfloat()))] if flags & 0x02 else []
    said = _status(fields, flags >> 2)
    perfusion = fields.sfloat() if flags & 0x10 else None
    fields.end()
    events = [event for averaging, pair in pairs for event in _pair(pair, said, averaging)]
    return events + _perfusion(perfusion, said)


def _status(fields: Fields, present: int) -> frozenset[str]:
    """Both status fields, where the lowest two bits of `present` say that they follow."""
    measured = fields.unsigned(2) if present & 0x01 else 0
    sensor = fields.unsigned(3) if present & 0x02 else 0
    said = {name for bit, name in MEASUREMENT.items() if measured >> bit & 1}
    return frozenset(said | {name for bit, name in SENSOR.items() if sensor >> bit & 1})


def _pair(
    pair: tuple[Decimal | NoValue, Decimal | NoValue], said: frozenset[str], averaging: Averaging
) -> list[Event]:
    detail: dict[str, str | float] = {"averaging": averaging}
    return [
        Reading("spo2", _value(pair[0], SPO2_PERCENT, said), "%", said, detail),
        Reading("pulse_rate", _value(pair[1], PULSE_PER_MIN, said), "/min", said, detail),
    ]


def _perfusion(number: Decimal | NoValue | None, said: frozenset[str]) -> list[Event]:
    if number is None:
        return []
    return [Reading("perfusion_index", _value(number, PERFUSION_PERCENT, said), "%", said)]


def _value(number: Decimal | NoValue, limits: tuple[float, float], said: frozenset[str]) -> Value:
    refused = next((why for name, why in REFUSED.items() if name in said), None)
    if refused is not None:
        return NoValue(refused)
    if isinstance(number, NoValue):
        return number
    return float(number) if limits[0] <= number <= limits[1] else NoValue("out-of-range")
