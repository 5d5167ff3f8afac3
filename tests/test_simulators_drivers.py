"""Driver and simulator check each other: neither was made from the other, they meet over a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from drivers.cyton import Ecg
from drivers.errors import DriverError
from drivers.events import Event, HearingRecord, Identity, NoValue, PressureResult, Reading, Trouble, Wave
from drivers.gymcu import Thermometer
from drivers.healthometer import Scale
from drivers.instrument import Instrument
from drivers.nonin import Oximeter
from drivers.stream import open_stream
from drivers.suntech import Tensiometer
from drivers.tm262 import Audiometer
from simulators.body import Body
from simulators.physiology import LEADS, Physiology
from simulators.rack import MODELS, Ready, run_rack
from simulators.replay import read_finger, read_leads

SPEED = 20.0
E = TypeVar("E", bound=Event)


class Heard:
    """The events of one driver."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def emit(self, event: Event) -> None:
        if isinstance(event, Trouble) and event.code == "unconfirmed":
            return
        self.events.append(event)
        self._more.set()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, enough: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not enough():
                self._more.clear()
                await self._more.wait()

    def values(self, quantity: str) -> list[float]:
        found = [reading.value for reading in self.of(Reading) if reading.quantity == quantity]
        return [value for value in found if not isinstance(value, NoValue)]

    def samples(self) -> tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        """Where the waves begin and all their samples; they have no hole."""
        waves = self.of(Wave)
        rows = [row for wave in waves for row in wave.samples]
        assert waves[-1].index + len(waves[-1].samples) - waves[0].index == len(rows)
        return waves[0].index, np.array(rows)


@asynccontextmanager
async def driven(folder: Path, driver: Instrument, body: Body, **settings: Any) -> AsyncIterator[Heard]:
    """A driver on its simulated instrument, `SPEED` times faster than life."""
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    rack = asyncio.create_task(run_rack(folder, [driver.kind], body, SPEED, ready=ready.set_result, **settings))
    stream = await open_stream((await ready).urls[driver.kind], driver.line)
    heard = Heard()
    run = asyncio.create_task(driver.run(stream, heard.emit))
    try:
        yield heard
    finally:
        for task in (run, rack):
            task.cancel()
        await asyncio.gather(run, rack, return_exceptions=True)
        stream.close()


async def test_oximeter(tmp_path: Path) -> None:
    body = Body(1, Physiology(heart_rate=132, spo2=94))
    async with driven(tmp_path, Oximeter(), body) as heard:
        await heard.until(lambda: len(heard.values("pulse_rate")) > 30)
    assert heard.values("spo2")[-1] == 94
    assert heard.values("pulse_rate")[-1] == pytest.approx(132, abs=6)
    assert not heard.of(Trouble)
    _, pleth = heard.samples()
    assert np.ptp(pleth) > 8000


async def test_oximeter_without_a_finger_gives_no_value(tmp_path: Path) -> None:
    body = Body(1)
    body.change(0.0, {"finger_in": False})
    async with driven(tmp_path, Oximeter(), body) as heard:
        await heard.until(lambda: len(heard.of(Reading)) > 30)
    assert heard.values("spo2") == heard.values("pulse_rate") == []
    reasons = {reading.value.why for reading in heard.of(Reading) if isinstance(reading.value, NoValue)}
    assert reasons == {"finger-out"}


async def test_ecg(tmp_path: Path) -> None:
    body = Body(1, Physiology(heart_rate=80))
    body.change(0.0, {"electrodes_on": [lead for lead in LEADS if lead != "V6"]})
    driver = Ecg()
    async with driven(tmp_path, driver, body) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: sum(len(wave.samples) for wave in heard.of(Wave)) > 5000)
        await driver.stop()
    assert not heard.of(Trouble)
    _, rows = heard.samples()
    assert heard.of(Wave)[0].channels == LEADS
    lead = rows[:5000, 1] - np.median(rows[:5000, 1])
    assert 0.9 < lead.max() < 1.4
    beats = np.flatnonzero((lead[1:-1] > 0.7) & (lead[1:-1] > lead[:-2]) & (lead[1:-1] >= lead[2:]))
    assert 60 * 250 / np.diff(beats).mean() == pytest.approx(80, rel=0.05)
    assert all(wave.flags == {"railed:V6"} for wave in heard.of(Wave))


