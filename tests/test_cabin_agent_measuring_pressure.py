"""Blood pressure: how often the cuff inflates, what is refused, and what the readings amount to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.measuring.pressure import (
    MOST_INFLATIONS,
    _checked,
    _values,
    another,
    mean,
    measure,
    readings,
)
from cabin_agent.results import Measure, NotMeasured, Outcome, Quantity
from cabin_agent.wording import LANGUAGES, Language, catalogue
from cabin_signal.cuff import CuffFindings, Reason
from cabin_signal.cuff_combined import Interval
from cabin_signal.cuff_verdict import Why
from cabin_signal.verdict import RULES
from drivers.events import Event, NoValue, PressureResult, Reading, Value, Wave
from drivers.link import LinkState
from drivers.suntech_frames import ERRORS
from tests.bedside_fakes import bedside
from tests.cabin_signal_models import Arm, inflate
from tests.visits import CUFF, ECG, evidence, outcomes, pressure, single

OTHERS = (single("heart_rate", 71.0, "/min", evidence(ECG)), NotMeasured("spo2", "refused"))


def taken(systolic: float, diastolic: float, **more: Any) -> Measure:
    return pressure(systolic, diastolic, evidence(CUFF, site="left-arm", **more))


def result(
    systolic: Value = 122.0, diastolic: Value = 78.0, mean: Value = 93.0, pulse: Value = 66.0, **more: Any
) -> PressureResult:
    return PressureResult(systolic, diastolic, mean, pulse, 30, **more)


# --- how often --------------------------------------------------------------------------------------------------


CALM = [taken(120, 80), taken(118, 78), taken(119, 79)]
APART = [taken(140, 80), taken(130, 80), taken(131, 79)]


@pytest.mark.parametrize(
    ("before", "inflations", "again"),
    [
        ([], 0, True),
        (CALM[:1], 1, True),
        (CALM[:2], 2, True),
        (CALM, 3, False),
        (APART, 3, True),
        ([*APART, taken(128, 79)], 4, False),
        ([taken(120, 90), taken(120, 80), taken(120, 80)], 3, True),
        ([taken(139.9, 80), taken(130, 80), taken(131, 79)], 3, False),
        ([taken(120, 80), taken(120, 80), taken(150, 99)], 3, False),
    ],
)
def test_three_readings_and_one_more_where_the_first_two_differ(
    before: list[Outcome], inflations: int, again: bool
) -> None:
    assert another(before, inflations) is again
    assert another([*OTHERS, *before], inflations) is again


@pytest.mark.parametrize("accepted", [[], CALM[:1], CALM[:2], APART])
def test_failed_inflations_count_and_an_arm_is_not_squeezed_for_ever(accepted: list[Outcome]) -> None:
    assert another(accepted, MOST_INFLATIONS - 1)
    assert not another(accepted, MOST_INFLATIONS)
    assert not another(accepted, MOST_INFLATIONS + 1)


pairs = st.tuples(st.integers(80, 200), st.integers(40, 110))


@given(st.lists(pairs, max_size=6), st.lists(st.booleans(), min_size=12, max_size=12))
def test_every_session_ends_within_five_inflations(values: list[tuple[int, int]], fails: list[bool]) -> None:
    accepted: list[Outcome] = []
    inflations, coming = 0, iter([*values, *[(120, 80)] * 12])
    while another(accepted, inflations):
        if not fails[inflations]:
            accepted.append(taken(*next(coming)))
        inflations += 1
    assert inflations <= MOST_INFLATIONS
    assert len(accepted) <= 4
    assert len(accepted) >= 3 or inflations == MOST_INFLATIONS


def test_readings_are_those_of_the_cuff_and_not_their_mean() -> None:
    assert [each.values["systolic"].value for each in readings(outcomes())] == [131.0, 128.0, 127.0]
    assert readings(OTHERS) == []


# --- what they amount to ----------------------------------------------------------------------------------------


def test_fewer_than_two_readings_have_no_mean() -> None:
    assert mean([]) is None
    assert mean([*OTHERS, CALM[0]]) is None


def test_the_mean_is_of_the_last_two_and_names_them() -> None:
    found = mean([*OTHERS, CALM[0], NotMeasured("temperature", "absent"), *CALM[1:]])
    assert found is not None
    assert found.name == "blood_pressure_mean"
    assert found.values == {"systolic": Quantity(118.5, "mm[Hg]"), "diastolic": Quantity(78.5, "mm[Hg]")}
    assert found.derived_from == (4, 5)
    assert (found.evidence.device, found.evidence.mode, found.evidence.site) == (None, "mean-of-last-two", "left-arm")
    assert (found.evidence.quality, found.evidence.reasons, found.evidence.spread) == ("good", (), 1.0)


def test_equal_readings_are_still_told_apart() -> None:
    twin = taken(120, 80)
    found = mean([taken(120, 80), twin, replace(twin)])
    assert found is not None
    assert found.derived_from == (1, 2)


def test_the_rest_is_the_one_before_the_first_reading_and_the_time_that_of_the_two() -> None:
    three = [taken(120, 80, at_s=at, rest_s=rest) for at, rest in ((300.0, 300.5), (400.0, 400.5), (500.0, 500.5))]
    found = mean(three)
    assert found is not None
    assert found.evidence.rest_s == 300.5
    assert (found.evidence.started_ms, found.evidence.ended_ms) == (
        three[1].evidence.started_ms, three[2].evidence.ended_ms,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("last", "grade", "reasons"),
    [
        (((120, 80), (129, 80)), "good", ()),
        (((120, 80), (130, 80)), "usable", ("readings-differ",)),
        (((120, 80), (120, 91)), "usable", ("readings-differ",)),
    ],
)
def test_readings_that_differ_are_averaged_and_said(last: Any, grade: str, reasons: tuple[str, ...]) -> None:
    found = mean([taken(120, 80), *(taken(*each) for each in last)])
    assert found is not None
    assert (found.evidence.quality, found.evidence.reasons) == (grade, reasons)


def test_the_mean_is_no_better_than_its_readings_and_gives_their_reasons_once() -> None:
    poor = [taken(120, 80, quality="usable", reasons=("disagree",)) for _ in range(2)]
    found = mean([taken(120, 80, quality="bad", reasons=("movement",)), *poor])
    assert found is not None
    assert (found.evidence.quality, found.evidence.reasons) == ("usable", ("disagree",))


@given(st.lists(pairs, min_size=2, max_size=5))
def test_a_mean_lies_between_its_two_readings(values: list[tuple[int, int]]) -> None:
    given_readings = [taken(*each) for each in values]
    found = mean(given_readings)
    assert found is not None
    assert [given_readings[at] for at in found.derived_from] == given_readings[-2:]
    for number, part in enumerate(("systolic", "diastolic")):
        low, high = sorted(each[number] for each in values[-2:])
        assert low <= found.values[part].value <= high


# --- one reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", list(ERRORS.values()))
def test_an_error_of_the_instrument_is_the_reason_and_no_number(error: str) -> None:
    none = NoValue("device-error")
    with pytest.raises(Unmeasured) as failed:
        _values(PressureResult(none, none, none, none, 0, error))
    assert (failed.value.detail, failed.value.why) == (error, "failed")


def test_an_error_that_no_table_knows_is_one_of_the_device() -> None:
    none = NoValue("device-error")
    with pytest.raises(Unmeasured) as failed:
        _values(PressureResult(none, none, none, none, 0, "unknown-42"))
    assert failed.value.detail == "device-error"


@pytest.mark.parametrize("part", ["systolic", "diastolic"])
def test_half_a_pressure_is_none(part: str) -> None:
    with pytest.raises(Unmeasured, match="missing"):
        _values(result(**{part: NoValue("missing")}))


def test_mean_and_pulse_may_be_left_out_by_the_instrument() -> None:
    assert _values(result(mean=NoValue("missing"), pulse=NoValue("missing"))) == {
        "systolic": 122.0,
        "diastolic": 78.0,
    }
    assert [*_values(result())] == ["systolic", "diastolic", "mean", "pulse_rate"]


def found(systolic: float, diastolic: float, **more: Any) -> CuffFindings:
    high = Interval(systolic, systolic - 12, systolic + 12, 2.0)
    low = Interval(diastolic, diastolic - 10, diastolic + 10, 2.0)
    middle = diastolic + (systolic - diastolic) / 3
    return CuffFindings("ok", (), systolic, diastolic, middle, 66.0, 30, high, low, **more)


@pytest.mark.parametrize(
    ("ours", "grade", "reasons", "notes"),
    [
        (
            CuffFindings("rejected", ("sampling-too-slow",)),
            "good",
            [],
            ("cuff-cannot-tell", "cuff-sampling-too-slow"),
        ),
        (CuffFindings("rejected", ("movement",)), "good", [], ("cuff-cannot-tell", "cuff-movement")),
        (found(122, 78), "good", [], ("cuff-agrees",)),
        (found(133, 69), "good", [], ("cuff-agrees",)),
        (found(136, 78), "good", [], ("cuff-cannot-tell", "cuff-near-edge")),
        (found(145, 78), "usable", ["disagree"], ("cuff-systolic-outside",)),
        (found(122, 97), "usable", ["disagree"], ("cuff-diastolic-outside",)),
    ],
)
def test_our_own_look_may_only_lower_the_grade(
    ours: CuffFindings, grade: str, reasons: list[str], notes: tuple[str, ...]
) -> None:
    assert _checked({"systolic": 122.0, "diastolic": 78.0}, ours, None) == (grade, reasons, notes)


def test_a_pulse_unlike_the_hearts_is_noted_once() -> None:
    values: dict[Any, float] = {"systolic": 122.0, "diastolic": 78.0, "pulse_rate": 66.0}
    assert _checked(values, found(122, 78), 90.0) == ("usable", ["disagree"], ())
    assert _checked(values, found(122, 78), 68.0) == ("good", [], ("cuff-agrees",))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_note_on_the_raw_pressure_is_a_sentence(language: Language) -> None:
    words = ["agrees", "cannot-tell", *get_args(Reason), *get_args(Why)]
    assert {word for word in words if f"note.cuff-{word}" not in catalogue(language)} == set()
    assert all(catalogue(language)[f"reason.{reason}"] for reason in get_args(Reason))


def cuff(arm: Arm | None = None, fs: float = 10.0) -> list[Wave]:
    """A cuff's pressure as the driver says it, ten times a second."""
    _, mmhg = inflate(arm or Arm(), fs=fs)
    return [Wave("cuff", n, fs, "mm[Hg]", ("cuff",), ((float(p),),)) for n, p in enumerate(mmhg)]


