"""Bluetooth instruments around the body: thermometer, cuff, finger oximeter, scale and chest belt.

Each measures as a shop's instrument does: started by hand, so that here it simply begins again and again, and sent
when it is done. What they remember ("old-readings-first") is of somebody who is plainly not the body.
"""

from __future__ import annotations

from typing import ClassVar

from simulators import ble_values
from simulators.ble_server import FAULTS, INDICATE, NOTIFY, READ, Server, Table
from simulators.device import BodyFault

Values = list[tuple[int, bytes]]


class Thermometer(Server):
    """An ear thermometer: it has a value four seconds after it was put in, and every four from then on."""

    kind: ClassVar[str] = "thermometer"
    model: ClassVar[str] = "Ear Thermometer"
    measures: ClassVar[Table] = ((0x1809, 0x2A1C, INDICATE), (0x1809, 0x2A1D, READ))
    period_s: ClassVar[float] = 4.0
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS, "nan-result", "fahrenheit")
    EAR = 3

    def _measure(self, now: float) -> Values:
        if not self._body.presence.facing:
            self._rhythm.rest()
        elif self._rhythm.due(now):
            failed = "nan-result" in self._wrong
            return [(0x2A1C, self._value(None if failed else self._body.physiology.temperature, self.stamp(now)))]
        return []

    def _memory(self, stamps: list[bytes]) -> Values:
        return [(0x2A1C, self._value(old, stamp)) for old, stamp in zip((39.9, 39.4, 38.9), stamps, strict=True)]

    def _value(self, celsius: float | None, stamp: bytes) -> bytes:
        return ble_values.temperature(celsius, stamp, self.EAR, fahrenheit="fahrenheit" in self._wrong)

    def _readable(self, number: int, now: float) -> bytes | None:
        return bytes([self.EAR]) if number == 0x2A1D else super()._readable(number, now)


class Tensiometer(Server):
    """An upper-arm cuff: half a minute of measurement with the pressure in the cuff, then rest, then again."""

    kind: ClassVar[str] = "tensiometer"
    model: ClassVar[str] = "Upper Arm Cuff"
    measures: ClassVar[Table] = ((0x1810, 0x2A35, INDICATE), (0x1810, 0x2A36, NOTIFY))
    period_s: ClassVar[float] = 0.5
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("loose-cuff",)
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS, "nan-result", "kilopascal")
    MEASURES_S, AGAIN_S = 30.0, 50.0
    INFLATES_S = 8.0

    _began_at: float | None = None
    _done = False

    def opened(self, now: float) -> None:
        """The button is pressed as soon as there is a connection, unless it measures already."""
        super().opened(now)
        if self._began_at is None:
            self._began_at = now

    def _measure(self, now: float) -> Values:
        if self._began_at is None or not self._rhythm.due(now):
            return []
        since = now - self._began_at
        if since >= self.AGAIN_S:
            self._began_at, self._done = now, False
            return []
        if since < self.MEASURES_S:
            return [(0x2A36, ble_values.cuff_pressure(self._in_cuff(since)))]
        if self._done:
            return []
        self._done = True
        return [(0x2A35, self._result(now))]

    def _in_cuff(self, since: float) -> float:
        top = self._body.physiology.systolic + 30 if self._body.presence.cuff_on else 12.0
        up = since / self.INFLATES_S
        return top * (up if up < 1 else 1 - 0.8 * (since - self.INFLATES_S) / (self.MEASURES_S - self.INFLATES_S))

    def _result(self, now: float) -> bytes:
        body, worn = self._body.physiology, self._body.presence
        status = (0x01 if worn.moving else 0) | (0 if worn.cuff_on else 0x02) | (0x04 if body.irregular else 0)
        mean = body.diastolic + (body.systolic - body.diastolic) / 3
        found = None if "nan-result" in self._wrong or not worn.cuff_on else (body.systolic, body.diastolic, mean)
        pulse = None if found is None else self._body.pulse_rate(now) or body.heart_rate
        return self._value(found, pulse, self.stamp(now), status)

    def _value(
        self, found: tuple[float, float, float] | None, pulse: float | None, stamp: bytes, status: int = 0
    ) -> bytes:
        return ble_values.pressure(found, pulse, stamp, status=status, kpa="kilopascal" in self._wrong)

    def _memory(self, stamps: list[bytes]) -> Values:
        old = ((188.0, 111.0, 137.0), (182.0, 108.0, 133.0), (179.0, 106.0, 130.0))
        return [(0x2A35, self._value(each, 101.0, stamp)) for each, stamp in zip(old, stamps, strict=True)]


