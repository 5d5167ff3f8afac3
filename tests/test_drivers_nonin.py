"""The oximeter of five formats: which one is spoken, the driver on every cable, and the maker's vectors."""
# ruff: noqa: DTZ001 - the clocks of devices have no zone

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS
from drivers.errors import Unplugged
from drivers.events import DeviceClock, Event, Identity, NoValue, Reading, Trouble, Wave
from drivers.instrument import Instrument
from drivers.nonin import BARREN, BLOCK, DECODER, KEPT, PATIENCE, Decoder, Oximeter
from drivers.nonin_commands import GET_CLOCK, GET_SERIAL, decode_answer, encode_clock, encode_format
from drivers.nonin_frames import ARTF, FORMAT_2, GPRF, OOT, RPRF, SNSA, SNSD, encode_frame, encode_packet
from drivers.nonin_packets import Format7
from drivers.nonin_seconds import FORMAT_1, FORMAT_8, encode_second
from drivers.nonin_spots import SPA, Spot, encode_spot
from drivers.pipe import CABLES, LOSSY, Cable, pipe
from drivers.virtual_time import run
from simulators.body import Body
from simulators.device import Device
from simulators.nonin_9560 import Oximeter13
from simulators.rack import MODELS
from tests.nonin_packets import CALM, EMPTY
from tests.nonin_packets import FORMAT_2 as CALM_2
from tests.protocol_vectors import Vector, read_vectors

SPOT = encode_spot(Spot(datetime(2026, 11, 21, 22, 30, 5), SPA, 0, 72, 97))
SPEECH: dict[int, bytes] = {
    1: encode_second(FORMAT_1, 72, 97) * 20,
    2: CALM_2 * 3,
    7: CALM * 3,
    8: encode_second(FORMAT_8, 72, 97) * 20,
    13: SPOT * 3,
}
"""A stretch of each format."""


def numbers(events: list[Event]) -> set[tuple[str, float]]:
    return {(e.quantity, e.value) for e in events if isinstance(e, Reading) and not isinstance(e.value, NoValue)}


@pytest.mark.parametrize("form", sorted(SPEECH))
def test_each_format_is_recognised_and_nothing_of_it_is_lost(form: int) -> None:
    decoder = Decoder()
    events = decoder.feed(SPEECH[form])
    assert decoder.form == form
    assert events == DECODER[form]().feed(SPEECH[form])
    (identity,) = (event for event in events if isinstance(event, Identity))
    assert identity.model == f"Nonin, serial format {form}"
    assert numbers(events) == {("spo2", 97.0), ("pulse_rate", 72.0)}


def rates() -> st.SearchStrategy[int]:
    return st.integers(18, 321) | st.just(511)


def saturations() -> st.SearchStrategy[int]:
    return st.integers(0, 100) | st.just(127)


@st.composite
def speech(draw: st.DrawFn) -> tuple[int, bytes]:
    """A format and a stretch of it, with any values, flags and pleth that its table allows."""
    form = draw(st.sampled_from(sorted(SPEECH)))
    match form:
        case 1 | 8:
            layout = FORMAT_1 if form == 1 else FORMAT_8
            said = st.frozensets(st.sampled_from(sorted({**layout.status, **layout.last})))
            rows = draw(st.lists(st.tuples(rates(), saturations(), said), min_size=6, max_size=20))
            return form, b"".join(encode_second(layout, *row) for row in rows)
        case 13:
            rows13 = draw(st.lists(st.tuples(st.integers(0, 3), rates(), saturations()), min_size=1, max_size=4))
            return form, b"".join(
                encode_spot(Spot(draw(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1))), high, 0, *row))
                for high, *row in rows13
            )
    return form, b"".join(draw(st.lists(packets(form), min_size=1, max_size=3)))


@st.composite
def packets(draw: st.DrawFn, form: int) -> bytes:
    flags = draw(st.sampled_from([0, GPRF, RPRF, RPRF | GPRF, ARTF, SNSA | OOT, SNSD | OOT, OOT]))
    top = 254 if form == 2 else 65535
    level = st.integers(0, top)
    pleth = draw(st.lists(level, min_size=25, max_size=25) | level.map(lambda flat: [flat] * 25))
    values = {"hr": draw(rates()), "spo2": draw(saturations()), "srev": 48, "hr_d": draw(rates())}
    if form == 2:
        return encode_packet([flags] * 25, pleth, values, FORMAT_2)
    return encode_packet([flags] * 25, pleth, values)


