"""The doctor's word on outcomes: when it is awaited, and what a rejected value takes along."""

from __future__ import annotations

import pytest

from cabin_agent.results import Consent, Review, VisitRecord
from cabin_agent.reviewed import awaits_review, consulted, doctors, is_rejected, review_of
from tests.visits import outcomes, visit

INFORMED = Consent("information", True, 1, "2026-09")
REMOTE, NOT_REMOTE = Consent("remote-act", True, 2, "2026-09"), Consent("remote-act", False, 2, "2026-09")
NAMES: list[str] = [each.name for each in outcomes()]
WEIGHT, HEIGHT, BMI, MEAN = (NAMES.index(name) for name in ("weight", "height", "bmi", "blood_pressure_mean"))
ACCEPTED, REJECTED, NOTED = (
    Review("accepted", "", "dr-a"),
    Review("rejected", "no", "dr-b"),
    Review(None, "odd", "dr-a"),
)


def with_reviews(**more: Review) -> VisitRecord:
    return visit(reviews={NAMES.index(name): review for name, review in more.items()})


@pytest.mark.parametrize(
    ("kind", "consents", "expected"),
    [
        ("checkup", (INFORMED, REMOTE), False),
        ("consultation", (INFORMED,), False),
        ("consultation", (INFORMED, NOT_REMOTE), False),
        ("consultation", (INFORMED, REMOTE), True),
        ("consultation", (REMOTE, NOT_REMOTE), False),
    ],
)
def test_a_consultation_is_one_that_the_agent_agreed_to(
    kind: str, consents: tuple[Consent, ...], expected: bool
) -> None:
    assert consulted(kind, consents) is expected


def test_a_word_is_awaited_in_a_consultation_and_where_one_was_said() -> None:
    assert not awaits_review(visit())
    assert awaits_review(visit(kind="consultation", consents=(REMOTE,)))
    assert awaits_review(with_reviews(weight=NOTED))


def test_an_outcome_has_its_own_word() -> None:
    record = with_reviews(weight=ACCEPTED, height=NOTED)
    assert (review_of(record, WEIGHT), review_of(record, HEIGHT), review_of(record, BMI)) == (ACCEPTED, NOTED, None)


def test_a_rejected_weight_takes_the_index_along_and_names_who_said_so() -> None:
    record = with_reviews(weight=REJECTED)
    assert review_of(record, BMI) == Review("rejected", "", "dr-b")
    assert review_of(record, HEIGHT) is None
    assert review_of(record, MEAN) is None
    assert (is_rejected(record, WEIGHT), is_rejected(record, BMI)) == (True, False)


def test_the_doctor_may_keep_what_came_from_a_rejected_value_and_its_note_stays() -> None:
    assert review_of(with_reviews(weight=REJECTED, bmi=ACCEPTED), BMI) == ACCEPTED
    assert review_of(with_reviews(weight=REJECTED, bmi=NOTED), BMI) == Review("rejected", "odd", "dr-b")
    assert review_of(with_reviews(weight=ACCEPTED, bmi=NOTED), BMI) == NOTED


def test_each_doctor_is_named_once() -> None:
    assert doctors(visit()) == ()
    assert doctors(with_reviews(height=REJECTED, weight=ACCEPTED, bmi=NOTED)) == ("dr-a", "dr-b")
