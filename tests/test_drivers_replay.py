"""What an instrument said once is played to the same driver, which says the same again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivers import DRIVERS, replay, virtual_time
from drivers.capture import Capture, Entry, Head, Way
from drivers.events import Event, Identity, PressureResult, Reading, Trouble, Wave
from drivers.instrument import Instrument
from drivers.keeper import Keeper
from drivers.replay import Played, sessions
from simulators.body import Body
from simulators.rack import Ready, run_rack

SPEED = 20.0


class Recorder:
    """Keeps what a keeper notes, and the events."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def note(self, way: Way, data: bytes) -> None:
        at = asyncio.get_running_loop().time()
        self.entries.append(Entry(round(at * 1e6), way, data))
        self._more.set()

    def hear(self, name: str, event: Event, at: float) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, enough: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not enough():
                self._more.clear()
                await self._more.wait()

    def capture(self, protocol: str) -> Capture:
        return Capture(Head(protocol), tuple(self.entries))


def driver(protocol: str) -> Instrument:
    """A new driver, as the one that was recorded."""
    found = DRIVERS[protocol]
    return found(**({"time_scale": SPEED} if "time_scale" in found.takes else {}))


def played(capture: Capture) -> Played:
    async def play() -> Played:
        return await replay.replay(capture, driver(capture.head.protocol))

    return virtual_time.run(play())


Course = Callable[[Keeper, Recorder, Path], Awaitable[None]]


async def record(folder: Path, protocol: str, course: Course) -> Recorder:
    """One life of a keeper beside a simulated instrument; `course` also gets the rack's control socket."""
    recorder, met = Recorder(), asyncio.get_running_loop().create_future()
    rack = asyncio.create_task(run_rack(folder, [protocol], Body(3), SPEED, ready=met.set_result))
    ready: Ready = await met
    keeper = Keeper(
        protocol, ready.urls[protocol], driver(protocol), recorder.hear, lambda *_: None, True, note=recorder.note
    )
    running = asyncio.create_task(keeper.run())
    try:
        await course(keeper, recorder, ready.control)
    finally:
        for task in (running, rack):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    return recorder


async def order(control: Path, **command: str) -> None:
    """One command to the rack."""
    reader, writer = await asyncio.open_unix_connection(control)
    writer.write(json.dumps(command).encode() + b"\n")
    assert json.loads(await reader.readline()) == {"ok": True}
    writer.close()
    await writer.wait_closed()


async def in_process(job: Callable[[], Played]) -> Played:
    """In a thread: a loop cannot run inside another."""
    return await asyncio.to_thread(job)


def timeless(event: Event) -> Event:
    """A poll of the cuff is numbered by when its turn came on a grid of 10 ms here, which a busy machine shifts."""
    return replace(event, index=0) if isinstance(event, Wave) and event.stream == "cuff" else event


async def test_an_oximeter_gives_the_same_events(tmp_path: Path) -> None:
    async def course(keeper: Keeper, heard: Recorder, control: Path) -> None:
        await heard.until(lambda: sum(isinstance(event, Reading) for event in heard.events) >= 20)

    heard = await record(tmp_path, "nonin", course)
    again = await in_process(lambda: played(heard.capture("nonin")))
    assert again.events == tuple(heard.events)
    assert again.same


async def test_a_cuff_is_inflated_by_the_same_words_and_gives_the_same_result(tmp_path: Path) -> None:
    async def course(keeper: Keeper, heard: Recorder, control: Path) -> None:
        await heard.until(lambda: any(isinstance(event, Identity) for event in heard.events))
        await keeper.start()
        await heard.until(lambda: any(isinstance(event, PressureResult) for event in heard.events))

    heard = await record(tmp_path, "suntech", course)
    again = await in_process(lambda: played(heard.capture("suntech")))
    (result,) = [event for event in heard.events if isinstance(event, PressureResult)]
    assert [event for event in again.events if isinstance(event, PressureResult)] == [result]
    # On a busy machine a poll of this grid of 10 ms may come one turn later than it did, and be answered by the next.
    then = [timeless(event) for event in heard.events if isinstance(event, Wave)]
    now = [timeless(event) for event in again.events if isinstance(event, Wave)]
    assert len(then) > 50
    assert sum(event in then for event in now) >= 0.9 * len(then)


