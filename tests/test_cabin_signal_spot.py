"""Single values from several: pressure repeats, saturation, temperature, weight, leads, index, plausibility."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.agreement import pulse_against_heart
from cabin_signal.bmi import bmi
from cabin_signal.findings import Grade, QualitySpan
from cabin_signal.leads import MEASURED, TWELVE, twelve_leads
from cabin_signal.plausibility import RANGES, PressureDoubt, Quantity, Verdict, judge, pressure_doubts
from cabin_signal.pressure import Pressure, PressureMean, mean_of_last_two, next_action
from cabin_signal.spot import (
    HEIGHT_TOLERANCE_CM,
    WEIGHT_TOLERANCE_KG,
    NoSpot,
    Spot,
    next_of_pair,
    next_temperature,
    pair_spot,
    seconds_that_count,
    spo2_spot,
    temperature_spot,
)


def readings(*pairs: tuple[float, float]) -> list[Pressure]:
    return [Pressure(*pair) for pair in pairs]


@pytest.mark.parametrize(
    ("taken", "action"),
    [
        ([], "measure"),
        ([(120, 80)], "measure"),
        ([(120, 80), (121, 80)], "measure"),
        ([(120, 80), (129, 89), (122, 80)], "done"),
        ([(120, 80), (130, 80), (122, 80)], "measure"),
        ([(120, 80), (120, 70), (122, 80)], "measure"),
        ([(130, 80), (120, 80), (122, 80)], "measure"),
        ([(120, 80), (130, 80), (122, 80), (121, 80)], "done"),
        ([(120, 80), (150, 80), (180, 80), (121, 80)], "done"),
    ],
)
def test_three_readings_and_one_more_where_the_first_two_differ(
    taken: list[tuple[float, float]], action: str
) -> None:
    assert next_action(readings(*taken)) == action


def test_the_mean_is_that_of_the_last_two() -> None:
    mean = mean_of_last_two(readings((150, 99), (122, 80), (126, 78)))
    assert mean == PressureMean(systolic=124, diastolic=79, n=3, spread=4)
    assert mean is not None and mean.stable


def test_what_still_differs_is_called_unstable() -> None:
    mean = mean_of_last_two(readings((120, 80), (120, 80), (120, 92)))
    assert mean is not None and mean.spread == 12 and not mean.stable
    edge = mean_of_last_two(readings((120, 80), (130, 80)))
    assert edge is not None and not edge.stable


def test_one_reading_has_no_mean() -> None:
    assert mean_of_last_two([]) is None
    assert mean_of_last_two(readings((120, 80))) is None


@given(st.lists(st.tuples(st.integers(80, 200), st.integers(40, 79)), min_size=4, max_size=4))
def test_no_more_than_four_readings_are_ever_taken(pairs: list[tuple[int, int]]) -> None:
    taken = readings(*pairs)
    assert next_action(taken) == "done"
    assert next_action(taken[:2]) == "measure"


@pytest.mark.parametrize(
    ("quantity", "value", "verdict"),
    [
        ("systolic", 49.9, "implausible"), ("systolic", 50, "repeat"), ("systolic", 90, "repeat"),
        ("systolic", 91, "plausible"), ("systolic", 159, "plausible"), ("systolic", 160, "repeat"),
        ("systolic", 280, "repeat"), ("systolic", 281, "implausible"),
        ("diastolic", 29, "implausible"), ("diastolic", 30, "repeat"), ("diastolic", 180, "repeat"),
        ("diastolic", 181, "implausible"), ("diastolic", 100, "repeat"), ("diastolic", 99, "plausible"),
        ("pulse_pressure", 9, "implausible"), ("pulse_pressure", 151, "implausible"),
        ("pulse_rate", 19, "implausible"), ("pulse_rate", 20, "repeat"), ("pulse_rate", 251, "implausible"),
        ("heart_rate", 45, "plausible"), ("heart_rate", 44, "repeat"), ("heart_rate", 111, "repeat"),
        ("spo2", 49, "implausible"), ("spo2", 93, "repeat"), ("spo2", 94, "plausible"),
        ("spo2", 100, "plausible"), ("spo2", 101, "implausible"), ("spo2", 127, "implausible"),
        ("perfusion_index", 0.01, "implausible"), ("perfusion_index", 0.2, "repeat"),
        ("temperature", 29.9, "implausible"), ("temperature", 35.0, "repeat"), ("temperature", 36.6, "plausible"),
        ("temperature", 38.1, "repeat"), ("temperature", 43.1, "implausible"),
        ("weight", 19.9, "implausible"), ("weight", 70, "plausible"), ("weight", 301, "implausible"),
        ("height", 99, "implausible"), ("height", 231, "implausible"), ("height", 172, "plausible"),
        ("bmi", 9.9, "implausible"), ("bmi", 16.4, "repeat"), ("bmi", 40.1, "repeat"), ("bmi", 81, "implausible"),
        ("threshold", -15, "implausible"), ("threshold", -10, "plausible"), ("threshold", 125, "implausible"),
        ("temperature", float("nan"), "implausible"), ("weight", float("inf"), "implausible"),
    ],
)  # fmt: skip
def test_limits(quantity: Quantity, value: float, verdict: Verdict) -> None:
    assert judge(quantity, value) == verdict


def test_every_quantity_has_ordered_limits() -> None:
    assert set(RANGES) == set(get_args(Quantity))
    for limits in RANGES.values():
        assert limits.lowest <= limits.low < limits.high <= limits.highest


@pytest.mark.parametrize(
    ("values", "doubts"),
    [
        ((120, 80, 93, 70, 72), ()),
        ((120, 80, None, None, None), ()),
        ((120, 112, None, None, None), ("pulse-pressure",)),
        ((280, 110, None, None, None), ("pulse-pressure",)),
        ((80, 120, None, None, None), ("pulse-pressure",)),
        ((120, 80, 121, None, None), ("mean-outside",)),
        ((120, 80, 80, None, None), ("mean-outside",)),
        ((120, 80, 93, 25, None), ("pulse-rate",)),
        ((120, 80, 93, 225, None), ("pulse-rate",)),
        ((120, 80, 93, 66, 60), ()),
        ((120, 80, 93, 66.1, 60), ("pulse-heart-differ",)),
        ((120, 80, 93, 44, 40), ()),
        ((120, 80, 93, 46, 40), ("pulse-heart-differ",)),
        ((20, 80, None, None, None), ("systolic", "pulse-pressure")),
        ((300, 190, None, None, None), ("systolic", "diastolic")),
    ],
)
def test_pressures_that_cannot_stand_together(
    values: tuple[float, float, float | None, float | None, float | None], doubts: tuple[PressureDoubt, ...]
) -> None:
    assert pressure_doubts(*values) == doubts


@pytest.mark.parametrize(
    ("pulse", "heart", "verdict"),
    [
        (60, 60, "agree"), (63, 60, "agree"), (57, 60, "agree"), (63.1, 60, "near"), (66, 60, "near"),
        (66.1, 60, "differ"), (105, 100, "agree"), (108, 100, "near"), (111, 100, "differ"), (34, 40, "differ"),
        (45, 40, "near"),
    ],
)  # fmt: skip
def test_pulse_against_heart(pulse: float, heart: float, verdict: str) -> None:
    assert pulse_against_heart(pulse, heart).verdict == verdict


def test_a_saturation_is_the_median_of_ten_steady_seconds_after_twenty() -> None:
    settling: list[float | None] = [90.0] * 20
    assert spo2_spot([*settling, 97, 97, 98, 98, 98, 97, 98, 99, 98, 98]) == Spot(98, 10, 2)
    assert spo2_spot([*settling, *[97.0] * 9]) == NoSpot("too-few", 0)
    assert spo2_spot([]) == NoSpot("too-few")


def test_seconds_without_a_value_neither_settle_nor_count() -> None:
    assert spo2_spot([*[None] * 40, *[97.0] * 29]) == NoSpot("too-few", 0)
    assert spo2_spot([*[None] * 40, *[97.0] * 30]) == Spot(97, 10, 0)
    broken = [*[97.0] * 25, None, *[97.0] * 9]
    assert isinstance(spo2_spot(broken), NoSpot)
    assert spo2_spot([*broken, 97.0]) == Spot(97, 10, 0)


def test_a_saturation_that_wanders_is_unstable_until_it_settles() -> None:
    wandering = [*[97.0] * 20, *[94.0, 97.0] * 10]
    assert spo2_spot(wandering) == NoSpot("unstable", 3)
    assert spo2_spot([*wandering, *[96.0] * 10]) == Spot(96, 10, 1) or spo2_spot([*wandering, *[96.0] * 10]) == Spot(
        96, 10, 0
    )


@pytest.mark.parametrize(
    ("taken", "action", "spot"),
    [
        ([], "measure", NoSpot("too-few")),
        ([36.5, 36.6], "measure", None),
        ([36.5, 36.6, 36.8], "done", Spot(36.6, 3, 0.3)),
        ([36.5, 36.6, 36.9], "measure", None),
        ([36.5, 36.6, 36.9, 36.7], "measure", None),
        ([36.5, 36.6, 36.9, 36.7, 36.6], "done", Spot(36.6, 5, 0.4)),
        ([36.5, 36.6, 37.1, 36.7, 36.6], "done", NoSpot("unstable", 0.6)),
    ],
)
def test_temperature_repeats(taken: list[float], action: str, spot: Spot | NoSpot | None) -> None:
    assert next_temperature(taken) == action
    found = temperature_spot(taken)
    if spot is None:
        assert isinstance(found, NoSpot) and found.why == "too-few"
    elif isinstance(spot, Spot):
        assert isinstance(found, Spot)
        assert (found.value, found.n) == (spot.value, spot.n)
        assert found.spread == pytest.approx(spot.spread)
    else:
        assert isinstance(found, NoSpot) and found.why == spot.why


@pytest.mark.parametrize(
    ("taken", "action", "value"),
    [
        ([70.1], "measure", None),
        ([70.1, 70.3], "done", 70.2),
        ([70.1, 70.4], "measure", None),
        ([70.1, 70.4, 70.5], "done", 70.45),
        ([70.1, 70.4, 70.8], "done", None),
    ],
)
def test_weights_agree_or_do_not(taken: list[float], action: str, value: float | None) -> None:
    assert next_of_pair(taken, WEIGHT_TOLERANCE_KG) == action
    found = pair_spot(taken, WEIGHT_TOLERANCE_KG)
    if value is None:
        assert isinstance(found, NoSpot)
    else:
        assert isinstance(found, Spot) and found.value == pytest.approx(value)


def test_heights_agree_within_a_centimetre() -> None:
    assert pair_spot([171.0, 172.0], HEIGHT_TOLERANCE_CM) == Spot(171.5, 2, 1)
    assert pair_spot([171.0, 172.5], HEIGHT_TOLERANCE_CM) == NoSpot("unstable", 1.5)


def test_body_mass_index() -> None:
    assert bmi(70, 175) == pytest.approx(22.857, abs=1e-3)
    assert bmi(81, 180) == pytest.approx(25.0)
    for weight, height in ((0, 170), (70, 0), (-1, 170), (70, float("nan"))):
        with pytest.raises(ValueError, match="above zero"):
            bmi(weight, height)


def test_twelve_leads_of_eight() -> None:
    rng = np.random.default_rng(1)
    eight = rng.standard_normal((8, 50))
    twelve = dict(zip(TWELVE, twelve_leads(eight), strict=True))
    measured = dict(zip(MEASURED, eight, strict=True))
    for name in MEASURED:
        assert np.array_equal(twelve[name], measured[name])
    assert np.allclose(twelve["I"] + twelve["III"], twelve["II"])
    assert np.allclose(twelve["aVR"] + twelve["aVL"] + twelve["aVF"], 0)
    assert np.allclose(twelve["aVL"], (twelve["I"] - twelve["III"]) / 2)
    assert np.allclose(twelve["aVF"], (twelve["II"] + twelve["III"]) / 2)


@pytest.mark.parametrize(
    ("off", "lost"),
    [
        ("I", {"I", "III", "aVR", "aVL", "aVF"}),
        ("II", {"II", "III", "aVR", "aVL", "aVF"}),
        ("V3", {"V3"}),
        (None, set()),
    ],
)
def test_a_channel_that_is_off_takes_what_is_derived_from_it(off: str | None, lost: set[str]) -> None:
    eight = np.ones((8, 4))
    if off:
        eight[MEASURED.index(off), 2] = np.nan
    twelve = twelve_leads(eight)
    assert {TWELVE[i] for i in np.flatnonzero(np.isnan(twelve[:, 2]))} == lost
    assert np.isfinite(twelve[:, [0, 1, 3]]).all()


@pytest.mark.parametrize("shape", [(7, 10), (8,), (12, 10), (10, 8)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="8 rows"):
        twelve_leads(np.zeros(shape))


def spans(*grades: Grade) -> list[QualitySpan]:
    """One for each quarter of a second at 75 Hz, beginning with these; the rest of ten seconds is good."""
    edges = [round(k * 0.25 * 75) for k in range(41)]
    good: Grade = "good"
    told = [*grades, *[good] * (40 - len(grades))]
    return [QualitySpan(a, b, g) for (a, b), g in zip(pairwise(edges), told, strict=True)]


def test_a_second_counts_where_no_part_of_its_pleth_is_bad() -> None:
    values: list[float | None] = [97.0] * 10
    assert seconds_that_count(values, spans(), 75) == values
    assert seconds_that_count(values, spans("usable", "usable", "usable", "usable"), 75) == values
    assert seconds_that_count(values, spans("good", "bad"), 75) == [None, *[97.0] * 9]
    assert seconds_that_count(values, spans("good", "good", "good", "bad", "bad"), 75) == [None, None, *[97.0] * 8]


def test_a_second_counts_once_it_is_graded_and_never_without_a_value() -> None:
    assert seconds_that_count([97.0, 98.0], [], 75) == [None, None]
    assert seconds_that_count([97.0, 98.0], spans()[:7], 75) == [97.0, None]
    assert seconds_that_count([None, 98.0], spans(), 75) == [None, 98.0]
    assert seconds_that_count([], spans(), 75) == []
