"""Every documented instrument through a whole measure: the body's value, honest evidence, and a Bundle that is valid.

A ministry buys whichever device it likes. All of them measure at once here, each on its real wire with its own
simulated other end, many times faster than life. The audiometer of headphones and a button has its test with the
screen (`test_process_hearing`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest

from cabin_agent.fhir.bundle import build_bundle
from cabin_agent.recorder import recording, samples
from cabin_agent.results import CabinIdentity, Measure, NotMeasured
from cabin_agent.wording import LANGUAGES, catalogue
from drivers import DRIVERS, by_hand
from tests.bundles import measured, observations, resources
from tests.one_instrument import PERSON, Cabin, Made, cabin
from tests.visits import DEMO_NIR, visit

SPEED = 20.0
AT_ONCE, SLOWER = 8, (1.0, 3.0, 8.0)
STEADY = 5.0
"""For a module whose rate is compared with the wall's clock."""
ASKED = 8.0
"""For scales that are asked twice a second of the wall."""


@dataclass(frozen=True, slots=True)
class Bought:
    """One device that may be bought, and what is known of it in the end."""

    protocol: str
    model: str = ""
    """The simulated one, where one driver has several."""
    tells: tuple[str, ...] = ()
    """Of model, serial number, firmware and clock: what the device says of itself."""
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """That are always there."""
    mode: str | None = None
    site: str | None = None
    readings: int | None = None
    wave: str | None = None
    """Unit of the recorded waveform; None: there is none."""
    height: bool = False
    speed: float = SPEED


Known = dict[str, Any]
OXIMETER: Known = {"site": "left-finger"}
ALONE: Known = {**OXIMETER, "reasons": ("no-pleth",)}
COUNTS: Known = {"notes": ("rhythm-regular", "reference-hardware", "scale-unknown"), "mode": "rhythm", "wave": "1"}
CUFF: Known = {"site": "left-arm", "mode": "oscillometric"}
HAND_CUFF: Known = {**CUFF, "notes": ("cuff-no-curve",)}
SURFACE: Known = {
    "notes": ("surface-temperature", "reference-hardware"),
    "mode": "object",
    "site": "forehead",
    "readings": 3,
}
ALL = ("model", "serial", "firmware", "clock")

