"""The ESC-letter scale: vectors of the protocol sheet, sentinels, the lock rule, and the driver on every cable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError, Unplugged
from drivers.events import Event, NoValue, Reading, Trouble, Value
from drivers.healthometer import LONGEST_MESSAGE, REQUEST, Decoder, Scale, encode_message
from drivers.healthometer_2595kl import Decoder as ShortForm
from drivers.pipe import CABLES, Cable, End, pipe
from simulators.body import Body
from simulators.healthometer import Scale as SimulatedScale
from tests.protocol_vectors import Vector, read_vectors

# Maker documents and the ScaleReporter tests, as listed by the protocol sheet (section 6 and its vectors).
HOM_498KL = b"\x1bR\x1bI1234567890\x1bW184.50\x1bH84.00\x1bB24.10\x1bNc\x1bE"
HOM_500KL = b"\x1bR\x1bI1234567890\x1bW184.5\x1bH84.0\x1bB24.1\x1bT0.0\x1bNc\x1bE"
HOM_600KL = b"\x1bR\x1bI1234567890\x1bW184.5\x1bH84.0\x1bB24.1\x1bNc\x1bE"
HOM_2210KL = b"\x1bR\x1bI1234567890\x1bW35.500\x1bH0.000\x1bB0.000\x1bT0.000\x1bNc\x1bE"
HOM_1100KL = b"\x1bR\x1bI1234567890\x1bW90.98\x1bH178.70\x1bT5.7\x1bB28\x1bNm\x1bE"
HOM_METRIC = b"\x1bR\x1bI0000000000\x1bW72.4\x1bH175.0\x1bB23.6\x1bNm\x1bE"
HOM_WEIGHT_ONLY = b"\x1bR\x1bI0000000000\x1bW72.4\x1bH0.0\x1bB0.0\x1bNm\x1bE"
HOM_PREFIX_6 = b"6R\x1bI1234567890\x1bW184.5\x1bH84.0\x1bB24.1\x1bT0.0\x1bNm\x1bE"
HOM_GLUED = b"\x1bR\x1bI0000000000\x1bW18" + b"\x1bR\x1bI1234567890\x1bW184.5\x1bH84.0\x1bB24.1\x1bT0.0\x1bNm\x1bE"
HOM_TAIL = b"4.5\x1bH84.0\x1bB24.1\x1bT0.0\x1bNm\x1bE"
OVERLOAD = b"\x1bR\x1bW999.9\x1bNm\x1bE"
RICE_LAKE_REPLY = b"\x1bR\x1bW0200.5\x1bNm\x1bE"


def values(events: list[Event]) -> dict[str, Value]:
    return {event.quantity: event.value for event in events if isinstance(event, Reading)}


def weight(data: bytes) -> Reading:
    reading = Decoder().feed(data)[0]
    assert isinstance(reading, Reading) and reading.quantity == "weight"
    return reading


@pytest.mark.parametrize("message", [HOM_498KL, HOM_500KL, HOM_600KL])
def test_imperial_examples_of_the_maker(message: bytes) -> None:
    readings = values(Decoder().feed(message))
    assert readings["weight"] == pytest.approx(83.68779265)
    assert readings["height"] == pytest.approx(213.36)
    assert readings["bmi"] == 24.1


def test_what_the_display_showed_is_kept() -> None:
    detail = weight(HOM_498KL).detail
    assert detail == {"shown": "184.50", "shown_unit": "[lb_av]", "decimals": 2, "id": "1234567890"}
    assert weight(HOM_500KL).detail["tare_kg"] == 0.0
    assert weight(HOM_500KL).detail["decimals"] == 1


def test_pro_plus_has_tare_before_bmi_and_a_bmi_without_decimals() -> None:
    events = Decoder().feed(HOM_1100KL)
    assert values(events) == {"weight": 90.98, "height": 178.7, "bmi": 28.0}
    assert weight(HOM_1100KL).detail["tare_kg"] == 5.7
    assert isinstance(events[2], Reading) and events[2].detail["decimals"] == 0


def test_tare_follows_the_units() -> None:
    message = encode_message("184.5", units="imperial", tare="10.0")
    assert weight(message).detail["tare_kg"] == pytest.approx(4.5359237)


def test_metric() -> None:
    events = Decoder().feed(HOM_METRIC)
    assert values(events) == {"weight": 72.4, "height": 175.0, "bmi": 23.6}
    assert [event.unit for event in events if isinstance(event, Reading)] == ["kg", "cm", "kg/m2"]
    assert "id" not in weight(HOM_METRIC).detail


def test_zero_is_not_measured() -> None:
    missing = NoValue("missing")
    assert values(Decoder().feed(HOM_WEIGHT_ONLY)) == {"weight": 72.4, "height": missing, "bmi": missing}
    readings = values(Decoder().feed(HOM_2210KL))
    assert readings == {"weight": pytest.approx(16.10252914), "height": missing, "bmi": missing}
    assert weight(encode_message("0.0")).value == missing
    assert weight(encode_message("0.00")).flags == frozenset()


def test_prefix_without_its_escape() -> None:
    assert values(Decoder().feed(HOM_PREFIX_6))["weight"] == 184.5


def test_glued_messages_are_read_from_the_last_start() -> None:
    events = Decoder().feed(HOM_GLUED)
    assert values(events)["weight"] == 184.5
    assert not [event for event in events if isinstance(event, Trouble)]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (HOM_TAIL, "no start of message"),
        (b"\x1bR\x1bW72.4\x1bE", "no units"),
        (b"\x1bR\x1bW72.4\x1bNx\x1bE", "no units"),
        (b"\x1bR\x1bH175.0\x1bNm\x1bE", "no weight"),
        (b"\x1bR\x1bW72.4\x1bW72.5\x1bNm\x1bE", "field 'W' twice"),
        (b"\x1bR\x1bW72.4H175.0\x1bNm\x1bE", "field 'W' is not a number"),
        (b"\x1bR\x1bW00000000072.4\x1bNm\x1bE", "field 'W' is not a number"),
        (b"\x1bR\x1bWnan\x1bNm\x1bE", "field 'W' is not a number"),
        (b"\x1bR\x1bW1e2\x1bNm\x1bE", "field 'W' is not a number"),
        (b"\x1bR\x1bW7_2\x1bNm\x1bE", "field 'W' is not a number"),
        (b"\x1bR\x1bW72.4\x1bHinf\x1bNm\x1bE", "field 'H' is not a number"),
        (REQUEST, "no units"),
    ],
)
def test_a_message_that_breaks_the_rule_is_refused_whole(message: bytes, why: str) -> None:
    assert Decoder().feed(message) == [Trouble("malformed", why)]


def test_twelve_characters_are_the_longest_number() -> None:
    assert weight(b"\x1bR\x1bW0000000072.4\x1bNm\x1bE").value == 72.4


def test_unknown_letters_are_skipped() -> None:
    assert values(Decoder().feed(b"\x1bR\x1bQabc\x1bW72.4\x1bNm\x1bE")) == {"weight": 72.4}


def test_rice_lake_reply_with_a_leading_zero() -> None:
    assert weight(RICE_LAKE_REPLY).value == 200.5


@pytest.mark.parametrize("shown", ["999.9", "999.99", "0999.9", "E10"])
@pytest.mark.parametrize("units", ["m", "c"])
def test_overload_is_no_number(shown: str, units: str) -> None:
    assert weight(f"\x1bR\x1bW{shown}\x1bN{units}\x1bE".encode()).value == NoValue("overload")
    assert weight(OVERLOAD).value == NoValue("overload")


@pytest.mark.parametrize("shown", ["E06", "E07"])
def test_a_converter_failure_is_no_number(shown: str) -> None:
    assert weight(f"\x1bR\x1bW{shown}\x1bNm\x1bE".encode()).value == NoValue("device-error")


@pytest.mark.parametrize(("shown", "believed"), [("9.9", False), ("10.0", True), ("350.0", True), ("350.1", False)])
def test_weight_of_a_person(shown: str, believed: bool) -> None:
    assert weight(encode_message(shown)).value == (float(shown) if believed else NoValue("out-of-range"))


def test_negative_weight_is_no_value() -> None:
    assert weight(encode_message("-20.0")).value == NoValue("out-of-range")


@pytest.mark.parametrize("shown", ["49.9", "250.1"])
def test_a_rod_that_was_not_moved_gives_no_height(shown: str) -> None:
    assert values(Decoder().feed(encode_message("72.4", shown)))["height"] == NoValue("out-of-range")


def steadiness(messages: list[bytes]) -> list[str]:
    decoder = Decoder()
    events = [decoder.feed(message)[0] for message in messages]
    return ["".join(event.flags) if isinstance(event, Reading) else "refused" for event in events]


def test_locked_after_two_equal_messages() -> None:
    other = encode_message("72.5", "175.0", "23.6")
    told = steadiness([HOM_METRIC, other, HOM_METRIC, HOM_METRIC, HOM_METRIC])
    assert told == ["settling", "settling", "settling", "locked", "locked"]


def test_a_refused_message_between_two_equal_ones_unlocks() -> None:
    assert steadiness([HOM_METRIC, HOM_TAIL, HOM_METRIC]) == ["settling", "refused", "settling"]


def test_a_change_of_units_unlocks() -> None:
    metric, imperial = encode_message("90.0"), encode_message("90.0", units="imperial")
    assert steadiness([metric, imperial]) == ["settling", "settling"]
    assert weight(imperial).value == pytest.approx(40.8233133)


def test_a_garbage_height_does_not_keep_the_weight_from_locking() -> None:
    decoder = Decoder()
    decoder.feed(encode_message("72.4", "123.4"))
    weight_told, height_told = decoder.feed(encode_message("72.4", "201.7"))
    assert isinstance(weight_told, Reading) and weight_told.flags == {"locked"}
    assert isinstance(height_told, Reading) and height_told.flags == {"settling"}


def test_a_height_that_an_empty_scale_showed_is_nobodys() -> None:
    """Firmware 600KL 3.2.02: the rod has not been moved."""
    decoder = Decoder()
    decoder.feed(encode_message("0.0", "188.0"))
    assert values(decoder.feed(encode_message("72.4", "188.0")))["height"] == NoValue("missing")
    inches = encode_message("159.6", "74.0", units="imperial")
    assert values(decoder.feed(inches))["height"] == NoValue("missing"), "in another unit it is the same rod"
    assert values(decoder.feed(encode_message("72.4", "175.0")))["height"] == 175.0
    decoder.feed(encode_message("0.0", "0.0"))
    assert values(decoder.feed(encode_message("72.4", "188.0")))["height"] == 188.0


@pytest.mark.parametrize("shown", ["3.2", "-3.2"])
def test_a_tipped_scale_gives_no_weight_until_it_shows_zero(shown: str) -> None:
    """Firmware 600KL 3.2.02: wrong weight after tipping, until ZERO."""
    decoder = Decoder()
    for _ in range(2):
        decoder.feed(encode_message(shown))
    told, _, index = decoder.feed(encode_message("75.6", "175.0", "24.7"))
    assert isinstance(told, Reading) and told.value == NoValue("device-error")
    assert isinstance(index, Reading) and index.value == NoValue("device-error"), "made of the weight"
    assert told.flags == {"not-zeroed"}
    decoder.feed(encode_message("0.0"))
    assert values(decoder.feed(encode_message("72.4")))["weight"] == 72.4


def test_a_zero_weight_that_is_streamed_locks_nothing() -> None:
    """Firmware 597KL 3.1.12 streams while unlocked, and zero."""
    decoder = Decoder()
    told = [decoder.feed(encode_message(shown))[0] for shown in ("0.0", "0.0", "41.3", "66.0", "72.4", "72.4")]
    assert [set(event.flags) for event in told if isinstance(event, Reading)] == [
        set(), set(), {"settling"}, {"settling"}, {"settling"}, {"locked"},
    ]  # fmt: skip


def test_the_response_code_z000_is_no_weight() -> None:
    assert Decoder().feed(b"\x1bR\x1bWZ000\x1bNm\x1bE") == [Trouble("malformed", "field 'W' is not a number")]


POUND = {"m": 1.0, "c": 0.45359237}
INCH = {"m": 1.0, "c": 2.54}


def expected(vector: Vector) -> dict[str, Any]:
    """What a record says, in the words of the events: kilograms, centimetres, and what stands beside them."""
    units = "c" if vector.data[-3:-2] == b"c" else "m"
    found: dict[str, Any] = {}
    for key, value in vector.expect.items():
        match key:
            case "weight" | "weight_kg":
                found["weight"] = value * POUND[units]
            case "height" | "height_cm":
                found["height"] = NoValue("missing") if value is None else value * INCH[units]
            case "bmi":
                found["bmi"] = NoValue("missing") if value is None else float(value)
            case "tare":
                found["tare_kg"] = value * POUND[units]
            case "id":
                found["id"] = value
            case "overload":
                found["weight"] = NoValue("overload")
            case "units":
                assert value.startswith({"c": "imperial", "m": "as N says (m)"}[units])
            case "note" | "rule":
                pass
            case other:
                raise AssertionError(f"{vector.ident} expects {other}")
    return found


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "healthometer.txt")
    assert len(vectors) == 16
    for vector in vectors:
        if vector.direction == "host->device":
            assert vector.data == REQUEST and vector.expect == {"command": "request reading"}
        elif vector.data[0] == 2:
            _short_form(vector)
        elif "reject" in vector.expect:
            assert [event.code for event in Decoder().feed(vector.data) if isinstance(event, Trouble)] == [
                "malformed"
            ]
        else:
            events = Decoder().feed(vector.data)
            first = events[0]
            assert isinstance(first, Reading)
            told: dict[str, Any] = {"id": None, **first.detail, **values(events)}
            for key, value in expected(vector).items():
                assert told[key] == (pytest.approx(value) if isinstance(value, float) else value), vector.ident


def _short_form(vector: Vector) -> None:
    (told,) = ShortForm().feed(vector.data)
    assert isinstance(told, Reading)
    assert set(vector.expect) == {"weight", "units"}
    factor = {"kg": 1.0, "lb": 0.45359237}[vector.expect["units"]]
    assert told.value == pytest.approx(vector.expect["weight"] * factor)


def test_the_simulated_scale_obeys_the_request_of_the_vector_file(maker_vectors: Path) -> None:
    (request,) = (
        each for each in read_vectors(maker_vectors / "healthometer.txt") if each.direction != "device->host"
    )
    scale = SimulatedScale(Body(1))
    scale.opened(0.0)
    assert scale.receive(request.data, 10.0) == [HOM_METRIC]


def test_noise_without_an_end_is_dropped_and_the_next_message_read() -> None:
    events = Decoder().feed(b"x" * LONGEST_MESSAGE + HOM_METRIC)
    assert events[0] == Trouble("malformed", "no end of message within 256 bytes")
    assert values(events)["weight"] == 72.4


def test_the_encoder_writes_the_makers_bytes() -> None:
    assert encode_message("184.5", "84.0", "24.1", units="imperial", ident="1234567890") == HOM_600KL
    assert encode_message("72.4", "175.0", "23.6") == HOM_METRIC
    assert encode_message("184.5", "84.0", "24.1", tare="0.0", ident="1234567890", prefix=b"6R") == HOM_PREFIX_6
    assert bytes.fromhex("1b 52 1b 45") == REQUEST


STREAM = HOM_METRIC * 2 + HOM_TAIL + HOM_PREFIX_6 + b"noise" + HOM_GLUED + OVERLOAD + HOM_498KL * 2


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = Decoder()
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    assert [event for piece in pieces for event in decoder.feed(piece)] == Decoder().feed(STREAM)


@given(
    st.lists(st.sampled_from([b"\x1bR", b"6R", b"\x1bW", b"\x1bN", b"\x1bE", b"\x1b", b"72.4", b"m"]) | st.binary())
)
def test_no_soup_breaks_the_decoder(soup: list[bytes]) -> None:
    decoder = Decoder()
    for event in [event for piece in soup for event in decoder.feed(piece)]:
        assert isinstance(event, Reading | Trouble)
        if isinstance(event, Reading) and event.quantity == "weight" and isinstance(event.value, float):
            assert 10 <= event.value <= 350


class Peer:
    """A scale on a pipe: says nothing by itself, and answers a request with the message that stands on it."""

    def __init__(self, end: End, message: bytes) -> None:
        self.end = end
        self.message = message
        self.asked = 0

    async def live(self) -> None:
        heard = b""
        while True:
            heard += await self.end.read()
            if heard.endswith(REQUEST):
                heard, self.asked = b"", self.asked + 1
                await self.end.write(self.message)


async def heard_of(cable: Cable, message: bytes, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """What the driver tells of a scale that is asked, until it is `enough`."""
    here, there = pipe(cable)
    events: list[Event] = []
    done = asyncio.Event()

    def emit(event: Event) -> None:
        events.append(event)
        if enough(events):
            done.set()

    jobs = [asyncio.create_task(Scale(poll_s=0.03).run(here, emit)), asyncio.create_task(Peer(there, message).live())]
    try:
        await asyncio.wait_for(done.wait(), 10)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
    return events


def is_locked(events: list[Event]) -> bool:
    return any(isinstance(event, Reading) and "locked" in event.flags for event in events)


@pytest.mark.parametrize("cable", CABLES.values(), ids=CABLES.keys())
async def test_driver_on_every_cable(cable: Cable) -> None:
    events = await heard_of(cable, HOM_METRIC, is_locked)
    (locked,) = {
        event.value
        for event in events
        if isinstance(event, Reading) and event.quantity == "weight" and "locked" in event.flags
    }
    assert locked == 72.4


async def test_an_empty_scale_shows_that_it_lives() -> None:
    events = await heard_of(CABLES["whole"], encode_message("0.0"), lambda events: len(events) >= 3)
    assert {event.value for event in events if isinstance(event, Reading)} == {NoValue("missing")}


async def test_a_scale_that_sends_by_itself_is_not_asked() -> None:
    here, there = pipe()
    events: list[Event] = []
    job = asyncio.create_task(Scale(poll_s=0.2).run(here, events.append))
    for _ in range(10):
        await there.write(HOM_METRIC)
        await asyncio.sleep(0.03)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(there.read(), 0.05)
    assert is_locked(events)
    assert await asyncio.wait_for(there.read(), 1) == REQUEST
    job.cancel()


async def test_unplugged_leaves_the_driver_bare() -> None:
    here, there = pipe()
    there.close()
    with pytest.raises(Unplugged):
        await Scale(poll_s=0.01).run(here, lambda event: None)


async def test_start_and_stop_are_always_true() -> None:
    scale = Scale()
    await scale.start()
    await scale.stop()
    assert scale.quiet_s == 5.0
    assert (scale.kind, scale.protocol, scale.line.baud) == ("scale", "healthometer", 9600)


def test_a_poll_time_of_nothing_is_refused() -> None:
    with pytest.raises(DriverError, match="poll time above 0"):
        Scale(poll_s=0)
