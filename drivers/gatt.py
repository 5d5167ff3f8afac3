"""Bluetooth LE instruments of the health profiles: thermometer, cuff, oximeter, scale; and the belt, decoded only.

Bytes are the records of `drivers.gatt_records`; the values in them are read by `drivers.gatt_values` and
`drivers.gatt_oximetry`. All four instruments share one decoder, because a record says itself what it is.

**New or from memory.** An instrument that was away sends what it stored as soon as it is connected, the oldest first.
A measurement is flagged "from-memory" unless something proves that it is new:
- what arrives before `SETTLED` (the rush at the start of a connection) is new only when its time is within `FRESH` of
  the instrument's own clock, read on the same connection; without a time, or with a clock that was never set, nothing
  proves it;
- after that, it is new unless its time is older than the newest heard on this connection, or older by more than
  `FRESH` than the clock was when it was read, or unless it repeats the last one to the byte, time included.
Continuous oximetry and a belt's rate have no memory, and are always of now. Oximeters may say so themselves, too.

A belt (heart rate) is decoded, so that a capture can be read, but drives no instrument: the cabin takes the heart
rate from its ECG, and a belt would be one more value of less worth without a waveform to judge it by.

Unconfirmed: no capture of a real instrument was found; the bytes follow the layouts of the Bluetooth SIG alone. The
maker's own service of the Contec CMS50D-BT has no confirmed layout and is left out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from drivers import gatt_oximetry, gatt_values
from drivers import gatt_records as gatt
from drivers.events import DeviceClock, Event, Identity, PressureResult, Reading, Trouble
from drivers.gatt_fields import Malformed
from drivers.gatt_values import Stamp
from drivers.instrument import Emit, listen
from drivers.stream import BleLine, Stream

FRESH = timedelta(minutes=2)
"""A cuff first measures, which takes a minute, and connects when it is done."""
LOW_BATTERY_PERCENT = 10
UNCONFIRMED = Trouble("unconfirmed", "no real instrument of the Bluetooth health profiles was compared")

Measured = tuple[list[Event], Stamp]


class Decoder:
    """Records in any cut -> events; pure; one for each connection.

    `Identity` is told once the device information is complete; `DeviceClock` whenever the clock is read, and with
    None beside every measurement whose time says that the clock was never set. Readings have the flags "from-memory"
    (see above), "low-battery" and "clock-unset", and in `detail` the user and what was on the display.
    """

    def __init__(self) -> None:
        self._records = gatt.Records()
        self._texts: dict[int, str] = {}
        self._settled = False
        self._clock: datetime | None = None
        self._newest: datetime | None = None
        self._last = b""
        self._site: str | None = None
        self._battery: int | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; return the events that they complete."""
        events: list[Event] = []
        for found in self._records.feed(data):
            if isinstance(found, int):
                events.append(Trouble("resync", "bytes that are no record of a Bluetooth instrument", found))
            else:
                events += self._record(*found)
        return events

    def _record(self, characteristic: int, value: bytes) -> list[Event]:
        if characteristic in TEXTS:
            self._texts[characteristic] = value.decode("utf-8", "replace").strip(" \0")
            return []
        known = self._identity()
        try:
            return known + self._value(characteristic, value)
        except Malformed as error:
            return [*known, Trouble("malformed", str(error))]

    def _value(self, characteristic: int, value: bytes) -> list[Event]:
        match characteristic:
            case gatt.TEMPERATURE:
                return self._aged(gatt_values.temperature(value, self._site), value)
            case gatt.INTERMEDIATE_TEMPERATURE:
                events, _ = gatt_values.temperature(value, self._site)
                return [self._told(event, {"settling"}) for event in events]
            case gatt.PRESSURE:
                return self._aged(gatt_values.pressure(value), value)
            case gatt.CUFF_PRESSURE:
                return [self._told(event, set()) for event in gatt_values.cuff_pressure(value)]
            case gatt.SPOT_OXIMETRY:
                return self._aged(gatt_oximetry.spot(value), value)
            case gatt.CONTINUOUS_OXIMETRY:
                return [self._told(event, set()) for event in gatt_oximetry.continuous(value)]
            case gatt.HEART_RATE:
                return [self._told(event, set()) for event in gatt_values.heart_rate(value)]
            case gatt.WEIGHT:
                return self._aged(gatt_values.weight(value), value)
            case _:
                return self._setting(characteristic, value)

    def _setting(self, characteristic: int, value: bytes) -> list[Event]:
        """What the instrument says of itself rather than of a person."""
        match characteristic:
            case gatt.SETTLED:
                self._settled = True
            case gatt.TEMPERATURE_TYPE:
                self._site = gatt_values.site_of(value[0])
            case gatt.BATTERY:
                self._battery = value[0]
            case gatt.CURRENT_TIME | gatt.DATE_TIME:
                self._clock = gatt_values.clock(value)
                return [DeviceClock(self._clock)]
        return []

    def _identity(self) -> list[Event]:
        """What the device information says, once something else follows it."""
        texts, self._texts = self._texts, {}
        name = " ".join(texts[each] for each in (gatt.MAKER, gatt.MODEL) if texts.get(each))
        if not any(texts.values()):
            return []
        return [Identity(name or "unnamed", texts.get(gatt.FIRMWARE) or None, texts.get(gatt.SERIAL) or None)]

    def _aged(self, measured: Measured, value: bytes) -> list[Event]:
        """A measurement with what its time tells of it."""
        events, stamp = measured
        unset = stamp.present and stamp.taken is None
        flags = {"from-memory"} if self._is_old(stamp, value) else set[str]()
        told = [self._told(event, flags | ({"clock-unset"} if unset else set()), stamp.taken) for event in events]
        return [DeviceClock(None), *told] if unset else told

    def _is_old(self, stamp: Stamp, value: bytes) -> bool:
        if stamp.taken is None:
            return not self._settled
        again = self._newest is not None and (stamp.taken < self._newest or value == self._last)
        self._newest, self._last = max(self._newest or stamp.taken, stamp.taken), value
        if self._clock is None:
            return again or not self._settled
        age = self._clock - stamp.taken
        return again or age > FRESH or (not self._settled and -age > FRESH)

    def _told(self, event: Event, flags: set[str], taken: datetime | None = None) -> Event:
        if not isinstance(event, Reading | PressureResult):
            return event
        weak = self._battery is not None and self._battery <= LOW_BATTERY_PERCENT
        said = event.flags | flags | ({"low-battery"} if weak else set())
        return replace(event, flags=said, taken=taken)