async def test_tensiometer(tmp_path: Path) -> None:
    body = Body(1, Physiology(systolic=142, diastolic=91))
    driver = Tensiometer(time_scale=SPEED)
    async with driven(tmp_path, driver, body) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: heard.of(PressureResult))
    (result,) = heard.of(PressureResult)
    assert result.error is None
    assert isinstance(result.mean, float)
    assert result.systolic == pytest.approx(142, abs=6)
    assert result.diastolic == pytest.approx(91, abs=4)
    assert 91 < result.mean < 142
    assert heard.of(Identity)[0].model == "SunTech Advantage"
    assert max(heard.values("cuff_pressure")) > 155
    assert not heard.of(Trouble)


@pytest.mark.parametrize(
    ("asked", "error"),
    [({"cuff_on": False}, "loose-cuff"), ({"perfusion": 0.05}, "weak-signal"), ({"moving": True}, "movement")],
)
async def test_tensiometer_errors(tmp_path: Path, asked: dict[str, object], error: str) -> None:
    body = Body(1)
    body.change(0.0, asked)
    driver = Tensiometer(time_scale=SPEED)
    async with driven(tmp_path, driver, body) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: heard.of(PressureResult))
    (result,) = heard.of(PressureResult)
    assert result.error == error
    assert all(isinstance(value, NoValue) for value in (result.systolic, result.diastolic, result.mean))


async def test_tensiometer_abort(tmp_path: Path) -> None:
    driver = Tensiometer(time_scale=SPEED)
    async with driven(tmp_path, driver, Body(1)) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: max(heard.values("cuff_pressure"), default=0.0) > 60)
        await driver.stop()
    (result,) = heard.of(PressureResult)
    assert result.error == "ended-by-user"


async def test_thermometer(tmp_path: Path) -> None:
    async with driven(tmp_path, Thermometer(), Body(1, Physiology(temperature=38.4, ambient=21.0))) as heard:
        await heard.until(lambda: len(heard.values("temperature")) > 30)
    assert heard.values("temperature")[-1] == pytest.approx(38.4, abs=0.15)
    assert heard.values("ambient_temperature")[-1] == pytest.approx(21.0, abs=0.1)
    assert not heard.of(Trouble)


async def test_scale(tmp_path: Path) -> None:
    async with driven(tmp_path, Scale(), Body(1, Physiology(weight=83.2, height=181.5))) as heard:
        await heard.until(lambda: any("locked" in reading.flags for reading in heard.of(Reading)))
        await heard.until(lambda: heard.values("bmi"))
    assert heard.values("weight")[-1] == 83.2
    assert heard.values("height")[-1] == 181.5
    assert heard.values("bmi")[-1] == pytest.approx(25.3, abs=0.05)
    assert not heard.of(Trouble)


async def test_empty_scale_answers_when_asked(tmp_path: Path) -> None:
    body = Body(1)
    body.change(0.0, {"on_scale": False})
    async with driven(tmp_path, Scale(poll_s=0.1), body) as heard:
        await heard.until(lambda: heard.of(Reading))
    assert all(isinstance(reading.value, NoValue) for reading in heard.of(Reading))


async def test_audiometer(tmp_path: Path) -> None:
    body = Body(1)
    async with driven(tmp_path, Audiometer(), body) as heard:
        await heard.until(lambda: len(heard.of(HearingRecord)) == 2)
    left, right = heard.of(HearingRecord)
    assert (left.ear, left.index, left.total, right.ear, right.index) == ("left", 1, 2, "right", 2)
    assert left.sequence == right.sequence
    for record, truth in ((left, body.physiology.left), (right, body.physiology.right)):
        assert all(value % 5 == 0 for value in record.thresholds.values() if isinstance(value, float))
        found = [value for value in record.thresholds.values() if isinstance(value, float)]
        assert np.abs(np.array(found) - truth).max() <= 15
    assert not heard.of(Trouble)


