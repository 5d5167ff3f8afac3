"""The Bluetooth health profiles: vectors of the protocol sheet, sentinels, status bits, units, and what is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS, gatt_values
from drivers import gatt_records as gatt
from drivers.events import (
    BeatIntervals,
    DeviceClock,
    Event,
    Identity,
    NoValue,
    PressureResult,
    Reading,
    Trouble,
    Value,
)
from drivers.gatt import FRESH, Decoder, Oximeter, Scale, Tensiometer, Thermometer
from drivers.gatt_oximetry import MEASUREMENT, SENSOR
from drivers.gatt_records import record
from tests.protocol_vectors import Vector, read_vectors

NOW = datetime(2026, 11, 21, 22, 30, 5)  # noqa: DTZ001
STAMP = bytes.fromhex("ea070b15161e05")
UNSET = bytes(7)

# Protocol sheet ble-gatt, worked vectors 1 to 5.
BODY_TEMPERATURE = bytes.fromhex("06 6F0100FF EA070B15161E05 02")
FULL_PRESSURE = bytes.fromhex("1E 7900 4F00 5D00 EA070B15161E05 4400 01 0000")
FAILED_PRESSURE = bytes.fromhex("00 FF07 FF07 FF07")
KILOGRAMS = bytes.fromhex("00 8638")
BELT = bytes.fromhex("11 4800 5203 6603")


def said(characteristic: int, value: bytes, *before: tuple[int, bytes], settled: bool = True) -> list[Event]:
    """What a decoder says of one value, on a connection whose rush is over."""
    decoder = Decoder()
    for each in (*before, *([(gatt.SETTLED, b"")] if settled else [])):
        decoder.feed(record(*each))
    return decoder.feed(record(characteristic, value))


def reading(characteristic: int, value: bytes, quantity: str = "", **how: Any) -> Reading:
    """The reading of one quantity; the first one where none is named."""
    found = [event for event in said(characteristic, value, **how) if isinstance(event, Reading)]
    return next(event for event in found if quantity in ("", event.quantity))


def result(value: bytes, **how: Any) -> PressureResult:
    (found,) = [event for event in said(gatt.PRESSURE, value, **how) if isinstance(event, PressureResult)]
    return found


# --- the vectors of the sheet -------------------------------------------------------------------------------------


def check_temperature(events: list[Event], expect: dict[str, Any]) -> set[str]:
    (event,) = events
    assert isinstance(event, Reading) and event.quantity == "temperature"
    if expect["temperature"] == "NaN":
        assert event.value == NoValue("missing")
        return {"temperature", "meaning"}
    assert event.detail["shown"] == str(expect["temperature"])
    assert event.detail["shown_unit"] == {"C": "Cel", "F": "[degF]"}[expect["unit"]]
    assert event.value == pytest.approx(expect.get("celsius", expect["temperature"]), abs=0.005)
    assert event.taken == when(expect)
    assert str(expect.get("type", "unstated")).startswith(str(event.detail["site"]))
    return {"temperature", "unit", "celsius", "time", "type"}


def check_pressure(events: list[Event], expect: dict[str, Any]) -> set[str]:
    (event,) = events
    assert isinstance(event, PressureResult)
    assert event.taken == when(expect)
    values = (event.systolic, event.diastolic, event.mean)
    stated = [expect[name] for name in ("sys", "dia", "map")]
    if stated == ["NaN"] * 3:
        assert event.error == "no-result" and all(isinstance(value, NoValue) for value in values)
    elif expect.get("rule") == "do not accept":
        assert event.error == "loose-cuff" and all(isinstance(value, NoValue) for value in values)
        assert event.flags == {"movement", "loose-cuff"}
        assert expect["body_movement"] and expect["cuff_loose"]
    else:
        factor = {"mmHg": 1.0, "kPa": 7.500616827}[expect["unit"]]
        assert values == pytest.approx([each * factor for each in stated])
        assert event.detail["shown"] == "/".join(map(str, stated))
        assert event.pulse_rate == expect.get("pulse", NoValue("missing"))
        assert event.detail.get("user") == expect.get("user")
        assert ("irregular-pulse" in event.flags) == expect.get("irregular_pulse", False)
        assert event.error is None
    known = {"sys", "dia", "map", "unit", "time", "pulse", "user", "status", "rule"}
    return known | {"irregular_pulse", "body_movement", "cuff_loose"}


def check_cuff(events: list[Event], expect: dict[str, Any]) -> set[str]:
    (event,) = events
    assert isinstance(event, Reading)
    assert (event.quantity, event.value, event.unit) == ("cuff_pressure", expect["cuff_pressure"], "mm[Hg]")
    assert expect["unit"] == "mmHg"
    return {"cuff_pressure", "unit"}


def check_oximetry(events: list[Event], expect: dict[str, Any]) -> set[str]:
    pairs: dict[str, list[Value]] = {}
    for event in events:
        assert isinstance(event, Reading) and event.taken == when(expect)
        pairs.setdefault(str(event.detail["averaging"]), []).append(event.value)
    missing = NoValue("missing")
    usual = [missing if expect[name] == "NaN" else expect[name] for name in ("spo2", "pr")]
    assert pairs.pop("spot" if expect["char"] == "2A5E" else "normal") == usual
    assert pairs == {name: expect[name] for name in ("fast", "slow") if name in expect}
    return {"spo2", "pr", "time", "fast", "slow"}


def check_weight(events: list[Event], expect: dict[str, Any]) -> set[str]:
    found = {event.quantity: event for event in events if isinstance(event, Reading)}
    assert len(found) == len(events)
    if expect["weight"] is None:
        assert found["weight"].value == NoValue("device-error")
        return {"weight", "meaning"}
    factor = {"kg": 1.0, "lb": 0.45359237}[expect["unit"]]
    assert found["weight"].value == pytest.approx(expect["weight"] * factor)
    assert found["weight"].detail["shown_unit"] == {"kg": "kg", "lb": "[lb_av]"}[expect["unit"]]
    assert all(event.taken == when(expect) and event.flags == {"locked"} for event in found.values())
    if "bmi" in expect:
        assert found["bmi"].value == pytest.approx(expect["bmi"])
        assert found["height"].value == pytest.approx(expect["height_in"] * 2.54)
    return {"weight", "unit", "time", "bmi", "height_in"}


def check_belt(events: list[Event], expect: dict[str, Any]) -> set[str]:
    first, *rest = events
    assert isinstance(first, Reading) and (first.quantity, first.value) == ("heart_rate", expect["hr"])
    assert rest == ([BeatIntervals(tuple(expect["rr_s"]))] if "rr_s" in expect else [])
    assert expect.get("contact", "supported and detected") == "supported and detected"
    return {"hr", "rr_s", "contact"}


CHECKS: dict[str, Callable[[list[Event], dict[str, Any]], set[str]]] = {
    "2A1C": check_temperature,
    "2A35": check_pressure,
    "2A36": check_cuff,
    "2A5E": check_oximetry,
    "2A5F": check_oximetry,
    "2A9D": check_weight,
    "2A37": check_belt,
}
PROTOCOLS = {
    "2A1C": "ble-thermometer",
    "2A35": "ble-tensiometer",
    "2A36": "ble-tensiometer",
    "2A5E": "ble-oximeter",
    "2A5F": "ble-oximeter",
    "2A9D": "ble-scale",
    "2A37": "ble-heart-rate",
}


def when(expect: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(expect["time"]) if "time" in expect else None


def check(vector: Vector) -> None:
    assert vector.direction == "device->host"
    decoder = DECODERS[PROTOCOLS[vector.expect["char"]]]()
    number = int(vector.expect["char"], 16)
    events = decoder.feed(record(gatt.SETTLED, b"") + record(number, vector.data))
    understood = CHECKS[vector.expect["char"]](events, vector.expect)
    assert set(vector.expect) <= understood | {"char"}, "the record says more than this test understands"


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "ble.txt")
    assert len(vectors) == 18
    for vector in vectors:
        check(vector)


# --- thermometer --------------------------------------------------------------------------------------------------


def test_worked_temperature() -> None:
    found = reading(gatt.TEMPERATURE, BODY_TEMPERATURE)
    assert (found.value, found.unit, found.taken) == (36.7, "Cel", NOW)
    assert found.detail == {"site": "body", "mode": "adjusted", "shown": "36.7", "shown_unit": "Cel", "decimals": 1}


def test_fahrenheit_is_converted_and_kept() -> None:
    found = reading(gatt.TEMPERATURE, bytes.fromhex("01 D60300FF"))
    assert found.value == pytest.approx(36.7778, abs=1e-4)
    assert (found.detail["shown"], found.detail["shown_unit"]) == ("98.2", "[degF]")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("FFFF7F00", "missing"),
        ("FEFF7F00", "out-of-range"),
        ("00008000", "missing"),
        ("01008000", "missing"),
        ("02008000", "out-of-range"),
        ("000000FF", "out-of-range"),
        ("C70000FF", "out-of-range"),
        ("C30100FF", "out-of-range"),
        ("FFFF7F7F", "out-of-range"),
    ],
)
def test_a_temperature_that_is_none(number: str, why: Any) -> None:
    assert reading(gatt.TEMPERATURE, bytes.fromhex("00" + number)).value == NoValue(why)


def test_the_site_that_is_always_the_same_is_read_once() -> None:
    value = bytes.fromhex("00 6F0100FF")
    assert reading(gatt.TEMPERATURE, value).detail["site"] == "unstated"
    (found,) = said(gatt.TEMPERATURE, value, (gatt.TEMPERATURE_TYPE, b"\x03"))
    assert isinstance(found, Reading) and found.detail["site"] == "ear"
    assert reading(gatt.TEMPERATURE, bytes.fromhex("04 6F0100FF 0A")).detail["site"] == "unstated"


def test_an_intermediate_temperature_is_settling() -> None:
    assert reading(gatt.INTERMEDIATE_TEMPERATURE, bytes.fromhex("00 6F0100FF")).flags == {"settling"}


# --- cuff ---------------------------------------------------------------------------------------------------------


def test_worked_pressure() -> None:
    found = result(FULL_PRESSURE)
    assert (found.systolic, found.diastolic, found.mean, found.pulse_rate) == (121, 79, 93, 68)
    assert (found.taken, found.error, found.flags) == (NOW, None, frozenset())
    assert found.detail == {"user": 1, "shown": "121/79/93", "shown_unit": "mm[Hg]"}


def test_a_failed_measurement_has_an_error_and_no_value() -> None:
    none = NoValue("device-error")
    assert result(FAILED_PRESSURE) == PressureResult(
        none, none, none, none, 0, "no-result", detail={"shown": "-/-/-", "shown_unit": "mm[Hg]"}
    )


@pytest.mark.parametrize(
    ("status", "error", "flags"),
    [
        (0x0001, "movement", {"movement"}),
        (0x0002, "loose-cuff", {"loose-cuff"}),
        (0x0003, "loose-cuff", {"loose-cuff", "movement"}),
        (0x0020, "not-seated", {"position"}),
        (0x0004, None, {"irregular-pulse"}),
        (0x0008, None, {"pulse-above-range"}),
        (0x0010, None, {"pulse-below-range"}),
        (0xFFC0, None, set()),
    ],
)
def test_the_status_of_a_measurement(status: int, error: str | None, flags: set[str]) -> None:
    found = result(bytes.fromhex("10 8C00 5A00 6B00") + status.to_bytes(2, "little"))
    assert found.error == error
    assert found.flags == flags
    assert (found.systolic == 140) is (error is None)


@pytest.mark.parametrize(
    ("three", "error"),
    [
        ("FF07 4F00 5D00", "no-result"),
        ("7900 FF07 5D00", "no-result"),
        ("FE07 4F00 5D00", "out-of-range"),
        ("0000 0000 0000", "out-of-range"),
        ("2D01 4F00 5D00", "out-of-range"),
        ("4F00 4F00 4F00", "inconsistent"),
        ("4F00 7900 5D00", "inconsistent"),
    ],
)
def test_pressures_that_are_no_result(three: str, error: str) -> None:
    found = result(bytes.fromhex("00" + three))
    assert found.error == error
    assert all(isinstance(each, NoValue) for each in (found.systolic, found.diastolic, found.mean, found.pulse_rate))


def test_a_missing_mean_or_pulse_leaves_the_pressures() -> None:
    found = result(bytes.fromhex("04 7900 4F00 FF07 FF07"))
    assert (found.systolic, found.mean, found.pulse_rate) == (121, NoValue("missing"), NoValue("missing"))


def test_kilopascal() -> None:
    found = result(bytes.fromhex("01 A1F0 69F0 7CF0"))
    assert (found.systolic, found.diastolic) == pytest.approx((120.76, 78.76), abs=0.01)
    assert found.detail == {"shown": "16.1/10.5/12.4", "shown_unit": "kPa"}


def test_the_cuff_while_it_measures_with_all_its_fields() -> None:
    value = bytes.fromhex("1E 9800 FF07 FF07") + STAMP + bytes.fromhex("4400 01 0000")
    assert reading(gatt.CUFF_PRESSURE, value).value == 152


# --- oximeter -----------------------------------------------------------------------------------------------------


def status(measured: int = 0, sensor: int = 0) -> bytes:
    return bytes.fromhex("0C 6100 4000") + measured.to_bytes(2, "little") + sensor.to_bytes(3, "little")


@pytest.mark.parametrize("bit", MEASUREMENT)
def test_bits_of_the_measurement_status(bit: int) -> None:
    found = reading(gatt.CONTINUOUS_OXIMETRY, status(measured=1 << bit))
    assert found.flags == {MEASUREMENT[bit]}
    assert (found.value == 97) is (bit in (5, 6, 7, 8, 9, 14))


@pytest.mark.parametrize("bit", SENSOR)
def test_bits_of_the_sensor_status(bit: int) -> None:
    found = reading(gatt.CONTINUOUS_OXIMETRY, status(sensor=1 << bit))
    assert found.flags == {SENSOR[bit]}
    assert (found.value == 97) is (bit in (0, 2, 4, 5, 6, 8, 9, 10))


def test_a_finger_that_is_out_is_the_reason() -> None:
    value = bytes.fromhex("0C FF07 FF07") + bytes(2) + (1 << 11).to_bytes(3, "little")
    assert reading(gatt.CONTINUOUS_OXIMETRY, value).value == NoValue("finger-out")


def test_perfusion_in_both() -> None:
    assert reading(gatt.CONTINUOUS_OXIMETRY, bytes.fromhex("10 6100 4000 20F0"), "perfusion_index").value == 3.2
    assert reading(gatt.SPOT_OXIMETRY, bytes.fromhex("08 6100 4000 20F0"), "perfusion_index").value == 3.2


def test_an_oximeter_says_that_its_clock_was_never_set() -> None:
    events = said(gatt.SPOT_OXIMETRY, bytes.fromhex("11 6200 4700") + STAMP)
    assert events[0] == DeviceClock(None)
    assert all(isinstance(event, Reading) and event.taken is None for event in events[1:])
    assert all("clock-unset" in event.flags for event in events[1:] if isinstance(event, Reading))


@pytest.mark.parametrize("spo2", ["1D00", "6500", "FE07", "0000"])
def test_a_saturation_that_cannot_be(spo2: str) -> None:
    assert reading(gatt.CONTINUOUS_OXIMETRY, bytes.fromhex(f"00 {spo2} 4000")).value == NoValue("out-of-range")


# --- scale and belt -----------------------------------------------------------------------------------------------


def test_worked_weight() -> None:
    found = reading(gatt.WEIGHT, KILOGRAMS)
    assert (found.value, found.taken) == (72.35, None)
    assert found.flags == {"locked"}
    assert found.detail == {"shown": "72.350", "shown_unit": "kg", "decimals": 3}


def test_pounds_with_a_user() -> None:
    found = reading(gatt.WEIGHT, bytes.fromhex("05 4E3E 02"))
    assert found.value == pytest.approx(72.348, abs=0.001)
    assert found.detail == {"user": 2, "shown": "159.50", "shown_unit": "[lb_av]", "decimals": 2}
    assert "user" not in reading(gatt.WEIGHT, bytes.fromhex("05 4E3E FF")).detail


@pytest.mark.parametrize(("raw", "why"), [(0xFFFF, "device-error"), (0, "out-of-range"), (1999, "out-of-range")])
def test_a_weight_that_is_none(raw: int, why: Any) -> None:
    found = reading(gatt.WEIGHT, b"\x00" + raw.to_bytes(2, "little"))
    assert (found.value, found.flags) == (NoValue(why), frozenset())


def test_a_size_that_was_not_measured_is_none() -> None:
    found = said(gatt.WEIGHT, bytes.fromhex("08 8638 0000 0000"))
    assert [event.value for event in found if isinstance(event, Reading)][1:] == [NoValue("out-of-range")] * 2


def test_worked_belt() -> None:
    assert said(gatt.HEART_RATE, BELT) == [
        Reading("heart_rate", 72.0, "/min"),
        BeatIntervals((0.830078125, 0.849609375)),
    ]


def test_a_belt_that_is_not_worn_gives_neither_rate_nor_beats() -> None:
    assert said(gatt.HEART_RATE, bytes.fromhex("14 48 5203")) == [
        Reading("heart_rate", NoValue("sensor-disconnected"), "/min")
    ]
    assert reading(gatt.HEART_RATE, bytes.fromhex("00 00")).value == NoValue("missing")
    assert reading(gatt.HEART_RATE, bytes.fromhex("08 48 1000")).detail == {"energy_kj": 16}


# --- what an instrument says of itself ----------------------------------------------------------------------------


def test_identity_is_told_once_it_is_complete() -> None:
    decoder = Decoder()
    texts = {gatt.MAKER: b"Maker", gatt.MODEL: b"UA-1\0", gatt.SERIAL: b"42", gatt.FIRMWARE: b"1.7"}
    for number, text in texts.items():
        assert decoder.feed(record(number, text)) == []
    assert decoder.feed(record(gatt.BATTERY, b"\x50")) == [Identity("Maker UA-1", "1.7", "42")]
    assert decoder.feed(record(gatt.BATTERY, b"\x50")) == []


def test_an_instrument_that_says_nothing_of_itself_has_no_identity() -> None:
    assert said(gatt.BATTERY, b"\x50", (gatt.MODEL, b""), settled=False) == []


def test_a_low_battery_is_said_of_every_value() -> None:
    (found,) = said(gatt.WEIGHT, KILOGRAMS, (gatt.BATTERY, b"\x0a"))
    assert isinstance(found, Reading) and found.flags == {"locked", "low-battery"}
    (found,) = said(gatt.WEIGHT, KILOGRAMS, (gatt.BATTERY, b"\x0b"))
    assert isinstance(found, Reading) and found.flags == {"locked"}


def test_the_clock_in_both_its_forms() -> None:
    assert said(gatt.CURRENT_TIME, STAMP + bytes(3)) == said(gatt.DATE_TIME, STAMP) == [DeviceClock(NOW)]
    assert said(gatt.CURRENT_TIME, UNSET + bytes(3)) == [DeviceClock(None)]
    assert said(gatt.CURRENT_TIME, gatt_values.encode_clock(NOW)) == [DeviceClock(NOW)]


@pytest.mark.parametrize(
    ("characteristic", "value"),
    [
        (gatt.TEMPERATURE, "02 6F0100FF EA07"),
        (gatt.TEMPERATURE, "00 6F0100FF 02"),
        (gatt.TEMPERATURE, "08 6F0100FF"),
        (gatt.PRESSURE, "10 8C00 5A00 6B00 03"),
        (gatt.PRESSURE, "20 8C00 5A00 6B00"),
        (gatt.CONTINUOUS_OXIMETRY, "01 6100 4000"),
        (gatt.WEIGHT, "00 8638 01"),
        (gatt.HEART_RATE, "10 48 52"),
        (gatt.HEART_RATE, "01 48"),
    ],
)
def test_a_value_that_is_not_of_its_layout_is_refused(characteristic: int, value: str) -> None:
    (found,) = said(characteristic, bytes.fromhex(value))
    assert isinstance(found, Trouble) and found.code == "malformed"


# --- new, or from memory ------------------------------------------------------------------------------------------


def stamped(at: datetime | None, raw: int = 0x3886) -> tuple[int, bytes]:
    time = UNSET if at is None else at.year.to_bytes(2, "little") + bytes([at.month, at.day, at.hour, at.minute])
    return gatt.WEIGHT, b"\x02" + raw.to_bytes(2, "little") + (time if at is None else time + bytes([at.second]))


def ages(*records: tuple[int, bytes]) -> list[bool]:
    """Of each weight, whether it is told to be from memory."""
    events = Decoder().feed(b"".join(record(*each) for each in records))
    return ["from-memory" in event.flags for event in events if isinstance(event, Reading)]


CLOCK = (gatt.CURRENT_TIME, STAMP + bytes(3))
SETTLED = (gatt.SETTLED, b"")
AGO = [NOW - timedelta(hours=hours) for hours in (50, 20, 1)]


def test_the_rush_at_connecting_is_old_but_for_what_the_clock_proves_new() -> None:
    assert ages(CLOCK, *map(stamped, AGO), stamped(NOW - timedelta(seconds=20))) == [True, True, True, False]


def test_without_a_clock_nothing_in_the_rush_is_new() -> None:
    assert ages(*map(stamped, (*AGO, NOW))) == [True] * 4
    assert ages(CLOCK, (gatt.WEIGHT, KILOGRAMS), stamped(None)) == [True, True]


def test_after_the_rush_a_value_is_new_with_or_without_a_time() -> None:
    live = [(gatt.WEIGHT, KILOGRAMS), stamped(None), stamped(NOW + timedelta(hours=1))]
    assert ages(CLOCK, SETTLED, *live) == ages(SETTLED, *live) == [False] * 3


def test_after_the_rush_a_time_that_goes_back_is_old() -> None:
    assert ages(SETTLED, stamped(NOW), stamped(NOW - timedelta(seconds=1), 14000)) == [False, True]
    assert ages(CLOCK, SETTLED, stamped(NOW - FRESH), stamped(NOW - FRESH * 2)) == [False, True]
    assert ages(CLOCK, SETTLED, stamped(NOW - FRESH - timedelta(seconds=1))) == [True]


def test_a_repetition_is_old() -> None:
    assert ages(SETTLED, stamped(NOW), stamped(NOW)) == [False, True]
    assert ages(SETTLED, stamped(NOW), stamped(NOW, 14000)) == [False, False]


def test_a_time_ahead_of_the_clock_proves_nothing_in_the_rush() -> None:
    assert ages(CLOCK, stamped(NOW + timedelta(days=3))) == [True]


def test_an_unset_clock_is_told_and_stamps_nothing() -> None:
    clock, found = said(*stamped(None))
    assert clock == DeviceClock(None)
    assert isinstance(found, Reading) and found.taken is None and found.flags == {"locked", "clock-unset"}


def test_a_date_that_does_not_exist_is_no_time() -> None:
    impossible = b"\x02\x86\x38" + bytes.fromhex("EA07 0D 40 161E05")
    assert said(gatt.WEIGHT, impossible)[0] == DeviceClock(None)


def test_what_is_measured_now_has_no_memory() -> None:
    assert "from-memory" not in reading(gatt.CONTINUOUS_OXIMETRY, status(), settled=False).flags


# --- any bytes ----------------------------------------------------------------------------------------------------

STREAM = b"".join(
    record(*each)
    for each in (
        (gatt.MODEL, b"UA-1"),
        CLOCK,
        (gatt.TEMPERATURE, BODY_TEMPERATURE),
        SETTLED,
        (gatt.PRESSURE, FULL_PRESSURE),
        (gatt.HEART_RATE, BELT),
    )
)


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    edges = [0, *sorted(cuts), len(STREAM)]
    assert [event for a, b in pairwise(edges) for event in decoder.feed(STREAM[a:b])] == Decoder().feed(STREAM)


@given(st.lists(st.tuples(st.sampled_from(sorted(gatt.LENGTHS)), st.binary(max_size=20)), max_size=30))
def test_no_value_breaks_the_decoder_and_none_is_out_of_range(values: list[tuple[int, bytes]]) -> None:
    limits = {"temperature": (20, 45), "weight": (10, 350), "spo2": (30, 100), "pulse_rate": (20, 300)}
    for event in Decoder().feed(b"".join(record(*each) for each in values)):
        if isinstance(event, Reading) and isinstance(event.value, float) and event.quantity in limits:
            low, high = limits[event.quantity]
            assert low <= event.value <= high
        if isinstance(event, PressureResult) and event.error is None:
            assert isinstance(event.systolic, float) and isinstance(event.diastolic, float)
            assert 10 <= event.diastolic < event.systolic <= 300


@pytest.mark.parametrize("driver", [Thermometer, Tensiometer, Oximeter, Scale])
async def test_drivers_are_started_by_hand_and_may_be_silent(driver: Any) -> None:
    one = driver()
    await one.start()
    await one.stop()
    assert one.quiet_s is None
    assert one.takes == ()
