"""The whole unattended hearing test: order, silences, retest, reminders, limits; and on many simulated listeners."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.hearing import figures
from cabin_signal.audiogram import Ear, audiogram, ear
from cabin_signal.audiogram_grades import NoResponse
from cabin_signal.hearing_noise import PERMITTED_DB, permitted_db, too_loud
from cabin_signal.hearing_procedure import (
    BLOCK,
    MOST_REMINDERS,
    MOST_SPOILT,
    ORDER,
    Answer,
    EarRun,
    Finished,
    Next,
    Plan,
    Presentation,
    Reminder,
    State,
    begin,
    progress,
    result,
    step,
)

Hears = Callable[[Presentation], Answer]
EVERYWHERE = {(side, hz): 80.0 for side in ("left", "right") for hz in ORDER}


def plan(**more: object) -> Plan:
    return Plan(**({"loudest": EVERYWHERE, "seed": 7} | more))  # type: ignore[arg-type]


def whole(hears: Hears, of: Plan | None = None) -> tuple[State, list[Next]]:
    """The end of a test, and everything that was played."""
    state = begin(of or plan())
    played: list[Next] = [state.playing]
    while not isinstance(state.playing, Finished):
        now = state.playing
        state, following = step(state, hears(now) if isinstance(now, Presentation) else Answer())
        played.append(following)
        assert len(played) < 1000
    return state, played


def above(threshold: float, after_s: float = 0.5) -> Hears:
    return lambda now: Answer((after_s,) if now.db is not None and now.db >= threshold else ())


def tones(played: list[Next]) -> list[Presentation]:
    return [each for each in played if isinstance(each, Presentation)]


def runs(state: State) -> tuple[EarRun, EarRun]:
    ears = result(state)
    return ears["right"], ears["left"]


def test_an_attentive_listener_has_both_ears_retested_and_believed() -> None:
    state, played = whole(above(12))
    assert state.playing == Finished()
    for run in runs(state):
        assert run.levels == dict.fromkeys(ORDER, 15.0)
        assert (run.again, run.why) == ({1000: 15.0}, {})
        assert ear(run.test).grade == "good"
        assert ear(run.test).reasons == ()
    findings = audiogram(runs(state)[1].test, runs(state)[0].test, calibrated=False)
    assert findings.unit == "dB relative"
    assert not any(isinstance(each, Reminder) for each in played)


def test_one_ear_after_the_other_in_the_standards_order() -> None:
    _, played = whole(above(12), plan(first="left"))
    order = list(dict.fromkeys((each.ear, each.hz) for each in tones(played)))
    assert order == [(side, hz) for side in ("left", "right") for hz in ORDER]


def test_the_first_tone_is_soft_enough_and_its_pause_is_between_the_bounds() -> None:
    _, played = whole(above(12))
    assert tones(played)[0].db == 40
    pauses = [each.pause_s for each in tones(played)]
    assert all(0.7 <= pause <= 2.2 for pause in pauses)
    assert len(set(pauses)) > len(pauses) / 2


def test_one_slot_in_five_is_silent_once_the_person_knows_what_it_is_about() -> None:
    state, played = whole(above(12))
    for run in runs(state):
        mine = [each for each in tones(played) if each.ear == run.ear]
        silent = [number for number, each in enumerate(mine) if each.db is None]
        assert len(silent) >= 6
        assert 0.15 <= len(silent) / len(mine) <= 0.25
        assert len({number % BLOCK for number in silent}) > 1, "nobody can count to the next silence"
        assert sum(trial.db is None for trial in run.trials) == len(silent)


def test_the_same_seed_plays_the_same_and_another_one_does_not() -> None:
    assert whole(above(12))[1] == whole(above(12))[1]
    assert whole(above(12))[1] != whole(above(12), plan(seed=8))[1]


def test_a_retest_that_differs_goes_on_to_further_frequencies_until_one_agrees() -> None:
    seen: list[tuple[Ear, int]] = []

    def drifting(now: Presentation) -> Answer:
        """1 kHz is heard 15 dB better once 500 Hz, the last frequency, was tested; 2 kHz stays."""
        seen.append((now.ear, now.hz))
        threshold = 15 if now.hz == 1000 and (now.ear, 500) in seen else 30
        return above(threshold)(now)

    run = runs(whole(drifting)[0])[0]
    assert run.again == {1000: 15.0, 2000: 30.0}
    assert "retest-differs" in ear(run.test).reasons


def test_an_answer_before_150_ms_is_no_answer_to_the_tone() -> None:
    early = {"left": 3}

    def hasty(now: Presentation) -> Answer:
        if now.db is not None and early["left"]:
            early["left"] -= 1
            return Answer((0.05,))
        return above(12)(now)

    run = runs(whole(hasty)[0])[0]
    assert run.levels[1000] == 15.0
    assert sum(trial.answered_s == 0.05 for trial in run.trials) == 3


def test_a_press_in_the_pause_is_counted_as_a_false_answer_and_leaves_the_tone_alone() -> None:
    def restless(now: Presentation) -> Answer:
        return Answer((-0.3, *above(12)(now).pressed_s))

    state, played = whole(restless)
    for run in runs(state):
        assert "false-answers" in ear(run.test).reasons
        assert set(run.levels.values()) == {15.0}
    assert Reminder("only-when-heard") in played


def test_somebody_who_always_presses_is_reminded_and_their_ears_are_invalid() -> None:
    state, played = whole(lambda _: Answer((0.4,)))
    assert [each for each in played if isinstance(each, Reminder)] == [Reminder("only-when-heard")] * 2
    assert all(ear(run.test).grade == "bad" for run in runs(state))


def test_somebody_who_never_presses_is_told_once_more_and_then_the_ear_is_left() -> None:
    state, played = whole(lambda _: Answer())
    assert [each for each in played if isinstance(each, Reminder)] == [Reminder("press-when-heard")] * 2
    for run in runs(state):
        assert run.levels == dict.fromkeys(ORDER)
        assert set(run.why.values()) == {"unfamiliar"}


def test_too_many_reminders_end_the_test() -> None:
    def useless(now: Presentation) -> Answer:
        """First never, then always: every ear needs both reminders."""
        mine = seen.setdefault(now.ear, [])
        mine.append(now)
        return Answer((0.4,) if len(mine) > 10 else ())

    seen: dict[str, list[Presentation]] = {}
    state, played = whole(useless)
    assert state.playing == Finished(abandoned=True)
    assert sum(isinstance(each, Reminder) for each in played) == MOST_REMINDERS


@pytest.mark.parametrize("why", ["room-noise", "sound-broken"])
def test_a_spoilt_trial_is_repeated_and_after_three_the_frequency_is_left(why: str) -> None:
    spoil: Hears = lambda now: Answer(spoilt=why) if now.hz == 2000 else above(12)(now)  # type: ignore[arg-type]  # noqa: E731
    state, played = whole(spoil)
    for run in runs(state):
        assert run.levels[2000] is None
        assert run.why == {2000: why}
        assert run.levels[500] == 15.0
        assert not any(trial.hz == 2000 for trial in run.trials)
    assert sum(each.hz == 2000 for each in tones(played)) == 2 * MOST_SPOILT


def test_what_the_phones_cannot_reach_is_no_response_and_what_they_lack_is_not_tested() -> None:
    loudest = {place: 50.0 for place in EVERYWHERE if place[1] != 6000}
    right, _ = runs(whole(lambda now: above(70 if now.hz == 4000 else 12)(now), plan(loudest=loudest))[0])
    assert (right.levels[4000], right.levels[6000]) == (NoResponse(50.0), None)


def test_phones_without_a_second_ear_test_the_one() -> None:
    loudest = {place: 50.0 for place in EVERYWHERE if place[0] == "left"}
    right, left = runs(whole(above(12), plan(loudest=loudest))[0])
    assert set(right.levels.values()) == {None}
    assert set(left.levels.values()) == {15.0}
    assert begin(plan(loudest={})).playing == Finished()


def test_a_slow_listener_is_stopped_at_the_budget_and_the_rest_is_said_to_be_untested() -> None:
    state, _ = whole(above(12), plan(budget_s=60.0))
    for run in runs(state):
        assert run.spent_s <= 70
        assert "time-over" in run.why.values()
        assert set(run.levels) == set(ORDER)


def test_progress_only_grows_and_ends_at_one() -> None:
    state, seen = begin(plan()), [0.0]
    while not isinstance(now := state.playing, Finished):
        state, _ = step(state, above(12)(now) if isinstance(now, Presentation) else Answer())
        seen.append(progress(state))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=30, max_size=30), st.integers(0, 99))
def test_whatever_is_answered_the_test_ends_and_tells_every_frequency(
    answers: list[tuple[bool, bool, bool]], seed: int
) -> None:
    turn = 0

    def anything(_: Presentation) -> Answer:
        nonlocal turn
        turn += 1
        pressed, early, spoilt = answers[turn * 7 % len(answers)]
        times = (*([-0.2] if early else []), *([0.6] if pressed else []))
        return Answer(times, "room-noise" if spoilt and early else None)

    state, played = whole(anything, plan(seed=seed))
    assert all(each.db is None or -10 <= each.db <= 80 for each in tones(played))
    if state.playing == Finished():
        assert all({*run.levels} == {*ORDER} for run in runs(state))


# --- the room ---------------------------------------------------------------------------------------------------


def test_a_room_is_too_loud_for_a_faint_tone_and_not_for_a_louder_one() -> None:
    assert permitted_db(1000, 0, {}) == PERMITTED_DB[1000]
    assert too_loud(1000, 0, 30.0, {})
    assert not too_loud(1000, 20, 30.0, {})
    assert too_loud(1000, -10, PERMITTED_DB[1000] + 1, {})


def test_phones_that_keep_more_out_may_stand_in_a_louder_room() -> None:
    hda200 = {125: 14.5, 250: 16.0, 500: 22.5, 1000: 28.5, 2000: 32.0, 4000: 45.5, 8000: 44.0}
    limits = {hz: permitted_db(hz, 0, hda200) for hz in (500, 1000, 2000, 4000, 8000)}
    assert limits == {500: 33.5, 1000: 36.5, 2000: 36.0, 4000: 49.5, 8000: 53.0}


def test_a_room_that_nobody_measures_is_never_too_loud() -> None:
    assert not too_loud(1000, 0, None, {})


# --- many listeners (clinical reference 5.6) ---------------------------------------------------------------------


def test_thresholds_of_usual_listeners_lie_where_the_method_puts_them() -> None:
    usual = figures("usual, 2 of 3", 60)
    assert 2.0 < usual.bias_db < 3.3
    assert usual.sd_db < 3.0
    assert usual.within_5_db > 0.78
    assert usual.retest_sd_db < 4.5
    assert usual.found > 0.95
    assert usual.refused < 0.05


def test_more_ascents_spread_less_and_take_longer() -> None:
    two, three = figures("usual, 2 of 3", 40), figures("usual, 3 of 5", 40)
    assert three.sd_db < two.sd_db
    assert three.seconds > 1.2 * two.seconds


def test_whoever_presses_at_random_is_found_out() -> None:
    random_ = figures("presses at random, 2 of 3", 40)
    assert random_.refused + random_.doubted > 0.97
    assert random_.refused > 0.7
    assert figures("attentive, 2 of 3", 40).refused < 0.05
