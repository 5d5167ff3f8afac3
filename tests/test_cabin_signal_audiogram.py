"""Audiograms: grades as published, averages by hand, and what makes an ear or a pair of ears doubtful."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.audiogram import (
    EarReason,
    EarTest,
    FalseAnswers,
    Trial,
    asymmetry,
    audiogram,
    ear,
    false_answers,
    retest,
)
from cabin_signal.audiogram_grades import (
    BIAP,
    WHO,
    Average,
    Biap,
    BiapGrade,
    Level,
    NoAverage,
    NoResponse,
    Who,
    WhoGrade,
    average,
    biap,
    biap_both,
    who,
)

NONE_AT_100 = NoResponse(100.0)


def levels(*db: Level) -> dict[int, Level]:
    """Levels at 500, 1000, 2000 and 4000 Hz."""
    return dict(zip((500, 1000, 2000, 4000), db, strict=True))


def flat(db: float) -> dict[int, Level]:
    return levels(db, db, db, db)


# --- averages and grades ----------------------------------------------------------------------------------------


def test_the_mean_is_that_of_four_frequencies() -> None:
    assert average({250: 90.0, **levels(10.0, 20.0, 30.0, 45.0), 8000: 90.0}) == Average(26.25, at_least=False)


def test_a_tone_without_response_counts_with_the_loudest_level_and_says_so() -> None:
    assert average(levels(40.0, 40.0, 60.0, NONE_AT_100)) == Average(60.0, at_least=True)


def test_a_frequency_that_was_not_tested_leaves_no_mean() -> None:
    assert average(levels(10.0, None, 10.0, 10.0)) == NoAverage((1000,))
    assert average({500: 10.0}) == NoAverage((1000, 2000, 4000))
    assert average(levels(10.0, math.nan, 10.0, math.inf)) == NoAverage((1000, 4000))


@pytest.mark.parametrize(
    ("heard", "db", "grade"),
    [
        (levels(20.0, 20.0, 20.0, 20.0), 20, "up-to-20"),
        (levels(20.0, 20.0, 20.0, 25.0), 22, "mild"),  # 21.25, rounded up
        (levels(-10.0, -10.0, -5.0, -5.0), -7, "up-to-20"),  # -7.5, rounded up
        (flat(40.0), 40, "mild"),
        (levels(40.0, 40.0, 40.0, 45.0), 42, "moderate-1"),
        (flat(55.0), 55, "moderate-1"),
        (levels(55.0, 55.0, 55.0, 60.0), 57, "moderate-2"),
        (flat(70.0), 70, "moderate-2"),
        (levels(70.0, 70.0, 70.0, 75.0), 72, "severe-1"),
        (flat(80.0), 80, "severe-1"),
        (flat(85.0), 85, "severe-2"),
        (flat(90.0), 90, "severe-2"),
        (flat(95.0), 95, "profound-1"),
        (flat(100.0), 100, "profound-1"),
        (flat(110.0), 110, "profound-2"),
        (flat(115.0), 115, "profound-3"),
        (levels(120.0, 120.0, 120.0, 115.0), 119, "profound-3"),
        (flat(120.0), 120, "total"),
        (levels(NONE_AT_100, NONE_AT_100, NONE_AT_100, NONE_AT_100), 120, "total"),
        (levels(60.0, 60.0, 60.0, NONE_AT_100), 75, "severe-1"),
    ],
)
def test_biap(heard: dict[int, Level], db: int, grade: BiapGrade) -> None:
    assert biap(heard) == Biap(db, grade)


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        (20.0, 40.0, Biap(26, "mild")),  # (7·20 + 3·40) / 10
        (40.0, 20.0, Biap(26, "mild")),
        (35.0, 20.0, None),  # 15 dB is not more than 15
        (30.0, 95.0, Biap(50, "moderate-1")),  # 49.5, rounded up
        (0.0, 120.0, Biap(36, "mild")),
    ],
)
def test_biap_of_ears_that_differ(left: float, right: float, both: Biap | None) -> None:
    assert biap_both(flat(left), flat(right)) == both


@pytest.mark.parametrize(
    ("db", "grade"),
    [
        (19.75, "below-20"), (20.0, "mild"), (34.75, "mild"), (35.0, "moderate"), (49.75, "moderate"),
        (50.0, "moderately-severe"), (64.75, "moderately-severe"), (65.0, "severe"), (79.75, "severe"),
        (80.0, "profound"), (94.75, "profound"), (95.0, "complete"), (120.0, "complete"), (-10.0, "below-20"),
    ],
)  # fmt: skip
def test_who_is_not_rounded(db: float, grade: WhoGrade) -> None:
    found = who(flat(db), flat(db + 5))
    assert isinstance(found, Who)
    assert (found.db, found.grade, found.at_least) == (db, grade, False)


@pytest.mark.parametrize(
    ("better", "worse", "unilateral"), [(19.0, 35.0, True), (19.0, 34.0, False), (20.0, 60.0, False)]
)
def test_who_knows_one_sided(better: float, worse: float, unilateral: bool) -> None:
    for pair in ((flat(better), flat(worse)), (flat(worse), flat(better))):
        found = who(*pair)
        assert isinstance(found, Who) and found.unilateral is unilateral and found.db == better


def test_the_same_ears_have_different_grades_on_different_scales() -> None:
    heard = flat(35.0)
    assert biap(heard) == Biap(35, "mild")
    assert who(heard, heard) == Who(35.0, "moderate", at_least=False, unilateral=False)


def test_a_grade_needs_its_mean() -> None:
    holed = levels(20.0, None, 20.0, 20.0)
    assert biap(holed) == NoAverage((1000,))
    assert biap_both(flat(20.0), holed) == biap_both(holed, flat(20.0)) == NoAverage((1000,))
    assert who(holed, flat(10.0)) == who(flat(10.0), holed) == NoAverage((1000,))


def test_every_grade_can_be_reached() -> None:
    assert [grade for _, grade in BIAP] == list(get_args(BiapGrade))
    assert [grade for _, grade in WHO] == list(get_args(WhoGrade))


@given(st.lists(st.integers(-2, 24), min_size=4, max_size=4))
def test_biap_is_the_smallest_whole_decibel_above_the_mean(steps: list[int]) -> None:
    found = biap(levels(*(5.0 * step for step in steps)))
    assert isinstance(found, Biap)
    assert 0 <= 4 * found.db - 5 * sum(steps) < 4


# --- one ear ----------------------------------------------------------------------------------------------------


def trials(silences: int, answered: int, tones: int = 30, early: int = 0) -> list[Trial]:
    quiet = [Trial(1000, None, 0.7 if number < answered else None) for number in range(silences)]
    loud = [Trial(1000, 40.0, 0.1 if number < early else 0.4) for number in range(tones)]
    return [*quiet, *loud]


GOOD = EarTest(flat(10.0), retest=10.0, trials=trials(10, 0))


def test_a_good_ear() -> None:
    found = ear(GOOD)
    assert (found.grade, found.reasons, found.retest_db) == ("good", (), 0.0)
    assert found.false_answers == FalseAnswers(10, 0)


@pytest.mark.parametrize(
    ("second", "reasons", "grade"),
    [
        (5.0, (), "good"),
        (15.0, (), "good"),
        (2.0, ("retest-near",), "usable"),
        (0.0, ("retest-differs",), "bad"),
        (20.0, ("retest-differs",), "bad"),
        (None, ("retest-missing",), "usable"),
        (NONE_AT_100, ("retest-missing",), "usable"),
    ],
)
def test_the_repeat_at_one_kilohertz(second: Level, reasons: tuple[EarReason, ...], grade: str) -> None:
    found = ear(replace(GOOD, retest=second))
    assert (found.reasons, found.grade) == (reasons, grade)


def test_a_repeat_is_second_minus_first() -> None:
    assert retest(10.0, 25.0) == 15.0
    assert retest(25, 10) == -15.0
    assert retest(None, 10.0) is None
    assert retest(10.0, NONE_AT_100) is None


@pytest.mark.parametrize(
    ("silences", "answered", "reasons", "grade"),
    [
        (10, 1, (), "good"),  # 10 %
        (9, 1, ("false-answers-some",), "usable"),  # 11 %
        (10, 2, ("false-answers-some",), "usable"),  # 20 %
        (14, 3, ("false-answers",), "bad"),  # 21 %
        (10, 10, ("false-answers",), "bad"),
        (5, 0, ("catch-trials-few",), "usable"),
        (5, 5, ("catch-trials-few",), "usable"),
        (0, 0, ("catch-trials-few",), "usable"),
    ],
)
def test_answers_to_silence(silences: int, answered: int, reasons: tuple[EarReason, ...], grade: str) -> None:
    found = ear(replace(GOOD, trials=trials(silences, answered)))
    assert (found.reasons, found.grade) == (reasons, grade)


def test_an_answer_before_the_tone_can_be_heard_is_one_to_silence() -> None:
    counted = false_answers(trials(8, 0, early=2))
    assert counted == FalseAnswers(10, 2) and counted.rate == 0.2
    assert false_answers([Trial(1000, 40.0, 0.15)]) == FalseAnswers(0, 0)
    assert false_answers([Trial(1000, 40.0, 0.149)]) == FalseAnswers(1, 1)
    assert false_answers([Trial(1000, 40.0, None)]) == FalseAnswers(0, 0)


def test_an_instrument_that_tells_no_trials_is_not_blamed_for_them() -> None:
    found = ear(EarTest(flat(10.0)))
    assert (found.grade, found.reasons, found.false_answers) == ("good", (), None)


@pytest.mark.parametrize("db", [-15.0, 125.0, math.nan, math.inf, NoResponse(150.0)])
def test_a_level_that_cannot_be_spoils_the_ear(db: Level) -> None:
    found = ear(replace(GOOD, levels={**flat(10.0), 8000: db}))
    assert (found.grade, found.reasons) == ("bad", ("implausible",))


@pytest.mark.parametrize("db", [-10.0, 120.0, NoResponse(120.0), None])
def test_a_level_that_can_be_does_not(db: Level) -> None:
    assert ear(replace(GOOD, levels={**flat(10.0), 8000: db})).grade == "good"


def test_a_tone_of_the_mean_that_was_not_tested_is_told() -> None:
    assert ear(replace(GOOD, levels=levels(10.0, 10.0, None, 10.0))).reasons == ("not-tested",)


# --- both ears --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "mean", "tones", "marked"),
    [
        (flat(10.0), flat(10.0), 0.0, (), False),
        (flat(10.0), flat(24.0), 14.0, (), False),
        (flat(10.0), flat(25.0), 15.0, (), True),
        (levels(10.0, 10.0, 10.0, 30.0), flat(10.0), 5.0, (4000,), False),
        (levels(10.0, 10.0, 30.0, 30.0), flat(10.0), 10.0, (2000, 4000), True),
        (levels(10.0, 10.0, 29.0, 29.0), flat(10.0), 9.5, (), False),
    ],
)
def test_ears_that_differ(
    left: Mapping[int, Level], right: Mapping[int, Level], mean: float, tones: tuple[int, ...], marked: bool
) -> None:
    for one, other in ((left, right), (right, left)):
        found = asymmetry(one, other)
        assert (found.mean_db, found.tones, found.marked) == (mean, tones, marked)
        assert found.worse == (None if mean == 0 else "right" if sum_of(other) > sum_of(one) else "left")


def sum_of(heard: Mapping[int, Level]) -> float:
    return sum(level for level in heard.values() if isinstance(level, float))


@pytest.mark.parametrize(("apart", "masked"), [(39.0, False), (40.0, True), (70.0, True)])
def test_forty_decibels_prove_nothing_of_the_worse_ear(apart: float, masked: bool) -> None:
    left, right = {**flat(10.0), 8000: 10.0 + apart}, {**flat(10.0), 8000: 10.0}
    assert asymmetry(left, right).masking == ({8000: "left"} if masked else {})
    assert asymmetry(right, left).masking == ({8000: "right"} if masked else {})


def test_no_response_counts_with_the_loudest_level() -> None:
    found = asymmetry(levels(10.0, 10.0, 10.0, NONE_AT_100), flat(10.0))
    assert found.masking == {4000: "left"} and found.mean_db == 22.5 and found.worse == "left"


def test_what_was_not_tested_in_both_ears_is_not_compared() -> None:
    found = asymmetry(levels(10.0, 10.0, None, 80.0), {**flat(10.0), 250: 90.0})
    assert found.mean_db is None and found.worse is None
    assert found.masking == {4000: "left"} and found.tones == (4000,) and not found.marked


def test_levels_of_phones_without_reference_are_relative() -> None:
    assert audiogram(GOOD, GOOD, calibrated=True).unit == "dB HL"
    assert audiogram(GOOD, GOOD, calibrated=False).unit == "dB relative"


LEVELS = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.builds(NoResponse, st.floats(allow_nan=True, allow_infinity=True)),
)
EARS = st.builds(
    EarTest,
    st.dictionaries(st.sampled_from([250, 500, 1000, 2000, 4000, 8000]), LEVELS),
    LEVELS,
    st.one_of(
        st.none(),
        st.lists(st.builds(Trial, st.just(1000), st.none() | st.floats(), st.none() | st.floats()), max_size=20),
    ),
)


@given(EARS, EARS, st.booleans())
def test_whatever_is_transferred_is_judged(left: EarTest, right: EarTest, calibrated: bool) -> None:
    found = audiogram(left, right, calibrated=calibrated)
    for each in (found.left, found.right):
        assert set(each.reasons) <= set(get_args(EarReason))
        assert (each.grade == "good") == (not each.reasons)
    for scale in (biap(left.levels), who(left.levels, right.levels), biap_both(left.levels, right.levels)):
        assert scale is None or isinstance(scale, NoAverage | Biap | Who)
