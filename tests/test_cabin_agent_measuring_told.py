"""What the agent is told while a measure runs, and that being told changes nothing of what is measured."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from cabin_agent.clock import VisitClock
from cabin_agent.measuring import ecg, oximetry, pressure, size, temperature
from cabin_agent.measuring.bedside import Bedside, Unmeasured, heard_or_silence
from cabin_agent.measuring.tasks import Conduct
from cabin_agent.results import Measure
from cabin_signal.leads import MEASURED
from drivers.events import Event, NoValue, PressureResult, Reading, Value, Wave
from drivers.link import LinkState
from tests.bedside_fakes import bedside
from tests.test_cabin_agent_measuring_ecg import FS, eight, waves

GONE = LinkState.ABSENT


class Ticking(VisitClock):
    """A clock that goes on by so much whenever it is looked at."""

    def __init__(self, tick_s: float) -> None:
        super().__init__()
        self._at, self._tick_s = 0.0, tick_s

    def now(self) -> float:
        self._at += self._tick_s
        return self._at


async def told(measure: Conduct, *events: Event | LinkState, tick_s: float = 0.1) -> list[str]:
    """The codes said to the agent, in order, of an attempt that ends with the instrument's going."""
    said: list[str] = []
    place: Bedside = bedside(*events, GONE)
    place.say, place.clock = said.append, Ticking(tick_s)
    with suppress(Unmeasured):
        await measure(place, ())
    return said


def pleth(seconds: float, *flags: str, height: float = 400.0, first_s: float = 0.0) -> list[Event]:
    """A pleth of 75 beats a minute in blocks of fifteen, as the oximeter gives it."""
    at = np.arange(round(first_s * 75), round((first_s + seconds) * 75))
    phase = (at / 75.0 % 0.8) / 0.8
    pulse = (
        30_000 + height * np.exp(-(((phase - 0.2) / 0.1) ** 2)) + 0.2 * height * np.exp(-(((phase - 0.5) / 0.1) ** 2))
    )
    return [
        Wave(
            "pleth",
            int(at[n]),
            75.0,
            "1",
            ("pleth",),
            tuple((float(v),) for v in pulse[n : n + 15]),
            frozenset(flags),
        )
        for n in range(0, len(at), 15)
    ]


# --- oximetry ---------------------------------------------------------------------------------------------------


async def test_a_good_finger_is_told_nothing_but_the_end_of_what_was_said_before() -> None:
    assert await told(oximetry.measure, *pleth(12.0, "pulse")) in (
        [
            "",
        ],
        ["weak-pulse", ""],
    )


async def test_a_finger_that_leaves_is_told_within_a_second_and_taken_back() -> None:
    said = await told(
        oximetry.measure,
        *pleth(8.0),
        *pleth(1.0, "finger-out", height=0.0, first_s=8.0),
        *pleth(10.0, first_s=9.0),
    )
    assert said[said.index("finger-out") :] == ["finger-out", ""]


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("sensor-disconnected",), "sensor-disconnected"),
        (("artifact",), "movement"),
        (("out-of-track",), "out-of-track"),
        (("pulse", "low-perfusion"), "low-perfusion"),
    ],
)
async def test_what_the_oximeter_says_of_the_signal_is_told(flags: tuple[str, ...], code: str) -> None:
    assert (await told(oximetry.measure, *pleth(8.0, "pulse"), *pleth(3.0, *flags, first_s=8.0)))[-1] == code


async def test_a_weak_pulse_is_weak_until_a_strong_one() -> None:
    between = [
        event
        for n in range(10)
        for event in (*pleth(0.2, "pulse", "low-perfusion", first_s=8 + n * 0.8), *pleth(0.6, first_s=8.2 + n * 0.8))
    ]
    said = await told(oximetry.measure, *pleth(8.0, "pulse"), *between, *pleth(4.0, "pulse", first_s=16.0))
    assert said[-2:] == ["low-perfusion", ""]


async def test_no_pulse_in_a_finger_that_is_there_is_a_weak_pulse() -> None:
    assert "weak-pulse" in await told(oximetry.measure, *pleth(8.0, height=0.0))


# --- ECG --------------------------------------------------------------------------------------------------------


async def test_a_good_strip_is_told_nothing_and_stays_as_it_was() -> None:
    said: list[str] = []
    place = bedside(*waves(eight(33.0)))
    place.say = said.append
    strip, rate = await ecg.measure(place, ())
    assert said == [""]
    assert isinstance(strip, Measure)
    assert isinstance(rate, Measure)
    assert (strip.evidence.quality, strip.evidence.reasons) == ("good", ())
    assert rate.values["value"].value == pytest.approx(75.0, abs=0.3)


async def test_the_electrode_that_goes_is_named_at_once_and_taken_back_when_it_is_pressed() -> None:
    channels = eight(20.0)
    blocks = [*waves(channels)[:80], *waves(channels, railed=("V3",))[80:88], *waves(channels)[88:]]
    assert await told(ecg.measure, *blocks) == ["", "electrode-off-v3", ""]


