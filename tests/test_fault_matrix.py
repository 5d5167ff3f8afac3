"""Every fault of every instrument, on its real wire: nothing false is said, and all of it heals.

An unplug and a silence come at each of the five moments, every other fault at two of them, other ones for each fault
and instrument, so that every instrument meets them all; `make test-long` (FAULT_MATRIX=whole) has every fault come at
every moment.

The wires are pseudo-terminals, and the sockets of the emulated USB, Bluetooth and sound; the keeper has the pace of
the product. All cells of one instrument run together in one event loop, each with a rack of its own.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from drivers import DRIVERS, ble_stream
from simulators import rack
from simulators.device import Clock
from simulators.faults import accepted
from simulators.rack import MODELS
from tests.fault_bench import Bench
from tests.fault_cases import MOMENTS, READY_S, Case, Moment, Setting
from tests.steady import Steady

AT_ONCE: Mapping[str, int] = {"medlab-1": 6, "cyton": 8}
"""Cells that run at the same time, where they are not 14: more make the machine the fault."""

SPEEDS: Mapping[str, float] = {"headphone": 5.0, "ecg": 8.0, "medlab-1": 3.0, "tensiometer": 40.0, "tm262": 100.0}
"""Protocol or kind -> how much faster than ours its body lives; 15 where nothing is said."""
ARGUMENTS: Mapping[str, Mapping[str, object]] = {
    "suntech": {"reply_s": 0.25, "limit_s": 70.0},
    "cyton": {"reset_s": 0.5, "reply_s": 0.2, "alive_s": 0.2},
    **{scale: {"poll_s": 0.1} for scale in ("healthometer", "a-and-d", "mt-sics", "detecto")},
    "headphone": {"calibration": str(Path(__file__).parent.parent / "docs" / "headphone.toml")},
}
"""Protocol -> what its driver is told, so that as much of the body's time passes as in life."""

ALWAYS = ("unplug", "silence")
WHOLE = os.environ.get("FAULT_MATRIX") == "whole"
PER_MV: Mapping[str, float] = {"healthypi-v5": 20_000.0, "healthypi-v4": 400.0, "medlab-1": 64.0, "medlab-2": 64.0}
TIMED = ("medlab-1", "phd-")
"""Protocols whose driver compares the instrument with the clock of the wall: their body lives by it too."""

OFF = "the protocol has no word for an electrode that is off: the lead is flat, and judged by whoever reads it"
HEADERS = "samples that look like the header of a frame are those of no heart"
STUCK = "a scale that shows what it locked last is found out after a minute of stillness, and no sooner"
TIPPED = "a scale that loses its zero under somebody's feet is found out when they step off"
TURNED = "phones that are worn the wrong way round play every tone as it was asked for"
TORN = "a silence of a whole number of packets cannot be seen in the bytes: one number may be half old, half new"
UNSEEN: Mapping[str, tuple[frozenset[Moment], str]] = {
    "stuck-weight": (frozenset(MOMENTS), STUCK),
    "tipped": (frozenset({"start", "middle"}), TIPPED),
    "swapped-ears": (frozenset(MOMENTS), TURNED),
    **{f"{packets} silence": (frozenset(MOMENTS), TORN) for packets in ("nonin", "nonin-df2", "nonin-df7")},
    "medlab-2 electrode-off": (frozenset(MOMENTS), OFF),
    "healthypi-v5 electrode-off": (frozenset(MOMENTS), OFF),
    "healthypi-v5 false-header": (
        frozenset(MOMENTS),
        "samples that look like the header of a frame beat in no heart",
    ),
}
"""Fault, of one protocol or of all -> the moments in which nobody could tell from the wire, and why."""
ASLEEP = "a monitor that does not answer is woken every three seconds"
EITHER = "each of two generations is listened for a second, and only one of them is asked"
PROVEN = "a module whose samples have no check is believed after two windows of its rate"
SLOWER: Mapping[str, tuple[float, str]] = {
    "omron-hem790it": (6.0, ASLEEP),
    "contec-v7": (4.0, EITHER),
    "medlab-1": (6.0, PROVEN),
}
"""Protocol -> seconds from the end of a fault to ready, and why they are more than two."""


def _driver(model: str) -> str:
    """The driver's name for an instrument that is simulated in several formats."""
    return model if model in DRIVERS else model.partition("-")[0]


NAMES = [
    name
    for number, (name, device) in enumerate(MODELS.items())
    if _driver(name) in DRIVERS and device not in list(MODELS.values())[:number]
]


def cases(name: str) -> list[Case]:
    """The cells of one instrument."""
    kind, protocol = MODELS[name].kind, _driver(name)
    speed = SPEEDS.get(name) or SPEEDS.get(kind) or 15.0
    scaled = {"time_scale": speed} if "time_scale" in DRIVERS[protocol].takes else {}
    arguments = {**scaled, **ARGUMENTS.get(name, {})}
    pumps = name in ("suntech", "ble-tensiometer")
    setting = Setting(
        name,
        protocol,
        speed,
        arguments,
        pumps=pumps,
        per_mv=PER_MV.get(name, 1.0),
        once=name == "nonin-df13",
        infrared=name.startswith("gymcu"),
    )
    faults = enumerate(accepted(MODELS[name]), NAMES.index(name))
    return [_case(setting, fault, moment) for number, fault in faults for moment in _moments(number, fault)]


def _moments(number: int, fault: str) -> tuple[Moment, ...]:
    """When this fault, of this number among all, comes."""
    return MOMENTS if WHOLE or fault in ALWAYS else (MOMENTS[number % 5], MOMENTS[(number + 2) % 5])


def _case(setting: Setting, fault: str, moment: Moment) -> Case:
    ready_s, _ = SLOWER.get(setting.model, (READY_S, ""))
    of_all, _, _ = fault.partition(":")
    moments, _ = UNSEEN.get(f"{setting.model} {of_all}") or UNSEEN.get(of_all) or (frozenset[Moment](), "")
    return Case(setting, fault, moment, moment in moments, ready_s)


@pytest.mark.processes
@pytest.mark.parametrize("name", NAMES)
async def test_nothing_false_is_said_and_every_fault_heals(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ble_stream, "RUSH_S", 0.1)
    before = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
    gate, clock = asyncio.Semaphore(AT_ONCE.get(name, 14)), Steady()
    if not name.startswith(TIMED):
        monkeypatch.setattr(rack, "Clock", partial(Clock, wall=clock.now))

    async def one(number: int, case: Case) -> str | None:
        async with gate:
            try:
                await Bench(tmp_path / str(number), case, clock).run()
            except Exception as error:
                return f"{type(error).__name__}: {error}" if not isinstance(error, AssertionError) else str(error)
            return None if os.listdir(tmp_path / str(number)) == [] else f"{case}: its link is left"

    async with clock.going():
        wrong = await asyncio.gather(*(one(number, case) for number, case in enumerate(cases(name))))
    await _nothing_left(*before)
    assert not any(wrong), "\n".join(each for each in wrong if each)


async def _nothing_left(threads: set[threading.Thread], files: int) -> None:
    """Connections of Bluetooth end in their own turn."""
    end = time.monotonic() + 5
    while (others := asyncio.all_tasks() - {asyncio.current_task()}) and time.monotonic() < end:
        await asyncio.wait(others, timeout=0.1)
    # Nothing tells that a thread has ended.
    while set(threading.enumerate()) - threads and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert set(threading.enumerate()) <= threads
    assert len(os.listdir("/proc/self/fd")) <= files
