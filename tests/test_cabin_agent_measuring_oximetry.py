"""The spot value of a finger: the oximeter's own, of seconds that the pleth bears out."""

from __future__ import annotations

import numpy as np
import pytest

from cabin_agent.measuring import oximetry
from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.results import Measure
from cabin_signal.spot import Spot, spo2_spot
from drivers.events import Event, NoValue, Reading, Wave
from tests.bedside_fakes import bedside
from tests.pleths import beats, pleth

RATE = 75


def finger(seconds: int, moving: range = range(0), spo2: float | NoValue = 97.0) -> list[Event]:
    """Blocks of 25 samples, each with a value after it, as the oximeter sends them."""
    wave = 400 * pleth(beats(72, seconds + 2), RATE, seconds)
    t = np.arange(len(wave)) / RATE
    shaking = np.isin(t.astype(int), list(moving))
    walk = np.convolve(np.random.default_rng(4).standard_normal(len(t)), np.hanning(25), "same")
    wave += shaking * 500 * walk / np.std(walk)
    events: list[Event] = []
    for n in range(0, len(wave), 25):
        rows = tuple((float(v),) for v in wave[n : n + 25])
        events.append(Wave("pleth", n, float(RATE), "1", ("pleth",), rows, frozenset({"pulse"})))
        events.append(Reading("spo2", spo2, "%", frozenset()))
        events.append(Reading("pulse_rate", 72.0, "/min", frozenset()))
    return events


async def value(*events: Event) -> Measure:
    spo2, _ = await oximetry.measure(bedside(*events), ())
    assert isinstance(spo2, Measure)
    return spo2


async def test_thirty_steady_seconds_make_a_value() -> None:
    spo2 = await value(*finger(34))
    assert spo2.values["value"].value == 97.0
    assert (spo2.evidence.quality, spo2.evidence.readings) == ("good", 10)


async def test_seconds_of_movement_do_not_count() -> None:
    still, moved = finger(60), finger(60, range(22, 30))
    assert _needed(moved) >= _needed(still) + 8


def _needed(events: list[Event]) -> int:
    """Seconds until there is a value."""
    heard = oximetry._Finger()
    for event in events:
        if isinstance(event, Wave):
            heard.wave(event)
        elif isinstance(event, Reading):
            heard.reading(event)
            if isinstance(spo2_spot(heard.seconds()), Spot):
                return heard.samples // RATE
    raise AssertionError("no value")


def heard(events: list[Event]) -> oximetry._Finger:
    found = oximetry._Finger()
    for event in events:
        if isinstance(event, Wave):
            found.wave(event)
        elif isinstance(event, Reading):
            found.reading(event)
    return found


@pytest.mark.parametrize(
    ("events", "detail", "why"),
    [
        (finger(75, range(2, 75)), "movement", "unstable"),
        (finger(20), "unstable", "unstable"),
        (finger(40, spo2=NoValue("finger-out")), "finger-out", "failed"),
        (finger(40, spo2=NoValue("missing")), "no-pulse", "failed"),
    ],
)
def test_a_time_out_says_what_was_in_the_way(events: list[Event], detail: str, why: str) -> None:
    cause = oximetry._cause(heard(events), Unmeasured("timeout"))
    assert (cause.detail, cause.why) == (detail, why)


def test_another_failure_stays_what_it_is() -> None:
    gone = Unmeasured("unplugged")
    assert oximetry._cause(heard(finger(30, range(2, 30))), gone) is gone


# --- oximeters of other rates, and those without a pleth ----------------------------------------------------------


def numbers(seconds: int, averaging: str = "4-beat", **flags: str) -> list[Event]:
    """One pair of values a second and no pleth."""
    said, detail = frozenset(flags.values()), {"averaging": averaging}
    pair: list[Event] = [
        Reading("spo2", 96.0, "%", said, detail),
        Reading("pulse_rate", 66.0, "/min", said, detail),
    ]
    return pair * seconds


@pytest.mark.parametrize("rate", [60, 75])
async def test_a_pleth_of_another_rate_is_judged_in_its_own_seconds(rate: int) -> None:
    wave = 400 * pleth(beats(72, 42), rate, 40)
    events: list[Event] = []
    for n in range(0, len(wave), 4):
        rows = tuple((float(v),) for v in wave[n : n + 4])
        events.append(Wave("pleth", n, float(rate), "1", ("pleth",), rows))
        if n % 20 == 0:
            events += [Reading("spo2", 97.0, "%"), Reading("pulse_rate", 72.0, "/min")]
    spo2 = await value(*events)
    assert (spo2.values["value"].value, spo2.evidence.readings, spo2.evidence.quality) == (97.0, 10, "good")
    assert spo2.evidence.mode is None


async def test_an_oximeter_without_a_pleth_is_taken_at_its_word_and_that_is_said() -> None:
    spo2, pulse = await oximetry.measure(bedside(*numbers(31)), ())
    assert isinstance(spo2, Measure) and isinstance(pulse, Measure)
    assert (spo2.values["value"].value, pulse.values["value"].value) == (96.0, 66.0)
    assert (spo2.evidence.quality, spo2.evidence.reasons) == ("usable", ("no-pleth",))
    assert (spo2.evidence.readings, spo2.evidence.mode) == (10, "4-beat-average")


def test_without_a_pleth_disturbed_seconds_and_other_averages_do_not_count() -> None:
    events = numbers(25) + numbers(10, word="artifact") + numbers(30, "fast")
    assert not isinstance(heard(events).settled(), Spot)
    assert isinstance(heard([*events, *numbers(10)]).settled(), Spot)


async def test_a_spot_check_is_one_value() -> None:
    spo2, pulse = await oximetry.measure(bedside(*numbers(1, "spot", word="smartpoint")), ())
    assert isinstance(spo2, Measure) and isinstance(pulse, Measure)
    assert (spo2.evidence.readings, spo2.evidence.mode, spo2.evidence.quality) == (1, "spot-check", "usable")


def test_a_value_that_came_before_the_first_wave_belongs_to_no_second_of_it() -> None:
    found = heard([*numbers(1), *finger(3)])
    assert len(found.values) == 3
    assert set(found.values) == {97.0}


def test_a_spot_check_without_a_measurement_is_no_value() -> None:
    none = NoValue("missing")
    found = heard([Reading("spo2", none, "%", detail={"averaging": "spot"}), Reading("pulse_rate", none, "/min")])
    assert not isinstance(found.settled(), Spot)
    assert oximetry._cause(found, Unmeasured("timeout")).detail == "no-pulse"
