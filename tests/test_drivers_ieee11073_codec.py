"""Numbers, times, framing, configurations and reports of IEEE 11073, on bytes written by hand."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.events import DeviceClock, Event, Identity, NoValue, PressureResult, Reading, Trouble
from drivers.ieee11073.configurations import decode_report
from drivers.ieee11073.framing import LONGEST, Framer
from drivers.ieee11073.mder import Malformed, Reader, absolute_time, encode_absolute_time, float32, sfloat
from drivers.ieee11073.phdc import complaint, read_function
from drivers.phd import Decoder
from tests.phd_messages import association, configuration, description, event, fixed, presentation, variable

NOON = "20261121 22300500"
TAKEN = datetime.fromisoformat("2026-11-21T22:30:05")
CUFF = association(0x02BC)
BASIC, SIMPLE = "0002 0008 0a4c 0002 0990 0008", "0002 0008 0a56 0004 0990 0008"


def told(*messages: bytes, flush: bool = True) -> list[Event]:
    decoder = Decoder()
    events = [each for message in messages for each in decoder.feed(message)]
    return events + (decoder.flush() if flush else [])


def numbers(events: list[Event]) -> list[Event]:
    return [each for each in events if isinstance(each, Reading | PressureResult)]


def cuff(invoke: int, *items: tuple[int, str]) -> bytes:
    return event(invoke, 0x0D1D, fixed(*items))


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0x0062, 98.0), (0xF258, 60.0), (0xF3CF, 97.5), (0xFF9C, -10.0), (0x1FFF, -10.0), (0x0803, -2045.0)],
)
def test_sfloat(raw: int, value: float) -> None:
    assert sfloat(raw) == value


@pytest.mark.parametrize("raw", [0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802])
def test_sfloat_specials_are_no_numbers(raw: int) -> None:
    assert isinstance(sfloat(raw), NoValue)


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0xFF00063A, 159.4), (0xFE0004EC, 12.6), (0xFF00016F, 36.7), (0x0300069F, 1695000.0), (0xFFFFFFF6, -1.0)],
)
def test_float(raw: int, value: float) -> None:
    assert float32(raw) == value


@pytest.mark.parametrize("raw", [0x007FFFFE, 0x007FFFFF, 0x00800000, 0x00800001, 0x00800002])
def test_float_specials_are_no_numbers(raw: int) -> None:
    assert isinstance(float32(raw), NoValue)


@given(st.integers(0, 0xFFFFFFFF))
def test_every_float_is_a_finite_number_or_none(raw: int) -> None:
    value = float32(raw)
    assert isinstance(value, NoValue) or abs(value) < 1e135


@pytest.mark.parametrize(
    "data", ["20 26 13 01 00 00 00 00", "20 26 02 30 00 00 00 00", "20 2a 01 01 00 00 00 00", "00" * 8, "20 26"]
)
def test_what_is_no_date_is_none(data: str) -> None:
    assert absolute_time(bytes.fromhex(data)) is None


def test_a_date_goes_both_ways() -> None:
    assert absolute_time(bytes.fromhex(NOON)) == TAKEN
    assert encode_absolute_time(TAKEN) == bytes.fromhex(NOON)


def test_a_length_is_checked_before_it_is_used() -> None:
    with pytest.raises(Malformed, match="past the end"):
        Reader(b"\xff\xff\x00").octets()


# --- framing ------------------------------------------------------------------------------------------------------

STREAM = CUFF + cuff(1, (2, "0044" + NOON)) + b"\xe6\x00\x00\x02\x00\x03"


@given(st.lists(st.integers(0, len(STREAM))), st.binary(max_size=30))
def test_a_stream_cut_anywhere_and_with_soup_in_front_has_the_same_messages(cuts: list[int], soup: bytes) -> None:
    framer = Framer()
    edges = [0, *sorted(cuts), len(STREAM)]
    found = [each for a, b in pairwise(edges) for each in framer.feed(STREAM[a:b])]
    assert [len(each) for each in found if isinstance(each, bytes)] == [54, 44, 6]
    assert framer.flush() == []
    after = Framer()
    kept = after.feed(soup + b"\x00" * 4)
    assert sum(isinstance(each, bytes) for each in kept) <= len(soup) // 6


@pytest.mark.parametrize(
    "header", ["e200ffff", "e4000003", "e7000010 000f", "e7000001", "e700fffe", "e3000001", "e8000002"]
)
def test_a_header_that_contradicts_itself_is_passed_over_at_once(header: str) -> None:
    framer = Framer()
    trouble, abort = framer.feed(bytes.fromhex(header) + bytes(8) + b"\xe6\x00\x00\x02\x00\x03")
    assert isinstance(trouble, Trouble)
    assert abort == b"\xe6\x00\x00\x02\x00\x03"


def test_the_longest_message_and_no_longer() -> None:
    size = LONGEST - 4
    whole = b"\xe7\x00" + size.to_bytes(2) + (size - 2).to_bytes(2) + bytes(size - 2)
    framer = Framer()
    assert framer.feed(whole) == [whole]
    assert framer.feed(b"\xe7\x00" + (size + 1).to_bytes(2) + (size - 1).to_bytes(2) + bytes(10)) == []
    assert isinstance(framer.flush()[0], Trouble)


def test_a_flood_of_nothing_is_not_kept() -> None:
    framer = Framer()
    for _ in range(100):
        framer.feed(bytes(100_000))
    assert len(framer._pending) < LONGEST


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([STREAM, CUFF])), max_size=8))
def test_nothing_that_is_fed_raises(pieces: list[bytes]) -> None:
    decoder = Decoder()
    for piece in pieces:
        decoder.feed(piece)
    decoder.flush()


@given(st.data())
def test_a_report_with_spoilt_bytes_never_raises(data: st.DataObject) -> None:
    report = bytearray(cuff(1, (1, "0003 0006 0078 0050 0064" + NOON), (2, "0044" + NOON)))
    for _ in range(data.draw(st.integers(1, 3))):
        report[data.draw(st.integers(0, len(report) - 1))] = data.draw(st.integers(0, 255))
    told(CUFF, bytes(report))


@given(st.sampled_from([0x0D1C, 0x0D1D, 0x0D1E, 0x0D1F, 0x0D20, 0x0D24, 0x0D27, 0x0D2D]), st.binary(max_size=120))
def test_any_information_of_an_event_is_borne(kind: int, info: bytes) -> None:
    told(CUFF, event(1, kind, info))
    told(association(0x4000), event(1, kind, info))


# --- what is said -------------------------------------------------------------------------------------------------


def test_a_cuff_measurement() -> None:
    events = told(CUFF, cuff(1, (1, "0003 0006 0078 0050 0064" + NOON), (2, "f258" + NOON)))
    shown = {"shown": "120/80/100", "shown_unit": "mm[Hg]"}
    assert events == [PressureResult(120, 80, 100, 60, 0, None, frozenset(), TAKEN, shown)]


def test_not_a_number_is_no_number() -> None:
    (result,) = told(CUFF, cuff(1, (1, "0003 0006 07ff 07ff 07ff" + NOON), (2, "07ff" + NOON)))
    missing = NoValue("missing")
    assert result == PressureResult(missing, missing, missing, missing, 0, "device-error", frozenset(), TAKEN)


def test_pressures_without_a_pulse_wait_for_it_until_the_association_ends() -> None:
    pressures = cuff(1, (1, "0003 0006 0078 0050 0064" + NOON))
    assert told(CUFF, pressures, flush=False) == []
    (result,) = told(CUFF, pressures, b"\xe4\x00\x00\x02\x00\x00", flush=False)
    assert isinstance(result, PressureResult)
    assert result.pulse_rate == NoValue("missing")


def test_a_pulse_alone_is_no_measurement_of_a_cuff() -> None:
    assert told(CUFF, cuff(1, (2, "0044" + NOON))) == []


def test_kilopascals_are_told_as_millimetres_of_mercury() -> None:
    attributes = {2677: "0003 0006 f0a5 f068 f07c", 2448: NOON, 2454: "0f03"}
    (result,) = told(CUFF, event(1, 0x0D1E, variable((1, attributes))))
    assert isinstance(result, PressureResult)
    assert result.systolic == pytest.approx(123.76, abs=0.01)
    assert result.detail == {"shown": "16.5/10.4/12.4", "shown_unit": "kPa"}


@pytest.mark.parametrize(
    ("number", "attributes", "quantity", "value", "shown"),
    [
        (0x05DC, {2646: "ff00063a", 2454: "06e0"}, "weight", 72.30, ("159.4", "[lb_av]")),
        (0x0320, {2646: "ff0003da", 2454: "1140"}, "temperature", 37.0, ("98.6", "[degF]")),
        (0x05DC, {2646: "fe001c43"}, "weight", 72.35, ("72.35", "kg")),
    ],
)
def test_what_the_display_showed_is_kept(
    number: int, attributes: dict[int, str], quantity: str, value: float, shown: tuple[str, str]
) -> None:
    (reading,) = told(association(number), event(1, 0x0D1E, variable((1, attributes))))
    assert isinstance(reading, Reading)
    assert reading.quantity == quantity
    assert reading.value == pytest.approx(value, abs=0.01)
    assert (reading.detail["shown"], reading.detail["shown_unit"]) == shown


def test_an_inch_is_a_height() -> None:
    report = configuration(
        0x4001,
        (1, {2351: "0002 e140", 2454: "06c3", 2645: SIMPLE}),
        (2, {2351: "0002 e144", 2454: "0560", 2645: SIMPLE}),
    )
    (reading,) = told(association(0x4001), event(1, 0x0D1C, report), event(2, 0x0D1D, fixed((2, "ff0002b2" + NOON))))
    assert isinstance(reading, Reading)
    assert (reading.quantity, reading.unit) == ("height", "cm")
    assert reading.value == pytest.approx(175.26)


def test_a_wrong_length_in_a_thermometers_map_is_not_believed() -> None:
    wrong = SIMPLE.replace("0a56 0004", "0a56 0002")
    report = configuration(0x4000, (1, {2351: "0002 4b5c", 2454: "17a0", 2645: wrong}))
    (reading,) = told(association(0x4000), event(1, 0x0D1C, report), event(2, 0x0D1D, fixed((1, "ff00016f" + NOON))))
    assert isinstance(reading, Reading)
    assert (reading.value, reading.detail["site"]) == (36.7, "body")


@pytest.mark.parametrize(
    ("status", "value", "flags"),
    [
        ("0800", NoValue("device-error"), {"test-data"}),
        ("0400", NoValue("device-error"), {"test-data"}),
        ("8000", NoValue("device-error"), set()),
        ("2000", NoValue("missing"), set()),
        ("1000", NoValue("device-error"), set()),
        ("4000", 72.35, {"questionable", "locked"}),
        ("0080", 72.35, {"validated", "locked"}),
        ("0040", 72.35, {"settling"}),
        ("0020", 72.35, {"settling"}),
    ],
)
def test_a_measurement_status_is_heeded(status: str, value: float | NoValue, flags: set[str]) -> None:
    attributes = {2646: "fe001c43", 2448: NOON, 2375: status}
    (reading,) = told(association(0x05DC), event(1, 0x0D1E, variable((1, attributes))))
    assert isinstance(reading, Reading)
    assert (reading.value, set(reading.flags)) == (value, flags)
    assert ("shown" in reading.detail) == (not isinstance(value, NoValue))


@pytest.mark.parametrize("data", ["ff000000", "ff00ffff", "ffffffff", "7f7ffff0"])
def test_a_weight_of_nobody_is_out_of_range(data: str) -> None:
    (reading,) = told(association(0x05DC), event(1, 0x0D1D, fixed((1, data + NOON))))
    assert isinstance(reading, Reading)
    assert reading.value == NoValue("out-of-range")


def test_a_unit_that_does_not_fit_gives_no_value() -> None:
    attributes = {2646: "ff00016f", 2454: "06c3"}
    (reading,) = told(association(0x0320), event(1, 0x0D1E, variable((1, attributes))))
    assert isinstance(reading, Reading)
    assert reading.value == NoValue("device-error")


def test_a_report_that_does_not_fit_is_refused_whole() -> None:
    good, short = (1, "0062" + NOON), (10, "0048")
    (trouble,) = told(association(0x0190), event(1, 0x0D1D, fixed(good, short)))
    assert isinstance(trouble, Trouble)


def test_a_report_before_its_configuration_is_refused() -> None:
    (trouble,) = told(association(0x4000), event(1, 0x0D1D, fixed((1, "0062" + NOON))))
    assert isinstance(trouble, Trouble)


@pytest.mark.parametrize("units", [0x20000000, 0x60000000])
def test_a_test_association_gives_no_reading(units: int) -> None:
    (trouble,) = told(association(0x05DC, units=units), event(1, 0x0D1D, fixed((1, "fe001c43" + NOON))))
    assert isinstance(trouble, Trouble)


def test_an_agent_that_could_be_tested_is_an_agent_like_others() -> None:
    assert numbers(told(association(0x05DC, units=0x40000000), event(1, 0x0D1D, fixed((1, "fe001c43" + NOON)))))


def test_stored_ones_are_flagged_and_come_before_the_newest() -> None:
    clock = description(1, [(2439, "20261121 22310000")])
    old, new = "20261120 10000000", NOON
    batch = fixed((1, "fe001c43" + new), (1, "fe001c44" + old))
    events = numbers(told(association(0x05DC), clock, event(1, 0x0D1D, batch)))
    assert [(each.value, "from-memory" in each.flags) for each in events if isinstance(each, Reading)] == [
        (72.36, True), (72.35, False),
    ]  # fmt: skip


def test_without_a_clock_nothing_of_a_batch_is_new() -> None:
    batch = fixed((1, "fe001c43" + NOON), (1, "fe001c44 20261120 10000000"))
    events = numbers(told(association(0x05DC), event(1, 0x0D1D, batch)))
    assert all("from-memory" in each.flags for each in events if isinstance(each, Reading))
    assert len(events) == 2


def test_a_repeated_report_is_told_once() -> None:
    report = event(1, 0x0D1D, fixed((1, "fe001c43" + NOON)))
    assert len(numbers(told(association(0x05DC), report, report, association(0x05DC), report))) == 1


def test_what_has_no_time_is_of_now_and_told_as_often_as_it_comes() -> None:
    report = event(1, 0x0D1E, variable((1, {2646: "fe001c43"})))
    found = numbers(told(association(0x05DC), report, report))
    assert [each.flags for each in found if isinstance(each, Reading)] == [{"locked"}] * 2


def test_of_two_saturations_the_usual_one_is_told() -> None:
    fast = {2351: "0002 4bb8", 2454: "0220", 2657: "0001 0004 0002 4c34", 2645: BASIC}
    report = configuration(0x4000, (1, fast), (3, {2351: "0002 4bb8", 2454: "0220", 2645: BASIC}))
    seen = event(2, 0x0D1D, fixed((1, "0061" + NOON), (3, "0062" + NOON)))
    (reading,) = told(association(0x4000), event(1, 0x0D1C, report), seen)
    assert isinstance(reading, Reading)
    assert reading.value == 98


def test_the_clock_in_place_of_a_time_stamp_dates_a_reading() -> None:
    spot = {2351: "0002 4bb8", 2454: "0220", 2657: "0001 0004 0002 4c3c", 2645: BASIC.replace("0990", "0987")}
    seen = event(2, 0x0D1D, fixed((1, "0062" + NOON)))
    (reading,) = told(association(0x0191), event(1, 0x0D1C, configuration(0x0191, (1, spot))), seen)
    assert isinstance(reading, Reading)
    assert (reading.taken, reading.detail["averaging"]) == (TAKEN, "spot")


def test_an_agent_describes_itself() -> None:
    attributes = [
        (2344, "0005 4d616b6572 0006 4d6f64656c00"),
        (2349, "0002 0015 0001 0000 0006 412d31372020 0005 0000 0003 312e32"),
        (2439, "00" * 8),
        (2650, "0001 0004 100f 0001"),
    ]
    events = told(association(0x05DC), description(1, attributes))
    assert events == [Identity("Maker Model", "1.2", "A-17"), DeviceClock(None)]


def test_a_response_that_is_broken_is_told() -> None:
    (trouble,) = told(association(0x05DC), presentation(1, 0x0203, b"\0\0\0\1\0\0"))
    assert isinstance(trouble, Trouble)


def test_a_configuration_has_an_end() -> None:
    with pytest.raises(Malformed, match="more objects"):
        decode_report(bytes.fromhex("4000 ffff 0000"))


# --- USB ----------------------------------------------------------------------------------------------------------


def test_the_descriptors_of_the_class() -> None:
    function = read_function(bytes.fromhex("04 20 02 01 08 30 00 02 04 10 0f 10 04 21 01 08"))
    assert (function.speaks_20601, function.specializations) == (True, (0x1004, 0x100F))
    assert complaint(function, "scale") is None
    assert "calls itself oximeter and scale" in (complaint(function, "thermometer") or "")
    assert complaint(read_function(b""), "scale") is None
    assert "of its maker's own" in (complaint(read_function(bytes.fromhex("04 20 01 00")), "scale") or "")


@given(st.binary(max_size=40))
def test_any_descriptor_is_borne(extra: bytes) -> None:
    complaint(read_function(extra), "scale")