async def reading(*said: Event | LinkState, before: tuple[Outcome, ...] = ()) -> Measure:
    (found,) = await measure(bedside(*said, rest_s=301.0), before)
    assert isinstance(found, Measure)
    return found


async def test_a_reading_has_four_values_and_its_evidence() -> None:
    found = await reading(Reading("cuff_pressure", 120.0, "mm[Hg]"), *cuff(), result())
    assert {part: (each.value, each.unit) for part, each in found.values.items()} == {
        "systolic": (122.0, "mm[Hg]"),
        "diastolic": (78.0, "mm[Hg]"),
        "mean": (93.0, "mm[Hg]"),
        "pulse_rate": (66.0, "/min"),
    }
    assert (found.name, found.evidence.mode, found.evidence.site) == ("blood_pressure", "oscillometric", "left-arm")
    assert (found.evidence.rest_s, found.evidence.quality, found.evidence.readings) == (301.0, "good", 1)


async def test_what_the_raw_pressure_says_of_the_value_goes_with_it() -> None:
    polled = await reading(*cuff(), result())
    assert polled.evidence.notes == ("cuff-cannot-tell", "cuff-sampling-too-slow")
    fast = await reading(*cuff(fs=50.0), result())
    assert (fast.evidence.quality, fast.evidence.notes) == ("good", ("cuff-agrees",))
    wrong = await reading(*cuff(fs=50.0), result(systolic=165.0, mean=110.0))
    assert (wrong.evidence.quality, wrong.evidence.reasons) == ("usable", ("disagree",))
    assert wrong.values["systolic"].value == 165.0
    assert wrong.evidence.notes == ("cuff-systolic-outside",)
    (sides,) = wrong.evidence.figures.values()
    assert {*sides} == {*RULES["cuff-disagrees"].figures}
    assert sides["diastolic_low"] < sides["diastolic_high"] < sides["systolic_low"] < sides["systolic_high"]
    assert ([*wrong.evidence.figures], [*fast.evidence.figures], polled.evidence.figures) == (
        ["disagree"],
        ["cuff-agrees"],
        {},
    )


