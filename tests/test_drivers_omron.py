"""The HEM-790IT's driver, against its simulator and against the maker's own sessions, over the emulated USB host."""

# ruff: noqa: DTZ001 - the device's clock has no zone

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime as at
from pathlib import Path
from typing import TypeVar

import pytest

from drivers import DRIVERS, omron_exchange
from drivers.capture import Capture, Entry, Head, Way, decode, encode
from drivers.errors import DriverError, PortError, Unplugged, WrongInstrument
from drivers.events import Event, Identity, NoValue, PressureResult, Trouble
from drivers.keeper import Keeper, Pace
from drivers.link import LinkState
from drivers.omron import Tensiometer
from drivers.replay import replay
from drivers.stream import open_stream
from drivers.tape import taped
from drivers.virtual_time import run
from simulators.body import Body
from simulators.device import Clock
from simulators.faults import accepted, fault_of
from simulators.omron import Tensiometer as Model
from simulators.station import Station
from simulators.usb_wire import UsbWire
from tests.omron_sessions import Recorded, read_sessions
from tests.usb_port import no_thread_is_left

SPEED = 200.0
SHOWS = at(2026, 3, 2, 10, 15)
PACE = Pace(first_s=0.02, longest_s=0.2, glance_s=0.02)
E = TypeVar("E", bound=Event)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The device's times, shortened; no thread is left at the end."""
    for name, seconds in (("CLEAR_S", 0.03), ("REPLY_S", 0.5), ("RETRY_S", 0.01)):
        monkeypatch.setattr(omron_exchange, name, seconds)
    monkeypatch.setattr("drivers.omron.GREETING_S", 0.05)
    yield
    assert no_thread_is_left()


class Heard:
    """The events of one driver."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def old(self) -> list[PressureResult]:
        return [result for result in self.of(PressureResult) if "from-memory" in result.flags]

    @property
    def new(self) -> list[PressureResult]:
        return [result for result in self.of(PressureResult) if "from-memory" not in result.flags]

    async def until(self, enough: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not enough():
                self._more.clear()
                await self._more.wait()


class Bench:
    """A driver on its simulated instrument."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.body = Body(1)
        self.clock = Clock(SPEED)
        self.model = Model(self.body, SHOWS)
        self.station = Station(
            self.model, lambda host: UsbWire(folder / "omron.usb", Model.usb, host), self.body, self.clock
        )
        self.driver = Tensiometer(look_s=0.02, **settings)
        self.heard = Heard()

    def wrong(self, fault: str, wrong: bool = True) -> None:
        """Begin or end a fault by name."""
        (self.station.apply if wrong else self.station.clear)(fault_of("tensiometer", Model, fault))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        self.station.plug()
        stream = await open_stream(self.station.url, self.driver.line)
        task = asyncio.create_task(self.driver.run(stream, self.heard.emit))
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, DriverError):
                await task
            stream.close()
            self.station.unplug()

    async def ready(self) -> None:
        await self.heard.until(lambda: self.heard.of(Identity))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def values(result: PressureResult) -> tuple[object, ...]:
    return result.taken, result.systolic, result.diastolic, result.pulse_rate


# --- against the simulator ----------------------------------------------------------------------------------------


async def test_it_says_who_it_is_and_what_is_in_its_memory(bench: Bench) -> None:
    async with bench.running():
        await bench.heard.until(lambda: len(bench.heard.old) == 2)
    assert bench.heard.events[0] == Trouble("unconfirmed", bench.heard.of(Trouble)[0].detail)
    assert bench.heard.of(Identity) == [Identity("Omron M7080IT", "207", "06000000000000")]
    assert [result.taken for result in bench.heard.old] == [
        at(2026, 2, 21, 10, 15),
        at(2026, 2, 28, 10, 15),
    ]
    assert all(result.mean == NoValue("missing") and result.error is None for result in bench.heard.old)
    assert not bench.model._awake, "it was told to turn off"