EVERY = (
    Bought("nonin", "nonin-df2", ("model", "firmware"), mode="4-beat-average", wave="1", **OXIMETER),
    Bought("nonin", "nonin-df7", ("model", "firmware"), mode="4-beat-average", wave="1", **OXIMETER),
    Bought("nonin", "nonin-df1", ("model",), mode="4-beat-average", **ALONE),
    Bought("nonin", "nonin-df8", ("model",), mode="display", **ALONE),
    Bought("nonin-df13", "", ("model",), mode="spot-check", readings=1, **ALONE),
    Bought("contec", "contec-v7", ("model",), wave="1", **OXIMETER),
    Bought("contec", "contec-old", ("model",), wave="1", **OXIMETER),
    Bought("ble-oximeter", "", ALL, **ALONE),
    Bought("phd-oximeter", "", ("model", "serial", "clock"), **ALONE),
    Bought(
        "cyton", "", ("model", "firmware"), notes=("rhythm-regular", "reference-hardware"), mode="rhythm", wave="mV"
    ),
    Bought("healthypi-v4", **COUNTS),
    Bought("healthypi-v5", "", ("model",), **COUNTS),
    Bought("medlab-1", speed=STEADY, **COUNTS),
    Bought("medlab-2", "", ("model", "firmware"), **COUNTS),
    Bought("suntech", "", ("model", "firmware"), wave="mm[Hg]", **CUFF),
    Bought("omron-hem790it", "", ("model", "serial", "firmware"), **HAND_CUFF),
    Bought("ble-tensiometer", "", ALL, **HAND_CUFF),
    Bought("phd-tensiometer", "", ("model", "serial", "clock"), **HAND_CUFF),
    Bought("gymcu90614", **SURFACE),
    Bought("gymcu90615", **SURFACE),
    Bought("ble-thermometer", "", ALL, mode="adjusted", site="ear", readings=3),
    Bought("phd-thermometer", "", ("model", "serial", "clock"), mode="adjusted", site="body", readings=1),
    Bought("healthometer", height=True, readings=2, speed=ASKED),
    Bought("healthometer-2595kl", notes=("empty-not-shown",), readings=2, speed=ASKED),
    Bought("a-and-d", readings=2, speed=ASKED),
    Bought("mt-sics", "", ("model", "serial", "firmware"), readings=2, speed=ASKED),
    Bought("detecto", height=True, readings=2, speed=ASKED),
    Bought("ble-scale", "", ALL, readings=1),
    Bought("phd-scale", "", ("model", "serial", "clock"), readings=1),
    Bought("tm262", mode="air-conduction"),
)
TRUE: Mapping[str, tuple[tuple[str, str, float, float], ...]] = {
    "oximeter": (("spo2", "value", PERSON.spo2, 0.5), ("pulse_rate", "value", PERSON.heart_rate, 3.0)),
    "ecg": (("heart_rate", "value", PERSON.heart_rate, 2.0),),
    "tensiometer": (
        ("blood_pressure", "systolic", PERSON.systolic, 6.0),
        ("blood_pressure", "diastolic", PERSON.diastolic, 5.0),
        ("blood_pressure", "pulse_rate", PERSON.heart_rate, 3.0),
    ),
    "thermometer": (("temperature", "value", PERSON.temperature, 0.15),),
    "scale": (("weight", "value", PERSON.weight, 0.05),),
    "audiometer": (),
}
"""Kind -> measure, component, what the body has, and how far the instrument may be from it."""
FIRST = {"oximeter": "spo2", "ecg": "ecg", "tensiometer": "blood_pressure", "thermometer": "temperature",
         "scale": "weight", "audiometer": "hearing"}  # fmt: skip
"""The measure whose evidence is looked at."""
every = pytest.mark.parametrize("bought", EVERY, ids=lambda bought: bought.model or bought.protocol)


async def _made(folder: Path, bought: Bought, slower: float = 1.0) -> Made:
    place = folder / (bought.model or bought.protocol)
    async with cabin(place, bought.protocol, speed=bought.speed / slower, model=bought.model) as booth:
        return await booth.visit()


async def _all_made(folder: Path) -> dict[Bought, Made]:
    """Several at once; what a busy machine had no time for is measured again, more slowly."""
    found: dict[Bought, Made] = {}
    for slower in SLOWER:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(bought: Bought, slower: float = slower, room: asyncio.Semaphore = room) -> None:
            async with room:
                made = await _made(folder / f"{slower}", bought, slower)
            if _is_whole(made) or slower == SLOWER[-1]:
                found[bought] = made

        await asyncio.gather(*(one(bought) for bought in EVERY if bought not in found), return_exceptions=True)
    return found


def _is_whole(made: Made) -> bool:
    """Whether every value is there, and none is bad: a busy machine loses samples."""
    outcomes = made.told.outcomes if made.failure is None else ()
    kept = [one for one in outcomes if isinstance(one, Measure) and one.evidence.quality != "bad"]
    return bool(outcomes) and len(kept) == len(outcomes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[Bought, Made]]:
    """Every device has measured."""
    yield asyncio.run(_all_made(tmp_path_factory.mktemp("all")))


def test_every_driver_of_the_house_is_here() -> None:
    assert {bought.protocol for bought in EVERY} == {*DRIVERS} - {"headphone"}