WORN = [
    (Oximeter, "spo2", 97.0, ("bad-checksum", "dropped-bytes")),
    (Thermometer, "temperature", 36.2, ("bad-checksum", "dropped-bytes")),
    (Scale, "weight", 72.4, ("dropped-bytes",)),
]


@pytest.mark.parametrize(
    ("driver", "quantity", "truth", "fault"),
    [(driver, quantity, truth, fault) for driver, quantity, truth, faults in WORN for fault in faults],
)
async def test_a_worn_link_is_survived_and_reported_and_never_believed(
    tmp_path: Path, driver: Callable[[], Instrument], quantity: str, truth: float, fault: str
) -> None:
    instrument = driver()
    async with driven(tmp_path, instrument, Body(1), faults={instrument.kind: [fault]}) as heard:
        await heard.until(lambda: len(heard.values(quantity)) > 12 and heard.of(Trouble))
    assert all(value == pytest.approx(truth, abs=0.2) for value in heard.values(quantity))


@pytest.mark.parametrize("fault", ["bad-checksum", "dropped-bytes"])
async def test_a_measurement_over_a_worn_link_has_the_right_end(tmp_path: Path, fault: str) -> None:
    driver = Tensiometer(time_scale=SPEED)
    async with driven(tmp_path, driver, Body(1), faults={"tensiometer": [fault]}) as heard:
        await heard.until(lambda: heard.of(Identity))
        for _ in range(3):
            try:
                await driver.start()
                break
            except DriverError:
                continue
        await heard.until(lambda: heard.of(PressureResult))
    assert heard.of(Trouble)
    (result,) = heard.of(PressureResult)
    if result.error is None:
        assert result.systolic == pytest.approx(124, abs=6)
        assert result.diastolic == pytest.approx(78, abs=4)
    else:
        assert isinstance(result.systolic, NoValue)


async def test_lost_ecg_packets_leave_a_hole_of_the_right_size(tmp_path: Path) -> None:
    driver = Ecg()
    async with driven(tmp_path, driver, Body(1), faults={"ecg": ["dropped-bytes"]}) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: heard.of(Wave) and heard.of(Wave)[-1].index > 5000)
    waves = heard.of(Wave)
    kept = sum(len(wave.samples) for wave in waves)
    span = waves[-1].index + len(waves[-1].samples) - waves[0].index
    assert 0.8 < kept / span < 0.99
    assert heard.of(Trouble)
    middle = [wave.samples for wave in waves]
    assert max(abs(row[1]) for rows in middle for row in rows) < 4


async def test_an_ecg_record_arrives_sample_by_sample_from_its_beginning(tmp_path: Path, cabin_data: Path) -> None:
    record = cabin_data / "mitdb" / "119"
    driver = Ecg()
    async with driven(tmp_path, driver, Body(1), replays={"ecg": record}) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: sum(len(wave.samples) for wave in heard.of(Wave)) > 5000)
    first, rows = heard.samples()
    truth = read_leads(record).leads(first, 5000)
    assert first == 0
    assert np.abs(rows[:5000, [1, 2]] - truth[:, [1, 2]]).max() < 0.001
    assert heard.of(Wave)[0].flags == {f"railed:{lead}" for lead in LEADS if lead not in ("II", "V1")}


async def test_a_pleth_record_arrives_with_the_monitors_values(tmp_path: Path, cabin_data: Path) -> None:
    record = cabin_data / "bidmc" / "bidmc01"
    async with driven(tmp_path, Oximeter(), Body(1), replays={"oximeter": record}) as heard:
        await heard.until(lambda: sum(len(wave.samples) for wave in heard.of(Wave)) > 1500)
    first, rows = heard.samples()
    assert np.array_equal(rows[:1500, 0], read_finger(record).counts(first, 1500))
    assert heard.values("spo2")[0] == 97
    assert heard.values("pulse_rate")[0] == 93