async def test_a_reading_that_the_person_takes_is_the_result(bench: Bench) -> None:
    async with bench.running():
        await bench.ready()
        for place in (1, 2):
            await bench.driver.start()
            await bench.heard.until(lambda: len(bench.heard.new) == place)  # noqa: B023
    first, second = bench.heard.new
    person = bench.body.physiology
    assert first.systolic == pytest.approx(person.systolic, abs=4) and first.error is None
    assert first.diastolic == pytest.approx(person.diastolic, abs=4)
    assert first.taken is not None and second.taken is not None and SHOWS < first.taken < second.taken
    assert len(bench.heard.old) == 2
    assert first.flags == second.flags == frozenset()


async def test_without_a_cuff_there_is_never_a_result(bench: Bench) -> None:
    bench.driver = Tensiometer(look_s=0.02, limit_s=0.4)
    bench.wrong("loose-cuff")
    async with bench.running():
        await bench.ready()
        await bench.driver.start()
        await bench.heard.until(lambda: bench.heard.new)
    (result,) = bench.heard.new
    assert (result.error, result.systolic, result.taken) == ("time-exceeded", NoValue("missing"), None)


async def test_stop_ends_the_wait_and_another_can_begin(bench: Bench) -> None:
    bench.wrong("loose-cuff")
    async with bench.running():
        with pytest.raises(DriverError, match="not connected"):
            await bench.driver.start()
        await bench.ready()
        await bench.driver.stop()
        await bench.driver.start()
        with pytest.raises(DriverError, match="waits for a reading already"):
            await bench.driver.start()
        await bench.driver.stop()
        await bench.driver.stop()
        assert [result.error for result in bench.heard.new] == ["ended-by-user"]
        bench.wrong("loose-cuff", False)
        await bench.driver.start()
        await bench.heard.until(lambda: len(bench.heard.new) == 2)
    assert bench.heard.new[1].error is None


async def test_a_start_that_is_given_up_leaves_nothing_behind(bench: Bench) -> None:
    async with bench.running():
        await bench.ready()
        starting = asyncio.create_task(bench.driver.start())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await bench.driver.stop()
        assert bench.heard.new == []
        await bench.driver.start()


async def test_pulled_out_while_a_reading_is_waited_for(bench: Bench) -> None:
    async with bench.running() as task:
        await bench.ready()
        await bench.driver.start()
        bench.station.unplug()
        with pytest.raises(Unplugged):
            await asyncio.wait_for(task, 5)
    assert [result.error for result in bench.heard.new] == ["link-lost"]
    with pytest.raises(DriverError, match="not connected"):
        await bench.driver.start()


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15])
async def test_pulled_out_at_any_moment_of_the_greeting_and_put_back(bench: Bench, delay: float) -> None:
    states: list[LinkState] = []
    keeper = Keeper(
        "cuff", bench.station.url, bench.driver, lambda name, event, at: bench.heard.emit(event),
        lambda name, state, reason: states.append(state), True, PACE,
    )  # fmt: skip
    bench.station.plug()
    task = asyncio.create_task(keeper.run())
    await asyncio.sleep(delay)
    bench.station.unplug()
    bench.heard.events.clear()
    await asyncio.sleep(0.05)
    bench.station.plug()
    await bench.heard.until(lambda: bench.heard.of(Identity))
    async with asyncio.timeout(5):
        await keeper.start()
        assert keeper.state is LinkState.MEASURING
        await bench.heard.until(lambda: bench.heard.new)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    bench.station.unplug()
    assert [result.error for result in bench.heard.new] == [None]


async def test_a_pedometer_with_the_same_numbers_is_refused(bench: Bench) -> None:
    bench.wrong("pedometer")
    async with bench.running() as task:
        with pytest.raises(WrongInstrument, match="no HEM-790IT, perhaps its pedometer"):
            await asyncio.wait_for(task, 5)
    assert bench.heard.of(PressureResult) == [] and bench.heard.of(Identity) == []


@pytest.mark.parametrize("fault", ["not-ready", "bad-checksum"])
async def test_what_is_not_ready_or_damaged_is_asked_for_again(bench: Bench, fault: str) -> None:
    bench.wrong(fault)
    async with bench.running():
        await bench.heard.until(lambda: bench.heard.old)
    truth = {(stored.at, stored.systolic, stored.diastolic, stored.pulse) for stored in bench.model._memory}
    assert {values(result) for result in bench.heard.old} <= truth


