"""A contact probe that warms up, repeats of one place, and the room beside them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cabin_signal.spot import NoSpot, Spot
from cabin_signal.temperature import (
    ContactProbe,
    Place,
    ProbeValue,
    RoomWatch,
    predicted,
    settled,
    temperature_at,
)

EAR, OTHER_EAR = Place("right-ear", "direct"), Place("left-ear", "direct")
ADJUSTED = Place("right-ear", "adjusted")


def warming(
    tau: float, end: float = 36.8, start: float = 31.0, seconds: float = 200.0, fs: float = 4.0, noise: float = 0.0
) -> NDArray[np.float64]:
    """The textbook curve, to the hundredth that a probe shows."""
    t = np.arange(int(seconds * fs)) / fs
    rng = np.random.default_rng(4)
    return np.asarray(np.round(end - (end - start) * np.exp(-t / tau) + noise * rng.standard_normal(len(t)), 2))


def heard(curve: NDArray[np.float64], fs: float = 4.0, block: int = 7) -> list[ProbeValue]:
    probe = ContactProbe(fs)
    return [value for at in range(0, len(curve), block) for value in probe.update(curve[at : at + block])]


# --- a probe that settles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tau", "short"), [(5.0, 0.01), (15.0, 0.07), (30.0, 0.2)])
def test_a_probe_at_rest_is_as_near_as_its_time_constant_lets_it(tau: float, short: float) -> None:
    value = next(each for each in heard(warming(tau)) if each.how == "settled")
    assert 36.8 - short - 0.01 <= value.celsius <= 36.81
    # At most 0.1 degrees to the second ten seconds later: the curve's own slope, 20 s after it fell below that.
    fell = tau * math.log((36.8 - 31.0) * (math.exp(10 / tau) - 1) / 0.1)
    assert value.sample / 4 == pytest.approx(max(20.0, fell) + 11, abs=11)


@pytest.mark.parametrize(
    ("seconds", "rests"),
    [
        ([36.8] * 21, True),
        ([36.8] * 20, False),
        ([36.8] * 10 + [36.89] * 11, True),
        ([36.8] * 10 + [36.9] * 11, False),
        ([36.8] * 20 + [36.9], False),
        ([36.0 + 0.0099 * k for k in range(21)], True),
        ([36.0 + 0.0101 * k for k in range(21)], False),
        ([36.8 - 0.0101 * k for k in range(21)], False),
    ],
)
def test_settled_is_less_than_a_tenth_in_ten_seconds_over_twenty(seconds: list[float], rests: bool) -> None:
    assert (settled(seconds) is not None) == rests


def test_what_was_before_does_not_matter_once_it_rests() -> None:
    assert settled([30.0] * 50 + [36.5] * 21) == (36.5, 0.0)


@pytest.mark.parametrize("tau", [5.0, 8.0, 15.0, 25.0, 30.0])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_prediction_says_so_and_comes_before_the_end(tau: float, noise: float) -> None:
    values = heard(warming(tau, noise=noise))
    assert [each.how for each in values] in (["predicted", "settled"], ["settled"])
    for value in values:
        if value.how == "predicted":
            assert abs(value.celsius - 36.8) <= max(0.1, 3 * value.error)
            assert value.sample < values[-1].sample


def test_most_probes_are_predicted() -> None:
    assert all(heard(warming(tau))[0].how == "predicted" for tau in (15.0, 20.0, 25.0, 30.0))


def test_a_curve_that_is_none_is_not_predicted() -> None:
    line = [33.0 + 0.02 * k for k in range(20)]
    steps = [33.0, 35.0] * 10
    falling = [37.0 - 1.5 * (1 - math.exp(-k / 10)) for k in range(20)]
    for curve in (line, steps, falling, [36.5] * 19):
        assert predicted(curve) is None


def test_an_end_far_away_is_not_told() -> None:
    assert predicted([36.8 - 8 * math.exp(-k / 20) for k in range(20)]) is None
    found = predicted([36.8 - 1.5 * math.exp(-k / 12) for k in range(20)])
    assert found is not None and found[0] == pytest.approx(36.8, abs=0.03)


@pytest.mark.parametrize("air", [21.0, 45.0, float("nan"), float("inf")])
def test_a_probe_that_is_taken_out_begins_anew(air: float) -> None:
    first = warming(10.0, seconds=120)
    out = np.full(20, air)
    kinds = [each.how for each in heard(np.concatenate([first, out, first]))]
    assert kinds.count("settled") == 2
    assert not heard(np.full(2000, air))


def test_a_second_that_is_half_there_counts_and_one_that_is_not_begins_anew() -> None:
    steady = np.full(4 * 30, 36.6)
    halves = steady.copy()
    halves[1::4] = halves[3::4] = np.nan
    assert [each.celsius for each in heard(halves) if each.how == "settled"] == [36.6]
    holed = steady.copy()
    holed[60:63] = np.nan
    assert not heard(holed)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.floats(1.0, 20.0), st.integers(0, 5))
def test_any_cut_gives_the_same_values(cuts: list[int], fs: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    curve = warming(float(rng.uniform(4, 20)), seconds=60, fs=fs, noise=0.02)
    curve[rng.random(len(curve)) < 0.02] = np.nan
    whole = ContactProbe(fs).update(curve)
    probe, at, found = ContactProbe(fs), 0, list[ProbeValue]()
    for cut in [*cuts, len(curve)]:
        found += probe.update(curve[at : at + cut])
        at = min(len(curve), at + cut)
    assert tuple(found) == whole


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.floats(allow_nan=True, allow_infinity=True, width=32), st.floats(29, 44)), max_size=300),
    st.floats(1.0, 4.0),
)
def test_whatever_comes_a_value_is_a_temperature(samples: list[float], fs: float) -> None:
    for value in ContactProbe(fs).update(samples):
        assert 30 <= value.celsius <= 45
        assert math.isfinite(value.error) and value.error >= 0


@pytest.mark.parametrize("fs", [0.0, 0.5, -1.0, 101.0, float("nan"), float("inf")])
def test_other_rates_are_refused(fs: float) -> None:
    with pytest.raises(ValueError, match="sampled at"):
        ContactProbe(fs)


def test_hours_of_a_steady_probe_keep_no_more_than_seconds() -> None:
    probe = ContactProbe(1.0)
    assert len(probe.update(np.full(7200, 36.6))) == 1
    assert len(probe._seconds) == 21 and not probe._second


# --- repeats of one place ---------------------------------------------------------------------------------------


def test_readings_of_one_place_amount_to_their_median() -> None:
    taken = [(EAR, 36.5), (EAR, 36.7), (EAR, 36.6)]
    found = temperature_at(EAR, taken)
    assert isinstance(found, Spot)
    assert (found.value, found.n, round(found.spread, 9)) == (36.6, 3, 0.2)


@pytest.mark.parametrize("other", [OTHER_EAR, ADJUSTED])
def test_sites_and_modes_are_never_mixed(other: Place) -> None:
    assert temperature_at(EAR, [(EAR, 36.5), (other, 36.5), (EAR, 36.5)]) == NoSpot("mixed")


def test_two_readings_are_too_few() -> None:
    assert temperature_at(EAR, [(EAR, 36.5), (EAR, 36.5)]) == NoSpot("too-few", 0.0)


# --- the room ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("celsius", "reasons"),
    [
        (15.9, ("ambient-out-of-range",)),
        (16.0, ()),
        (22.0, ()),
        (40.0, ()),
        (40.1, ("ambient-out-of-range",)),
    ],
)
def test_the_room_has_limits(celsius: float, reasons: tuple[str, ...]) -> None:
    assert RoomWatch().update([0.0], [celsius]) == reasons


def test_a_room_that_changes_is_doubted_for_a_quarter_of_an_hour() -> None:
    room = RoomWatch()
    assert room.update([0.0, 60.0], [20.0, 22.0]) == ()
    assert room.update([120.0], [22.1]) == ("ambient-changed",)
    assert room.update([14 * 60.0], [22.1]) == ("ambient-changed",)
    assert room.update([17 * 60.0], [22.1]) == ()


def test_both_faults_are_told() -> None:
    assert RoomWatch().update([0.0, 1.0], [20.0, 12.0]) == ("ambient-out-of-range", "ambient-changed")


def test_a_room_that_nobody_saw_is_not_judged() -> None:
    assert RoomWatch().reasons() == ()
    assert RoomWatch().update([0.0, float("nan")], [float("nan"), 50.0]) == ()


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(allow_nan=True, allow_infinity=True)), max_size=200))
def test_a_room_keeps_a_quarter_of_an_hour_and_never_fails(seen: list[tuple[float, float]]) -> None:
    room = RoomWatch()
    for at, celsius in sorted(seen, key=lambda each: each[0]):
        room.update([at], [celsius])
        assert len(room._minutes) <= 16