async def test_a_health_device_on_usb_associates_again_and_gives_the_same_weights(tmp_path: Path) -> None:
    async def course(keeper: Keeper, heard: Recorder, control: Path) -> None:
        await heard.until(lambda: any(isinstance(event, Identity) for event in heard.events))
        await keeper.start()
        await heard.until(lambda: sum(isinstance(event, Reading) for event in heard.events) >= 2)

    heard = await record(tmp_path, "phd-scale", course)
    again = await in_process(lambda: played(heard.capture("phd-scale")))
    assert again.events == tuple(heard.events)
    # Its leave: taken then because the port was given back, and now because the capture ends.
    assert (again.written_anew, again.not_written) == (1, 1)


async def test_an_ecg_is_set_up_and_streams_again(tmp_path: Path) -> None:
    async def course(keeper: Keeper, heard: Recorder, control: Path) -> None:
        await heard.until(lambda: heard.events)
        await keeper.start()
        await heard.until(lambda: sum(isinstance(event, Wave) for event in heard.events) >= 30)
        await keeper.stop()

    heard = await record(tmp_path, "cyton", course)
    again = await in_process(lambda: played(heard.capture("cyton")))
    waves = [event for event in heard.events if isinstance(event, Wave)]
    assert [event for event in again.events if isinstance(event, Wave)] == waves


async def test_an_unplug_and_a_replug_are_two_lives_of_the_port(tmp_path: Path) -> None:
    async def course(keeper: Keeper, heard: Recorder, control: Path) -> None:
        await heard.until(lambda: len(heard.events) > 10)
        await order(control, fault="unplug", instrument="nonin")
        await heard.until(lambda: heard.entries[-1].way == "close")
        before = len(heard.events)
        await order(control, clear="unplug", instrument="nonin")
        await heard.until(lambda: len(heard.events) > before + 10)

    heard = await record(tmp_path, "nonin", course)
    capture = heard.capture("nonin")
    assert [entry.way for entry in capture.entries if entry.way != "in"] == ["open", "close", "open", "close"]
    again = await in_process(lambda: played(capture))
    assert again.events == tuple(heard.events)


# --- a script by hand ---------------------------------------------------------------------------------------------


def cuff(*entries: tuple[float, Way, str]) -> Played:
    """A SunTech module that said this, at these seconds."""
    made = tuple(Entry(round(at * 1e6), way, bytes.fromhex(data)) for at, way, data in entries)
    return virtual_time.run(replay.replay(Capture(Head("suntech"), made), DRIVERS["suntech"]()))


def test_what_the_driver_writes_anew_and_what_it_writes_no_longer_is_counted() -> None:
    again = cuff((0, "open", ""), (0.1, "out", "3a 00 c6"), (0.2, "in", "3e 04 4f 6f"), (40, "close", ""))
    assert again.written_anew > 0
    assert again.not_written == 1
    assert not again.same


def test_a_reply_waits_for_its_request() -> None:
    """The abort of the opening is written at 0 s here: its answer, noted at 0 s too, does not come before it."""
    abort = "3a 79 01 00 4c"
    again = cuff((0, "open", ""), (0.0, "out", abort), (0.0, "in", "3e 04 4b 73"), (0.05, "close", ""))
    assert not [event for event in again.events if isinstance(event, Trouble) and event.code == "unexpected-reply"]


def test_an_hour_of_silence_passes_at_once() -> None:
    again = cuff((0, "open", ""), (3600, "close", ""))
    assert [event for event in again.events if isinstance(event, Trouble) and event.code == "no-reply"]


def test_no_time_passes_in_a_gap() -> None:
    """An idle module is asked again and again; in a gap of a day it is not."""
    short = cuff((0, "open", ""), (1, "gap", ""), (1 + 86_400, "in", "00"), (86_402, "close", ""))
    assert short.written_anew < 10


@pytest.mark.parametrize(
    ("ways", "lives"),
    [
        (["open", "in", "close"], [3]),
        (["in", "in"], [2]),
        (["in", "close", "open", "in"], [2, 2]),
        (["open", "in", "open", "in", "close", "open"], [2, 3, 1]),
        ([], []),
    ],
)
def test_lives_of_a_port(ways: list[Way], lives: list[int]) -> None:
    entries = tuple(Entry(place, way) for place, way in enumerate(ways))
    assert [len(life) for life in sessions(entries)] == lives


def test_virtual_time_passes_at_once_and_in_order() -> None:
    async def two() -> list[tuple[float, str]]:
        told: list[tuple[float, str]] = []

        async def say(word: str, after: float) -> None:
            await asyncio.sleep(after)
            told.append((round(asyncio.get_running_loop().time(), 6), word))

        await asyncio.gather(say("later", 7200.0), say("sooner", 60.0))
        return told

    assert virtual_time.run(two()) == [(60.0, "sooner"), (7200.0, "later")]