@pytest.mark.parametrize("fault", ["board-off", "no-banner", "wrong-channel", "wrong-rate"])
async def test_an_ecg_board_that_does_not_answer_as_it_should_is_not_ready(tmp_path: Path, fault: str) -> None:
    driver = Ecg(reset_s=0.2, reply_s=0.1, alive_s=0.05)
    async with driven(tmp_path, driver, Body(1), faults={"ecg": [fault]}) as heard:
        await heard.until(lambda: {"no-reply", "refused"} & {event.code for event in heard.of(Trouble)})
        with pytest.raises(DriverError, match="not ready"):
            await driver.start()
    assert not heard.of(Wave) and not heard.of(Identity)


async def test_radio_bursts_are_holes_of_their_size_in_an_ecg(tmp_path: Path) -> None:
    driver = Ecg()
    async with driven(tmp_path, driver, Body(1), faults={"ecg": ["radio-burst"]}) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: heard.of(Wave) and heard.of(Wave)[-1].index > 2500)
    assert {event.count for event in heard.of(Trouble) if event.code == "lost-samples"} == {60}
    waves = heard.of(Wave)
    holes = [b.index - a.index - len(a.samples) for a, b in itertools.pairwise(waves)]
    assert set(holes) == {0, 60}


async def test_a_railed_amplifier_is_flagged_and_no_other(tmp_path: Path) -> None:
    driver = Ecg()
    async with driven(tmp_path, driver, Body(1), faults={"ecg": ["railed"]}) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: heard.of(Wave) and heard.of(Wave)[-1].index > 500)
    assert {wave.flags for wave in heard.of(Wave)} == {frozenset({"railed:V1"})}


@pytest.mark.parametrize(
    ("fault", "error"),
    [("leak", "loose-cuff"), ("blockage", "blockage"), ("hardware", "hardware"), ("no-done", "time-exceeded")],
)
async def test_a_fault_of_the_tensiometer_ends_without_a_value(tmp_path: Path, fault: str, error: str) -> None:
    driver = Tensiometer(time_scale=SPEED, limit_s=50.0)
    async with driven(tmp_path, driver, Body(1), faults={"tensiometer": [fault]}) as heard:
        await heard.until(lambda: heard.of(Identity))
        await driver.start()
        await heard.until(lambda: heard.of(PressureResult))
    (result,) = heard.of(PressureResult)
    assert result.error == error
    assert all(isinstance(value, NoValue) for value in (result.systolic, result.diastolic, result.mean))


@pytest.mark.parametrize(("fault", "word"), [("asleep", "refused"), ("busy", "refused"), ("late-reply", "did not")])
async def test_a_tensiometer_that_does_not_talk_does_not_inflate(tmp_path: Path, fault: str, word: str) -> None:
    driver = Tensiometer(time_scale=SPEED, reply_s=0.02)
    async with driven(tmp_path, driver, Body(1), faults={"tensiometer": [fault]}) as heard:
        await heard.until(lambda: len(heard.of(Trouble)) > 3)
        async with asyncio.timeout(20):
            while True:
                with pytest.raises(DriverError) as refused:
                    await driver.start()
                if "busy: wait" not in str(refused.value):
                    break
                await asyncio.sleep(0.1)
    assert word in str(refused.value)
    assert not heard.of(PressureResult)
    assert not heard.values("cuff_pressure")


@pytest.mark.parametrize("fault", MODELS["gymcu90614"].own_faults)
async def test_a_fault_of_the_thermometer_gives_no_temperature(tmp_path: Path, fault: str) -> None:
    async with driven(tmp_path, Thermometer(), Body(1), faults={"thermometer": [fault]}) as heard:
        if fault == "stuck-value":
            await heard.until(lambda: heard.of(Trouble))
            assert len(heard.values("temperature")) < 20
        else:
            await heard.until(lambda: len(heard.of(Reading)) > 30)
            assert not heard.values("temperature")
