"""The plan: ten minutes with the whole rest, nothing beside an inflation, and an end whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.plan import (
    BY_HAND_S,
    TASKS,
    Finished,
    Progress,
    Rules,
    Sit,
    Slot,
    Start,
    TaskName,
    Wait,
    next_step,
    pressure_due,
    rest_needed,
    tasks_for,
    time_left,
    timeline,
)
from cabin_agent.results import MeasureName

RULES = Rules()
ALL: tuple[TaskName, ...] = tuple(TASKS)
SEATED = Progress(ALL[1:], seated_at=61.0)
SUBSETS = list(chain.from_iterable(combinations(ALL, size) for size in range(len(ALL) + 1)))
seconds = st.floats(0.0, 400.0)
rules_of_a_cabin = st.builds(
    lambda rest, share, gap, budget: Rules(rest, rest * share, gap, budget),
    st.floats(0, 1800),
    st.floats(0, 1),
    st.floats(0, 600),
    st.floats(60, 7200),
)


def measures_of(tasks: Sequence[TaskName]) -> tuple[str, ...]:
    return tuple(TASKS[task].yields[0] for task in tasks)


def of(slots: list[Slot], what: str) -> list[Slot]:
    return [slot for slot in slots if slot.what == what]


# --- the whole check-up on its own estimates --------------------------------------------------------------------


def test_the_whole_check_up_is_this() -> None:
    assert [(slot.what, slot.begin, slot.end) for slot in timeline()] == [
        ("questions", 0.0, 36.0),
        ("size", 36.0, 56.0),
        ("sit", 56.0, 61.0),
        ("oximetry", 61.0, 96.0),
        ("temperature", 96.0, 106.0),
        ("ecg", 106.0, 148.0),
        ("hearing", 148.0, 268.0),
        ("rest", 268.0, 361.0),
        ("pressure", 361.0, 391.0),
        ("gap", 391.0, 451.0),
        ("pressure", 451.0, 481.0),
        ("gap", 481.0, 541.0),
        ("pressure", 541.0, 571.0),
        ("results and good-bye", 571.0, 595.0),
    ]


def test_it_takes_less_than_ten_minutes_with_the_whole_rest_and_three_readings() -> None:
    slots = timeline()
    assert slots[-1].end < 600.0
    assert of(slots, "pressure")[0].begin - of(slots, "sit")[0].end >= 300.0
    assert len(of(slots, "pressure")) == 3


@pytest.mark.parametrize("tasks", SUBSETS)
def test_any_appointment_has_a_plan_that_does_each_task_once(tasks: tuple[TaskName, ...]) -> None:
    slots = timeline(measures_of(tasks)) if tasks else timeline()
    asked = tasks or ALL
    done = [slot.what for slot in slots if slot.what in ALL]
    assert {*done} == {*asked}
    assert all(done.count(task) == (3 if task == "pressure" else 1) for task in asked)
    assert len(of(slots, "sit")) == any(not TASKS[task].standing for task in asked)
    assert all(earlier.end == later.begin for earlier, later in pairwise(slots))
    assert all(slot.end > slot.begin for slot in slots)


def test_a_hearing_test_that_the_cabin_makes_itself_waits_until_the_pressures_are_over() -> None:
    long = replace(RULES, hearing_s=600.0)
    seated = replace(SEATED, todo=("hearing", "pressure"))
    assert isinstance(next_step(seated, 70.0, RULES), Start)
    assert isinstance(next_step(seated, 70.0, long), Wait)
    names = [slot.what for slot in timeline(("hearing", "blood_pressure"), long)]
    assert names.index("hearing") > max(n for n, name in enumerate(names) if name == "pressure")


@pytest.mark.parametrize("tasks", SUBSETS[1:])
def test_standing_comes_first_and_hearing_is_never_in_a_gap(tasks: tuple[TaskName, ...]) -> None:
    slots = timeline(measures_of(tasks))
    names = [slot.what for slot in slots]
    standing = [names.index(task) for task in tasks if TASKS[task].standing]
    assert standing == [*range(1, len(standing) + 1)]
    if "pressure" in tasks and "hearing" in tasks:
        first, last = names.index("pressure"), len(names) - 1 - names[::-1].index("pressure")
        assert not first < names.index("hearing") < last


def test_a_task_that_fits_no_rest_waits_until_the_cuff_is_done() -> None:
    short = replace(RULES, rest_s=20.0, rest_minimum_s=10.0)
    names = [slot.what for slot in timeline(("hearing", "blood_pressure", "ecg"), short)]
    assert names[2:-1] == ["rest", "pressure", "ecg", "gap", "pressure", "gap", "pressure", "hearing"]


def test_an_appointment_names_measures_and_gets_their_tasks_in_the_order_of_the_plan() -> None:
    assert tasks_for(()) == ALL
    assert tasks_for(("blood_pressure_mean", "bmi")) == ("size", "pressure")
    assert {task: tasks_for(TASKS[task].yields) for task in ALL} == {task: (task,) for task in ALL}


def test_every_measure_belongs_to_one_task() -> None:
    yields = [name for task in TASKS.values() for name in task.yields]
    assert sorted(yields) == sorted(get_args(MeasureName))
    assert len({task.instrument for task in TASKS.values()}) == len(TASKS)


# --- one step ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("running", ALL)
@given(now=seconds, seated=st.none() | seconds)
def test_nothing_begins_while_something_runs(running: TaskName, now: float, seated: float | None) -> None:
    assert next_step(Progress(ALL, running, seated), now, RULES) == Wait(None)


def test_the_agent_is_asked_to_sit_only_when_nothing_is_left_to_do_standing() -> None:
    assert next_step(Progress(ALL), 36.0, RULES) == Start("size")
    assert next_step(Progress(ALL[1:]), 56.0, RULES) == Sit()
    assert next_step(Progress(("temperature",)), 56.0, RULES) == Sit()
    assert next_step(Progress(()), 56.0, RULES) == Finished()


def test_the_rest_is_filled_and_then_kept() -> None:
    assert next_step(SEATED, 61.0, RULES) == Start("oximetry")
    assert next_step(replace(SEATED, todo=("pressure",)), 100.0, RULES) == Wait(361.0)
    assert next_step(replace(SEATED, todo=("hearing", "pressure")), 241.0, RULES) == Start("hearing")
    assert next_step(replace(SEATED, todo=("hearing", "pressure")), 241.1, RULES) == Wait(361.0)
    assert next_step(SEATED, 361.0, RULES) == Start("pressure")


def test_a_gap_is_a_minute_from_the_end_of_an_inflation() -> None:
    between = replace(SEATED, todo=("ecg", "hearing", "pressure"), reading_ends=(391.0,))
    assert next_step(between, 391.0, RULES) == Start("ecg")
    assert next_step(replace(between, todo=("hearing", "pressure")), 391.0, RULES) == Wait(451.0)
    assert next_step(between, 451.0, RULES) == Start("pressure")


def test_after_the_protocol_the_others_are_made_up_for() -> None:
    over = replace(SEATED, todo=("hearing", "pressure"), reading_ends=(391.0, 481.0, 571.0), more_readings=False)
    assert next_step(over, 571.0, RULES) == Start("hearing")
    assert next_step(replace(over, todo=("pressure",)), 571.0, RULES) == Finished()
    assert pressure_due(over, RULES) is None


def test_readings_from_before_a_reboot_leave_no_rest_behind_them() -> None:
    again = Progress(("pressure",), seated_at=10.0, reading_ends=(0.0, 0.0))
    assert pressure_due(again, RULES) == 310.0


def test_without_a_seat_or_without_a_cuff_no_inflation_is_due() -> None:
    assert pressure_due(Progress(ALL), RULES) is None
    assert pressure_due(Progress(("ecg",), seated_at=5.0), RULES) is None


# --- the rest ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seated", "rest"),
    [(None, 300.0), (61.0, 300.0), (66.0, 300.0), (100.0, 266.0), (186.0, 180.0), (500.0, 180.0)],
)
def test_the_rest_gives_way_to_the_budget_down_to_its_minimum(seated: float | None, rest: float) -> None:
    assert rest_needed(Progress(ALL, seated_at=seated), RULES) == rest


@given(rules_of_a_cabin, st.none() | st.floats(0, 5000))
def test_the_rest_is_never_under_its_minimum_nor_over_the_protocol(rules: Rules, seated: float | None) -> None:
    assert rules.rest_minimum_s <= rest_needed(Progress(ALL, seated_at=seated), rules) <= rules.rest_s


@given(rules_of_a_cabin, st.floats(0, 5000), st.lists(st.floats(0, 5000), max_size=4))
def test_no_inflation_is_due_before_the_rest_or_within_the_gap(
    rules: Rules, seated: float, ends: list[float]
) -> None:
    due = pressure_due(Progress(ALL, seated_at=seated, reading_ends=tuple(sorted(ends))), rules)
    assert due is not None
    assert due >= seated + rules.rest_minimum_s
    assert not ends or due >= max(ends) + rules.gap_s


# --- a visit that goes otherwise than planned -------------------------------------------------------------------


class Visit:
    """Plays the plan with durations and failures of its own, and writes down what began when."""

    def __init__(self, tasks: Sequence[TaskName], rules: Rules, took: Iterator[float], fails: Iterator[bool]) -> None:
        self.progress = Progress(tuple(tasks))
        self.now, self.rules, self.took, self.fails = 36.0, rules, took, fails
        self.accepted = 0
        self.begun: list[tuple[str, float]] = []
        self.rest = 0.0

    def run(self) -> None:
        for _ in range(200):
            step = next_step(self.progress, self.now, self.rules)
            if isinstance(step, Finished):
                return
            self.act(step)
        raise AssertionError("the plan came to no end")

    def act(self, step: object) -> None:
        match step:
            case Sit():
                self.now += next(self.took)
                self.progress = replace(self.progress, seated_at=self.now)
                self.rest = rest_needed(self.progress, self.rules)
            case Wait(until=until):
                assert until is not None
                assert until > self.now
                self.now = until
            case Start(task=task):
                self.begin(task)

    def begin(self, task: TaskName) -> None:
        self.begun.append((task, self.now))
        due = pressure_due(self.progress, self.rules)
        if not TASKS[task].standing and task != "pressure" and due is not None:
            assert self.now + TASKS[task].estimate_s <= due
        self.now += next(self.took)
        settled = task != "pressure" or self.inflated()
        todo = tuple(name for name in self.progress.todo if name != task) if settled else self.progress.todo
        self.progress = replace(self.progress, todo=todo)

    def inflated(self) -> bool:
        self.accepted += not next(self.fails)
        ends = (*self.progress.reading_ends, self.now)
        more = len(ends) < 5 and self.accepted < 3
        self.progress = replace(self.progress, reading_ends=ends, more_readings=more)
        return not more


@given(
    st.sampled_from(SUBSETS),
    rules_of_a_cabin,
    st.lists(seconds, min_size=40, max_size=40),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_whatever_it_takes_and_whatever_fails_the_visit_ends(
    tasks: tuple[TaskName, ...], rules: Rules, took: list[float], fails: list[bool]
) -> None:
    visit = Visit(tasks, rules, iter(took), iter(fails))
    visit.run()
    assert visit.progress.todo == ()
    done = [name for name, _ in visit.begun]
    assert {*done} == {*tasks}
    assert all(done.count(task) == 1 for task in tasks if task != "pressure")
    assert done.count("pressure") <= 5
    starts = [at for name, at in visit.begun if name == "pressure"]
    if starts:
        assert visit.progress.seated_at is not None
        assert starts[0] >= visit.progress.seated_at + visit.rest
        assert visit.rest >= rules.rest_minimum_s
    assert all(
        begin - end >= rules.gap_s - 1e-6 for end, begin in zip(visit.progress.reading_ends, starts[1:], strict=False)
    )
    if "size" in tasks:
        assert done[0] == "size"


# --- the time left ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tasks", SUBSETS[1:])
def test_the_time_left_is_the_rest_of_the_timeline(tasks: tuple[TaskName, ...]) -> None:
    slots = timeline(measures_of(tasks))
    end, progress = slots[-1].end, Progress(tasks)
    for slot in slots[1:-1]:
        assert time_left(progress, slot.begin, RULES) == pytest.approx(end - slot.begin)
        if slot.what in ALL:
            running = replace(progress, running=slot.what)
            assert time_left(running, slot.begin, RULES) == pytest.approx(end - slot.begin)
        progress = after(progress, slot)
    assert time_left(progress, slots[-1].begin, RULES) == RULES.closing_s


def after(progress: Progress, slot: Slot) -> Progress:
    if slot.what == "sit":
        return replace(progress, seated_at=slot.end)
    if slot.what == "pressure":
        ends = (*progress.reading_ends, slot.end)
        progress = replace(progress, reading_ends=ends, more_readings=len(ends) < 3)
        if progress.more_readings:
            return progress
    return replace(progress, todo=tuple(name for name in progress.todo if name != slot.what))


def test_a_fourth_reading_is_part_of_the_time_left() -> None:
    ends = (391.0, 481.0, 571.0)
    fourth = Progress(("pressure",), seated_at=61.0, reading_ends=ends, more_readings=True)
    assert time_left(fourth, 571.0, RULES) == 60.0 + 30.0 + 24.0
    assert time_left(replace(fourth, running="pressure"), 631.0, RULES) == 30.0 + 24.0
    assert time_left(replace(fourth, more_readings=False), 571.0, RULES) == 24.0


def test_whole_numbers_of_seconds_are_numbers_too() -> None:
    whole = Rules(rest_s=300, rest_minimum_s=180, gap_s=60, budget_s=600)
    assert [(slot.what, slot.end) for slot in timeline((), whole)] == [(s.what, s.end) for s in timeline()]
    assert time_left(Progress(("pressure",), seated_at=0, reading_ends=(400,)), 430, whole) == 30 + 30 + 60 + 30 + 24


@given(
    st.sampled_from(SUBSETS),
    st.none() | st.sampled_from(ALL),
    st.none() | seconds,
    st.lists(seconds, max_size=5),
    st.booleans(),
    seconds,
    rules_of_a_cabin,
)
def test_the_time_left_is_always_a_time(
    todo: tuple[TaskName, ...],
    running: TaskName | None,
    seated: float | None,
    ends: list[float],
    more: bool,
    now: float,
    rules: Rules,
) -> None:
    progress = Progress(todo, running if running in todo else None, seated, tuple(sorted(ends)), more)
    assert rules.closing_s <= time_left(progress, now, rules) + 1e-6


def test_an_instrument_that_the_person_starts_gets_its_time() -> None:
    by_hand = Rules(by_hand=frozenset({"pressure", "size"}))
    usual, longer = timeline(), timeline(rules=by_hand)
    lasts = [{slot.what: slot.end - slot.begin for slot in slots} for slots in (usual, longer)]
    assert {name: lasts[1][name] - lasts[0][name] for name in ("size", "pressure", "oximetry")} == pytest.approx(
        {"size": BY_HAND_S, "pressure": BY_HAND_S, "oximetry": 0.0}
    )
    assert longer[-1].end <= by_hand.budget_s
    seated = Progress(("pressure",), seated_at=160.0)
    assert rest_needed(seated, Rules()) > rest_needed(seated, by_hand) >= by_hand.rest_minimum_s
    assert time_left(seated, 170.0, by_hand) > 0
