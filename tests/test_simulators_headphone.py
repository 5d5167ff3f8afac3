"""The simulated headphones by themselves, with samples made here; and with the driver over a socket, pulled out."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from drivers.errors import DriverError
from drivers.events import ButtonPress, Event, TonePlayed
from drivers.headphone import Audiometer
from drivers.instrument import Presented
from drivers.keeper import Keeper
from drivers.link import LinkState
from simulators.body import Body
from simulators.device import Clock
from simulators.faults import fault_of
from simulators.headphone import CHUNK, RATE, Headphones
from simulators.physiology import AT_REST
from simulators.rack import MODELS, device_of
from simulators.station import Station
from simulators.wire import SoundCard
from tests.phones import CALIBRATION

SURE = replace(AT_REST, false_alarm=0.0, lapse=0.0, listening_sd=0.1)
TICK_S = 0.02


def sine(channel: int, hz: float, dbfs: float, seconds: float = 1.0) -> bytes:
    frames = np.zeros((round(seconds * RATE), 2))
    frames[:, channel] = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz / RATE * np.arange(len(frames)))
    return bytes((frames * 2.0**31).astype("<i4"))


def said(device: Headphones, kind: str, until: float) -> list[tuple[int, ...]]:
    """Numbers of the records of one kind that the device sends up to a time."""
    found, now = [], 0.0
    while now < until:
        now += TICK_S
        for record in device.produce(now):
            if record[1:2] == kind.encode():
                payload = record[4:-2]
                found.append(struct.unpack("<QQQI" if kind == "C" else f"<Q{(len(payload) - 8) // 2}h", payload))
    return found


def wearing(**person: object) -> Headphones:
    device = Headphones(Body(1, replace(SURE, **person)))  # type: ignore[arg-type]
    device.opened(0.0)
    return device


@pytest.mark.parametrize(("above_db", "pressed"), [(3, True), (-3, False)])
@pytest.mark.parametrize(("channel", "full_scale"), [(0, 112.0), (1, 111.5)])
def test_a_tone_is_heard_from_the_threshold_of_its_ear_on(
    channel: int, full_scale: float, above_db: float, pressed: bool
) -> None:
    device = wearing(left=(30.0,) * 11, right=(30.0,) * 11)
    device.receive(sine(channel, 1000, 30 + above_db + 5.5 - full_scale), 0.0)
    presses = said(device, "P", 3.0)
    assert bool(presses) is pressed
    if presses:
        assert 0.25 <= presses[0][0] / RATE <= 2.0


def test_one_tone_is_answered_once_and_the_button_is_let_go() -> None:
    device = wearing()
    device.receive(sine(0, 1000, -40, 2.0), 0.0)
    assert len(said(device, "P", 4.0)) == 1
    device.receive(sine(0, 1000, -40), 4.0)
    assert len(said(device, "R", 4.0)) <= 1


def test_silence_is_answered_by_nobody_who_is_sure() -> None:
    device = wearing()
    device.receive(bytes(8 * RATE * 5), 0.0)
    assert said(device, "P", 6.0) == []


def test_the_card_says_when_sound_began_and_ended() -> None:
    device = wearing()
    device.receive(sine(0, 1000, -40, 0.5), 0.0)
    now, began, ended, underruns = said(device, "C", 2.0)[-1]
    assert (ended - began, underruns) == (RATE // 2, 0)
    assert now >= ended
    assert began <= 3 * TICK_S * RATE


def test_the_microphone_is_heard_twice_a_second() -> None:
    told = said(wearing(), "N", 5.0)
    assert 8 <= len(told) <= 10
    assert all(len(each) == 12 for each in told)


def test_it_is_one_of_the_models_with_faults_by_name() -> None:
    assert MODELS["headphone"] is Headphones is device_of("headphone")
    assert all(fault_of("headphone", Headphones, name).name == name for name in Headphones.own_faults)
    assert CHUNK % 10 == 0


async def test_pulled_out_and_pushed_back_over_a_real_socket(tmp_path: Path) -> None:
    heard = list[Event]()
    states = asyncio.Queue[LinkState]()
    body = Body(1, SURE)
    station = Station(Headphones(body), partial(SoundCard, tmp_path / "card.sound"), body, Clock(20.0))
    station.plug()
    driver = Audiometer(CALIBRATION, 20.0)
    keeper = Keeper(
        "ears", station.url, driver, lambda _, event, __: heard.append(event),
        lambda _, state, __: states.put_nowait(state), accept_simulated=True,
    )  # fmt: skip

    async def tick() -> None:
        while True:
            station.tick()
            await asyncio.sleep(TICK_S)

    async def until(state: LinkState) -> None:
        async with asyncio.timeout(20):
            while await states.get() is not state:
                pass

    tasks = [asyncio.create_task(tick()), asyncio.create_task(keeper.run())]
    try:
        await until(LinkState.READY)
        await keeper.start()
        playing = asyncio.create_task(driver.present(Presented("right", 1000, 60, 30.0, 1.0, 2.0)))
        await asyncio.sleep(0.1)
        station.unplug()
        with pytest.raises(DriverError):
            await playing
        await until(LinkState.ABSENT)
        assert not [event for event in heard if isinstance(event, TonePlayed)]
        station.plug()
        await until(LinkState.READY)
        with pytest.raises(DriverError):  # nothing begins again by itself
            await driver.present(Presented("right", 1000, 60, 0.5, 1.0, 2.0))
        await keeper.start()
        played = await driver.present(Presented("right", 1000, 60, 0.5, 1.0, 2.0))
        assert played in heard
        presses = [event.at_s for event in heard if isinstance(event, ButtonPress) and event.down]
        assert not played.whole or any(0.2 < at - played.onset_s < 2.0 for at in presses)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        station.unplug()
    assert not (tmp_path / "card.sound").exists()