async def test_the_cuff_is_recorded_with_the_reading_and_not_without() -> None:
    side = bedside(*cuff(), result())
    await measure(side, ())
    assert len(side.packed) == 1
    alone = bedside(result())
    await measure(alone, ())
    assert alone.packed == []


@pytest.mark.parametrize(
    "impossible",
    [
        result(systolic=301.0),
        result(diastolic=20.0),
        result(systolic=80.0, diastolic=75.0, mean=77.0),
        result(mean=130.0),
        result(pulse=250.0),
        result(systolic=float(np.nan)),
    ],
)
async def test_numbers_that_cannot_be_are_refused_as_implausible(impossible: PressureResult) -> None:
    with pytest.raises(Unmeasured) as failed:
        await reading(impossible)
    assert (failed.value.detail, failed.value.why) == ("implausible", "implausible")


async def test_a_pulse_that_the_ecg_counted_otherwise_is_noted() -> None:
    for rate, notes in ((66.0, ()), (90.0, ("pulse-heart-differ",))):
        found = await reading(result(), before=(single("heart_rate", rate, "/min", evidence(ECG)),))
        assert found.evidence.notes == (*notes, "cuff-no-curve")
    assert (await reading(result(pulse=NoValue("missing")), before=OTHERS)).evidence.notes == ("cuff-no-curve",)


@pytest.mark.parametrize(("state", "detail"), [(LinkState.ABSENT, "unplugged"), (LinkState.STALE, "silent")])
async def test_a_cuff_that_goes_away_ends_the_attempt_at_once(state: LinkState, detail: str) -> None:
    with pytest.raises(Unmeasured) as failed:
        await reading(*cuff()[:50], state)
    assert failed.value.detail == detail


async def test_a_cuff_without_an_end_runs_into_the_limit() -> None:
    with pytest.raises(Unmeasured) as failed:
        await measure(bedside(*cuff()[:50], speed=10_000.0), ())
    assert failed.value.detail == "timeout"
