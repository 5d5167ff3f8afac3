"""Contec oximeters: both generations by their bytes, on every cable, through a keeper, and the maker's vectors."""
# ruff: noqa: DTZ001 - the clocks of devices have no zone

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DECODERS
from drivers.contec import LINES, Decoder, Oximeter
from drivers.contec_live import EVERY, RATE
from drivers.contec_old import (
    BACK_TO_LIVE,
    DOWNLOAD,
    NO_FINGER,
    POINT,
    PREAMBLE,
    PROBE_ERROR,
    PROOF,
    SEARCHING,
    Old,
    encode_frame,
    encode_length,
    encode_point,
    read_frame,
    stored_bytes,
)
from drivers.contec_v7 import (
    ASK_ID,
    ASK_PI,
    KEEP_ALIVE,
    MODEL,
    START,
    STOP,
    V7,
    Packet,
    decode_packet,
    encode_clock,
    encode_command,
    encode_packet,
    read_live,
    storage_length,
)
from drivers.errors import OtherLine, Unplugged
from drivers.events import Event, Identity, NoValue, Reading, Trouble, Wave
from drivers.keeper import Keeper
from drivers.link import LinkState
from drivers.pipe import CABLES, Cable, pipe
from simulators.body import Body
from simulators.contec import OximeterOld, OximeterV7
from simulators.device import Clock, Device
from simulators.rack import MODELS
from simulators.station import Station
from simulators.wire import Pty
from tests.nonin_packets import CALM, EMPTY
from tests.nonin_packets import FORMAT_2 as CALM_2
from tests.protocol_vectors import Vector, read_vectors

NORMAL, FINGER_OUT = bytes.fromhex("01 80 c5 c0 87 cb e2 de 81"), bytes.fromhex("01 e9 80 c0 90 ff ff ff ff")
SEARCH = bytes.fromhex("01 ea 90 a0 80 ff ff ff ff")
"""75 /min, 98 %, 3.50 %; nothing without a finger; nothing while searching (sheet section 5)."""
OLD_NORMAL, OLD_OUT = bytes.fromhex("c4 2a 05 48 61"), bytes.fromhex("90 00 20 00 00")
"""72 /min, 97 %; no finger."""


def of(events: list[Event], quantity: str) -> list[Any]:
    return [event.value for event in events if isinstance(event, Reading) and event.quantity == quantity]


def codes(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Trouble)]


def samples(events: list[Event]) -> list[float]:
    return [value for event in events if isinstance(event, Wave) for (value,) in event.samples]


# --- V7.0 ---------------------------------------------------------------------------------------------------------


def test_a_packet_carries_bit_7_of_its_data_in_its_second_byte() -> None:
    assert encode_packet(0x01, bytes((0x45, 0x40, 0x07, 75, 98, 0x5E, 0x01))) == NORMAL
    assert decode_packet(FINGER_OUT) == Packet(0x01, bytes.fromhex("80 40 10 ff 7f ff ff"))


@given(st.integers(0, 0x7F), st.binary(max_size=7))
def test_every_packet_comes_back(kind: int, data: bytes) -> None:
    raw = encode_packet(kind, data)
    assert raw[0] < 0x80 and all(byte & 0x80 for byte in raw[1:])
    assert decode_packet(raw) == Packet(kind, data)


def test_live_packets_make_a_wave_and_values() -> None:
    events = V7().feed(NORMAL * 60)
    assert events[0] == Identity(MODEL)
    waves = [event for event in events if isinstance(event, Wave)]
    assert {(wave.stream, wave.rate, wave.unit, wave.flags) for wave in waves} == {
        ("pleth", RATE, "1", frozenset({"pulse"}))
    }
    assert [wave.index for wave in waves] == [*range(0, 60, 4)]
    assert samples(events) == [64.0] * 60
    assert of(events, "spo2") == [98.0] * 3
    assert of(events, "pulse_rate") == [75.0] * 3
    assert of(events, "perfusion_index") == [3.5] * 3


