"""One threshold: the ascending method as a table, and the familiarisation before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.audiogram_grades import NoResponse
from cabin_signal.hearing_search import (
    GENTLE_DB,
    LOWEST_DB,
    MOST_TONES,
    TABLE,
    Familiar,
    Search,
    Undecided,
    familiar,
    familiarised,
    search,
    searched,
)


def found(state: Search, hears: Callable[[float], bool]) -> tuple[Search, list[float]]:
    """The end of a search, and every level that was played."""
    played = []
    while state.found is None:
        played.append(state.db)
        state = searched(state, hears(state.db))
    return state, played


def above(threshold: float) -> Callable[[float], bool]:
    return lambda db: db >= threshold


def answers(of: Iterable[bool]) -> Callable[[float], bool]:
    given_ = iter(of)
    return lambda _: next(given_)


def test_every_stage_knows_both_answers() -> None:
    assert set(TABLE) == {(stage, heard) for stage in ("seek", "down", "up") for heard in (False, True)}


def test_down_ten_up_five_until_two_ascents_end_at_one_level() -> None:
    state, played = found(search(40, 80), above(20))
    assert state.found == 20
    assert played == [40, 30, 20, 10, 15, 20, 10, 15, 20]


@pytest.mark.parametrize(("threshold", "level"), [(-10, -10), (-7, -5), (0, 0), (33, 35), (62.5, 65), (80, 80)])
def test_the_threshold_is_the_first_step_that_is_answered(threshold: float, level: float) -> None:
    assert found(search(40, 80), above(threshold))[0].found == level


def test_three_of_five_takes_a_third_ascent() -> None:
    state, played = found(search(40, 80, 3, 5), above(20))
    assert state.found == 20
    assert len(played) == 12


def test_ascents_that_never_agree_begin_again_ten_decibels_louder() -> None:
    # Ascents end at 20, 25 and 30: no two of three.
    state = search(20, 80, stage="up")
    for heard in (True, False, False, False, True, False, False, False, True):
        state = searched(state, heard)
    assert (state.found, state.ends, state.db, state.stage) == (None, (), 40, "seek")


def test_a_tone_that_is_never_heard_is_no_response_at_the_loudest_level_after_two_tries() -> None:
    state, played = found(search(40, 70), above(200))
    assert state.found == NoResponse(70)
    assert played == [40, 50, 60, 65, 70, 70]


def test_somebody_who_hears_everything_has_the_softest_level() -> None:
    assert found(search(40, 80), above(-99))[0].found == LOWEST_DB


def test_whoever_stays_undecided_has_no_threshold() -> None:
    state = search(0, 80, 3, 5)
    while state.found is None:
        state = searched(state, state.stage != "up" or state.ends.count(state.db) == 0)
        assert state.tones <= MOST_TONES
    assert isinstance(state.found, float | Undecided)
    assert found(search(0, 80), answers([False, True] * MOST_TONES))[0].tones <= MOST_TONES


@given(st.lists(st.booleans(), min_size=MOST_TONES, max_size=MOST_TONES), st.sampled_from([30.0, 60.0, 80.0]))
def test_whatever_is_answered_levels_stay_allowed_and_steps_are_small(heard: list[bool], loudest: float) -> None:
    state = search(40, loudest)
    assert state.db <= 40
    for each in heard:
        before = state.db
        state = searched(state, each)
        if state.found is not None:
            break
        assert LOWEST_DB <= state.db <= loudest
        assert state.db % 5 == 0
        assert state.db - before <= (5 if before >= GENTLE_DB else 10)
    assert state.found is not None


def familiarisation(hears: Callable[[float], bool], loudest: float = 80) -> tuple[Familiar, list[float]]:
    state, played = familiar(loudest), []
    while state.ended is None:
        played.append(state.db)
        state = familiarised(state, hears(state.db))
    return state, played


def test_familiarisation_goes_down_twenty_up_ten_and_asks_twice() -> None:
    state, played = familiarisation(above(12))
    assert (state.ended, state.db) == ("done", 20)
    assert played == [40, 20, 0, 10, 20, 20]


def test_familiarisation_of_a_deaf_ear_ends_at_the_loudest() -> None:
    state, played = familiarisation(above(200))
    assert (state.ended, played) == ("unheard", [40, 50, 60, 65, 70, 75, 80])


def test_an_answer_that_is_not_given_again_is_asked_for_once_more_and_then_it_failed() -> None:
    state, _ = familiarisation(answers([False, True, False, True, False]))
    assert (state.ended, state.failures) == ("failed", 2)
    assert familiarisation(answers([False, True, False, True, True]))[0].ended == "done"


def test_familiarisation_of_somebody_who_hears_everything() -> None:
    assert familiarisation(above(-99))[0].db == LOWEST_DB