@given(speech(), st.integers(0, 130))
def test_no_format_is_taken_for_another(said: tuple[int, bytes], skipped: int) -> None:
    form, data = said
    decoder = Decoder()
    decoder.feed(data[skipped:])
    assert decoder.form in (form, None)


@given(speech(), st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.integers(1, 255)), max_size=6))
def test_no_damage_makes_one_format_look_like_another(
    said: tuple[int, bytes], wounds: list[tuple[int, bool, int]]
) -> None:
    form, data = said
    hurt = bytearray(data)
    for at, gone, bits in wounds:
        if at < len(hurt):
            if gone:
                del hurt[at]
            else:
                hurt[at] ^= bits
    decoder = Decoder()
    decoder.feed(bytes(hurt))
    assert decoder.form in (form, None)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    return (data[a:b] for a, b in pairwise([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]))


@given(st.binary(max_size=300), st.lists(speech(), max_size=4), st.lists(st.integers(0, 4000)))
def test_any_cut_gives_the_same_events(soup: bytes, said: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = soup + b"".join(stretch for _, stretch in said) + bytes(BLOCK * BARREN * (len(said) % 2)) + CALM
    decoder, whole = Decoder(), Decoder()
    assert [event for piece in pieces(data, cuts) for event in decoder.feed(piece)] == whole.feed(data)


@given(st.binary(max_size=4000))
def test_soup_is_never_believed_and_never_piles_up(soup: bytes) -> None:
    decoder = Decoder()
    assert not numbers(decoder.feed(soup))
    assert len(decoder._heard) <= PATIENCE + KEPT


@pytest.mark.parametrize("after", sorted(SPEECH))
@pytest.mark.parametrize("before", sorted(SPEECH))
def test_a_device_that_is_changed_for_one_of_another_format_is_found_again(before: int, after: int) -> None:
    decoder = Decoder()
    decoder.feed(SPEECH[before])
    later = decoder.feed(SPEECH[after] * 40)
    assert decoder.form == after
    assert numbers(later) == {("spo2", 97.0), ("pulse_rate", 72.0)}


def test_a_stranger_is_reported_every_two_seconds() -> None:
    events = Decoder().feed(bytes([0x55]) * 2400)
    assert [event.code for event in events if isinstance(event, Trouble)] == ["resync"] * 3
    assert "formats 1, 2, 7, 8 and 13" in str(events[0])


def test_an_answer_is_heard_while_the_format_is_looked_for() -> None:
    clock = bytes.fromhex("02 f2 06 1a 0b 15 16 1e 00 03")
    events = Decoder().feed(CALM[:40] + clock + CALM[:50] + CALM * 2)
    assert events[0] == DeviceClock(datetime(2026, 11, 21, 22, 30))
    assert numbers(events) == {("spo2", 97.0), ("pulse_rate", 72.0)}


# --- the driver ---------------------------------------------------------------------------------------------------


async def listened(data: bytes, cable: Cable) -> list[Event]:
    """What the driver says of these bytes at the other end of a cable."""
    here, there = pipe(cable)
    events: list[Event] = []
    oximeter: Instrument = Oximeter()
    for start in range(0, len(data), 125):
        await there.write(data[start : start + 125])
    there.close()
    with pytest.raises(Unplugged):
        await oximeter.run(here, events.append)
    here.close()
    assert not here.dirty and not there.dirty
    return events


@pytest.mark.parametrize("cable", [cable for cable in CABLES.values() if not cable.loss])
async def test_the_driver_on_a_sound_cable(cable: Cable) -> None:
    data = CALM * 3 + EMPTY + CALM
    assert await listened(data, cable) == Format7().feed(data)


@pytest.mark.parametrize("seed", range(5))
async def test_the_driver_on_a_cable_that_loses_bytes(seed: int) -> None:
    events = await listened(CALM * 60, Cable(piece=20, loss=LOSSY.loss / 4, seed=seed))
    found = [event for event in events if isinstance(event, Reading)]
    assert {reading.value for reading in found} == {97.0, 72.0}
    assert 20 < len(found) < 120
    assert {"checksum", "lost-samples"} <= {event.code for event in events if isinstance(event, Trouble)}


@pytest.mark.parametrize(("form", "quiet"), [(1, 3.0), (2, 1.0), (7, 1.0), (8, 3.0), (13, None)])
async def test_the_driver_needs_no_start_and_its_silence_depends_on_the_format(
    form: int, quiet: float | None
) -> None:
    here, there = pipe()
    oximeter = Oximeter()
    assert (oximeter.kind, oximeter.protocol, oximeter.line.baud, oximeter.quiet_s) == (
        "oximeter",
        "nonin",
        9600,
        5.0,
    )
    await oximeter.start()
    heard = asyncio.Event()
    run = asyncio.create_task(oximeter.run(here, lambda _: heard.set()))
    await there.write(SPEECH[form])
    await heard.wait()
    assert oximeter.quiet_s == quiet
    await oximeter.stop()
    there.drop()
    with pytest.raises(Unplugged):
        await run


def test_after_a_long_silence_the_format_is_looked_for_anew() -> None:
    async def listened() -> list[Event]:
        here, there = pipe()
        events: list[Event] = []
        task = asyncio.create_task(Oximeter().run(here, events.append))
        await there.write(CALM * 3)
        await asyncio.sleep(2.5)
        await there.write(SPOT)
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return events

    told = [event.model for event in run(listened()) if isinstance(event, Identity)]
    assert told == ["Nonin, serial format 7", "Nonin, serial format 13"]


async def test_a_device_of_format_13_is_asked_for_its_clock_and_serial_and_no_other_is() -> None:
    here, there = pipe()
    events: list[Event] = []
    done = asyncio.Event()

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, DeviceClock):
            done.set()

    run = asyncio.create_task(Oximeter().run(here, emit))
    device = Oximeter13(Body(1))
    device.opened(0.0)
    device.fail("from-memory", True, 1.0)
    await there.write(b"".join(device.produce(1.0)))
    asked = await there.read()
    assert asked == GET_CLOCK + GET_SERIAL
    for answer in device.receive(asked, 2.0):
        await there.write(answer)
    await done.wait()
    there.drop()
    with pytest.raises(Unplugged):
        await run
    assert DeviceClock(datetime(2026, 11, 21, 22, 30, 2)) in events
    assert Identity("Nonin", serial="501234567") in events
    assert Trouble("unconfirmed", "whether a packet of format 13 must be acknowledged") in events
    stored = [event for event in events if isinstance(event, Reading)]
    assert len(stored) == 4
    assert all("from-memory" in reading.flags and reading.taken is not None for reading in stored)