@pytest.mark.parametrize(
    ("packet", "why"), [(FINGER_OUT, "finger-out"), (SEARCH, "out-of-track")], ids=["finger-out", "searching"]
)
def test_no_finger_and_no_pulse_are_said_at_once(packet: bytes, why: Any) -> None:
    events = V7().feed(NORMAL * 5 + packet * 2)
    assert of(events, "spo2")[-1] == of(events, "pulse_rate")[-1] == NoValue(why)
    assert len(of(events, "perfusion_index")) == 1


@pytest.mark.parametrize(
    ("pulse", "spo2", "index", "said"),
    [
        (0xFF, 98, 350, (98.0, NoValue("missing"), [3.5])),
        (75, 0x7F, 350, (NoValue("missing"), 75.0, [3.5])),
        (75, 98, 0xFFFF, (98.0, 75.0, [])),
        (75, 98, 2201, (98.0, 75.0, [])),
        (75, 98, 2200, (98.0, 75.0, [22.0])),
        (24, 98, 0, (98.0, NoValue("out-of-range"), [0.0])),
        (25, 100, 0, (100.0, 25.0, [0.0])),
        (251, 0, 0, (NoValue("out-of-range"), NoValue("out-of-range"), [0.0])),
    ],
)
def test_every_sentinel_and_limit(pulse: int, spo2: int, index: int, said: tuple[object, object, object]) -> None:
    packet = encode_packet(0x01, bytes((5, 64, 7, pulse, spo2)) + index.to_bytes(2, "little"))
    events = V7().feed(packet * 2)
    assert (of(events, "spo2")[0], of(events, "pulse_rate")[0], of(events, "perfusion_index")) == said


def test_an_invalid_index_is_none_and_an_impossible_packet_is_refused() -> None:
    assert of(V7().feed(encode_packet(1, bytes((5, 64, 0x17, 75, 98, 94, 1))) * 2), "perfusion_index") == []
    for data in ((5, 64, 0x27, 75, 98, 94, 1), (5, 64, 7, 75, 101, 94, 1), (5, 64, 7, 75, 126, 94, 1)):
        assert read_live(bytes(data)) is None
        assert codes(V7().feed(encode_packet(1, bytes(data)))) == ["malformed"]


def test_a_number_that_stands_alone_is_not_said() -> None:
    odd = encode_packet(0x01, bytes((5, 64, 7, 75, 90, 94, 1)))
    for place in range(2, 2 * EVERY):
        assert set(of(V7().feed(NORMAL * place + odd + NORMAL * 60), "spo2")) == {98.0}
    assert of(V7().feed(NORMAL * 20 + odd * 30), "spo2")[-1] == 90.0


@pytest.mark.parametrize("at", range(9))
def test_a_lost_byte_costs_two_packets_at_most_and_no_value_is_false(at: int) -> None:
    stream = NORMAL * 40
    decoder = V7()
    events = decoder.feed(stream[: 180 + at] + stream[181 + at :]) + decoder.flush()
    assert codes(events) == ["malformed", "lost-samples"]
    assert len(samples(events)) >= 38
    assert set(of(events, "spo2")) == {98.0}
    assert set(of(events, "pulse_rate")) == {75.0}


def test_what_comes_out_of_the_memory_says_so_and_when() -> None:
    date = encode_packet(0x07, bytes((0, 0, 20, 26, 11, 21)))
    time = encode_packet(0x12, bytes((0, 0, 22, 30, 5, 0)))
    # The layout of both is unconfirmed: time of day is read where the document's other packets have their data.
    stored = encode_packet(0x0F, bytes((97, 72, 96, 73, 0x7F, 0xFF)))
    events = V7().feed(date + time + stored)
    readings = [event for event in events if isinstance(event, Reading)]
    assert [event.value for event in readings] == [97.0, 72.0, 96.0, 73.0, NoValue("missing"), NoValue("missing")]
    assert {event.flags for event in readings} == {frozenset({"from-memory"})}
    assert [event.taken for event in readings][::2] == [
        datetime(2026, 11, 21, 22, 30, second) for second in (5, 6, 7)
    ]
    assert V7().feed(stored) == [], "a recording begins with its date and its time"


