"""The simulated one-lead boards, HealthyPi and Medlab, against their sheets, and their drivers on a real wire."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from drivers import DRIVERS
from drivers.events import Event, Identity, NoValue, Reading, Trouble, Wave
from drivers.pipe import CABLES, End, pipe
from drivers.stream import open_stream
from simulators.body import Body
from simulators.device import Device
from simulators.faults import accepted
from simulators.healthypi import Five, Four
from simulators.physiology import Physiology
from simulators.rack import MODELS, Ready, run_rack

SPEED = 20.0
BOARDS = ("healthypi-v5", "healthypi-v4", "medlab-1", "medlab-2")
LEAD = {"healthypi-v5": "I", "healthypi-v4": "I", "medlab-1": "II", "medlab-2": "II"}


def running(device: Device, seconds: float) -> bytes:
    device.opened(0.0)
    return b"".join(frame for n in range(1, int(seconds / 0.04) + 1) for frame in device.produce(n * 0.04))


def test_a_five_s_frame_is_the_sheets() -> None:
    data = running(Five(Body(1)), 4.0)
    assert len(data) == 512 * 29
    for frame in (data[n : n + 29] for n in range(0, len(data), 29)):
        assert (frame[:5], frame[-2:]) == (bytes.fromhex("0afa160002"), b"\x00\x0b")
        assert struct.unpack("<ii", frame[14:22]) == (812_345, 901_234)
        assert (struct.unpack("<h", frame[22:24]), frame[24]) == ((3620,), 97)


def test_a_four_s_frame_holds_the_two_constants() -> None:
    data = running(Four(Body(1)), 4.0)
    assert len(data) == 500 * 27
    assert {data[n + 22 : n + 25] for n in range(0, len(data), 27)} == {bytes([80, 120, 0xC0])}


def test_a_five_obeys_whole_commands_with_the_right_check() -> None:
    board = Five(Body(1))
    board.opened(0.0)
    assert board.receive(bytes.fromhex("aa55010001"), 0.0) == []
    assert [board.receive(bytes([byte]), 0.0) for byte in bytes.fromhex("aa55010000")][-1] == [
        bytes.fromhex("aa55810000")
    ]
    assert board.receive(bytes.fromhex("aa55110000"), 0.0) == [] == board.produce(1.0)
    board.receive(bytes.fromhex("aa55100000"), 1.0)
    assert len(board.produce(2.0)) == 128


class Heard:
    """The events of one driver, and whether enough of them came."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def take(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, enough: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not enough():
                self._more.clear()
                await self._more.wait()

    @property
    def waves(self) -> list[Wave]:
        return [event for event in self.events if isinstance(event, Wave)]

    def samples(self) -> int:
        return sum(len(wave.samples) for wave in self.waves)

    def said(self, quantity: str) -> list[object]:
        return [event.value for event in self.events if isinstance(event, Reading) and event.quantity == quantity]

    def numbers(self, quantity: str) -> set[float]:
        return {each for each in self.said(quantity) if isinstance(each, float)}

    def troubles(self) -> set[str]:
        return {str(event.code) for event in self.events if isinstance(event, Trouble)} - {"unconfirmed"}


Enough = Callable[[Heard], object]


async def driven(folder: Path, protocol: str, body: Body, faults: list[str], enough: Enough) -> Heard:
    """What the driver says of its simulated board on a pseudo-terminal, `SPEED` times faster than life."""
    driver, heard = DRIVERS[protocol](**({"time_scale": SPEED} if protocol == "medlab-1" else {})), Heard()
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    rack = asyncio.create_task(
        run_rack(folder, [protocol], body, SPEED, ready=ready.set_result, faults={protocol: faults})
    )
    stream = await open_stream((await ready).urls[protocol], driver.line)
    run = asyncio.create_task(driver.run(stream, heard.take))
    try:
        await heard.until(lambda: enough(heard))
    finally:
        for task in (run, rack):
            task.cancel()
        await asyncio.gather(run, rack, return_exceptions=True)
        stream.close()
    return heard


@pytest.mark.parametrize("protocol", BOARDS)
async def test_each_board_gives_its_lead_in_counts(tmp_path: Path, protocol: str) -> None:
    body = Body(1, Physiology(heart_rate=80, spo2=94))
    heard = await driven(tmp_path, protocol, body, [], lambda heard: heard.samples() > 3000)
    first = heard.events[0]
    assert isinstance(first, Trouble) and first.code == "unconfirmed"
    assert heard.troubles() == set()
    assert {(wave.unit, wave.channels, wave.flags) for wave in heard.waves} == {("1", (LEAD[protocol],), frozenset())}
    rows = np.array([row[0] for wave in heard.waves for row in wave.samples])
    rows = (rows - np.median(rows)) / np.ptp(rows)
    beats = np.flatnonzero((rows[1:-1] > 0.4) & (rows[1:-1] > rows[:-2]) & (rows[1:-1] >= rows[2:]))
    assert 60 * heard.waves[0].rate / np.median(np.diff(beats)) == pytest.approx(80, rel=0.06)
    if protocol.startswith("healthypi"):
        assert heard.numbers("spo2") == {94.0}
        assert heard.numbers("temperature") == {36.2}
    if protocol in ("healthypi-v5", "medlab-2"):
        assert any(isinstance(event, Identity) for event in heard.events)


