"""The four drivers on whole links with the simulated agents: pipes, a pseudo-terminal, a socket, emulated USB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from drivers.errors import DriverError, PortError, Unplugged
from drivers.events import DeviceClock, Event, Identity, NoValue, PressureResult, Reading, Trouble
from drivers.instrument import Instrument
from drivers.keeper import Keeper, Pace
from drivers.link import LinkState
from drivers.phd import Oximeter, Scale, Tensiometer, Thermometer
from drivers.pipe import CABLES, DRIP, LOSSY, WHOLE, Cable, End, pipe
from drivers.stream import Line, open_stream
from simulators import phd
from simulators.body import Body
from simulators.device import Clock, Device
from simulators.phd_agent import FAULTS
from simulators.rack import Ready, run_rack
from simulators.station import Station
from simulators.usb_setup import Setup
from simulators.wire import Listener, Pty

SPEED = 100.0
"""Body time: the arm is measured once a minute."""
DRIVERS: dict[str, Callable[[], Instrument]] = {
    "oximeter": partial(Oximeter, time_scale=SPEED),
    "tensiometer": partial(Tensiometer, time_scale=SPEED),
    "thermometer": partial(Thermometer, time_scale=SPEED),
    "scale": partial(Scale, time_scale=SPEED),
}
DEVICES: dict[str, type[Device]] = {
    "oximeter": phd.Oximeter,
    "tensiometer": phd.Tensiometer,
    "thermometer": phd.Thermometer,
    "scale": phd.Scale,
}
TRUTH = {"spo2": 97.0, "temperature": 36.2, "weight": 72.4}
FAULTY = [(kind, fault) for kind, device in DEVICES.items() for fault in device.own_faults]
E_ = TypeVar("E_", bound=Event)


class Heard:
    """The events of one driver."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    def wake(self) -> None:
        """Something else happened that may be enough."""
        self._more.set()

    def of(self, kind: type[E_]) -> list[E_]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def told(self) -> list[Reading | PressureResult]:
        return [*self.of(Reading), *self.of(PressureResult)]

    @property
    def values(self) -> list[Reading | PressureResult]:
        """Those with a number, new and old."""
        return [each for each in self.told if not isinstance(number(each), NoValue)]

    async def until(self, enough: Callable[[], object], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not enough():
                self._more.clear()
                await self._more.wait()


def number(each: Reading | PressureResult) -> float | NoValue:
    return each.value if isinstance(each, Reading) else each.systolic


def is_true(each: Reading | PressureResult) -> bool:
    """Whether a number is that of the body, as closely as the instrument shows it."""
    if isinstance(each, PressureResult):
        return (each.systolic, each.diastolic) == pytest.approx((124, 78), abs=0.8)
    if each.quantity == "pulse_rate":
        return 55 < float(number(each)) < 80  # type: ignore[arg-type]
    return number(each) == pytest.approx(TRUTH[each.quantity], abs=0.06)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for an answer in body time, so that lost bytes do not hold the test up."""
    monkeypatch.setattr("drivers.ieee11073.session.RESPONSE_S", 0.2)


class Simulated:
    """A device at the far end of a pipe, in body time."""

    def __init__(self, device: Device, faults: Sequence[str] = ()) -> None:
        self.device = device
        self.now = 0.0
        for fault in faults:
            device.fail(fault, True, 0.0)

    async def live(self, end: End) -> None:
        self.device.opened(self.now)
        await asyncio.gather(self._listen(end), self._speak(end))

    async def _listen(self, end: End) -> None:
        while True:
            for frame in self.device.receive(await end.read(), self.now):
                await end.write(frame)

    async def _speak(self, end: End) -> None:
        while True:
            for frame in self.device.produce(self.now):
                await end.write(frame)
            await asyncio.sleep(0.004)
            self.now += 0.4


@asynccontextmanager
async def on_a_pipe(
    driver: Instrument, device: Device, cable: Cable = WHOLE, faults: Sequence[str] = ()
) -> AsyncIterator[Heard]:
    here, there = pipe(cable)
    heard = Heard()
    running = asyncio.create_task(driver.run(here, heard.emit))
    living = asyncio.create_task(Simulated(device, faults).live(there))
    try:
        yield heard
    finally:
        for task in (running, living):
            task.cancel()
        await asyncio.gather(running, living, return_exceptions=True)


@pytest.mark.parametrize("cable", CABLES)
@pytest.mark.parametrize("kind", DRIVERS)
async def test_what_the_body_has_is_what_is_told_over_every_cable(kind: str, cable: str, patient: None) -> None:
    async with on_a_pipe(DRIVERS[kind](), DEVICES[kind](Body(1)), CABLES[cable]) as heard:
        await heard.until(lambda: len(heard.values) >= (1 if kind == "tensiometer" else 3))
    assert all(is_true(each) for each in heard.values)
    if CABLES[cable] is not LOSSY:
        assert heard.of(Identity)[0].model.startswith("Simulated PHD")
        assert heard.of(DeviceClock)
        assert [trouble.code for trouble in heard.of(Trouble)] == ["unconfirmed"]
        assert all(not each.flags - {"locked"} for each in heard.values)


@pytest.mark.parametrize("seed", range(2))
async def test_a_worn_cable_never_makes_a_false_number(seed: int, patient: None) -> None:
    cable = Cable(loss=0.015, seed=seed)
    async with on_a_pipe(DRIVERS["scale"](), DEVICES["scale"](Body(1)), cable) as heard:
        await heard.until(lambda: len(heard.values) >= 2)
    assert all(is_true(each) for each in heard.values)


# --- faults -------------------------------------------------------------------------------------------------------

SILENT = {"no-answer", "test-association", "wrong-specialization"}
"""After these nothing new can be told."""
WITHOUT_VALUES = {"nan-values", "test-data"}


@pytest.mark.parametrize(("kind", "fault"), FAULTY)
async def test_a_fault_of_the_instrument_makes_no_false_number(kind: str, fault: str) -> None:
    driver = DRIVERS[kind]()
    async with on_a_pipe(driver, DEVICES[kind](Body(1)), faults=[fault]) as heard:
        await driver.start()
        if fault in SILENT:
            await asyncio.sleep(0.3)
        elif fault in WITHOUT_VALUES:
            await heard.until(lambda: heard.told)
        else:
            await heard.until(lambda: [each for each in heard.values if "from-memory" not in each.flags])
    new = [each for each in heard.values if "from-memory" not in each.flags]
    assert all(is_true(each) for each in new)
    if fault in SILENT | WITHOUT_VALUES:
        assert new == []
    if fault == "test-data":
        assert all("test-data" in each.flags for each in heard.told)
    if fault == "stored-batch":
        assert [each for each in heard.values if "from-memory" in each.flags]


async def test_an_instrument_of_another_kind_is_refused_with_one_sentence() -> None:
    here, there = pipe()
    living = asyncio.create_task(Simulated(phd.Thermometer(Body(1))).live(there))
    with pytest.raises(DriverError, match="no scale but one of the kind thermometer") as refused:
        await asyncio.wait_for(DRIVERS["scale"]().run(here, lambda event: None), 5)
    assert str(refused.value).count(".") == 1
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)


async def test_old_measurements_are_never_the_result_of_a_new_one() -> None:
    driver = DRIVERS["tensiometer"]()
    async with on_a_pipe(driver, phd.Tensiometer(Body(1)), faults=["stored-batch", "pulse-apart"]) as heard:
        await driver.start()
        await heard.until(lambda: [each for each in heard.of(PressureResult) if "from-memory" not in each.flags])
    *old, new = heard.of(PressureResult)
    assert {each.systolic for each in old} == {181}
    assert len(old) == 5
    assert [each.taken for each in old if each.taken] == sorted(each.taken for each in old if each.taken)
    assert all(each.flags == {"from-memory"} for each in old)
    assert (new.systolic, new.diastolic) == (124, 78)
    assert isinstance(new.pulse_rate, float)


async def test_what_was_measured_before_the_start_is_not_its_result() -> None:
    driver = DRIVERS["scale"]()
    device, body = phd.Scale(Body(1)), Simulated(phd.Scale(Body(1)))
    body.device = device
    here, there = pipe()
    heard = Heard()
    for _ in range(100):
        body.now += 0.2
        device.produce(body.now)
    await driver.start()
    tasks = [asyncio.create_task(driver.run(here, heard.emit)), asyncio.create_task(body.live(there))]
    await heard.until(lambda: [each for each in heard.values if "from-memory" not in each.flags])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [each for each in heard.values if "from-memory" in each.flags]


async def test_a_finger_that_left_gives_no_number() -> None:
    body = Body(1)
    body.change(0.0, {"finger_in": False})
    async with on_a_pipe(DRIVERS["oximeter"](), phd.Oximeter(body)) as heard:
        await heard.until(lambda: len(heard.told) > 4)
    assert heard.values == []


async def test_a_clock_may_be_set() -> None:
    driver = Scale(time_scale=SPEED, set_clock=True)
    async with on_a_pipe(driver, phd.Scale(Body(1)), faults=["clock-unset"]) as heard:
        await heard.until(lambda: heard.values)
    unset, set_ = heard.of(DeviceClock)
    assert unset.shows is None
    assert set_.shows is not None
    assert heard.values[-1].taken is not None


async def test_a_time_scale_of_nothing_is_refused() -> None:
    with pytest.raises(DriverError, match="time scale above 0"):
        Scale(time_scale=0.0)


async def test_it_takes_its_leave_when_it_is_cancelled_and_begins_anew() -> None:
    driver, device = DRIVERS["scale"](), phd.Scale(Body(1))
    for _ in range(2):
        async with on_a_pipe(driver, device, DRIP) as heard:
            await heard.until(lambda: heard.values)
        assert is_true(heard.values[0])


# --- other wires --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["pty", "socket"])
async def test_the_same_messages_go_over_any_stream(tmp_path: Path, where: str) -> None:
    body, clock = Body(1), Clock(SPEED)
    wire = partial(Pty, tmp_path / "scale") if where == "pty" else partial(Listener, "socket://127.0.0.1:0")
    station = Station(phd.Scale(body), wire, body, clock)
    station.plug()
    stream = await open_stream(station.url, Line(115200))
    heard = Heard()
    running = asyncio.create_task(DRIVERS["scale"]().run(stream, heard.emit))

    async def tick() -> None:
        while True:
            station.tick()
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    await heard.until(lambda: heard.values)
    station.unplug()
    with pytest.raises(Unplugged):
        await asyncio.wait_for(running, 5)
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
    stream.close()
    assert is_true(heard.values[0])


@asynccontextmanager
async def on_usb(folder: Path, kind: str, faults: Sequence[str] = ()) -> AsyncIterator[Ready]:
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    name = f"phd-{kind}"
    rack = asyncio.create_task(
        run_rack(folder / "rack", [name], Body(1), SPEED, ready=ready.set_result, faults={name: faults})
    )
    try:
        yield await ready
    finally:
        rack.cancel()
        await asyncio.gather(rack, return_exceptions=True)


async def test_over_usb(tmp_path: Path) -> None:
    async with on_usb(tmp_path, "scale") as ready:
        stream = await open_stream(ready.urls["phd-scale"], Scale.line)
        heard = Heard()
        running = asyncio.create_task(DRIVERS["scale"]().run(stream, heard.emit))
        await heard.until(lambda: heard.values)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        stream.close()
    assert is_true(heard.values[0])


async def test_a_preamble_that_another_host_has_asked_for_is_passed_over() -> None:
    device = phd.Scale(Body(1))
    device.control(Setup(0x21, 3, 0x0101, 0, 0), b"", 0.0)
    async with on_a_pipe(DRIVERS["scale"](), device) as heard:
        await heard.until(lambda: heard.values)
    assert is_true(heard.values[0])
    assert {trouble.code for trouble in heard.of(Trouble)} == {"unconfirmed", "resync"}


async def test_usb_says_what_it_is_before_a_word_is_said(tmp_path: Path) -> None:
    async with on_usb(tmp_path, "scale") as ready:
        stream = await open_stream(ready.urls["phd-scale"], Thermometer.line)
        with pytest.raises(DriverError, match="no thermometer but calls itself scale"):
            await DRIVERS["thermometer"]().run(stream, lambda event: None)
        stream.close()
        with pytest.raises(PortError, match="speaks by"):
            await open_stream(ready.urls["phd-scale"], Line(9600))


async def test_usb_pulled_out_in_the_middle_of_a_message_and_put_back(tmp_path: Path) -> None:
    async with on_usb(tmp_path, "scale") as ready:
        heard, states = Heard(), list[LinkState]()

        def seen_state(name: str, state: LinkState, reason: str) -> None:
            states.append(state)
            heard.wake()

        keeper = Keeper(
            "scale", ready.urls["phd-scale"], DRIVERS["scale"](), lambda name, event, at: heard.emit(event),
            seen_state, True, Pace(first_s=0.05, longest_s=0.1, glance_s=0.05),
        )  # fmt: skip
        keeping = asyncio.create_task(keeper.run())
        for _ in range(2):
            seen = len(heard.values)
            await heard.until(lambda seen=seen: len(heard.values) > seen)  # type: ignore[misc]
            await command(ready, "fault", "unplug")
            await heard.until(lambda: states[-1] is LinkState.ABSENT)
            await command(ready, "clear", "unplug")
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert all(is_true(each) for each in heard.values)
    assert LinkState.FAILED not in states


async def command(ready: Ready, verb: str, fault: str) -> None:
    """Say something to the rack, as a technician does."""
    reader, writer = await asyncio.open_unix_connection(ready.control)
    writer.write(f'{{"{verb}": "{fault}", "instrument": "phd-scale"}}\n'.encode())
    await writer.drain()
    assert await reader.readline() == b'{"ok": true}\n'
    writer.close()
    await writer.wait_closed()


async def test_a_message_cut_off_by_an_unplug_is_no_part_of_the_next_link() -> None:
    driver, heard = DRIVERS["scale"](), Heard()
    for _ in range(2):
        here, there = pipe()
        running = asyncio.create_task(driver.run(here, heard.emit))
        await there.write(bytes.fromhex("e200 0032 80000000"))
        await asyncio.sleep(0.01)
        there.drop()
        with pytest.raises(Unplugged):
            await asyncio.wait_for(running, 5)
    async with on_a_pipe(driver, phd.Scale(Body(1))) as heard:
        await heard.until(lambda: heard.values)
    assert [trouble.code for trouble in heard.of(Trouble)] == ["unconfirmed"]


def test_every_fault_of_an_agent_is_one_of_the_list() -> None:
    assert {fault for device in DEVICES.values() for fault in device.own_faults} == {
        *FAULTS, "other-unit", "pulse-apart"
    }  # fmt: skip
