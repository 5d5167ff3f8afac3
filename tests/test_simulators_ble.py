"""The simulated Bluetooth instruments: their own encoders, their server, and drivers on the whole link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DRIVERS, ble_stream
from drivers.errors import DriverError, Unplugged
from drivers.events import DeviceClock, Event, Identity, NoValue, PressureResult, Reading, Trouble
from drivers.gatt import Decoder
from drivers.gatt_records import record
from drivers.keeper import Keeper, Pace
from drivers.link import LinkState
from drivers.overheard import Overheard
from drivers.pipe import CABLES, Cable, pipe
from drivers.stream import open_stream
from simulators import ble, ble_values
from simulators.ble_server import FAULTS, Server, message
from simulators.body import Body
from simulators.device import WrongUse
from simulators.physiology import Physiology
from simulators.rack import MODELS, Ready, run_rack
from tests.test_simulators_rack import switch

BEGAN = datetime(2026, 11, 21, 22, 30, 5)  # noqa: DTZ001
STAMP = ble_values.time(BEGAN)
TRUTH = {
    "ble-thermometer": ("temperature", 38.4),
    "ble-tensiometer": ("cuff", 142.0),
    "ble-oximeter": ("spo2", 94.0),
    "ble-scale": ("weight", 83.2),
}
BODY = Physiology(temperature=38.4, systolic=142, diastolic=91, spo2=94, weight=83.2)


# --- the encoders -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "bytes_of_the_sheet"),
    [
        (ble_values.temperature(36.7, STAMP, 2), "06 6F0100FF EA070B15161E05 02"),
        (
            ble_values.pressure((121, 79, 93), 68, STAMP),
            "1E 7900 4F00 5D00 EA070B15161E05 4400 01 0000",
        ),
        (ble_values.pressure(None, None, b"")[:7], "1C FF07 FF07 FF07"),
        (ble_values.weight(72.35, b"")[:3], "04 8638"),
        (ble_values.cuff_pressure(152), "00 9800 FF07 FF07"),
        (ble_values.heart_rate(72, [0.830078125, 0.849609375], contact=True), "16 48 5203 6603"),
    ],
)
def test_the_encoders_write_the_bytes_of_the_sheet(made: bytes, bytes_of_the_sheet: str) -> None:
    assert made == bytes.fromhex(bytes_of_the_sheet)


# --- the server, without a wire -----------------------------------------------------------------------------------


def device(kind: type[Server] = ble.Scale, *faults: str) -> Server:
    made = kind(Body(1), BEGAN)
    for fault in faults:
        made.fail(fault, wrong=True, now=0.0)
    made.opened(0.0)
    return made


def test_an_indication_waits_until_the_one_before_was_acknowledged() -> None:
    scale = device(ble.Scale, "old-readings-first")
    first = scale.receive(message(b"S", 0x2A9D), 0.0)
    assert [frame[:1] for frame in first] == [b"S", b"I"]
    assert scale.produce(1.0) == []
    told = [scale.receive(message(b"A", 0x2A9D), 30.0) for _ in range(3)]
    assert [len(frames) for frames in told] == [1, 1, 0]


def test_an_indication_that_nobody_acknowledged_is_sent_again() -> None:
    scale = device(ble.Scale, "old-readings-first")
    _, first = scale.receive(message(b"S", 0x2A9D), 0.0)
    assert [scale.produce(second) for second in (1.0, 2.5, 3.0, 5.0)] == [[], [first], [], [first]]
    (second,) = scale.receive(message(b"A", 0x2A9D), 5.5)
    assert second != first


def test_nothing_is_told_without_a_subscription() -> None:
    thermometer = device(ble.Thermometer)
    assert [frame for second in range(20) for frame in thermometer.produce(float(second))] == []


def test_what_it_does_not_have_is_an_error() -> None:
    scale = device()
    for request in (message(b"R", 0x2A00), message(b"S", 0x2A35), message(b"W", 0x2A9D, b"x")):
        (answer,) = scale.receive(request, 0.0)
        assert answer[:1] == b"E"


def test_a_broken_request_is_not_answered() -> None:
    scale = device()
    assert scale.receive(message(b"D")[:-1] + b"\x00\xff", 0.0) == []


@given(soup=st.lists(st.binary(max_size=60)), kind=st.sampled_from([ble.Thermometer, ble.Tensiometer, ble.Scale]))
def test_no_soup_breaks_an_instrument(soup: list[bytes], kind: type[Server]) -> None:
    made = device(kind)
    for number, piece in enumerate(soup):
        made.receive(piece, float(number))
        made.produce(float(number))
    assert len(made._pending) <= 64 + 60


# --- drivers on the whole link ------------------------------------------------------------------------------------


class Heard:
    """What some drivers say."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, enough: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not enough():
                self._more.clear()
                await self._more.wait()

    def values(self) -> list[tuple[str, float]]:
        """Every number that is told to be of now."""
        found: list[tuple[str, float | NoValue]] = []
        for event in self.events:
            if isinstance(event, Reading | PressureResult) and "from-memory" in event.flags:
                continue
            if isinstance(event, PressureResult):
                found.append(("cuff", event.systolic))
            elif isinstance(event, Reading):
                found.append((event.quantity, event.value))
        return [(name, value) for name, value in found if not isinstance(value, NoValue)]

    def count(self, quantity: str) -> int:
        return sum(name == quantity for name, _ in self.values())