FAULTS = [(protocol, fault) for protocol in BOARDS for fault in MODELS[protocol].own_faults]


@pytest.mark.parametrize(("protocol", "fault"), FAULTS)
async def test_no_fault_makes_a_false_value(tmp_path: Path, protocol: str, fault: str) -> None:
    mute = fault in ("wrong-length", "deaf", "wrong-marker")

    def enough(heard: Heard) -> bool:
        if fault == "deaf":
            return "unexpected-reply" in heard.troubles()
        if fault == "wrong-marker":
            return sum(isinstance(event, Trouble) for event in heard.events) > 6
        return heard.samples() > 1500

    if fault == "wrong-length":  # nothing but silence is the right answer, and a cable tells it sooner
        heard = await on_cable("whole", protocol, fault)
    else:
        heard = await driven(tmp_path, protocol, Body(1), [fault], enough)
    assert (heard.samples() == 0) is mute
    assert heard.numbers("heart_rate") <= {float(n) for n in range(55, 82)}
    assert heard.numbers("spo2") <= {97.0}
    assert heard.numbers("temperature") <= {36.2}
    if fault == "batches":
        assert set(heard.said("temperature")) == {NoValue("device-error")}
    if protocol == "medlab-2":
        assert heard.said("heart_rate") == []


@pytest.mark.parametrize("protocol", BOARDS)
async def test_lost_bytes_never_make_a_sample_that_was_not_sent(tmp_path: Path, protocol: str) -> None:
    heard = await driven(tmp_path, protocol, Body(1), ["dropped-bytes"], lambda heard: heard.samples() > 4000)
    most = {"healthypi-v5": 40_000, "healthypi-v4": 1000, "medlab-1": 246, "medlab-2": 246}[protocol]
    assert all(abs(row[0]) <= most for wave in heard.waves for row in wave.samples)
    if protocol != "medlab-1":  # which has nothing to see it by
        assert {"resync", "lost-samples"} <= heard.troubles()


async def test_a_spoilt_block_is_refused(tmp_path: Path) -> None:
    assert "bad-checksum" in accepted(MODELS["medlab-2"])
    heard = await driven(tmp_path, "medlab-2", Body(1), ["bad-checksum"], lambda heard: heard.samples() > 3000)
    assert {"checksum", "lost-samples"} == heard.troubles()


@pytest.mark.parametrize("protocol", ["healthypi-v4", "medlab-1"])
async def test_an_electrode_off_is_flagged(tmp_path: Path, protocol: str) -> None:
    body = Body(1)
    body.change(0.0, {"electrodes_on": []})
    heard = await driven(tmp_path, protocol, body, [], lambda heard: heard.samples() > 600)
    assert {wave.flags for wave in heard.waves[-20:]} == {frozenset({f"lead-off:{LEAD[protocol]}"})}
    assert heard.numbers("heart_rate") == set()


async def on_cable(cable: str, protocol: str, fault: str = "") -> Heard:
    """Six seconds of the board's time over a cable in memory, then the cable is pulled out."""
    here, there = pipe(CABLES[cable])
    device, driver, heard = MODELS[protocol](Body(1)), DRIVERS[protocol](), Heard()
    if fault:
        device.fail(fault, True, 0.0)
    run = asyncio.create_task(driver.run(here, heard.take))
    await play(device, there)
    await asyncio.sleep(0.05)
    there.drop()
    await asyncio.gather(run, return_exceptions=True)
    return heard


async def play(device: Device, there: End) -> None:
    device.opened(0.0)
    for n in range(1, 151):
        for frame in device.produce(n * 0.04):
            await there.write(frame)


@pytest.mark.parametrize("cable", CABLES)
@pytest.mark.parametrize("protocol", ["healthypi-v5", "healthypi-v4", "medlab-2"])
async def test_every_cable(protocol: str, cable: str) -> None:
    heard = await on_cable(cable, protocol)
    assert heard.samples() > (100 if cable == "lossy" else 500)
    assert heard.numbers("spo2") <= {97.0} and heard.numbers("temperature") <= {36.2}
    if cable != "lossy":
        assert heard.troubles() == set()


@pytest.mark.parametrize("protocol", BOARDS)
async def test_replugged_it_begins_anew(protocol: str) -> None:
    first, second = await on_cable("whole", protocol), await on_cable("whole", protocol)
    assert [wave.index for wave in first.waves] == [wave.index for wave in second.waves]
