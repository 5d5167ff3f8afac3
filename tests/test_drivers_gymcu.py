"""The thermometer: documented frames, limits, a dead sensor, and the driver on every kind of cable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import gymcu as driver
from drivers.errors import DriverError, Unplugged
from drivers.events import Event, NoValue, Reading, Trouble
from drivers.gymcu import COMMANDS, STUCK, UNCONFIRMED, Decoder, FastThermometer, Thermometer, encode, encode_frame
from drivers.instrument import Instrument
from drivers.pipe import CABLES, LOSSY, Cable, pipe
from simulators import gymcu
from simulators.body import Body
from tests.protocol_vectors import read_vectors

EXAMPLE = bytes.fromhex("5A 5A 45 04 0C 78 0D 19 A7")
"""Printed by the seller: object 31.92, ambient 33.53."""
FEVER = bytes.fromhex("5A 5A 45 04 0E D0 09 4C 30")
SKIN = bytes.fromhex("5A 5A 45 04 0D 84 09 6F 06")
COLD = bytes.fromhex("5A 5A 45 04 FD F3 FF 9C 88")
BAD_SUM = bytes.fromhex("5A 5A 45 04 0E 42 09 C4 1B")
ODD = frozenset({"ambient-out-of-range"})
DETAIL = {"mode": "object", "site": "forehead"}


def readings(events: list[Event]) -> list[Reading]:
    return [event for event in events if isinstance(event, Reading)]


def pair(seen: float | NoValue, room: float | NoValue, flags: frozenset[str] = frozenset()) -> list[Event]:
    return [
        Reading("temperature", seen, "Cel", flags, DETAIL),
        Reading("ambient_temperature", room, "Cel", flags),
    ]


@pytest.mark.parametrize(
    ("frame", "events"),
    [
        (EXAMPLE, pair(31.92, 33.53)),
        (FEVER, pair(37.92, 23.80)),
        (SKIN, pair(34.60, 24.15)),
        (COLD, pair(NoValue("out-of-range"), -1.0, ODD)),
        (encode_frame(-27315, -27315), pair(NoValue("device-error"), NoValue("device-error"), ODD)),
        (BAD_SUM, [Trouble("checksum")]),
    ],
)
def test_vectors(frame: bytes, events: list[Event]) -> None:
    assert Decoder().feed(frame) == events


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("continuous", "A5 45 EA"),
        ("one", "A5 15 BA"),
        ("9600", "A5 AE 53"),
        ("115200", "A5 AF 54"),
        ("send-at-power-up", "A5 51 F6"),
        ("silent-at-power-up", "A5 52 F7"),
    ],
)
def test_commands(name: str, data: str) -> None:
    assert encode(name) == bytes.fromhex(data)


def test_no_command_is_left_untested() -> None:
    assert len(COMMANDS) == 6


@pytest.mark.parametrize(
    ("frame", "seen", "room"),
    [(EXAMPLE, 3192, 3353), (FEVER, 3792, 2380), (SKIN, 3460, 2415), (COLD, -525, -100)],
)
def test_frames_are_encoded_as_the_sheet_prints_them(frame: bytes, seen: int, room: int) -> None:
    assert encode_frame(seen, room) == frame


@pytest.mark.parametrize(
    ("seen", "value"),
    [
        (0, 0.0),
        (5000, 50.0),
        (-1, NoValue("out-of-range")),
        (5001, NoValue("out-of-range")),
        (32767, NoValue("out-of-range")),
        (-32768, NoValue("out-of-range")),
    ],
)
def test_what_cannot_be_a_face_is_no_value(seen: int, value: float | NoValue) -> None:
    assert Decoder().feed(encode_frame(seen, 2200)) == pair(value, 22.0)


@pytest.mark.parametrize(("room", "odd"), [(999, True), (1000, False), (4000, False), (4001, True)])
def test_in_a_room_that_the_sensor_is_not_made_for_no_face_is_believed(room: int, odd: bool) -> None:
    told = pair(NoValue("out-of-range"), room / 100, ODD) if odd else pair(35.0, room / 100)
    assert Decoder().feed(encode_frame(3500, room)) == told


@pytest.mark.parametrize(("room", "broken"), [(-4001, True), (-4000, False), (12500, False), (12501, True)])
def test_a_room_that_no_sensor_can_stand_is_a_broken_sensor(room: int, broken: bool) -> None:
    seen, around = readings(Decoder().feed(encode_frame(3500, room)))
    assert seen.value == NoValue("device-error" if broken else "out-of-range")
    assert around.value == (NoValue("device-error") if broken else room / 100)


def test_the_site_is_what_it_was_told() -> None:
    assert readings(Decoder("wrist").feed(SKIN))[0].detail == {"mode": "object", "site": "wrist"}


def test_a_value_that_never_moves_is_a_dead_sensor_until_it_moves() -> None:
    decoder = Decoder()
    assert len(readings(decoder.feed(SKIN * (STUCK - 1)))) == 2 * (STUCK - 1)
    (stuck,) = decoder.feed(SKIN)
    assert isinstance(stuck, Trouble) and stuck.code == "malformed" and "stuck" in stuck.detail
    assert decoder.feed(SKIN * (STUCK - 1)) == []
    assert [type(event) for event in decoder.feed(SKIN)] == [Trouble], "said again, not at every frame"
    assert decoder.feed(FEVER) == pair(37.92, 23.80)
    assert decoder.feed(SKIN) == pair(34.60, 24.15)


def test_two_values_that_alternate_are_alive() -> None:
    assert len(readings(Decoder().feed((SKIN + FEVER) * STUCK))) == 4 * STUCK


def test_a_bad_sum_costs_one_frame() -> None:
    events = Decoder().feed(SKIN + BAD_SUM + FEVER)
    assert events == [*pair(34.60, 24.15), Trouble("checksum"), *pair(37.92, 23.80)]


def test_a_frame_that_begins_inside_a_broken_one_is_found() -> None:
    assert Decoder().feed(SKIN[:6] + FEVER) == [Trouble("checksum"), *pair(37.92, 23.80)]
    assert Decoder().feed(b"\x5a" + FEVER)[-2:] == pair(37.92, 23.80)


def test_joined_in_the_middle_of_a_frame() -> None:
    assert Decoder().feed(SKIN[5:] + FEVER) == pair(37.92, 23.80)


def test_a_wrong_device_is_reported_about_once_a_second() -> None:
    events = Decoder().feed(bytes(126 * 3))
    assert [event.code for event in events if isinstance(event, Trouble)] == ["resync"] * 3


@given(st.lists(st.integers(0, 500)), st.lists(st.integers(0, 250), max_size=3))
def test_any_cut_gives_the_same_events(cuts: list[int], holes: list[int]) -> None:
    data = (SKIN + FEVER + BAD_SUM + COLD) * 5 + SKIN * 25
    for hole in holes:
        data = data[:hole] + data[hole + 2 :]
    decoder = Decoder()
    apart = [event for piece in pieces(data, cuts) for event in decoder.feed(piece)]
    assert apart == Decoder().feed(data)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    return (data[a:b] for a, b in pairwise([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]))


@given(st.binary(max_size=300))
def test_no_soup_raises_and_the_next_frames_are_found(soup: bytes) -> None:
    decoder = Decoder()
    decoder.feed(soup)
    assert decoder.feed(SKIN + FEVER + SKIN)[-4:] == pair(37.92, 23.80) + pair(34.60, 24.15)


async def listened(data: bytes, cable: Cable) -> list[Event]:
    """What the driver says of these bytes at the other end of a cable."""
    here, there = pipe(cable)
    events: list[Event] = []
    thermometer: Instrument = Thermometer()
    running = asyncio.create_task(thermometer.run(here, events.append))
    if not cable.loss:
        told = b""
        while len(told) < 3:
            told += await there.read()
        assert told == bytes.fromhex("A5 45 EA")
    for start in range(0, len(data), 9):
        await there.write(data[start : start + 9])
    there.close()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(running, 5)
    here.close()
    assert events[0] == Trouble("unconfirmed", UNCONFIRMED)
    return events[1:]


@pytest.mark.parametrize("cable", [cable for cable in CABLES.values() if not cable.loss])
async def test_the_driver_on_a_sound_cable(cable: Cable) -> None:
    data = SKIN + FEVER + BAD_SUM + COLD
    assert await listened(data, cable) == Decoder().feed(data)


@pytest.mark.parametrize("seed", range(5))
async def test_the_driver_on_a_cable_that_loses_bytes(seed: int) -> None:
    events = await listened((SKIN + FEVER) * 100, Cable(piece=4, loss=LOSSY.loss, seed=seed))
    seen = [reading.value for reading in readings(events) if reading.quantity == "temperature"]
    assert set(seen) == {34.60, 37.92}
    assert 120 < len(seen) < 200


async def test_start_asks_again_for_frames_and_needs_a_stream() -> None:
    here, there = pipe()
    thermometer = Thermometer()
    with pytest.raises(DriverError, match="not connected"):
        await thermometer.start()
    running = asyncio.create_task(thermometer.run(here, lambda _: None))
    assert await there.read() == encode("continuous")
    await thermometer.start()
    assert await there.read() == encode("continuous")
    await thermometer.stop()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(DriverError):
        await thermometer.start()
    here.close()
    there.close()
    assert not here.dirty and not there.dirty


COMMAND_OF = {
    "continuous output": "continuous",
    "query one reading": "one",
    "9600 baud (after power cycle)": "9600",
    "115200 baud (after power cycle)": "115200",
    "output at power-up on": "send-at-power-up",
    "output at power-up off": "silent-at-power-up",
}


def test_every_record_of_the_vector_file(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "gymcu90614.txt")
    assert len(vectors) == 11
    for vector in vectors:
        match vector.expect:
            case {"command": command}:
                assert vector.data == encode(COMMAND_OF[command])
            case {"reject": "checksum"}:
                assert Decoder().feed(vector.data) == [Trouble("checksum")]
            case {"object_C": seen, "ambient_C": room, **rest}:
                assert set(rest) <= {"checksum", "sum_ok"}
                face = 0 <= seen <= 50 and 10 <= room <= 40
                told = pair(seen, room) if face else pair(NoValue("out-of-range"), room, ODD)
                assert Decoder().feed(vector.data) == told
                assert encode_frame(round(seen * 100), round(room * 100)) == vector.data
            case other:
                raise AssertionError(f"{vector.ident} expects {other}")


def test_the_simulated_board_obeys_every_command_of_the_vector_file(maker_vectors: Path) -> None:
    commands = [
        each.data for each in read_vectors(maker_vectors / "gymcu90614.txt") if each.direction != "device->host"
    ]
    board = gymcu.Thermometer(Body(1))
    answers = {data[1]: board.receive(data, 1.0) for data in commands}
    assert [code for code, frames in answers.items() if frames] == [0x15]
    assert all(readings(Decoder().feed(frame)) for frame in answers[0x15])


def believed(board: gymcu.Thermometer, fault: str, seconds: float = 5.0) -> list[Reading]:
    """The face temperatures of a board with a fault that began before anybody looked."""
    board.receive(encode("continuous"), 0.0)
    board.fail(fault, True, 0.0)
    told = readings(Decoder().feed(b"".join(board.produce(seconds))))
    return [each for each in told if each.quantity == "temperature" and isinstance(each.value, float)]


@pytest.mark.parametrize("board", [gymcu.Thermometer, gymcu.FastThermometer])
def test_no_fault_of_a_board_gives_a_false_temperature(board: type[gymcu.Thermometer]) -> None:
    for fault in board.own_faults:
        told = believed(board(Body(1)), fault)
        assert len(told) == (STUCK - 1 if fault == "stuck-value" else 0), fault


def test_a_board_whose_fault_ends_is_believed_again() -> None:
    board, decoder = gymcu.Thermometer(Body(1)), Decoder()
    for at, fault in enumerate(board.own_faults):
        board.fail(fault, True, 10.0 * at)
        decoder.feed(b"".join(board.produce(10.0 * at + 5)))
        board.fail(fault, False, 10.0 * at + 5)
        told = readings(decoder.feed(b"".join(board.produce(10.0 * at + 10))))
        assert told[-2].value == pytest.approx(36.2, abs=0.2)


async def test_a_90615_is_silent_until_the_driver_asks() -> None:
    board = gymcu.FastThermometer(Body(1))
    board.opened(0.0)
    assert board.produce(1.0) == []
    here, there = pipe()
    events: list[Event] = []
    running = asyncio.create_task(FastThermometer().run(here, events.append))
    board.receive(await there.read(), 1.0)
    await there.write(b"".join(board.produce(2.0)))
    there.close()
    with pytest.raises(Unplugged):
        await running
    assert len(readings(events)) == 28
    assert (FastThermometer.line.baud, FastThermometer.protocol) == (115200, "gymcu90615")


async def test_a_board_that_did_not_hear_the_order_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "ASK_AGAIN_S", 0.01)
    board = gymcu.FastThermometer(Body(1))
    board.opened(0.0)
    here, there = pipe()
    events: list[Event] = []
    running = asyncio.create_task(FastThermometer().run(here, events.append))
    await there.read()
    board.receive(await there.read(), 1.0)
    await there.write(b"".join(board.produce(2.0)))
    there.close()
    with pytest.raises(Unplugged):
        await running
    assert len(readings(events)) == 28
