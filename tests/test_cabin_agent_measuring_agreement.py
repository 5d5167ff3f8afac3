"""Whether pulse and heart count the same: a note where they differ, and none where one of them is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.measuring.agreement import rate_notes, value_of
from cabin_agent.results import MeasureName, NotMeasured, Outcome
from tests.visits import ECG, OXIMETER, evidence, outcomes, single

rates = st.floats(20.0, 250.0)


def heart(rate: float) -> Outcome:
    return single("heart_rate", rate, "/min", evidence(ECG))


def pulse(rate: float) -> Outcome:
    return single("pulse_rate", rate, "/min", evidence(OXIMETER))


def test_the_last_value_of_a_name_is_taken() -> None:
    assert value_of("heart_rate", [heart(60.0), pulse(80.0), heart(62.0)]) == 62.0
    assert value_of("temperature", outcomes()) == 36.0


def test_what_has_no_value_is_none_and_not_a_number() -> None:
    assert value_of("heart_rate", []) is None
    assert value_of("heart_rate", [pulse(80.0), NotMeasured("heart_rate", "failed", "too-few-beats")]) is None


def test_a_value_before_a_failed_repeat_still_stands() -> None:
    assert value_of("heart_rate", [heart(60.0), NotMeasured("heart_rate", "failed")]) == 60.0


@pytest.mark.parametrize(
    ("pulse_rate", "heart_rate", "differ"),
    [(72.0, 72.0, False), (72.0, 79.0, False), (72.0, 81.0, True), (81.0, 72.0, True), (45.0, 50.0, False),
     (44.0, 50.0, True), (100.0, 111.0, False), (100.0, 112.0, True), (111.0, 100.0, True)],
)  # fmt: skip
def test_a_difference_over_a_tenth_and_over_five_is_noted(pulse_rate: float, heart_rate: float, differ: bool) -> None:
    notes = ("pulse-heart-differ",) if differ else ()
    assert rate_notes(pulse_rate, "heart_rate", [heart(heart_rate)]) == notes
    assert rate_notes(heart_rate, "pulse_rate", [pulse(pulse_rate)]) == notes


@given(rates, rates)
def test_it_does_not_matter_which_of_the_two_came_first(pulse_rate: float, heart_rate: float) -> None:
    first = rate_notes(pulse_rate, "heart_rate", [heart(heart_rate)])
    assert first == rate_notes(heart_rate, "pulse_rate", [pulse(pulse_rate)])


@pytest.mark.parametrize("other", ["heart_rate", "pulse_rate"])
@given(rate=rates)
def test_with_one_rate_alone_there_is_nothing_to_note(other: MeasureName, rate: float) -> None:
    assert rate_notes(rate, other, []) == ()
    assert rate_notes(rate, other, [NotMeasured(other, "refused")]) == ()