def test_the_identifier_is_said_when_the_line_is_believed() -> None:
    named = encode_packet(0x04, b"CMS50D+")
    assert V7().feed(named) == []
    events = V7().feed(NORMAL * 2 + named * 2)
    assert [event for event in events if isinstance(event, Identity)] == [
        Identity(MODEL),
        Identity(MODEL, serial="CMS50D+"),
    ]


def test_a_refused_command_and_the_end_of_a_session_are_said() -> None:
    events = V7().feed(bytes.fromhex("0b 81 b6 85 0d 80 81 0b 81 b1 80 0c 80 0d 80 82"))
    assert events == [
        Trouble("refused", "command B6: not supported"),
        Trouble("refused", "the oximeter ended the session: it was shut down"),
        Trouble("refused", "the oximeter ended the session: its user was changed"),
    ]


# --- the old protocol ---------------------------------------------------------------------------------------------


def test_an_old_line_is_believed_after_a_third_of_a_second() -> None:
    assert Old().feed(OLD_NORMAL * (PROOF - 1)) == []
    events = Old().feed(OLD_NORMAL * 60)
    assert of(events, "spo2") == [97.0] * 3
    assert of(events, "pulse_rate") == [72.0] * 3
    assert samples(events) == [42.0] * 60


@pytest.mark.parametrize(
    ("first", "third", "why"),
    [
        (NO_FINGER, 0, "finger-out"),
        (0, PROBE_ERROR, "sensor-disconnected"),
        (0, SEARCHING, "out-of-track"),
    ],
)
def test_no_number_counts_beside_a_word_of_the_device(first: int, third: int, why: Any) -> None:
    frame = encode_frame(4, 42, 5, 72, 97, first=first, third=third)
    events = Old().feed(OLD_NORMAL * 30 + frame * 2)
    assert of(events, "spo2")[-1] == of(events, "pulse_rate")[-1] == NoValue(why)


def test_zero_is_no_value_in_the_old_protocol() -> None:
    events = Old().feed(encode_frame(4, 42, 5, 0, 0) * 30)
    assert of(events, "spo2")[0] == of(events, "pulse_rate")[0] == NoValue("missing")


@pytest.mark.parametrize("at", range(5))
def test_a_lost_byte_of_the_old_protocol_makes_no_value(at: int) -> None:
    stream = OLD_NORMAL * 80
    decoder = Old()
    events = decoder.feed(stream[: 150 + at] + stream[151 + at :]) + decoder.flush()
    assert codes(events) == ["malformed", "lost-samples"]
    assert len(samples(events)) >= 78
    assert (set(of(events, "spo2")), set(of(events, "pulse_rate"))) == ({97.0}, {72.0})


def test_a_recording_is_from_the_memory_and_live_goes_on_after_it() -> None:
    points = [encode_point(68, 95), encode_point(144, 96), encode_point(0, 0)]
    events = Old().feed(OLD_NORMAL * 25 + encode_length(3) + b"".join(points) + OLD_NORMAL * 25)
    stored = [event for event in events if isinstance(event, Reading) and "from-memory" in event.flags]
    assert [event.value for event in stored] == [95.0, 68.0, 96.0, 144.0, NoValue("missing"), NoValue("missing")]
    live = [event for event in events if isinstance(event, Reading) and "from-memory" not in event.flags]
    assert {event.value for event in live} == {97.0, 72.0}
    assert not isinstance(events[-1], Trouble)


# --- which generation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "decoder"), [(NORMAL * 60, V7), (OLD_NORMAL * 60, Old)])
def test_the_generation_is_found_by_its_bytes(data: bytes, decoder: type[V7] | type[Old]) -> None:
    both = Decoder()
    assert both.feed(data) == decoder().feed(data)
    assert both.generation is decoder


@pytest.mark.parametrize("other", [CALM * 40, EMPTY * 40, CALM_2 * 40, bytes(4000), b"+CREG: 0,1\r\n" * 400])
def test_what_is_no_contec_is_never_believed(other: bytes) -> None:
    both = Decoder()
    events = both.feed(other)
    assert both.generation is None
    assert set(codes(events)) == {"resync"} and len(events) == len(other) // 1024