@every
def test_the_value_is_the_bodys(made: Mapping[Bought, Made], bought: Bought) -> None:
    result = made[bought]
    assert result.failure is None, (result.failure and result.failure.detail, result.said)
    for name, component, truth, off in TRUE[result.device.kind]:
        assert result.measure(name).values[component].value == pytest.approx(truth, abs=off), name
    if bought.height:
        assert result.measure("height").values["value"].value == PERSON.height
    elif result.device.kind == "scale":
        assert NotMeasured("height", "failed", "missing") in result.told.outcomes


@every
def test_the_evidence_says_what_the_device_is_and_no_more(made: Mapping[Bought, Made], bought: Bought) -> None:
    device = made[bought].device
    assert (device.protocol, device.simulated) == (bought.protocol, True)
    said = {
        "model": device.model != device.kind,
        "serial": device.serial is not None,
        "firmware": device.firmware is not None,
        "clock": device.clock_offset_s is not None,
    }
    assert {word for word, there in said.items() if there} == set(bought.tells)
    for outcome in made[bought].told.outcomes:
        if isinstance(outcome, Measure) and outcome.name != "bmi":
            assert outcome.evidence.device == device


@every
def test_the_evidence_says_how_and_where(made: Mapping[Bought, Made], bought: Bought) -> None:
    evidence = made[bought].measure(FIRST[made[bought].device.kind]).evidence
    assert (evidence.mode, evidence.site) == (bought.mode, bought.site)
    # A machine that is busy loses samples of the fast ones, and then it is said too.
    assert evidence.reasons == bought.reasons or bought.wave
    assert evidence.quality == ("usable" if evidence.reasons else "good")
    assert set(bought.notes) <= set(evidence.notes)
    if bought.wave is None:
        assert evidence.notes == bought.notes
    assert bought.readings in (None, evidence.readings)
    for code in (*evidence.notes, *evidence.reasons):
        assert all(f"note.{code}" in catalogue(each) or f"reason.{code}" in catalogue(each) for each in LANGUAGES)


@every
def test_the_recording_holds_what_there_is(made: Mapping[Bought, Made], bought: Bought) -> None:
    content, _ = recording(list(made[bought].told.tracks), simulated=True)
    tracks = cbor2.loads(content)["tracks"]
    assert {track["unit"] for track in tracks} == ({bought.wave} if bought.wave else set())
    for track in tracks:
        assert np.ptp(samples(track)) > 0


@every
def test_the_bundle_is_valid_and_says_the_same(made: Mapping[Bought, Made], bought: Bought) -> None:
    result = made[bought]
    booth = CabinIdentity("Cabine d'essai", "TEST-1", "1.4.0", simulated=True)
    record = visit(outcomes=result.told.outcomes, subject=DEMO_NIR, cabin=booth, recording=None)
    bundle = json.loads(build_bundle(record))
    (device,) = [each for each in resources(bundle, "Device") if "modelNumber" in each]
    assert device["modelNumber"] == result.device.model
    assert device.get("serialNumber") == result.device.serial
    for outcome in result.told.outcomes:
        found = (measured if isinstance(outcome, Measure) else observations)(bundle, outcome.name)
        assert len(found) == 1, outcome.name


# --- who starts it, and what is old -------------------------------------------------------------------------------

HAND = sorted(protocol for protocol in DRIVERS if by_hand(protocol))


def test_what_the_person_starts_is_told_apart() -> None:
    assert HAND == [
        "ble-oximeter", "ble-scale", "ble-tensiometer", "ble-thermometer", "nonin-df13", "omron-hem790it",
        "phd-oximeter", "phd-scale", "phd-tensiometer", "phd-thermometer",
    ]  # fmt: skip


REMEMBERING = [
    *((protocol, "stored-batch") for protocol in HAND if protocol.startswith("phd-")),
    *((protocol, "old-readings-first") for protocol in HAND if protocol.startswith("ble-")),
    ("omron-hem790it", ""),
]
"""Protocols whose instruments send readings of somebody else's, and the simulator's name for it."""
FAST = 60.0
Old = Mapping[tuple[str, bool], tuple[Made, Cabin]]