@asynccontextmanager
async def rack(folder: Path, *protocols: str, **settings: Any) -> AsyncIterator[Ready]:
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    body = Body(1, BODY)
    task = asyncio.create_task(run_rack(folder, protocols, body, 40.0, ready=ready.set_result, **settings))
    try:
        yield await ready
    finally:
        await asyncio.gather(*ble_stream._CLOSING, return_exceptions=True)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def driven(folder: Path, *protocols: str, **settings: Any) -> AsyncIterator[dict[str, Heard]]:
    """Drivers on their simulated instruments, all at once."""
    async with rack(folder, *protocols, **settings) as ready:
        heard = {protocol: Heard() for protocol in protocols}
        drivers = {protocol: DRIVERS[protocol]() for protocol in protocols}
        streams = [await open_stream(ready.urls[name], drivers[name].line) for name in protocols]
        jobs = [
            asyncio.create_task(drivers[name].run(stream, heard[name].emit))
            for name, stream in zip(protocols, streams, strict=True)
        ]
        try:
            yield heard
        finally:
            for job, stream in zip(jobs, streams, strict=True):
                job.cancel()
                stream.close()
            await asyncio.gather(*jobs, return_exceptions=True)


async def test_all_four_at_once_tell_the_truth(tmp_path: Path) -> None:
    async with driven(tmp_path, *TRUTH) as heard:
        for protocol, (quantity, truth) in TRUTH.items():
            await heard[protocol].until(partial(heard[protocol].count, quantity))
            values = [value for name, value in heard[protocol].values() if name == quantity]
            assert set(values) == {truth}
            identity = next(event for event in heard[protocol].events if isinstance(event, Identity))
            assert (identity.serial, identity.firmware) == ("SIM-0001", "1.0")
            assert any(isinstance(event, DeviceClock) and event.shows for event in heard[protocol].events)


ENOUGH: dict[str, Callable[[Heard], object]] = {
    "ble-thermometer": lambda heard: len([e for e in heard.events if isinstance(e, Reading)]) >= 6,
    "ble-tensiometer": lambda heard: any(
        isinstance(e, PressureResult) and "from-memory" not in e.flags for e in heard.events
    ),
    "ble-oximeter": lambda heard: len([e for e in heard.events if isinstance(e, Reading)]) >= 12,
    "ble-scale": lambda heard: len([e for e in heard.events if isinstance(e, Reading)]) >= 5,
}
CASES = [
    (protocol, fault)
    for protocol in TRUTH
    for fault in MODELS[protocol].own_faults
    if fault not in ("no-adapter", "bonded-elsewhere")
]
NO_VALUES = ("nan-result", "weight-unsuccessful", "demonstration")