def test_random_bytes_are_never_a_reading() -> None:
    chance = random.Random(7)
    for decoder in (V7(), Old()):
        events = decoder.feed(chance.randbytes(100_000))
        assert not [event for event in events if isinstance(event, Reading)] and not samples(events)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    return (data[a:b] for a, b in pairwise([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]))


@pytest.mark.parametrize("name", ["contec", "contec-v7", "contec-old"])
@given(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from([NORMAL * 9, FINGER_OUT * 3, OLD_NORMAL * 30, encode_length(2), OLD_OUT * 5]), max_size=8
    ),
    st.lists(st.integers(0, 2000)),
)
def test_any_cut_gives_the_same_events(name: str, soup: bytes, said: list[bytes], cuts: list[int]) -> None:
    data = b"".join(said[:4]) + soup + b"".join(said[4:])
    decoder = DECODERS[name]()
    assert [event for piece in pieces(data, cuts) for event in decoder.feed(piece)] == DECODERS[name]().feed(data)


# --- the driver ---------------------------------------------------------------------------------------------------


class Heard:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, enough: Callable[[list[Event]], object]) -> None:
        async with asyncio.timeout(10):
            while not enough(self.events):
                self._more.clear()
                await self._more.wait()


@pytest.mark.parametrize("cable", [cable for cable in CABLES.values() if not cable.loss])
async def test_the_new_one_is_stopped_named_and_begun(cable: Cable) -> None:
    here, there = pipe(cable)
    heard, device = Heard(), OximeterV7(Body(1))
    run = asyncio.create_task(Oximeter().run(here, heard.emit))
    asked = b""
    while len(asked) < 27:
        asked += await there.read()
    assert asked == encode_command(STOP) + encode_command(ASK_ID) + encode_command(START)
    for frame in [*device.receive(asked, 20.0), *device.produce(22.0)]:
        await there.write(frame)
    await heard.until(lambda events: of(events, "spo2"))
    assert isinstance(heard.events[0], Trouble) and heard.events[0].code == "unconfirmed"
    there.drop()
    with pytest.raises(Unplugged):
        await run


@pytest.mark.parametrize("seed", range(3))
async def test_no_value_is_false_on_a_cable_that_loses_bytes(seed: int) -> None:
    for device, begin in ((OximeterV7(Body(1)), encode_command(START)), (OximeterOld(Body(1)), b"")):
        here, there = pipe(Cable(piece=20, loss=0.002, seed=seed))
        device.opened(20.0)
        device.receive(begin, 20.0)
        heard, oximeter = Heard(), Oximeter()
        for frame in device.produce(40.0):
            await there.write(frame)
        there.close()
        with pytest.raises(Unplugged):
            await oximeter.run(here, heard.emit)
        assert set(of(heard.events, "spo2")) == {97.0}
        assert len(of(heard.events, "spo2")) > 20
        assert "lost-samples" in codes(heard.events)


async def test_what_says_nothing_is_tried_with_the_other_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.contec.PROBE_S", 0.05)
    oximeter = Oximeter()
    for tried in (*LINES, *LINES):
        assert oximeter.line == tried
        here, there = pipe()
        with pytest.raises(OtherLine):
            await oximeter.run(here, lambda _: None)
        # The old line gets no command of the new protocol.
        there.peer.close()
        asked = b"".join([await there.read() for _ in range(3)]) if tried == LINES[0] else b""
        assert len(asked) == (27 if tried == LINES[0] else 0)


async def test_it_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.contec.KEEP_ALIVE_S", 0.02)
    here, there = pipe()
    heard = Heard()
    run = asyncio.create_task(Oximeter().run(here, heard.emit))
    await there.write(NORMAL * 10)
    asked = b""
    async with asyncio.timeout(5):
        while encode_command(KEEP_ALIVE) * 2 not in asked:
            asked += await there.read()
    there.drop()
    with pytest.raises(Unplugged):
        await run