async def test_a_piece_of_a_report_does_not_shift_those_after_it(bench: Bench) -> None:
    async with bench.running():
        await bench.ready()
        bench.wrong("dropped-bytes")
        for _ in range(2):
            with pytest.raises(DriverError, match="does not answer"):
                await bench.driver.start()
        bench.wrong("dropped-bytes", False)
        await bench.driver.start()
        await bench.heard.until(lambda: bench.heard.new)
    assert bench.heard.new[0].error is None


async def test_an_empty_memory_and_the_first_reading_in_it(bench: Bench) -> None:
    bench.wrong("empty-memory")
    async with bench.running():
        await bench.ready()
        await bench.driver.start()
        bench.model._memory.clear()
        bench.wrong("empty-memory", False)
        await bench.heard.until(lambda: bench.heard.new)
    assert bench.heard.old == [] and bench.heard.new[0].error is None


async def test_a_clock_that_was_set_back_makes_no_result(bench: Bench) -> None:
    async with bench.running():
        await bench.ready()
        bench.wrong("clock-wrong")
        await bench.driver.start()
        await bench.heard.until(lambda: bench.heard.new)
    (result,) = bench.heard.new
    assert (result.error, result.systolic) == ("stale", NoValue("device-error"))


async def test_a_clock_that_was_never_set_makes_no_reading(bench: Bench) -> None:
    bench.wrong("clock-unset")
    bench.driver = Tensiometer(look_s=0.02, limit_s=0.5)
    async with bench.running():
        await bench.ready()
        await bench.driver.start()
        await bench.heard.until(lambda: bench.heard.new)
    assert [result.error for result in bench.heard.of(PressureResult)] == ["time-exceeded"]
    assert any(trouble.code == "malformed" for trouble in bench.heard.of(Trouble))


async def test_a_reading_of_a_triple_says_so(bench: Bench) -> None:
    bench.wrong("truread")
    bench.wrong("status-unknown")
    async with bench.running():
        await bench.ready()
        await bench.driver.start()
        await bench.heard.until(lambda: bench.heard.new)
    flags = bench.heard.new[0].flags
    assert "status-unconfirmed" in flags and len(flags & {"truread-1", "truread-2", "truread-3"}) == 1


@pytest.mark.parametrize("fault", sorted({*accepted(Model), "unplug"}))
async def test_no_fault_makes_a_false_reading(bench: Bench, fault: str) -> None:
    """Whatever is wrong from any moment on: each value is the memory's, and a result was not there before."""
    bench.driver = Tensiometer(look_s=0.02, limit_s=1.0)
    before = {(stored.at, stored.systolic, stored.diastolic, stored.pulse) for stored in bench.model._memory}
    with suppress(DriverError, TimeoutError):
        async with bench.running(), asyncio.timeout(1.5):
            await bench.ready()
            bench.wrong(fault)
            await bench.driver.start()
            await bench.heard.until(lambda: bench.heard.new)
    truth = {(stored.at, stored.systolic, stored.diastolic, stored.pulse) for stored in bench.model._memory}
    for result in bench.heard.old:
        assert values(result) in before
    for result in bench.heard.new:
        assert result.error is not None or values(result) in truth - before, fault
    bench.wrong("unplug")


class Impatient(Tensiometer):
    """Waits less long for a transfer to be taken."""

    line = replace(Tensiometer.line, write_s=0.2)


async def test_faults_of_the_port_are_sentences(bench: Bench) -> None:
    for fault, kind in (("stall", PortError), ("busy", PortError), ("usb-timeout", Unplugged)):
        bench.driver = Impatient(look_s=0.02)
        async with bench.running() as task:
            bench.heard.events.clear()
            await bench.ready()
            await bench.driver.start()
            bench.wrong(fault)
            with pytest.raises(kind):
                await asyncio.wait_for(task, 5)
            bench.wrong(fault, False)