# --- every fault of every model: nothing false --------------------------------------------------------------------

TRUE = {"spo2": (97.0, 97.0), "pulse_rate": (66.0, 80.0)}


def heard_of(device: Device, seconds: float, decoder: Decoder, start: float = 0.0) -> list[Event]:
    events: list[Event] = []
    for tick in range(int(seconds * 10) + 1):
        events += decoder.feed(b"".join(device.produce(start + tick / 10)))
    return events


MODEL_FAULTS = [
    (name, fault)
    for name, model in MODELS.items()
    if name.startswith("nonin")
    for fault in ("", "finger-out", *model.own_faults)
]


@pytest.mark.parametrize(("model", "fault"), MODEL_FAULTS)
def test_nothing_false_is_said_of_any_fault(model: str, fault: str) -> None:
    body, decoder = Body(1), Decoder()
    device = MODELS[model](body)
    device.opened(0.0)
    events = heard_of(device, 25.0, decoder)
    assert {quantity for quantity, _ in numbers(events)} == set(TRUE)
    if fault == "finger-out":
        body.change(25.0, {"finger_in": False})
    elif fault:
        device.fail(fault, True, 25.0)
    during = heard_of(device, 20.0, decoder, 25.1)
    current = [e for e in events + during if isinstance(e, Reading) and "from-memory" not in e.flags]
    for reading in current:
        low, high = TRUE[reading.quantity]
        assert isinstance(reading.value, NoValue) or low <= reading.value <= high
    if fault in ("finger-out", "sensor-disconnected", "held-display"):
        assert not numbers(during), "a value without a finger"
    if fault == "from-memory":
        assert numbers(during) == {("spo2", 88.0), ("spo2", 91.0), ("pulse_rate", 121.0), ("pulse_rate", 58.0)}
    if fault == "low-battery" and model != "nonin-df13":
        assert any("low-battery" in reading.flags for reading in during if isinstance(reading, Reading))


# --- the maker's vectors ------------------------------------------------------------------------------------------