@pytest.mark.parametrize(("protocol", "fault"), CASES)
async def test_no_fault_makes_a_false_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str, fault: str
) -> None:
    monkeypatch.setattr(ble_stream, "RUSH_S", 0.05)
    quantity, truth = TRUTH[protocol]
    async with driven(tmp_path, protocol, faults={protocol: [fault]}) as heards:
        heard = heards[protocol]
        await heard.until(lambda: ENOUGH[protocol](heard) and (fault in NO_VALUES or heard.count(quantity)))
    values = [value for name, value in heard.values() if name == quantity]
    assert values == pytest.approx([truth] * len(values), abs=0.4)
    assert bool(values) is (fault not in NO_VALUES)
    told = [event for event in heard.events if isinstance(event, Reading | PressureResult)]
    if fault == "clock-unset":
        assert DeviceClock(None) in heard.events
        assert all(event.taken is None for event in told)
    if fault == "old-readings-first":
        assert [("from-memory" in event.flags) for event in told][:3] == [True] * 3
    if fault == "low-battery":
        assert all("low-battery" in event.flags for event in told)


@pytest.mark.parametrize("protocol", ["ble-tensiometer", "ble-scale"])
async def test_a_memory_without_a_clock_is_never_taken_for_new(tmp_path: Path, protocol: str) -> None:
    async with driven(tmp_path, protocol, faults={protocol: ["old-readings-first", "clock-unset"]}) as heards:
        heard = heards[protocol]
        results = (Reading, PressureResult)
        await heard.until(lambda: sum(isinstance(e, results) and "from-memory" in e.flags for e in heard.events) >= 3)
    quantity, truth = TRUTH[protocol]
    assert {value for name, value in heard.values() if name == quantity} <= {truth}


async def test_one_that_measures_for_another_host_says_nothing(tmp_path: Path) -> None:
    async with driven(tmp_path, "ble-oximeter", faults={"ble-oximeter": ["bonded-elsewhere"]}) as heards:
        heard = heards["ble-oximeter"]
        await heard.until(lambda: any(isinstance(event, Identity) for event in heard.events))
        await asyncio.sleep(0.2)
    assert not [event for event in heard.events if isinstance(event, Reading)]


@pytest.mark.parametrize(
    ("protocol", "asked", "why"),
    [
        ("ble-oximeter", {"finger_in": False}, "finger-out"),
        ("ble-tensiometer", {"cuff_on": False}, "loose-cuff"),
        ("ble-tensiometer", {"moving": True}, "movement"),
    ],
)
async def test_what_is_wrong_with_the_person_is_the_reason(
    tmp_path: Path, protocol: str, asked: dict[str, object], why: str
) -> None:
    async with rack(tmp_path, protocol) as ready, switch(ready) as technician:
        await technician.set(body=asked)
        driver, heard = DRIVERS[protocol](), Heard()
        stream = await open_stream(ready.urls[protocol], driver.line)
        job = asyncio.create_task(driver.run(stream, heard.emit))
        await heard.until(lambda: ENOUGH[protocol](heard))
        job.cancel()
        stream.close()
    assert not [name for name, _ in heard.values() if name in ("cuff", "spo2")]
    results = [event for event in heard.events if isinstance(event, PressureResult)]
    reasons = {e.value.why for e in heard.events if isinstance(e, Reading) and isinstance(e.value, NoValue)}
    assert why in reasons | {event.error for event in results}


async def test_dropped_bytes_end_the_connection_and_make_no_value(tmp_path: Path) -> None:
    async with rack(tmp_path, "ble-oximeter", faults={"ble-oximeter": ["dropped-bytes"]}) as ready:
        heard = Heard()
        for _ in range(3):
            driver = DRIVERS["ble-oximeter"]()
            try:
                stream = await open_stream(ready.urls["ble-oximeter"], driver.line)
            except DriverError:
                continue
            with pytest.raises(Unplugged):
                await asyncio.wait_for(driver.run(stream, heard.emit), 10)
            stream.close()
    assert {value for name, value in heard.values() if name == "spo2"} == {94.0}