async def test_a_device_that_is_off_is_asked_again(bench: Bench) -> None:
    bench.wrong("silence")
    async with bench.running():
        assert bench.driver.quiet_s == 10.0
        await asyncio.sleep(0.4)
        assert bench.heard.of(Identity) == []
        bench.wrong("silence", False)
        await bench.ready()
        assert bench.driver.quiet_s is None
        bench.wrong("silence")
        with pytest.raises(DriverError, match="does not answer"):
            await bench.driver.start()


async def test_a_capture_of_it_is_played_to_the_same_events(bench: Bench) -> None:
    began, entries = time.monotonic(), list[Entry]()

    def note(way: Way, data: bytes) -> None:
        entries.append(Entry(round((time.monotonic() - began) * 1e6), way, data))

    bench.station.plug()
    stream = taped(await open_stream(bench.station.url, bench.driver.line), note)
    task = asyncio.create_task(bench.driver.run(stream, bench.heard.emit))
    await bench.ready()
    await bench.heard.until(lambda: len(bench.heard.old) == 2)
    note("start", b"")
    await bench.driver.start()
    await bench.heard.until(lambda: bench.heard.new)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    stream.close()
    bench.station.unplug()
    capture = decode(encode(Capture(Head("omron-hem790it"), tuple(entries))))
    played = await asyncio.to_thread(run, replay(capture, Tensiometer(look_s=0.02)))
    # A busy machine may have looked at the memory once more or less than the replay: what was in it is the same.
    told = [event for event in played.events if isinstance(event, PressureResult)]
    assert told[: len(bench.heard.old)] == bench.heard.old
    assert all(event in told for event in bench.heard.new)


def test_what_it_is() -> None:
    assert DRIVERS["omron-hem790it"] is Tensiometer
    assert (Tensiometer.line.inward, Tensiometer.line.outward, Tensiometer.line.read_bytes) == ("interrupt",) * 2 + (
        8,
    )
    with pytest.raises(DriverError, match="above 0"):
        Tensiometer(time_scale=0)


# --- against the maker's own sessions -----------------------------------------------------------------------------

FIRST = (at(2007, 1, 1, 0, 6, 38), 123.0, 78.0, 87.0)
SECOND = (at(2007, 1, 2, 0, 8, 38), 120.0, 73.0, 67.0)
"""As the maker's own software exported them."""
THIRD = (at(2008, 4, 21, 16, 10, 46), 129.0, 78.0, 77.0)
FOURTH = (at(2008, 4, 21, 16, 18, 38), 119.0, 79.0, 79.0)
SESSIONS = {
    "790IT_Cleared.html": [],
    "1_1_07_OneReading.html": [FIRST],
    "790IT_OneReading.html": [THIRD],
    "1_2_07_TwoReadings.html": [FIRST, SECOND],
    "790IT_TwoReadings.html": [THIRD, FOURTH],
    "Omron790IT.html": [],
}


@pytest.mark.parametrize("name", SESSIONS)
async def test_a_real_session_gives_the_makers_own_values(
    name: str, tmp_path: Path, maker_vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(omron_exchange, "REPLY_S", 5.0)
    sessions = read_sessions(maker_vectors / "omron_hem790it_sessions.txt")
    assert set(sessions) == set(SESSIONS)
    recorded = Recorded(sessions[name], lambda report: wire.send(report))
    wire = UsbWire(tmp_path / "omron.usb", Model.usb, recorded.host)
    wire.plug()
    driver, heard = Tensiometer(look_s=0.02, limit_s=0.3), Heard()
    stream = await open_stream(wire.url, driver.line)
    task = asyncio.create_task(driver.run(stream, heard.emit))
    await heard.until(lambda: heard.of(Identity) and len(heard.old) == len(SESSIONS[name]))
    await driver.start()
    await heard.until(lambda: heard.new)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    stream.close()
    wire.unplug()
    assert [values(result) for result in heard.old] == SESSIONS[name]
    assert heard.of(Identity) == [Identity("Omron M7080IT", "207", "06000000000000")]
    assert [result.error for result in heard.new] == ["time-exceeded"], "what was there before is no result"
    assert {trouble.code for trouble in heard.of(Trouble)} == {"unconfirmed"}
    assert recorded.modes[0] == b"\x01\x01" and recorded.requests[-1] == b"END\xff\xff"
