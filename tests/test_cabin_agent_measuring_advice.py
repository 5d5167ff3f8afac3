"""What each instrument's word means for the agent: the electrode that is off, the finger, the forehead, the cuff."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.measuring.advice import (
    AFTER_JUMP_S,
    ARM,
    FEET,
    FINGER,
    FOREHEAD,
    HEART,
    SLACK_S,
    STALL_S,
    TELLABLE,
    CuffWatch,
    electrodes_off,
    feet_wrong,
    finger_wrong,
    forehead_wrong,
)
from cabin_agent.plan import TASKS
from cabin_signal.leads import MEASURED
from drivers.cyton_packets import CHANNELS
from drivers.events import NoValue, Reading, Value
from drivers.nonin_packets import flags as oximeter_flags
from drivers.suntech_frames import ERRORS

# --- the finger -------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 255),
    st.sets(st.sampled_from(["finger-out", "saturation", "ambient-light", "movement", "low-perfusion"])),
)
def test_every_status_of_the_oximeter_gives_words_of_the_table(status: int, seen: set[str]) -> None:
    assert finger_wrong(oximeter_flags(status), seen, weak=True) <= {*FINGER}


@pytest.mark.parametrize(
    ("flags", "seen", "weak", "wrong"),
    [
        ((), (), False, set()),
        (("pulse",), (), False, set()),
        (("finger-out",), ("finger-out", "saturation"), True, {"finger-out"}),
        (("sensor-disconnected",), ("finger-out",), False, {"sensor-disconnected"}),
        (("artifact",), (), False, {"movement"}),
        (("out-of-track",), ("movement",), False, {"out-of-track", "movement"}),
        ((), ("finger-out",), False, {"weak-pulse"}),
        ((), ("saturation",), False, {"ambient-light"}),
        ((), ("ambient-light", "low-perfusion"), False, {"ambient-light", "low-perfusion"}),
        (("pulse", "low-perfusion"), (), True, {"low-perfusion"}),
        (("marginal-perfusion",), (), False, set()),
    ],
)
def test_the_word_of_the_oximeter_goes_before_our_own_look(
    flags: tuple[str, ...], seen: tuple[str, ...], weak: bool, wrong: set[str]
) -> None:
    assert finger_wrong(flags, seen, weak=weak) == wrong


# --- the electrodes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (set(), set()),
        ({"I"}, {"electrode-off-left-arm"}),
        ({"II"}, {"electrode-off-left-leg"}),
        ({"I", "II"}, {"electrode-off-right-arm"}),
        ({"V3"}, {"electrode-off-v3"}),
        ({"V1", "V6", "II"}, {"electrode-off-v1", "electrode-off-v6", "electrode-off-left-leg"}),
        ({"I", "II", "V4"}, {"electrode-off-right-arm", "electrode-off-v4"}),
        ({*CHANNELS}, {"electrode-off"}),
    ],
)
def test_the_electrode_is_named_by_where_it_sits(off: set[str], said: set[str]) -> None:
    assert electrodes_off(off, CHANNELS) == said


@given(st.sets(st.sampled_from(MEASURED), min_size=1))
def test_whatever_is_off_is_told_in_words_of_the_table(off: set[str]) -> None:
    said = electrodes_off(off, MEASURED)
    assert said
    assert said <= {*HEART}


def test_an_electrode_matters_more_than_noise() -> None:
    order = [*HEART]
    assert order.index("electrode-off") < order.index("electrode-off-right-arm") < order.index("electrode-off-v1")
    assert order.index("electrode-off-v6") < order.index("movement") < order.index("mains")


# --- the forehead and the feet ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("celsius", "readings", "flags", "wrong"),
    [
        (36.2, [], (), set()),
        (None, [], (), {"too-far"}),
        (36.2, [36.1], (), set()),
        (36.2, [35.8], (), {"keep-still"}),
        (None, [36.2], ("ambient-out-of-range",), {"too-far", "ambient"}),
        (36.2, [], ("ambient-out-of-range",), {"ambient"}),
    ],
)
def test_the_forehead(celsius: float | None, readings: list[float], flags: tuple[str, ...], wrong: set[str]) -> None:
    assert forehead_wrong(celsius, readings, flags) == wrong
    assert wrong <= {*FOREHEAD}


def weight(value: Value, flag: str = "locked") -> Reading:
    return Reading("weight", value, "kg", frozenset({flag}))


@pytest.mark.parametrize(
    ("reading", "before", "wrong"),
    [
        (None, None, {"moving"}),
        (weight(NoValue("missing")), None, {"nobody"}),
        (weight(NoValue("overload")), None, {"overload"}),
        (weight(70.0, "settling"), NoValue("missing"), set()),
        (weight(70.0, "settling"), None, set()),
        (weight(70.0, "settling"), 69.0, {"moving"}),
        (weight(70.0), 70.0, set()),
    ],
)
def test_the_feet(reading: Reading | None, before: Value | None, wrong: set[str]) -> None:
    assert feet_wrong(reading, before) == wrong
    assert wrong <= {*FEET}


# --- the cuff ---------------------------------------------------------------------------------------------------


def cycle(*corners: tuple[float, float], hz: float = 8.0) -> list[tuple[float, float]]:
    """Samples of straight lines between corners (s, mmHg), whole mmHg as the module gives them."""
    samples = []
    for (from_s, low), (to_s, high) in pairwise(corners):
        steps = round((to_s - from_s) * hz)
        samples += [(from_s + n / hz, round(low + (high - low) * n / steps)) for n in range(steps)]
    return [(at, float(mmhg)) for at, mmhg in samples]


def said(samples: list[tuple[float, float]]) -> list[tuple[float, set[str]]]:
    watch = CuffWatch()
    return [(at, wrong) for at, mmhg in samples if (wrong := watch.heard(at, mmhg))]


GOOD = ((0.0, 0.0), (10.0, 160.0), (11.0, 161.0), (45.0, 40.0), (50.0, 0.0))


def test_an_ordinary_inflation_says_nothing() -> None:
    assert said(cycle(*GOOD)) == []


def test_the_pulses_of_an_artery_are_no_movement() -> None:
    pulsing = [(at, mmhg + 4.9 * max(0.0, math.sin(9.0 * at)) ** 3) for at, mmhg in cycle(*GOOD)]
    assert said(pulsing) == []


def test_a_second_inflation_by_the_module_is_no_movement() -> None:
    assert said(cycle((0.0, 0.0), (10.0, 160.0), (20.0, 130.0), (23.0, 190.0), (60.0, 40.0))) == []


def test_a_cuff_that_does_not_hold_the_arm_is_loose() -> None:
    found = said(cycle((0.0, 0.0), (2.0, 8.0), (12.0, 9.0)))
    assert found[0][0] == pytest.approx(SLACK_S, abs=0.2)
    assert {*map(frozenset, (wrong for _, wrong in found))} == {frozenset({"loose-cuff"})}


def test_a_pump_that_gains_nothing_leaks() -> None:
    found = said(cycle((0.0, 0.0), (4.0, 70.0), (20.0, 71.0)))
    assert found[0][1] == {"leak"}
    assert found[0][0] == pytest.approx(4.0 + STALL_S, abs=0.5)


def test_an_arm_that_moves_is_told_for_a_moment() -> None:
    samples = cycle(*GOOD)
    at = next(n for n, (when, _) in enumerate(samples) if when >= 25.0)
    knocked = [(when, mmhg + (15.0 if at <= n < at + 3 else 0.0)) for n, (when, mmhg) in enumerate(samples)]
    found = said(knocked)
    assert {*map(frozenset, (wrong for _, wrong in found))} == {frozenset({"movement"})}
    assert found[-1][0] - found[0][0] == pytest.approx(AFTER_JUMP_S, abs=0.2)


# --- the tables -------------------------------------------------------------------------------------------------


def test_every_task_of_the_plan_is_thought_of() -> None:
    assert {*TELLABLE} == {*TASKS}
    assert [task for task, holds in TELLABLE.items() if not holds] == ["hearing"]


def test_each_reason_holds_for_about_a_second_before_it_is_said() -> None:
    assert all(0.3 <= hold <= 1.5 for holds in TELLABLE.values() for hold in holds.values())


def test_the_cuff_speaks_as_the_module_does() -> None:
    assert {"loose-cuff", "movement"} <= {*ERRORS.values()} & {*ARM}
