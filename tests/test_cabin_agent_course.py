"""Where the measures of a visit stand, and how a restart takes them up again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.course import Course, directed, not_measured, resumed
from cabin_agent.plan import TASKS, Progress, Rules, Start, TaskName, next_step, pressure_due
from cabin_agent.results import Measure, NotMeasured, Outcome
from cabin_agent.visit import Visit
from cabin_agent.visit_table import State
from tests.fake_face import problems_of
from tests.visits import CUFF, evidence, outcomes, pressure

RULES = Rules()
ALL: list[TaskName] = list(TASKS)
(WEIGHT, HEIGHT, BMI, SPO2, PULSE, HEART, TEMPERATURE, FIRST, SECOND, THIRD, MEAN, ECG, HEARING) = outcomes()
SIZE = (WEIGHT, HEIGHT, BMI)
TASK = {"$ref": "#/components/schemas/Visit/properties/plan"}
REST = {"$ref": "#/components/schemas/Visit/properties/rest"}


def visit(*done: Outcome, boot: str = "boot", **more: object) -> Visit:
    known: dict[str, object] = {"state": State.MEASURES, "boot_id": boot, "started_s": 1000.0, "outcomes": done}
    return Visit(**(known | more))  # type: ignore[arg-type]


def test_a_fresh_course_has_everything_to_do() -> None:
    course = resumed(visit(), "boot", 1036.0)
    assert course == Course(begun_at=1000.0, todo=ALL)
    assert course.progress() == Progress(tuple(ALL))


def test_only_what_the_appointment_asks_for_is_to_do() -> None:
    assert resumed(visit(measures=("spo2", "bmi")), "boot", 1036.0).todo == ["size", "oximetry"]


def test_the_plan_counts_in_seconds_of_the_visit() -> None:
    course = Course(1000.0, ["pressure"], seated_at=1061.0, reading_ends=[1391.0, 1481.0], running="pressure")
    assert course.progress() == Progress(("pressure",), "pressure", 61.0, (391.0, 481.0), True)


def test_more_readings_follow_from_what_was_taken() -> None:
    course = Course(0.0, ["pressure"], outcomes=[FIRST, SECOND], reading_ends=[391.0, 481.0])
    assert course.progress().more_readings
    course.outcomes.append(THIRD)
    assert not course.progress().more_readings
    failed = Course(0.0, ["pressure"], outcomes=[FIRST], reading_ends=[1.0, 2.0, 3.0, 4.0, 5.0])
    assert not failed.progress().more_readings


def test_settling_a_task_takes_it_off_the_list() -> None:
    course = Course(0.0, ["ecg", "pressure"])
    course.settle("ecg", "failed")
    assert (course.todo, course.states) == (["pressure"], {"ecg": "failed"})
    with pytest.raises(ValueError, match="not in list"):
        course.settle("ecg", "done")


def test_the_same_boot_resumes_with_its_rest_and_its_gaps() -> None:
    stored = visit(*SIZE, FIRST, seated_s=1061.0, reading_ends_s=(1391.0, 1481.0))
    course = resumed(stored, "boot", 1500.0)
    assert (course.begun_at, course.seated_at, course.reading_ends) == (1000.0, 1061.0, [1391.0, 1481.0])
    assert (course.todo, course.states) == (ALL[1:], {"size": "done"})
    assert pressure_due(course.progress(), RULES) == 541.0


def test_another_boot_keeps_what_was_measured_and_begins_the_rest_anew() -> None:
    stored = visit(*SIZE, SPO2, PULSE, FIRST, SECOND, seated_s=1061.0, reading_ends_s=(1391.0, 1450.0, 1481.0))
    course = resumed(stored, "another", 7.0)
    assert (course.begun_at, course.seated_at, course.reading_ends) == (7.0, None, [7.0, 7.0])
    assert course.states == {"size": "done", "oximetry": "done"}
    assert course.outcomes == [*SIZE, SPO2, PULSE, FIRST, SECOND]
    course.seated_at = 12.0
    assert pressure_due(course.progress(), RULES) == 5.0 + 300.0
    assert next_step(course.progress(), 305.0, RULES) == Start("pressure")


def test_what_failed_was_refused_or_gave_a_part_is_not_done_again() -> None:
    ecg_only = (ECG, NotMeasured("heart_rate", "failed", "too-few-beats"))
    refused = (NotMeasured("spo2", "refused"), NotMeasured("pulse_rate", "refused"))
    absent = (NotMeasured("temperature", "absent", "unplugged"),)
    course = resumed(visit(*SIZE, *refused, *absent, *ecg_only), "boot", 1100.0)
    assert course.states == {"size": "done", "oximetry": "skipped", "temperature": "failed", "ecg": "done"}
    assert course.todo == ["hearing", "pressure"]


def test_a_pressure_with_its_mean_is_done_and_one_without_is_not() -> None:
    assert "pressure" in resumed(visit(FIRST, SECOND), "boot", 1100.0).todo
    assert resumed(visit(FIRST, SECOND, THIRD, MEAN), "boot", 1100.0).states["pressure"] == "done"
    missing = not_measured("pressure", "failed", "loose-cuff", but=(FIRST,))
    course = resumed(visit(FIRST, *missing), "boot", 1100.0)
    assert course.states["pressure"] == "done"  # one accepted reading is there to be read


@given(st.sets(st.sampled_from(ALL)), st.booleans())
def test_resuming_settles_exactly_what_has_its_outcomes(done: set[TaskName], same: bool) -> None:
    told = [outcome for task in ALL if task in done for outcome in not_measured(task, "failed", "timeout")]
    course = resumed(visit(*told), "boot" if same else "another", 1100.0)
    assert [*course.todo] == [task for task in ALL if task not in done]
    assert course.states == {task: "failed" for task in ALL if task in done}
    assert course.outcomes == told


def test_a_resumed_course_is_not_the_stored_visit() -> None:
    stored = visit(WEIGHT, reading_ends_s=(1391.0,))
    course = resumed(stored, "boot", 1400.0)
    course.outcomes.append(SPO2)
    course.reading_ends.append(1.0)
    assert (stored.outcomes, stored.reading_ends_s) == ((WEIGHT,), (1391.0,))


# --- as the screens see it --------------------------------------------------------------------------------------


def test_the_view_tells_each_task_once_in_the_order_of_the_plan() -> None:
    course = Course(1000.0, ["oximetry", "pressure"], running="oximetry", attempt=2)
    course.states = {"hearing": "skipped", "size": "done"}
    view = course.view(1100.0, RULES)
    assert view["plan"] == [
        {"task": "size", "number": 1, "instrument": "scale", "state": "done", "attempt": 0},
        {"task": "oximetry", "number": 2, "instrument": "oximeter", "state": "running", "attempt": 2},
        {"task": "hearing", "number": 5, "instrument": "audiometer", "state": "skipped", "attempt": 0},
        {"task": "pressure", "number": 6, "instrument": "tensiometer", "state": "waiting", "attempt": 0},
    ]
    assert (view["running"], view["rest"]) == (["oximetry"], None)
    assert view["attempts"] == {"attempt": 2, "of": 3}
    assert problems_of([{**row, "name": "the screen's"} for row in view["plan"]], TASK) == []


def test_the_view_tells_the_rest_and_the_time_left() -> None:
    course = Course(1000.0, ["pressure"], seated_at=1061.0)
    view = course.view(1100.04, RULES)
    assert view["rest"] == {"seconds": 39.0, "needed": 300.0, "next_s": 261.0}
    assert view["left_s"] == 495.0
    assert problems_of(view["rest"], REST) == []


def test_a_shortened_rest_is_told_as_it_is() -> None:
    assert Course(0.0, ["pressure"], seated_at=150.0).view(151.0, RULES)["rest"] == {
        "seconds": 1.0,
        "needed": 216.0,
        "next_s": 215.0,
    }


def test_nothing_runs_in_a_course_that_is_over() -> None:
    view = Course(0.0, [], states={"size": "done"}).view(600.0, RULES)
    assert (view["running"], view["left_s"], view["attempts"]) == ([], 24.0, None)
    assert [each["task"] for each in view["plan"]] == ["size"]


# --- where a doctor directs -------------------------------------------------------------------------------------


def test_nothing_is_planned_where_a_doctor_directs() -> None:
    stored = visit(*SIZE, SPO2, FIRST, NotMeasured("hearing", "refused"), measures=("ecg",), seated_s=1061.0)
    course = directed(stored, "boot", 1100.0)
    assert course.todo == []
    assert course.states == {"size": "done", "oximetry": "done", "hearing": "skipped", "pressure": "done"}
    assert course.outcomes == [*stored.outcomes]
    view = course.directed_view(1100.0, RULES)
    assert [row["task"] for row in view["plan"]] == ["size", "oximetry", "hearing", "pressure"]
    assert (view["left_s"], view["rest"]) == (None, {"seconds": 39.0, "needed": 300.0, "next_s": None})


def test_what_was_ordered_is_shown_when_it_runs_for_the_first_time() -> None:
    course = directed(visit(), "boot", 1100.0)
    assert course.directed_view(1100.0, RULES)["plan"] == []
    course.running, course.attempt = "ecg", 1
    (row,) = course.directed_view(1100.0, RULES)["plan"]
    assert (row["task"], row["state"], row["attempt"]) == ("ecg", "running", 1)


def test_after_another_boot_the_agent_sits_down_anew() -> None:
    course = directed(visit(FIRST, seated_s=1061.0, reading_ends_s=(1391.0,)), "another", 7.0)
    assert (course.seated_at, course.directed_view(8.0, RULES)["rest"]) == (None, None)


# --- what was not measured --------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ALL)
def test_a_task_without_result_leaves_one_reason_for_each_measure(task: TaskName) -> None:
    missing = not_measured(task, "refused", "")
    assert missing == tuple(NotMeasured(name, "refused", "") for name in TASKS[task].yields)


def test_what_is_there_already_is_not_missing() -> None:
    reading = pressure(120.0, 80.0, evidence(CUFF))
    (mean,) = not_measured("pressure", "failed", "movement", but=(reading,))
    assert mean == NotMeasured("blood_pressure_mean", "failed", "movement")
    assert not isinstance(mean, Measure)