class Oximeter(Server):
    """A finger oximeter: once a second what it measures, and its memory as spot checks."""

    kind: ClassVar[str] = "oximeter"
    model: ClassVar[str] = "Finger Oximeter"
    measures: ClassVar[Table] = ((0x1822, 0x2A5E, INDICATE), (0x1822, 0x2A5F, NOTIFY))
    period_s: ClassVar[float] = 1.0
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("finger-out",)
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS, "nan-result", "demonstration")
    MEASURING, STORED, DEMONSTRATION = 1 << 5, 1 << 9, 1 << 10
    LOW_PERFUSION, NOT_ON_A_FINGER = 1 << 5, 1 << 11

    def _measure(self, now: float) -> Values:
        return [(0x2A5F, self._now(now))] if self._rhythm.due(now) else []

    def _now(self, now: float) -> bytes:
        if "demonstration" in self._wrong:
            return ble_values.oximetry(99, 75, self.MEASURING | self.DEMONSTRATION, 0)
        if not self._body.presence.finger_in:
            return ble_values.oximetry(None, None, self.MEASURING, self.NOT_ON_A_FINGER)
        if "nan-result" in self._wrong:
            return ble_values.oximetry(None, None, self.MEASURING, 0)
        body = self._body.physiology
        weak = self.LOW_PERFUSION if body.perfusion < 0.3 else 0
        return ble_values.oximetry(body.spo2, self._body.pulse_rate(now), self.MEASURING, weak)

    def _memory(self, stamps: list[bytes]) -> Values:
        return [
            (0x2A5E, ble_values.spot_oximetry(old, 119, stamp, self.STORED))
            for old, stamp in zip((81, 83, 84), stamps, strict=True)
        ]


class Scale(Server):
    """A scale: it weighs who stands still for two seconds, and again every eight, as if they had stepped off."""

    kind: ClassVar[str] = "scale"
    model: ClassVar[str] = "Body Scale"
    measures: ClassVar[Table] = ((0x181D, 0x2A9D, INDICATE),)
    period_s: ClassVar[float] = 8.0
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS, "weight-unsuccessful", "pounds")
    STILL_S = 2.0

    _stood_at: float | None = None
    _weighed = False

    def _measure(self, now: float) -> Values:
        if not self._body.presence.on_scale:
            self._stood_at, self._weighed = None, False
            return []
        if self._stood_at is None or now - self._stood_at >= self.period_s:
            self._stood_at, self._weighed = now, False
        if self._weighed or now - self._stood_at < self.STILL_S:
            return []
        self._weighed = True
        failed = "weight-unsuccessful" in self._wrong
        return [(0x2A9D, self._value(None if failed else self._body.physiology.weight, self.stamp(now)))]

    def _value(self, kg: float | None, stamp: bytes) -> bytes:
        return ble_values.weight(kg, stamp, pounds="pounds" in self._wrong)

    def _memory(self, stamps: list[bytes]) -> Values:
        return [(0x2A9D, self._value(old, stamp)) for old, stamp in zip((54.0, 54.2, 54.1), stamps, strict=True)]


class Belt(Server):
    """A chest belt: the rate and the intervals once a second."""

    kind: ClassVar[str] = "belt"
    model: ClassVar[str] = "Chest Belt"
    measures: ClassVar[Table] = ((0x180D, 0x2A37, NOTIFY),)
    period_s: ClassVar[float] = 1.0
    own_faults: ClassVar[tuple[str, ...]] = (*FAULTS[:3], "no-contact")

    _heard = 0.0

    def _measure(self, now: float) -> Values:
        if not self._rhythm.due(now):
            return []
        beats = [beat.rr for beat in self._body.beats(max(self._heard, now - 4.0), now)]
        self._heard = now
        contact = "no-contact" not in self._wrong
        rate = self._body.pulse_rate(now) if contact else None
        return [(0x2A37, ble_values.heart_rate(rate, beats[:6] if contact else [], contact=contact))]

    def _memory(self, stamps: list[bytes]) -> Values:  # noqa: ARG002 - a belt has none
        return []