TEXTS = (gatt.MAKER, gatt.MODEL, gatt.SERIAL, gatt.FIRMWARE, gatt.HARDWARE, gatt.SOFTWARE)


class _Peripheral:
    """What the four have in common: they send when they have something, and are started by hand."""

    takes: ClassVar[tuple[str, ...]] = ()
    started_by: ClassVar[str] = "person"

    quiet_s: float | None = None
    """None: an instrument that is not used says nothing, and most switch their radio off."""

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Listen to one connection; ends by `Unplugged` or by being cancelled."""
        emit(UNCONFIRMED)
        await listen(stream, Decoder(), emit)

    async def start(self) -> None:
        """Nothing to send: the person presses the instrument's own button."""

    async def stop(self) -> None:
        """Nothing to send: the instrument ends its measurement by itself or by its own button."""


class Thermometer(_Peripheral):
    """A thermometer of the Health Thermometer profile; its intermediate values are not asked for."""

    kind: ClassVar[str] = "thermometer"
    protocol: ClassVar[str] = "ble-thermometer"
    line: ClassVar[BleLine] = BleLine((gatt.TEMPERATURE,))


class Tensiometer(_Peripheral):
    """A cuff of the Blood Pressure profile; no command of the profile starts, or stops, a measurement."""

    kind: ClassVar[str] = "tensiometer"
    protocol: ClassVar[str] = "ble-tensiometer"
    line: ClassVar[BleLine] = BleLine((gatt.PRESSURE, gatt.CUFF_PRESSURE))


class Oximeter(_Peripheral):
    """A finger oximeter of the Pulse Oximeter profile, spot-check or continuous; it has no waveform."""

    kind: ClassVar[str] = "oximeter"
    protocol: ClassVar[str] = "ble-oximeter"
    line: ClassVar[BleLine] = BleLine((gatt.SPOT_OXIMETRY, gatt.CONTINUOUS_OXIMETRY))


class Scale(_Peripheral):
    """A scale of the Weight Scale profile."""

    kind: ClassVar[str] = "scale"
    protocol: ClassVar[str] = "ble-scale"
    line: ClassVar[BleLine] = BleLine((gatt.WEIGHT,))
