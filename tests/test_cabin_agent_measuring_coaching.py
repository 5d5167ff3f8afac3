"""What is told while a measure runs: after it held, until it is over, one thing at a time, and without flapping."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.measuring.coaching import CLEAR_S, LONGEST_STEP_S, Coach, Coaching, Holds, lasting
from drivers.events import Wave

HOLDS: Holds = {"worst": 0.5, "middle": 1.0, "least": 2.0}
STEP_S = 0.1


def told(*stretches: tuple[set[str], float], step_s: float = STEP_S) -> list[tuple[float, str]]:
    """When what was said, for stretches of (what is wrong, seconds)."""
    coaching, at, said = Coaching(HOLDS), 0.0, []
    for wrong, seconds in stretches:
        for _ in range(round(seconds / step_s)):
            at += step_s
            if (code := coaching.step(wrong, step_s)) is not None:
                said.append((round(at, 3), code))
    return said


@pytest.mark.parametrize(("code", "hold"), HOLDS.items())
def test_a_reason_is_said_when_it_has_held_for_its_time(code: str, hold: float) -> None:
    ((at, said),) = told(({code}, 5.0))
    assert said == code
    assert at == pytest.approx(hold, abs=STEP_S + 1e-9)


def test_what_did_not_hold_is_not_said() -> None:
    assert told(({"middle"}, 0.8), (set(), 0.1), ({"worst"}, 0.3), (set(), 0.5)) == []


def test_it_is_taken_back_when_the_signal_was_good_for_a_second() -> None:
    (_, first), (at, second) = told(({"middle"}, 3.0), (set(), 3.0))
    assert (first, second) == ("middle", "")
    assert at == pytest.approx(3.0 + CLEAR_S, abs=STEP_S + 1e-9)


def test_one_good_moment_takes_nothing_back_and_says_nothing_twice() -> None:
    assert [code for _, code in told(({"middle"}, 2.0), (set(), 0.5), ({"middle"}, 2.0), (set(), 0.5))] == ["middle"]


def test_the_worst_is_said_and_the_next_when_it_is_over() -> None:
    said = [code for _, code in told(({"least"}, 3.0), ({"least", "worst"}, 2.0), ({"least"}, 3.0), (set(), 2.0))]
    assert said == ["least", "worst", "least", ""]


def test_what_the_table_does_not_know_is_left_to_the_grading() -> None:
    assert [code for _, code in told(({"too-few-beats"}, 5.0))] == [""]


def test_an_earlier_attempt_is_taken_back_only_when_this_one_is_good() -> None:
    assert told((set(), 0.8)) == []
    ((at, code),) = told((set(), 3.0))
    assert code == ""
    assert at == pytest.approx(CLEAR_S, abs=STEP_S + 1e-9)
    assert [code for _, code in told(({"worst"}, 1.0), (set(), 2.0))] == ["worst", ""]


def test_a_long_silence_counts_for_a_second_and_time_never_runs_back() -> None:
    coaching = Coaching(HOLDS)
    assert coaching.step({"least"}, 3600.0) is None
    assert coaching.step({"least"}, -5.0) is None
    assert coaching.step({"least"}, LONGEST_STEP_S) == "least"


@given(st.lists(st.tuples(st.sets(st.sampled_from([*HOLDS, "other"])), st.floats(0.0, 0.3)), max_size=300))
def test_no_word_lasts_too_short_to_be_read_unless_a_worse_one_comes(steps: list[tuple[set[str], float]]) -> None:
    coaching, at = Coaching(HOLDS), 0.0
    said: list[tuple[float, str]] = []
    for wrong, seconds in steps:
        at += seconds
        if (code := coaching.step(wrong, seconds)) is not None:
            said.append((at, code))
    rank = [*HOLDS, ""].index
    for (since, before), (until, after) in pairwise(said):
        assert before != after
        assert rank(after) < rank(before) or until - since >= CLEAR_S - 1e-6 or _was_over(said, before, since)


def _was_over(said: list[tuple[float, str]], code: str, since: float) -> bool:
    """Whether a word that came back from behind a worse one had been said before: its end may be near."""
    return any(earlier == code and at < since for at, earlier in said)


@given(st.lists(st.booleans(), max_size=200))
def test_a_coach_says_what_coaching_says(wrongs: list[bool]) -> None:
    heard: list[str] = []
    coach, coaching = Coach(heard.append, HOLDS), Coaching(HOLDS)
    expected = []
    for wrong in wrongs:
        codes = {"middle"} if wrong else set[str]()
        coach.hear(codes, 0.25)
        if (code := coaching.step(codes, 0.25)) is not None:
            expected.append(code)
    assert heard == expected


def test_a_block_lasts_as_long_as_its_samples() -> None:
    assert lasting(Wave("pleth", 0, 75.0, "1", ("pleth",), ((1.0,),) * 15)) == pytest.approx(0.2)