async def test_the_right_arm_is_what_both_limb_leads_share() -> None:
    assert await told(ecg.measure, *waves(eight(5.0), railed=("I", "II"))) == ["electrode-off-right-arm"]
    assert await told(ecg.measure, *waves(eight(5.0), railed=MEASURED)) == ["electrode-off"]


async def test_mains_and_movement_are_told() -> None:
    channels = eight(12.0)
    t = np.arange(channels.shape[1]) / FS
    assert (await told(ecg.measure, *waves(channels + 0.8 * np.sin(2 * np.pi * 50 * t))))[-1] == "mains"
    assert "movement" in await told(ecg.measure, *waves(channels + 3.0 * np.sin(2 * np.pi * 0.4 * t)))


async def test_the_swing_of_the_first_seconds_is_not_told() -> None:
    channels = eight(8.0)
    t = np.arange(channels.shape[1]) / FS
    assert await told(ecg.measure, *waves(channels + 20.0 * np.exp(-4 * t))) == [""]


# --- temperature, size ------------------------------------------------------------------------------------------


def seen(celsius: Value, times: int) -> list[Event]:
    return [Reading("temperature", celsius, "Cel", detail={"mode": "object", "site": "forehead"})] * times


async def test_nobody_in_front_of_the_sensor_is_called_nearer() -> None:
    assert await told(temperature.measure, *seen(21.0, 20), *seen(NoValue("out-of-range"), 5)) == ["too-far"]
    assert await told(temperature.measure, *seen(21.0, 20), *seen(36.4, 20)) == ["too-far", ""]


async def test_a_head_that_moves_is_asked_to_keep_still() -> None:
    assert "keep-still" in await told(temperature.measure, *seen(36.0, 40), *seen(36.9, 12), tick_s=0.08)


def message(weight: Value, flag: str = "settling") -> list[Event]:
    flags = frozenset[str]() if isinstance(weight, NoValue) else frozenset({flag})
    return [Reading("weight", weight, "kg", flags), Reading("bmi", 24.0, "kg/m2", flags)]


async def test_an_empty_scale_asks_for_somebody() -> None:
    assert await told(size.measure, *message(NoValue("missing")), *message(NoValue("missing")), tick_s=2.0) == [
        "nobody"
    ]
    assert await told(size.measure, *message(NoValue("overload")), tick_s=2.0) == ["overload"]


async def test_somebody_who_sways_is_asked_to_stand_still() -> None:
    swaying = [event for kg in (70.0, 71.0, 69.5, 70.5) for event in message(kg)]
    assert await told(size.measure, *swaying, tick_s=1.0) == ["", "moving"]


async def test_a_scale_that_does_not_lock_says_nothing_and_that_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "SILENCE_S", 0.01)
    monkeypatch.setattr(size, "LIMIT_S", 0.2)
    said: list[str] = []
    place = bedside()
    place.say, place.clock = said.append, Ticking(1.0)
    with pytest.raises(Unmeasured, match="nobody"):
        await size.measure(place, ())
    assert said == ["moving"]


async def test_silence_is_told_as_none_and_events_still_come() -> None:
    place: Any = bedside(*message(70.0))
    with place.instruments.listen("scale") as ear:
        await place.instruments.start("scale")
        heard = []
        async for item in heard_or_silence(ear, 0.01, Reading):
            heard.append(item)
            if heard.count(None) == 2:
                break
    assert [item and item.quantity for item in heard] == ["weight", "bmi", None, None]


# --- pressure ---------------------------------------------------------------------------------------------------


def cuff(mmhg: Iterable[float]) -> list[Event]:
    return [Wave("cuff", n, 8.0, "mm[Hg]", ("cuff",), ((each,),)) for n, each in enumerate(mmhg)]


RISE = [*np.linspace(0, 160, 80)]
FALL = [*np.linspace(160, 50, 220)]
RESULT = PressureResult(121.0, 78.0, 93.0, 70.0, 20)


async def test_an_ordinary_pressure_is_told_nothing() -> None:
    assert await told(pressure.measure, *cuff([*RISE, *FALL]), RESULT) == [""]


async def test_a_loose_cuff_is_told_before_the_instrument_gives_up() -> None:
    none = NoValue("device-error")
    failed = PressureResult(none, none, none, none, 0, "loose-cuff")
    assert await told(pressure.measure, *cuff([6.0] * 100), failed) == ["", "loose-cuff"]


async def test_an_arm_that_moves_is_told_to_keep_still() -> None:
    knocked = [*FALL[:80], *(each + 20 for each in FALL[80:83]), *FALL[83:]]
    assert await told(pressure.measure, *cuff([*RISE, *knocked]), RESULT) == ["", "movement", ""]