async def _remembered(folder: Path, protocol: str, fault: str, there: bool, slower: float) -> tuple[Made, Cabin]:
    speed = (SPEED if there else FAST) / slower
    faults = [fault] if fault else []
    async with cabin(folder / f"{protocol}{there}", protocol, speed=speed, faults=faults, early=bool(fault)) as booth:
        made = await booth.visit(there=there)
        await booth.until(booth.refused)
        return made, booth


async def _all_remembered(folder: Path) -> Old:
    found: dict[tuple[str, bool], tuple[Made, Cabin]] = {}
    cases = [(protocol, fault, there) for protocol, fault in REMEMBERING for there in (True, False)]
    for slower in SLOWER:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(case: tuple[str, str, bool], slower: float = slower, room: asyncio.Semaphore = room) -> None:
            async with room:
                made, booth = await _remembered(folder / f"{slower}", *case, slower)
            if (made.failure is None) is case[2] or slower == SLOWER[-1]:
                found[case[0], case[2]] = made, booth

        left = [case for case in cases if (case[0], case[2]) not in found]
        await asyncio.gather(*map(one, left), return_exceptions=True)
    return found


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    """Every device that remembers somebody else: with a person to measure, and without one."""
    yield asyncio.run(_all_remembered(tmp_path_factory.mktemp("old")))


@pytest.mark.parametrize("protocol", [protocol for protocol, _ in REMEMBERING])
def test_an_old_reading_never_becomes_this_visits_value(old: Old, protocol: str) -> None:
    result, booth = old[protocol, True]
    assert result.failure is None, (result.failure and result.failure.detail, result.said)
    for name, component, truth, off in TRUE[booth.kind]:
        assert result.measure(name).values[component].value == pytest.approx(truth, abs=off), name


@pytest.mark.parametrize(("protocol", "fault"), REMEMBERING)
def test_where_only_old_readings_come_there_is_no_value_and_it_is_said(old: Old, protocol: str, fault: str) -> None:
    result, _ = old[protocol, False]
    assert result.told.outcomes == () and result.failure is not None
    if fault:
        assert "old-reading" in result.said


# --- other units, and a calibration that is past its date -----------------------------------------------------------

UNITS = [
    ("ble-thermometer", "fahrenheit"), ("ble-tensiometer", "kilopascal"), ("ble-scale", "pounds"),
    ("phd-thermometer", "other-unit"), ("phd-tensiometer", "other-unit"), ("phd-scale", "other-unit"),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "fault"), UNITS)
async def test_another_unit_is_converted(tmp_path: Path, protocol: str, fault: str) -> None:
    async with cabin(tmp_path, protocol, speed=SPEED, faults=[fault]) as booth:
        result = await booth.visit()
    for name, component, truth, off in TRUE[booth.kind]:
        assert result.measure(name).values[component].value == pytest.approx(truth, abs=off), name


LONG_AGO = date(2020, 1, 1)


async def test_a_calibration_past_its_date_is_flagged_on_the_value(tmp_path: Path) -> None:
    async with cabin(tmp_path, "gymcu90614", speed=SPEED, calibrated=LONG_AGO) as booth:
        result = await booth.visit()
    assert "calibration-due" in result.measure("temperature").evidence.notes
    assert "calibration-due" in build_bundle(visit(outcomes=result.told.outcomes, subject=DEMO_NIR)).decode()


async def test_where_the_cabin_is_strict_there_is_no_value(tmp_path: Path) -> None:
    async with cabin(tmp_path, "gymcu90614", speed=SPEED, calibrated=LONG_AGO, past_due="refuse") as booth:
        result = await booth.visit()
    assert result.told.outcomes == ()
    assert result.failure is not None
    assert (result.failure.detail, result.failure.why) == ("calibration-due", "absent")
    assert result.said == ["calibration-due"]