class Port:
    """A simulated device on a pseudo-terminal, twenty times faster than life, and a keeper on it."""

    def __init__(self, path: Path, generation: str) -> None:
        body = Body(1)
        self.station = Station(MODELS[generation](body), partial(Pty, path), body, Clock(20.0))
        self.heard, self.states = Heard(), list[LinkState]()
        self._changed = asyncio.Event()
        self.keeper = Keeper("one", str(path), Oximeter(), self._event, self._state, accept_simulated=True)
        self._tasks = [asyncio.create_task(self.keeper.run()), asyncio.create_task(self._tick())]

    def _event(self, _name: str, event: Event, _at: float) -> None:
        self.heard.emit(event)

    def _state(self, _name: str, state: LinkState, _reason: str) -> None:
        self.states.append(state)
        self._changed.set()

    async def _tick(self) -> None:
        while True:
            self.station.tick()
            await asyncio.sleep(0.01)

    async def until(self, state: LinkState) -> None:
        async with asyncio.timeout(10):
            while self.keeper.state is not state:
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.station.unplug()


@pytest.mark.parametrize("generation", ["contec-v7", "contec-old"])
async def test_a_keeper_finds_either_generation_and_finds_it_again(
    tmp_path: Path, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.contec.PROBE_S", 0.2)
    port = Port(tmp_path / "oximeter", generation)
    silence = port.station.fault_of("oximeter", "silence")
    port.station.plug()
    await port.heard.until(lambda events: 97.0 in of(events, "spo2"))
    assert port.keeper.state is LinkState.READY
    port.station.apply(silence)
    await port.until(LinkState.STALE)
    port.station.clear(silence)
    await port.until(LinkState.READY)
    port.station.unplug()
    await port.until(LinkState.ABSENT)
    port.heard.events.clear()
    port.station.plug()
    await port.heard.until(lambda events: 97.0 in of(events, "spo2"))
    await port.close()
    assert LinkState.FAILED not in port.states
    assert set(of(port.heard.events, "spo2")) <= {97.0, NoValue("out-of-track")}


# --- every fault: nothing false -----------------------------------------------------------------------------------

FAULTS = [
    (name, fault) for name in ("contec-v7", "contec-old") for fault in ("", "finger-out", *MODELS[name].own_faults)
]


def spoken(device: Device, decoder: Decoder, begin: float, seconds: float) -> list[Event]:
    return [
        event
        for tick in range(int(seconds * 20) + 1)
        for event in decoder.feed(b"".join(device.produce(begin + tick / 20)))
    ]


@pytest.mark.parametrize(("model", "fault"), FAULTS)
def test_nothing_false_is_said_of_any_fault(model: str, fault: str) -> None:
    body, decoder = Body(1), Decoder()
    device = MODELS[model](body)
    device.opened(20.0)
    device.receive(encode_command(START), 20.0)
    before = spoken(device, decoder, 20.0, 5.0)
    assert 97.0 in of(before, "spo2")
    if fault == "finger-out":
        body.change(25.0, {"finger_in": False})
    elif fault:
        device.fail(fault, True, 25.0)
    during = spoken(device, decoder, 25.1, 6.0)
    live = [event for event in during if isinstance(event, Reading) and "from-memory" not in event.flags]
    for reading in live:
        low, high = {"spo2": (97, 97), "pulse_rate": (64, 80), "perfusion_index": (3, 3)}[reading.quantity]
        assert isinstance(reading.value, NoValue) or low <= reading.value <= high
    values = [reading.value for reading in live if not isinstance(reading.value, NoValue)]
    assert bool(values) is (fault in ("", "low-perfusion", "from-memory", "no-perfusion-index"))
    if fault == "from-memory":
        stored = [event for event in during if isinstance(event, Reading) and "from-memory" in event.flags]
        assert {event.value for event in stored} == {88.0, 87.0, 121.0, 122.0}
    if fault == "shutdown":
        assert codes(during) == ["refused"]


# --- the maker's vectors ------------------------------------------------------------------------------------------

COMMANDS = {
    "contec7-cmd-a1": encode_command(START),
    "contec7-cmd-a2": encode_command(STOP),
    "contec7-cmd-af": encode_command(KEEP_ALIVE),
    "contec7-cmd-aa": encode_command(ASK_ID),
    "contec7-cmd-ac": encode_command(ASK_PI),
    "contec7-cmd-b1": encode_clock(datetime(2026, 11, 21, 22, 30, 5))[9:],
    "contec7-cmd-b2": encode_clock(datetime(2026, 11, 21, 22, 30, 5))[:9],
    "contec-old-start-download": DOWNLOAD,
    "contec-old-back-to-live": BACK_TO_LIVE,
}
TROUBLE = {
    "device shut down": Trouble("refused", "the oximeter ended the session: it was shut down"),
    "not supported": Trouble("refused", "command B6: not supported"),
}


def heard_from(vector: Vector) -> list[Event]:
    """Its bytes through its decoder; a lone live message is said until it is believed, as a device does."""
    if vector.ident == "contec-old-recorded-point":
        return DECODERS["contec-old"]().feed(encode_length(1) + vector.data)
    if "-rt-" in vector.ident:
        return DECODERS["contec-v7"]().feed(vector.data * 4)
    if vector.ident == "contec-old-download-preamble":
        return DECODERS["contec-old"]().feed(vector.data + encode_point(68, 95) * vector.expect["points"])
    if vector.ident.startswith("contec-old"):
        return DECODERS["contec-old"]().feed(vector.data * PROOF)
    return DECODERS["contec-v7"]().feed(vector.data)


def check_expectation(vector: Vector, key: str, expected: Any, events: list[Event]) -> None:
    v7 = vector.ident.startswith("contec7")
    wave = next((event for event in events if isinstance(event, Wave)), None)
    live = None if wave is None else read_live(decode_packet(vector.data).data) if v7 else read_frame(vector.data)
    match key:
        case "pulse" | "spo2" if not expected:
            assert isinstance(of(events, "pulse_rate" if key == "pulse" else "spo2")[0], NoValue)
        case "pulse":
            assert of(events, "pulse_rate")[0] == expected
        case "spo2":
            assert of(events, "spo2")[0] == expected
        case "pi_percent":
            assert of(events, "perfusion_index") == [expected]
        case "pi" | "pi_invalid":
            assert bool(of(events, "perfusion_index")) is (expected is False)
        case "waveform":
            assert live is not None and live.wave == expected
        case "signal":
            assert live is not None and live.signal == expected
        case "beep":
            assert live is not None and "pulse" in live.flags
        case "bar":
            assert (decode_packet(vector.data).data[2] if v7 else vector.data[2]) & 0x0F == expected
        case "probe_error" | "finger_out":
            assert of(events, "spo2") == [NoValue("finger-out")]
        case "searching":
            assert isinstance(of(events, "spo2")[0], NoValue)
        case "search_too_long":
            assert live is not None and "search-too-long" in live.flags
        case "reason":
            assert events == [TROUBLE[expected]]
        case "command":
            assert expected == "0xB6" and "B6" in str(events[0])
        case "type":
            assert decode_packet(vector.data).kind == vector.data[0] and not wave
        case "length" if vector.ident == "contec7-storage-length":
            assert storage_length(decode_packet(vector.data)) == expected
        case "length" if vector.ident == "contec7-free-feedback":
            assert events == [] and len(vector.data) == expected
        case "preamble":
            assert vector.data.startswith(PREAMBLE)
        case "length":
            assert stored_bytes(vector.data[-POINT:]) == expected
        case "points":
            assert len(of(events, "spo2")) == expected
        case _:
            raise AssertionError(f"{vector.ident}: nobody knows what {key} means")


def test_every_record_of_the_maker(maker_vectors: Path) -> None:
    vectors = read_vectors(maker_vectors / "contec.txt")
    assert len(vectors) == 22
    for vector in vectors:
        if vector.direction == "host->device":
            assert COMMANDS[vector.ident] == vector.data
            device: Device = OximeterOld(Body(1)) if "old" in vector.ident else OximeterV7(Body(1))
            answers = b"".join(device.receive(vector.data, 1.0))
            assert not [code for code in codes(DECODERS["contec-v7"]().feed(answers)) if code == "refused"]
            continue
        events = heard_from(vector)
        for key, expected in vector.expect.items():
            check_expectation(vector, key, expected, events)