async def test_a_keeper_has_it_back_after_it_was_out_of_reach(tmp_path: Path) -> None:
    states: list[LinkState] = []
    changed = asyncio.Event()

    def moved(name: str, state: LinkState, reason: str) -> None:
        states.append(state)
        changed.set()

    async def reach(state: LinkState) -> None:
        async with asyncio.timeout(10):
            while not states or states[-1] is not state:
                changed.clear()
                await changed.wait()

    async with rack(tmp_path, "ble-scale") as ready, switch(ready) as technician:
        heard = Heard()
        keeper = Keeper(
            "scale", ready.urls["ble-scale"], DRIVERS["ble-scale"](), lambda _, event, __: heard.emit(event), moved,
            accept_simulated=True, pace=Pace(first_s=0.02, longest_s=0.1),
        )  # fmt: skip
        running = asyncio.create_task(keeper.run())
        await heard.until(lambda: heard.count("weight"))
        await technician.set(fault="unplug", instrument="ble-scale")
        await reach(LinkState.ABSENT)
        before = heard.count("weight")
        await technician.set(clear="unplug", instrument="ble-scale")
        await reach(LinkState.READY)
        await heard.until(lambda: heard.count("weight") > before)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert keeper.identity is not None and keeper.identity.serial == "SIM-0001"


@pytest.mark.parametrize("cable", CABLES.values(), ids=CABLES.keys())
async def test_records_over_every_cable(cable: Cable) -> None:
    here, there = pipe(cable)
    heard = Heard()
    job = asyncio.create_task(DRIVERS["ble-scale"]().run(here, heard.emit))
    for n in range(40):
        await there.write(record(0xFFFE, b"") + record(0x2A9D, ble_values.weight(83.2, b"", user=n)))
    await heard.until(lambda: heard.count("weight") >= 20)
    job.cancel()
    assert {value for name, value in heard.values()} == {83.2}


async def test_a_belt_can_be_simulated_and_decoded() -> None:
    belt = device(ble.Belt)
    belt.receive(message(b"S", 0x2A37), 0.0)
    frames = [frame for second in range(1, 30) for frame in belt.produce(float(second))]
    events = [event for frame in frames for event in Decoder().feed(record(0x2A37, frame[5:-2]))]
    rates = [e.value for e in events if isinstance(e, Reading) and not isinstance(e.value, NoValue)]
    assert rates[-1] == pytest.approx(68, abs=5)
    belt.fail("no-contact", wrong=True, now=30.0)
    (frame,) = belt.produce(31.0)
    (event,) = Decoder().feed(record(0x2A37, frame[5:-2]))
    assert isinstance(event, Reading) and event.value == NoValue("sensor-disconnected")


async def test_it_is_not_met_on_a_socket_of_the_network(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="on the air"):
        await run_rack(tmp_path, ["ble-scale"], Body(1), listen={"ble-scale": "socket://127.0.0.1:0"})


def test_every_one_can_have_the_faults_of_the_air() -> None:
    for protocol in TRUTH:
        assert set(FAULTS) <= set(MODELS[protocol].own_faults)


async def test_what_went_over_the_air_is_read_again_from_its_bytes(tmp_path: Path) -> None:
    """A capture holds all that the driver needs: played to a decoder, whole, it gives the same events."""
    async with rack(tmp_path, "ble-scale", faults={"ble-scale": ["old-readings-first"]}) as ready:
        driver, heard, said = DRIVERS["ble-scale"](), Heard(), bytearray()
        stream = await open_stream(ready.urls["ble-scale"], driver.line)
        listened = Overheard(stream, lambda: None, said.extend)
        job = asyncio.create_task(driver.run(listened, heard.emit))
        await heard.until(lambda: heard.count("weight"))
        job.cancel()
        stream.close()
    assert Decoder().feed(bytes(said)) == [event for event in heard.events if not isinstance(event, Trouble)]