FLAG = {
    "green perfusion": {"pulse"},
    "red perfusion": {"pulse", "low-perfusion"},
    "yellow perfusion": {"pulse", "marginal-perfusion"},
    "sensor alarm": {"finger-out"},
    "out of track": {"out-of-track"},
    "artifact": {"artifact"},
    "sensor disconnect": {"sensor-disconnected"},
}
COLOUR = {"-": set(), "green": {"pulse"}, "red": {"pulse", "low-perfusion"}}
NOT_READ = {
    "srev", "timer", "stat2", "spo2_d", "spo2_fast", "spo2_bb", "e_hr", "e_spo2", "e_spo2_d", "hr_d", "e_hr_d",
    "note", "meaning", "rule", "command", "reply",
}  # fmt: skip
"""What a record says beside: averages that are never recorded, and words for the reader."""


def value_of(events: list[Event], quantity: str) -> Any:
    return [event.value for event in events if isinstance(event, Reading) and event.quantity == quantity][-1]


def heard_from(vector: Vector) -> list[Event]:
    """Its bytes through its format's decoder; a lone frame is said until it is believed, as a device does."""
    name = "nonin-" + vector.ident.split("-")[1]
    if name == "nonin-9560":
        return DECODERS["nonin"]().feed(vector.data)
    times = {3: 5, 4: 5}.get(len(vector.data), 1)
    data = vector.data * times
    if name == "nonin-df2" and len(vector.data) == 5:
        # A frame is believed only beside a SYNC.
        data = encode_frame(0x81, 1, 0, FORMAT_2) + vector.data
    decoder = DECODERS[name]()
    events = decoder.feed(data)
    return events + (decoder.flush() if isinstance(decoder, Format7) else [])


def check_expectation(vector: Vector, key: str, expected: Any, events: list[Event]) -> None:
    waves = [event for event in events if isinstance(event, Wave)]
    readings = [event for event in events if isinstance(event, Reading)]
    alarmed = any(vector.expect.get(name) for name in ("sensor_alarm", "out_of_track", "sensor_disconnect"))
    match key:
        case "hr" | "spo2" if alarmed or expected in (511, 127):
            assert isinstance(value_of(events, "pulse_rate" if key == "hr" else "spo2"), NoValue)
        case "hr":
            assert value_of(events, "pulse_rate") == expected
        case "spo2":
            assert value_of(events, "spo2") == expected
        case "spo2_d" if vector.ident.startswith("nonin-df8"):
            assert value_of(events, "spo2") == (NoValue("finger-out") if alarmed else expected)
        case "pleth":
            assert [value for wave in waves for (value,) in wave.samples] == expected
        case "pleth_all":
            assert {value for wave in waves for (value,) in wave.samples} == {expected}
        case "perfusion":
            assert [wave.flags for wave in waves for _ in wave.samples] == [COLOUR[colour] for colour in expected]
        case "frames_after_resync":
            assert not waves, "two frames without a SYNC are not believed yet"
            later = DECODERS["nonin-df7"]().feed(vector.data + CALM)
            assert sum(len(wave.samples) for wave in later if isinstance(wave, Wave)) == expected + 25
        case "flag":
            assert FLAG[expected] <= set(waves[-1].flags)
        case "reject":
            assert not waves and not readings
        case "sensor_alarm" | "out_of_track" | "sensor_disconnect" | "low_perfusion" | "smartpoint":
            word = {"sensor_alarm": "finger-out", "sensor_disconnect": "sensor-disconnected"}
            assert (word.get(key) or key.replace("_", "-")) in readings[-1].flags
        case "no_measurement" | "from_memory" | "low_battery":
            assert (key.replace("_", "-") in readings[-1].flags) is expected
        case "time" if vector.ident == "nonin-9560-time-reply":
            assert events == [DeviceClock(datetime.fromisoformat(expected))]
        case "time":
            assert readings[-1].taken == datetime.fromisoformat(expected)
        case _:
            assert key in NOT_READ, f"{vector.ident}: nobody knows what {key} means"


COMMANDS = {
    "nonin-9560-set-time": encode_clock(datetime(2050, 12, 31, 14, 30, 15)),
    "nonin-9560-get-time": GET_CLOCK,
    **{f"nonin-9560-select-format-{form}": encode_format(form) for form in (2, 7, 8, 13)},
}


def test_every_record_of_the_maker(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "nonin.txt")
    assert len(vectors) == 29
    for vector in vectors:
        if vector.direction == "host->device":
            assert COMMANDS[vector.ident] == vector.data
            answers = b"".join(Oximeter13(Body(1)).receive(vector.data, 1.0))
            assert decode_answer(answers) in ("done", DeviceClock(datetime(2026, 11, 21, 22, 30, 1)))
            continue
        events = heard_from(vector)
        for key, expected in vector.expect.items():
            check_expectation(vector, key, expected, events)
